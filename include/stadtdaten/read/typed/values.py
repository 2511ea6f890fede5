"""From text to typed values, as the contract declares the columns; what does not fit is counted and stops the table.

An empty cell is a missing value for every type, as in Table Schema (``missingValues`` is ``[""]`` by default). A
declared missing marker that is a number stands for that number however it is written: -999 also hides -999.0. Text
is never changed, but for lists with a declared separator.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import assert_never

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from stadtdaten.contracts.interfaces import Limits
from stadtdaten.contracts.model import Column, Table
from stadtdaten.faults import Finding, SourceUnreadable
from stadtdaten.frames import Repair
from stadtdaten.read.typed.account import Account
from stadtdaten.read.typed.arrow import count_true
from stadtdaten.read.typed.cells import is_text, trimmed, without_markers
from stadtdaten.read.typed.moments import read_date, read_datetime
from stadtdaten.read.typed.numbers import (
    Notation,
    numbers_in,
    numeric_markers,
    read_coordinate,
    read_integer,
    read_number,
)
from stadtdaten.read.typed.periods import read_period
from stadtdaten.read.typed.plain import typed_if_plain

__all__ = ["Notation", "Values"]

CONTROLS = r"\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x{9f}\x{feff}"
"""Of C0 and C1, without tabulator, line ends and NUL, which has a rule of its own; and the mark at a file's start."""

ENCODED_TWICE = "Ã[¤¶¼Ÿ„–œ]"
"""Umlauts and sharp s in UTF-8 that somebody has read as cp1252."""

REPLACEMENT = "\ufffd"
NEXT_STEP = "Die genannten Spalten in der Quelle ansehen; den Vertrag ändern, wenn die neue Schreibweise gewollt ist."
HINTS = {
    "number": "Einheiten in den Zellen erklärt signs, Zeichen für fehlende Werte missing, die Schreibweise der Zahlen "
    "reading.decimal und reading.thousands.",
    "ambiguous_time": "Stehen die Zeilen in zeitlicher Folge, erklärt double_hour: by_order die doppelte Stunde; läuft "
    "die Uhr der Quelle ohne Sommerzeit, erklärt das clock.",
    "cell": "Sind so lange Zellen gewollt, erlaubt sie limits.cell.",
}  # fmt: skip
"""Rule to the lines of the contract that may settle it."""


class Values:
    """Reads the cells of one table; collects repairs, and failures until ``finish`` tells them all at once."""

    def __init__(self, table: Table, notation: Notation, timezone: str, limits: Limits) -> None:
        self._table = table
        self._notation = notation
        self._timezone = timezone
        self._limits = limits
        self._failures: list[Finding] = []
        self.repairs: list[Repair] = []

    def read(self, cells: dict[str, pa.ChunkedArray]) -> dict[str, pd.Series]:
        """The declared columns but the geometry, in the frame's dtypes; failures are kept for ``finish``.

        ``cells`` are by the columns' source: text, or float64, int64, boolean, date or timestamp where that is the
        column's type.
        """
        columns = [column for column in self._table.columns if column.type != "geometry"]
        accounts = [Account(self._table.id, column.name) for column in columns]
        with ThreadPoolExecutor(pa.cpu_count()) as pool:
            read = list(pool.map(self._column, columns, [cells] * len(columns), accounts))
        for account in accounts:
            self._take(account)
        return {column.name: values for column, values in zip(columns, read, strict=True)}

    def coordinate(self, name: str, cells: pa.ChunkedArray) -> np.ndarray:
        """Numbers of a coordinate column that is named by the reading and not declared; NaN where empty."""
        account = Account(self._table.id, name)
        numbers = read_coordinate(cells, self._notation, account)
        self._take(account)
        return numbers

    def fail(self, rule: str, column: str, count: int, total: int, what: str) -> None:
        """Keep a failure; ``what`` continues the sentence "n von m Werten ..."."""
        account = Account(self._table.id, column)
        account.fail(rule, count, total, what)
        self._take(account)

    def finish(self) -> None:
        """Raises SourceUnreadable if any value could not be read, naming columns and counts."""
        if self._failures:
            hints = [hint for rule, hint in HINTS.items() if any(finding.rule == rule for finding in self._failures)]
            raise SourceUnreadable(
                f"Tabelle „{self._table.id}“: " + "; ".join(finding.message for finding in self._failures) + ".",
                next_step=" ".join((NEXT_STEP, *hints)),
                findings=tuple(self._failures),
            )

    def _take(self, account: Account) -> None:
        self.repairs += account.repairs
        self._failures += account.failures

    def _column(self, column: Column, cells: dict[str, pa.ChunkedArray], account: Account) -> pd.Series:
        own = cells[column.source]
        if is_text(own):
            self._refuse_long_cells(own, account)
        if column.type == "marker":
            return self._marker(column, own)
        if is_text(own):
            own = typed_if_plain(column, own, self._notation)
        if is_text(own) and column.type not in ("integer", "number"):  # these look only at what is no number
            own = without_markers(column, own if column.type == "string" else trimmed(own, account), account)
        values = self._typed(column, own, cells, account)
        for marker, meaning in column.missing.items():
            account.tell("missing_marker", account.met[marker], meaning)
        return values

    def _typed(
        self, column: Column, own: pa.ChunkedArray, cells: dict[str, pa.ChunkedArray], account: Account
    ) -> pd.Series:
        match column.type:
            case "string":
                return _string(column, own, account)
            case "integer":
                return read_integer(column, own, self._notation, account)
            case "number":
                return read_number(column, own, self._notation, account)
            case "boolean":
                return _boolean(column, own, account)
            case "date":
                return read_date(column, own, account)
            case "datetime":
                return read_datetime(column, own, self._timezone, self._series_of(column, cells), account)
            case "period":
                return read_period(own, account)
            case "marker" | "geometry":
                raise TypeError(f"a {column.type} is not a value of a cell")
            case _:
                assert_never(column.type)

    def _series_of(self, column: Column, cells: dict[str, pa.ChunkedArray]) -> Sequence[pa.ChunkedArray]:
        """The rest of the key: rows that are equal in it are one series of times."""
        if column.double_hour == "stop":
            return ()
        return [cells[self._table.column(name).source] for name in self._table.key if name != column.name]

    def _marker(self, column: Column, cells: pa.ChunkedArray) -> pd.Series:
        """The meaning of each cell's missing marker, where the column that has its values meets one as well."""
        sibling = next(each for each in self._table.columns if each.source == column.source and each.type != "marker")
        meanings = pa.nulls(len(cells), pa.string())
        if is_text(cells):
            text = (cells if sibling.type == "string" else pc.utf8_trim_whitespace(cells)).combine_chunks()
            found = pc.index_in(text, value_set=pa.array(column.missing, text.type))
            meanings = pa.array(column.missing.values(), pa.string()).take(found)
        numbers = numeric_markers(column) if sibling.type in ("integer", "number") else {}
        if numbers:
            values = (
                numbers_in(text, self._notation)
                if is_text(cells)
                else pc.cast(cells.combine_chunks(), pa.float64(), safe=False)
            )
            for marker, number in numbers.items():
                meanings = pc.if_else(pc.fill_null(pc.equal(values, number), False), column.missing[marker], meanings)
        return pd.Series(meanings.to_pandas(), dtype="str")

    def _refuse_long_cells(self, cells: pa.ChunkedArray, account: Account) -> None:
        longest = self._limits.cell
        if (pc.max(pc.binary_length(cells)).as_py() or 0) > longest:  # bytes are at least as many as characters
            count = count_true(pc.greater(pc.utf8_length(cells), longest))
            account.fail("cell", count, len(cells), f"sind länger als die erlaubten {longest} Zeichen")


def _string(column: Column, cells: pa.ChunkedArray, account: Account) -> pd.Series:
    if _may_hold_odd_characters(cells):
        # GeoJSON and GeoPackage would end the text at a NUL, CSV would not.
        account.fail("nul", count_true(pc.match_substring(cells, "\0")), len(cells), "enthalten ein NUL-Zeichen")
        lost = count_true(pc.match_substring(cells, REPLACEMENT))
        detail = "Ersatzzeichen U+FFFD: Die Quelle hat die ursprünglichen Zeichen verloren"
        account.tell("replacement_character", lost, detail, "detected")
        twice = count_true(pc.match_substring_regex(cells, ENCODED_TWICE))
        detail = "Umlaute doppelt kodiert (Ã¤ statt ä): So hat die Quelle sie gespeichert"
        account.tell("encoded_twice", twice, detail, "detected")
        controls = count_true(pc.match_substring_regex(cells, f"[{CONTROLS}]"))
        account.tell("control_character", controls, "Steuerzeichen im Text, unverändert gelassen", "detected")
    if column.separator is not None:
        cells = _listed(cells, column.separator, account)
    return pd.Series(cells.cast(pa.large_string()).to_pandas(), dtype="str")


def _may_hold_odd_characters(cells: pa.ChunkedArray) -> bool:
    """Whether any byte may belong to a control character, U+FFFD or a capital A with tilde: in UTF-8 below 20, 7F, C2,
    EF, or 83 (hex).
    """
    for chunk in cells.chunks:
        data = np.frombuffer(chunk.buffers()[2] or b"", np.uint8)
        if len(data) and (data.min() < 0x20 or any((data == byte).any() for byte in (0x7F, 0x83, 0xC2, 0xEF))):
            return True
    return False


def _listed(cells: pa.ChunkedArray, separator: str, account: Account) -> pa.ChunkedArray:
    """Lists joined by "; " without empty items; a list of nothing is no value."""
    joined = pc.match_substring(cells, separator)
    account.tell("list", count_true(joined), "Liste mit „; “ verbunden, leere Einträge ausgelassen")
    if ";" not in separator:
        torn = pc.and_(joined, pc.match_substring(cells, ";"))
        account.fail("list", count_true(torn), len(cells), "sind Listen, in deren Einträgen selbst ein Semikolon steht")
    encoded = cells.combine_chunks().dictionary_encode()
    items = [[item.strip() for item in cell.split(separator)] for cell in encoded.dictionary.to_pylist()]
    texts = pa.array(["; ".join(filter(None, each)) or None for each in items], cells.type)
    return pa.chunked_array([texts.take(encoded.indices)])


def _boolean(column: Column, cells: pa.ChunkedArray, account: Account) -> pd.Series:
    if not pa.types.is_boolean(cells.type):
        true, false = pc.equal(cells, column.true), pc.equal(cells, column.false)
        unknown = count_true(pc.invert(pc.or_(true, false)))
        account.fail("boolean", unknown, len(cells), "sind keiner der beiden erklärten Wahrheitswerte")
        cells = true
    return pd.Series(cells.to_pandas(types_mapper={pa.bool_(): pd.BooleanDtype()}.get))
