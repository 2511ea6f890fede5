"""Is the package of a workbook (a ZIP archive: xlsx, ods) safe to hand to a library that unpacks it unseen?"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

from stadtdaten.contracts.interfaces import Limits
from stadtdaten.contracts.model import Table
from stadtdaten.faults import SourceUnreadable

MEGABYTE = 1_000_000
CHUNK = 1 << 20


def check_package(table: Table, path: Path, limits: Limits) -> frozenset[str]:
    """The names in the package, once every byte in it was unpacked and counted: its directory may lie.

    Raises SourceUnreadable for a damaged package, one with two parts of a name, and beyond the limits of archives.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > limits.members:
                raise _too_much(table, f"{len(members)} Teile hat, erlaubt sind {limits.members}", "members")
            names = frozenset(info.filename for info in members)
            if len(names) < len(members):
                raise _damaged(table)
            _unpack_all(table, archive, members, limits)
    # NotImplementedError: packed by another method than Deflate; RuntimeError: encrypted; ValueError: offsets outside.
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError):
        raise _damaged(table) from None
    return names


def _unpack_all(table: Table, archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], limits: Limits) -> None:
    whole = 0
    for info in members:
        declared, info.file_size = info.file_size, 1 << 62  # so that zipfile does not stop where the directory says
        size = 0
        with archive.open(info) as part:
            while chunk := part.read(CHUNK):
                size += len(chunk)
                # Small parts that are mostly blank reach any ratio and do no harm.
                if size > max(info.compress_size * limits.ratio, MEGABYTE):
                    raise _too_much(table, f"mehr als {limits.ratio}-mal so groß wird, wie sie gepackt ist", "ratio")
                if whole + size > limits.unpacked_megabytes * MEGABYTE:
                    allowed = f"ausgepackt mehr als die erlaubten {limits.unpacked_megabytes} MB hat"
                    raise _too_much(table, allowed, "unpacked_megabytes")
        whole += size
        if size != declared:
            raise _damaged(table)


def _too_much(table: Table, what: str, limit: str) -> SourceUnreadable:
    return SourceUnreadable(
        f"Tabelle „{table.id}“: Die Arbeitsmappe wird nicht geöffnet, weil sie {what}.",
        next_step=f"Prüfen, ob die Quelle das Richtige liefert; sonst limits.{limit} im Vertrag anheben.",
    )


def _damaged(table: Table) -> SourceUnreadable:
    return SourceUnreadable(
        f"Tabelle „{table.id}“: Die Arbeitsmappe ist beschädigt oder unvollständig.",
        next_step="Die Datei in einem Tabellenprogramm öffnen und neu speichern lassen; geht das nicht, mit der "
        "Fachstelle klären, ob sie vollständig übertragen wurde.",
    )
