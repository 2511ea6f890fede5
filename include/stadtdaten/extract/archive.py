"""Which documents are in the files that a source delivered: of an archive, only the wanted member is unpacked.

An archive is somebody else's program for our disk. Whatever it says, members are written under names of our own, every
limit counts the bytes that really come out, and archives in archives stay packed.
"""

from __future__ import annotations

import gzip
import io
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import IO

from stadtdaten.contracts.model import Table
from stadtdaten.contracts.reading import Features, Oparl, Rows
from stadtdaten.extract.budget import MEGABYTE, Budget
from stadtdaten.extract.names import fits, near
from stadtdaten.faults import SourceUnreadable

CHUNK = 1 << 20

SHAPEFILE = (".shp", ".shx", ".dbf", ".prj", ".cpg")
"""The files of a shapefile that are read; ESRI's description of 1998 demands the first three."""

DIRECTORY_ENTRY = 1024
"""Bytes that an entry in the table of contents may take on average: more are no names but an attack on the memory."""

ZIP = b"PK\x03\x04"
ZIP_WITHOUT_MEMBERS = b"PK\x05\x06"
GZIP = b"\x1f\x8b"


def unpack(table: Table, delivered: Sequence[Path], budget: Budget) -> tuple[Path, ...]:
    """The table's documents: the files themselves, or what ``reading.member`` names in each; packed files are deleted.

    A shapefile is its .shp, with the other files of the same stem beside it. Raises SourceUnreadable for an archive
    without exactly one fitting member, one that is damaged, encrypted or dangerous, and beyond the limits;
    SourceUnavailable once the time is used up.
    """
    documents: list[Path] = []
    for path in delivered:
        documents += _documents(table, path, budget)
    if table.reading.format != "shapefile":
        return tuple(documents)
    shapes = tuple(path for path in documents if path.suffix == ".shp")
    if not shapes:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Unter den {len(documents)} gelieferten Dateien ist keine Shape-Datei (.shp).",
            next_step="Im Vertrag prüfen, ob resource (mit further_resources) alle Dateien der Shape-Datei nennt.",
        )
    for shape in shapes:
        _check_siblings(table, shape.name, [each.suffix for each in documents if each.stem == shape.stem])
    return shapes


def own_names(table: Table, names: Sequence[str]) -> list[str]:
    """Names of our own under which the files called ``names`` are kept; the parts of a shapefile share a stem."""
    shapefile = table.reading.format == "shapefile"
    stems = [str(PurePosixPath(name).with_suffix("")) if shapefile else name for name in names]
    numbers = {stem: number for number, stem in enumerate(dict.fromkeys(stems), 1)}
    return [f"{table.id}-{numbers[stem]}{_ending(name)}" for stem, name in zip(stems, names, strict=True)]


def _documents(table: Table, path: Path, budget: Budget) -> list[Path]:
    with path.open("rb") as file:
        start = file.read(len(ZIP))
    reading = table.reading
    member = None if isinstance(reading, Rows | Oparl) else reading.member
    if start in (ZIP, ZIP_WITHOUT_MEMBERS):
        if member is None and reading.format == "sheet":
            return [path]  # a workbook is itself an archive
        unpacked = _from_zip(table, path, member, budget)
    elif member is not None:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Die Quelle liefert kein ZIP-Archiv, der Vertrag nennt aber eine Datei darin.",
            next_step="Die Datei der Quelle ansehen; kommt sie jetzt ungepackt, reading.member im Vertrag streichen.",
        )
    elif start.startswith(GZIP):
        unpacked = [_from_gzip(table, path, budget)]
    else:
        return [path]
    path.unlink()
    return unpacked


def _from_gzip(table: Table, path: Path, budget: Budget) -> Path:
    """The unpacked file; the check sum and length at the end of a gzip file prove that it is whole (RFC 1952)."""
    target = path.with_name(path.name.removesuffix(".gz") + ".unpacked")
    try:
        with gzip.open(path) as source:
            _write(table, source, target, path.stat().st_size, budget)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise _damaged(table) from None
    return target


def _from_zip(table: Table, path: Path, member: str | None, budget: Budget) -> list[Path]:
    try:
        with _Contents(path, budget.limits.members) as file, zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            _check_members(table, members, budget.limits.members)
            return [
                _extract(table, archive, info, path.with_name(path.name + _ending(info.filename)), budget)
                for info in _wanted(table, members, member)
            ]  # fmt: skip
    except (zipfile.BadZipFile, NotImplementedError, EOFError, zlib.error, ValueError):
        # The texts may name members. A version from the future is NotImplementedError, a name in no UTF-8 ValueError.
        raise _damaged(table) from None


class _Contents(io.FileIO):
    """The archive, from which zipfile cannot read a table of contents (in one go, into memory) beyond all limits."""

    def __init__(self, path: Path, members: int) -> None:
        super().__init__(path)
        self._most = max(members * DIRECTORY_ENTRY, 1 << 16)

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > self._most:
            raise zipfile.BadZipFile
        return super().read(-1 if size is None else size)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        if whence == io.SEEK_SET and offset < 0:
            raise zipfile.BadZipFile  # else an OSError, as for a disk that fails
        return super().seek(offset, whence)


def _check_members(table: Table, members: Sequence[zipfile.ZipInfo], most: int) -> None:
    if len(members) > most:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Das Archiv enthält {len(members)} Dateien, erlaubt sind {most}.",
            next_step="Prüfen, ob die Quelle das Richtige liefert; sonst limits.members im Vertrag anheben.",
        )
    strays = sum(_leaves_the_archive(info.filename) for info in members)
    links = sum(stat.S_ISLNK(info.external_attr >> 16) for info in members)
    if strays or links:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Das Archiv ist gefährlich und wird nicht geöffnet: {strays} Dateien mit Pfaden, "
            f"die aus ihm hinausführen, {links} Verknüpfungen.",
            next_step="Nichts auspacken; mit dem Betrieb der Quelle klären, wer das Archiv erzeugt hat.",
        )


def _leaves_the_archive(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return parts[0] == "" or ".." in parts or re.match(r"[A-Za-z]:", name) is not None


def _wanted(table: Table, members: Sequence[zipfile.ZipInfo], pattern: str | None) -> Iterator[zipfile.ZipInfo]:
    # __MACOSX/ holds a shadow of each file, written by the Finder.
    files = [info for info in members if not info.is_dir() and not info.filename.startswith("__MACOSX/")]
    shapes = isinstance(table.reading, Features) and table.reading.format == "shapefile"
    candidates = [info.filename for info in files if not shapes or _ending(info.filename) == ".shp"]
    names = [name for name in candidates if fits(pattern or ("*" if shapes else ""), name)]
    if len(names) != 1:
        found = f"{len(names)} von {len(candidates)} Dateien passen auf „{pattern}“" if pattern else (
            f"Es enthält {len(candidates)} {'Shape-Dateien' if shapes else 'Dateien'}, der Vertrag nennt keine davon"
        )  # fmt: skip
        like = near(pattern, candidates) if pattern and not names else None
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Welche Datei des Archivs gemeint ist, steht nicht fest. {found}."
            + (f" Ähnlich heißt „{like}“." if like else ""),
            next_step="Das Archiv ansehen und reading.member im Vertrag so fassen, dass genau eine Datei passt.",
        )
    if not shapes:
        yield next(info for info in files if info.filename == names[0])
        return
    stem = str(PurePosixPath(names[0]).with_suffix(""))
    parts = [info for info in files if _ending(info.filename) in SHAPEFILE and info.filename[:-4] == stem]
    _check_siblings(table, names[0], [_ending(info.filename) for info in parts])
    yield from parts


def _ending(name: str) -> str:
    """The ending of a file's name if it is an ordinary one: some formats go by it."""
    ending = PurePosixPath(name).suffix.lower()
    return ending if re.fullmatch(r"\.[a-z0-9]{1,7}", ending) else ".source"


def _check_siblings(table: Table, shape: str, endings: Sequence[str]) -> None:
    wrong = [each for each in SHAPEFILE if endings.count(each) > 1 or (each in SHAPEFILE[:3] and each not in endings)]
    if wrong:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Zur Shape-Datei gehört je eine Datei {', '.join(SHAPEFILE[:3])} gleichen Namens; "
            f"es fehlen oder sind mehrfach da: {', '.join(wrong)}.",
            next_step="Mit dem Betrieb der Quelle klären, warum die Shape-Datei unvollständig ist.",
        )


def _extract(table: Table, archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, budget: Budget) -> Path:
    if info.flag_bits & 0x1:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Die Datei im Archiv ist verschlüsselt.",
            next_step="Mit dem Betrieb der Quelle klären, warum; offene Daten kommen unverschlüsselt.",
        )
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Das Archiv ist mit einem unüblichen Verfahren gepackt (Nr. {info.compress_type}).",
            next_step="Den Betrieb der Quelle um ein gewöhnliches ZIP-Archiv (Deflate) bitten.",
        )
    with archive.open(info) as source:
        written = _write(table, source, target, info.compress_size, budget)
    if written != info.file_size:
        raise _damaged(table)
    return target


def _write(table: Table, source: IO[bytes] | gzip.GzipFile, target: Path, packed: int, budget: Budget) -> int:
    """Bytes written; their check sum is compared at the end by the library that unpacks them."""
    target.touch(mode=0o600, exist_ok=False)
    size = 0
    with target.open("wb") as file:
        while chunk := source.read(CHUNK):
            budget.check_time()
            budget.spend_unpacked(len(chunk))
            size += file.write(chunk)
            # Small files that are mostly blank reach any ratio and do no harm.
            if size > max(packed * budget.limits.ratio, MEGABYTE):
                raise SourceUnreadable(
                    f"Tabelle „{table.id}“: Eine gepackte Datei wird mehr als {budget.limits.ratio}-mal so groß, "
                    "wie sie gepackt ist; das Auspacken wurde abgebrochen.",
                    next_step="Prüfen, ob die Quelle das Richtige liefert; sonst limits.ratio im Vertrag anheben.",
                )
    return size


def _damaged(table: Table) -> SourceUnreadable:
    return SourceUnreadable(
        f"Tabelle „{table.id}“: Das Archiv der Quelle ist beschädigt oder unvollständig.",
        next_step="Das Archiv selbst herunterladen und öffnen; ist es auch dort beschädigt, den Betrieb der Quelle "
        "ansprechen.",
    )
