"""Files on an FTP server, with TLS or in the clear: what lies there and what is written in them.

Passive mode only, and data come from the server that was asked, whatever address it names (Python's ftplib ignores it).
"""

from __future__ import annotations

import ftplib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import cast
from urllib.parse import unquote, urlsplit

from stadtdaten.contracts.interfaces import FtpInterface, Limits
from stadtdaten.contracts.model import Table
from stadtdaten.extract.budget import Budget
from stadtdaten.extract.drop import MOST_NAMES, Entry, Listing, TooManyNames, take, too_many_names
from stadtdaten.extract.options import ca_bundle, check_options
from stadtdaten.extract.outcome import Fetched, NotModified
from stadtdaten.faults import Misconfigured, SourceUnavailable, SourceUnreadable
from stadtdaten.frames import Endpoint, TableLock

SILENCE_SECONDS = 60.0
CHUNK = 1 << 18

UNKNOWN_COMMAND = ("500", "501", "502", "504")
"""RFC 959: the server does not know the command; 501 says vsftpd to the OPTS before MLSD (RFC 2389, 4)."""


def fetch_from_ftp(
    interface: FtpInterface,
    table: Table,
    endpoint: Endpoint,
    folder: Path,
    limits: Limits,
    previous: TableLock | None,
) -> Fetched | NotModified:
    """The files below the connection's address (``ftp://host:port/folder``) that the table means; see ``drop.take``.

    With ``tls`` login and data are encrypted (RFC 4217, explicit) and the certificate is verified, by the option
    ``ca_bundle`` if it is of an authority of the city's own. Raises SourceUnreadable for a refused login or right,
    SourceUnavailable for a server that does not answer, Misconfigured for an address that is none.
    """
    check_options(endpoint, table.id, {"ca_bundle"} if interface.tls else ())
    bundle = ca_bundle(endpoint, table.id)
    budget = Budget(limits, table.id)
    try:
        address = urlsplit(endpoint.url)
        host, port = address.hostname or "", address.port or ftplib.FTP_PORT
    except ValueError:
        host, port = "", 0
    if not host or address.scheme != "ftp":
        raise Misconfigured(
            f"Tabelle „{table.id}“: Die Adresse der Verbindung ist keine FTP-Adresse.",
            next_step="Die Verbindung in Airflow prüfen (host = ftp://rechner:port/ordner).",
        )
    timeout = min(SILENCE_SECONDS, float(limits.seconds))
    client = _Ftp(timeout=timeout)
    if interface.tls:
        client = _FtpTls(context=ssl.create_default_context(cafile=bundle), timeout=timeout)
    with closing(client), budget.ending(client.cut_off):
        with _failures(table.id, budget):
            client.connect(host, port)
            _log_in(client, endpoint, table.id)
        drop = _Server(table.id, client, unquote(address.path) or ".", budget)
        shown = f"ftp://{address.netloc.rpartition('@')[2]}{address.path}"
        return take(drop, table, interface.settle, shown, folder, budget, previous)


@contextmanager
def _failures(table: str, budget: Budget) -> Iterator[None]:
    """Faults for what goes wrong between the server and us; around nothing that touches our own disk."""
    try:
        yield
    except TooManyNames:
        raise too_many_names(table) from None
    except ssl.SSLCertVerificationError:
        raise SourceUnavailable(
            f"Tabelle „{table}“: Das Zertifikat des FTP-Servers wird nicht anerkannt.",
            next_step="Mit dem Betrieb der Quelle das Zertifikat (Ablauf, Aussteller) klären.",
        ) from None
    except ftplib.error_perm:
        raise SourceUnreadable(
            f"Tabelle „{table}“: Der FTP-Server verweigert den Ordner, eine Datei darin oder die Verschlüsselung.",
            next_step="Mit dem Betrieb der Quelle Ordner, Rechte und Verschlüsselung (tls im Vertrag) klären.",
        ) from None
    except ValueError:  # ftplib's answer to names in no UTF-8 (UnicodeError) and with line breaks in them
        raise SourceUnreadable(
            f"Tabelle „{table}“: Der FTP-Server schickt Dateinamen, die nicht in UTF-8 sind oder Umbrüche enthalten.",
            next_step="Den Betrieb der Quelle bitten, die Dateien umzubenennen.",
        ) from None
    except ftplib.all_errors:
        budget.check_time()
        raise SourceUnavailable(
            f"Tabelle „{table}“: Die Verbindung zum FTP-Server kommt nicht zustande oder bricht ab.",
            next_step="Abwarten, der Lauf wird wiederholt; hält es an, den Betrieb der Quelle ansprechen.",
        ) from None


class _Ftp(ftplib.FTP):
    """A client that can be cut off in the middle of a listing, and ends one that has no end."""

    _data: socket.socket | None = None

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        self._data, size = super().ntransfercmd(cmd, rest)
        return self._data, size

    def retrlines(self, cmd: str, callback: Callable[[str], object] | None = None) -> str:
        lines = 0

        def counted(line: str) -> None:
            nonlocal lines
            lines += 1
            if lines > MOST_NAMES:
                raise TooManyNames
            if callback is not None:
                callback(line)

        return super().retrlines(cmd, counted)

    def cut_off(self) -> None:
        """End both connections: a timeout begins anew with each byte, so a server that drips would never meet one."""
        for connection in (self._data, self.sock):
            if connection is not None:
                with suppress(OSError):  # closed already
                    connection.shutdown(socket.SHUT_RDWR)


class _FtpTls(_Ftp, ftplib.FTP_TLS):
    """Data connections resume the TLS session of the login: vsftpd and others refuse them otherwise (code 522).

    It proves that whoever fetches the data is who logged in; Python's own class begins a session for each.
    """

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)  # noqa: S321  encrypted in the next line but one
        login = cast(ssl.SSLSocket, self.sock)
        self._data = self.context.wrap_socket(connection, server_hostname=self.host, session=login.session)
        return self._data, size


def _log_in(client: ftplib.FTP, endpoint: Endpoint, table: str) -> None:
    if isinstance(client, ftplib.FTP_TLS):
        client.auth()
    try:
        client.login(endpoint.login, endpoint.password)
    except ftplib.error_perm:
        raise SourceUnreadable(
            f"Tabelle „{table}“: Der FTP-Server nimmt die Anmeldung nicht an.",
            next_step="Anmeldenamen und Kennwort der Verbindung in Airflow prüfen.",
        ) from None
    if isinstance(client, ftplib.FTP_TLS):
        client.prot_p()


class _Server:
    """A drop; links are no files to it."""

    def __init__(self, table: str, client: ftplib.FTP, base: str, budget: Budget) -> None:
        self._table = table
        self._client = client
        self._base = PurePosixPath(base)
        self._budget = budget

    def listing(self, folder: str, wanted: Callable[[str], bool]) -> Listing:
        entries, others = [], []
        with _failures(self._table, self._budget):
            for name, facts in list(self._facts(str(self._base / folder))):
                if not wanted(name):
                    others.append(name)
                elif (entry := self._entry(f"{folder}/{name}" if folder else name, facts)) is not None:
                    entries.append(entry)
        return Listing(entries, others)

    def read(self, entry: Entry) -> Iterator[bytes]:
        with _failures(self._table, self._budget):
            self._client.voidcmd("TYPE I")  # ftplib lists in ASCII, which would change line ends
            with self._client.transfercmd(f"RETR {self._base / entry.name}") as connection:
                while piece := connection.recv(CHUNK):
                    yield piece
            self._client.voidresp()

    def _facts(self, path: str) -> Iterator[tuple[str, dict[str, str]]]:
        """Names of the files, with what the listing tells of them: nothing from a server without MLSD (RFC 3659)."""
        try:
            for name, facts in self._client.mlsd(path, ["type", "size", "modify"]):
                self._budget.check_time()
                if facts.get("type", "file").lower() == "file":
                    yield name, facts
        except ftplib.error_perm as error:
            if str(error)[:3] not in UNKNOWN_COMMAND:
                raise
            names = self._client.nlst(path)
            self._client.voidcmd("TYPE I")  # listings are asked for as text (RFC 959), files are not
            for name in names:
                yield PurePosixPath(name).name, {}

    def _entry(self, name: str, facts: dict[str, str]) -> Entry | None:
        """The file, asked for one by one where the listing told nothing; None if it is no file."""
        size, changed = facts.get("size"), facts.get("modify")
        try:
            if size is None:
                self._client.voidcmd("TYPE I")  # sizes are told in bytes only then
            size = size or str(self._client.size(str(self._base / name)))
        except ftplib.error_perm:
            return None  # a folder has no size
        try:
            changed = changed or self._client.voidcmd(f"MDTM {self._base / name}")[4:].strip()
        except ftplib.error_perm:
            changed = ""
        if not size.isdecimal():
            raise ftplib.error_proto
        return Entry(name, int(size), changed, _age(changed))


def _age(changed: str) -> float | None:
    """Seconds since a time of RFC 3659 (UTC, ``YYYYMMDDHHMMSS`` and perhaps a fraction); None if it is none."""
    try:
        moment = datetime.strptime(changed[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return (datetime.now(UTC) - moment).total_seconds()
