"""How is the outcome of an expectation said in German, to on-call staff and to readers of the portal?

A sentence is made of the suite's own words (columns, bounds, allowed values) and of counts. What was observed in the
data never enters it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from stadtdaten.german import number, share

Kwargs = Mapping[str, Any]

ISO_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:T.*)?$")
OPERATORS = {"==": "gleich", "!=": "ungleich", "IN": "unter", "NOT_IN": "nicht unter"}


def sentence(
    kind: str, kwargs: Kwargs, table: str, success: bool, checked: int, unexpected: int, counts: Mapping[str, Any]
) -> str:
    """The outcome in one sentence; ``counts`` is the result of Great Expectations, of which only counts are used."""
    if kind in OF_TABLE:
        subject = f"Spalte {kwargs['column']}" if "column" in kwargs else f"Tabelle {table}"
        return f"{subject}: {OF_TABLE[kind](kwargs, success, counts)}."
    if not checked:
        word = "eingehalten" if success else "nicht eingehalten"
        return f"{_subject(kwargs, table)}: Regel {kind} {word}{_condition(kwargs)}."
    noun, predicate = OF_ROWS[kind](kwargs) if kind in OF_ROWS else ("Werten", f"entgegen der Regel {kind}")
    text = f"{_subject(kwargs, table)}: {_amount(unexpected, checked, noun)} {predicate}{_condition(kwargs)}"
    if unexpected and kwargs.get("mostly", 1) < 1:
        text += f", erlaubt sind höchstens {share(1 - kwargs['mostly'])}"
    swapped = (counts.get("details") or {}).get("swapped", 0)
    if swapped:
        text += f"; Rechts- und Hochwert sind vermutlich vertauscht ({number(swapped)} lägen sonst im Rechteck)"
    return f"{text}."


def broken_sentence(kind: str, kwargs: Kwargs, table: str) -> str:
    """For an expectation that could not be evaluated at all."""
    return (
        f"{_subject(kwargs, table)}: Die Prüfung {kind} ließ sich nicht ausführen; "
        "eine Spalte fehlt oder hat einen anderen Typ als die Suite annimmt."
    )


def _subject(kwargs: Kwargs, table: str) -> str:
    if "column" in kwargs:
        return f"Spalte {kwargs['column']}"
    if "column_A" in kwargs:
        return f"Spalten {kwargs['column_A']} und {kwargs['column_B']}"
    if "column_list" in kwargs:
        return f"Tabelle {table}, Spalten {', '.join(kwargs['column_list'])}"
    return f"Tabelle {table}"


def _amount(unexpected: int, checked: int, noun: str) -> str:
    if not unexpected:
        return f"0 von {number(checked)} {noun}"
    return f"{number(unexpected)} von {number(checked)} {noun} ({share(unexpected / checked)})"


def _bound(value: Any) -> str:
    if isinstance(value, bool):
        return "ja" if value else "nein"
    if isinstance(value, int | float):
        # A year stays whole, a coordinate does not.
        text = f"{value:,}" if abs(value) >= 10_000 else f"{value}"
        return text.removesuffix(".0").translate(str.maketrans(",.", ".,"))
    day = ISO_DAY.match(str(value))
    return "{2}.{1}.{0}".format(*day.groups()) if day else str(value)


def _condition(kwargs: Kwargs) -> str:
    condition = kwargs.get("row_condition")
    return f" (nur Zeilen mit {_condition_words(condition)})" if condition else ""


def _condition_words(condition: Mapping[str, Any]) -> str:
    if condition["type"] in ("and", "or"):
        joint = " und " if condition["type"] == "and" else " oder "
        return joint.join(_condition_words(part) for part in condition["conditions"])
    column = condition["column"]["name"]
    if condition["type"] == "nullity":
        return f"{column} {'leer' if condition['is_null'] else 'gefüllt'}"
    parameter = condition["parameter"]
    words = ", ".join(_bound(each) for each in parameter) if isinstance(parameter, list) else _bound(parameter)
    return f"{column} {OPERATORS.get(condition['operator'], condition['operator'])} {words}"


def _between(kwargs: Kwargs) -> tuple[str, str]:
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    if high is None:
        return "Werten", f"{'nicht größer' if kwargs.get('strict_min') else 'kleiner'} als {_bound(low)}"
    if low is None:
        return "Werten", f"{'nicht kleiner' if kwargs.get('strict_max') else 'größer'} als {_bound(high)}"
    return "Werten", f"außerhalb von {_bound(low)} bis {_bound(high)}"


def _values(kwargs: Kwargs) -> str:
    values = [_bound(value) for value in kwargs.get("value_set") or []]
    return ", ".join(values[:10]) + (" …" if len(values) > 10 else "")


def _pair(kwargs: Kwargs) -> tuple[str, str]:
    word = "kleiner als" if kwargs.get("or_equal") else "nicht größer als"
    return "Zeilen", f"mit {kwargs['column_A']} {word} {kwargs['column_B']}"


def _rectangle(kwargs: Kwargs) -> tuple[str, str]:
    east = f"Ost {_bound(kwargs['west'])} bis {_bound(kwargs['east'])}"
    return "Geometrien", f"außerhalb von {east}, Nord {_bound(kwargs['south'])} bis {_bound(kwargs['north'])}"


OF_ROWS: dict[str, Callable[[Kwargs], tuple[str, str]]] = {
    "expect_column_values_to_be_between": _between,
    "expect_column_values_to_not_be_null": lambda _: ("Werten", "ohne Angabe"),
    "expect_column_values_to_be_null": lambda _: ("Werten", "gefüllt statt leer"),
    "expect_column_values_to_be_unique": lambda _: ("Werten", "mehrfach vorhanden"),
    "expect_column_values_to_be_in_set": lambda kwargs: ("Werten", f"anders als {_values(kwargs)}"),
    "expect_column_values_to_not_be_in_set": lambda kwargs: ("Werten", f"gleich {_values(kwargs)}"),
    "expect_column_values_to_match_regex": lambda kwargs: ("Werten", f"anders als das Muster {kwargs['regex']}"),
    "expect_column_values_to_not_match_regex": lambda kwargs: ("Werten", f"nach dem Muster {kwargs['regex']}"),
    "expect_column_value_lengths_to_be_between": lambda kwargs: ("Werten", f"mit Länge {_between(kwargs)[1]}"),
    "expect_column_pair_values_a_to_be_greater_than_b": _pair,
    "expect_compound_columns_to_be_unique": lambda _: ("Zeilen", "mit mehrfach vorhandener Kombination"),
    "expect_column_geometries_to_be_valid": lambda _: ("Geometrien", "leer oder ungültig"),
    "expect_column_geometries_to_be_within_bounds": _rectangle,
}
"""Expectation type to what is counted (dative) and what is wrong with those counted."""


def _row_count(kwargs: Kwargs, success: bool, counts: Mapping[str, Any]) -> str:
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    wanted = [f"mindestens {number(low)}"] if low is not None else []
    wanted += [f"höchstens {number(high)}"] if high is not None else []
    return f"{number(int(counts['observed_value']))} Zeilen, verlangt sind {' und '.join(wanted)}"


def _column_names(kwargs: Kwargs, success: bool, counts: Mapping[str, Any]) -> str:
    if success:
        return "Spalten wie vorgesehen"
    wanted = list(kwargs.get("column_set") or kwargs.get("column_list") or [])
    found = list(counts["observed_value"])
    parts = []
    if missing := [name for name in wanted if name not in found]:
        parts.append(f"es fehlen die Spalten {', '.join(missing)}")
    if surplus := [name for name in found if name not in wanted]:
        parts.append(f"nicht vorgesehen sind die Spalten {', '.join(surplus)}")
    return "; ".join(parts) or "die Spalten stehen in anderer Reihenfolge"


def _contained(kwargs: Kwargs, success: bool, counts: Mapping[str, Any]) -> str:
    wanted = f"verlangten Werten ({_values(kwargs)})"
    missing = len(kwargs["value_set"]) if counts.get("missing_count") is None else counts["missing_count"]
    return f"{0 if success else missing} von {len(kwargs['value_set'])} {wanted} nicht vorhanden"


OF_TABLE: dict[str, Callable[[Kwargs, bool, Mapping[str, Any]], str]] = {
    "expect_table_row_count_to_be_between": _row_count,
    "expect_table_columns_to_match_set": _column_names,
    "expect_table_columns_to_match_ordered_list": _column_names,
    "expect_column_distinct_values_to_contain_set": _contained,
}
"""Expectation type to what is said of the table or column as a whole."""
