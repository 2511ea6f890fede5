"""What was published of tables about people is never forgotten, and never stored twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import StatementError

from stadtdaten.frames import PublishedCells
from stadtdaten.ledger import Ledger

NIGHT = datetime(2026, 11, 23, 2, tzinfo=UTC)


def cells(
    release: str, day: int = 0, dataset: str = "einwohner", table: str = "bevoelkerung", content: bytes = b"1"
) -> PublishedCells:
    return PublishedCells(
        dataset=dataset, table=table, release=release, published_at=NIGHT + timedelta(days=day), content=content
    )


def test_published_cells_come_back_oldest_first_whatever_their_order(ledger: Ledger) -> None:
    first, second = cells("bbbbbbbbbbbb", 0), cells("aaaaaaaaaaaa", 1, content=b"\x00\xff")
    ledger.keep_cells([second])
    ledger.keep_cells([first, cells("cccccccccccc", dataset="vornamen")])
    assert ledger.published_cells("einwohner") == (first, second)
    assert ledger.published_cells("unbekannt") == ()


def test_cells_kept_again_keep_their_moment(ledger: Ledger) -> None:
    """A run that is repeated after a crash must not make the past younger than it is."""
    ledger.keep_cells([cells("aaaaaaaaaaaa")])
    ledger.keep_cells([cells("aaaaaaaaaaaa", 5)])
    assert ledger.published_cells("einwohner") == (cells("aaaaaaaaaaaa"),)


def test_the_same_content_of_many_releases_is_stored_once(ledger: Ledger, url: str) -> None:
    ledger.keep_cells([cells(f"{number:012}", number, content=b"x" * 1000) for number in range(20)])
    ledger.keep_cells([cells("f" * 12, 99, content=b"y")])
    with create_engine(url).connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM cells_content")).scalar_one() == 2
    kept = ledger.published_cells("einwohner")
    assert len(kept) == 21
    assert [each.content for each in kept[-2:]] == [b"x" * 1000, b"y"]


def test_of_other_datasets_the_newest_release_of_each_table_is_handed_out(ledger: Ledger) -> None:
    newest = [cells("bbbbbbbbbbbb", 1, "vornamen", "jungen"), cells("bbbbbbbbbbbb", 1, "vornamen", "maedchen")]
    ledger.keep_cells([cells("aaaaaaaaaaaa", 0, "vornamen", "jungen"), *newest, cells("cccccccccccc", 2)])
    assert ledger.published_cells_of_others("einwohner") == tuple(newest)
    assert ledger.published_cells_of_others("vornamen") == (cells("cccccccccccc", 2),)


def test_cells_without_a_time_zone_are_refused_and_nothing_is_kept(ledger: Ledger) -> None:
    naive = cells("bbbbbbbbbbbb").model_copy(update={"published_at": NIGHT.replace(tzinfo=None)})
    with pytest.raises(StatementError, match="tz-aware"):
        ledger.keep_cells([cells("aaaaaaaaaaaa"), naive])
    assert ledger.published_cells("einwohner") == ()
