"""Does a finished file tell who made it: document properties, comments, EXIF, descriptions within?

What stands in the rows is audited before files are written; this looks at what programs add unasked. It opens every
kind of file that a release may hold, and a kind it cannot open is a finding.
"""

from __future__ import annotations

import json
import re
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from stadtdaten.faults import Finding
from stadtdaten.privacy.text.metadata import find_in_metadata

_PROGRAMS = {"", "openpyxl", "XlsxWriter", "GDAL", "pandas"}
"""What programs write as author where nobody is."""
_AUTHOR = re.compile(
    rb"<(?:\w+:)?(creator|lastModifiedBy|initial-creator|printed-by|[Mm]anager|[Cc]ompany|author)(?:\s[^>]*)?>"
    rb"([^<]*)<"
)
_COMMENT_PARTS = re.compile(r"xl/(?:comments|threadedComments|persons)|xl/comments\d*\.xml", re.IGNORECASE)
_TEXTS = {".csv", ".json", ".ttl", ".rdf", ".xml", ".jsonld", ".html", ".md", ".txt", ".svg"}
"""Plain text: what is in it, we wrote ourselves."""
_HEAD = 1 << 16


def audit_file(path: Path) -> Iterator[Finding]:
    """What in the file tells of a person besides its rows; the name of the file is looked at, too.

    Findings name the file's kind and the property, never its value.
    """
    yield from find_in_metadata({"Dateiname": path.name})
    suffix = path.suffix.lower()
    opener = _OPENERS.get(suffix)
    if opener is not None:
        yield from opener(path)
    elif suffix not in _TEXTS:
        yield Finding("unknown_file", "Für diese Art von Datei ist nicht bekannt, was sie über ihre Urheber verrät.")


def _office_file(path: Path) -> Iterator[Finding]:
    """Workbooks and other files in a ZIP (xlsx, ods, GTFS): properties of the document and comments."""
    with zipfile.ZipFile(path) as archive:
        if archive.comment:
            yield Finding("file_comment", "Das ZIP-Archiv trägt einen Kommentar.", count=1)
        yield from find_in_metadata(
            {f"Datei {number} im Archiv": name for number, name in enumerate(archive.namelist(), 1)}
        )
        for name in archive.namelist():
            if _COMMENT_PARTS.match(name):
                yield Finding("file_comment", "Die Arbeitsmappe enthält Kommentare.", count=1)
            elif name in ("docProps/core.xml", "docProps/app.xml", "meta.xml"):
                for match in _AUTHOR.finditer(archive.read(name)):
                    if match[2].decode("utf-8", "replace").strip() not in _PROGRAMS:
                        yield Finding(
                            "file_author", f"Die Dokumenteigenschaft {match[1].decode()} ist ausgefüllt.", count=1
                        )
            elif name == "content.xml" and b"<office:annotation" in archive.read(name):
                yield Finding("file_comment", "Die Arbeitsmappe enthält Kommentare.", count=1)


def _geopackage(path: Path) -> Iterator[Finding]:
    """GeoPackage: descriptions of the layers and the extension for metadata."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
        texts = {}
        for number, row in enumerate(database.execute("SELECT identifier, description FROM gpkg_contents"), 1):
            texts[f"Beschreibung der Ebene {number}"] = " ".join(text for text in row if text)
        if "gpkg_metadata" in tables:
            for number, (text,) in enumerate(database.execute("SELECT metadata FROM gpkg_metadata"), 1):
                texts[f"Metadaten {number} des GeoPackage"] = str(text)
    yield from find_in_metadata(texts)


def _parquet(path: Path) -> Iterator[Finding]:
    """Parquet: the texts that were stored with the schema."""
    import pyarrow.parquet as pq

    stored = pq.read_metadata(path).metadata or {}
    # The Arrow schema is the columns once more, in Base64.
    yield from find_in_metadata(
        {
            f"Angabe {key.decode('utf-8', 'replace')} der Parquet-Datei": value.decode("utf-8", "replace")
            for key, value in stored.items()
            if key != b"ARROW:schema"
        }
    )


def _geojson(path: Path) -> Iterator[Finding]:
    """GeoJSON: what stands before the features."""
    with path.open(encoding="utf-8") as file:
        head = file.read(_HEAD).partition('"features"')[0]
    texts = re.findall(r'"((?:[^"\\]|\\.)*)"', head)
    yield from find_in_metadata(
        {f"Angabe {number} im Kopf": json.loads(f'"{text}"') for number, text in enumerate(texts, 1)}
    )


def _jpeg(path: Path) -> Iterator[Finding]:
    """JPEG: EXIF, XMP and IPTC (place, camera, author), and comments. Segments stand before the image (ISO 10918-1)."""
    data = path.read_bytes()
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in (0xE1, 0xED):  # APP1: EXIF and XMP; APP13: IPTC
            yield Finding("image_metadata", "Das Bild trägt EXIF-, XMP- oder IPTC-Angaben.", count=1)
        elif marker == 0xFE:
            yield Finding("file_comment", "Das Bild trägt einen Kommentar.", count=1)
        at += 2 + length


def _png(path: Path) -> Iterator[Finding]:
    """PNG: texts and EXIF in chunks of their own (ISO 15948)."""
    data = path.read_bytes()
    at = 8
    while at + 8 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if kind in (b"tEXt", b"zTXt", b"iTXt", b"eXIf"):
            yield Finding("image_metadata", "Das Bild trägt Texte oder EXIF-Angaben.", count=1)
        at += 12 + length


_OPENERS: dict[str, Callable[[Path], Iterator[Finding]]] = {
    ".xlsx": _office_file, ".xlsm": _office_file, ".ods": _office_file, ".zip": _office_file, ".gpkg": _geopackage,
    ".parquet": _parquet, ".geojson": _geojson, ".jpg": _jpeg, ".jpeg": _jpeg, ".png": _png,
}  # fmt: skip
