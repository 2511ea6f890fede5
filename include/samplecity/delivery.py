"""How do files and databases come to lie where we read them? Written at the start, every night and with every fault."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from samplecity.database import write_database
from samplecity.faults import Fault, is_data_fault, spoilt_table
from samplecity.offers import Database, Drop, Web, database_path, drop_folder
from samplecity.state import State, set_night
from samplecity.systems import SYSTEMS
from samplecity.tables import Table


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
                    folder = drop_folder(var, system.source)
                    for name, content in offer.files(spoilt(offer.table(state), fault), state).items():
                        lay(folder / name, content)
                case Web():
                    pass  # asked for when it is needed


def spoilt(table: Table, fault: Fault | None) -> Table:
    """The table with the fault, if it is one of the data."""
    return spoilt_table(table, fault) if fault is not None and is_data_fault(fault) else table


def lay(path: Path, content: bytes) -> None:
    """The file with that content; untouched if it has it already."""
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.tmp")
    unfinished.write_bytes(content)
    unfinished.replace(path)
