"""Delimited files are cut between rows only, and in a time that grows with their size alone."""

from __future__ import annotations

import codecs
import csv
import io
import time
from collections.abc import Callable

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtdaten.read import ReadTable
from stadtdaten.read.delimited import csv_file
from stadtdaten.read.delimited.pieces import LongRow, pieces

CELLS = st.text(st.sampled_from('ab"\r\n;'), max_size=6)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1), st.sampled_from(["\n", "\r\n", "\r"]), st.integers(1, 40))
def test_the_rows_of_the_pieces_are_the_rows_of_the_file(rows: list[tuple[str, str]], line_end: str, size: int) -> None:
    whole = io.StringIO(newline="")
    csv.writer(whole, delimiter=";", lineterminator=line_end, quoting=csv.QUOTE_ALL).writerows(rows)
    data = pa.py_buffer(whole.getvalue().encode())
    try:
        cut = [bytes(piece).decode() for piece in pieces(data, size, quoted=True)]
    except LongRow:
        return
    assert "".join(cut) == whole.getvalue()
    read = [tuple(row) for piece in cut for row in csv.reader(io.StringIO(piece, newline=""), delimiter=";")]
    assert read == rows


def test_a_hostile_cell_of_quotes_and_line_ends_does_not_hang() -> None:
    hostile = b'a;b\n"' + b'x\n""' * (1 << 20)
    started = time.monotonic()
    with pytest.raises(LongRow):
        list(pieces(pa.py_buffer(hostile), len(hostile) - 8, quoted=True))
    assert time.monotonic() - started < 30  # it was hours


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_a_file_of_many_pieces_is_read_as_one(
    read_text: Callable[..., ReadTable], monkeypatch: pytest.MonkeyPatch, line_end: str, encoding: str
) -> None:
    # Also rows that begin with the bytes of a BOM, which mean text in cp1252, are the first of a piece.
    beginning = codecs.BOM_UTF8.decode(encoding) if encoding == "cp1252" else "Ä"
    texts = [("" if number % 3 else beginning) + "Straße " * (number % 5) + str(number) for number in range(200)]
    content = line_end.join(["text,zahl", *(f"{text},{number}" for number, text in enumerate(texts)), ""])
    monkeypatch.setattr(csv_file, "PIECE", 150)
    read = read_text(content, {"text": "string", "zahl": "integer"}, encoding=encoding)
    assert read.frame["text"].to_list() == texts
    assert read.frame["zahl"].to_list() == list(range(200))
