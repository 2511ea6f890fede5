"""What programs write into files unasked is found: authors, comments, places in pictures."""

from __future__ import annotations

import json
import sqlite3
import struct
import zipfile
import zlib
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl.comments import Comment

from stadtdaten.privacy.files import audit_file


def rules(path: Path) -> list[str]:
    return [finding.rule for finding in audit_file(path)]


def workbook(path: Path, creator: str = "", comment: str = "", editor: str = "") -> Path:
    book = openpyxl.Workbook()
    book.properties.creator, book.properties.lastModifiedBy = creator, editor
    book.active["A1"] = "Baum"
    if comment:
        book.active["A1"].comment = Comment(comment, "x")
    book.save(path)
    return path


def test_a_workbook_without_author_passes(tmp_path):
    assert rules(workbook(tmp_path / "baeume.xlsx")) == []


@pytest.mark.parametrize("properties", [{"creator": "Geheimwert 1"}, {"editor": "Geheimwert 2"}])
def test_the_author_of_a_workbook_is_found_and_not_told(tmp_path, properties):
    findings = list(audit_file(workbook(tmp_path / "baeume.xlsx", **properties)))
    assert [finding.rule for finding in findings] == ["file_author"]
    assert "Geheimwert" not in findings[0].message


def test_a_comment_in_a_workbook_is_found(tmp_path):
    assert "file_comment" in rules(workbook(tmp_path / "baeume.xlsx", comment="Geheimwert 3"))


def test_the_metadata_of_an_open_document_is_found(tmp_path):
    path = tmp_path / "baeume.ods"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("meta.xml", "<office:meta><dc:creator>Geheimwert 4</dc:creator></office:meta>")
        archive.writestr("content.xml", "<a><office:annotation/></a>")
    assert rules(path) == ["file_author", "file_comment"]


def test_a_name_in_the_description_of_a_geopackage_is_found(tmp_path):
    path = tmp_path / "baeume.gpkg"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE gpkg_contents (identifier TEXT, description TEXT)")
        database.execute("INSERT INTO gpkg_contents VALUES ('baeume', 'erfasst von Frau Geheimwert')")
    assert rules(path) == ["personal_metadata"]


def test_a_name_in_the_schema_of_a_parquet_file_is_found(tmp_path):
    table = pa.table({"baum": [1]})
    pq.write_table(table, tmp_path / "ohne.parquet")
    pq.write_table(table.replace_schema_metadata({"creator": "Frau Geheimwert"}), tmp_path / "mit.parquet")
    assert rules(tmp_path / "ohne.parquet") == []
    assert rules(tmp_path / "mit.parquet") == ["personal_metadata"]


def test_a_name_in_the_head_of_a_geojson_is_found(tmp_path):
    path = tmp_path / "baeume.geojson"
    path.write_text(
        json.dumps({"type": "FeatureCollection", "name": "Herr Geheimwert", "features": []}), encoding="utf-8"
    )
    assert rules(path) == ["personal_metadata"]


def jpeg(marker: int) -> bytes:
    return b"\xff\xd8\xff" + bytes([marker]) + struct.pack(">H", 8) + b"Exif\0\0" + b"\xff\xda"


@pytest.mark.parametrize(("marker", "expected"), [(0xE0, []), (0xE1, ["image_metadata"]), (0xFE, ["file_comment"])])
def test_exif_in_a_photo_is_found(tmp_path, marker, expected):
    path = tmp_path / "baum.jpg"
    path.write_bytes(jpeg(marker))
    assert rules(path) == expected


def test_a_text_in_a_png_is_found(tmp_path):
    body = b"Author\0Geheimwert"
    chunk = struct.pack(">I", len(body)) + b"tEXt" + body + struct.pack(">I", zlib.crc32(b"tEXt" + body))
    path = tmp_path / "baum.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk)
    assert rules(path) == ["image_metadata"]


def test_the_name_of_a_file_is_looked_at(tmp_path):
    path = tmp_path / "export_frau_geheimwert.csv"
    path.write_text("a\n", encoding="utf-8")
    assert rules(path) == ["personal_metadata"]


def test_a_kind_of_file_nobody_can_open_is_a_finding(tmp_path):
    path = tmp_path / "bericht.docx"
    path.write_bytes(b"")
    assert rules(path) == ["unknown_file"]
