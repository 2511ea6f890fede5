"""What do the columns of a CSV file mean, in a form that programs read?

Table Schema of Frictionless Data (https://specs.frictionlessdata.io/table-schema/) with ``unit`` as a property of
our own, as the specification allows.
"""

from __future__ import annotations

import json
from pathlib import Path

from stadtdaten.frames import PublishedColumn


def write_table_schema(title: str, columns: tuple[PublishedColumn, ...], key: tuple[str, ...], path: Path) -> None:
    """Write the schema of a flattened table; ``key`` names the columns that identify a row, empty if none do."""
    path.write_text(json.dumps(table_schema(title, columns, key), ensure_ascii=False, indent=2) + "\n", "utf-8")


def table_schema(title: str, columns: tuple[PublishedColumn, ...], key: tuple[str, ...]) -> dict[str, object]:
    """The schema as a JSON value. Key columns are required."""
    schema: dict[str, object] = {
        "title": title,
        "fields": [_field(column, required=column.name in key) for column in columns],
        "missingValues": [""],
    }
    if key:
        schema["primaryKey"] = list(key)
    return schema


def _field(column: PublishedColumn, *, required: bool) -> dict[str, object]:
    field: dict[str, object] = {"name": column.name, "type": column.type, "title": column.title}
    if column.description:
        field["description"] = column.description
    if column.unit:
        field["unit"] = column.unit
    if required:
        field["constraints"] = {"required": True}
    return field
