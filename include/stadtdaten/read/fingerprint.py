"""One hash for what a table says: the same whatever the order of its rows, the process and the machine."""

from __future__ import annotations

import hashlib

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import shapely


def content_hash(frame: pd.DataFrame, key: tuple[str, ...]) -> str:
    """SHA-256 (hex) of the typed frame: of every column's name, type, CRS and values, in the order of the rows' keys.

    Independent of the rows' order and of the index; rows with equal keys, or of a
    table without key, are ordered by their other values.
    """
    columns = {str(name): _canonical(frame[name]) for name in frame.columns}
    order = pa.table(columns)
    if not key or (len(frame) and bool(frame.duplicated(list(key)).any())):
        key = (*key, *(name for name in columns if name not in key))
    rows = pc.sort_indices(order, sort_keys=[(name, "ascending") for name in key])
    digest = hashlib.sha256(len(frame).to_bytes(8, "little"))
    for name, values in columns.items():
        _update_with_text(digest, name)
        _update_with_text(digest, _type_name(frame[name]))
        _update_with_values(digest, values.take(rows))
    return digest.hexdigest()


def _type_name(values: pd.Series) -> str:
    if isinstance(values, gpd.GeoSeries):
        return f"geometry[{values.crs.to_string() if values.crs is not None else ''}]"
    return str(values.dtype)


def _canonical(values: pd.Series) -> pa.Array:
    """The values as fixed-width integers or bytes: orders totally (also 0.0 and -0.0) and has one form in memory."""
    if isinstance(values, gpd.GeoSeries):
        return pa.array(shapely.to_wkb(values.to_numpy(), byte_order=1), pa.large_binary())
    array = pa.array(values, from_pandas=True)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        return array.cast(pa.large_string()).cast(pa.large_binary())
    if pa.types.is_boolean(array.type):
        return array.cast(pa.int64())
    return array.view(pa.int64())


def _update_with_text(digest: hashlib._Hash, text: str) -> None:
    data = text.encode()
    digest.update(len(data).to_bytes(8, "little") + data)


def _update_with_values(digest: hashlib._Hash, values: pa.Array) -> None:
    """Which values are there, then the values; what lies in memory behind a null is never hashed."""
    digest.update(np.packbits(pc.is_valid(values).to_numpy(zero_copy_only=False)).data)
    if pa.types.is_int64(values.type):
        digest.update(pc.fill_null(values, 0).to_numpy().astype("<i8", copy=False).data)
        return
    filled = pc.fill_null(values, b"")
    digest.update(pc.binary_length(filled).to_numpy().astype("<i8").data)
    _, offsets, data = filled.buffers()
    ends = np.frombuffer(offsets, "<i8")[filled.offset : filled.offset + len(filled) + 1]
    digest.update(memoryview(data)[ends[0] : ends[-1]] if data is not None and len(filled) else b"")
