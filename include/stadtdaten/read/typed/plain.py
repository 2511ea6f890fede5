"""Columns that are written in the plainest way throughout get their type at once, chunk by chunk, by Arrow.

Most columns are: digits, a minus, the decimal sign; ISO dates and times. Arrow alone would take more for numbers and
times than the contract means (``0x1F``, ``nan``, ``1.``, an hour without minutes), so what it may be given is settled
before by the bytes and lengths of the cells. All other columns stay text, for ``numbers`` and ``moments`` to judge.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stadtdaten.contracts.model import Column
from stadtdaten.read.typed.numbers import Notation

DAY = len("2025-12-31")
TIMES = (len("2025-12-31T14:05"), len("2025-12-31T14:05:00"))
DIGITS = 19
"""Characters of a whole number that surely fits 64 bits or is refused for its size by Arrow."""


def typed_if_plain(column: Column, cells: pa.ChunkedArray, notation: Notation) -> pa.ChunkedArray:
    """int64, float64, date32 or timestamp, null where a cell is empty; or the text as it is, if one cell is not plain.

    Numbers that are missing markers are among the values.
    """
    match column.type:
        case "integer" | "number":
            kind = pa.int64() if column.type == "integer" else pa.float64()
            chunks = (_numbers(chunk, notation.decimal, kind) for chunk in cells.chunks)
        case "date" | "datetime" if not column.format:
            lengths = (DAY,) if column.type == "date" else TIMES
            if any(len(marker) in lengths for marker in column.missing):
                return cells
            kind = pa.date32() if column.type == "date" else pa.timestamp("us")
            chunks = (_moments(chunk, lengths, kind) for chunk in cells.chunks)
        case _:
            return cells
    if "" in column.missing:  # is counted
        return cells
    typed = []
    try:
        for chunk in chunks:
            if chunk is None:
                return cells
            typed.append(chunk)
    except pa.ArrowInvalid:
        return cells
    return pa.chunked_array(typed, kind)


def _numbers(chunk: pa.Array, decimal: str, kind: pa.DataType) -> pa.Array | None:
    """None if there is anything but digits, minus and decimal sign; ArrowInvalid if they are no number."""
    if chunk.null_count:
        return None
    ends, text = _bytes(chunk)
    sign = "-" if kind == pa.int64() else min("-", decimal)
    if not len(text) or text.min() < ord(sign) or text.max() > ord("9"):
        return None  # between them are only "." and "/", which Arrow refuses
    if kind == pa.int64() and np.diff(ends).max() > DIGITS:
        return None
    if kind == pa.float64() and (pc.any(pc.ends_with(chunk, decimal)).as_py() or (decimal == "," and ord(".") in text)):
        return None
    if decimal == ",":
        text = np.where(text == ord(","), np.uint8(ord(".")), text)
    return pc.cast(_without_empty(ends, text), kind)


def _moments(chunk: pa.Array, lengths: tuple[int, ...], kind: pa.DataType) -> pa.Array | None:
    """None if a cell is of another length; ArrowInvalid if one is no such moment or has an offset to UTC."""
    if chunk.null_count:
        return None
    ends, text = _bytes(chunk)
    if not np.isin(np.diff(ends), (0, *lengths)).all():
        return None
    return pc.cast(_without_empty(ends, text), kind)


def _bytes(chunk: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Where each text ends, behind a leading 0, and all texts without anything between them."""
    _, offsets, data = chunk.buffers()
    ends = np.frombuffer(offsets, np.int64 if pa.types.is_large_string(chunk.type) else np.int32)
    ends = ends[chunk.offset : chunk.offset + len(chunk) + 1]
    text = np.frombuffer(data or b"", np.uint8)[ends[0] : ends[-1]]
    return ends - ends[0], text


def _without_empty(ends: np.ndarray, text: np.ndarray) -> pa.Array:
    """The texts, null where there is none."""
    filled = np.diff(ends) > 0
    validity = None if filled.all() else pa.array(filled).buffers()[1]
    kind = pa.large_string() if ends.dtype == np.int64 else pa.string()
    return pa.Array.from_buffers(kind, len(filled), [validity, pa.py_buffer(ends), pa.py_buffer(text)])
