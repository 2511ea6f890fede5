"""Where in a grid of text cells the table stands, and which of its rows are data.

Delimited files and sheets are such grids. All that offices put around and between their data is left out, filled in
or refused here, as the contract declares it, and counted.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stadtdaten.contracts.interfaces import Limits
from stadtdaten.contracts.model import Table
from stadtdaten.contracts.reading import Csv, Sheet
from stadtdaten.faults import SourceInMotion, SourceUnreadable
from stadtdaten.frames import Repair
from stadtdaten.read.table import RawTable, match_columns

SEARCHED = 1000
"""Rows at the start of a grid among which the header is looked for."""

LINE_BREAK = re.compile(r"\s*[\r\n]+\s*")
TEXT = pa.string()
NONE = pa.scalar(None, TEXT)

Cells = Sequence[str | None]
"""A row; None where the row has no such cell, "" for an empty one."""


@dataclass(frozen=True)
class Header:
    """``names`` are the columns' names as a contract calls them; ``rows`` the header's own cells.

    ``first`` is the header's first row in the grid, ``body`` the first row behind it, both counted from 0.
    ``respelled`` are the names that look the same as in the grid but are written there with other characters.
    """

    first: int
    body: int
    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...] = ()
    respelled: tuple[str, ...] = ()


def read_grid(table: Table, layout: Csv | Sheet, grid: pa.Table, limits: Limits) -> RawTable:
    """The declared columns of a whole grid with everything around the table still in it.

    ``grid`` has one string column for each column of the sheet, in its order (their names do not matter), and a row
    for each of its rows; every cell is text, "" where it is empty, null only where the row ends before it. Raises as
    ``find_header`` and ``tabulate`` do.
    """
    head = grid.slice(0, SEARCHED)
    rows = list(zip(*(column.to_pylist() for column in head.columns), strict=True))
    header = find_header(table, layout, rows)
    return tabulate(table, layout, header, [grid.slice(header.body)], limits)


def find_header(table: Table, layout: Csv | Sheet, rows: Sequence[Cells]) -> Header:
    """The header among the first ``rows`` of a grid: where the contract says, else the first one with all declared
    names.

    If none has them all, the most similar one, about which ``tabulate`` will complain. Raises SourceUnreadable if
    there are no rows, SchemaChanged if no row resembles the header.
    """
    header = search_header(table, layout, rows)
    if header is not None:
        return header
    if not any(any((cell or "").strip() for cell in row) for row in rows[layout.skip_rows or 0 :]):
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Die Datei ist leer.",
            next_step="Mit der Fachstelle klären, ob der Export gelaufen ist.",
        )
    candidates = list(_headers(table, layout, rows))
    best = max(candidates, key=lambda each: names_present(table, layout, each.names), default=None)
    if best is not None and 2 * names_present(table, layout, best.names) >= len(_wanted(table, layout)):
        if layout.header_rows == 1:
            return best
        # The last of several rows may be data already, and nothing of it may be told.
        asked = {name for names in _wanted(table, layout) for name in names}
        return replace(best, names=tuple(name if name in asked else "" for name in best.names))
    # No row is a header; nothing that stands in its place may be told.
    match_columns(table, [""] * max(len(row) for row in rows), further_names(layout))
    raise AssertionError("a table without its columns is refused")


def search_header(table: Table, layout: Csv | Sheet, rows: Sequence[Cells]) -> Header | None:
    """The first header with all declared names, or None."""
    wanted = len(_wanted(table, layout))
    return next(
        (each for each in _headers(table, layout, rows) if names_present(table, layout, each.names) == wanted), None
    )


def names_present(table: Table, layout: Csv | Sheet, names: Sequence[str]) -> int:
    """How many of the names that the contract asks for are among a header's."""
    found = set(names)
    return sum(not found.isdisjoint(each) for each in _wanted(table, layout))


def further_names(layout: Csv | Sheet) -> list[str]:
    """Source columns that the reading itself asks for."""
    named = (layout.x, layout.y, *layout.fill_down, *layout.where, layout.indented)
    return [name for name in dict.fromkeys(named) if name is not None and name not in layout.levels]


def _wanted(table: Table, layout: Csv | Sheet) -> list[tuple[str, ...]]:
    """For each column that must be there, the names under which it may."""
    declared = {
        column.source: (column.source, *column.aliases)
        for column in table.columns
        if column.type != "geometry" and column.source not in layout.levels
    }
    return list(({name: (name,) for name in further_names(layout)} | declared).values())


def _headers(table: Table, layout: Csv | Sheet, rows: Sequence[Cells]) -> Iterator[Header]:
    """The headers that the rows could be, where the contract allows one."""
    if layout.header_rows == 0:
        start = layout.skip_rows or 0
        width = next((len(_present(row)) for row in rows[start:] if any(row)), 0)
        if width:
            yield Header(start, start, tuple(f"#{number}" for number in range(1, width + 1)))
        return
    last = len(rows) - layout.header_rows
    starts = range(last + 1) if layout.skip_rows is None else range(layout.skip_rows, min(layout.skip_rows, last) + 1)
    asked = {name for names in _wanted(table, layout) for name in names}
    looks = {_look(name): name for name in asked}
    for start in starts:
        body = start + layout.header_rows
        cells = tuple(tuple(_cell(cell) for cell in _present(row)) for row in rows[start:body])
        if any(cells[-1]):
            names = _names(cells, asked)
            as_asked = tuple(name if name in asked else looks.get(_look(name), name) for name in names)
            respelled = tuple(new for old, new in zip(names, as_asked, strict=True) if old != new)
            yield Header(start, body, as_asked, cells, respelled)


def _present(row: Cells) -> list[str]:
    return [cell for cell in row if cell is not None]


def _cell(text: str) -> str:
    return LINE_BREAK.sub(" ", text).strip()


def _look(name: str) -> str:
    """What a name looks like: composed letters, no soft hyphens or other marks without width, plain spaces."""
    composed = unicodedata.normalize("NFC", name)
    return " ".join("".join(sign for sign in composed if unicodedata.category(sign) != "Cf").split())


def _names(rows: tuple[tuple[str, ...], ...], asked: set[str]) -> tuple[str, ...]:
    """Names of the columns; the empty cells of upper rows belong to the merged cell on their left."""
    width = max(len(row) for row in rows)
    filled = []
    for number, row in enumerate(rows, 1):
        cells = [*row, *[""] * (width - len(row))]
        if number < len(rows):
            for index in range(1, width):
                cells[index] = cells[index] or cells[index - 1]
        filled.append(cells)
    names = [" / ".join(part for part in parts if part) for parts in zip(*filled, strict=True)]
    seen: Counter[str] = Counter()
    for index, name in enumerate(names):
        seen[name] += 1
        # Only a contract that knows of the second one can mean the first by the bare name.
        if seen[name] > 1 and f"{name}#2" in asked:
            names[index] = f"{name}#{seen[name]}"
    return tuple(names)


def tabulate(table: Table, layout: Csv | Sheet, header: Header, blocks: Iterable[pa.Table], limits: Limits) -> RawTable:
    """The data rows of the grid behind its header, by the columns' ``source``.

    ``blocks`` are consecutive pieces of the grid, as in ``read_grid``, but without header and what is before it; they
    may differ in width. A piece is done with before the next one is taken, so a filtered table (``where``) never needs
    more memory than a piece and what is kept of it.

    Raises SourceUnreadable for rows that do not fit the header or the declarations, for no row at all and for more
    than the limits allow, SourceInMotion for a file that ends before its trailer, SchemaChanged for columns that
    are gone.
    """
    body = _Body(table, layout, header, limits)
    if layout.levels:  # what an indentation means shows only when all are known
        whole = list(blocks)
        width = max((block.num_columns for block in whole), default=0)
        blocks = [pa.concat_tables([widened(block, width) for block in whole])] if whole else []
    return body.raw_table([body.data_rows(block) for block in blocks])


class _Body:
    """The rows behind one header, piece by piece: what was left out and repaired, and what stops the table."""

    def __init__(self, table: Table, layout: Csv | Sheet, header: Header, limits: Limits) -> None:
        self._table = table
        self._layout = layout
        self._header = header
        self._limits = limits
        self._width = max((number for number, name in enumerate(header.names, 1) if name), default=1)
        self._matched = match_columns(table, [*header.names[: self._width], *layout.levels], further_names(layout))
        self._counts: Counter[tuple[str, str]] = Counter()
        self._above: dict[str, pa.Scalar] = {}
        self._unnamed: set[int] = set()
        self._widest, self._narrowest = 0, 1 << 30
        self._trailer_last = False
        self._rows = 0

    def data_rows(self, block: pa.Table) -> pa.Table:
        """The wanted columns of the piece's data rows, named by their source."""
        block = self._without_notes(widened(block, len(self._header.names)))
        block = self._without_blank_rows(block)
        block = self._without_trailer(block)
        block = self._without_repeated_headers(block)
        self._check_for_another_header(block)
        self._check_width(block)
        columns = {
            source: _filled(block.column(self._header.names.index(found)))
            for source, found in self._matched.names.items()
            if source not in self._layout.levels
        }
        for source, cells in columns.items():
            self._check_length(source, cells)
            columns[source] = self._without_footnote_marks(source, cells)
        for source in self._layout.fill_down:
            columns[source] = self._filled_down(source, columns[source])
        if self._layout.indented is not None:
            columns |= self._with_levels(self._layout.indented, columns[self._layout.indented])
        kept = self._filtered(pa.table(columns))
        self._rows += kept.num_rows
        if self._rows > self._limits.rows:
            raise SourceUnreadable(
                f"Tabelle „{self._table.id}“: Die Datei hat mehr als die erlaubten {self._limits.rows} Zeilen.",
                next_step="Ist das richtig, limits.rows im Vertrag erhöhen.",
            )
        return kept

    def raw_table(self, pieces: list[pa.Table]) -> RawTable:
        """All pieces together; raises what only the whole table shows."""
        layout, table, counts = self._layout, self._table, self._counts
        self._refuse()
        kept = pa.concat_tables(pieces) if pieces else None
        if kept is None or not kept.num_rows:
            found = f"{counts['filtered', '']} gelesenen Zeilen passt keine zu where." if counts["filtered", ""] else ""
            raise SourceUnreadable(
                f"Tabelle „{table.id}“: " + (f"Von {found}" if found else "Die Datei enthält keine Datenzeile."),
                next_step="Mit der Fachstelle klären, ob der Export gelaufen ist"
                + (", und die Werte in reading.where prüfen." if found else "."),
            )
        repairs = [
            Repair(kind=kind, column=column, count=count, detail=DETAILS[kind], nature=NATURES.get(kind, "repaired"))
            for (kind, column), count in counts.items()
            if kind in DETAILS and count
        ]
        if layout.skip_rows is None and self._header.first:
            detail = "Zeilen vor der Kopfzeile ausgelassen"
            repairs.insert(0, Repair(kind="preamble", count=self._header.first, detail=detail, nature="detected"))
        repairs += [
            Repair(kind="header", column=name, count=1, detail=RESPELLED, nature="assumed")
            for name in self._header.respelled
        ]
        names = [f"(Spalte {number + 1} ohne Namen)" for number in sorted(self._unnamed)]
        columns = {name: kept.column(name) for name in kept.column_names}
        return RawTable(columns, kept.num_rows, (*self._matched.drift, *names), [*self._matched.repairs, *repairs])

    def _refuse(self) -> None:
        layout, name, counts = self._layout, self._table.id, self._counts
        if counts["blank_row", ""] and not layout.drop_blank_rows:
            raise SourceUnreadable(
                f"Tabelle „{name}“: {counts['blank_row', '']} Zeilen sind leer.",
                next_step="Mit der Fachstelle klären, ob Inhalt fehlt; sonst im Vertrag drop_blank_rows erklären.",
            )
        if counts["repeated_header", ""] and not layout.repeated_headers:
            raise SourceUnreadable(
                f"Tabelle „{name}“: {counts['repeated_header', '']} Zeilen wiederholen die Kopfzeile.",
                next_step="Mit der Fachstelle klären, ob Dateien aneinandergehängt wurden; sonst im Vertrag "
                "repeated_headers erklären.",
            )
        if counts["another_header", ""]:
            raise SourceUnreadable(
                f"Tabelle „{name}“: {counts['another_header', '']} Zeilen nennen alle erklärten Spalten, sind aber "
                "anders als die Kopfzeile; was davor oder dahinter steht, könnte in den falschen Spalten stehen.",
                next_step="Die Datei ansehen: Gleicht eine Zeile vor der Kopfzeile ihr, reading.skip_rows erklären; "
                "sind Dateien aneinandergehängt, mit der Fachstelle klären, dass sie einzeln geliefert werden.",
            )
        self._refuse_misfits(isinstance(layout, Csv) and layout.short_rows)
        if layout.trailer is not None and not self._trailer_last:
            # Most likely still being written: the next try may find it whole.
            raise SourceInMotion(
                f"Tabelle „{name}“: Der Datei fehlt die letzte Zeile, die der Vertrag nennt (trailer); sie ist "
                "unvollständig.",
                next_step="Warten, bis sie fertig geschrieben ist; bleibt es so, mit der Fachstelle klären, ob der "
                "Export abbricht.",
            )
        if counts["trailer", ""] > 1:
            raise SourceUnreadable(
                f"Tabelle „{name}“: Die letzte Zeile (trailer) kommt {counts['trailer', '']}-mal vor.",
                next_step="Mit der Fachstelle klären, ob Dateien aneinandergehängt wurden.",
            )
        for (kind, column), count in counts.items():
            if kind in STOPS:
                raise SourceUnreadable(
                    f"Tabelle „{name}“: Spalte „{column}“: {count} Zellen {STOPS[kind]}.",
                    next_step="Die Spalte in der Quelle ansehen und reading im Vertrag mit ihr vergleichen.",
                )

    def _refuse_misfits(self, short_rows: bool) -> None:
        """Rows as wide as the header are as expected; so are rows that all differ from it by the same empty cells
        without a name. Else a row that is wider or narrower may have its cells in the wrong columns.
        """
        counts, header = self._counts, len(self._header.names)
        if self._narrowest == self._widest >= self._width:
            misfits = counts["wide_row", ""]
            counts["short_row", ""] = 0
        elif short_rows:
            misfits = counts["wide_row", ""]
        else:
            misfits = counts["short_row", ""] + counts["surplus_cell", ""]
        if misfits:
            raise SourceUnreadable(
                f"Tabelle „{self._table.id}“: {misfits} Zeilen haben mehr oder weniger Zellen als die {header} der "
                "Kopfzeile.",
                next_step="Die Datei ansehen: meist fehlt ein Anführungszeichen um ein Trennzeichen (im Vertrag "
                "overflow). Dürfen Zeilen früher enden, short_rows erklären.",
            )
        if self._widest < self._width and counts["short_row", ""]:
            raise SourceUnreadable(
                f"Tabelle „{self._table.id}“: Keine Zeile reicht bis zur letzten der {self._width} Spalten der "
                "Kopfzeile.",
                next_step="Die Kopfzeile ansehen: Steht ein Trennzeichen ohne Anführungszeichen in einem Namen, die "
                "Spalten ohne sie lesen (reading.skip_rows mit ihr, header_rows: 0, Namen #1, #2, …).",
            )

    def _check_length(self, source: str, cells: pa.ChunkedArray) -> None:
        """Also of columns that only the reading asks for; what is too long is not worked on."""
        if (pc.max(pc.binary_length(cells)).as_py() or 0) > self._limits.cell:  # bytes are at least as many
            self._count("long_cell", source, pc.greater(pc.utf8_length(cells), self._limits.cell))

    def _count(self, kind: str, column: str, mask: pa.ChunkedArray) -> int:
        count = _true(mask)
        if count:
            self._counts[kind, column] += count
        return count

    def _left_out(self, kind: str, block: pa.Table, mask: pa.ChunkedArray) -> pa.Table:
        return block.filter(pc.invert(mask)) if self._count(kind, "", mask) else block

    def _without_notes(self, block: pa.Table) -> pa.Table:
        if not self._layout.notes:
            return block
        return self._left_out("note_row", block, _begins(block, self._layout.notes))

    def _without_trailer(self, block: pa.Table) -> pa.Table:
        if self._layout.trailer is None or not block.num_rows:
            return block
        mask = _begins(block, (self._layout.trailer,))
        self._trailer_last = bool(mask[-1].as_py())
        return self._left_out("trailer", block, mask)

    def _without_blank_rows(self, block: pa.Table) -> pa.Table:
        blank = _all_of(block, [""] * block.num_columns)
        return block if blank is None else self._left_out("blank_row", block, blank)

    def _without_repeated_headers(self, block: pa.Table) -> pa.Table:
        for row in self._header.rows:
            if any(row):
                again = _all_of(block, [*row, *[""] * (block.num_columns - len(row))])
                if again is not None:
                    block = self._left_out("repeated_header", block, again)
        return block

    def _check_for_another_header(self, block: pa.Table) -> None:
        """A row with all the names that is not the header again tells of rows whose columns stand in other places."""
        wanted = _wanted(self._table, self._layout)
        if self._layout.header_rows != 1 or len(wanted) < 2:  # a single name may be a value
            return
        places = [index for index, name in enumerate(self._header.names) if name in self._matched.names.values()]
        names = pa.array(sorted({*self._header.names} - {""}), TEXT)
        rows = block.filter(pc.or_(*(pc.is_in(block.column(place), names) for place in (places[0], places[-1]))))
        for alternatives in wanted:
            if not rows.num_rows:
                return
            met = pa.chunked_array([pa.repeat(False, rows.num_rows)])
            for column in rows.columns:
                met = pc.or_(met, pc.is_in(pc.utf8_trim_whitespace(column), pa.array(alternatives, TEXT)))
            rows = rows.filter(met)
        self._counts["another_header", ""] += rows.num_rows

    def _check_width(self, block: pa.Table) -> None:
        if not block.num_rows:
            return
        nulls = [cells.null_count for cells in block.columns]
        self._widest = max(self._widest, max(number for number, count in enumerate(nulls, 1) if count < len(block)))
        self._narrowest = min(
            self._narrowest, next((number for number, count in enumerate(nulls) if count), len(nulls))
        )
        header = len(self._header.names)
        self._counts["short_row", ""] += nulls[header - 1]
        surplus = pa.chunked_array([pa.repeat(False, len(block))])
        for number in range(self._width, block.num_columns):
            cells = block.column(number)
            content = pc.fill_null(pc.not_equal(pc.utf8_trim_whitespace(cells), ""), False)
            if number >= header:
                surplus = pc.or_(surplus, content)
            elif _true(content):
                self._unnamed.add(number)
        self._count("wide_row", "", surplus)
        if block.num_columns > header:
            self._counts["surplus_cell", ""] += len(block) - nulls[header]

    def _without_footnote_marks(self, source: str, cells: pa.ChunkedArray) -> pa.ChunkedArray:
        marks = sorted(self._layout.footnote_marks, key=len, reverse=True)
        if not any(_true(pc.ends_with(pc.utf8_rtrim_whitespace(cells), mark)) for mark in marks):
            return cells
        for long in marks:
            if any(long.endswith(short) for short in marks if short != long):
                # "1211)" may be 12 with the mark "11)" or 121 with "1)".
                self._count("unclear_mark", source, pc.match_substring_regex(cells, rf"\S{re.escape(long)}\s*$"))
        pattern = rf"\s*({'|'.join(re.escape(mark) for mark in marks)})\s*$"
        bare = cells
        while True:
            cut = pc.replace_substring_regex(bare, pattern, "")
            if cut.equals(bare):
                break
            bare = cut
        self._count("footnote_mark", source, pc.not_equal(bare, cells))
        return bare

    def _filled_down(self, source: str, cells: pa.ChunkedArray) -> pa.ChunkedArray:
        gaps = pc.if_else(pc.equal(pc.utf8_trim_whitespace(cells), ""), NONE, cells).combine_chunks()
        above = pa.array([self._above.get(source, NONE).as_py()], TEXT)
        # One array, because a gap at the start of a chunk is filled from the chunk before.
        filled = pc.fill_null_forward(pa.concat_arrays([above, gaps]))
        self._above[source] = filled[-1]
        filled = filled.slice(1)
        self._counts["filled_down", source] += gaps.null_count - filled.null_count
        return pa.chunked_array([filled])

    def _with_levels(self, source: str, cells: pa.ChunkedArray) -> dict[str, pa.ChunkedArray]:
        """The levels above each row and its own, null below it; and the indented column without its indentation."""
        bare = pc.utf8_ltrim_whitespace(cells)
        self._count("no_level", source, pc.equal(bare, ""))
        indents = pc.subtract(pc.utf8_length(cells), pc.utf8_length(bare)).to_numpy()
        distinct, depths = np.unique(indents, return_inverse=True)
        levels = self._layout.levels
        if len(distinct) != len(levels):
            raise SourceUnreadable(
                f"Tabelle „{self._table.id}“: Spalte „{source}“ ist auf {len(distinct)} Arten eingerückt, erklärt sind "
                f"{len(levels)} Ebenen.",
                next_step="Die Einrückungen in der Quelle ansehen und reading.levels im Vertrag anpassen.",
            )
        self._counts["indentation", source] += int((indents > 0).sum())
        text, columns = bare.combine_chunks(), {source: bare}
        for level, name in enumerate(levels):
            higher = pc.if_else(pa.array(depths < level), pa.scalar("", TEXT), NONE)  # ends what was above
            filled = pc.fill_null_forward(pc.if_else(pa.array(depths == level), text, higher))
            columns[name] = pa.chunked_array([pc.if_else(pc.equal(filled, ""), NONE, filled)])
        return columns

    def _filtered(self, block: pa.Table) -> pa.Table:
        for source, values in self._layout.where.items():
            kept = pc.is_in(pc.utf8_trim_whitespace(block.column(source)), pa.array(values, TEXT))
            self._counts["filtered", ""] += len(kept) - _true(kept)
            block = block.filter(kept)
        return block


RESPELLED = "Spaltenname ist in der Quelle mit anderen Zeichen geschrieben, die gleich aussehen"
DETAILS = {
    "note_row": "Anmerkung oder Summe ausgelassen",
    "blank_row": "leere Zeile ausgelassen",
    "repeated_header": "wiederholte Kopfzeile ausgelassen",
    "short_row": "Zeile endet vor der letzten Spalte, fehlende Zellen sind leer",
    "surplus_cell": "leere Zellen hinter der letzten Spalte ausgelassen",
    "footnote_mark": "Fußnotenzeichen am Ende der Zelle entfernt",
    "filled_down": "verbundene Zelle: Wert der Zelle darüber",
    "indentation": "Einrückung entfernt; die Ebenen darüber stehen in eigenen Spalten",
    "filtered": "Zeile passt nicht zu where",
}
NATURES = {"filtered": "assumed"}
STOPS = {
    "unclear_mark": "enden auf mehr als eines der Fußnotenzeichen",
    "no_level": "sind leer, obwohl ihre Einrückung die Ebene zeigt",
    "long_cell": "sind länger, als limits.cell erlaubt",
}


def widened(block: pa.Table, width: int) -> pa.Table:
    """At least so many columns, named by their number; cells that are not there are null."""
    missing = [pa.chunked_array([pa.nulls(block.num_rows, TEXT)])] * (width - block.num_columns)
    columns = [*block.columns, *missing]
    return pa.table(columns, [str(number) for number in range(len(columns))])


def _filled(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.fill_null(cells, "") if cells.null_count else cells


def _all_of(block: pa.Table, cells: Sequence[str]) -> pa.ChunkedArray | None:
    """Which rows are these cells, apart from line breaks and outer white space; None if none is."""
    index = next((index for index, cell in enumerate(cells) if cell), 0)
    column, cell = block.column(index), cells[index]
    if cell:
        similar = pc.match_substring(column, cell.split()[0])
    else:
        similar = pc.or_(pc.equal(column, ""), pc.utf8_is_space(column))
    rows = np.flatnonzero(pc.fill_null(similar, not cell).to_numpy())  # the few that are worth a closer look
    for column, cell in zip(block.columns, cells, strict=True):
        if not len(rows):
            return None
        wanted = pc.utf8_trim_whitespace(column.take(pa.array(rows)))
        if cell:
            wanted = pc.replace_substring_regex(wanted, r"\s*[\r\n]+\s*", " ")
        rows = rows[pc.fill_null(pc.equal(wanted, cell), cell == "").to_numpy()]
    met = np.zeros(block.num_rows, bool)
    met[rows] = True
    return pa.chunked_array([pa.array(met)]) if len(rows) else None


def _begins(block: pa.Table, beginnings: Sequence[str]) -> pa.ChunkedArray:
    """Which rows' first cell with content begins so."""
    first = pa.chunked_array([pa.repeat(pa.scalar("", TEXT), block.num_rows)])
    for column in block.columns:
        empty = pc.equal(first, "")
        if not _true(empty):
            break
        first = pc.if_else(empty, pc.utf8_ltrim_whitespace(_filled(column)), first)
    met = pa.chunked_array([pa.repeat(False, block.num_rows)])
    for beginning in beginnings:
        met = pc.or_(met, pc.starts_with(first, beginning))
    return met


def _true(mask: pa.ChunkedArray) -> int:
    return int(pc.sum(mask).as_py() or 0)
