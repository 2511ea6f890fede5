"""Tables that look safe and are not: the attack finds what a reader could compute."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import highspy
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from published_tables import TOTAL, Cell, counts, publish, sums
from stadtdaten.contracts import Table
from stadtdaten.contracts.protection import RoundedCounts
from stadtdaten.privacy.tables.attack import Attack, OverlappingGroups, TableIncomplete, attack
from stadtdaten.privacy.tables.rounding import round_counts


def attacked(frame: pd.DataFrame, table: Table) -> Attack:
    return attack({table.id: frame}, [table])[table.id]


FOUR = {(d, s): 20 + 7 * n for n, (d, s) in enumerate(itertools.product(("Mitte", "Nord", "Süd"), ("m", "w")))}


def test_a_single_suppression_with_its_margins_is_known() -> None:
    table = counts("bezirk", "geschlecht")
    frame = publish(table, FOUR | {("Mitte", "m"): 1}, {("Mitte", "m")})
    assert attacked(frame, table) == Attack(hidden=1, known=1, narrow=1)


def test_a_square_of_suppressions_is_safe() -> None:
    table = counts("bezirk", "geschlecht")
    hidden = set(itertools.product(("Mitte", "Nord"), ("m", "w")))
    assert attacked(publish(table, FOUR, hidden), table) == Attack(hidden=4)


def test_two_hidden_cells_whose_total_is_two_are_both_one() -> None:
    """Zeros are published, so neither of them can be 0."""
    table = counts("bezirk")
    frame = publish(table, {("Mitte",): 1, ("Nord",): 1, ("Süd",): 40}, {("Mitte",), ("Nord",)})
    assert attacked(frame, table) == Attack(hidden=2, known=2, narrow=2)


def test_zero_rows_that_reveal_the_last_cell_of_their_column_are_found() -> None:
    """A square is safe only if all its corners can move: with a zero shown in one, nothing can."""
    table = counts("bezirk", "geschlecht")
    cells = FOUR | {("Mitte", "m"): 2, ("Mitte", "w"): 2, ("Nord", "m"): 2, ("Nord", "w"): 0}
    frame = publish(table, cells, {("Mitte", "m"), ("Mitte", "w"), ("Nord", "m")})
    assert attacked(frame, table).known == 3


def test_a_square_that_gives_too_little_room_is_narrow_but_not_known() -> None:
    table = counts("bezirk", "geschlecht")
    cells = FOUR | {("Mitte", "m"): 1, ("Nord", "w"): 1, ("Mitte", "w"): 2, ("Nord", "m"): 2}
    hidden = set(itertools.product(("Mitte", "Nord"), ("m", "w")))
    assert attacked(publish(table, cells, hidden), table) == Attack(hidden=4, known=0, narrow=4)


def test_nested_areas_give_a_district_away() -> None:
    """The district is held back, but all its quarters are shown."""
    table = counts("bezirk", "sozialraum", nested={"sozialraum": "bezirk"})
    cells = {("Mitte", "M1"): 4, ("Mitte", "M2"): 5, ("Nord", "N1"): 6, ("Nord", "N2"): 30}
    frame = publish(table, cells, {("Mitte", TOTAL), ("Nord", TOTAL)})
    assert list(frame["sozialraum"]).count(TOTAL) == 3
    assert attacked(frame, table) == Attack(hidden=2, known=2, narrow=2)


def test_a_quarter_that_is_alone_in_being_hidden_is_its_district_less_the_others() -> None:
    table = counts("bezirk", "sozialraum", nested={"sozialraum": "bezirk"})
    cells = {("Mitte", "M1"): 1, ("Mitte", "M2"): 50, ("Nord", "N1"): 9, ("Nord", "N2"): 30}
    hidden = {("Mitte", "M1"), ("Nord", "N1")}
    assert attacked(publish(table, cells, hidden), table) == Attack(hidden=2, known=2, narrow=2)
    hidden |= {("Mitte", TOTAL), ("Nord", TOTAL)}
    assert attacked(publish(table, cells, hidden), table) == Attack(hidden=4)


def linked_by_a_total() -> tuple[dict[str, pd.DataFrame], list[Table]]:
    """District by sex, district by age, and districts alone: in each by itself nothing can be computed."""
    sex, age, alone = (
        counts("bezirk", "geschlecht", id="ta"),
        counts("bezirk", "alter", id="tb"),
        counts("bezirk", id="tc"),
    )
    by_sex = {("Mitte", "m"): 1, ("Mitte", "w"): 40, ("Nord", "m"): 9, ("Nord", "w"): 50}
    by_age = {("Mitte", "alt"): 20, ("Mitte", "jung"): 21, ("Nord", "alt"): 30, ("Nord", "jung"): 29}
    frames = {
        "ta": publish(sex, by_sex, {("Mitte", "m"), ("Mitte", TOTAL), ("Nord", "m"), ("Nord", TOTAL)}),
        "tb": publish(age, by_age, {("Mitte", TOTAL), ("Mitte", "jung"), ("Nord", TOTAL), ("Nord", "jung")}),
        "tc": publish(alone, {("Mitte",): 41, ("Nord",): 59}, set()),
    }
    return frames, [sex, age, alone]


def test_three_tables_linked_by_a_total_reveal_together_what_each_hides() -> None:
    frames, tables = linked_by_a_total()
    for table in tables:
        assert attack({table.id: frames[table.id]}, [table])[table.id].narrow == 0
    found = attack(frames, tables)
    assert {table: (each.hidden, each.known) for table, each in found.items()} == {
        "ta": (4, 4),
        "tb": (4, 4),
        "tc": (0, 0),
    }


def test_tables_of_different_rows_are_not_linked() -> None:
    frames, tables = linked_by_a_total()
    tables[2] = tables[2].model_copy(update={"resource": "andere_personen"})
    assert all(not each.narrow for each in attack(frames, tables).values())


def test_tables_without_totals_are_added_up_by_the_attacker() -> None:
    """The years have no total in one table; the other shows the sum of all years."""
    years = counts("jahr", "bezirk", margins=["bezirk"], id="jahre")
    all_years = counts("bezirk", id="summe")
    cells = {(y, d): 20 for y in ("2024", "2025") for d in ("Mitte", "Nord")} | {
        ("2025", "Mitte"): 1,
        ("2025", "Nord"): 5,
    }
    frames = {
        "jahre": publish(years, cells, {("2025", "Mitte"), ("2025", "Nord")}),
        "summe": publish(all_years, {("Mitte",): 21, ("Nord",): 25}, set()),
    }
    assert attack({"jahre": frames["jahre"]}, [years])["jahre"].narrow == 0
    assert attack(frames, [years, all_years])["jahre"].known == 2


def test_a_cell_hidden_in_one_table_and_shown_in_another_is_known() -> None:
    one, other = counts("bezirk", "geschlecht", id="ta"), counts("geschlecht", id="tb")
    hidden = {("Mitte", "m"), ("Mitte", "w"), (TOTAL, "m"), (TOTAL, "w")}
    cells = {("Mitte", "m"): 1, ("Mitte", "w"): 40, ("Nord", "m"): 20, ("Nord", "w"): 50}
    frames = {"ta": publish(one, cells, hidden), "tb": publish(other, {("m",): 21, ("w",): 90}, set())}
    assert attack({"ta": frames["ta"]}, [one])["ta"].known == 0
    assert attack(frames, [one, other])["ta"] == Attack(hidden=4, known=4, narrow=4)


def test_two_groupings_of_one_column_are_refused() -> None:
    coarse = {"kind": "mapping", "values": {"a": "jung", "b": "jung"}, "other": "alt"}
    one, other = counts("alter", id="ta"), counts("alter", id="tb", treatment={"alter": coarse})
    frames = {"ta": publish(one, {("a",): 5, ("b",): 6}, set()), "tb": publish(other, {("jung",): 11}, set())}
    with pytest.raises(OverlappingGroups, match="alter"):
        attack(frames, [one, other])


def test_a_row_of_the_others_that_was_left_out_is_computed_from_a_total() -> None:
    names = counts("geschlecht", "vorname", margins=[], merged={"vorname": "Andere"}, id="namen")
    total = counts("geschlecht", id="summe")
    shown = publish(names, {("m", "Ali"): 7, ("w", "Ada"): 9, ("w", "Andere"): 30}, set())
    shown = shown[shown["anzahl"] > 0]
    frames = {"namen": shown, "summe": publish(total, {("m",): 9, ("w",): 39}, set())}
    assert attack(frames, [names, total])["namen"].known == 1
    frames["summe"] = publish(total, {("m",): 7, ("w",): 39}, set())
    assert attack(frames, [names, total])["namen"].narrow == 0


def test_sums_are_judged_by_the_widths_that_their_protection_demands() -> None:
    table = sums("branche")
    frame = publish(table, {("Bau",): 100, ("Handel",): 20, ("Verkehr",): 500}, {("Bau",), ("Handel",)})
    assert attack({table.id: frame}, [table])[table.id] == Attack(hidden=2)
    for width, narrow in ((100.0, 0), (130.0, 2)):
        widths = np.where(frame["betrag_geheim"], width, np.nan).astype(np.float64)
        assert attack({table.id: frame}, [table], {table.id: widths})[table.id].narrow == narrow
    alone = publish(table, {("Bau",): 100, ("Handel",): 20, ("Verkehr",): 500}, {("Bau",)})
    assert attack({table.id: alone}, [table])[table.id].known == 1


def test_large_sums_are_followed_as_exactly_as_small_ones() -> None:
    table = sums("branche", "bezirk")
    cells = {(b, d): 10**9 + 7 * n for n, (b, d) in enumerate(itertools.product("ABC", ("Mitte", "Nord")))}
    hidden = {("A", "Mitte"), ("A", "Nord"), ("B", "Mitte")}
    assert attack({table.id: publish(table, cells, hidden)}, [table])[table.id].known == 3
    square = hidden | {("B", "Nord")}
    assert attack({table.id: publish(table, cells, square)}, [table])[table.id] == Attack(hidden=4)


@pytest.mark.parametrize("fault", ["missing", "twice", "total", "empty"])
def test_a_table_that_is_not_whole_is_no_table(fault: str) -> None:
    table = counts("bezirk", "geschlecht")
    frame = publish(table, FOUR, set())
    if fault == "missing":
        frame = frame.drop(index=2)
    elif fault == "twice":
        frame = pd.concat([frame, frame.iloc[[1]]])
    elif fault == "total":
        frame.loc[len(frame) - 1, "anzahl"] += 1
    else:
        frame.loc[1, "bezirk"] = None
    with pytest.raises(TableIncomplete):
        attacked(frame, table)


def test_linked_tables_that_contradict_each_other_are_noticed() -> None:
    one, other = counts("bezirk", id="ta"), counts("geschlecht", id="tb")
    frames = {"ta": publish(one, {("Mitte",): 9}, set()), "tb": publish(other, {("m",): 4, ("w",): 6}, set())}
    with pytest.raises(TableIncomplete):
        attack(frames, [one, other])


def by_integers(frame: pd.DataFrame, dimensions: list[str]) -> list[float]:
    """Width of every hidden cell's interval of whole numbers, by an integer programme per cell: the slow truth."""
    rows = frame[dimensions].itertuples(index=False, name=None)
    cells = {row: place for place, row in enumerate(rows)}
    inner = [row for row in cells if TOTAL not in row]
    widths = []
    for target in frame.index[frame["anzahl_geheim"]]:
        ends = []
        for direction in (1.0, -1.0):
            model = highspy.Highs()
            model.setOptionValue("output_flag", False)
            for _ in inner:
                model.addVar(0, 10_000)
            for place in range(len(inner)):
                model.changeColIntegrality(place, highspy.HighsVarType.kInteger)
            for row, place in cells.items():
                members = [
                    n for n, each in enumerate(inner) if all(a in (b, TOTAL) for a, b in zip(row, each, strict=True))
                ]
                value = frame["anzahl"].iloc[place]
                low, high = (1, 20_000) if pd.isna(value) else (int(value), int(value))
                model.addRow(low, high, len(members), np.array(members), np.ones(len(members)))
                if place == target:
                    for member in members:
                        model.changeColCost(member, direction)
            model.run()
            ends.append(direction * model.getInfo().objective_function_value)
        widths.append(ends[1] - ends[0])
    return widths


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_in_two_dimensions_the_attack_agrees_with_integer_programmes(data: st.DataObject) -> None:
    """There the ends of all intervals are whole numbers; the same in any order of the rows."""
    table = counts("bezirk", "geschlecht")
    keys = list(itertools.product("ABC", "mwd"))
    cells = {key: data.draw(st.sampled_from([0, 1, 2, 3, 9])) for key in keys}
    shown = publish(table, cells, set())
    candidates = [tuple(row) for row in shown.loc[shown["anzahl"] > 0, ["bezirk", "geschlecht"]].to_numpy()]
    hidden = set(data.draw(st.lists(st.sampled_from(candidates), unique=True))) if candidates else set()
    frame = publish(table, cells, hidden)
    widths = by_integers(frame, ["bezirk", "geschlecht"])
    expected = Attack(len(hidden), sum(width < 0.5 for width in widths), sum(width < 2.5 for width in widths))
    assert attacked(frame, table) == expected
    assert attacked(frame.sample(frac=1, random_state=1), table) == expected


# Rounded counts

ROUNDED = counts("bezirk", "geschlecht", protection={"kind": "rounding"})


def rounded(cells: Mapping[Cell, float], how: RoundedCounts) -> pd.DataFrame:
    """The table of these counts and their totals, each rounded by itself."""
    frame = publish(ROUNDED, cells, set())
    counted = frame["anzahl"].to_numpy(dtype=np.int64)
    return frame.assign(anzahl=round_counts(counted, how)).drop(columns="anzahl_geheim")


def test_small_counts_that_only_together_reach_their_rounded_total_are_known() -> None:
    """They are shown as 0, so as 2 at most, and their total as 10, so as 8 at least."""
    square = dict.fromkeys(itertools.product(("Mitte", "Nord"), ("m", "w")), 2)
    frame = rounded(square, RoundedCounts(kind="rounding"))
    assert sorted(set(frame["anzahl"])) == [0, 5, 10]
    assert attack({ROUNDED.id: frame}, [ROUNDED])[ROUNDED.id] == Attack(hidden=4, known=4, narrow=4)


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.integers(0, 6), min_size=4, max_size=4),
    how=st.sampled_from([(5, 2), (3, 1), (4, 2), (6, 2), (5, 4), (3, 0)]),
)
def test_the_attack_on_rounded_counts_finds_what_trying_all_tables_finds(
    values: list[int], how: tuple[int, int]
) -> None:
    spec = RoundedCounts(kind="rounding", base=how[0], to_zero=how[1])
    table = counts("bezirk", "geschlecht", protection=spec.model_dump())
    places = list(itertools.product(("Mitte", "Nord"), ("m", "w")))

    def whole(tried: Sequence[int]) -> list[int]:
        a, b, c, d = tried
        return [a, b, c, d, a + b, c + d, a + c, b + d, a + b + c + d]

    shown = round_counts(np.array(whole(values)), spec)
    tables = np.array([whole(each) for each in itertools.product(range(11), repeat=4)])
    fitting = tables[(round_counts(tables, spec) == shown).all(axis=1)]
    known = (shown == 0) & (fitting.min(axis=0) == fitting.max(axis=0)) & (fitting[0] > 0)
    frame = rounded(dict(zip(places, values, strict=True)), spec)
    assert attack({table.id: frame}, [table])[table.id].known == known.sum()
