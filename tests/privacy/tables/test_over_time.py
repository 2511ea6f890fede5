"""Releases that are safe one by one and not together: who keeps them all must learn nothing more."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from published_tables import TOTAL, Cell, counts, publish, sums
from stadtdaten.contracts import Table
from stadtdaten.contracts.protection import RoundedCounts
from stadtdaten.frames import PublishedCells
from stadtdaten.privacy.tables.attack import Attack, OverlappingGroups, attack
from stadtdaten.privacy.tables.over_time import AttackOverTime, attack_over_time
from stadtdaten.privacy.tables.published import encode
from stadtdaten.privacy.tables.rounding import round_counts

NIGHT = datetime(2026, 11, 1, 2, tzinfo=UTC)
NOTHING = Attack()
AREAS, SEXES = ("Mitte", "Nord", "Süd"), ("m", "w")
TABLE = counts("bezirk", "geschlecht")
CELLS = {cell: 20 + 7 * n for n, cell in enumerate(itertools.product(AREAS, SEXES))} | {("Mitte", "m"): 1}
SQUARE = set(itertools.product(("Mitte", "Nord"), SEXES))
OTHER_SQUARE = set(itertools.product(("Mitte", "Süd"), SEXES))


def kept(frames: Sequence[pd.DataFrame], table: Table = TABLE) -> list[PublishedCells]:
    return [
        PublishedCells(
            dataset="einwohner", table=table.id, release=f"{number:012}", published_at=NIGHT + timedelta(days=number),
            content=encode(frame, table),
        )
        for number, frame in enumerate(frames)
    ]  # fmt: skip


def compared(new: pd.DataFrame, *earlier: pd.DataFrame, table: Table = TABLE) -> AttackOverTime:
    assert attack({table.id: new}, [table])[table.id].narrow == 0, "not even safe by itself"
    found = attack_over_time({table.id: new}, [table], kept(earlier, table))
    return found.get(table.id, AttackOverTime(NOTHING, NOTHING))


def changed(cells: Mapping[Cell, float], **by: float) -> dict[Cell, float]:
    """Cells named as ``Mitte_m`` with so many more."""
    return {cell: value + by.get("_".join(cell), 0) for cell, value in cells.items()}


def test_two_releases_a_night_apart_with_another_pattern_reveal_what_both_hide() -> None:
    """Nothing changed but the choice of secondary cells."""
    first, second = publish(TABLE, CELLS, SQUARE), publish(TABLE, CELLS, OTHER_SQUARE)
    found = compared(second, first)
    assert found.now == Attack(hidden=4, known=4, narrow=4)
    assert found.before == Attack(hidden=4, known=4, narrow=4)


def test_the_same_pattern_in_both_releases_is_safe() -> None:
    frame = publish(TABLE, CELLS, SQUARE)
    grown = publish(TABLE, changed(CELLS, Süd_m=5, Mitte_w=3), SQUARE)
    assert compared(grown, frame) == AttackOverTime(Attack(hidden=4), Attack(hidden=4))


def test_a_release_that_shows_what_was_held_back_while_totals_stayed_is_caught() -> None:
    cells = CELLS | {("Mitte", "m"): 4}
    found = compared(publish(TABLE, cells, set()), publish(TABLE, cells, SQUARE))
    assert found == AttackOverTime(NOTHING, Attack(hidden=4, known=4, narrow=4))


def test_a_release_that_shows_what_was_held_back_is_safe_where_nobody_can_tell_what_changed() -> None:
    """Rows kept their totals, columns did not: the change may have been in Mitte or in Nord."""
    later = CELLS | {("Mitte", "m"): 5, ("Mitte", "w"): 23}
    assert compared(publish(TABLE, later, set()), publish(TABLE, CELLS, SQUARE)).before == Attack(hidden=4)


def test_a_release_that_hides_what_was_shown_while_totals_stayed_is_caught() -> None:
    """Nobody forgets what was shown before."""
    first, second = (
        publish(TABLE, CELLS | {("Mitte", "m"): 4}, set()),
        publish(TABLE, CELLS | {("Mitte", "m"): 4}, SQUARE),
    )
    assert compared(second, first).now == Attack(hidden=4, known=4, narrow=4)


def test_a_corrected_total_tells_who_was_added() -> None:
    """All totals of Süd and of the men grow by one, and the cell is hidden now: it is what was shown, plus one."""
    first = publish(TABLE, CELLS | {("Mitte", "m"): 9}, set())
    second = publish(TABLE, changed(CELLS | {("Mitte", "m"): 9}, Süd_m=1), OTHER_SQUARE)
    assert compared(second, first).now.known == 4


def test_a_total_corrected_where_several_cells_could_have_grown_leaves_them_open() -> None:
    first = publish(TABLE, CELLS, SQUARE)
    second = publish(TABLE, changed(CELLS, Nord_m=1), SQUARE)
    assert compared(second, first) == AttackOverTime(Attack(hidden=4), Attack(hidden=4))


def test_a_table_published_newly_beside_an_old_one_reveals_its_cells() -> None:
    """The total of the men, held back in the first release with a whole column, stands in a new table."""
    old, new = counts("bezirk", "geschlecht", id="alt"), counts("geschlecht", id="neu")
    hidden = {("Mitte", "m"), ("Mitte", "w"), (TOTAL, "m"), (TOTAL, "w")}
    frame = publish(old, CELLS, hidden)
    assert attack({"alt": frame}, [old])["alt"].narrow == 0
    by_sex = publish(new, {(s,): sum(v for (_, sex), v in CELLS.items() if sex == s) for s in SEXES}, set())
    found = attack_over_time({"neu": by_sex}, [new], kept([frame], old))
    assert found["alt"].before == Attack(hidden=4, known=4, narrow=4)


def test_newly_published_quarters_give_away_their_district_of_last_night() -> None:
    district = counts("bezirk", id="alt")
    quarters = counts("bezirk", "sozialraum", nested={"sozialraum": "bezirk"}, id="neu")
    cells = {("Mitte", "M1"): 4, ("Mitte", "M2"): 5, ("Nord", "N1"): 6, ("Nord", "N2"): 30}
    before = publish(district, {("Mitte",): 9, ("Nord",): 36}, {("Mitte",), ("Nord",)})
    now = publish(quarters, cells, set())
    found = attack_over_time({"neu": now}, [quarters], kept([before], district))
    assert found["alt"].before == Attack(hidden=2, known=2, narrow=2)


def test_a_quarter_beside_the_district_that_hid_it_earlier_is_computed() -> None:
    """Quarters without their district are safe while the district is not shown; the next release shows it."""
    quarters = counts("bezirk", "sozialraum", nested={"sozialraum": "bezirk"}, id="alt")
    district = counts("bezirk", id="neu")
    cells = {("Mitte", "M1"): 1, ("Mitte", "M2"): 50, ("Nord", "N1"): 9, ("Nord", "N2"): 30}
    hidden = {("Mitte", "M1"), ("Nord", "N1"), ("Mitte", TOTAL), ("Nord", TOTAL)}
    before = publish(quarters, cells, hidden)
    assert attack({"alt": before}, [quarters])["alt"].narrow == 0
    now = publish(district, {("Mitte",): 51, ("Nord",): 39}, set())
    assert attack_over_time({"neu": now}, [district], kept([before], quarters))["alt"].before.known == 4


def test_a_new_reference_date_has_nothing_to_do_with_the_one_before() -> None:
    table = counts("stichtag", "bezirk", "geschlecht", margins=["bezirk", "geschlecht"])

    def at(day: str, hidden: set[Cell]) -> pd.DataFrame:
        return publish(table, {(day, *c): v for c, v in CELLS.items()}, {(day, *c) for c in hidden})

    first, second = at("2024-12-31", SQUARE), at("2025-12-31", OTHER_SQUARE)
    assert compared(second, first, table=table) == AttackOverTime(NOTHING, NOTHING)
    assert compared(at("2024-12-31", OTHER_SQUARE), first, table=table).now.known == 4


def test_a_release_of_long_ago_counts_like_that_of_last_night() -> None:
    """The second release hides nothing new; the third shows what the first hid."""
    releases = [publish(TABLE, CELLS, SQUARE), publish(TABLE, changed(CELLS, Süd_m=2), SQUARE)]
    found = compared(publish(TABLE, CELLS, OTHER_SQUARE), *releases)
    assert found.now.known == 4
    assert found.before.narrow == 8


def test_what_earlier_releases_give_away_is_not_held_against_the_new_one() -> None:
    careless = publish(TABLE, CELLS, {("Mitte", "m")})
    found = compared(publish(TABLE, changed(CELLS, Süd_w=3), SQUARE), careless)
    assert found.before == Attack(hidden=1)
    assert found.now == Attack(hidden=4, known=3, narrow=3), "the secondary cells were shown"


def test_steps_that_disagree_on_the_least_change_are_taken_together() -> None:
    """Seen from the first release the second is 5 and 9, seen from the third 6 and 8: one of these, or between."""
    table = counts("bezirk")
    cells = {("Mitte",): 5, ("Nord",): 9, ("Süd",): 70}
    first = publish(table, cells, set())
    second = publish(table, cells, {("Mitte",), ("Nord",)})
    third = publish(table, cells | {("Mitte",): 6, ("Nord",): 8}, set())
    assert compared(second, first, table=table).now.known == 2
    assert compared(third, first, second, table=table).before == Attack(hidden=2), "given away by the first two"
    assert compared(third, second, table=table).before == Attack(hidden=2, known=2, narrow=2)


def test_a_release_that_repeats_the_one_before_is_not_attacked_again() -> None:
    frame = publish(TABLE, CELLS, SQUARE)
    assert compared(frame.sample(frac=1, random_state=3), frame) == AttackOverTime(NOTHING, NOTHING)


def test_a_value_that_appears_was_zero_before() -> None:
    """A district without anybody was not listed; now its only inhabitant and another cell are held back."""
    before = publish(TABLE, CELLS | {("Mitte", "m"): 10}, set())
    with_west = CELLS | {("Mitte", "m"): 10, ("West", "m"): 1, ("West", "w"): 1}
    hidden = set(itertools.product(("West", "Nord"), SEXES)) | {("West", TOTAL), ("Nord", TOTAL)}
    assert compared(publish(TABLE, with_west, hidden), before).now.known > 0


def test_groups_formed_otherwise_than_before_are_refused() -> None:
    coarse = {"kind": "mapping", "values": {"a": "jung", "b": "jung"}, "other": "alt"}
    old, new = counts("alter"), counts("alter", treatment={"alter": coarse})
    before = publish(old, {("a",): 5, ("b",): 6}, set())
    now = publish(new, {("jung",): 11}, set())
    with pytest.raises(OverlappingGroups, match="alter"):
        attack_over_time({new.id: now}, [new], kept([before], old))


def dated(**more: Any) -> Table:
    """``TABLE`` for each reference date; ``more`` is said of that column."""
    plain = counts("stichtag", "bezirk", "geschlecht", margins=["bezirk", "geschlecht"])
    described = plain.model_dump(mode="json", by_alias=True, exclude_unset=True)
    described["columns"][0] |= {"class": "public", "treatment": None} | more
    return Table.model_validate(described)


DATE = pd.Timestamp("2024-12-31")
SMALL = CELLS | {("Mitte", "m"): 4}


def on(date: Any, hidden: set[Cell]) -> pd.DataFrame:
    """The table of ``SMALL`` for one reference date."""
    cells = {("2024-12-31", *cell): value for cell, value in SMALL.items()}
    return publish(dated(), cells, {("2024-12-31", *cell) for cell in hidden}).assign(stichtag=date)


def test_reference_dates_grouped_otherwise_than_before_do_not_evade_the_comparison() -> None:
    """The year 2024 shows what its only reference date held back, and is no stratum of the same name."""
    yearly = dated(type="date", treatment={"kind": "period", "unit": "year"})
    before = kept([on(DATE, SQUARE)], dated(type="date"))
    with pytest.raises(OverlappingGroups, match="stichtag"):
        attack_over_time({yearly.id: on("2024", set())}, [yearly], before)


def test_a_reference_date_that_becomes_a_text_does_not_evade_the_comparison() -> None:
    before = kept([on(DATE, SQUARE)], dated(type="date"))
    found = attack_over_time({TABLE.id: on("2024-12-31", set())}, [dated()], before)
    assert found[TABLE.id].before == Attack(hidden=4, known=4, narrow=4)


@pytest.mark.parametrize("renamed", ["bezirk", "geschlecht"])
def test_a_column_that_the_source_renames_does_not_evade_the_comparison(renamed: str) -> None:
    described = TABLE.model_dump(mode="json", by_alias=True, exclude_unset=True)
    for column in described["columns"]:
        column["source"] += "_neu" if column["name"] == renamed else ""
    now = Table.model_validate(described)
    found = attack_over_time({now.id: publish(now, SMALL, set())}, [now], kept([publish(TABLE, SMALL, SQUARE)]))
    assert found[TABLE.id].before == Attack(hidden=4, known=4, narrow=4)


def test_two_columns_of_the_source_that_change_names_are_not_taken_for_each_other() -> None:
    """What stands in ``sources`` still counts where the same column of the source is published under another name."""
    described = TABLE.model_dump(mode="json", by_alias=True, exclude_unset=True)
    described["columns"][0]["source"], described["columns"][1]["source"] = "geschlecht", "bezirk"
    now = Table.model_validate(described)
    turned = {(sex, area): value for (area, sex), value in SMALL.items()}
    found = attack_over_time({now.id: publish(now, turned, set())}, [now], kept([publish(TABLE, SMALL, SQUARE)]))
    assert found[TABLE.id].before == Attack(hidden=4, known=4, narrow=4)


def read_from(resource: str, table: Table, *further: str) -> Table:
    return table.model_copy(update={"resource": resource, "further_resources": further})


def released(*releases: Mapping[str, tuple[Table, pd.DataFrame]]) -> list[PublishedCells]:
    """What was published, by release and table id."""
    return [
        one.model_copy(update={"release": f"{number:012}"})
        for number, release in enumerate(releases)
        for table, frame in release.values()
        for one in kept([frame], table)
    ]


@pytest.mark.parametrize("resources", [("neu",), ("personen", "nachtrag")])
def test_a_table_with_a_new_id_and_a_new_reading_does_not_evade_the_comparison(resources: tuple[str, ...]) -> None:
    first, *further = resources
    now = read_from(first, counts("bezirk", "geschlecht", id="neu"), *further)
    found = attack_over_time({"neu": publish(now, SMALL, set())}, [now], kept([publish(TABLE, SMALL, SQUARE)]))
    assert found[TABLE.id].before == Attack(hidden=4, known=4, narrow=4)


def test_an_id_that_is_given_to_another_table_does_not_evade_the_comparison() -> None:
    """The old id and the old resource live on in tables that show nothing of it."""
    now = read_from("neu", counts("bezirk", "geschlecht", id="neu"))
    same_id, same_rows = read_from("anderswo", counts("jahr")), counts("alter", id="rest")
    frames = {
        "neu": publish(now, SMALL, set()),
        same_id.id: publish(same_id, {("2024",): 70}, set()),
        "rest": publish(same_rows, {("a",): 211}, set()),
    }
    found = attack_over_time(frames, [now, same_id, same_rows], kept([publish(TABLE, SMALL, SQUARE)]))
    assert found[TABLE.id].before == Attack(hidden=4, known=4, narrow=4)


def test_ids_that_two_tables_exchange_with_their_readings_do_not_evade_the_comparison() -> None:
    plain = read_from("jahre", counts("jahr", id="jahre"))
    years = publish(plain, {("2024",): 70}, set())
    before = released({"a": (TABLE, publish(TABLE, SMALL, SQUARE)), "b": (plain, years)})
    moved = read_from("neu", counts("bezirk", "geschlecht", id="jahre"))
    other = read_from("neue_jahre", counts("jahr"))
    found = attack_over_time({"jahre": publish(moved, SMALL, set()), other.id: years}, [moved, other], before)
    assert found[TABLE.id].before == Attack(hidden=4, known=4, narrow=4)


WOMEN, MEN = (read_from(name, counts("bezirk", "alter", id=name)) for name in ("frauen", "maenner"))
"""Two tables of the same dimensions over different rows."""

OF_MEN = {cell: 90 - 5 * n for n, cell in enumerate(itertools.product(AREAS, "ab"))}
OF_WOMEN = {cell: 20 + 7 * n for n, cell in enumerate(itertools.product(AREAS, "ab"))} | {("Mitte", "a"): 2}
OLD_AND_YOUNG = set(itertools.product(("Mitte", "Nord"), "ab"))
BOTH = {"f": (WOMEN, publish(WOMEN, OF_WOMEN, OLD_AND_YOUNG)), "m": (MEN, publish(MEN, OF_MEN, OLD_AND_YOUNG))}


@pytest.mark.parametrize("resource", ["maenner", "maenner_2027"])
def test_tables_that_were_published_side_by_side_are_not_taken_for_each_other(resource: str) -> None:
    """The women are no longer published; the men stay, and may be read elsewhere."""
    men = read_from(resource, MEN)
    shown = publish(men, OF_MEN, OLD_AND_YOUNG)
    found = attack_over_time({"maenner": shown}, [men], released(BOTH, BOTH))
    assert "frauen" not in found
    assert all(each.now.narrow == each.before.narrow == 0 for each in found.values())


def test_a_second_table_over_other_rows_is_not_compared_with_the_first() -> None:
    frames = {table.id: frame for table, frame in BOTH.values()}
    assert attack_over_time(frames, [WOMEN, MEN], released({"f": BOTH["f"]})) == {}


def test_two_tables_that_become_one_are_compared_with_it_one_by_one() -> None:
    """Women and men have different counts in the same cells, and all together others again."""
    everybody = counts("bezirk", "alter", "geschlecht", id="alle")
    cells = {(*cell, sex): count for sex, of in (("w", OF_WOMEN), ("m", OF_MEN)) for cell, count in of.items()}
    now = publish(everybody, cells | {("Mitte", "a", "w"): 4}, set())
    found = attack_over_time({"alle": now}, [everybody], released(BOTH))
    assert {table: each.before.hidden for table, each in found.items()} == {"frauen": 4, "maenner": 4}
    assert all(each.before.narrow == 0 for each in found.values())


def test_sums_shown_later_give_away_those_of_before() -> None:
    table = sums("branche", "bezirk")
    cells = {(b, d): 1000.0 + 70 * n for n, (b, d) in enumerate(itertools.product("ABC", ("Mitte", "Nord")))}
    first = publish(table, cells, set(itertools.product("AB", ("Mitte", "Nord"))))
    second = publish(table, cells, set(itertools.product("AC", ("Mitte", "Nord"))))
    assert compared(first, table=table) == AttackOverTime(NOTHING, NOTHING)
    assert compared(second, first, table=table).now == Attack(hidden=4, known=4, narrow=4)


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_whatever_changes_and_is_hidden_there_is_a_history_of_least_change(data: st.DataObject) -> None:
    """No releases contradict each other, and every hidden cell of all of them is attacked."""
    releases = []
    for _ in range(3):
        cells = {cell: data.draw(st.sampled_from([0, 1, 4, 9])) for cell in itertools.product("AB", SEXES)}
        shown = publish(TABLE, cells, set())
        candidates = [tuple(row) for row in shown.loc[shown["anzahl"] > 0, ["bezirk", "geschlecht"]].to_numpy()]
        hidden = set(data.draw(st.lists(st.sampled_from(candidates), unique=True))) if candidates else set()
        releases.append(publish(TABLE, cells, hidden))
    alone = attack({TABLE.id: releases[2]}, [TABLE])[TABLE.id]
    found = attack_over_time({TABLE.id: releases[2]}, [TABLE], kept(releases[:2])).get(TABLE.id)
    if found is not None and found.now.hidden:
        assert found.now.hidden == alone.hidden
        assert found.before.hidden <= sum(int(each["anzahl_geheim"].sum()) for each in releases[:2])


def test_hidden_counts_that_are_published_rounded_later_are_known() -> None:
    """The hidden cell of Mitte is 1 and 27 is the other: rounded to 3, they give each other away."""
    rounded = counts("bezirk", "geschlecht", protection={"kind": "rounding", "base": 3, "to_zero": 1})
    frame = publish(rounded, CELLS, set()).drop(columns="anzahl_geheim")
    spec = RoundedCounts(kind="rounding", base=3, to_zero=1)
    shown = frame.assign(anzahl=round_counts(frame["anzahl"].to_numpy(dtype="int64"), spec))
    found = attack_over_time({rounded.id: shown}, [rounded], kept([publish(TABLE, CELLS, SQUARE)]))

    assert found[rounded.id].before.narrow == 4


def test_rounded_counts_may_change_from_night_to_night() -> None:
    rounded = counts("bezirk", "geschlecht", protection={"kind": "rounding"})
    first, second = (
        publish(rounded, dict.fromkeys(CELLS, value), set()).drop(columns="anzahl_geheim") for value in (0, 5)
    )

    assert attack_over_time({rounded.id: second}, [rounded], kept([first], rounded)) == {}
