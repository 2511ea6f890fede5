"""File drops in a mounted folder: which files are meant, and none is taken that is still being written."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from extract import hostile
from stadtdaten.contracts.interfaces import FolderInterface, Limits
from stadtdaten.contracts.model import Table
from stadtdaten.extract import Fetched, NotModified, fetch_table, folder
from stadtdaten.faults import Misconfigured, SourceInMotion, SourceUnavailable, SourceUnreadable
from stadtdaten.frames import Endpoint, TableLock

MakeTable = Callable[..., Table]


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    """A folder with two files of yesterday, and others beside them."""
    folder = tmp_path / "ablage"
    for name in ("wetter/b.csv", "wetter/a.csv", "wetter/.c.csv", "wetter/lies.txt", "andere.csv"):
        lay(folder / name, f"id\n{name}\n".encode())
    return folder


def lay(path: Path, content: bytes, age: float = 86_400) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (time.time() - age,) * 2)


def fetch(
    table: Table, drop: Path, previous: TableLock | None = None, settle: int = 0, **limits: int
) -> Fetched | NotModified:
    target = drop.parent / f"geholt-{time.monotonic_ns()}"
    target.mkdir()
    interface = FolderInterface(kind="folder", connection="probe", settle=settle)
    return fetch_table(interface, table, Endpoint(url=drop.as_uri()), target, Limits(**limits), previous)


def bodies(fetched: Fetched | NotModified) -> list[bytes]:
    assert isinstance(fetched, Fetched)
    return [file.read_bytes() for file in fetched.files]


def lock_of(table: Table, fetched: Fetched | NotModified) -> TableLock:
    assert isinstance(fetched, Fetched)
    return TableLock(
        resource=table.resource, url=fetched.url, files=fetched.sources, source_bytes=0, content_hash="", rows=1,
        columns=(),
    )  # fmt: skip


@pytest.fixture
def old_inodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files made by the test count as old: the system sets the time of change of an inode, nobody else can."""
    monkeypatch.setattr("stadtdaten.extract.drop.GRAIN", -1.0)


def test_the_files_of_a_pattern_arrive_in_the_order_of_their_names(table: MakeTable, drop: Path) -> None:
    fetched = fetch(table("csv", "wetter/*.csv"), drop)
    assert isinstance(fetched, Fetched)
    assert bodies(fetched) == [b"id\nwetter/a.csv\n", b"id\nwetter/b.csv\n"]
    assert [file.name for file in fetched.sources] == ["wetter/a.csv", "wetter/b.csv"]
    assert fetched.source_bytes == sum(file.size for file in fetched.sources) == 32
    assert fetched.url == f"{drop.as_uri()}/wetter/*.csv"
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in fetched.files)


def test_several_resources_follow_each_other_and_no_file_comes_twice(table: MakeTable, drop: Path) -> None:
    both = table("csv", "andere.csv").model_copy(update={"further_resources": ("wetter/b.csv", "wetter/*.csv")})
    assert bodies(fetch(both, drop)) == [b"id\nandere.csv\n", b"id\nwetter/b.csv\n", b"id\nwetter/a.csv\n"]


@pytest.mark.usefixtures("old_inodes")
def test_an_unchanged_drop_is_told_from_its_listing(table: MakeTable, drop: Path) -> None:
    weather = table("csv", "wetter/*.csv")
    previous = lock_of(weather, fetch(weather, drop))
    begun = time.monotonic()
    assert fetch(weather, drop, previous) == NotModified()
    assert time.monotonic() - begun < 0.1


@pytest.mark.usefixtures("old_inodes")
def test_a_further_file_is_a_change(table: MakeTable, drop: Path) -> None:
    weather = table("csv", "wetter/*.csv")
    previous = lock_of(weather, fetch(weather, drop))
    lay(drop / "wetter" / "0.csv", b"neu")
    assert bodies(fetch(weather, drop, previous))[0] == b"neu"


@pytest.mark.usefixtures("old_inodes")
def test_the_same_name_and_size_and_time_with_new_content_is_a_change(table: MakeTable, drop: Path) -> None:
    weather = table("csv", "wetter/a.csv")
    previous = lock_of(weather, fetch(weather, drop))
    path = drop / "wetter" / "a.csv"
    before = path.stat()
    path.write_bytes(path.read_bytes().replace(b"a.csv", b"A.CSV"))
    os.utime(path, ns=(before.st_mtime_ns, before.st_mtime_ns))
    assert path.stat().st_mtime_ns == before.st_mtime_ns and path.stat().st_size == before.st_size
    assert bodies(fetch(weather, drop, previous)) == [b"id\nwetter/A.CSV\n"]


def test_a_file_read_right_after_its_change_is_read_again(table: MakeTable, drop: Path) -> None:
    weather = table("csv", "wetter/a.csv")
    lay(drop / "wetter" / "a.csv", b"eben", age=0)
    fetched = fetch(weather, drop)
    assert isinstance(fetched, Fetched)
    assert fetched.sources[0].last_modified == ""
    assert isinstance(fetch(weather, drop, lock_of(weather, fetched)), Fetched)


def test_no_file_at_all_says_how_many_others_there_are_and_names_none(table: MakeTable, drop: Path) -> None:
    lay(drop / "wetter" / "Akte Muster.pdf", b"x")
    with pytest.raises(SourceUnreadable, match="im Ordner liegen sonst 5 Dateien") as caught:
        fetch(table("csv", "wetter/pegel.xml"), drop)
    assert "Muster" not in str(caught.value) and "lies" not in str(caught.value)


def test_a_renamed_file_is_named(table: MakeTable, drop: Path) -> None:
    lay(drop / "pegel" / "Tageswerte-2026.csv", b"x")
    with pytest.raises(SourceUnreadable, match=r"Ähnlich heißt „Tageswerte-2026\.csv“"):
        fetch(table("csv", "pegel/tageswerte_2026.csv"), drop)


def test_a_name_with_control_characters_is_not_told_as_it_is(table: MakeTable, drop: Path) -> None:
    lay(drop / "pegel" / "tages\x1b[31mwerte.csv", b"x")
    with pytest.raises(SourceUnreadable) as caught:
        fetch(table("csv", "pegel/tageswerte.csv"), drop)
    assert "\x1b" not in str(caught.value)
    with pytest.raises(SourceUnreadable, match="Steuerzeichen"):
        fetch(table("csv", "pegel/*.csv"), drop)


def test_a_name_in_no_utf_8_is_an_error(table: MakeTable, drop: Path) -> None:
    (drop / "wetter" / os.fsdecode(b"M\xfcnster.csv")).write_bytes(b"x")
    with pytest.raises(SourceUnreadable, match="falscher Kodierung"):
        fetch(table("csv", "wetter/*.csv"), drop)


def test_a_folder_that_is_not_mounted_is_unavailable(table: MakeTable, drop: Path) -> None:
    with pytest.raises(SourceUnavailable, match="nicht da"):
        fetch(table("csv", "a.csv"), drop / "fehlt")


def test_a_subfolder_that_is_gone_is_an_error(table: MakeTable, drop: Path) -> None:
    with pytest.raises(SourceUnreadable, match="Den Ordner „klima“ gibt es nicht"):
        fetch(table("csv", "klima/*.csv"), drop)


@pytest.mark.parametrize("resource", ["/etc/passwd", "../a.csv", "wetter/../../a.csv", "*/a.csv", "..", "wetter/.."])
def test_a_resource_that_leaves_the_folder_is_our_mistake(table: MakeTable, drop: Path, resource: str) -> None:
    with pytest.raises(Misconfigured, match="unterhalb der Verbindung"):
        fetch(table("csv", resource), drop)


@pytest.mark.parametrize("address", ["http://127.0.0.1/x", "file://rechner/x", "relativ", ""])
def test_an_address_that_is_no_folder_is_our_mistake(table: MakeTable, tmp_path: Path, address: str) -> None:
    interface = FolderInterface(kind="folder", connection="probe")
    with pytest.raises(Misconfigured, match="kein Ordner"):
        fetch_table(interface, table("csv", "a.csv"), Endpoint(url=address), tmp_path, Limits(), None)


@pytest.mark.parametrize("link", ["wetter/z.csv", "hinaus"])
def test_a_link_out_of_the_folder_is_refused(table: MakeTable, drop: Path, link: str) -> None:
    secret = drop.parent / "geheim"
    lay(secret / "z.csv", b"streng geheim")
    (drop / link).symlink_to(secret / "z.csv" if link.endswith(".csv") else secret)
    with pytest.raises(SourceUnreadable, match="Verknüpfung"):
        fetch(table("csv", "wetter/*.csv" if link.endswith(".csv") else "hinaus/z.csv"), drop)


def test_a_link_inside_the_folder_is_followed(table: MakeTable, drop: Path) -> None:
    (drop / "aktuell.csv").symlink_to("wetter/a.csv")
    assert bodies(fetch(table("csv", "aktuell.csv"), drop)) == [b"id\nwetter/a.csv\n"]


def test_a_pipe_under_a_fitting_name_is_no_file(table: MakeTable, drop: Path) -> None:
    os.mkfifo(drop / "wetter" / "pipe.csv")
    assert len(bodies(fetch(table("csv", "wetter/*.csv"), drop))) == 2
    with pytest.raises(SourceUnreadable, match="Keine Datei"):
        fetch(table("csv", "wetter/pipe.csv"), drop)


def test_a_growing_file_is_not_taken(table: MakeTable, drop: Path) -> None:
    path = drop / "wetter" / "a.csv"
    done = threading.Event()

    def write() -> None:
        while not done.wait(0.05):
            with path.open("ab") as file:
                file.write(b"1;2\n")

    lay(path, b"id\n", age=0)
    writer = threading.Thread(target=write)
    writer.start()
    try:
        with pytest.raises(SourceInMotion, match=r"„wetter/a\.csv“ wird gerade geschrieben"):
            fetch(table("csv", "wetter/*.csv"), drop, settle=1)
    finally:
        done.set()
        writer.join()


@pytest.mark.parametrize("age", [0, -3600])
def test_a_young_file_that_stands_still_is_taken(table: MakeTable, drop: Path, age: float) -> None:
    lay(drop / "wetter" / "a.csv", b"jung", age)
    assert bodies(fetch(table("csv", "wetter/a.csv"), drop, settle=1)) == [b"jung"]


def test_a_file_that_changes_while_it_is_read_is_not_taken(
    table: MakeTable, drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = drop / "wetter" / "a.csv"
    content = bytes(3 << 20)
    lay(path, content)
    original = folder._Folder.read

    def read(self: Any, entry: Any) -> Any:
        for piece in original(self, entry):
            with path.open("r+b") as file:
                file.write(b"geaendert")
            yield piece

    monkeypatch.setattr(folder._Folder, "read", read)
    with pytest.raises(SourceInMotion, match="während sie gelesen wurde"):
        fetch(table("csv", "wetter/a.csv"), drop)


def test_an_empty_file_is_an_error(table: MakeTable, drop: Path) -> None:
    lay(drop / "wetter" / "a.csv", b"")
    with pytest.raises(SourceUnreadable, match="leer"):
        fetch(table("csv", "wetter/*.csv"), drop)


def test_a_web_page_in_a_drop_is_an_error(table: MakeTable, drop: Path) -> None:
    lay(drop / "wetter" / "a.csv", b"<!DOCTYPE html><html>Anmeldung</html>")
    with pytest.raises(SourceUnreadable, match="Webseite"):
        fetch(table("csv", "wetter/*.csv"), drop)


def test_more_bytes_than_allowed_in_all_files_are_refused(table: MakeTable, drop: Path) -> None:
    for name in ("a.csv", "b.csv"):
        lay(drop / "wetter" / name, bytes(600_000))
    with pytest.raises(SourceUnreadable, match="erlaubten 1 MB"):
        fetch(table("csv", "wetter/*.csv"), drop, megabytes=1)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_an_error(table: MakeTable, drop: Path) -> None:
    (drop / "wetter" / "a.csv").chmod(0)
    with pytest.raises(SourceUnreadable, match="darf nicht gelesen werden"):
        fetch(table("csv", "wetter/a.csv"), drop)


def test_an_archive_in_a_drop_is_unpacked(table: MakeTable, drop: Path) -> None:
    lay(drop / "orte.zip", hostile.zipped({"orte.csv": b"id\n"}))
    packed = table("csv", "orte.zip")
    packed = packed.model_copy(update={"reading": packed.reading.model_copy(update={"member": "orte.csv"})})
    assert bodies(fetch(packed, drop)) == [b"id\n"]


def test_an_option_is_refused(table: MakeTable, drop: Path) -> None:
    interface = FolderInterface(kind="folder", connection="probe")
    with pytest.raises(Misconfigured, match="host_key"):
        fetch_table(
            interface, table("csv", "andere.csv"), Endpoint(url=drop.as_uri(), options={"host_key": "x"}), drop,
            Limits(), None,
        )  # fmt: skip


def test_links_in_a_circle_are_an_error(table: MakeTable, drop: Path) -> None:
    (drop / "kreis.csv").symlink_to("kreis.csv")
    with pytest.raises(SourceUnreadable, match="im Kreis"):
        fetch(table("csv", "kreis.csv"), drop)
