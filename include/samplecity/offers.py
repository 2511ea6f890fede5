"""What is a source system of the sample city made of? Offers: addresses, files that are dropped, databases.

An offer holds a function from the state of the city (which night, first day) to a table, and one that writes the table
as its protocol does. So the faults of the data itself can be turned on for every protocol alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samplecity.host_key import public_key
from samplecity.ports import Ports
from samplecity.shelf import LOGIN, PASSWORD
from samplecity.state import State
from samplecity.tables import Table
from samplecity.web import Answer, Request

Connections = Callable[[Path, Ports], dict[str, dict[str, Any]]]
"""From the folder of all state and the ports in use to Airflow connections: name to fields (conn_type, host, ...)."""


@dataclass(frozen=True)
class Web:
    """An address of the city's web server: everything at and below ``/<path>``.

    ``answer`` gets the table, the request, the address of ``path`` and the state; ``look`` is what a person appends to
    the address to see something in a browser.
    """

    path: str
    table: Callable[[State], Table]
    answer: Callable[[Table, Request, str, State], Answer]
    look: str = ""


@dataclass(frozen=True)
class Drop:
    """Files that an office lays down for us, below ``var/samplecity/ablage/<source>/``: path to content.

    A file whose content stays the same is not touched, so it keeps its time of change.
    """

    table: Callable[[State], Table]
    files: Callable[[Table, State], dict[str, bytes]]


@dataclass(frozen=True)
class Database:
    """A table ``table.resource`` in the SQLite file ``var/samplecity/<source>.sqlite``."""

    table: Callable[[State], Table]


Offer = Web | Drop | Database


@dataclass(frozen=True)
class System:
    """A source system: its name (also of contract and DAG), what people call it, and what it offers."""

    source: str
    title: str
    offers: tuple[Offer, ...]
    connections: Connections


def at_the_city(path: str, ports: Ports) -> dict[str, Any]:
    """The fields of a connection to an address of the city's web server."""
    return {"conn_type": "http", "host": f"http://127.0.0.1:{ports.city}/{path}"}


def drops(var: Path) -> Path:
    """Folder in which every source has a folder of its own for what it drops."""
    return var / "samplecity" / "ablage"


def drop_folder(var: Path, source: str) -> Path:
    """Folder of the files that the source drops."""
    return drops(var) / source


def by_ftp(source: str, ports: Ports) -> dict[str, Any]:
    """The fields of a connection to the source's dropped files over FTP."""
    host = f"ftp://127.0.0.1:{ports.ftp}/{source}"
    return {"conn_type": "ftp", "host": host, "login": LOGIN, "password": PASSWORD}


def by_sftp(source: str, var: Path, ports: Ports) -> dict[str, Any]:
    """The fields of a connection to the source's dropped files over SFTP, with the server's host key."""
    host = f"sftp://127.0.0.1:{ports.sftp}/{source}"
    extra = {"host_key": public_key(var)}
    return {"conn_type": "sftp", "host": host, "login": LOGIN, "password": PASSWORD, "extra": extra}


def database_path(var: Path, source: str) -> Path:
    """File of the source's database."""
    return var / "samplecity" / f"{source}.sqlite"
