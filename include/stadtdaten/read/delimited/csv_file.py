"""From a delimited text file to a grid of text cells (RFC 4180 quoting), piece by piece.

pyarrow parses. What it would let pass is refused before: bytes that are not in the file's encoding and quotes that do
not close (they swallow the rows behind them). Rows of unusual width are put back in their places for ``layout`` to
judge.
"""

from __future__ import annotations

import codecs
import csv
import io
import mmap
import re
import tempfile
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from stadtdaten.contracts.interfaces import Limits
from stadtdaten.contracts.model import Table
from stadtdaten.contracts.reading import Csv
from stadtdaten.faults import SourceUnreadable
from stadtdaten.frames import Repair
from stadtdaten.read.delimited.dialect import COLUMNS, Dialect, find_dialect, find_encoding, open_quotes, too_wide
from stadtdaten.read.delimited.pieces import LongRow, pieces
from stadtdaten.read.layout import tabulate, widened
from stadtdaten.read.table import RawTable
from stadtdaten.read.typed.notation import find_notation
from stadtdaten.read.typed.numbers import Notation

PIECE = 1 << 22
"""Bytes of a regular file parsed at a time: few enough to be still in the processor's cache when they are decoded."""

PIECES_AHEAD = 4
"""Parsed while one is worked on: enough to keep the processors busy, few enough for any memory."""

BLOCK = 1 << 24
"""Bytes of any other file parsed at a time; a single row may not be longer."""

TEXT = pa.string()


def read_csv(table: Table, declared: Csv, files: tuple[Path, ...], limits: Limits) -> tuple[RawTable, Notation]:
    """The declared columns (and those that the reading names) as text, and how their numbers are written.

    Several files are one table, in their order; each may be written in its own dialect where none is declared. Raises
    as ``dialect``, ``layout`` and ``notation`` do, and SourceUnreadable for quotes that do not close.
    """
    tables = [_read_file(table, declared, path, limits) for path in files]
    notation, repairs = find_notation(table, declared, [each.cells for each in tables])
    rows = sum(each.rows for each in tables)
    if rows > limits.rows:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Die {len(files)} Dateien haben zusammen mehr als die erlaubten {limits.rows} "
            "Zeilen.",
            next_step="Ist das richtig, limits.rows im Vertrag erhöhen.",
        )
    cells = {
        source: pa.chunked_array([chunk for each in tables for chunk in each.cells[source].chunks], TEXT)
        for source in tables[0].cells
    }
    drift = tuple(dict.fromkeys(name for each in tables for name in each.drift))
    told = _summed([repair for each in tables for repair in each.repairs])
    return RawTable(cells, rows, drift, [*told, *repairs]), notation


def _summed(repairs: Sequence[Repair]) -> list[Repair]:
    """Each kind of repair once, with the count over all files."""
    counts: Counter[Repair] = Counter()
    for repair in repairs:
        counts[repair.model_copy(update={"count": 0})] += repair.count
    return [repair.model_copy(update={"count": count}) for repair, count in counts.items()]


def _read_file(table: Table, declared: Csv, path: Path, limits: Limits) -> RawTable:
    with path.open("rb") as file:
        data = _mapped(file)
    encoding = find_encoding(table, declared, data)
    if encoding == "utf-16":
        data, encoding = _as_utf8(table, path), "utf-8"
    _refuse_joined_files(table, encoding, data)
    dialect = find_dialect(table, declared, encoding, data)
    quoted = _refuse_open_quotes(table, dialect, data[dialect.start :])
    body = data[dialect.body :]
    overflows: Counter[str] = Counter()
    formulas: Counter[str] = Counter()

    def texts(blocks: Iterator[pa.Table]) -> Iterator[pa.Table]:
        return _without_formulas(blocks, dialect.header.names, formulas) if quoted else blocks

    try:
        raw = tabulate(table, declared, dialect.header, texts(_regular_blocks(dialect, body, quoted)), limits)
    except _Irregular:
        formulas.clear()
        blocks = _blocks(table, declared, dialect, body, quoted, overflows)
        raw = tabulate(table, declared, dialect.header, texts(blocks), limits)
    overflow = [
        Repair(kind="overflow", column=name, count=count, detail="Trennzeichen ohne Anführungszeichen in der Zelle")
        for name, count in overflows.items()
    ]
    formula = [
        Repair(kind="formula", column=name, count=count, detail='Text als Formel geschrieben (="…"): ohne sie gelesen')
        for name, count in formulas.items()
    ]
    return RawTable(raw.cells, raw.rows, raw.drift, [*dialect.repairs, *raw.repairs, *overflow, *formula])


def _mapped(file: IO[bytes]) -> pa.Buffer:
    """The file's bytes without reading them into memory."""
    if not file.seek(0, io.SEEK_END):
        return pa.py_buffer(b"")
    return pa.py_buffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _as_utf8(table: Table, path: Path) -> pa.Buffer:
    decoder = codecs.getincrementaldecoder("utf-16")()
    with tempfile.TemporaryFile(dir=path.parent) as copy, path.open("rb") as file:
        try:
            while block := file.read(BLOCK):
                copy.write(decoder.decode(block).encode())
            copy.write(decoder.decode(b"", final=True).encode())
        except UnicodeError:
            raise SourceUnreadable(
                f"Tabelle „{table.id}“: Die Datei ist nicht in der Zeichenkodierung utf-16 geschrieben.",
                next_step="Die Kodierung der Datei feststellen und im Vertrag (reading.encoding) eintragen.",
            ) from None
        copy.flush()
        return _mapped(copy)


def _refuse_joined_files(table: Table, encoding: str, data: pa.Buffer) -> None:
    """The mark at the start of a file (BOM), found at the start of another line, is the start of another file."""
    if encoding not in ("utf-8", "utf-8-sig"):
        return
    for found in re.finditer(codecs.BOM_UTF8, data):
        if found.start() and bytes(data[found.start() - 1 : found.start()]) in b"\r\n\xbf":
            raise SourceUnreadable(
                f"Tabelle „{table.id}“: Mitten in der Datei beginnt eine weitere (BOM am Anfang einer Zeile).",
                next_step="Mit der Fachstelle klären, dass Dateien nicht aneinandergehängt, sondern einzeln geliefert "
                "werden.",
            )


def _refuse_open_quotes(table: Table, dialect: Dialect, data: pa.Buffer) -> bool:
    """Whether there are quotes; each must belong to a cell that it opens and closes, or be doubled inside one
    (RFC 4180, 2.5-2.7), or to a formula that is a text (="00123").
    """
    if not any(b'"' in bytes(data[start : start + PIECE]) for start in range(0, data.size, PIECE)):
        return False
    delimiter = re.escape(dialect.delimiter.encode())
    # Possessive quantifiers: no second guess, so the time grows with the file only.
    cell = rb'(?:="[^"\r\n' + delimiter + rb']*+"|"(?:[^"]++|"")*+"|[^"\r\n' + delimiter + rb"]*+)"
    if re.fullmatch(rb"(?:" + cell + rb"[\r\n" + delimiter + rb"])*+" + cell, data) is None:
        raise open_quotes(table)
    return True


def _without_formulas(blocks: Iterator[pa.Table], names: Sequence[str], counts: Counter[str]) -> Iterator[pa.Table]:
    """Cells such as ="00123", with which exports keep Excel from dropping the zeros, as the text that Excel shows."""
    for block in blocks:
        for number, cells in enumerate(block.columns):
            if pc.any(pc.starts_with(cells, '="')).as_py():
                bare = pc.replace_substring_regex(cells, '^="([^"]*)"$', r"\1")
                counts[names[number] if number < len(names) else ""] += pc.sum(pc.not_equal(bare, cells)).as_py()
                block = block.set_column(number, block.column_names[number], bare)
        yield block


class _Irregular(Exception):
    """Not all rows have the usual width; where the others belong must be found out by counting."""


def _regular_blocks(dialect: Dialect, body: pa.Buffer, quoted: bool) -> Iterator[pa.Table]:
    """The rows behind the header as text, if all have the usual width; else raises _Irregular at the first other one.

    Text of one byte for each character is parsed as bytes, which is much cheaper than rewriting the whole file; only
    columns that hold more than ASCII are decoded.
    """
    with ThreadPoolExecutor(pa.cpu_count()) as pool:
        ahead: deque[Future[pa.Table]] = deque()
        try:
            for piece in pieces(body, PIECE, quoted=quoted):
                ahead.append(pool.submit(_parsed, dialect, piece, quoted))
                if len(ahead) > PIECES_AHEAD:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        except (pa.ArrowInvalid, LongRow):
            raise _Irregular from None  # its text holds the row


def _parsed(dialect: Dialect, piece: pa.Buffer, quoted: bool) -> pa.Table:
    as_is = dialect.encoding == "utf-8"
    names = [str(number) for number in range(dialect.width)]
    start = bytes(piece[: len(codecs.BOM_UTF8)])
    if start == codecs.BOM_UTF8:  # of the row's first cell; the parser takes one away
        piece = pa.py_buffer(start + bytes(piece))
    parsed = pyarrow.csv.read_csv(
        pa.BufferReader(piece),
        read_options=pyarrow.csv.ReadOptions(column_names=names, block_size=piece.size, use_threads=False),
        parse_options=_parse_options(dialect, quoted),
        convert_options=_convert_options(names, TEXT if as_is else pa.binary()),
    )
    if as_is:
        return parsed
    columns = [
        pa.chunked_array([_decoded(chunk, dialect.encoding) for chunk in cells.chunks], TEXT)
        for cells in parsed.columns
    ]
    return pa.table(columns, names)


def _blocks(
    table: Table, declared: Csv, dialect: Dialect, body: pa.Buffer, quoted: bool, overflows: Counter[str]
) -> Iterator[pa.Table]:
    """The rows behind the header in their order, as text; cells that a row does not have are null."""
    unusual: list[tuple[int, str]] = []

    def put_by(row: pyarrow.csv.InvalidRow) -> str:
        unusual.append((row.number, row.text))
        return "skip"

    names = [str(number) for number in range(dialect.width)]
    done = 0
    try:
        with pyarrow.csv.open_csv(
            pa.BufferReader(body),
            # Only a single thread counts the rows, which tells where an unusual one belongs.
            read_options=pyarrow.csv.ReadOptions(
                column_names=names, block_size=BLOCK, encoding=dialect.encoding, use_threads=False
            ),
            parse_options=_parse_options(dialect, quoted, put_by),
            convert_options=_convert_options(names, TEXT),
        ) as batches:
            for batch in batches:
                usual = pa.Table.from_batches([batch])
                before = _rows_before(unusual, done, len(batch))
                rows = [
                    (number, _cells(table, declared, dialect, text, overflows)) for number, text in unusual[:before]
                ]
                del unusual[:before]
                yield _in_order(usual, done, rows) if rows else usual
                done += len(batch) + before
    except pa.ArrowInvalid:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Die Datei ist kein lesbares CSV mit dem Trennzeichen „{dialect.delimiter}“.",
            next_step="Die Datei ansehen und reading im Vertrag mit ihr vergleichen.",
        ) from None
    if unusual:
        rows = [(number, _cells(table, declared, dialect, text, overflows)) for number, text in unusual]
        yield _in_order(pa.table({name: pa.array([], TEXT) for name in names}), done, rows)


def _parse_options(
    dialect: Dialect, quoted: bool, put_by: Callable[[pyarrow.csv.InvalidRow], str] | None = None
) -> pyarrow.csv.ParseOptions:
    return pyarrow.csv.ParseOptions(
        delimiter=dialect.delimiter, newlines_in_values=quoted, ignore_empty_lines=False, invalid_row_handler=put_by
    )


def _convert_options(names: list[str], kind: pa.DataType) -> pyarrow.csv.ConvertOptions:
    return pyarrow.csv.ConvertOptions(
        column_types=dict.fromkeys(names, kind), strings_can_be_null=False, null_values=[]
    )


def _decoded(cells: pa.BinaryArray, encoding: str) -> pa.StringArray:
    """Text of one byte for each character as UTF-8; a cell starts as many bytes later as those before it gained."""
    _, ends, data = cells.buffers()
    starts = np.frombuffer(ends, np.int32)[cells.offset : cells.offset + len(cells) + 1]
    text = np.frombuffer(data, np.uint8)[starts[0] : starts[-1]] if data is not None else np.empty(0, np.uint8)
    if not len(text) or text.max() < 0x80:
        return cells.view(TEXT)
    wide = np.flatnonzero(text >= 0x80)
    gains = np.zeros(len(text) + 1, np.int32)
    gains[wide + 1] = _lengths(encoding)[text[wide]] - 1
    first = starts - starts[0]
    moved = first + np.cumsum(gains, dtype=np.int32)[first]
    utf8 = pa.py_buffer(text.tobytes().decode(encoding).encode())
    return pa.Array.from_buffers(TEXT, len(cells), [None, pa.py_buffer(moved), utf8])


@cache
def _lengths(encoding: str) -> np.ndarray:
    """Bytes of each single-byte character in UTF-8; bytes without one do not come this far."""
    return np.array([len(bytes([byte]).decode(encoding, "replace").encode()) for byte in range(256)], np.uint8)


def _rows_before(unusual: Sequence[tuple[int, str]], done: int, usual: int) -> int:
    """How many of the unusual rows (numbered from 1) stand before or right behind the next so many usual ones."""
    return sum(number - done - 1 - index <= usual for index, (number, _) in enumerate(unusual))


def _in_order(usual: pa.Table, done: int, rows: Sequence[tuple[int, list[str]]]) -> pa.Table:
    """Usual and unusual rows in the file's order; ``done`` rows are before them."""
    width = max(usual.num_columns, *(len(cells) for _, cells in rows))
    columns = [[cells[index] if index < len(cells) else None for _, cells in rows] for index in range(width)]
    names = [str(index) for index in range(width)]
    together = pa.concat_tables(
        [widened(usual, width), pa.table([pa.array(column, TEXT) for column in columns], names)]
    )
    places = np.array([number - done - 1 for number, _ in rows])
    rest = np.setdiff1d(np.arange(together.num_rows), places)
    return together.take(np.argsort(np.concatenate([rest, places])))


def _cells(table: Table, declared: Csv, dialect: Dialect, text: str, overflows: Counter[str]) -> list[str]:
    """The cells of a row of unusual width; surplus ones joined again where the contract says in which column."""
    (cells,) = csv.reader(io.StringIO(text, newline=""), delimiter=dialect.delimiter)
    surplus = len(cells) - dialect.width
    if surplus <= 0 or declared.overflow is None or declared.overflow not in dialect.header.names:
        if len(cells) > COLUMNS:
            raise too_wide(table)
        return cells
    first = dialect.header.names.index(declared.overflow)
    overflows[declared.overflow] += 1
    return [*cells[:first], dialect.delimiter.join(cells[first : first + surplus + 1]), *cells[first + surplus + 1 :]]
