"""Delimited text exactly as the contract declares it (RFC 4180 quoting); nothing is guessed, nothing is skipped.

pyarrow parses. What it would let pass is refused before: bytes that are not in the declared encoding, quotes that do
not close (they swallow the rows behind them), rows wider or narrower than the header.
"""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from stadtdaten.contracts.interfaces import Limits
from stadtdaten.contracts.model import Table
from stadtdaten.contracts.reading import Csv
from stadtdaten.faults import SourceUnreadable
from stadtdaten.frames import Repair
from stadtdaten.read.table import RawTable, match_columns
from stadtdaten.read.values import Notation

CONTROLS = re.compile("[\x80-\x9f]")
"""Control characters that no German text holds, and letters and quotes of cp1252 read as ISO 8859-15."""

LINE_END = re.compile(rb"\r\n|\n|\r")
BLOCK = 1 << 24
"""Bytes parsed at a time; a single row may not be longer."""


def read_csv(table: Table, dialect: Csv, files: tuple[Path, ...], limits: Limits) -> tuple[RawTable, Notation]:
    """The declared columns (and those of x and y) as text, with blank rows and merged cells treated as declared.

    Raises SourceUnreadable for an empty file, no data rows, a wrong encoding, quotes that do not close, rows that do
    not fit the header or are blank without that being declared; SchemaChanged for columns that are gone.
    """
    (path,) = files
    dialect = dialect.model_copy(
        update={
            "encoding": dialect.encoding or "utf-8",
            "delimiter": dialect.delimiter or ",",
            "skip_rows": dialect.skip_rows or 0,
        }
    )
    data = _without_preamble(table, dialect, _utf8(table, dialect, path))
    repairs: list[Repair] = []
    _refuse_open_quotes(table, dialect, data)
    width = _width_of_header(table, dialect, data)
    if dialect.short_rows:
        data, short = _padded(table, dialect, data, width)
        if short:
            detail = "Zeile endet vor der letzten Spalte, fehlende Zellen sind leer"
            repairs.append(Repair(kind="short_row", count=short, detail=detail))
    cells, names = _parsed(table, dialect, data, width)
    further = [name for name in (dialect.x, dialect.y, *dialect.fill_down) if name is not None]
    matched = match_columns(table, names, further)
    repairs += matched.repairs
    cells = _without_blank_rows(table, dialect, cells, repairs)
    if not cells.num_rows:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Die Datei enthält keine Datenzeile.",
            next_step="Mit der Fachstelle klären, ob der Export gelaufen ist.",
        )
    columns = {name: cells.column(names.index(found)) for name, found in matched.names.items()}
    for name in dialect.fill_down:
        columns[name] = _filled_down(name, columns[name], repairs)
    notation = Notation(dialect.decimal or ".", dialect.thousands or "")
    return RawTable(columns, cells.num_rows, matched.drift, repairs), notation


def _utf8(table: Table, dialect: Csv, path: Path) -> bytes:
    data = path.read_bytes()
    wrong = SourceUnreadable(
        f"Tabelle „{table.id}“: Die Datei ist nicht in der erklärten Zeichenkodierung {dialect.encoding} geschrieben.",
        next_step="Die Kodierung der Datei feststellen und im Vertrag (reading.encoding) eintragen.",
    )
    try:
        text = data.decode(dialect.encoding)
    except UnicodeError:
        raise wrong from None
    if dialect.encoding in ("utf-8", "utf-8-sig"):
        return data.removeprefix(b"\xef\xbb\xbf")
    if dialect.encoding in ("cp1252", "iso-8859-15") and not data.isascii() and _is_utf8(data):
        raise wrong  # single-byte text with umlauts is never valid UTF-8 by chance; as declared it would be mojibake
    if dialect.encoding == "iso-8859-15" and CONTROLS.search(text):
        raise wrong
    return text.encode()


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _without_preamble(table: Table, dialect: Csv, data: bytes) -> bytes:
    start = 0
    for _ in range(dialect.skip_rows):
        end = LINE_END.search(data, start)
        start = end.end() if end else len(data)
    if not data[start:].strip():
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Die Datei ist leer.",
            next_step="Mit der Fachstelle klären, ob der Export gelaufen ist.",
        )
    return data[start:] if data.endswith((b"\n", b"\r")) else data[start:] + b"\n"


def _width_of_header(table: Table, dialect: Csv, data: bytes) -> int:
    head = io.StringIO(data[: 1 << 20].decode(errors="replace"), newline="")
    try:
        return max(len(next(csv.reader(head, delimiter=dialect.delimiter))), 1)
    except csv.Error:
        raise _malformed(table) from None


def _refuse_open_quotes(table: Table, dialect: Csv, data: bytes) -> None:
    """Every quote must belong to a cell that it opens and closes, or be doubled inside one (RFC 4180, 2.5-2.7)."""
    if b'"' not in data:
        return
    delimiter = re.escape(dialect.delimiter.encode())
    # Possessive quantifiers: no second guess, so the time grows with the file only.
    cell = re.compile(rb"(?:(?<=" + delimiter + rb')|(?<=[\r\n])|\A)"(?:[^"]++|"")*+"(?=' + delimiter + rb"|[\r\n]|\Z)")
    if b'"' in cell.sub(b"", data):
        raise _malformed(table)


def _malformed(table: Table) -> SourceUnreadable:
    return SourceUnreadable(
        f"Tabelle „{table.id}“: Die Anführungszeichen der Datei gehen nicht auf; Zeilen könnten verschluckt werden.",
        next_step="Mit der Fachstelle klären, ob die Datei vollständig ist und Anführungszeichen verdoppelt sind.",
    )


def _padded(table: Table, dialect: Csv, data: bytes, width: int) -> tuple[bytes, int]:
    """The file rewritten with every row as wide as the header, and how many rows with content were shorter."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=dialect.delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
    short = 0
    try:
        for row in csv.reader(io.StringIO(data.decode(), newline=""), delimiter=dialect.delimiter, strict=True):
            short += len(row) < width and any(row)
            writer.writerow(row + [""] * (width - len(row)))
    except csv.Error:
        raise _malformed(table) from None
    return out.getvalue().encode(), short


def _parsed(table: Table, dialect: Csv, data: bytes, width: int) -> tuple[pa.Table, list[str]]:
    """All rows as text, and the header's names without outer white space."""
    misfits = 0

    def refuse(_row: pyarrow.csv.InvalidRow) -> str:
        nonlocal misfits
        misfits += 1
        return "skip"

    numbered = [f"f{number}" for number in range(width)]  # pyarrow's own names: a header may repeat or lack some
    try:
        cells = pyarrow.csv.read_csv(
            pa.BufferReader(data),
            read_options=pyarrow.csv.ReadOptions(autogenerate_column_names=True, block_size=BLOCK),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=dialect.delimiter, newlines_in_values=True, ignore_empty_lines=False,
                invalid_row_handler=refuse,
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(numbered, pa.string()), strings_can_be_null=False, null_values=[]
            ),
        )  # fmt: skip
    except pa.ArrowInvalid:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Die Datei ist kein lesbares CSV mit dem Trennzeichen „{dialect.delimiter}“.",
            next_step="Die Datei ansehen und reading im Vertrag mit ihr vergleichen.",
        ) from None
    if misfits:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: {misfits} Zeilen haben mehr oder weniger Zellen als die {width} der Kopfzeile.",
            next_step="Die Datei ansehen: meist fehlt ein Anführungszeichen um ein Trennzeichen. Dürfen Zeilen früher "
            "enden, im Vertrag short_rows erklären.",
        )
    names = [str(cells.column(name)[0].as_py()).strip() for name in numbered]
    return cells.slice(1), names


def _without_blank_rows(table: Table, dialect: Csv, cells: pa.Table, repairs: list[Repair]) -> pa.Table:
    blank = pc.equal(cells.column(0), "")
    for column in cells.columns[1:]:
        blank = pc.and_(blank, pc.equal(column, ""))
    count = int(pc.sum(blank).as_py() or 0)
    if not count:
        return cells
    if not dialect.drop_blank_rows:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: {count} Zeilen sind leer.",
            next_step="Mit der Fachstelle klären, ob Inhalt fehlt; sonst im Vertrag drop_blank_rows erklären.",
        )
    repairs.append(Repair(kind="blank_row", count=count, detail="leere Zeile ausgelassen"))
    return cells.filter(pc.invert(blank))


def _filled_down(name: str, cells: pa.ChunkedArray, repairs: list[Repair]) -> pa.ChunkedArray:
    gaps = pc.if_else(pc.equal(cells, ""), pa.scalar(None, pa.string()), cells)
    # One chunk, because a gap at the start of a chunk is filled from the chunk before.
    filled = pc.fill_null_forward(pa.chunked_array([gaps.combine_chunks()], pa.string()))
    count = gaps.null_count - filled.null_count
    if count:
        repairs.append(
            Repair(kind="filled_down", column=name, count=count, detail="verbundene Zelle: Wert der Zelle darüber")
        )
    return filled
