"""Masks over Arrow columns, in which null means "not asked"."""

from __future__ import annotations

from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

Cells: TypeAlias = pa.ChunkedArray | pa.Array


def count_true(mask: Cells) -> int:
    """How often the mask is true; null is not."""
    return int(pc.sum(mask).as_py() or 0)


def null_where(cells: Cells, mask: Cells) -> Cells:
    """The cells, null where the mask is true."""
    return pc.if_else(pc.fill_null(mask, False), pa.scalar(None, cells.type), cells)
