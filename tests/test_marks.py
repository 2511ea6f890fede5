"""A search that cannot find is worth nothing: a mark is planted in everything that may hide one."""

from __future__ import annotations

import gzip
import io
import sqlite3
import zipfile
import zlib
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import geopandas as gpd
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl.comments import Comment
from shapely import Point

from marks import find_marks

MARK = "Geheimwert"


def parquet(text: str, compression: str = "zstd", name: str = "spalte", note: str = "") -> bytes:
    table = pa.table({"nummer": list(range(500)), name: [f"Eintrag {number}" for number in range(499)] + [text]})
    out = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({"note": note}), out, compression=compression)
    return out.getvalue()


def zipped(content: bytes, name: str = "datei.txt") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return out.getvalue()


def zstandard(content: bytes) -> bytes:
    out = pa.BufferOutputStream()
    with pa.CompressedOutputStream(out, "zstd") as stream:
        stream.write(content)
    return bytes(out.getvalue())


def workbook(text: str, *, comment: bool = False) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    cell = book.worksheets[0].cell(1, 1, "Wert" if comment else text)
    if comment:
        cell.comment = Comment(text, "Fachstelle")
    book.save(out)
    return out.getvalue()


def database(tmp_path: Path, value: object, journal: str = "delete") -> bytes:
    path = tmp_path.with_name("made.sqlite")
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA journal_mode = {journal}")
    connection.execute("CREATE TABLE t (a)")
    connection.executemany("INSERT INTO t VALUES (?)", [("x" * 5000,), (value,)])
    connection.commit()
    connection.close()
    return path.read_bytes()


def mail(text: str, encoding: str) -> bytes:
    message = EmailMessage()
    message["Subject"] = "Offene Daten"
    message.set_content(f"Größe der Tabelle: {text}", cte=encoding)
    return bytes(message)


def plain(tmp_path: Path, text: str) -> bytes:
    return f"Grüße von {text}".encode()


KINDS: dict[str, Callable[[Path, str], bytes]] = {
    "text in UTF-8": plain,
    "text in Latin-1": lambda _, text: f"Grüße von {text}".encode("latin-1"),
    "text in UTF-16": lambda _, text: f"Grüße von {text}".encode("utf-16"),
    "text in UTF-16, big endian": lambda _, text: f"Grüße von {text}".encode("utf-16-be"),
    "text in capitals": lambda _, text: text.upper().encode(),
    "ZIP": lambda _, text: zipped(text.encode()),
    "name in a ZIP": lambda _, text: zipped(b"", f"{text}.txt"),
    "gzip": lambda _, text: gzip.compress(text.encode()),
    "zlib": lambda _, text: zlib.compress(text.encode()),
    "Zstandard": lambda _, text: zstandard(b"".join(b"%d " % number for number in range(5000)) + text.encode()),
    "Parquet, Zstandard": lambda _, text: parquet(text),
    "Parquet, gzip": lambda _, text: parquet(text, "gzip"),
    "Parquet, snappy": lambda _, text: parquet(text, "snappy"),
    "column of a Parquet": lambda _, text: parquet("x", name=text),
    "notes of a Parquet": lambda _, text: parquet("x", note=text),
    "XLSX": lambda _, text: workbook(text),
    "comment in an XLSX": lambda _, text: workbook(text, comment=True),
    "SQLite": database,
    "SQLite with a write-ahead log": lambda path, text: database(path, text, "wal"),
    "bytes in SQLite": lambda path, text: database(path, text.encode()),
    "text across pages of SQLite": lambda path, text: database(path, "x" * 4000 + text * 40),
    "Parquet in SQLite": lambda path, text: database(path, parquet(text)),
    "Parquet in a ZIP in a gzip": lambda _, text: gzip.compress(zipped(parquet(text))),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_mark_is_found_in_every_kind_of_file(tmp_path: Path, kind: str) -> None:
    (tmp_path / "etwas").write_bytes(KINDS[kind](tmp_path, MARK))
    found = find_marks(tmp_path, [MARK])
    assert any(place.startswith("etwas" if kind.startswith("text in") else "etwas!") for place in found)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_found_where_there_is_no_mark(tmp_path: Path, kind: str) -> None:
    (tmp_path / "etwas").write_bytes(KINDS[kind](tmp_path, "Allerlei"))
    assert find_marks(tmp_path, [MARK]) == []


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "8bit"])
def test_a_mark_is_found_in_a_mail(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "1.eml").write_bytes(mail("x" * 70 + MARK, encoding))
    assert find_marks(tmp_path, [MARK])


def test_a_mark_is_found_in_the_subject_of_a_mail(tmp_path: Path) -> None:
    message = EmailMessage()
    message["Subject"] = f"Größe: {MARK}"
    (tmp_path / "1.eml").write_bytes(bytes(message))
    assert find_marks(tmp_path, [MARK])


def test_a_mark_is_found_in_a_geopackage(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame({"name": [MARK]}, geometry=[Point(1, 2)], crs="EPSG:25832")
    frame.to_file(tmp_path / "orte.gpkg", driver="GPKG")
    assert "orte.gpkg!orte" in find_marks(tmp_path, [MARK])


def test_a_mark_is_found_in_the_name_of_a_file_and_of_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / f"{MARK}.csv").touch()
    (tmp_path / f"von {MARK}").mkdir()
    assert find_marks(tmp_path, [MARK]) == [f"a/{MARK}.csv", f"von {MARK}"]


def test_what_is_left_out_is_not_looked_at(tmp_path: Path) -> None:
    for name in ("source", "source2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").write_text(MARK)
    assert find_marks(tmp_path, [MARK], without=[tmp_path / "source"]) == ["source2/a"]
