"""Typed values: German notation as declared, and nothing that only looks like it."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stadtdaten.contracts import City, Table
from stadtdaten.contracts.interfaces import Limits
from stadtdaten.faults import SourceUnreadable
from stadtdaten.read import ReadTable, read_table
from stadtdaten.read.typed.numbers import Notation
from stadtdaten.read.typed.values import Values

ReadText = Callable[..., ReadTable]
GERMAN = {"delimiter": ";", "decimal": ",", "thousands": "."}


def read_cells(read_text: ReadText, cells: list[str], column: Any, **dialect: Any) -> ReadTable:
    rows = "\n".join(f"{number};{cell}" for number, cell in enumerate(cells))
    return read_text(f"nr;wert\n{rows}\n", {"nr": "integer", "wert": column}, **{"delimiter": ";", **dialect})


def test_german_numbers_are_read_as_declared(read_text: ReadText) -> None:
    cells = ["1.234.567,5", "-0,25", "+7", "999", "1234567", ",5", "12.345", ""]
    read = read_cells(read_text, cells, "number", **GERMAN)
    expected = [1234567.5, -0.25, 7.0, 999.0, 1234567.0, 0.5, 12345.0, float("nan")]
    pd.testing.assert_series_equal(read.frame["wert"], pd.Series(expected, name="wert"))


@pytest.mark.parametrize(
    "cell", ["1.5", "1.2345", "12.34.567", "1,2,3", "1.234.56", "NaN", "inf", "1 000", "0x10", "1e999", "٣"]
)
def test_what_is_no_number_in_the_declared_notation_is_an_error_without_the_value(
    read_text: ReadText, cell: str
) -> None:
    with pytest.raises(SourceUnreadable, match="„wert“: 1 von 2 Werten sind keine Zahl") as caught:
        read_cells(read_text, ["1,5", cell], "number", **GERMAN)
    assert cell not in caught.value.message.replace("1 von 2", "")
    (finding,) = caught.value.findings
    assert (finding.table, finding.column, finding.count, finding.total) == ("probe", "wert", 1, 2)


def test_every_unreadable_column_is_told_at_once(read_text: ReadText) -> None:
    with pytest.raises(SourceUnreadable) as caught:
        read_text("aa,bb\nx,y\n1,ja\n", {"aa": "integer", "bb": "boolean"})
    assert [(finding.column, finding.count) for finding in caught.value.findings] == [("aa", 1), ("bb", 2)]


def test_integers_are_exact(read_text: ReadText) -> None:
    read = read_cells(read_text, ["9007199254740993", "-1.234", "007", ""], "integer", **GERMAN)
    assert read.frame["wert"].dtype == "Int64"
    assert read.frame["wert"].tolist()[:3] == [9007199254740993, -1234, 7]
    assert read.frame["wert"].isna().tolist() == [False, False, False, True]


@pytest.mark.parametrize("cell", ["1,0", "1.5", "12345678901234567890", "--1"])
def test_what_is_no_whole_number_is_an_error(read_text: ReadText, cell: str) -> None:
    with pytest.raises(SourceUnreadable, match="ganze Zahl"):
        read_cells(read_text, [cell], "integer", **GERMAN)


def test_missing_markers_are_met_as_text_and_as_numbers_and_counted(read_text: ReadText) -> None:
    column = {"type": "number", "missing": {"-999": "ausgefallen", "n/a": "nicht gemessen", "": "leer"}}
    read = read_cells(read_text, ["-999", " -999,0", "n/a", "", "-99,9"], column, **GERMAN)
    assert read.frame["wert"].isna().tolist() == [True, True, True, True, False]
    assert [(repair.kind, repair.column, repair.count, repair.detail) for repair in read.repairs] == [
        ("outer_space", "wert", 1, "Leerraum um den Wert entfernt"),
        ("missing_marker", "wert", 2, "ausgefallen"), ("missing_marker", "wert", 1, "nicht gemessen"),
        ("missing_marker", "wert", 1, "leer"),
    ]  # fmt: skip


def test_a_marker_in_a_text_column_is_met_as_written_only(read_text: ReadText) -> None:
    read = read_cells(read_text, ["0", "0.0", "00"], {"type": "string", "missing": {"0": "unbekannt"}})
    assert read.frame["wert"].isna().tolist() == [True, False, False]


def test_space_around_a_number_is_removed_and_told_but_text_is_left_alone(read_text: ReadText) -> None:
    read = read_text("aa,bb\n 7 , x \n", {"aa": "integer", "bb": "string"})
    assert read.frame.iloc[0].tolist() == [7, " x "]
    assert [(repair.kind, repair.column, repair.count) for repair in read.repairs] == [("outer_space", "aa", 1)]


def test_booleans_are_read_as_declared(read_text: ReadText) -> None:
    read = read_cells(read_text, ["ja", "nein", ""], {"type": "boolean", "true": "ja", "false": "nein"})
    assert read.frame["wert"].dtype == "boolean"
    assert read.frame["wert"].tolist()[:2] == [True, False] and read.frame["wert"].isna()[2]
    with pytest.raises(SourceUnreadable, match="Wahrheitswerte"):
        read_cells(read_text, ["Ja"], {"type": "boolean", "true": "ja", "false": "nein"})


def test_dates_are_read_in_the_declared_format(read_text: ReadText) -> None:
    read = read_cells(read_text, ["31.12.2025", "01.02.2026", ""], {"type": "date", "format": "%d.%m.%Y"})
    assert read.frame["wert"].dtype == "datetime64[us]"
    assert read.frame["wert"].dt.strftime("%Y-%m-%d").tolist()[:2] == ["2025-12-31", "2026-02-01"]


@pytest.mark.parametrize("cell", ["31.02.2026", "2026-02-01", "01.02.26", "01.02.2026 10:00"])
def test_what_is_no_date_in_the_declared_format_is_an_error(read_text: ReadText, cell: str) -> None:
    with pytest.raises(SourceUnreadable, match="kein Datum"):
        read_cells(read_text, ["01.02.2026", cell], {"type": "date", "format": "%d.%m.%Y"})


@pytest.mark.parametrize("cell", ["01.02.2026", "2026-02-30", "20260201", "2026", "2026-02-01T10:00:00"])
def test_a_date_without_declared_format_is_iso_8601(read_text: ReadText, cell: str) -> None:
    with pytest.raises(SourceUnreadable, match="kein Datum"):
        read_cells(read_text, ["2026-02-01", "2026-02-01T00:00:00", cell], "date")


def test_local_times_get_the_citys_time_zone(read_text: ReadText) -> None:
    cells = ["01.07.2026 12:00", "01.01.2026 12:00"]
    read = read_cells(read_text, cells, {"type": "datetime", "format": "%d.%m.%Y %H:%M"})
    assert str(read.frame["wert"].dtype) == "datetime64[us, Europe/Berlin]"
    assert [stamp.isoformat() for stamp in read.frame["wert"]] == [
        "2026-07-01T12:00:00+02:00",
        "2026-01-01T12:00:00+01:00",
    ]


def test_times_with_an_offset_are_instants_also_in_the_double_hour(read_text: ReadText) -> None:
    cells = ["2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2026-10-25T01:30:00Z", "2026-07-01 12:00"]
    read = read_cells(read_text, cells, "datetime")
    assert [stamp.isoformat() for stamp in read.frame["wert"]] == [
        "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2026-10-25T02:30:00+01:00",
        "2026-07-01T12:00:00+02:00",
    ]  # fmt: skip


def test_the_double_hour_of_autumn_is_an_error(read_text: ReadText) -> None:
    with pytest.raises(SourceUnreadable, match="1 von 2 Werten liegen in der doppelten Stunde"):
        read_cells(read_text, ["2026-10-25 02:30", "2026-10-25 03:30"], "datetime")


def test_the_lost_hour_of_spring_is_an_error(read_text: ReadText) -> None:
    with pytest.raises(SourceUnreadable, match="1 von 2 Werten liegen in der ausgefallenen Stunde"):
        read_cells(read_text, ["2026-03-29 02:30", "2026-03-29 03:30"], "datetime")


@pytest.mark.parametrize(
    "cell", ["2026", "2026-02-01", "12:00", "2026-02-30 12:00", "01.02.2026 12:00", "2026-02-01T25:00"]
)
def test_what_is_no_moment_is_an_error(read_text: ReadText, cell: str) -> None:
    with pytest.raises(SourceUnreadable, match="kein Zeitpunkt"):
        read_cells(read_text, ["2026-02-01T12:00", cell], "datetime")


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    numbers=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=5),
    grouped=st.lists(st.integers(-(10**15), 10**15), min_size=1, max_size=5),
    notation=st.sampled_from([(".", ""), (",", ""), (",", "."), (".", ","), (",", " ")]),
)
def test_numbers_written_in_a_declared_notation_are_read_back_exactly(
    table: Callable[..., Table], city: City, numbers: list[float], grouped: list[int], notation: tuple[str, str]
) -> None:
    decimal, thousands = notation
    written = [repr(number).replace(".", decimal) for number in numbers]
    written += [f"{number:,}".replace(",", thousands) for number in grouped]
    probe = table(
        {"format": "csv", "delimiter": ";", "decimal": decimal, "thousands": thousands},
        {"nr": "integer", "wert": "number"},
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "probe.csv"
        file.write_text("nr;wert\n" + "".join(f"{nr};{cell}\n" for nr, cell in enumerate(written)), encoding="utf-8")
        read = read_table(probe, (file,), city, Limits())
    assert read.frame["wert"].tolist() == [*numbers, *map(float, grouped)]


@pytest.mark.parametrize("word", ["now", "today"])
def test_a_word_is_never_the_time_of_the_run(read_text: ReadText, word: str) -> None:
    column = {"type": "datetime", "format": "%d.%m.%Y %H:%M"}
    with pytest.raises(SourceUnreadable, match="„wert“: 1 von 2 Werten sind kein Zeitpunkt"):
        read_cells(read_text, ["01.02.2026 10:00", word], column)


def test_a_nul_in_a_text_is_an_error(read_text: ReadText) -> None:
    with pytest.raises(SourceUnreadable, match="„wert“: 1 von 2 Werten enthalten ein NUL-Zeichen"):
        read_cells(read_text, ["Eiche", "Ei\x00che"], "string")


def told(read: ReadTable, *kinds: str) -> list[tuple[str, str, int]]:
    return [(repair.kind, repair.column, repair.count) for repair in read.repairs if repair.kind in kinds]


@pytest.mark.parametrize("blank", [" ", "\u00a0", "\u202f"])
def test_a_blank_between_groups_may_be_any_of_three(read_text: ReadText, blank: str) -> None:
    cells = [f"1{blank}234,5", f"-12{blank}345{blank}678", "999"]
    read = read_cells(read_text, cells, "number", decimal=",", thousands=" ")
    assert read.frame["wert"].tolist() == [1234.5, -12345678.0, 999.0]


@pytest.mark.parametrize("apostrophe", ["'", "\u2019"])
def test_an_apostrophe_between_groups_may_be_curly(read_text: ReadText, apostrophe: str) -> None:
    read = read_cells(read_text, [f"1{apostrophe}234.50"], "number", decimal=".", thousands="'")
    assert read.frame["wert"].tolist() == [1234.5]


@pytest.mark.parametrize("kind", ["integer", "number"])
@pytest.mark.parametrize("cell", ["1.23.456", "1234.567", ".123", "1.234.", "1..234", "1 234", "1.2345", "0.12.3"])
def test_a_wrong_grouping_is_an_error(read_text: ReadText, cell: str, kind: str) -> None:
    with pytest.raises(SourceUnreadable, match="„wert“: 1 von 2 Werten sind keine"):
        read_cells(read_text, ["1.234", cell], kind, **GERMAN)


def test_units_are_cut_off_and_counted(read_text: ReadText) -> None:
    column = {"type": "number", "signs": ["€", "EUR", "€/m²"]}
    cells = ["1.234,56 €", "EUR 12", "12€", "€ -3", "7\u00a0€/m²", "5"]
    read = read_cells(read_text, cells, column, **GERMAN)
    assert read.frame["wert"].tolist() == [1234.56, 12.0, 12.0, -3.0, 7.0, 5.0]
    assert told(read, "sign") == [("sign", "wert", 5)]


@pytest.mark.parametrize("cell", ["12 %", "12 € €", "€ 12 €", "€", "12 Euro", "12 €/m", "EUR", "-€ 12"])
def test_a_sign_that_is_not_declared_or_stands_twice_is_an_error(read_text: ReadText, cell: str) -> None:
    with pytest.raises(SourceUnreadable, match="1 von 2 Werten sind keine Zahl") as caught:
        read_cells(read_text, ["12 €", cell], {"type": "number", "signs": ["€", "EUR"]}, **GERMAN)
    assert "signs" in caught.value.next_step


def test_a_percent_sign_in_whole_numbers(read_text: ReadText) -> None:
    read = read_cells(read_text, ["12 %", "100%"], {"type": "integer", "signs": ["%"]}, **GERMAN)
    assert read.frame["wert"].tolist() == [12, 100]


def test_zero_marks_are_the_number_zero(read_text: ReadText) -> None:
    column = {"type": "integer", "zero": ["-", "\u2013"], "missing": {".": "geheim"}}
    read = read_cells(read_text, ["-", "\u2013", ".", "5"], column, **GERMAN)
    assert read.frame["wert"].tolist() == [0, 0, pd.NA, 5]
    assert told(read, "zero_mark", "missing_marker") == [("zero_mark", "wert", 2), ("missing_marker", "wert", 1)]


def test_a_typographic_minus_is_a_minus(read_text: ReadText) -> None:
    read = read_cells(read_text, ["\u221212,5", "\u20131", "-2", "+3"], "number", **GERMAN)
    assert read.frame["wert"].tolist() == [-12.5, -1.0, -2.0, 3.0]
    assert told(read, "minus") == [("minus", "wert", 2)]


def test_a_minus_behind_decimals_is_a_minus_in_a_column_without_others(read_text: ReadText) -> None:
    read = read_cells(read_text, ["123,45-", "1.234,00-", "7,00"], "number", **GERMAN)
    assert read.frame["wert"].tolist() == [-123.45, -1234.0, 7.0]
    assert told(read, "minus") == [("minus", "wert", 2)]


@pytest.mark.parametrize(
    ("cells", "kind"),
    [(["65-"], "number"), (["65-"], "integer"), (["-1,00", "1,00-"], "number"), (["\u22121,00", "1,00-"], "number"),
     (["-1,00-"], "number"), (["1,00--"], "number"), (["1,00 -"], "number")],
)  # fmt: skip
def test_a_minus_behind_that_may_mean_something_else_is_an_error(
    read_text: ReadText, cells: list[str], kind: str
) -> None:
    with pytest.raises(SourceUnreadable, match=f"1 von {len(cells)} Werten sind keine"):
        read_cells(read_text, cells, kind, **GERMAN)


def test_the_largest_and_smallest_integers_are_exact_and_larger_ones_an_error(read_text: ReadText) -> None:
    most = 2**63 - 1
    read = read_cells(read_text, [str(most), f"-{most}", "0007", f"{most:,}".replace(",", ".")], "integer", **GERMAN)
    assert read.frame["wert"].tolist() == [most, -most, 7, most]
    for cell in (str(most + 1), "9" * 19, "-" + "9" * 19, "1" + "0" * 30, "0" * 40, "9.999.999.999.999.999.999"):
        with pytest.raises(SourceUnreadable, match="1 von 2 Werten sind keine ganze Zahl"):
            read_cells(read_text, ["1", cell], "integer", **GERMAN)


def test_a_numeric_marker_counts_as_written_also_where_it_would_be_another_number(read_text: ReadText) -> None:
    column = {"type": "number", "missing": {"9.999": "gestört", "-999": "ausgefallen"}}
    read = read_cells(read_text, ["9.999", "9,999", "9999", "-999,00", "5"], column, **GERMAN)
    assert read.frame["wert"].tolist()[2::2] == [9999.0, 5.0]
    assert read.frame["wert"].isna().tolist() == [True, True, False, True, False]
    assert [repair.count for repair in read.repairs if repair.kind == "missing_marker"] == [2, 1]


def test_a_numeric_marker_hides_the_whole_number_also_where_it_has_decimals(read_text: ReadText) -> None:
    read = read_cells(read_text, ["-999,0", "-999", "5"], {"type": "integer", "missing": {"-999": "aus"}}, **GERMAN)
    assert read.frame["wert"].tolist() == [pd.NA, pd.NA, 5]
    assert told(read, "missing_marker") == [("missing_marker", "wert", 2)]


STATISTICS = {".": "geheim zu halten", "-": "nichts vorhanden", "x": "Nachweis nicht sinnvoll", "...": "später"}


def test_a_marker_column_tells_why_there_is_no_value(read_text: ReadText) -> None:
    read = read_text(
        "nr;wert\n1;.\n2; x \n3;...\n4;5\n5;\n6;-\n",
        {
            "nr": "integer",
            "wert": {"type": "integer", "missing": STATISTICS},
            "grund": {"type": "marker", "source": "wert", "missing": STATISTICS},
        },
        delimiter=";",
        decimal=",",
        thousands=".",
    )
    assert read.frame["wert"].isna().tolist() == [True, True, True, False, True, True]
    reasons = read.frame["grund"]
    assert reasons.dtype == "str"
    assert reasons.fillna("").tolist() == ["geheim zu halten", STATISTICS["x"], "später", "", "", "nichts vorhanden"]
    assert sorted(repair.detail for repair in read.repairs if repair.kind == "missing_marker") == sorted(
        STATISTICS.values()
    )


def test_a_marker_column_meets_a_numeric_marker_however_it_is_written(read_text: ReadText) -> None:
    columns = {
        "nr": "integer",
        "wert": {"type": "number", "missing": {"-999": "ausgefallen"}},
        "grund": {"type": "marker", "source": "wert", "missing": {"-999": "ausgefallen"}},
    }
    read = read_text("nr;wert\n1;-999,0\n2;-999\n3;1\n", columns, delimiter=";", decimal=",", thousands=".")
    assert read.frame["grund"].fillna("").tolist() == ["ausgefallen", "ausgefallen", ""]
    assert read.frame["wert"].isna().tolist() == [True, True, False]


def test_ids_keep_their_leading_zeros_and_spaces(read_text: ReadText) -> None:
    cells = ["05915000", "00123", " 7", "1.234", "+49", "-"]
    read = read_cells(read_text, cells, "string", **GERMAN)
    assert read.frame["wert"].tolist() == cells


def test_lists_are_joined_anew_without_empty_items(read_text: ReadText) -> None:
    column = {"type": "string", "separator": "||"}
    read = read_cells(read_text, ["a||b", "a|| ||b||", "c", "||", "", "x|y"], column, thousands="", decimal=".")
    assert read.frame["wert"].fillna("<NA>").tolist() == ["a; b", "a; b", "c", "<NA>", "<NA>", "x|y"]
    assert told(read, "list") == [("list", "wert", 3)]


def test_a_list_that_the_source_joins_by_the_published_separator_is_no_error(
    table: Callable[..., Table], city: City
) -> None:
    values = Values(
        table({"format": "csv"}, {"wert": {"type": "string", "separator": ";"}}), Notation(), city.timezone, Limits()
    )
    read = values.read({"wert": pa.chunked_array([["a;b", "c", "a; b;"]])})
    values.finish()
    assert read["wert"].tolist() == ["a; b", "c", "a; b"]


def test_a_list_whose_items_hold_the_published_separator_is_an_error(table: Callable[..., Table], city: City) -> None:
    of = table({"format": "csv"}, {"wert": {"type": "string", "separator": "||"}})
    values = Values(of, Notation(), city.timezone, Limits())
    values.read({"wert": pa.chunked_array([["a; b||c", "a||b"]])})
    with pytest.raises(SourceUnreadable, match="1 von 2 Werten sind Listen"):
        values.finish()


@pytest.mark.parametrize("odd", ["\x0b", "\x7f", "\x85", "\x1f"])
def test_control_characters_are_told_and_kept(table: Callable[..., Table], city: City, odd: str) -> None:
    values = Values(table({"format": "csv"}, {"wert": "string"}), Notation(), city.timezone, Limits())
    read = values.read({"wert": pa.chunked_array([[f"Ei{odd}che", "50 m²\t\r\n", "ﬁn"]])})
    values.finish()
    assert read["wert"].tolist() == [f"Ei{odd}che", "50 m²\t\r\n", "ﬁn"]
    assert [(repair.kind, repair.count, repair.nature) for repair in values.repairs] == [
        ("control_character", 1, "detected")
    ]


def test_a_cell_longer_than_the_limit_is_an_error(table: Callable[..., Table], city: City) -> None:
    values = Values(table({"format": "csv"}, {"wert": "string"}), Notation(), city.timezone, Limits(cell=4))
    values.read({"wert": pa.chunked_array([["ääää", "aaaaa", None]])})
    with pytest.raises(SourceUnreadable, match="1 von 3 Werten sind länger als die erlaubten 4 Zeichen"):
        values.finish()


def test_values_that_a_reader_has_typed_are_checked_all_the_same(table: Callable[..., Table], city: City) -> None:
    columns = {
        "zahl": {"type": "number", "missing": {"-999": "ausgefallen"}}, "ganz": "integer", "ja": "boolean",
        "tag": "date", "um": {"type": "datetime", "clock": "utc"},
        "grund": {"type": "marker", "source": "zahl", "missing": {"-999": "ausgefallen"}},
    }  # fmt: skip
    cells = {
        "zahl": pa.chunked_array([pa.array([1.5, None, -999.0])]),
        "ganz": pa.chunked_array([pa.array([1, None, 2**62])]),
        "ja": pa.chunked_array([pa.array([True, None, False])]),
        "tag": pa.chunked_array([pa.array(["2026-02-01", None, "2026-02-02"]).cast(pa.date32())]),
        "um": pa.chunked_array([pa.array(["2026-07-01T10:00", None, "2026-01-01T10:00"]).cast(pa.timestamp("s"))]),
    }  # fmt: skip
    values = Values(table({"format": "csv"}, columns), Notation(), city.timezone, Limits())
    read = values.read(cells)
    values.finish()
    assert {name: str(series.dtype) for name, series in read.items()} == {
        "zahl": "float64", "ganz": "Int64", "ja": "boolean", "tag": "datetime64[us]",
        "um": "datetime64[us, Europe/Berlin]", "grund": "str",
    }  # fmt: skip
    assert read["zahl"].isna().tolist() == [False, True, True]
    assert read["grund"].fillna("").tolist() == ["", "", "ausgefallen"]
    assert read["ganz"].tolist() == [1, pd.NA, 2**62]
    assert [moment.isoformat() for moment in read["um"].dropna()] == [
        "2026-07-01T12:00:00+02:00", "2026-01-01T11:00:00+01:00"
    ]  # fmt: skip
    values.read({**cells, "zahl": pa.chunked_array([pa.array([float("inf"), float("nan"), 1.0])])})
    with pytest.raises(SourceUnreadable, match="„zahl“: 2 von 3 Werten sind keine Zahl"):
        values.finish()


def grouped(digits: str, sign: str) -> str:
    """Independent of the reader: groups of three from the right."""
    head = len(digits) % 3
    groups = [digits[:head]] if head else []
    return sign.join(groups + [digits[at : at + 3] for at in range(head, len(digits), 3)])


@settings(max_examples=200, deadline=None)
@given(
    amounts=st.lists(
        st.tuples(st.booleans(), st.integers(0, 10**14), st.none() | st.text("0123456789", min_size=1, max_size=3)),
        min_size=1, max_size=6,
    ),
    notation=st.sampled_from(
        [(".", ""), (",", ""), (",", "."), (".", ","), (",", " "), (",", "\u00a0"), (",", "\u202f"), (".", "'")]
    ),
    minus=st.sampled_from(["-", "\u2212", "\u2013"]),
    unit=st.sampled_from(["", " €", "€", "\u00a0€", "EUR "]),
    around=st.sampled_from(["", " ", "\u00a0", "\t"]),
)  # fmt: skip
def test_every_declared_way_to_write_a_number_is_read_back_exactly(
    table: Callable[..., Table], city: City, amounts: list[tuple[bool, int, str | None]], notation: tuple[str, str],
    minus: str, unit: str, around: str,
) -> None:  # fmt: skip
    decimal, thousands = notation
    cells, expected = [], []
    for negative, whole, fraction in amounts:
        text = (minus if negative else "") + grouped(str(whole), thousands) + (decimal + fraction if fraction else "")
        text = text + unit if not unit.startswith("EUR") else unit + text
        cells.append(around + text + around)
        expected.append(float(f"{'-' if negative else ''}{whole}.{fraction or 0}"))
    of = table({"format": "csv"}, {"wert": {"type": "number", "signs": ["€", "EUR"]}})
    declared = Notation(decimal, " " if thousands in ("\u00a0", "\u202f") else thousands)
    values = Values(of, declared, city.timezone, Limits())
    read = values.read({"wert": pa.chunked_array([cells])})
    values.finish()
    assert read["wert"].tolist() == expected


ONE_NUMBER = {
    notation: re.compile(
        rf"[+-]?(\d{{1,3}}({re.escape(notation.thousands)}\d{{3}})*|\d+)({re.escape(notation.decimal)}\d+)?", re.ASCII
    )
    for notation in (Notation(",", "."), Notation(".", ","))
}


@settings(max_examples=400, deadline=None)
@given(
    cell=st.text("0123456789.,+-−–eE €%x\u00a0\n'", min_size=1, max_size=9),
    notation=st.sampled_from(list(ONE_NUMBER)),
    kind=st.sampled_from(["number", "integer"]),
)
def test_what_looks_almost_like_a_number_is_that_number_or_stopped(
    table: Callable[..., Table], city: City, cell: str, notation: Notation, kind: str
) -> None:
    values = Values(table({"format": "csv"}, {"wert": kind}), notation, city.timezone, Limits())
    read = values.read({"wert": pa.chunked_array([[cell]])})["wert"]
    try:
        values.finish()
    except SourceUnreadable:
        return
    plain = cell.strip().replace("\u2212", "-").replace("\u2013", "-")
    if plain.endswith("-"):
        assert notation.decimal in plain and kind == "number"
        plain = "-" + plain[:-1]
    mantissa, _, exponent = plain.lower().partition("e")
    if not plain:
        assert read.isna().all()
    elif mantissa.startswith((notation.decimal, "-" + notation.decimal)):
        mantissa = mantissa.replace(notation.decimal, "0" + notation.decimal)
    if plain:
        assert ONE_NUMBER[notation].fullmatch(mantissa)
        english = mantissa.replace(notation.thousands, "").replace(notation.decimal, ".")
        assert read.tolist() == [float(f"{english}e{exponent or 0}")]
