"""One JSON answer of a service: whole, not too deep, small enough to be held in memory."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from stadtdaten.contracts.interfaces import Limits
from stadtdaten.extract.transport import Refusal, html_instead_of_data, looks_like_html
from stadtdaten.faults import Fault, SourceUnreadable

LARGEST = 64_000_000
"""Bytes of a page: about ten times that is its cost in memory. Services page, so more is a matter of page_size."""

STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
"""Texts; one without an end reaches to the file's, or each quote in it would be tried as a beginning."""
OPENING, CLOSING = (np.array([each in signs for each in range(256)], np.int8) for signs in (b"[{", b"]}"))


def load_page(path: Path, table: str, limits: Limits) -> dict[str, Any]:
    """The answer on disk, an object. Raises SourceUnreadable for anything else (RFC 8259), naming no content."""
    page = load_json(path, table, limits)
    if not isinstance(page, dict):
        raise SourceUnreadable(
            f"Tabelle „{table}“: Eine Seite der Quelle ist kein JSON-Objekt.",
            next_step="Prüfen, ob die Adresse der Verbindung der richtige Dienst ist.",
        )
    return page


def load_json(path: Path, table: str, limits: Limits) -> Any:
    """The answer on disk, whatever JSON it is. Raises SourceUnreadable for anything else, naming no content."""
    size = path.stat().st_size
    if size > LARGEST:
        raise SourceUnreadable(
            f"Tabelle „{table}“: Eine Seite der Quelle hat {size // 1_000_000} MB, gelesen werden bis zu "
            f"{LARGEST // 1_000_000} MB auf einmal.",
            next_step="Im Vertrag interface.page_size verkleinern.",
        )
    content = path.read_bytes()
    if depth_of(content) > limits.depth:
        raise SourceUnreadable(
            f"Tabelle „{table}“: Eine Seite der Quelle ist tiefer geschachtelt als {limits.depth} Ebenen.",
            next_step="Prüfen, ob die Quelle das Richtige liefert; sonst limits.depth im Vertrag anheben.",
        )
    try:
        return json.loads(content, parse_constant=_no_number)
    except ValueError:
        raise SourceUnreadable(
            f"Tabelle „{table}“: Eine Seite der Quelle ist kein vollständiges JSON.",
            next_step="Die Abfrage im Browser wiederholen; bricht sie dort auch ab, den Betrieb ansprechen.",
        ) from None


def depth_of(content: bytes) -> int:
    """How deep containers lie in each other in JSON text; looked at before a parser recurses into it."""
    signs = np.frombuffer(STRINGS.sub(b"", content), np.uint8)
    deepest = level = 0
    for start in range(0, len(signs), 1 << 20):
        block = signs[start : start + (1 << 20)]
        levels = level + np.cumsum(OPENING[block] - CLOSING[block], dtype=np.int32)
        deepest, level = max(deepest, int(levels.max())), int(levels[-1])
    return deepest


def member(value: Any, path: str) -> Any:
    """What stands at the path (``result/items``) in a JSON value; None where nothing does."""
    for name in path.split("/"):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def features_hash(features: list[Any]) -> str:
    """SHA-256 of the features alone: around them stand links and the time of the answer."""
    return hashlib.sha256(json.dumps(features).encode()).hexdigest()


def refuse_html(table: str) -> Refusal:
    """Judges the beginning of an answer: a web page is no data."""

    def refuse(status: int, media_type: str, head: bytes) -> Fault | None:
        return html_instead_of_data(table) if status == 200 and looks_like_html(media_type, head) else None

    return refuse


def _no_number(_name: str) -> NoReturn:
    """NaN and Infinity are no JSON."""
    raise ValueError
