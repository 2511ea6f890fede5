"""Archives: the wanted member comes out whole, and nothing else comes out at all."""

from __future__ import annotations

import gzip
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from extract import hostile
from stadtdaten.contracts.interfaces import Limits
from stadtdaten.contracts.model import Table
from stadtdaten.extract.archive import own_names, unpack
from stadtdaten.extract.budget import Budget
from stadtdaten.faults import SourceUnavailable, SourceUnreadable

CSV = b"id;name\r\n1;Hamm\r\n"
MakeTable = Callable[..., Table]


def opened(table: Table, folder: Path, *bodies: bytes, **limits: int) -> list[bytes]:
    """What comes out of files with these bodies; the folder holds nothing but that afterwards."""
    paths = []
    for number, body in enumerate(bodies):
        paths.append(folder / f"{table.id}-{number}.zip")
        paths[-1].write_bytes(body)
    documents = unpack(table, paths, Budget(Limits(**limits), table.id))
    return [document.read_bytes() for document in documents]


def packed(table: MakeTable, member: str | None, format: str = "csv") -> Table:
    plain = table(format, "daten.zip")
    return plain.model_copy(update={"reading": plain.reading.model_copy(update={"member": member})})


def refused(table: Table, folder: Path, body: bytes, match: str, **limits: int) -> SourceUnreadable:
    with pytest.raises(SourceUnreadable, match=match) as caught:
        opened(table, folder, body, **limits)
    assert caught.value.next_step
    assert caught.value.__cause__ is None
    return caught.value


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("member", ["2026/Orte.csv", "*/Orte*.csv", "*.csv"])
def test_the_one_member_that_fits_is_unpacked(table: MakeTable, tmp_path: Path, member: str, method: int) -> None:
    body = hostile.zipped(
        {"2026/liesmich.txt": b"x", "2026/Orte.csv": CSV, "__MACOSX/2026/._Orte.csv": b"x", "2026/": b""}, method
    )
    assert opened(packed(table, member), tmp_path, body) == [CSV]
    (left,) = tmp_path.iterdir()
    assert stat.S_IMODE(left.stat().st_mode) == 0o600


def test_each_of_several_archives_gives_its_member_in_order(table: MakeTable, tmp_path: Path) -> None:
    years = [hostile.zipped({f"Orte{year}.csv": CSV + str(year).encode()}) for year in (2025, 2024)]
    assert opened(packed(table, "Orte*.csv"), tmp_path, *years) == [CSV + b"2025", CSV + b"2024"]


def test_several_fitting_members_are_counted_and_not_named(table: MakeTable, tmp_path: Path) -> None:
    body = hostile.zipped({"Orte1.csv": CSV, "Orte2.csv": CSV, "Akte Muster.pdf": b"x"})
    fault = refused(packed(table, "Orte*.csv"), tmp_path, body, "2 von 3 Dateien passen")
    assert "reading.member" in fault.next_step
    assert "Muster" not in str(fault)


def test_a_renamed_member_is_told_and_others_are_not(table: MakeTable, tmp_path: Path) -> None:
    body = hostile.zipped({"Unfallorte_2026.csv": CSV, "Akte Muster.pdf": b"x"})
    fault = refused(packed(table, "Unfallorte2026.csv"), tmp_path, body, "Ähnlich heißt „Unfallorte_2026.csv“")
    assert "Muster" not in str(fault)


def test_an_archive_without_reading_member_is_not_guessed_at(table: MakeTable, tmp_path: Path) -> None:
    fault = refused(packed(table, None), tmp_path, hostile.zipped({"a.csv": CSV}), "der Vertrag nennt keine davon")
    assert "reading.member" in fault.next_step


def test_a_workbook_is_left_as_it_is(table: MakeTable, tmp_path: Path) -> None:
    body = hostile.zipped({"xl/workbook.xml": b"<x/>"})
    assert opened(packed(table, None, "sheet"), tmp_path, body) == [body]


def test_no_archive_where_the_contract_names_a_member(table: MakeTable, tmp_path: Path) -> None:
    refused(packed(table, "a.csv"), tmp_path, CSV, "kein ZIP-Archiv")


def test_a_shapefile_comes_with_its_siblings_and_nothing_else(table: MakeTable, tmp_path: Path) -> None:
    parts = {f"a/strassen.{ending}": ending.encode() for ending in ("shp", "shx", "DBF", "prj", "cpg", "shp.xml")}
    body = hostile.zipped(parts | {"a/strassen.pdf": b"x", "a/haus.dbf": b"x"})
    assert opened(packed(table, None, "shapefile"), tmp_path, body) == [b"shp"]
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".cpg", ".dbf", ".prj", ".shp", ".shx"]
    assert len({path.stem for path in tmp_path.iterdir()}) == 1


def test_one_of_several_shapefiles_must_be_named(table: MakeTable, tmp_path: Path) -> None:
    body = hostile.zipped({f"{name}.{e}": name.encode() for name in ("alt", "neu") for e in ("shp", "shx", "dbf")})
    refused(packed(table, None, "shapefile"), tmp_path, body, "2 Shape-Dateien")


def test_the_named_one_of_several_shapefiles_is_taken(table: MakeTable, tmp_path: Path) -> None:
    body = hostile.zipped({f"{name}.{e}": name.encode() for name in ("alt", "neu") for e in ("shp", "shx", "dbf")})
    assert opened(packed(table, "neu.shp", "shapefile"), tmp_path, body) == [b"neu"]


@pytest.mark.parametrize("missing", ["shx", "dbf"])
def test_a_shapefile_without_a_part_is_an_error(table: MakeTable, tmp_path: Path, missing: str) -> None:
    body = hostile.zipped({f"a.{ending}": b"x" for ending in ("shp", "shx", "dbf") if ending != missing})
    refused(packed(table, None, "shapefile"), tmp_path, body, rf"mehrfach da: \.{missing}")


def test_a_shapefile_of_single_files_keeps_them_together(table: MakeTable, tmp_path: Path) -> None:
    shapefile = packed(table, None, "shapefile")
    names = own_names(shapefile, ["x/strassen.shp", "x/strassen.dbf", "x/strassen.shx"])
    for name in names:
        (tmp_path / name).write_bytes(b"x" * 100)
    documents = unpack(shapefile, [tmp_path / name for name in names], Budget(Limits(), "probe"))
    assert documents == (tmp_path / "probe-1.shp",)
    with pytest.raises(SourceUnreadable, match="fehlen"):
        unpack(shapefile, [tmp_path / names[0]], Budget(Limits(), "probe"))


@pytest.mark.parametrize("name", ["../../etc/cron.d/x", "/etc/passwd", "C:\\x.csv", "a\\..\\..\\x.csv", "C:x.csv"])
def test_a_name_that_leaves_the_archive_is_refused(table: MakeTable, tmp_path: Path, name: str) -> None:
    inside = tmp_path / "innen"
    inside.mkdir()
    refused(packed(table, "*.csv"), inside, hostile.zipped({"a.csv": CSV, name: b"x"}), "gefährlich")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["probe-0.zip"]


def test_a_link_in_an_archive_is_refused(table: MakeTable, tmp_path: Path) -> None:
    body = hostile.with_link("a.csv", "/etc/passwd", {"b.txt": b"x"})
    refused(packed(table, "a.csv"), tmp_path, body, "1 Verknüpfungen")


def test_an_encrypted_member_is_refused(table: MakeTable, tmp_path: Path) -> None:
    refused(packed(table, "a.csv"), tmp_path, hostile.encrypted("a.csv", CSV), "verschlüsselt")


def test_two_members_of_the_same_name_are_refused(table: MakeTable, tmp_path: Path) -> None:
    refused(packed(table, "a.csv"), tmp_path, hostile.twice("a.csv", CSV, b"x" * 20), "2 von 2")


def test_an_unusual_method_is_refused(table: MakeTable, tmp_path: Path) -> None:
    refused(packed(table, "a.csv"), tmp_path, hostile.zipped({"a.csv": CSV}, zipfile.ZIP_LZMA), "Verfahren")


def test_a_changed_byte_never_passes_as_data(table: MakeTable, tmp_path: Path) -> None:
    good = hostile.zipped({"a.csv": CSV}, zipfile.ZIP_STORED)
    refusals = 0
    for at in range(len(good)):
        body = bytearray(good)
        body[at] ^= 0xFF
        folder = tmp_path / str(at)
        folder.mkdir()
        try:
            assert opened(packed(table, "a.csv"), folder, bytes(body)) == [CSV]
        except SourceUnreadable as fault:
            refusals += bool(fault.next_step)
    assert refusals > len(good) / 2


def test_an_archive_cut_anywhere_is_refused(table: MakeTable, tmp_path: Path) -> None:
    body = hostile.zipped({"a.csv": CSV, "b.csv": CSV})
    for length in range(4, len(body), 5):
        with pytest.raises(SourceUnreadable, match="beschädigt"):
            opened(packed(table, "a.csv"), tmp_path, body[:length])


@pytest.mark.parametrize("announced", [1, len(CSV) - 1, len(CSV) + 1, 4_000_000_000])
def test_a_lie_about_the_size_is_found(table: MakeTable, tmp_path: Path, announced: int) -> None:
    refused(packed(table, "a.csv"), tmp_path, hostile.announcing("a.csv", CSV, announced), "beschädigt")


def test_a_bomb_is_stopped_by_its_ratio(table: MakeTable, tmp_path: Path) -> None:
    refused(packed(table, "a.csv"), tmp_path, hostile.zipped({"a.csv": bytes(30_000_000)}), "mehr als 200-mal")
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 10_000_000


def test_a_bomb_that_announces_little_is_stopped_as_well(table: MakeTable, tmp_path: Path) -> None:
    body = hostile.announcing("a.csv", bytes(30_000_000), 1000)
    refused(packed(table, "a.csv"), tmp_path, body, "beschädigt|mehr als")
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 10_000_000


def test_unpacked_bytes_of_all_archives_are_limited_together(table: MakeTable, tmp_path: Path) -> None:
    body = hostile.zipped({"a.csv": bytes(range(256)) * 2600}, zipfile.ZIP_STORED)
    with pytest.raises(SourceUnreadable, match="erlaubten 1 MB"):
        opened(packed(table, "a.csv"), tmp_path, body, body, unpacked_megabytes=1)


def test_members_that_share_bytes_give_one_member_at_most(table: MakeTable, tmp_path: Path) -> None:
    names = [f"{number:03}.csv" for number in range(250)]
    body = hostile.overlapping(names, bytes(100_000))
    refused(packed(table, "007.csv"), tmp_path, body, "beschädigt")


def test_more_members_than_allowed_are_refused(table: MakeTable, tmp_path: Path) -> None:
    body = hostile.zipped({f"{number}.csv": b"" for number in range(11)})
    refused(packed(table, "1.csv"), tmp_path, body, "11 Dateien, erlaubt sind 10", members=10)


def test_a_table_of_contents_beyond_all_limits_is_not_even_read(table: MakeTable, tmp_path: Path) -> None:
    refused(packed(table, "a"), tmp_path, hostile.of_many_entries(100_000), "beschädigt|erlaubt sind")


def test_archives_in_archives_stay_packed(table: MakeTable, tmp_path: Path) -> None:
    body = hostile.nested(3, CSV)
    (inner,) = opened(packed(table, "0.zip"), tmp_path, body)
    assert inner.startswith(b"PK")


def test_a_gzip_file_is_unpacked_and_a_half_one_refused(table: MakeTable, tmp_path: Path) -> None:
    body = gzip.compress(CSV * 1000)
    assert opened(table("csv", "a.csv.gz"), tmp_path, body) == [CSV * 1000]
    for length in (20, len(body) - 9, len(body) - 1):
        folder = tmp_path / str(length)
        folder.mkdir()
        refused(table("csv", "a.csv.gz"), folder, body[:length], "beschädigt oder unvollständig")


def test_a_gzip_bomb_is_stopped(table: MakeTable, tmp_path: Path) -> None:
    refused(table("csv", "a.csv.gz"), tmp_path, gzip.compress(bytes(30_000_000)), "mehr als 200-mal")


@pytest.mark.parametrize("name", ["a" * 300, "x/" * 200 + "a.csv", "a.csv" + "\u202e" * 9, "a." + "b" * 300, "\x01\n;"])
def test_an_absurd_name_is_never_one_on_our_disk(table: MakeTable, tmp_path: Path, name: str) -> None:
    assert opened(packed(table, "*"), tmp_path, hostile.zipped({name: CSV})) == [CSV]
    (left,) = tmp_path.iterdir()
    assert left.name in ("probe-0.zip.source", "probe-0.zip.csv")


def test_the_time_limit_also_counts_for_unpacking(table: MakeTable, tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "probe-0.zip"
    path.write_bytes(hostile.zipped({"a.csv": CSV}))
    budget = Budget(Limits(seconds=1), "probe")
    monkeypatch.setattr(budget, "_deadline", 0.0)
    with pytest.raises(SourceUnavailable, match="1 Sekunden"):
        unpack(packed(table, "a.csv"), [path], budget)
