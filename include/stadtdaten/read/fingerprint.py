"""One hash for what a table says: the same whatever the order of its rows, the process and the machine."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

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
    digest = hashlib.sha256(len(frame).to_bytes(8, "little"))
    rows = _order(columns, key)
    with ThreadPoolExecutor(pa.cpu_count()) as pool:
        ordered = columns.values() if rows is None else pool.map(lambda values: values.take(rows), columns.values())
        for name, values in zip(columns, ordered, strict=True):
            _update_with_text(digest, name)
            _update_with_text(digest, _type_name(frame[name]))
            _update_with_values(digest, values)
    return digest.hexdigest()


def _order(columns: dict[str, pa.Array], key: tuple[str, ...]) -> pa.Array | None:
    """The positions of the rows in the order of the key; None if they stand in it already."""
    keys = [columns[name] for name in key]
    if keys and not any(values.null_count for values in keys) and pc.all(_rises(keys)).as_py():
        return None
    rest = [values for name, values in columns.items() if name not in key]
    rows = _sorted(keys or rest)
    if keys and rest and pc.any(_repeats([values.take(rows) for values in keys])).as_py():
        rows = _sorted([*keys, *rest])
    return rows


def _sorted(keys: list[pa.Array]) -> pa.Array:
    numbered = {str(number): values for number, values in enumerate(keys)}
    return pc.sort_indices(pa.table(numbered), sort_keys=[(number, "ascending") for number in numbered])


def _rises(keys: list[pa.Array]) -> pa.Array:
    """For each row but the first: whether its key comes after the one before."""
    rises, equal = pa.scalar(False), pa.scalar(True)
    for values in keys:
        before, after = values.slice(0, max(len(values) - 1, 0)), values.slice(1)
        rises = pc.or_(rises, pc.and_(equal, pc.less(before, after)))
        equal = pc.and_(equal, pc.equal(before, after))
    return rises


def _repeats(keys: list[pa.Array]) -> pa.Array:
    """For each row but the first: whether its key is the one before; a missing part equals a missing part."""
    equal = pa.scalar(True)
    for values in keys:
        before, after = values.slice(0, max(len(values) - 1, 0)), values.slice(1)
        both_missing = pc.and_(pc.is_null(before), pc.is_null(after))
        equal = pc.and_(equal, pc.or_(both_missing, pc.fill_null(pc.equal(before, after), False)))
    return equal


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
