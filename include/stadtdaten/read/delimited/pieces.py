"""Where a delimited file may be cut, so that its parts can be parsed at the same time: at the ends of rows only."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa


class LongRow(Exception):
    """A row is longer than a piece."""


def pieces(rows: pa.Buffer, size: int, *, quoted: bool) -> Iterator[pa.Buffer]:
    """The bytes in pieces of whole rows, of at most ``size`` bytes each.

    ``rows`` begin with a row; if ``quoted``, all quotation marks of theirs must pair (RFC 4180). Raises LongRow at the
    first one that is longer than a piece.
    """
    start = 0
    while start + size < rows.size:
        end = _last_end(bytes(rows[start : start + size]), quoted)
        if not end:
            raise LongRow
        yield rows[start : start + end]
        start += end
    if start < rows.size:
        yield rows[start:]


def _last_end(text: bytes, quoted: bool) -> int:
    """Where the last whole row ends, 0 if there is none; a line end behind an odd number of quotes is in a cell.

    Looks at each byte once, however many quotes and line ends a hostile cell holds.
    """
    end = line_feed = carriage_return = len(text)
    quotes = text.count(b'"') if quoted else 0
    while True:
        behind = end
        if line_feed >= end:
            line_feed = text.rfind(b"\n", 0, end)
        if carriage_return >= min(end, len(text) - 1):  # a CR at the very end may be half of a CRLF
            carriage_return = text.rfind(b"\r", 0, min(end, len(text) - 1))
        end = max(line_feed, carriage_return) + 1
        if not quoted:
            return end
        quotes -= text.count(b'"', end, behind)
        if quotes % 2 == 0:
            return end
        end = text.rfind(b'"', 0, end)
        quotes -= 1
