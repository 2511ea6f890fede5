"""dBASE tables (.dbf, also of shapefiles): the text of the cells exactly as it is stored.

Read here and not by GDAL, because GDAL makes numbers of the cells (`0059065` becomes 59065) and is silent about deleted
records, characters that it cannot decode, and files that end too early. Layout: dBASE III+ and IV; the code page of
byte 29 as ESRI uses it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from stadtdaten.contracts.model import Table
from stadtdaten.contracts.reading import Features
from stadtdaten.faults import SourceUnreadable
from stadtdaten.frames import Repair
from stadtdaten.read.vector.layer import Layer, malformed

CODE_PAGES = {0x02: "cp850", 0x03: "cp1252", 0x57: "cp1252"}
"""Language driver (byte 29) to encoding; 0x57 is "the ANSI code page of this computer", in Germany 1252."""

CPG = {
    "UTF8": "utf-8", "65001": "utf-8", "1252": "cp1252", "ANSI1252": "cp1252", "CP1252": "cp1252",
    "WINDOWS1252": "cp1252", "850": "cp850", "CP850": "cp850", "OEM850": "cp850", "ISO885915": "iso-8859-15",
    "8859_15": "iso-8859-15", "885915": "iso-8859-15", "ISO88591": "cp1252", "88591": "cp1252", "8859_1": "cp1252",
}  # fmt: skip
"""What stands in .cpg files, in capitals without hyphens and blanks. As on the web, ISO-8859-1 is read as cp1252."""

DELETED, PRESENT = 0x2A, 0x20
FIELD = 32
HEADER_END = 0x0D
TRUE, FALSE = frozenset("YyTtJj"), frozenset("NnFf")


@dataclass(frozen=True)
class _Field:
    name: bytes
    kind: str
    start: int
    length: int


class _Dbf:
    def __init__(self, table: Table, path: Path) -> None:
        self._table = table
        data = np.fromfile(path, dtype=np.uint8)
        head = data[:FIELD].tobytes()
        if len(head) < FIELD or head[0] & 0x07 not in (3, 4):
            raise malformed(table, "ist keine dBASE-Tabelle")
        self.stored = int.from_bytes(head[4:8], "little")
        start, width = int.from_bytes(head[8:10], "little"), int.from_bytes(head[10:12], "little")
        self.code_page = head[29]
        self.fields = _fields(table, data[FIELD:start].tobytes(), width)
        if len(data) < start + self.stored * width:
            raise malformed(table, f"bricht ab: Sie soll {self.stored} Sätze enthalten, ist dafür aber zu kurz")
        records = data[start : start + self.stored * width].reshape(self.stored, width)
        self.deleted = records[:, 0] == DELETED
        if not (self.deleted | (records[:, 0] == PRESENT)).all():
            raise malformed(table, "hat Sätze, die nicht dort beginnen, wo sie sollen")
        self._records = records[~self.deleted]
        self.ascii = not (self._records >= 0x80).any() and all(field.name.isascii() for field in self.fields)

    def cells(self, field: _Field) -> np.ndarray:
        """The field's bytes in every record that is not deleted, filled up with blanks or NULs."""
        part = np.ascontiguousarray(self._records[:, field.start : field.start + field.length])
        return part.view(f"S{field.length}").ravel()


def read_dbf(table: Table, reading: Features, path: Path) -> tuple[Layer, np.ndarray]:
    """The table as a layer without geometries, and which of its stored records are deleted (bool, one per record).

    Raises SourceUnreadable for a damaged file, text in an unknown or wrong encoding, and cells that their field's type
    does not allow.
    """
    dbf = _Dbf(table, path)
    repairs: list[Repair] = []
    encoding = _encoding(table, reading, path, dbf, repairs)
    if dbf.deleted.any():
        detail = "in der dBASE-Tabelle als gelöscht markierter Satz, ausgelassen"
        repairs.append(Repair(kind="deleted_record", count=int(dbf.deleted.sum()), detail=detail))
    fields = {field.name.decode(encoding, errors="replace"): field for field in dbf.fields}

    def text(name: str) -> pa.Array:
        return _text(table, name, fields[name], dbf, encoding)

    names = tuple(field.name.decode(encoding, errors="replace") for field in dbf.fields)
    return Layer(names, int((~dbf.deleted).sum()), text, repairs=repairs), dbf.deleted


def _fields(table: Table, descriptors: bytes, width: int) -> list[_Field]:
    fields, start = [], 1  # each record begins with its deletion mark
    for at in range(0, len(descriptors), FIELD):
        if descriptors[at] == HEADER_END:
            break
        each = descriptors[at : at + FIELD]
        if len(each) < FIELD:
            raise malformed(table, "hat einen unvollständigen Kopf")
        name, kind, length = each[:11].split(b"\0")[0].strip(), chr(each[11]), each[16]
        if kind == "C":
            length += each[17] << 8
        fields.append(_Field(name, kind, start, length))
        start += length
    if not fields or start != width or any(field.length == 0 for field in fields):
        raise malformed(table, "hat einen Kopf, der nicht zu ihren Sätzen passt")
    return fields


def _encoding(table: Table, reading: Features, path: Path, dbf: _Dbf, repairs: list[Repair]) -> str:
    if reading.encoding or dbf.ascii:
        return reading.encoding or "ascii"
    page = next((each for each in path.parent.glob(f"{path.stem}.*") if each.suffix.lower() == ".cpg"), None)
    said = "" if page is None else page.read_text(encoding="ascii", errors="replace").strip()
    encoding = CPG.get(re.sub(r"[-\s]", "", said.upper())) if said else CODE_PAGES.get(dbf.code_page)
    if encoding is None:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Die dBASE-Tabelle enthält Umlaute oder Sonderzeichen und sagt nicht verständlich, "
            "in welcher Zeichenkodierung.",
            next_step="Mit der Fachstelle klären, welche gilt, und im Vertrag eintragen: reading.encoding: utf-8, "
            "cp1252, iso-8859-15 oder cp850.",
        )
    detail = f"Zeichenkodierung {encoding} laut {'.cpg-Datei' if said else 'Kopf der dBASE-Tabelle'}"
    repairs.append(Repair(kind="encoding", count=1, detail=detail, nature="detected"))
    return encoding


def _text(table: Table, name: str, field: _Field, dbf: _Dbf, encoding: str) -> pa.Array:
    cells = dbf.cells(field).tolist()
    if field.kind not in "CNFLD":
        raise SourceUnreadable(
            f"Tabelle „{table.id}“, Spalte „{name}“: Der dBASE-Feldtyp {field.kind!r} wird nicht gelesen.",
            next_step="Die Fachstelle um ein Feld der Typen C, N, F, L oder D bitten oder die Spalte aus dem Vertrag "
            "nehmen.",
        )
    try:
        text = [cell.decode(encoding) for cell in cells]
    except UnicodeDecodeError:
        raise _wrong_encoding(table, name, encoding) from None
    if encoding != "utf-8" and any(_is_utf8(cell) for cell in cells):
        raise _wrong_encoding(table, name, encoding)  # as declared it would be mojibake
    if field.kind == "C":
        return pa.array([value.rstrip(" \0") or None for value in text], pa.string())
    plain = [value.strip(" \0") for value in text]
    if field.kind == "D":
        plain = [_date(value) for value in plain]
    elif field.kind == "L":
        plain = [_logical(value) for value in plain]
    return pa.array([value or None for value in plain], pa.string())


def _date(value: str) -> str:
    """ISO 8601; what is no date stays, so that reading the value fails and is counted."""
    if not value.strip("0"):
        return ""
    return f"{value[:4]}-{value[4:6]}-{value[6:]}" if re.fullmatch(r"[0-9]{8}", value) else value


def _logical(value: str) -> str:
    if value in TRUE:
        return "true"
    return "false" if value in FALSE else value.replace("?", "")


def _is_utf8(cell: bytes) -> bool:
    """Whether the bytes are UTF-8 beyond ASCII, which single-byte text with umlauts practically never is by chance."""
    if cell.isascii():
        return False
    try:
        cell.decode()
    except UnicodeDecodeError:
        return False
    return True


def _wrong_encoding(table: Table, name: str, encoding: str) -> SourceUnreadable:
    return SourceUnreadable(
        f"Tabelle „{table.id}“, Spalte „{name}“: Der Text ist nicht in der genannten Zeichenkodierung {encoding} "
        "geschrieben.",
        next_step="Die Kodierung der Datei feststellen und im Vertrag (reading.encoding) eintragen.",
    )
