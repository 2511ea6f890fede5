"""Dates and moments: text in the declared format, or ISO 8601, to days and to instants in the city's time zone.

Two-digit years follow POSIX: 69 to 99 are 1969 to 1999, 00 to 68 are 2000 to 2068. A time without offset is what the
declared clock showed. The city's own clock shows an hour twice in autumn and leaves one out in spring; which instant
is meant is never guessed: ``by_order`` proves it from the rows, all else stops the table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone, tzinfo
from typing import assert_never
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from stadtdaten.contracts.model import Column
from stadtdaten.read.typed.account import Account
from stadtdaten.read.typed.arrow import null_where
from stadtdaten.read.typed.cells import fits, is_text

ISO = "ISO8601"
ISO_LOCAL = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?$"
ISO_OFFSET = r"(Z|[+-]\d{2}:?\d{2})$"
FIXED_WIDTH = {"%Y": 4, "%y": 2, "%m": 2, "%d": 2, "%H": 2, "%M": 2, "%S": 2}
"""Directives of strptime to the number of digits with which the quick way reads them."""

TOUCHING = re.compile("%[A-Za-z]%[YymdHMSf]")
"""Directives with nothing between them: only with all their zeros is it plain where one ends (1022025 is the first of
February or the tenth)."""

HALF_AN_HOUR = 30 * 60 * 1_000_000
"""In microseconds, as all times here."""

DAY = 48 * HALF_AN_HOUR

NO_TIME = np.iinfo("int64").min
"""A missing time as an integer."""


def read_date(column: Column, cells: pa.ChunkedArray, account: Account) -> pd.Series:
    """datetime64[us] at midnight. ``cells`` is text without outer space, or already an Arrow date or timestamp."""
    if is_text(cells):
        texts = cells.combine_chunks()
        values = _once_each(texts, _iso_days if not column.format else lambda each: _wall(each, column.format))
        lost = pc.is_valid(texts).to_numpy(zero_copy_only=False) & values.isna().to_numpy()
        account.fail("date", int(lost.sum()), len(cells), "sind kein Datum im erklärten Format")
    else:
        values = pd.Series(pc.cast(cells, pa.timestamp("us")).to_pandas())
    times = values.to_numpy().astype("datetime64[us]").astype(np.int64)
    odd = int(((times != NO_TIME) & (times % DAY != 0)).sum())
    account.fail("date", odd, len(cells), "haben eine Uhrzeit, erklärt ist ein Datum")
    return values


def read_datetime(
    column: Column, cells: pa.ChunkedArray, city_timezone: str, series: Sequence[pa.ChunkedArray], account: Account
) -> pd.Series:
    """datetime64[us] in the city's time zone. ``series`` are the columns whose equal rows make one series of times.

    ``cells`` is text without outer space, or already an Arrow timestamp (local without time zone).
    """
    if is_text(cells):
        texts = cells.combine_chunks()
        absolute = _has_offset(column, texts)
        wall = _wall(null_where(texts, absolute), column.format or ISO)
        given = pc.is_valid(texts).to_numpy(zero_copy_only=False)
    elif cells.type.tz is None:
        wall = pd.Series(pc.cast(cells, pa.timestamp("us")).to_pandas())
        return _instants(column, wall, city_timezone, series, account)
    else:
        stamps = pd.Series(pc.cast(cells, pa.timestamp("us", cells.type.tz)).to_pandas())
        return pd.Series(stamps.dt.tz_convert(city_timezone))
    moments = _instants(column, wall, city_timezone, series, account)
    found = wall.notna().to_numpy()
    if pc.any(absolute).as_py():
        told = _once_each(null_where(texts, pc.invert(absolute)), lambda each: _absolute(each, column.format or ISO))
        moments = moments.fillna(told.dt.tz_convert(city_timezone))
        found = found | told.notna().to_numpy()
    account.fail("datetime", int((given & ~found).sum()), len(cells), "sind kein Zeitpunkt im erklärten Format")
    return pd.Series(moments)


def _has_offset(column: Column, texts: pa.Array) -> pa.Array:
    if column.format:
        return pa.repeat("%z" in column.format, len(texts))
    return pc.fill_null(fits(texts, ISO_OFFSET), False)


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

    ``wall`` is in microseconds (missing times are negative and far), ``series`` a number per row. Within a series, the
    rows of the hour must stand together: two runs of rising (or, newest first, falling) times that fit to the rows
    around them. They must be two passes beyond doubt: a time is told twice, or the clock falls back by more than half
    an hour, because a row that is merely late falls back too. The hour may stand in several places only if each tells
    the same times: then it was delivered again.
    """
    passes = np.zeros(len(wall), np.int8)
    order = np.argsort(series, kind="stable")
    order = order[wall[order] != NO_TIME]
    times, numbers = wall[order], series[order]
    positions = np.flatnonzero(twice[order])
    hours = np.stack([numbers, times // (2 * HALF_AN_HOUR)])
    apart = (np.diff(positions) != 1) | (np.diff(hours[:, positions]) != 0).any(axis=0)
    nights: dict[tuple[int, int], list[np.ndarray]] = {}
    for place in np.split(positions, np.flatnonzero(apart) + 1):
        if len(place):
            nights.setdefault(tuple(hours[:, place[0]]), []).append(place)
    for places in nights.values():
        if any(not np.array_equal(times[place], times[places[0]]) for place in places):
            continue
        for place in places:
            before, after = (
                times[at] if 0 <= at < len(times) and numbers[at] == numbers[place[0]] else None
                for at in (place[0] - 1, place[-1] + 1)
            )
            rising = _second_run(times[place], before, after)
            newest_first = _second_run(times[place][::-1], after, before)
            if rising is not None and newest_first is None:
                passes[order[place]] = [1] * rising + [2] * (len(place) - rising)
            elif newest_first is not None and rising is None:
                passes[order[place]] = [2] * (len(place) - newest_first) + [1] * newest_first
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


def _once_each(texts: pa.Array, parse: Callable[[pa.Array], pd.Series]) -> pd.Series:
    """Each distinct text is parsed once: a million rows rarely have more than a few thousand days."""
    encoded = texts.dictionary_encode()
    return pd.Series(parse(encoded.dictionary).reindex(pc.fill_null(encoded.indices, -1).to_numpy()).array)


def _absolute(texts: pa.Array, pattern: str) -> pd.Series:
    """Instants in UTC; NaT where the text is none."""
    if pattern == ISO:
        fits = pc.match_substring_regex(pc.replace_substring_regex(texts, ISO_OFFSET, ""), ISO_LOCAL)
        texts = null_where(texts, pc.invert(fits))
    return _by_pandas(texts, pattern, utc=True)


def _iso_days(texts: pa.Array) -> pd.Series:
    # Databases that know no plain date deliver midnight with it; any other time of day is a mistake.
    days = pc.replace_substring_regex(texts, r"^(\d{4}-\d{2}-\d{2})[T ]00:00:00(\.0+)?$", r"\1")
    return _wall(days, "%Y-%m-%d")


def _wall(texts: pa.Array, pattern: str) -> pd.Series:
    """What a clock showed, datetime64[us]; NaT where the text is no such time."""
    quick = _iso(texts) if pattern == ISO else _of_fixed_width(texts, pattern)
    walls = pd.Series(quick.to_pandas())
    rest = pc.and_(pc.is_valid(texts), pc.is_null(quick))
    if pattern != ISO and pc.any(rest).as_py():
        slow = _once_each(texts.filter(rest), lambda each: _by_pandas(each, pattern, utc=False))
        walls[rest.to_numpy(zero_copy_only=False)] = slow.to_numpy()
    return walls


def _iso(texts: pa.Array) -> pa.Array:
    texts = null_where(texts, pc.invert(fits(texts, ISO_LOCAL)))
    try:
        return pc.cast(texts, pa.timestamp("us"))
    except pa.ArrowInvalid:  # there is a day or an hour that does not exist, or a fraction below microseconds
        return pa.array(_by_pandas(texts, ISO, utc=False), pa.timestamp("us"))


def _of_fixed_width(texts: pa.Array, pattern: str) -> pa.Array:
    """What Arrow parses, twenty times as fast as pandas; null where a text has not the full width or is no moment.

    Arrow itself takes 31.02. for 03.03. and reads fields of any width, hence the checks.
    """
    fields = re.findall("%.|[^%]", pattern)
    if "%d" not in fields or any(field.startswith("%") and field not in FIXED_WIDTH for field in fields):
        return pa.nulls(len(texts), pa.timestamp("us"))
    digits = [FIXED_WIDTH.get(field, 0) for field in fields]
    regular = null_where(texts, pc.invert(fits(texts, _full_width(fields))))
    stamps = pc.strptime(regular, pattern, "us", error_is_null=True)
    for field, part in (("%d", pc.day), ("%S", pc.second)):
        if field in fields:
            start = sum(width or 1 for width in digits[: fields.index(field)])
            told = pc.cast(pc.utf8_slice_codeunits(regular, start, start + 2), pa.int64())
            stamps = null_where(stamps, pc.not_equal(told, part(stamps)))
    return stamps


def _full_width(fields: Sequence[str]) -> str:
    """Regular expression of a text in which each number has all its digits."""
    parts = {field: f"[0-9]{{{width}}}" for field, width in FIXED_WIDTH.items()}
    return "^" + "".join(parts.get(each, ".+" if each[0] == "%" else re.escape(each)) for each in fields) + "$"


def _by_pandas(texts: pa.Array, pattern: str, *, utc: bool) -> pd.Series:
    if TOUCHING.search(pattern):
        texts = null_where(texts, pc.invert(fits(texts, _full_width(re.findall("%.|[^%]", pattern)))))
    # Pandas takes the words "now" and "today" for the time of the run, whatever the pattern.
    texts = null_where(texts, pc.invert(pc.match_substring_regex(texts, "[0-9]")))
    strings = pd.Series(texts.to_pandas(), dtype="str")
    return pd.Series(pd.to_datetime(strings, format=pattern, errors="coerce", utc=utc).dt.as_unit("us"))
