"""How is a published table about people kept for good, so that it can be attacked together with every later one?

As Parquet, without geometry, with all that an attacker needs to read it: which columns are dimensions, how they are
nested and grouped, what is counted. A contract changes over the years; what was published does not, so each table
carries its own reading (``Declaration``) in the file's metadata.
"""

from __future__ import annotations

import io
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from stadtdaten.contracts.model import Table
from stadtdaten.contracts.protection import CellKey, FrequencyTable, RoundedCounts, Suppression
from stadtdaten.frames import Value

_KEY = b"stadtdaten.declaration"

_TYPES = {
    pa.int64(): pd.Int64Dtype(),
    pa.float64(): pd.Float64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
    pa.string(): pd.StringDtype(na_value=np.nan),
    pa.large_string(): pd.StringDtype(na_value=np.nan),
}


class Declaration(Value):
    """How a published table of counts or sums is to be read. Names of columns are those published.

    Tables with equal ``rows`` count (or sum up) the same rows. ``sources`` is the source's column behind each dimension
    and ``groups`` how its values were made: the same source in two groupings must not be subtracted. ``minimum`` is how
    wide the interval of a hidden count must be. ``changed_by`` is how every count was changed, if it was.
    """

    table: str
    rows: str
    measure: str
    method: Literal["suppression", "rounding", "cell_key", "sums"]
    dimensions: tuple[str, ...]
    margins: tuple[str, ...]
    nested: dict[str, str]
    merged: dict[str, str]
    total: str
    minimum: float
    changed_by: RoundedCounts | CellKey | None = None
    sources: dict[str, str]
    groups: dict[str, str]


def declaration(table: Table) -> Declaration | None:
    """What the contract says about reading the published table; None if it is no table of counts or sums."""
    spec = table.tabulation
    if spec is None:
        return None
    columns = {name: table.column(name) for name in spec.dimensions}
    treatments = {name: column.treatment for name, column in columns.items()}
    counted = table.column(spec.measure).source if any(c.name == spec.measure for c in table.columns) else ""
    protection = spec.protection if isinstance(spec, FrequencyTable) else None
    return Declaration(
        table=table.id,
        rows="|".join((table.resource, *table.further_resources, table.reading.model_dump_json(), counted)),
        measure=spec.measure,
        method=protection.kind if protection is not None else "sums",
        dimensions=spec.dimensions,
        margins=spec.margins,
        nested=dict(spec.nested),
        merged=dict(spec.merged) if isinstance(spec, FrequencyTable) else {},
        total=spec.total,
        minimum=protection.minimum if isinstance(protection, Suppression) else 0,
        changed_by=None if isinstance(protection, Suppression) else protection,
        sources={name: column.source for name, column in columns.items()},
        groups={name: "" if each is None else each.model_dump_json() for name, each in treatments.items()},
    )


def encode(frame: pd.DataFrame, table: Table) -> bytes:
    """The published ``frame`` of ``table`` without geometry as Parquet (zstd): the same frame gives the same bytes."""
    plain = pd.DataFrame(frame[[name for name in frame.columns if frame[name].dtype.name != "geometry"]])
    arrow = pa.Table.from_pandas(plain, preserve_index=False)
    reading = declaration(table)
    # pandas' own metadata would change with its version.
    arrow = arrow.replace_schema_metadata({} if reading is None else {_KEY: reading.model_dump_json().encode()})
    buffer = io.BytesIO()
    pq.write_table(arrow, buffer, compression="zstd", compression_level=19)
    return buffer.getvalue()


def decode(content: bytes) -> pd.DataFrame:
    """The frame that ``encode`` was given, with nullable types."""
    frame: pd.DataFrame = pq.read_table(io.BytesIO(content)).to_pandas(types_mapper=_TYPES.get)
    return frame


def decode_declaration(content: bytes) -> Declaration | None:
    """How the frame in ``content`` is to be read; None if it is no table of counts or sums."""
    metadata = pq.read_schema(io.BytesIO(content)).metadata or {}
    return Declaration.model_validate_json(metadata[_KEY]) if _KEY in metadata else None
