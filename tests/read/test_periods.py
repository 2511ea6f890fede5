"""Periods: one form for every unambiguous spelling, a stop for the others."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stadtdaten.faults import SourceUnreadable
from stadtdaten.read import ReadTable
from stadtdaten.read.typed.account import Account
from stadtdaten.read.typed.periods import normal_form, read_period

ReadText = Callable[..., ReadTable]

SPELLED = {
    "2025": ["2025"],
    "2025-H1": [
        "2025-H1", "H1/2025", "H1 2025", "2025/H1", "2025H1", "1. Halbjahr 2025", "I. Halbjahr 2025", "1. Hj 2025",
    ],
    "2025-Q3": [
        "2025-Q3", "Q3/2025", "Q3 2025", "2025/Q3", "2025 Q3", "2025Q3", "3. Quartal 2025", "III. Quartal 2025",
        "3.Quartal 2025", "Quartal 3/2025", "3. Vierteljahr 2025", "3. Vj. 2025",
    ],
    "2025-03": ["2025-03", "03/2025", "03.2025", "März 2025", "Mrz 2025", "Mär. 2025", "märz 2025"],
    "2025-W07": ["2025-W07", "KW 7/2025", "KW 07 2025", "7. KW 2025", "KW07/2025"],
    "2020-W53": ["KW 53/2020"],
}  # fmt: skip


@pytest.mark.parametrize(("cell", "form"), [(cell, form) for form, cells in SPELLED.items() for cell in cells])
def test_every_usual_spelling_has_one_form(cell: str, form: str) -> None:
    assert normal_form(cell) == form


@pytest.mark.parametrize(
    "cell",
    [
        "3/2025", "2025/3", "9.2025", "2008/09", "2025/09", "202509", "25-Q3", "3. Quartal 25", "2025-Q5", "2025-Q0",
        "2025-13", "13/2025", "2025-W54", "KW 53/2021", "KW 0/2025", "3. Halbjahr 2025", "V. Quartal 2025", "2025-9",
        "Lenz 2025", "2025-Q3-1", "2024-2025", "0025", "Q3", "٢٠٢٥", "2025 ", "2025\n", "2025-W7", "01.03.2025",
    ],
)  # fmt: skip
def test_a_spelling_that_may_mean_several_periods_or_none_is_an_error(cell: str) -> None:
    account = Account("probe", "wert")
    read_period(pa.chunked_array([["2025-Q3", cell, None]]), account)
    (failure,) = account.failures
    assert (failure.rule, failure.count, failure.total) == ("period", 1, 3)


def test_periods_are_told_where_they_were_respelled(read_text: ReadText) -> None:
    column = {"type": "period", "missing": {"-": "offen"}}
    read = read_text("nr,wert\n1,2025-Q3\n2,Q3/2025\n3, Q3/2025\n4,-\n5,\n", {"nr": "integer", "wert": column})
    assert read.frame["wert"].dtype == "str"
    assert read.frame["wert"].fillna("").tolist() == ["2025-Q3", "2025-Q3", "2025-Q3", "", ""]
    told = {repair.kind: repair.count for repair in read.repairs if repair.column == "wert"}
    assert told == {"outer_space": 1, "period": 2, "missing_marker": 1}
    with pytest.raises(SourceUnreadable, match="„wert“: 1 von 1 Werten sind kein Zeitraum"):
        read_text("nr,wert\n1,3/2025\n", {"nr": "integer", "wert": column})


@settings(max_examples=300)
@given(cell=st.text("0123456789QHKW-/. IV", max_size=9))
def test_what_is_read_is_in_the_one_form_and_stays_so(cell: str) -> None:
    form = normal_form(cell)
    if form is not None:
        assert normal_form(form) == form
        assert form[:4] in cell
