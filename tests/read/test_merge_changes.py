"""Changes merged into the last release give what a full read would give, after every night of a database's life."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stadtdaten.contracts import City, Table
from stadtdaten.contracts.interfaces import Limits, SqlInterface
from stadtdaten.extract import Fetched, NotModified, fetch_table
from stadtdaten.frames import Endpoint, TableLock
from stadtdaten.privacy.columns import published_columns
from stadtdaten.read import ReadTable, content_hash, read_table
from stadtdaten.read.merge import merge_changes
from stadtdaten.standards.files import write_files

COLUMNS = {
    "nr": "string", "teil": "integer", "name": "string", "wert": "number", "ja": "boolean", "tag": "date",
    "um": "datetime", "stand": "date",
}  # fmt: skip
TABLE = Table.model_validate(
    {
        "id": "probe", "title": "Probe", "resource": "probe", "large": True, "key": ["nr", "teil"],
        "reading": {"format": "rows", "incremental": {"column": "stand"}},
        "columns": [
            {"name": name, "source": name, "title": name, "class": "public", "type": kind}
            for name, kind in COLUMNS.items()
        ],
    }
)  # fmt: skip

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4)
VALUES = st.tuples(
    st.none() | TEXTS,
    st.none() | st.integers(-5, 5) | st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([None, "true", "false"]),
    st.none() | st.dates().map(str),
    st.none() | st.datetimes().filter(lambda moment: moment.hour > 3 and 1900 < moment.year < 2100).map(str),
)
KEYS = st.tuples(st.sampled_from(["1", "01", "ä", "Z"]), st.integers(0, 2))
CHANGE = st.one_of(
    st.tuples(st.just("put"), KEYS, VALUES, st.integers(0, 1)),
    st.tuples(st.just("delete"), KEYS),
    st.tuples(st.just("rename"), KEYS, KEYS, st.integers(0, 1)),
)
NIGHTS = st.lists(st.lists(CHANGE, max_size=4), min_size=1, max_size=4)


class Office:
    """A database whose people change rows as told; every change gets the highest value so far or a higher one."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stand = 0
        self._execute("CREATE TABLE probe (nr, teil, name, wert, ja, tag, um, stand)")
        self.put(("anfang", 0), (None,) * 5, 0)

    def work(self, changes: list[tuple[Any, ...]]) -> None:
        for what, key, *rest in changes:
            match what:
                case "put":
                    self.put(key, *rest)
                case "delete":
                    self._execute("DELETE FROM probe WHERE nr = ? AND teil = ?", *key)
                case "rename":
                    new, later = rest
                    if not self._rows("SELECT 1 FROM probe WHERE nr = ? AND teil = ?", *new):
                        self._execute(
                            "UPDATE probe SET nr = ?, teil = ?, stand = ? WHERE nr = ? AND teil = ?",
                            *new, self._later(later), *key,
                        )  # fmt: skip
        if changes:
            # What happens after the last night leaves at least one higher value: that is what is asked for.
            self.put(("anfang", 0), (None,) * 5, 1)

    def put(self, key: tuple[str, int], values: tuple[Any, ...], later: int) -> None:
        self._execute("DELETE FROM probe WHERE nr = ? AND teil = ?", *key)
        self._execute("INSERT INTO probe VALUES (?, ?, ?, ?, ?, ?, ?, ?)", *key, *values, self._later(later))

    def _later(self, by: int) -> str:
        self._stand += by
        return str(date(2026, 1, 1) + timedelta(days=self._stand))

    def _rows(self, statement: str, *values: Any) -> list[Any]:
        with closing(sqlite3.connect(self._file)) as database, database:
            return database.execute(statement, values).fetchall()

    _execute = _rows


def fetch(file: Path, folder: Path, lock: TableLock | None) -> Fetched | NotModified:
    sql = SqlInterface(kind="sql", connection="probe")
    return fetch_table(sql, TABLE, Endpoint(url=f"sqlite:///{file}"), folder, Limits(), lock)


def read(fetched: Fetched | NotModified, city: City) -> ReadTable:
    assert isinstance(fetched, Fetched)
    return read_table(TABLE, fetched.files, city, Limits())


@settings(max_examples=40, deadline=None)
@given(nights=NIGHTS)
def test_merged_changes_equal_a_full_read_after_every_night(city: City, nights: list[list[Any]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file, released = folder / "amt.sqlite", folder / "release"
        released.mkdir()
        office = Office(file)
        lock, last = None, ""
        for changes in nights:
            office.work(changes)
            fetched = fetch(file, folder, lock)
            if isinstance(fetched, NotModified):
                assert not changes
                assert last == content_hash(read(fetch(file, folder, None), city).frame, TABLE.key)
                continue
            result: ReadTable | None = read(fetched, city)
            if fetched.total_rows is not None:
                assert result is not None
                result = merge_changes(TABLE, result, released / "probe.parquet", fetched.total_rows)
            full = read(fetch(file, folder, None), city)
            if result is None:
                result = full
            last = content_hash(result.frame, TABLE.key)
            assert last == content_hash(full.frame, TABLE.key)
            assert result.frame.dtypes.to_dict() == full.frame.dtypes.to_dict()
            write_files(result.frame, TABLE, published_columns(TABLE), released, city)
            lock = TableLock(
                resource="probe", url=fetched.url, files=fetched.sources, source_bytes=0, content_hash=last,
                rows=len(result.frame), columns=tuple(COLUMNS),
            )  # fmt: skip


@pytest.fixture
def release(tmp_path: Path, city: City) -> tuple[Office, TableLock, Path]:
    office = Office(tmp_path / "amt.sqlite")
    office.work([("put", (str(n), 0), (None,) * 5, 1) for n in range(5)])
    fetched = fetch(tmp_path / "amt.sqlite", tmp_path, None)
    write_files(read(fetched, city).frame, TABLE, published_columns(TABLE), tmp_path, city)
    assert isinstance(fetched, Fetched)
    lock = TableLock(
        resource="probe", url=fetched.url, files=fetched.sources, source_bytes=0, content_hash="", rows=6,
        columns=tuple(COLUMNS),
    )  # fmt: skip
    return office, lock, tmp_path


def test_what_is_taken_over_is_counted(release: tuple[Office, TableLock, Path], city: City) -> None:
    office, lock, folder = release
    office.work([("put", ("3", 0), ("neu", None, None, None, None), 1)])
    fetched = fetch(folder / "amt.sqlite", folder, lock)
    assert isinstance(fetched, Fetched)
    merged = merge_changes(TABLE, read(fetched, city), folder / "probe.parquet", 6)
    assert merged is not None
    assert [(each.kind, each.nature, each.count) for each in merged.repairs] == [("incremental", "assumed", 4)]


def test_changes_with_the_same_key_are_not_merged(release: tuple[Office, TableLock, Path], city: City) -> None:
    office, lock, folder = release
    office.work([("put", ("3", 0), (None,) * 5, 1)])
    office._execute("INSERT INTO probe SELECT * FROM probe WHERE nr = '3'")
    fetched = fetch(folder / "amt.sqlite", folder, lock)
    assert isinstance(fetched, Fetched)
    assert merge_changes(TABLE, read(fetched, city), folder / "probe.parquet", 7) is None


@pytest.mark.parametrize("total", [5, 7])
def test_another_number_of_rows_than_the_database_has_is_not_merged(
    release: tuple[Office, TableLock, Path], city: City, total: int
) -> None:
    office, lock, folder = release
    office.work([("put", ("3", 0), (None,) * 5, 1)])
    fetched = fetch(folder / "amt.sqlite", folder, lock)
    assert merge_changes(TABLE, read(fetched, city), folder / "probe.parquet", total) is None


OBJECTS = Table.model_validate(
    {
        "id": "probe", "title": "Probe", "resource": "paper", "reading": {"format": "oparl", "incremental": {}},
        "key": ["id"], "large": True,
        "columns": [
            {"name": each, "source": each, "type": "string", "class": "public", "title": each}
            for each in ("id", "name")
        ],
    }
)  # fmt: skip


@pytest.mark.parametrize("total", [None, 3])
def test_what_the_source_calls_deleted_goes_and_what_it_names_anew_stays(
    tmp_path: Path, city: City, total: int | None
) -> None:
    def frame(rows: dict[str, str]) -> pd.DataFrame:
        return pd.DataFrame({"id": [*rows], "name": [*rows.values()]}, dtype="str")

    write_files(frame(dict.fromkeys("abc", "alt")), OBJECTS, published_columns(OBJECTS), tmp_path, city)
    changes = ReadTable(frame({"b": "neu", "d": "neu"}), (), (), deleted=("a", "nie gesehen"))
    merged = merge_changes(OBJECTS, changes, tmp_path / "probe.parquet", total)
    assert merged is not None
    assert dict(zip(merged.frame["id"], merged.frame["name"], strict=True)) == {"b": "neu", "c": "alt", "d": "neu"}
    assert [(each.kind, each.count) for each in merged.repairs] == [("incremental", 1)]


def test_deletions_alone_leave_the_rest_as_it_was(tmp_path: Path, city: City) -> None:
    kept = pd.DataFrame({"id": ["a", "b"], "name": ["x", None]}, dtype="str")
    write_files(kept, OBJECTS, published_columns(OBJECTS), tmp_path, city)
    merged = merge_changes(OBJECTS, ReadTable(kept[:0], (), (), deleted=("a",)), tmp_path / "probe.parquet", None)
    assert merged is not None
    assert merged.frame["id"].tolist() == ["b"]
    assert merged.frame["name"].isna().all()
