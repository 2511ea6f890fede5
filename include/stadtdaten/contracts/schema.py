"""JSON Schemas of contracts and city, for editors: what may be written, with completion and hover texts."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel

from stadtdaten.contracts.load import Problem
from stadtdaten.contracts.model import City, Contract

MODELS: dict[str, type[BaseModel]] = {"contract.schema.json": Contract, "city.schema.json": City}


def write_schemas(folder: Path) -> list[Path]:
    """Write one schema per model into ``folder``; the files written."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in _schemas().items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in MODELS]


def check_schemas(folder: Path) -> list[Problem]:
    """A problem for each schema that is missing or does not match the models any more."""
    fix = "run `stadtdaten schema` and commit the result"
    return [
        Problem(folder / name, 1, "does not match the models", fix)
        for name, text in _schemas().items()
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != text
    ]


def _schemas() -> dict[str, str]:
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {
        name: json.dumps(head | model.model_json_schema(by_alias=True), indent=2, ensure_ascii=False) + "\n"
        for name, model in MODELS.items()
    }
