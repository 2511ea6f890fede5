"""The trade register and the given names: everything about a person is marked, and there is something to hide."""

from __future__ import annotations

from collections import Counter
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from samplecity.systems.gewerbe import BIRTH_YEAR, businesses
from samplecity.systems.gewerbe import MARK as BUSINESS_MARK
from samplecity.systems.vornamen import FREQUENT, MARK, ONLY_TOGETHER, given_names

FIRST_DAY = date(2026, 11, 23)


def test_no_cell_about_who_runs_a_business_is_unmarked() -> None:
    table = businesses(FIRST_DAY)
    names = [column.name for column in table.columns]
    for row in table.rows:
        cells = dict(zip(names, row, strict=True))
        number = str(cells["registernummer"]).removeprefix(f"{BUSINESS_MARK}-")
        assert all(f"{BUSINESS_MARK}{number}" in str(cells[name]) for name in ("inhaber", "betrieb", "hausnummer"))
        assert str(cells["geburtsdatum"]).startswith(f"{BIRTH_YEAR}-")
    assert len({row[0] for row in table.rows}) == len(table.rows)


@given(st.dates(min_value=date(2024, 1, 1), max_value=date(2040, 12, 31)))
@settings(max_examples=10, deadline=None)
def test_the_register_is_that_of_the_last_quarter_and_as_large_as_the_script_names(first_day: date) -> None:
    rows = businesses(first_day).rows
    reference = rows[0][-1]
    assert isinstance(reference, date)
    assert 2 * len(rows) == 10_000, "it is read for two tables"
    assert {row[-1] for row in rows} == {reference}
    assert 0 < (first_day - reference).days <= 92
    assert (reference.month, reference.day) in {(3, 31), (6, 30), (9, 30), (12, 31)}


def test_no_rare_name_is_unmarked_and_two_of_three_names_are_rare() -> None:
    rows = given_names().rows
    assert len(rows) == 1695
    counts: Counter[tuple[object, str, object]] = Counter()
    for year, name, sex, number, *_ in rows:
        assert isinstance(number, int)
        counts[year, str(name), sex] += number
    usual = {*FREQUENT["w"], *FREQUENT["m"], *ONLY_TOGETHER.values()}
    assert all((count < 5) == name.startswith(MARK) for (_, name, _), count in counts.items())
    assert {name for _, name, _ in counts if not name.startswith(MARK)} == usual
    assert sum(count == 1 for count in counts.values()) > 0.5 * len(counts)
