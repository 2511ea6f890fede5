"""What is a release called, and how is its table of contents written down?"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from pydantic import ValidationError

from stadtdaten.faults import ReleaseDamaged
from stadtdaten.frames import Inputs, Manifest

MANIFEST = "manifest.json"


def release_id(inputs: Inputs) -> str:
    """First 12 hex digits of the SHA-256 of the inputs as canonical JSON (sorted keys, no spaces, ASCII).

    The name is public, the hash of what was read is not: ``content`` must be that of the published files.
    """
    canonical = json.dumps(inputs.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()[:12]


def manifest_text(manifest: Manifest) -> str:
    """The manifest as it stands in ``manifest.json``; the same manifest gives the same text."""
    return manifest.model_dump_json(indent=2) + "\n"


def parse_manifest(text: str, where: str) -> Manifest | None:
    """The manifest in ``text``; None if the text breaks off, as a killed writer leaves it.

    A beginning of a JSON object is never itself JSON, so a text that breaks off cannot pass for a whole one. Whole
    JSON that is no manifest is damage and raises ReleaseDamaged; ``where`` names the release in its message.
    """
    try:
        json.loads(text)
    except json.JSONDecodeError:
        return None
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        raise ReleaseDamaged(
            f"Das Inhaltsverzeichnis ({MANIFEST}) von {where} hat {error.error_count()} Fehler und ist nicht lesbar.",
            next_step="Release aus der Sicherung wiederherstellen, oder den Datensatz neu bauen lassen.",
        ) from None


def write_candidate_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of a finished candidate; call it last, because a folder without one is no candidate."""
    unfinished = folder / f".{MANIFEST}.part"
    with unfinished.open("w", encoding="utf-8") as file:
        file.write(manifest_text(manifest))
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(folder / MANIFEST)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a candidate or release in a local folder. Raises ReleaseDamaged if there is none."""
    path = folder / MANIFEST
    manifest = parse_manifest(path.read_text(encoding="utf-8"), folder.name) if path.is_file() else None
    if manifest is None:
        raise ReleaseDamaged(
            f"Der Ordner {folder.name} hat kein vollständiges Inhaltsverzeichnis ({MANIFEST}).",
            next_step="Den Lauf wiederholen: Ein unterbrochener Bau wird dabei von vorn begonnen.",
        )
    return manifest
