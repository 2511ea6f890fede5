"""From text to typed values, as the contract declares the column; what does not fit is counted and stops the table.

An empty cell is a missing value for every type, as in Table Schema (``missingValues`` is ``[""]`` by default). A
declared missing marker that is a number stands for that number however it is written: -999 also hides -999.0.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import assert_never

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from stadtdaten.contracts.model import Column
from stadtdaten.faults import Finding, SourceUnreadable
from stadtdaten.frames import Repair

ISO_DATETIME = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?$"
ISO_OFFSET = r"(Z|[+-]\d{2}:?\d{2})$"
NUMERIC = ("integer", "number")
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
"""A missing marker that is a number, in the contract's own notation."""

REPLACEMENT = "\ufffd"
NEXT_STEP = "Die genannten Spalten in der Quelle ansehen; den Vertrag ändern, wenn die neue Schreibweise gewollt ist."


@dataclass(frozen=True)
class Notation:
    """How numbers are written in a source: decimal sign and thousands separator ("" for none)."""

    decimal: str = "."
    thousands: str = ""


class Values:
    """Reads the columns of one table; collects repairs, and failures until ``finish`` tells them all at once."""

    def __init__(self, table: str, notation: Notation, timezone: str) -> None:
        self._table = table
        self._notation = notation
        self._timezone = timezone
        self._failures: list[Finding] = []
        self.repairs: list[Repair] = []

    def read(self, column: Column, text: pa.ChunkedArray) -> pd.Series:
        """The column's values in the frame's dtype for its type; failures are kept for ``finish``."""
        if column.type != "string":
            text = self._trimmed(column.name, text)
        text = self._without_markers(column, text)
        match column.type:
            case "string":
                return self._string(column, text)
            case "integer":
                return self._integer(column, text)
            case "number":
                return pd.Series(self._number(column.name, text))
            case "boolean":
                return self._boolean(column, text)
            case "date":
                return self._date(column, text)
            case "datetime":
                return self._datetime(column, text)
            case "geometry":
                raise TypeError("a geometry is not read from a cell")
            case _:
                assert_never(column.type)

    def coordinate(self, name: str, text: pa.ChunkedArray) -> np.ndarray:
        """Numbers of a coordinate column that is named by the reading and not declared; NaN where empty."""
        return self._number(name, _empty_to_null(self._trimmed(name, text)))

    def fail(self, rule: str, column: str, count: int, total: int, what: str) -> None:
        """Keep a failure; ``what`` continues the sentence "n Werte ..."."""
        if count:
            message = f"Spalte „{column}“: {count} von {total} Werten {what}"
            self._failures.append(Finding(rule, message, self._table, column, count, total))

    def finish(self) -> None:
        """Raises SourceUnreadable if any value could not be read, naming columns and counts."""
        if self._failures:
            raise SourceUnreadable(
                f"Tabelle „{self._table}“: " + "; ".join(finding.message for finding in self._failures) + ".",
                next_step=NEXT_STEP,
                findings=tuple(self._failures),
            )

    def _without_markers(self, column: Column, text: pa.ChunkedArray) -> pa.ChunkedArray:
        markers = [marker for marker in column.missing if column.type in NUMERIC and NUMBER.fullmatch(marker)]
        numbers = self._parsed(text) if markers else None
        for marker, meaning in column.missing.items():
            met = pc.equal(text, marker)
            if marker in markers:
                met = pc.or_(met, pc.fill_null(pc.equal(numbers, float(marker)), False))
            count = _count(met)
            if count:
                self.repairs.append(Repair(kind="missing_marker", column=column.name, count=count, detail=meaning))
                text = pc.if_else(pc.fill_null(met, False), pa.scalar(None, text.type), text)
        return _empty_to_null(text)

    def _trimmed(self, column: str, text: pa.ChunkedArray) -> pa.ChunkedArray:
        """Without outer white space, which means nothing around a number, date or boolean; counted as a repair."""
        trimmed = pc.utf8_trim_whitespace(text)
        count = _count(pc.not_equal(trimmed, text))
        if count:
            self.repairs.append(
                Repair(kind="outer_space", column=column, count=count, detail="Leerraum um den Wert entfernt")
            )
        return trimmed

    def _string(self, column: Column, text: pa.ChunkedArray) -> pd.Series:
        count = _count(pc.match_substring(text, REPLACEMENT))
        if count:
            detail = "Ersatzzeichen U+FFFD: Die Quelle hat die ursprünglichen Zeichen verloren"
            self.repairs.append(Repair(kind="replacement_character", column=column.name, count=count, detail=detail))
        # GeoJSON and GeoPackage would end the text there, CSV would not.
        self.fail("nul", column.name, _count(pc.match_substring(text, "\0")), len(text), "enthalten ein NUL-Zeichen")
        return pd.Series(text.to_pandas(), dtype="str")

    def _number_pattern(self) -> str:
        decimal, thousands = re.escape(self._notation.decimal), re.escape(self._notation.thousands)
        whole = rf"(\d{{1,3}}({thousands}\d{{3}})+|\d+)" if thousands else r"\d+"
        return rf"^[+-]?({whole}({decimal}\d+)?|{decimal}\d+)([eE][+-]?\d+)?$"

    def _parsed(self, text: pa.ChunkedArray) -> pa.ChunkedArray:
        """float64; null where the text is no number in this notation."""
        fits = pc.match_substring_regex(text, self._number_pattern())
        plain = pc.if_else(fits, text, pa.scalar(None, text.type))
        if self._notation.thousands:
            plain = pc.replace_substring(plain, self._notation.thousands, "")
        if self._notation.decimal != ".":
            plain = pc.replace_substring(plain, self._notation.decimal, ".")
        plain = pc.replace_substring_regex(plain, r"^\+", "")
        return pc.cast(plain, pa.float64())

    def _number(self, column: str, text: pa.ChunkedArray) -> np.ndarray:
        values: np.ndarray = self._parsed(text).to_numpy().astype("float64", copy=False)
        given = pc.is_valid(text).to_numpy()
        self.fail("number", column, int((given & ~np.isfinite(values)).sum()), len(text), "sind keine Zahl")
        return values

    def _integer(self, column: Column, text: pa.ChunkedArray) -> pd.Series:
        thousands = re.escape(self._notation.thousands)
        whole = rf"(\d{{1,3}}({thousands}\d{{3}}){{1,5}}|0*\d{{1,18}})" if thousands else r"0*\d{1,18}"
        fits = pc.match_substring_regex(text, rf"^[+-]?{whole}$")
        self.fail("integer", column.name, _count(pc.invert(fits)), len(text), "sind keine ganze Zahl")
        plain = pc.if_else(fits, text, pa.scalar(None, text.type))
        if thousands:
            plain = pc.replace_substring(plain, self._notation.thousands, "")
        numbers = pc.cast(pc.replace_substring_regex(plain, r"^\+", ""), pa.int64())
        return pd.Series(numbers.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get))

    def _boolean(self, column: Column, text: pa.ChunkedArray) -> pd.Series:
        true, false = pc.equal(text, column.true), pc.equal(text, column.false)
        unknown = _count(pc.invert(pc.or_(true, false)))
        self.fail("boolean", column.name, unknown, len(text), "sind keiner der beiden erklärten Wahrheitswerte")
        return pd.Series(true.to_pandas(types_mapper={pa.bool_(): pd.BooleanDtype()}.get))

    def _date(self, column: Column, text: pa.ChunkedArray) -> pd.Series:
        if not column.format:
            # Databases that know no plain date deliver midnight with it; any other time of day is a mistake.
            text = pc.replace_substring_regex(text, r"^(\d{4}-\d{2}-\d{2})[T ]00:00:00(\.0+)?$", r"\1")
        values = _timestamps(text, column.format or "%Y-%m-%d")
        self._fail_where_lost(column, text, values, "sind kein Datum im erklärten Format")
        odd = int((values.notna() & (values != values.dt.normalize())).sum())
        self.fail("date", column.name, odd, len(text), "haben eine Uhrzeit, erklärt ist ein Datum")
        return values

    def _datetime(self, column: Column, text: pa.ChunkedArray) -> pd.Series:
        if column.format:
            with_offset = pa.chunked_array([pa.repeat("%z" in column.format, len(text))], pa.bool_())
            local, absolute = column.format, column.format
        else:
            with_offset = pc.fill_null(pc.match_substring_regex(text, ISO_OFFSET), False)
            bare = pc.replace_substring_regex(text, ISO_OFFSET, "")
            text = pc.if_else(pc.match_substring_regex(bare, ISO_DATETIME), text, pa.scalar("?", text.type))
            local = absolute = "ISO8601"
        null = pa.scalar(None, text.type)
        instants = _timestamps(pc.if_else(with_offset, text, null), absolute, utc=True).dt.tz_convert(self._timezone)
        wall = _timestamps(pc.if_else(with_offset, null, text), local)
        self._fail_where_lost(column, text, instants.notna() | wall.notna(), "sind kein Zeitpunkt im erklärten Format")
        return pd.Series(instants.fillna(self._localised(column, wall)).dt.as_unit("us"))

    def _localised(self, column: Column, wall: pd.Series) -> pd.Series:
        """Local times as instants. The hour that comes twice in autumn and the one left out in spring are no instants:
        which one was meant cannot be known, so they stop the table.
        """
        given = int(wall.notna().sum())
        once = wall.dt.tz_localize(self._timezone, ambiguous="NaT", nonexistent="shift_forward")
        self.fail(
            "ambiguous_time", column.name, given - int(once.notna().sum()), len(wall),
            "liegen in der doppelten Stunde der Zeitumstellung im Herbst und sind ohne Abstand zur Weltzeit mehrdeutig",
        )  # fmt: skip
        real = wall.dt.tz_localize(self._timezone, ambiguous="NaT", nonexistent="NaT")
        self.fail(
            "nonexistent_time", column.name, int((once.notna() & real.isna()).sum()), len(wall),
            "liegen in der ausgefallenen Stunde der Zeitumstellung im Frühjahr",
        )  # fmt: skip
        return pd.Series(real)

    def _fail_where_lost(self, column: Column, text: pa.ChunkedArray, found: pd.Series, what: str) -> None:
        found = found if found.dtype == bool else found.notna()
        lost = int((pc.is_valid(text).to_numpy() & ~found.to_numpy()).sum())
        self.fail(column.type, column.name, lost, len(text), what)


def _timestamps(text: pa.ChunkedArray, pattern: str, *, utc: bool = False) -> pd.Series:
    """Each distinct text is parsed once: a million rows rarely have more than a few thousand days."""
    # Pandas takes the words "now" and "today" for the time of the run, whatever the pattern.
    text = pc.if_else(pc.match_substring_regex(text, r"\d"), text, pa.scalar(None, text.type))
    encoded = text.combine_chunks().dictionary_encode()
    distinct = pd.Series(encoded.dictionary.to_pandas(), dtype="str")
    parsed = pd.to_datetime(distinct, format=pattern, errors="coerce", utc=utc).dt.as_unit("us")
    return pd.Series(parsed.reindex(pc.fill_null(encoded.indices, -1).to_numpy()).array)


def _empty_to_null(text: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, text.type), text)


def _count(mask: pa.ChunkedArray) -> int:
    return int(pc.sum(mask).as_py() or 0)
