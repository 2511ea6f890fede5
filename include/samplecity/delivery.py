"""How do files and databases come to lie where we read them? Written at the start, every night and with every fault."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from samplecity.database import write_database
from samplecity.faults import Fault, is_data_fault, is_drop_fault, spoilt_files, spoilt_table
from samplecity.offers import Database, Drop, Web, database_path, drop_folder
from samplecity.shelf import age
from samplecity.state import State, set_night
from samplecity.systems import SYSTEMS
from samplecity.tables import Table

AGE = 600
"""Seconds since a file was laid down, so that nobody waits whether it still grows."""


def advance(var: Path, night: int) -> State:
    """Make it that night: the web servers follow with the next request, files and databases are written now."""
    state = set_night(var, night)
    deliver(var, state, {})
    return state


def deliver(var: Path, state: State, faults: Mapping[str, Fault]) -> None:
    """Write what every system drops or stores in that state; a file that stays the same is not touched."""
    for system in SYSTEMS.values():
        fault = faults.get(system.source)
        for offer in system.offers:
            match offer:
                case Database():
                    write_database(database_path(var, system.source), spoilt(offer.table(state), fault))
                case Drop():
                    files = offer.files(spoilt(offer.table(state), fault), state)
                    if fault is not None and is_drop_fault(fault):
                        files = spoilt_files(files, fault)
                    _fill(drop_folder(var, system.source), files)
                case Web():
                    pass  # asked for when it is needed


def spoilt(table: Table, fault: Fault | None) -> Table:
    """The table with the fault, if it is one of the data."""
    return spoilt_table(table, fault) if fault is not None and is_data_fault(fault) else table


def _fill(folder: Path, files: Mapping[str, bytes]) -> None:
    """The files, and no others, in the folder."""
    for path in folder.rglob("*"):
        if path.is_file() and path.relative_to(folder).as_posix() not in files:
            path.unlink()
    for name, content in files.items():
        lay(folder / name, content)


def lay(path: Path, content: bytes) -> None:
    """The file with that content, laid down some time ago; untouched if it has it already."""
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.tmp")
    unfinished.write_bytes(content)
    age(unfinished, AGE)
    unfinished.replace(path)
