"""Bytes in: one connector per interface, which follows pages, asks conditionally and keeps the limits.

Nothing here knows what a column means; files are delivered as the source wrote them, for ``read`` to interpret.
"""

from __future__ import annotations

from pathlib import Path
from typing import assert_never
from urllib.parse import urlsplit

from stadtdaten.contracts.interfaces import (
    ArcgisInterface,
    FolderInterface,
    FtpInterface,
    HttpInterface,
    Interface,
    Limits,
    OgcFeaturesInterface,
    OparlInterface,
    RestInterface,
    SftpInterface,
    SqlInterface,
    WfsInterface,
)
from stadtdaten.contracts.model import Table
from stadtdaten.extract.arcgis import fetch_layer
from stadtdaten.extract.folder import fetch_from_folder
from stadtdaten.extract.ftp import fetch_from_ftp
from stadtdaten.extract.http import fetch_file
from stadtdaten.extract.ogc_features import fetch_collection
from stadtdaten.extract.oparl import fetch_objects
from stadtdaten.extract.outcome import Fetched, NotModified
from stadtdaten.extract.rest import fetch_pages
from stadtdaten.extract.sql import fetch_rows
from stadtdaten.extract.wfs import fetch_features
from stadtdaten.faults import Misconfigured
from stadtdaten.frames import Endpoint, TableLock

__all__ = ["Fetched", "NotModified", "fetch_table"]


def fetch_table(
    interface: Interface, table: Table, endpoint: Endpoint, folder: Path, limits: Limits, previous: TableLock | None
) -> Fetched | NotModified:
    """What the source delivers for the table, as files (mode 0600) in the existing ``folder``.

    ``previous`` is the lock of what is live: give it to be told NotModified, or None to have the data in any case.
    Raises SourceUnavailable, SourceUnreadable, SchemaChanged or Misconfigured; see the connectors.
    """
    _check_address(endpoint, table)
    match interface:
        case HttpInterface():
            return fetch_file(interface, table, endpoint, folder, limits, previous)
        case FolderInterface():
            return fetch_from_folder(interface, table, endpoint, folder, limits, previous)
        case SftpInterface():
            from stadtdaten.extract.sftp import fetch_from_sftp  # here, as paramiko takes 0.2 s to import

            return fetch_from_sftp(interface, table, endpoint, folder, limits, previous)
        case FtpInterface():
            return fetch_from_ftp(interface, table, endpoint, folder, limits, previous)
        case WfsInterface():
            return fetch_features(interface, table, endpoint, folder, limits)
        case OgcFeaturesInterface():
            return fetch_collection(interface, table, endpoint, folder, limits)
        case ArcgisInterface():
            return fetch_layer(interface, table, endpoint, folder, limits)
        case RestInterface():
            return fetch_pages(interface, table, endpoint, folder, limits)
        case OparlInterface():
            return fetch_objects(interface, table, endpoint, folder, limits, previous)
        case SqlInterface():
            return fetch_rows(table, endpoint, folder, limits, previous)
        case _:
            assert_never(interface)


def _check_address(endpoint: Endpoint, table: Table) -> None:
    """Raises Misconfigured for an address that Python cannot take apart: its own error quotes it with the password."""
    try:
        urlsplit(endpoint.url)
    except ValueError:
        raise Misconfigured(
            f"Tabelle „{table.id}“: Die Adresse der Verbindung ist keine gültige Adresse.",
            next_step="Die Verbindung in Airflow prüfen: Zugangsdaten gehören in Login und Password, nicht in host.",
        ) from None
