"""Dates and moments: text in the declared format, or ISO 8601, to days and to instants in the city's time zone.

Two-digit years follow POSIX: 69 to 99 are 1969 to 1999, 00 to 68 are 2000 to 2068. A time without offset is what the
declared clock showed. The city's own clock shows an hour twice in autumn and leaves one out in spring; which instant
is meant is never guessed: ``by_order`` proves it from the rows, all else stops the table.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone, tzinfo
from itertools import pairwise
from typing import assert_never
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from stadtdaten.contracts.model import Column
from stadtdaten.read.account import Account
from stadtdaten.read.arrow import null_where

ISO_DATETIME = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?$"
ISO_OFFSET = r"(Z|[+-]\d{2}:?\d{2})$"
TWO_DIGITS = "[0-9]{2}"
FIXED_WIDTH = {"%Y": "[0-9]{4}", "%S": "[0-5][0-9]"} | dict.fromkeys(("%d", "%m", "%H", "%M"), TWO_DIGITS)
"""Directives of strptime to the only text that the quick way reads."""

HALF_AN_HOUR = 30 * 60 * 1_000_000
"""In microseconds, as all times here."""

NO_TIME = np.iinfo("int64").min
"""A missing time as an integer."""


def read_date(column: Column, cells: pa.ChunkedArray, account: Account) -> pd.Series:
    """datetime64[us] at midnight. ``cells`` is text without outer space, or already an Arrow date or timestamp."""
    if pa.types.is_temporal(cells.type):
        values = pd.Series(pc.cast(cells, pa.timestamp("us")).to_numpy())
    else:
        if not column.format:
            # Databases that know no plain date deliver midnight with it; any other time of day is a mistake.
            cells = pc.replace_substring_regex(cells, r"^(\d{4}-\d{2}-\d{2})[T ]00:00:00(\.0+)?$", r"\1")
        values = _timestamps(cells, column.format or "%Y-%m-%d")
        _fail_where_lost(cells, values.notna(), account, "date", "sind kein Datum im erklärten Format")
    odd = int((values.notna() & (values != values.dt.normalize())).sum())
    account.fail("date", odd, len(cells), "haben eine Uhrzeit, erklärt ist ein Datum")
    return values


def read_datetime(
    column: Column, cells: pa.ChunkedArray, city_timezone: str, series: Sequence[pa.ChunkedArray], account: Account
) -> pd.Series:
    """datetime64[us] in the city's time zone. ``series`` are the columns whose equal rows make one series of times."""
    if pa.types.is_timestamp(cells.type):
        stamps = pd.Series(pc.cast(cells, pa.timestamp("us", cells.type.tz)).to_pandas())
        if cells.type.tz is not None:
            return pd.Series(stamps.dt.tz_convert(city_timezone))
        return _instants(column, stamps, city_timezone, series, account)
    if column.format:
        with_offset = pa.chunked_array([pa.repeat("%z" in column.format, len(cells))], pa.bool_())
        local, absolute = column.format, column.format
    else:
        with_offset = pc.fill_null(pc.match_substring_regex(cells, ISO_OFFSET), False)
        bare = pc.replace_substring_regex(cells, ISO_OFFSET, "")
        cells = pc.if_else(pc.match_substring_regex(bare, ISO_DATETIME), cells, pa.scalar("?", cells.type))
        local = absolute = "ISO8601"
    instants = _timestamps(null_where(cells, pc.invert(with_offset)), absolute, utc=True).dt.tz_convert(city_timezone)
    wall = _timestamps(null_where(cells, with_offset), local)
    _fail_where_lost(
        cells, instants.notna() | wall.notna(), account, "datetime", "sind kein Zeitpunkt im erklärten Format"
    )
    if not wall.notna().any():
        return pd.Series(instants)
    return pd.Series(instants.fillna(_instants(column, wall, city_timezone, series, account)).dt.as_unit("us"))


def _instants(
    column: Column, wall: pd.Series, city_timezone: str, series: Sequence[pa.ChunkedArray], account: Account
) -> pd.Series:
    """What the declared clock showed, as instants in the city's time zone."""
    given = int(wall.notna().sum())
    match column.clock:
        case "utc":
            account.tell("clock", given, "Zeit ohne Abstand zur Weltzeit als Weltzeit gelesen", "assumed")
            return pd.Series(wall.dt.tz_localize("UTC").dt.tz_convert(city_timezone))
        case "winter":
            account.tell("clock", given, "Zeit ohne Abstand zur Weltzeit als Winterzeit gelesen", "assumed")
            return pd.Series(wall.dt.tz_localize(_winter(city_timezone)).dt.tz_convert(city_timezone))
        case "local":
            return _local(column, wall, city_timezone, series, account)
        case _:
            assert_never(column.clock)


def _winter(city_timezone: str) -> tzinfo:
    """The zone's standard time all year round, as instruments keep that know no summer time."""
    moment = datetime(2025, 1, 15, 12, tzinfo=ZoneInfo(city_timezone))
    return timezone((moment.utcoffset() or timedelta()) - (moment.dst() or timedelta()))


def _local(
    column: Column, wall: pd.Series, city_timezone: str, series: Sequence[pa.ChunkedArray], account: Account
) -> pd.Series:
    once = wall.dt.tz_localize(city_timezone, ambiguous="NaT", nonexistent="NaT")
    if int(once.notna().sum()) == int(wall.notna().sum()):
        return pd.Series(once)
    summer, winter = (
        wall.dt.tz_localize(city_timezone, ambiguous=np.full(len(wall), first), nonexistent="NaT")
        for first in (True, False)
    )
    account.fail(
        "nonexistent_time", int((wall.notna() & winter.isna()).sum()), len(wall),
        "liegen in der ausgefallenen Stunde der Zeitumstellung im Frühjahr",
    )  # fmt: skip
    twice = (once.isna() & winter.notna()).to_numpy()
    if column.double_hour == "stop":
        account.fail(
            "ambiguous_time", int(twice.sum()), len(wall),
            "liegen in der doppelten Stunde der Zeitumstellung im Herbst und sind ohne Abstand zur Weltzeit mehrdeutig",
        )  # fmt: skip
        return pd.Series(once)
    passes = passes_by_order(wall.to_numpy().astype("datetime64[us]").astype("int64"), twice, _codes(series, len(wall)))
    account.fail(
        "ambiguous_time", int((twice & (passes == 0)).sum()), len(wall),
        "liegen in der doppelten Stunde der Zeitumstellung im Herbst, und die Reihenfolge der Zeilen beweist nicht, "
        "welche gemeint ist",
    )  # fmt: skip
    settled = int((passes != 0).sum())
    account.tell("double_hour", settled, "doppelte Stunde im Herbst nach der Reihenfolge der Zeilen gelesen", "assumed")
    return pd.Series(once.where(passes != 1, summer).where(passes != 2, winter))


def passes_by_order(wall: np.ndarray, twice: np.ndarray, series: np.ndarray) -> np.ndarray:
    """For each row of the hour that the clock shows twice (mask ``twice``): 1 if it is of the first pass, 2 of the
    second, 0 if the order of the rows does not prove it (and for all other rows).

    ``wall`` is in microseconds (missing times are negative and far), ``series`` a number per row. Within a series,
    neighbouring rows of the hour must be two runs of rising (or, newest first, falling) times that fit to the rows
    around them, and they must be two passes beyond doubt: a time is told twice, or the clock falls back by more than
    half an hour. A row that is merely late falls back too.
    """
    order = np.argsort(series, kind="stable")
    order = order[wall[order] != NO_TIME]
    times, numbers, asked = wall[order], series[order], twice[order]
    passes = np.zeros(len(wall), np.int8)
    positions = np.flatnonzero(asked)
    if not len(positions):
        return passes
    breaks = (np.diff(positions) != 1) | (np.diff(numbers[positions]) != 0)
    breaks |= np.diff(times[positions] // (24 * 2 * HALF_AN_HOUR)) != 0
    edges = [0, *(np.flatnonzero(breaks) + 1), len(positions)]
    for start, end in pairwise(edges):
        first, last = positions[start], positions[end - 1]
        before = times[first - 1] if first and numbers[first - 1] == numbers[first] else None
        after = times[last + 1] if last + 1 < len(times) and numbers[last + 1] == numbers[last] else None
        rising = _second_run(times[first : last + 1], before, after)
        newest_first = _second_run(times[first : last + 1][::-1], after, before)
        if rising is not None and newest_first is None:
            passes[order[first : first + rising]] = 1
            passes[order[first + rising : last + 1]] = 2
        elif newest_first is not None and rising is None:
            passes[order[first : last + 1 - newest_first]] = 2
            passes[order[last + 1 - newest_first : last + 1]] = 1
    return passes


def _second_run(times: np.ndarray, before: int | None, after: int | None) -> int | None:
    """Where the second of exactly two rising runs starts; None if there are not two, or they may be one."""
    falls = np.flatnonzero(np.diff(times) <= 0) + 1
    if len(falls) != 1 or (before is not None and before >= times[0]) or (after is not None and after <= times[-1]):
        return None
    cut = int(falls[0])
    told_twice = bool(np.isin(times[:cut], times[cut:]).any())
    return cut if told_twice or times[cut - 1] - times[cut] > HALF_AN_HOUR else None


def _codes(series: Sequence[pa.ChunkedArray], rows: int) -> np.ndarray:
    """A number for each combination of values."""
    codes = np.zeros(rows, "int64")
    for cells in series:
        encoded = cells.combine_chunks().dictionary_encode(null_encoding="encode")
        codes = codes * len(encoded.dictionary) + encoded.indices.to_numpy()
        _, codes = np.unique(codes, return_inverse=True)
    return codes


def _fail_where_lost(cells: pa.ChunkedArray, found: pd.Series, account: Account, rule: str, what: str) -> None:
    lost = int((pc.is_valid(cells).to_numpy() & ~found.to_numpy()).sum())
    account.fail(rule, lost, len(cells), what)


def _timestamps(cells: pa.ChunkedArray, pattern: str, *, utc: bool = False) -> pd.Series:
    """Each distinct text is parsed once: a million rows rarely have more than a few thousand days."""
    # Pandas takes the words "now" and "today" for the time of the run, whatever the pattern.
    encoded = (
        null_where(cells, pc.invert(pc.match_substring_regex(cells, "[0-9]"))).combine_chunks().dictionary_encode()
    )
    distinct = pd.Series(encoded.dictionary.to_pandas(), dtype="str")
    quick = _of_fixed_width(encoded.dictionary, pattern)
    if not utc and not quick.isna().any():
        parsed = quick
    else:
        parsed = pd.to_datetime(distinct, format=pattern, errors="coerce", utc=utc).dt.as_unit("us")
    return pd.Series(parsed.reindex(pc.fill_null(encoded.indices, -1).to_numpy()).array)


def _of_fixed_width(texts: pa.Array, pattern: str) -> pd.Series:
    """What Arrow parses, twenty times as fast as pandas; NaT where a text has not the full width or is no moment.

    Arrow itself takes 31.02. for 03.03. and reads fields of any width, hence the checks.
    """
    fields = re.findall("%.|[^%]", pattern)
    if "%d" not in fields or any(field.startswith("%") and field not in FIXED_WIDTH for field in fields):
        return pd.Series(pd.NaT, index=range(len(texts)), dtype="datetime64[us]")
    exact = "".join(FIXED_WIDTH.get(field) or re.escape(field) for field in fields)
    fits = null_where(texts, pc.invert(pc.match_substring_regex(texts, f"^{exact}$")))
    stamps = pc.strptime(fits, pattern, "us", error_is_null=True)
    start = sum({"%Y": 4}.get(field, len(field)) for field in fields[: fields.index("%d")])
    day = pc.cast(pc.utf8_slice_codeunits(fits, start, start + 2), pa.int64())
    return pd.Series(null_where(stamps, pc.not_equal(day, pc.day(stamps))).to_pandas())
