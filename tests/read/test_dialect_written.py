"""Whatever dialect a table is written in: it is read back exactly, or stopped. Never is it read wrong."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from stadtdaten.contracts import City, Table
from stadtdaten.contracts.interfaces import Limits
from stadtdaten.faults import SourceUnreadable
from stadtdaten.read import read_table

MakeTable = Callable[..., Table]
HEADER = ("Straße", "Zahl der Fälle", "Wert", "Bemerkung")
COLUMNS: dict[str, Any] = {
    "strasse": {"type": "string", "source": "Straße"},
    "faelle": {"type": "integer", "source": "Zahl der Fälle"},
    "wert": {"type": "number", "source": "Wert"},
    "bemerkung": {"type": "string", "source": "Bemerkung"},
}


def _in_both(character: str) -> bool:
    return all(
        character.encode(encoding, "ignore").decode(encoding) == character for encoding in ("cp1252", "iso-8859-15")
    )


LETTERS = [chr(code) for code in range(0x20, 0x2123) if _in_both(chr(code)) and chr(code).isprintable()]
TEXT = st.one_of(
    st.text(st.sampled_from([each for each in LETTERS if each not in "ÂÃ"]), max_size=6),
    st.sampled_from(["€", '"', ";", ",", "a\nb", "a\r\nb", '"";', " x ", "1.234", "0012", "1,5", "Wert", "|", "\t"]),
)
ROW = st.tuples(TEXT, st.integers(-10_000_000, 10_000_000), st.integers(-(10**9), 10**9), st.integers(0, 4), TEXT)


@dataclass(frozen=True)
class Written:
    """How a table is written, in the words of a contract, and what stands around it."""

    encoding: str
    delimiter: str
    decimal: str
    thousands: str
    quoting: int
    ends: tuple[str, ...]
    preamble: tuple[str, ...]
    trailing: str
    blank_rows: bool

    @property
    def declared(self) -> dict[str, Any]:
        return {
            "encoding": self.encoding, "delimiter": self.delimiter, "decimal": self.decimal,
            "thousands": self.thousands, "skip_rows": len(self.preamble),
        }  # fmt: skip


WRITTEN = st.builds(
    Written,
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "iso-8859-15", "utf-16"]),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    decimal=st.sampled_from([",", "."]),
    thousands=st.sampled_from(["", ".", ",", " ", "'"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    ends=st.sampled_from([("\n",), ("\r\n",), ("\r",), ("\n", "\r\n"), ("\r\n", "\n", "\n")]),
    preamble=st.lists(
        st.sampled_from(["", "Stadt Hamm; Stand 01.02.2026", "Wert, Straße", "Auszug\tA|B", ";;;", '"Quelle"']),
        max_size=3,
    ).map(tuple),
    trailing=st.sampled_from(["", "header", "rows", "header and rows"]),
    blank_rows=st.booleans(),
).filter(lambda each: each.decimal != each.thousands)


def _number(units: int, digits: int, written: Written) -> str:
    whole, part = divmod(abs(units), 10**digits)
    text = f"{whole:,}".replace(",", written.thousands) + (f"{written.decimal}{part:0{digits}}" if digits else "")
    return f"-{text}" if units < 0 else text


def _bytes(rows: list[tuple[str, int, int, int, str]], written: Written) -> bytes:
    def line(cells: tuple[str, ...], trailing: bool) -> str:
        out = io.StringIO(newline="")
        csv.writer(out, delimiter=written.delimiter, quoting=written.quoting).writerow(cells)  # type: ignore[arg-type]
        return out.getvalue().removesuffix("\r\n") + written.delimiter * trailing

    lines = [*written.preamble, line(HEADER, "header" in written.trailing)]
    for name, whole, units, digits, note in rows:
        cells = (name, _number(whole, 0, written), _number(units, digits, written), note)
        lines += [line(cells, "rows" in written.trailing), *[written.delimiter * 3] * written.blank_rows]
    ends = (written.ends * len(lines))[: len(lines)]
    return "".join(text + end for text, end in zip(lines, ends, strict=True)).encode(written.encoding)


def _read(table: Table, content: bytes, city: City) -> list[list[Any]]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "probe.csv"
        file.write_bytes(content)
        frame = read_table(table, (file,), city, Limits()).frame
    return [[None if pd.isna(cell) else cell for cell in row] for row in frame.astype(object).to_numpy().tolist()]


def _expected(rows: list[tuple[str, int, int, int, str]]) -> list[list[Any]]:
    return [[name or None, whole, units / 10**digits, note or None] for name, whole, units, digits, note in rows]


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(ROW, min_size=1, max_size=5), written=WRITTEN)
def test_a_declared_dialect_is_read_back_exactly(
    table: MakeTable, city: City, rows: list[tuple[str, int, int, int, str]], written: Written
) -> None:
    probe = table({"format": "csv", "drop_blank_rows": written.blank_rows, **written.declared}, COLUMNS)
    assert _read(probe, _bytes(rows, written), city) == _expected(rows)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(ROW, min_size=1, max_size=5), written=WRITTEN)
def test_an_undeclared_dialect_is_found_or_stopped_and_never_read_wrong(
    table: MakeTable, city: City, rows: list[tuple[str, int, int, int, str]], written: Written
) -> None:
    probe = table({"format": "csv", "drop_blank_rows": written.blank_rows}, COLUMNS)
    try:
        found = _read(probe, _bytes(rows, written), city)
    except SourceUnreadable as fault:
        event("stopped")
        assert fault.next_step
    else:
        event("read")
        assert found == _expected(rows)
