"""Columns that get their type at once are read as the careful way reads them, and nothing else gets through."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtdaten.contracts import Table
from stadtdaten.contracts.interfaces import Limits
from stadtdaten.faults import SourceUnreadable
from stadtdaten.read.typed import values
from stadtdaten.read.typed.numbers import Notation
from stadtdaten.read.typed.plain import typed_if_plain

PLAIN = {
    "integer": ("", "0", "-1", "007", "123456", "9223372036854775807", "9223372036854775808", "-9223372036854775808"),
    "number": ("", "0", "-1", "1,5", "1.5", ",5", "-.5", "1,", "1.", "123456", "1.234", "9" * 400),
    "date": ("", "2025-12-31", "2025-02-29", "0000-01-01", "2025-12-31T00:00:00"),
    "datetime": ("", "2025-12-31T14:05", "2025-06-30 14:05:09", "2025-10-26T02:30:00", "2025-03-30T02:30"),
}
ODD = re.split(
    r"\s+",
    """- --1 +1 . 1e5 nan inf 0x1F 1/2 1.234,5 1,234 x 2025-12-31T14:05Z 2025-12-31T14:05+01 31.12.2025
    20251231T140509 2025-13-01 2025-12-31T24:00:00 2025-12-31T14:05:09.5 \u0663 now 0000000000000000000000001""",
)
NOTATIONS = [
    Notation(decimal, thousands) for decimal in ",." for thousands in ("", ",", ".", " ") if decimal != thousands
]


@st.composite
def columns(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A column's type and cells, all or most of which are plain."""
    kind = draw(st.sampled_from(list(PLAIN)))
    cells = draw(st.lists(st.sampled_from(PLAIN[kind]), min_size=1, max_size=4))
    odd = st.one_of(
        st.sampled_from(ODD), st.sampled_from([" 1", "2025-12-31 14"]), st.text("0123456789-.,:T ", max_size=20)
    )
    return kind, cells + draw(st.lists(odd, max_size=1))


@given(
    columns(),
    st.sampled_from(NOTATIONS),
    st.sampled_from(
        [
            {},
            {"-1": "m"},
            {"0": "m"},
            {"-": "m"},
            {"2025-12-31": "m"},
            {"1.5": "m"},
            {"": "m"},
            {"9223372036854775807": "m"},
        ]
    ),
    st.integers(0, 3),
)
def test_a_column_is_read_as_the_careful_way_reads_it(
    column: tuple[str, list[str]], notation: Notation, missing: dict[str, str], cut: int
) -> None:
    kind, cells = column
    chunks = pa.chunked_array([pa.array(["x", *cells[:cut]])[1:], pa.array(cells[cut:], pa.string())])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(values, "typed_if_plain", lambda column, cells, notation: cells)
        careful = _read(kind, notation, chunks, missing)
    quick = _read(kind, notation, chunks, missing)
    assert quick[1:] == careful[1:]
    pd.testing.assert_series_equal(quick[0], careful[0])


@pytest.mark.parametrize(
    ("kind", "cells"),
    [
        ("integer", ["1", "", "-20"]),
        ("number", ["1,5", "", "-20", ",5"]),
        ("date", ["2025-12-31", ""]),
        ("datetime", ["2025-12-31T14:05", "", "2025-12-31 14:05:09"]),
    ],
)
def test_a_plain_column_gets_its_type_at_once(kind: str, cells: list[str]) -> None:
    typed = typed_if_plain(_table(kind, {}).columns[0], pa.chunked_array([cells]), Notation(",", "."))
    assert typed.type != pa.string() and typed.null_count == 1


def _table(kind: str, missing: dict[str, str]) -> Table:
    column = {"name": "wert", "source": "wert", "title": "Wert", "class": "public", "type": kind, "missing": missing}
    return Table.model_validate(
        {
            "id": "probe",
            "title": "Probe",
            "resource": "probe",
            "reading": {"format": "csv"},
            "key": [],
            "columns": [column],
        }
    )


def _read(kind: str, notation: Notation, cells: pa.ChunkedArray, missing: dict[str, str]) -> tuple[Any, ...]:
    """The values, what was told, and the message if the column was stopped."""
    reader = values.Values(_table(kind, missing), notation, "Europe/Berlin", Limits())
    series = reader.read({"wert": cells})["wert"]
    try:
        reader.finish()
    except SourceUnreadable as fault:
        return pd.Series(dtype="str"), reader.repairs, fault.message
    return series, reader.repairs, ""
