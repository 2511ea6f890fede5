"""Files on an SFTP server whose host key is known beforehand: what lies there and what is written in them.

Nothing of the account under which the pipeline runs is used: no agent, no ~/.ssh, no known hosts.
"""

from __future__ import annotations

import io
import json
import logging
import socket
import stat
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import islice
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import paramiko

from stadtdaten.contracts.interfaces import Limits, SftpInterface
from stadtdaten.contracts.model import Table
from stadtdaten.extract.budget import Budget
from stadtdaten.extract.drop import MOST_NAMES, Entry, Listing, take, too_many_names
from stadtdaten.extract.options import check_options
from stadtdaten.extract.outcome import Fetched, NotModified
from stadtdaten.faults import Misconfigured, ServerNotTrusted, SourceUnavailable, SourceUnreadable
from stadtdaten.frames import Endpoint, TableLock

CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 60.0
KEEPALIVE_SECONDS = 15
CHUNK = 1 << 18
REQUESTS_AHEAD = 64
"""Requests of 32 kB under way at a time: without them each one costs a round trip."""

PRIVATE_KEYS: tuple[type[paramiko.PKey], ...] = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)

# paramiko logs the names of accounts and what the server says; our own faults say what matters.
logging.getLogger("paramiko").setLevel(logging.CRITICAL)


def fetch_from_sftp(
    interface: SftpInterface,
    table: Table,
    endpoint: Endpoint,
    folder: Path,
    limits: Limits,
    previous: TableLock | None,
) -> Fetched | NotModified:
    """The files below the connection's address (``sftp://host:port/folder``) that the table means; see ``drop.take``.

    The connection's options are ``host_key`` (as in a known_hosts file, ``ssh-ed25519 AAAA...``; several as a list)
    and, in place of a password, ``private_key`` (PEM). Raises Misconfigured without a host key and for a private key
    that is none; ServerNotTrusted for a server with another key (before any login); SourceUnreadable for a refused
    login or right; SourceUnavailable for a server that does not answer.
    """
    check_options(endpoint, table.id, {"host_key", "private_key"})
    budget = Budget(limits, table.id)
    known = _host_keys(endpoint, table.id)
    own_key = _private_key(endpoint, table.id)
    try:
        address = urlsplit(endpoint.url)
        server = (address.hostname or "", address.port or 22)
    except ValueError:
        server = ("", 0)
    if not server[0] or address.scheme != "sftp":
        raise Misconfigured(
            f"Tabelle „{table.id}“: Die Adresse der Verbindung ist keine SFTP-Adresse.",
            next_step="Die Verbindung in Airflow prüfen (host = sftp://rechner:port/ordner).",
        )
    with ExitStack() as opened:
        with _failures(table.id, budget):
            transport = opened.enter_context(closing(_connect(server, known, table.id)))
            opened.enter_context(budget.ending(transport.close))
            _log_in(transport, endpoint, own_key, table.id)
            # Closed with the transport: to say goodbye over a broken connection would raise over the fault.
            client = _client(transport)
        drop = _Server(table.id, client, unquote(address.path) or ".", budget)
        shown = f"sftp://{address.netloc.rpartition('@')[2]}{address.path}"
        return take(drop, table, interface.settle, shown, folder, budget, previous)


@contextmanager
def _failures(table: str, budget: Budget) -> Iterator[None]:
    """Faults for what goes wrong between the server and us; around nothing that touches our own disk."""
    try:
        yield
    except FileNotFoundError:
        raise SourceUnreadable(
            f"Tabelle „{table}“: Auf dem SFTP-Server fehlt der Ordner, oder eine Verknüpfung darin führt ins Leere.",
            next_step="Mit dem Betrieb der Quelle klären, wohin die Dateien gezogen sind; sonst resource im Vertrag "
            "oder den Ordner der Verbindung anpassen.",
        ) from None
    except PermissionError:
        raise SourceUnreadable(
            f"Tabelle „{table}“: Das Konto der Pipeline darf auf dem SFTP-Server den Ordner oder eine Datei darin "
            "nicht lesen.",
            next_step="Mit dem Betrieb der Quelle die Rechte klären.",
        ) from None
    except (OSError, EOFError, paramiko.SSHException):
        budget.check_time()
        raise SourceUnavailable(
            f"Tabelle „{table}“: Die Verbindung zum SFTP-Server kommt nicht zustande oder bricht ab.",
            next_step="Abwarten, der Lauf wird wiederholt; hält es an, den Betrieb der Quelle ansprechen.",
        ) from None


def _host_keys(endpoint: Endpoint, table: str) -> list[tuple[str, bytes]]:
    """Kind and bytes of the keys that the server may have."""
    text = endpoint.options.get("host_key", "")
    try:
        lines = json.loads(text) if text.startswith("[") else text.splitlines()
        keys = [(kind, b64decode(key, validate=True)) for kind, key, *_ in (str(line).split() for line in lines)]
    except ValueError:
        keys = []
    if not keys:
        raise Misconfigured(
            f"Tabelle „{table}“: In der Verbindung steht kein Schlüssel des SFTP-Servers (host_key).",
            next_step="Den öffentlichen Schlüssel des Servers vom Betrieb der Quelle erfragen und im Feld „extra“ der "
            "Verbindung als host_key eintragen („ssh-ed25519 AAAA…“).",
        )
    return keys


def _private_key(endpoint: Endpoint, table: str) -> paramiko.PKey | None:
    text = endpoint.options.get("private_key")
    if text is None:
        return None
    for kind in PRIVATE_KEYS:
        try:
            return kind.from_private_key(io.StringIO(text))
        except (paramiko.SSHException, ValueError, AssertionError, LookupError):  # what paramiko makes of a damaged one
            continue
    raise Misconfigured(
        f"Tabelle „{table}“: Der private Schlüssel der Verbindung (private_key) ist unlesbar oder hat ein Kennwort.",
        next_step="Im Feld „extra“ der Verbindung einen Schlüssel ohne Kennwort eintragen (PEM, Ed25519 oder RSA).",
    )


def _connect(server: tuple[str, int], known: list[tuple[str, bytes]], table: str) -> paramiko.Transport:
    """An encrypted connection to the very server, before any login."""
    connection = socket.create_connection(server, timeout=CONNECT_SECONDS)
    transport = paramiko.Transport(connection)
    try:
        transport.banner_timeout = transport.auth_timeout = transport.channel_timeout = SILENCE_SECONDS
        options = transport.get_security_options()
        kinds = {kind for kind, _ in known}
        # The kinds that we know first: a server with several keys must show the one that can be compared.
        options.key_types = sorted(options.key_types, key=lambda name: _kind(name) not in kinds)
        transport.start_client(timeout=CONNECT_SECONDS)
        offered = transport.get_remote_server_key()
        if (offered.get_name(), offered.asbytes()) not in known:
            raise ServerNotTrusted(
                f"Tabelle „{table}“: Der SFTP-Server zeigt einen anderen Schlüssel als den der Verbindung: "
                f"{offered.get_name()} {offered.fingerprint}. Es wurde nichts übertragen, auch keine Anmeldung.",
                next_step="Den Betrieb der Quelle auf anderem Weg fragen, ob das der neue Schlüssel ist. Nur dann "
                "host_key im Feld „extra“ der Verbindung ersetzen; sonst gibt sich jemand als der Server aus.",
            )
        transport.set_keepalive(KEEPALIVE_SECONDS)
    except BaseException:
        transport.close()
        raise
    return transport


def _kind(algorithm: str) -> str:
    """The kind of key behind a signature algorithm (RFC 8332: RSA keys sign by several)."""
    return "ssh-rsa" if algorithm.startswith("rsa-sha2") else algorithm


def _log_in(transport: paramiko.Transport, endpoint: Endpoint, own_key: paramiko.PKey | None, table: str) -> None:
    try:
        if own_key is not None:
            further = transport.auth_publickey(endpoint.login, own_key)
        else:
            further = transport.auth_password(endpoint.login, endpoint.password, fallback=False)
    except paramiko.AuthenticationException:
        further = ["refused"]
    if further:
        raise SourceUnreadable(
            f"Tabelle „{table}“: Der SFTP-Server nimmt die Anmeldung nicht an.",
            next_step="Anmeldenamen und Kennwort oder Schlüssel der Verbindung in Airflow prüfen.",
        )


def _client(transport: paramiko.Transport) -> paramiko.SFTPClient:
    client = paramiko.SFTPClient.from_transport(transport)
    if client is None:
        raise paramiko.SSHException
    channel = client.get_channel()
    if channel is not None:
        channel.settimeout(SILENCE_SECONDS)
    return client


class _Server:
    """A drop; ``base`` is the connection's folder, out of which nothing leads."""

    def __init__(self, table: str, client: paramiko.SFTPClient, base: str, budget: Budget) -> None:
        self._table = table
        self._client = client
        self._budget = budget
        self._base = PurePosixPath(base)

    def listing(self, folder: str, wanted: Callable[[str], bool]) -> Listing:
        entries, others = [], []
        with _failures(self._table, self._budget):
            # All of it first: while a listing is under way nothing else may be asked.
            names = list(islice(self._client.listdir_iter(str(self._base / folder)), MOST_NAMES + 1))
            if len(names) > MOST_NAMES:
                raise too_many_names(self._table)
            for found in names:
                name = f"{folder}/{found.filename}" if folder else found.filename
                if not wanted(found.filename):
                    others += [found.filename] if stat.S_ISREG(found.st_mode or 0) else []
                elif (entry := self._entry(name, found)) is not None:
                    entries.append(entry)
        return Listing(entries, others)

    def read(self, entry: Entry) -> Iterator[bytes]:
        with _failures(self._table, self._budget), self._client.open(str(self._base / entry.name), "rb") as file:
            file.prefetch(entry.size, REQUESTS_AHEAD)
            while piece := file.read(CHUNK):
                yield piece

    def _entry(self, name: str, found: paramiko.SFTPAttributes) -> Entry | None:
        """The file; None if it is none. Raises SourceUnreadable for a link that leads out of the folder."""
        if stat.S_ISLNK(found.st_mode or 0):
            base = PurePosixPath(self._client.normalize(str(self._base)) or "/")
            if not PurePosixPath(self._client.normalize(str(self._base / name)) or "/").is_relative_to(base):
                raise SourceUnreadable(
                    f"Tabelle „{self._table}“: Eine Verknüpfung führt aus dem Ordner der Verbindung hinaus; ihr wird "
                    "nicht gefolgt.",
                    next_step="Mit dem Betrieb der Quelle klären, warum; die Datei selbst in den Ordner legen lassen.",
                )
            found = self._client.stat(str(self._base / name))
        if not stat.S_ISREG(found.st_mode or 0) or found.st_size is None:
            return None
        age = time.time() - found.st_mtime if found.st_mtime else None
        return Entry(name, found.st_size, str(found.st_mtime or ""), age)
