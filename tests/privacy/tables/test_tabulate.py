"""Counts, sums and totals; cells that are held back, in one table, in linked ones and after earlier releases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stadtdaten.contracts.model import Table
from stadtdaten.faults import GateFailed, Misconfigured
from stadtdaten.frames import PublishedCells
from stadtdaten.privacy.columns import published_columns
from stadtdaten.privacy.context import Context
from stadtdaten.privacy.tables.attack import attack
from stadtdaten.privacy.tables.published import encode
from stadtdaten.privacy.tables.tabulate import Tabulated, tabulate

TOTAL = "Insgesamt"
SECRET = "ein Geheimnis, das lang genug ist, um eines zu sein"
DTYPES = {"string": "str", "integer": "Int64", "number": "Float64", "date": "datetime64[us]"}
AGE_BANDS = {"kind": "bands", "edges": [0, 3, 6]}

SPANNING = ("bezirk", "sozialraum", "alter", "geschlecht", "branche")


def table(name: str, method: str, spec: dict[str, Any], **columns: dict[str, Any]) -> Table:
    """A table with the dimensions of ``spec`` (text, class quasi_identifier) and its measure; ``columns`` say more."""
    declared = {dimension: {"type": "string", "class": "quasi_identifier"} for dimension in spec["dimensions"]}
    if spec.get("count"):
        declared[spec["count"]] = {"type": "integer", "class": "count"}
    if spec.get("magnitude"):
        declared[spec["magnitude"]] = {"type": "number", "class": "magnitude"}
    for column, more in columns.items():
        declared[column] = declared.get(column, {}) | more
    listed = [{"name": each, "source": each, "title": each.title(), **more} for each, more in declared.items()]
    return Table.model_validate(
        {"id": name, "title": name, "resource": "melderegister", "reading": {"format": "rows"}, "key": [],
         "columns": listed, method: spec}
    )  # fmt: skip


def counts(name: str, *dimensions: str, **more: Any) -> Table:
    """A frequency table over the dimensions, all with totals but ``stichtag`` and ``jahr``; ``count: anzahl``."""
    margins = [each for each in dimensions if each in SPANNING]
    spec = {"dimensions": list(dimensions), "margins": margins, "count": "anzahl", **more}
    dated = {"stichtag": {"type": "date", "class": "public"}} if "stichtag" in dimensions else {}
    return table(name, "frequency_table", spec, **dated)


def rows(table: Table, values: Sequence[tuple[Any, ...]]) -> pd.DataFrame:
    """A treated frame: the values are those of the table's columns in their order; columns of bands hold labels."""
    frame = pd.DataFrame(values, columns=[column.name for column in table.columns])
    types = {c.name: "str" if c.treatment else DTYPES[c.type] for c in table.columns}
    return frame.astype(types)


def made(
    frames: Mapping[Table, pd.DataFrame] | Sequence[tuple[Table, pd.DataFrame]], **context: Any
) -> dict[str, Tabulated]:
    pairs = list(frames)
    handed_in = {"today": date(2026, 1, 15), "key": lambda connection: SECRET} | context
    return tabulate({table.id: frame for table, frame in pairs}, [table for table, _ in pairs], Context(**handed_in))


def one(table: Table, frame: pd.DataFrame, **context: Any) -> Tabulated:
    return made([(table, frame)], **context)[table.id]


def cell(frame: pd.DataFrame, **where: str) -> pd.Series:
    for name in set(SPANNING) & set(frame.columns):
        frame = frame[frame[name] == where.get(name, TOTAL)]
    assert len(frame) == 1
    return frame.iloc[0]


def release(table: Table, frame: pd.DataFrame, number: int = 1) -> PublishedCells:
    """The published frame as it is kept for the next release."""
    return PublishedCells(
        dataset="personen", table=table.id, release=str(number), published_at=datetime(2025, 1, number, tzinfo=UTC),
        content=encode(frame, table),
    )  # fmt: skip


def filled(table: Table, count: int, **values: Sequence[str]) -> list[tuple[Any, ...]]:
    """A row with ``count`` for each combination of the values, in the order of the table's columns."""
    index = pd.MultiIndex.from_product(values.values(), names=values.keys()).to_frame(index=False)
    index["anzahl"] = count
    return list(index[[column.name for column in table.columns]].itertuples(index=False, name=None))


DISTRICTS = counts("bezirke", "bezirk", "geschlecht")
SQUARE = filled(DISTRICTS, 50, bezirk=["Mitte", "Nord", "Süd"], geschlecht=["m", "w", "x"])


# One table


def test_totals_stand_for_every_combination_and_last():
    spec = counts("alle", "bezirk", "alter", "geschlecht")
    treated = rows(
        spec, [("Mitte", "a", "w", 10), ("Mitte", "b", "m", 20), ("Nord", "a", "m", 30), ("Nord", "a", "m", 5)]
    )
    found = one(spec, treated)
    published = found.frame
    assert list(published.columns) == [column.name for column in published_columns(spec)]
    assert len(published) == 3 * 3 * 3 == found.cells
    assert cell(published)["anzahl"] == 65
    assert cell(published, bezirk="Nord", alter="a")["anzahl"] == 35
    assert cell(published, bezirk="Nord", geschlecht="w")["anzahl"] == 0
    assert list(published["bezirk"].unique()) == ["Mitte", "Nord", TOTAL]
    assert list(published.iloc[-1][["bezirk", "alter", "geschlecht"]]) == [TOTAL] * 3
    assert (found.primary, found.secondary) == (0, 0)
    assert published["anzahl"].dtype == "Int64"


def test_bands_stand_in_their_own_order():
    spec = table(
        "alter", "frequency_table", {"dimensions": ["alter"], "margins": ["alter"], "count": "anzahl"},
        alter={"type": "integer", "treatment": {"kind": "bands", "edges": [0, 3, 10, 20]}},
    )  # fmt: skip
    treated = rows(spec, [("20 und älter", 9), ("10 bis 19", 9), ("3 bis 9", 9), ("0 bis 2", 9)])
    shown = one(spec, treated).frame["alter"]
    assert list(shown) == ["0 bis 2", "3 bis 9", "10 bis 19", "20 und älter", TOTAL]


def test_every_row_is_one_person_where_no_count_is_given():
    spec = counts("personen", "bezirk", count=None, counted="personen")
    published = one(spec, rows(spec, [("Mitte",)] * 4 + [("Nord",)] * 7)).frame
    assert list(published["personen"]) == [4, 7, 11]


def test_a_single_small_cell_takes_others_with_it():
    square = [(b, g, 2 if (b, g) == ("Mitte", "m") else n) for b, g, n in SQUARE]
    found = one(DISTRICTS, rows(DISTRICTS, square))
    small = cell(found.frame, bezirk="Mitte", geschlecht="m")
    assert small["anzahl_geheim"]
    assert pd.isna(small["anzahl"])
    assert found.primary == 1
    assert found.secondary >= 3  # a rectangle of four cells is the least in two dimensions
    assert (found.widths[found.frame["anzahl_geheim"].to_numpy(dtype=bool)] == 3).all()
    assert np.isnan(found.widths[~found.frame["anzahl_geheim"].to_numpy(dtype=bool)]).all()


def test_each_reference_date_is_a_table_of_its_own():
    spec = counts("stand", "stichtag", "bezirk", "geschlecht")
    old = [(pd.Timestamp("2024-12-31"), "Mitte", "w", 10), (pd.Timestamp("2024-12-31"), "Süd", "w", 10)]
    new = [(pd.Timestamp("2025-12-31"), "Mitte", "w", 12)]
    published = one(spec, rows(spec, new + old)).frame
    assert list(published.groupby("stichtag").size()) == [3 * 2, 2 * 2]
    assert published["stichtag"].is_monotonic_increasing
    assert published["stichtag"].dtype == "datetime64[us]"


@pytest.mark.parametrize(("column", "value"), [("anzahl", pd.NA), ("anzahl", -4), ("bezirk", None)])
def test_a_missing_value_or_a_negative_count_stops_the_table(column, value):
    treated = rows(DISTRICTS, SQUARE)
    treated.loc[0, column] = value
    with pytest.raises(GateFailed, match=f"{column}: 1 von 9"):
        one(DISTRICTS, treated)


def test_a_table_without_rows_stops():
    with pytest.raises(GateFailed, match="keine Zeile"):
        one(DISTRICTS, rows(DISTRICTS, SQUARE).head(0))


def test_totals_that_the_source_brings_along_are_not_counted_twice():
    with pytest.raises(Misconfigured, match="bezirk"):
        one(DISTRICTS, rows(DISTRICTS, [*SQUARE, (TOTAL, "m", 450)]))


# Areas that divide each other


NESTED = counts("raeume", "bezirk", "sozialraum", "geschlecht", nested={"sozialraum": "bezirk"})
AREAS = [("Mitte", "M1"), ("Mitte", "M2"), ("Nord", "N1"), ("Nord", "N2"), ("Nord", "N3")]


def test_divided_areas_get_no_rows_for_what_cannot_be():
    published = one(NESTED, rows(NESTED, [(b, s, g, 10) for b, s in AREAS for g in "mw"])).frame
    areas = list(published[["bezirk", "sozialraum"]].drop_duplicates().itertuples(index=False, name=None))
    assert areas == [*AREAS[:2], ("Mitte", TOTAL), *AREAS[2:], ("Nord", TOTAL), (TOTAL, TOTAL)]
    assert cell(published, bezirk="Nord", geschlecht="w")["anzahl"] == 30
    assert cell(published)["anzahl"] == 100


def test_an_area_in_two_districts_is_an_error():
    with pytest.raises(GateFailed, match="1 Wert von sozialraum liegt in mehr als einem Wert von bezirk"):
        one(NESTED, rows(NESTED, [(b, s, "m", 10) for b, s in [*AREAS, ("Nord", "M2")]]))


def test_the_rest_of_a_district_does_not_give_a_small_area_away():
    small = [(b, s, g, 1 if (s, g) == ("M1", "w") else 10) for b, s in AREAS for g in "mw"]
    found = one(NESTED, rows(NESTED, small))
    assert cell(found.frame, bezirk="Mitte", sozialraum="M1", geschlecht="w")["anzahl_geheim"]
    assert found.secondary
    assert not attack({"raeume": found.frame}, [NESTED])["raeume"].narrow


# Linked tables

PEOPLE = st.lists(
    st.tuples(
        st.sampled_from(AREAS),
        st.sampled_from(["0 bis 2", "3 bis 5", "6 und älter"]),
        st.sampled_from(["m", "w"]),
        st.sampled_from([0, 1, 1, 2, 3, 4, 7, 40, 900]),
    ),
    min_size=1,
    max_size=25,
)
LINKED = (
    counts("raeume", "bezirk", "sozialraum", "geschlecht", nested={"sozialraum": "bezirk"}),
    counts("alter", "bezirk", "alter"),
    counts("beides", "alter", "geschlecht", protection={"kind": "suppression", "minimum": 5}),
)


def linked_frames(people: Sequence[tuple[tuple[str, str], str, str, int]]) -> list[tuple[Table, pd.DataFrame]]:
    names = ["bezirk", "sozialraum", "alter", "geschlecht", "anzahl"]
    frame = pd.DataFrame([(*area, *rest) for area, *rest in people], columns=names)
    return [
        (each, frame[[c.name for c in each.columns]].astype({c.name: DTYPES[c.type] for c in each.columns}))
        for each in LINKED
    ]


@given(PEOPLE, st.randoms(use_true_random=False))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_random_set_of_linked_tables_can_be_attacked(people, random):
    found = made(linked_frames(people))
    published = {name: each.frame for name, each in found.items()}
    widths = {name: each.widths for name, each in found.items()}
    assert not any(outcome.narrow for outcome in attack(published, LINKED, widths).values())
    status: dict[frozenset[tuple[str, str]], set[Any]] = {}
    for each in LINKED:
        frame = published[each.id]
        assert each.frequency_table is not None
        shown = frame["anzahl"].dropna()
        assert not ((shown > 0) & (shown < each.frequency_table.protection.minimum)).any()
        assert found[each.id].primary + found[each.id].secondary == int(frame["anzahl_geheim"].sum())
        grand = frame.iloc[-1]
        assert grand["anzahl_geheim"] or grand["anzahl"] == sum(row[-1] for row in people)
        dimensions = list(each.frequency_table.dimensions)
        for values, count in zip(frame[dimensions].itertuples(index=False), frame["anzahl"], strict=True):
            key = frozenset((n, v) for n, v in zip(dimensions, values, strict=True) if v != TOTAL)
            status.setdefault(key, set()).add(None if pd.isna(count) else int(count))
    assert all(len(values) == 1 for values in status.values())
    shuffled = list(people)
    random.shuffle(shuffled)
    for name, again in made(linked_frames(shuffled)).items():
        pd.testing.assert_frame_equal(published[name], again.frame)


def test_a_cell_held_back_in_one_table_is_not_shown_by_another():
    people = [(area, age, sex, 20) for area in AREAS for age in ("0 bis 2", "3 bis 5") for sex in "mw"]
    people = [(a, g, s, 0 if a[0] == "Mitte" and g == "0 bis 2" else n) for a, g, s, n in people]
    people.append((AREAS[0], "0 bis 2", "m", 2))  # Mitte, 0 bis 2: small in one table only
    found = made(linked_frames(people))
    assert cell(found["alter"].frame, bezirk="Mitte", alter="0 bis 2")["anzahl_geheim"]
    assert found["alter"].primary == 1
    assert found["raeume"].primary == 0


def test_different_age_groups_of_the_same_people_are_refused():
    def by_age(name: str, edges: list[int]) -> Table:
        spec = {"dimensions": ["alter"], "margins": ["alter"], "count": "anzahl"}
        return table(
            name, "frequency_table", spec, alter={"type": "integer", "treatment": {"kind": "bands", "edges": edges}}
        )

    fine, other = by_age("fein", [0, 3, 6]), by_age("anders", [0, 4, 6])
    with pytest.raises(GateFailed, match="lassen sich voneinander abziehen"):
        made([(each, rows(each, [("6 und älter", 10)])) for each in (fine, other)])


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (counts("zwei", "stichtag", "bezirk"), "Dimensionen ohne Summe"),
        (counts("zwei", "bezirk", protection={"kind": "rounding"}), "Schutzverfahren"),
        (
            counts("zwei", "stichtag", "bezirk", protection={"kind": "cell_key", "connection": "schluessel"}),
            "Schutzverfahren",
        ),
    ],
)
def test_tables_of_the_same_people_that_cannot_be_protected_together_are_refused(other, reason):
    with pytest.raises(GateFailed, match=reason):
        tabulate({}, [DISTRICTS, other], Context(today=date(2026, 1, 15)))


def test_linked_tables_read_a_moment_apart_are_refused():
    ages = counts("alter", "bezirk", "alter")
    with pytest.raises(GateFailed, match="haben aber verschiedene"):
        made([(DISTRICTS, rows(DISTRICTS, SQUARE)), (ages, rows(ages, [("Mitte", "a", 150), ("Nord", "a", 150)]))])


# Earlier releases


def with_count(changed: Mapping[tuple[str, str], int]) -> pd.DataFrame:
    return rows(DISTRICTS, [(b, g, changed.get((b, g), n)) for b, g, n in SQUARE])


def test_a_cell_held_back_before_is_not_shown_the_night_after():
    first = one(DISTRICTS, with_count({("Mitte", "m"): 2})).frame
    grown = with_count({("Mitte", "m"): 3})
    assert one(DISTRICTS, grown).primary + one(DISTRICTS, grown).secondary == 0
    again = one(DISTRICTS, grown, earlier=(release(DISTRICTS, first),))
    pd.testing.assert_series_equal(again.frame["anzahl_geheim"], first["anzahl_geheim"])
    assert again.primary == 0


def test_a_cell_held_back_before_stays_so_through_every_later_release():
    first = one(DISTRICTS, with_count({("Mitte", "m"): 2})).frame
    kept = [release(DISTRICTS, first)]
    for number in (2, 3):
        later = one(DISTRICTS, with_count({("Mitte", "m"): 50 + number}), earlier=tuple(kept)).frame
        kept.append(release(DISTRICTS, later, number))
        assert cell(later, bezirk="Mitte", geschlecht="m")["anzahl_geheim"]


def test_a_cell_held_back_before_stays_so_when_the_source_renames_its_columns():
    first = one(DISTRICTS, with_count({("Mitte", "m"): 2})).frame
    described = DISTRICTS.model_dump(mode="json", by_alias=True, exclude_unset=True)
    described["columns"][0]["source"] = "stadtbezirk"
    again = one(
        Table.model_validate(described), with_count({("Mitte", "m"): 3}), earlier=(release(DISTRICTS, first),)
    ).frame
    pd.testing.assert_series_equal(again["anzahl_geheim"], first["anzahl_geheim"])


def test_what_one_table_held_back_a_new_linked_table_does_not_show():
    first = one(DISTRICTS, with_count({("Mitte", "m"): 2})).frame
    ages = counts("alter", "bezirk", "geschlecht", "alter")
    grown = with_count({("Mitte", "m"): 30})
    linked = [(DISTRICTS, grown), (ages, grown.assign(alter="a").astype({"alter": "str"}))]
    found = made(linked, earlier=(release(DISTRICTS, first),))
    small = found["alter"].frame.query("bezirk == 'Mitte' and geschlecht == 'm'")
    assert list(small["anzahl_geheim"]) == [True, True]


def test_a_cell_that_becomes_small_is_not_hidden_behind_cells_that_everybody_knows():
    first = one(DISTRICTS, with_count({})).frame
    shrunk = one(DISTRICTS, with_count({("Mitte", "m"): 2}), earlier=(release(DISTRICTS, first),))
    held_back = shrunk.frame[shrunk.frame["anzahl_geheim"]]
    # Nothing else has changed but the totals of this cell.
    assert set(held_back["bezirk"]) == {"Mitte", TOTAL}
    assert set(held_back["geschlecht"]) == {"m", TOTAL}


def test_cells_that_a_stricter_minimum_would_have_held_back_are_out_already():
    treated = with_count({("Mitte", "m"): 4})
    first = one(DISTRICTS, treated).frame
    stricter = counts("bezirke", "bezirk", "geschlecht", protection={"kind": "suppression", "minimum": 5})
    with pytest.raises(GateFailed, match="1 Wert muss geheim bleiben"):
        one(stricter, treated, earlier=(release(DISTRICTS, first),))


def test_where_all_has_changed_nothing_is_known():
    first = one(DISTRICTS, with_count({})).frame
    all_grown = {(b, g): 60 + number for number, (b, g, _) in enumerate(SQUARE)} | {("Mitte", "m"): 2}
    again = one(DISTRICTS, with_count(all_grown), earlier=(release(DISTRICTS, first),))
    assert again.primary == 1


def test_a_release_of_another_year_has_no_influence():
    spec = counts("stand", "stichtag", "bezirk", "geschlecht")

    def year(day: str, small: int) -> pd.DataFrame:
        values = [(pd.Timestamp(day), b, g, small if (b, g) == ("Mitte", "m") else n) for b, g, n in SQUARE]
        return rows(spec, values)

    earlier = release(spec, one(spec, year("2024-12-31", 2)).frame)
    assert one(spec, year("2025-12-31", 30), earlier=(earlier,)).secondary == 0
    assert one(spec, year("2024-12-31", 30), earlier=(earlier,)).secondary > 0


# Rare values that may not even be named


NAMES = counts("namen", "jahr", "name", merged={"name": "andere Namen"})


def named(values: Mapping[str, int], **context: Any) -> dict[str, int]:
    frame = one(NAMES, rows(NAMES, [("2025", name, count) for name, count in values.items()]), **context).frame
    assert list(frame.columns) == ["jahr", "name", "anzahl"]
    return dict(zip(frame["name"], frame["anzahl"], strict=True))


def test_rare_names_are_counted_together_and_last():
    shown = named({"Zoe": 4, "Ada": 9, "Geheimwert1": 1, "Geheimwert2": 2, "Niemand": 0})
    assert list(shown.items()) == [("Ada", 9), ("Zoe", 4), ("andere Namen", 3)]


def test_a_row_of_rare_names_that_is_small_itself_takes_the_next_rarest():
    assert named({"Ada": 9, "Zoe": 4, "Geheimwert1": 1}) == {"Ada": 9, "andere Namen": 5}


def test_rare_names_alone_are_left_out():
    assert named({"Geheimwert1": 1, "Geheimwert2": 1}) == {}


def test_a_name_not_named_before_is_not_told_apart_the_year_after():
    first = one(NAMES, rows(NAMES, [("2025", "Ada", 9), ("2025", "Geheimwert1", 2), ("2025", "Geheimwert2", 2)])).frame
    kept = (release(NAMES, first),)
    assert named({"Ada": 9, "Geheimwert1": 3, "Geheimwert2": 2}, earlier=kept) == {"Ada": 9, "andere Namen": 5}


def test_a_name_that_is_known_already_does_not_hide_a_rare_one():
    kept = (release(NAMES, one(NAMES, rows(NAMES, [("2025", "Ada", 9), ("2025", "Zoe", 4)])).frame),)
    assert named({"Ada": 9, "Zoe": 4, "Geheimwert1": 1}, earlier=kept) == {"Ada": 9, "Zoe": 4}


# Sums


def sums(**more: Any) -> Table:
    spec = {"dimensions": ["branche"], "margins": ["branche"], "magnitude": "umsatz", **more}
    return table("umsatz", "magnitude_table", spec)


def test_sums_of_cents_are_exact_whatever_the_order():
    spec = sums(p_percent=10)
    values = [("Bau", 0.1), ("Bau", 0.2), ("Bau", 0.3), ("Bau", 1e6), ("Bau", 1e6), ("Bau", 1e6)]
    published = one(spec, rows(spec, values)).frame
    assert list(published["umsatz"]) == [3_000_000.6, 3_000_000.6]
    assert published["umsatz"].dtype == "Float64"
    pd.testing.assert_frame_equal(published, one(spec, rows(spec, values[::-1])).frame)


@pytest.mark.parametrize(
    ("rule", "amounts", "broken"),
    [
        ({"p_percent": 10}, [100, 50, 9], True),
        ({"p_percent": 10}, [100, 50, 10], False),
        ({"dominance": {"n": 2, "k": 85}}, [50, 36, 14], True),
        ({"dominance": {"n": 2, "k": 85}}, [50, 35, 15], False),
        ({"p_percent": 10, "minimum": 5}, [50, 50, 50, 50], True),
        ({"p_percent": 10, "minimum": 4}, [50, 50, 50, 50, 0], False),
        ({"p_percent": 10}, [0, 0], False),
    ],
)
def test_a_sum_that_one_contributor_dominates_is_held_back(rule, amounts, broken):
    spec = sums(**rule)
    others = [(branch, 1000.0) for branch in ("Handel", "Kunst") for _ in range(6)]
    found = one(spec, rows(spec, [("Bau", float(amount)) for amount in amounts] + others))
    assert bool(cell(found.frame, branche="Bau")["umsatz_geheim"]) is broken
    assert (found.primary, found.secondary) == ((1, 1) if broken else (0, 0))
    assert not attack({"umsatz": found.frame}, [spec], {"umsatz": found.widths})["umsatz"].narrow


def test_the_interval_of_a_sum_is_twice_what_the_rule_demands():
    spec = sums(p_percent=10)
    others = [(branch, 1000.0) for branch in ("Handel", "Kunst") for _ in range(6)]
    found = one(spec, rows(spec, [("Bau", 100.0), ("Bau", 50.0), ("Bau", 4.0), *others]))
    assert found.widths[0] == pytest.approx(2 * (10 - 4))
    assert np.nanmax(found.widths[1:]) == pytest.approx(60)  # 1 % of 6,000


def test_a_negative_contribution_stops_the_table():
    spec = sums(p_percent=10)
    with pytest.raises(GateFailed, match="umsatz: 1 von 2"):
        one(spec, rows(spec, [("Bau", -1.0), ("Bau", 5.0)]))


# Counts that are changed


def test_rounded_counts_hold_nothing_back():
    spec = counts("schule", "bezirk", "geschlecht", protection={"kind": "rounding"})
    found = one(spec, rows(spec, [("Mitte", "m", 2), ("Mitte", "w", 8), ("Nord", "m", 11), ("Nord", "w", 13)]))
    assert list(found.frame.columns) == ["bezirk", "geschlecht", "anzahl"]
    assert list(found.frame["anzahl"]) == [0, 10, 10, 10, 15, 25, 15, 20, 35]
    assert found.changed == 8
    assert found.primary + found.secondary == 0


def test_the_same_people_have_the_same_noise_in_every_table():
    key = {"kind": "cell_key", "connection": "schluessel"}
    first = counts("erste", "stichtag", "bezirk", "geschlecht", protection=key)
    second = counts("zweite", "stichtag", "bezirk", "alter", protection=key)
    dice = np.random.default_rng(3)
    districts = [f"Bezirk {number:02}" for number in range(40)]
    people = [(dice.choice(districts), dice.choice(["m", "w"]), dice.choice(["a", "b"]), 1) for _ in range(900)]
    frame = pd.DataFrame(people, columns=["bezirk", "geschlecht", "alter", "anzahl"]).assign(stichtag="2025-12-31")
    pairs = [(each, frame[[c.name for c in each.columns]].astype({c.name: DTYPES[c.type] for c in each.columns}))
             for each in (first, second)]  # fmt: skip
    found = made(pairs)
    one_total = found["erste"].frame.query(f"geschlecht == '{TOTAL}'").set_index("bezirk")["anzahl"]
    two_total = found["zweite"].frame.query(f"alter == '{TOTAL}'").set_index("bezirk")["anzahl"]
    pd.testing.assert_series_equal(one_total, two_total)
    assert found["erste"].changed > 20
    with pytest.raises(GateFailed, match="haben aber verschiedene"):
        made([pairs[0], (pairs[1][0], pairs[1][1].iloc[::-1])])


def test_the_noise_does_not_depend_on_the_order_of_the_rows():
    key = {"kind": "cell_key", "connection": "schluessel"}
    spec = counts("eine", "stichtag", "bezirk", "geschlecht", protection=key)
    dated = {column.name: number for number, column in enumerate(spec.columns)}
    values = [{"stichtag": "2025-12-31", "bezirk": b, "geschlecht": g, "anzahl": 7 + len(b)} for b, g, _ in SQUARE]
    treated = rows(spec, [tuple(each[name] for name in dated) for each in values])
    pd.testing.assert_frame_equal(one(spec, treated).frame, one(spec, treated.iloc[::-1]).frame)
