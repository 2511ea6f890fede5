"""Masks over Arrow columns, in which null means "not asked"."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


def count_true(mask: pa.ChunkedArray) -> int:
    """How often the mask is true; null is not."""
    return int(pc.sum(mask).as_py() or 0)


def null_where(cells: pa.ChunkedArray, mask: pa.ChunkedArray) -> pa.ChunkedArray:
    """The cells, null where the mask is true."""
    return pc.if_else(pc.fill_null(mask, False), pa.scalar(None, cells.type), cells)
