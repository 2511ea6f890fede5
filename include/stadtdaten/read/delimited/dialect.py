"""How a delimited file is written: its encoding, its delimiter, where its header is.

The declared columns are the evidence: only the right encoding and delimiter bring all their names into one row. What
several candidates explain differently is not decided here but stopped, with the line of the contract that settles it.
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from stadtdaten.contracts.model import Table
from stadtdaten.contracts.reading import Csv
from stadtdaten.faults import SourceUnreadable
from stadtdaten.frames import Repair
from stadtdaten.read.layout import SEARCHED, Header, find_header, names_present, search_header

DELIMITERS = (";", ",", "\t", "|")
HEAD = 1 << 20
"""Bytes in which the header must be."""

COLUMNS = 1 << 14
"""Cells that a row may have, as in a sheet of Excel; each costs time and memory whether anybody asks for it or not."""

BLOCK = 1 << 24
UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
csv.field_size_limit(BLOCK)
"""Longer cells are refused by ``limits.cell``; the parser's own limit is less than a geometry needs."""

SEPARATOR_LINE = re.compile(r'"?sep=(.)"?(?:\r\n|\n|\r)', re.IGNORECASE)
"""With it Excel tells the delimiter, before everything else."""

LINE_END = re.compile(r"\r\n|\n|\r")

CONTROLS = frozenset(range(0x80, 0xA0))
"""In ISO 8859-15 control characters that no German text holds; in cp1252 letters, dashes and quotes."""

UNDEFINED = frozenset(byte for byte in CONTROLS if not bytes([byte]).decode("cp1252", "ignore"))
DIFFERENT = frozenset(
    byte for byte in range(0xA0, 0x100) if bytes([byte]).decode("cp1252") != bytes([byte]).decode("iso-8859-15")
)
"""Bytes that are another character in each of the two (the euro sign, letters of French and Czech)."""

LEADS = frozenset(b"\xc2\xc3")
ODD = CONTROLS | DIFFERENT | LEADS
UMLAUT_OF_UTF8 = re.compile(rb"[\xc2\xc3][\x80-\xbf]")
"""Two bytes of UTF-8; in a single-byte encoding an A with tilde or circumflex before a sign, which no text holds."""

OTHER_CODE_PAGE = re.compile(rb"[\x84\x8a\x94\x9f](?:(?<=[A-Za-z][\x84\x94])|(?<=[a-z][\x8a\x9f]))(?=[a-z])")
"""A quote or a capital of cp1252 within a word: an umlaut of cp850 (DOS) or of Mac Roman.

Begins with the rare bytes, because that is the quick way to search for them.
"""


@dataclass(frozen=True)
class Dialect:
    """``encoding`` is a codec's name; ``start`` and ``body`` are the bytes where header and data rows begin.

    ``width`` is the number of cells that rows usually have, which the header's need not be.
    """

    encoding: str
    delimiter: str
    header: Header
    start: int
    body: int
    width: int
    repairs: tuple[Repair, ...]


def find_encoding(table: Table, declared: Csv, data: pa.Buffer) -> str:
    """The encoding that the whole file is written in: the declared one, or the only one that fits.

    Raises SourceUnreadable if it is not in the declared one, in none, or in several that give different texts.
    """
    wrong = SourceUnreadable(
        f"Tabelle „{table.id}“: Die Datei ist nicht in der erklärten Zeichenkodierung {declared.encoding} geschrieben.",
        next_step="Die Kodierung der Datei feststellen und im Vertrag (reading.encoding) eintragen.",
    )
    candidates = _encodings(data)
    if declared.encoding is None and candidates != ("utf-16",) and b"\0" in bytes(data[:HEAD]):
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Die Datei enthält NUL-Zeichen; wahrscheinlich ist sie UTF-16 ohne Kennung (BOM).",
            next_step="Mit der Fachstelle klären, dass der Export UTF-8 schreibt, oder UTF-16 mit seiner Kennung.",
        )
    if declared.encoding is not None:
        asked = "utf-8" if declared.encoding == "utf-8-sig" else declared.encoding
        if asked not in candidates:
            raise wrong
        return declared.encoding
    if not candidates:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Die Datei ist weder in UTF-8 noch UTF-16, cp1252 oder ISO-8859-15 geschrieben, "
            "oder sie mischt diese.",
            next_step="Mit der Fachstelle klären, wie der Export geschrieben wird; die Datei muss in einer einzigen "
            "Kodierung geliefert werden.",
        )
    if candidates == ("cp1252", "iso-8859-15") and _odd_bytes(data) & DIFFERENT:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Die Zeichenkodierung ist nicht eindeutig: cp1252 und iso-8859-15 ergeben "
            "verschiedene Texte.",
            next_step="In der Datei ansehen, welche stimmt (€ oder ¤, ž oder ¸), und im Vertrag reading.encoding "
            "eintragen.",
        )
    # Where ISO-8859-15 is possible as well, there are no such bytes.
    if candidates == ("cp1252",) and OTHER_CODE_PAGE.search(data):
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Die Datei ist wahrscheinlich in einer Zeichenkodierung von DOS (cp850) oder Mac OS "
            "geschrieben; als cp1252 gelesen wären ihre Umlaute falsch.",
            next_step="Mit der Fachstelle klären, dass der Export UTF-8 oder cp1252 schreibt; stimmt cp1252 doch, "
            "reading.encoding im Vertrag eintragen.",
        )
    return candidates[0]


def too_wide(table: Table) -> SourceUnreadable:
    """The error of a row with more cells than any table has."""
    return SourceUnreadable(
        f"Tabelle „{table.id}“: Eine Zeile hat mehr als {COLUMNS} Zellen.",
        next_step="Die Datei ansehen: Fehlen Zeilenenden, oder trennt ein anderes Zeichen (reading.delimiter)?",
    )


def open_quotes(table: Table) -> SourceUnreadable:
    """The error of quotes that do not close."""
    return SourceUnreadable(
        f"Tabelle „{table.id}“: Die Anführungszeichen der Datei gehen nicht auf; Zeilen könnten verschluckt werden.",
        next_step="Mit der Fachstelle klären, ob die Datei vollständig ist und Anführungszeichen verdoppelt sind.",
    )


def _encodings(data: pa.Buffer) -> tuple[str, ...]:
    """The encodings in which the file can be written; likely ones first.

    Single-byte text with umlauts is never valid UTF-8 by chance; taken for single-byte text, UTF-8 would be mojibake.
    """
    if bytes(data[:2]) in UTF16:
        return ("utf-16",)
    everything = np.frombuffer(data, np.uint8)
    if not len(everything) or everything.max() < 0x80:
        return ("utf-8", "cp1252", "iso-8859-15")
    if _is_utf8(data):
        return ("utf-8",)
    odd = _odd_bytes(data)
    if odd & LEADS and UMLAUT_OF_UTF8.search(data):
        return ()
    return tuple(name for name, excluded in (("cp1252", UNDEFINED), ("iso-8859-15", CONTROLS)) if not odd & excluded)


def _is_utf8(data: pa.Buffer) -> bool:
    ends = pa.py_buffer(np.array([0, data.size], np.int64))
    try:
        pa.Array.from_buffers(pa.large_string(), 1, [None, ends, data]).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _odd_bytes(data: pa.Buffer) -> frozenset[int]:
    """Those whose meaning depends on the encoding, or that are part of a character in UTF-8."""
    everything = np.frombuffer(data, np.uint8)

    def met(start: int) -> np.ndarray:
        block = everything[start : start + HEAD]
        return np.bincount(block[block >= 0x80], minlength=256)

    with ThreadPoolExecutor(pa.cpu_count()) as pool:
        counts = sum(pool.map(met, range(0, len(everything), HEAD)), np.zeros(256, np.int64))
    return ODD & frozenset(np.flatnonzero(counts).tolist())


def find_dialect(table: Table, declared: Csv, encoding: str, data: pa.Buffer) -> Dialect:
    """Delimiter and header of a file in ``encoding`` (any but UTF-16), with what was found out as repairs.

    The delimiter is the only one with which all declared columns are in the header. Raises SourceUnreadable if
    several are, or if the file is empty; SchemaChanged if no row resembles the header.
    """
    bom = len(codecs.BOM_UTF8) if bytes(data[:3]) == codecs.BOM_UTF8 else 0
    codec = "utf-8" if encoding in ("utf-8", "utf-8-sig") else encoding
    text = _head(data, bom, codec)
    if not text and data.size > bom:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Die erste Zeile ist länger als {HEAD} Bytes; so lang ist keine Kopfzeile.",
            next_step="Mit der Fachstelle klären, ob der Export Zeilenenden schreibt und überhaupt CSV ist.",
        )
    repairs: list[Repair] = []
    skipped = 0
    told = SEPARATOR_LINE.match(text) if declared.skip_rows is None else None
    if told:
        skipped = told.end()
        detail = "Zeile mit dem Trennzeichen (sep=) ausgelassen"
        repairs.append(Repair(kind="preamble", count=1, detail=detail, nature="detected"))
    for _ in range(declared.skip_rows or 0):
        end = LINE_END.search(text, skipped)
        skipped = end.end() if end else len(text)
    layout = declared if declared.skip_rows is None else declared.model_copy(update={"skip_rows": 0})
    if told and declared.delimiter is None and told[1] in DELIMITERS:
        layout = layout.model_copy(update={"delimiter": told[1]})
    delimiter, rows, ends = _delimited(table, layout, text[skipped:], data)
    header = find_header(table, layout, rows)
    long = [cell for row in rows[: header.first] for cell in row if LINE_END.search(cell)]
    if any(search_header(table, layout, _rows(cell, delimiter)[0]) is not None for cell in long):
        raise open_quotes(table)  # a quote before the header has swallowed another one, and its rows

    def offset(row: int) -> int:
        return bom + len(text[: skipped + (ends[row - 1] if row else 0)].encode(codec))

    if declared.encoding is None and not text.isascii():
        repairs.append(Repair(kind="encoding", count=1, detail=f"Zeichenkodierung {codec}", nature="detected"))
    if declared.delimiter is None and len(header.names) > 1:
        sign = {"\t": "Tabulator"}.get(delimiter, delimiter)
        repairs.append(Repair(kind="delimiter", count=1, detail=f"Trennzeichen „{sign}“", nature="detected"))
    width = _usual_width(rows[header.body :], header, declared.overflow is not None)
    if max(width, len(header.names)) > COLUMNS:
        raise too_wide(table)
    return Dialect(codec, delimiter, header, offset(header.first), offset(header.body), width, tuple(repairs))


def _head(data: pa.Buffer, start: int, codec: str) -> str:
    """The first rows as text, without the last one if it is cut."""
    complete = data.size <= start + HEAD
    text = codecs.getincrementaldecoder(codec)().decode(bytes(data[start : start + HEAD]), final=complete)
    return text if complete else text[: max(text.rfind("\n"), text.rfind("\r")) + 1]


def _delimited(table: Table, layout: Csv, text: str, data: pa.Buffer) -> tuple[str, list[list[str]], list[int]]:
    """The delimiter, and the head's rows with the characters at which they end."""
    if layout.delimiter is not None:
        return layout.delimiter, *_rows(text, layout.delimiter)
    split = {sign: _rows(text, sign) for sign in DELIMITERS}
    complete = [sign for sign, (rows, _) in split.items() if search_header(table, layout, rows) is not None]
    # Signs that the file does not hold at all explain it in the same way.
    if len(complete) > 1 and any(re.search(re.escape(sign.encode()), data) for sign in complete):
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Das Trennzeichen ist nicht eindeutig: Mit jedem von "
            + ", ".join(f"„{'Tabulator' if sign == chr(9) else sign}“" for sign in complete)
            + " finden sich alle erklärten Spalten.",
            next_step="Die Datei ansehen und im Vertrag reading.delimiter eintragen.",
        )
    if complete:
        return complete[0], *split[complete[0]]
    best = max(DELIMITERS, key=lambda sign: _most_names(table, layout, split[sign][0]))
    return best, *split[best]


def _most_names(table: Table, layout: Csv, rows: Sequence[Sequence[str]]) -> int:
    return max((names_present(table, layout, [cell.strip() for cell in row]) for row in rows), default=0)


def _rows(text: str, delimiter: str) -> tuple[list[list[str]], list[int]]:
    """The first rows of the text; what cannot be split ends them, and the header must be before it."""
    rows, ends, read = [], [], 0

    def lines() -> Iterator[str]:
        nonlocal read
        for line in io.StringIO(text, newline=""):
            read += len(line)
            yield line

    try:
        for row in itertools.islice(csv.reader(lines(), delimiter=delimiter), SEARCHED):
            rows.append(row or [""])
            ends.append(read)
    except csv.Error:  # a cell of more than 131,072 characters: a quote that does not close
        return rows, ends
    return rows, ends


def _usual_width(rows: Sequence[Sequence[str]], header: Header, overflow: bool) -> int:
    """The cells that most rows have. Surplus ones belong to the overflowing column, unless each row ends in an empty
    one, which is a delimiter at the end of the line.
    """
    filled = [row for row in rows if any(row)]
    names = len(header.names)
    if not filled:
        return names
    if overflow:
        return names + (all(len(row) > names and not row[-1] for row in filled))
    return Counter(len(row) for row in filled).most_common(1)[0][0]
