"""Where can a mark be read? Every byte of a folder is looked at: as it is, as UTF-16, and unpacked.

Names of files and folders count too. What is packed hides what it holds from whoever only looks at the bytes: ZIP (and
with it XLSX), gzip, zlib, Zstandard, Parquet, SQLite (and with it GeoPackage), and mails.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import sqlite3
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from email import policy
from email.parser import BytesParser
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be")
"""Latin-1 and cp1252 write the marks as UTF-8 does: they are ASCII."""

DEPTH = 6
"""Packages within packages that are opened: a ZIP in a BLOB of a SQLite file in a ZIP has three."""


def find_marks(folder: Path, marks: Iterable[str], *, without: Iterable[Path] = ()) -> list[str]:
    """Places below the folder where one of the marks (ASCII, whatever the case) can be read, as ``path!inner place``.

    ``without`` are folders that are not looked at: what the source itself keeps.
    """
    wanted = [mark.lower().encode(encoding) for mark in marks for encoding in ENCODINGS]
    left_out = tuple(without)
    found: dict[str, None] = {}
    for path in sorted(folder.rglob("*")):
        if any(path == each or each in path.parents for each in left_out):
            continue
        name = path.relative_to(folder).as_posix()
        with contextlib.suppress(FileNotFoundError):  # gone since it was listed
            for place, content in _readable(name, path.read_bytes() if path.is_file() else b"", path):
                if _holds(place.encode(), wanted) or _holds(content, wanted):
                    found[place] = None
    return list(found)


def holds_mark(text: str, marks: Iterable[str]) -> bool:
    """Whether the text holds one of the marks, whatever the case."""
    return any(mark.lower() in text.lower() for mark in marks)


def _holds(content: bytes, wanted: Iterable[bytes]) -> bool:
    lowered = content.lower()
    return any(each in lowered for each in wanted)


def _readable(place: str, content: bytes, path: Path | None = None, depth: int = DEPTH) -> Iterator[tuple[str, bytes]]:
    """The content, and whatever it holds packed, with where that is. What cannot be unpacked is as it is."""
    yield place, content
    if not depth:
        return
    for start, unpack in _UNPACK.items():
        if content.startswith(start):
            with contextlib.suppress(
                OSError, zlib.error, zipfile.BadZipFile, sqlite3.Error, EOFError, pa.ArrowException
            ):
                for inner, part in unpack(content):
                    yield from _readable(f"{place}!{inner}", part, depth=depth - 1)
    if path is not None and path.suffix == ".eml":
        yield from _mail(place, content, depth)


def _mail(place: str, content: bytes, depth: int) -> Iterator[tuple[str, bytes]]:
    message = BytesParser(policy=policy.default).parsebytes(content)
    for number, part in enumerate(message.walk()):
        yield f"{place}!headers {number}", str(part.items()).encode()
        if not part.is_multipart():
            decoded = part.get_payload(decode=True)
            if isinstance(decoded, bytes):
                yield from _readable(f"{place}!part {number}", decoded, depth=depth - 1)


def _zip(content: bytes) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        yield "comment", archive.comment
        for member in archive.infolist():
            yield member.filename, archive.read(member)


def _gzip(content: bytes) -> Iterator[tuple[str, bytes]]:
    yield "gzip", gzip.decompress(content)


def _zlib(content: bytes) -> Iterator[tuple[str, bytes]]:
    yield "zlib", zlib.decompress(content)


def _zstandard(content: bytes) -> Iterator[tuple[str, bytes]]:
    with pa.CompressedInputStream(pa.BufferReader(content), "zstd") as stream:
        yield "zstd", stream.read()


def _parquet(content: bytes) -> Iterator[tuple[str, bytes]]:
    file = pq.ParquetFile(io.BytesIO(content))
    yield "schema", str(file.schema_arrow).encode() + repr(file.schema_arrow.metadata).encode()
    for name, column in zip(file.schema_arrow.names, file.read().columns, strict=True):
        yield from _values(name, column.to_pylist())


def _sqlite(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Every table, read as a file of its own: what only stands in a journal beside it is found there."""
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        # Without this a database with a write-ahead log cannot be opened from memory (SQLite file format, 1.3.3).
        database.deserialize(content[:18] + b"\x01\x01" + content[20:])
        database.text_factory = bytes
        for (table,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
            name = table.decode()
            with contextlib.suppress(sqlite3.OperationalError):  # a virtual table whose module is not loaded
                for row in database.execute(f'SELECT * FROM "{name}"'):
                    yield from _values(name, row)


def _values(name: str, values: Iterable[object]) -> Iterator[tuple[str, bytes]]:
    """All texts in one piece, and each sequence of bytes that may be a package."""
    texts = []
    for value in values:
        if isinstance(value, bytes):
            texts.append(value)
            if value.startswith(tuple(_UNPACK)):
                yield name, value
        elif isinstance(value, str):
            texts.append(value.encode())
        elif isinstance(value, list | dict):
            texts.append(repr(value).encode())
    yield name, b"\n".join(texts)


_UNPACK: dict[bytes, Callable[[bytes], Iterator[tuple[str, bytes]]]] = {
    b"PK\x03\x04": _zip,
    b"\x1f\x8b": _gzip,
    b"\x78\x01": _zlib,
    b"\x78\x9c": _zlib,
    b"\x78\xda": _zlib,
    b"\x28\xb5\x2f\xfd": _zstandard,
    b"PAR1": _parquet,
    b"SQLite format 3\x00": _sqlite,
}
"""How a package begins, and how it is unpacked."""
