"""How bytes come over HTTP: to disk, within limits, repeated where waiting helps, and nothing secret in a message.

Faults name the table and the HTTP status, never the address: its query may hold a key. Certificates are always
verified, with the connection's own CA (option ``ca_bundle``) or what the environment says (REQUESTS_CA_BUNDLE); the
city's proxy is taken from the environment (HTTPS_PROXY, HTTP_PROXY, NO_PROXY).
"""

from __future__ import annotations

import logging
import re
import socket
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from itertools import chain
from pathlib import Path
from time import time
from types import TracebackType
from typing import Any, Self
from urllib.parse import SplitResult, parse_qsl, urljoin, urlsplit, urlunsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase, HTTPBasicAuth
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from stadtdaten.extract.budget import Budget
from stadtdaten.extract.options import ca_bundle, check_options
from stadtdaten.faults import Fault, Misconfigured, SourceUnavailable, SourceUnreadable
from stadtdaten.frames import Endpoint

ATTEMPTS = 4
"""Attempts within one task; longer waits are the scheduler's business."""

PATIENCE = 10.0
"""Longest Retry-After in seconds that is waited for here. A server that asks for more is left in peace: the task
fails as SourceUnavailable and the scheduler's retry comes later."""

CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 60.0
"""Longest silence of a server between two packets."""

CHUNK = 1 << 18
HEAD = 4096
"""First bytes of an answer that are looked at before anything is kept."""

REDIRECTS = 5
"""Redirects that are followed in a row."""

MOVED = frozenset({301, 302, 303, 307, 308})
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses that a later attempt may turn into an answer (RFC 9110, 6585, 8470); other 5xx count as well."""

# urllib3 writes addresses with their query into the log of the task: every one at DEBUG, and as a warning those whose
# answer has odd headers.
logging.getLogger("urllib3").setLevel(logging.ERROR)

Refusal = Callable[[int, str, bytes], Fault | None]
"""Judges an answer by status, media type and first bytes; returns the fault if it is not what was asked for."""


@dataclass(frozen=True)
class Answer:
    """A complete answer: 200 with its body of ``size`` bytes in the target file, or 304 without one.

    ``next_page`` is the address that the header Link names as ``next`` (RFC 8288).
    """

    status: int
    etag: str
    last_modified: str
    next_page: str = ""
    size: int = 0


class _Passing(SourceUnavailable):
    """A failure worth another attempt, after the seconds the server asked for."""

    def __init__(self, message: str, *, next_step: str, retry_after: float = 0.0) -> None:
        super().__init__(message, next_step=next_step)
        self.retry_after = retry_after


class _Anonymous(AuthBase):
    """No login at all: keeps requests from taking one from the account's ~/.netrc."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class _ApiKey(AuthBase):
    """A key in a header or query parameter instead of a login; like one it stays on the server that it is for."""

    def __init__(self, header: str, parameter: str, key: str) -> None:
        self._header = header
        self._parameter = parameter
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._header:
            request.headers[self._header] = self._key
        asked = {name for name, _ in parse_qsl(urlsplit(request.url or "").query, keep_blank_values=True)}
        if self._parameter and self._parameter not in asked:  # a server's link may repeat the key
            request.prepare_url(request.url, {self._parameter: self._key})
        return request


class _Inside(urllib3.exceptions.HTTPError):
    """A redirect has led to this machine or its neighbours on the wire."""


class _OutsideHttp(urllib3.connection.HTTPConnection):
    """Looks at the address that really was connected to, before a byte is sent.

    So a name that is resolved to another address a moment later (DNS rebinding) gains nothing. Behind a proxy it is the
    proxy that resolves and connects; what it may reach is its own business.
    """

    def _new_conn(self) -> socket.socket:
        return _outside(super()._new_conn())


class _OutsideHttps(urllib3.connection.HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _outside(super()._new_conn())


class _OutsideHttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _OutsideHttp


class _OutsideHttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _OutsideHttps


class _Watched(HTTPAdapter):
    """Keeps the sockets that it opens, to cut them off at the end of the time: a timeout begins anew with each byte."""

    pools: Mapping[str, type[urllib3.HTTPConnectionPool]] = {
        "http": urllib3.HTTPConnectionPool, "https": urllib3.HTTPSConnectionPool,
    }  # fmt: skip

    def __init__(self) -> None:
        self._opened: list[socket.socket] = []
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = self._watching(self.pools)

    def proxy_manager_for(self, *args: Any, **options: Any) -> Any:
        manager = super().proxy_manager_for(*args, **options)
        manager.pool_classes_by_scheme = self._watching(_Watched.pools)
        return manager

    def cut_off(self) -> None:
        """End every connection; whoever reads from one meets its end."""
        for opened in self._opened:
            with suppress(OSError):  # closed already
                opened.shutdown(socket.SHUT_RDWR)

    def _watching(
        self, pools: Mapping[str, type[urllib3.HTTPConnectionPool]]
    ) -> dict[str, type[urllib3.HTTPConnectionPool]]:
        return {scheme: _watching(pool, self._opened) for scheme, pool in pools.items()}


def _watching(pool: type[urllib3.HTTPConnectionPool], opened: list[socket.socket]) -> type[urllib3.HTTPConnectionPool]:
    """The pool whose connections are noted in ``opened`` (with TLS, which has a socket of its own)."""

    class Connection(pool.ConnectionCls):  # type: ignore[name-defined,misc]  # of http or https
        def connect(self) -> None:
            super().connect()
            opened.append(self.sock)

    return type(pool.__name__, (pool,), {"ConnectionCls": Connection})


class _Outside(_Watched):
    """Connects to no loopback or link-local address (RFC 1122, 3927, 4291): there lie the services of this machine and,
    in a cloud, its credentials. The city's own network (RFC 1918) is no such place."""

    pools: Mapping[str, type[urllib3.HTTPConnectionPool]] = {"http": _OutsideHttpPool, "https": _OutsideHttpsPool}


def _outside(connected: socket.socket) -> socket.socket:
    if is_inside(str(connected.getpeername()[0])):
        connected.close()
        raise _Inside
    return connected


def is_inside(address: str) -> bool:
    """Whether an IP address is one of this machine or of its neighbours on the wire."""
    ip = ip_address(address.partition("%")[0])
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return ip.is_loopback or ip.is_link_local or ip.is_unspecified


class Transport:
    """The conversation with one server on behalf of one table; ``redirects_to`` are the hosts it may send us to."""

    def __init__(self, endpoint: Endpoint, table: str, budget: Budget, redirects_to: Sequence[str] = ()) -> None:
        check_options(endpoint, table, {"ca_bundle", "api_key_header", "api_key_parameter"})
        bundle = ca_bundle(endpoint, table)
        self._table = table
        self._budget = budget
        self._redirects_to = redirects_to
        # Given with each request, because a session's own is overruled by REQUESTS_CA_BUNDLE.
        self._verify = str(bundle) if bundle else True
        self._adapters = (_Watched(), _Outside())
        inside, outside = self._adapters
        self._session = _session(_login(endpoint, table), inside)
        self._declared = _session(_Anonymous(), inside)
        self._abroad = _session(_Anonymous(), outside)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for session in (self._session, self._declared, self._abroad):
            session.close()

    def get(self, url: str, target: Path, refuse: Refusal, headers: Mapping[str, str] | None = None) -> Answer:
        """Bring ``url`` to ``target`` (mode 0600), whole or not at all.

        Raises SourceUnavailable for what may pass (connection, silence, a body shorter than announced, 429, 5xx)
        after a few quick attempts, SourceUnreadable for what will not (401, 403, 404, too large, another server),
        whatever ``refuse`` returns, and Misconfigured for an address that is none and options that nobody knows.
        """
        attempts = Retrying(
            retry=retry_if_exception(lambda error: isinstance(error, _Passing) and error.retry_after <= PATIENCE),
            stop=stop_after_attempt(ATTEMPTS),
            wait=_pause,
            reraise=True,
        )
        return attempts(self._once, url, target, refuse, headers or {})

    def _once(self, url: str, target: Path, refuse: Refusal, headers: Mapping[str, str]) -> Answer:
        self._budget.check_time()
        try:
            with self._budget.ending(self._cut_off), self._open(url, headers) as response:
                return self._keep(response, target, refuse, conditional=bool(headers))
        except (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema, requests.exceptions.InvalidSchema):
            raise Misconfigured(
                f"Tabelle „{self._table}“: Die Adresse der Verbindung ist keine gültige Web-Adresse.",
                next_step="Die Verbindung in Airflow prüfen (host = vollständige Adresse mit http:// oder https://).",
            ) from None
        except _Inside:
            raise SourceUnreadable(
                f"Tabelle „{self._table}“: Die Quelle leitet in das innere Netz dieses Rechners um; "
                "dem wird nicht gefolgt.",
                next_step="Den Betrieb der Quelle ansprechen: Das ist ein Fehler im Namensdienst oder ein Angriff.",
            ) from None
        except requests.exceptions.SSLError:
            raise SourceUnavailable(
                f"Tabelle „{self._table}“: Das Zertifikat der Quelle wird nicht anerkannt.",
                next_step="Mit dem Betrieb der Quelle das Zertifikat (Ablauf, Aussteller) klären.",
            ) from None
        except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError):
            self._budget.check_time()
            raise self._passing("Die Quelle antwortet nicht (Zeitüberschreitung).") from None
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError):
            self._budget.check_time()
            raise self._passing("Die Verbindung zur Quelle kommt nicht zustande oder bricht ab.") from None

    def _cut_off(self) -> None:
        for adapter in self._adapters:
            adapter.cut_off()

    def _passing(self, message: str, retry_after: float = 0.0) -> _Passing:
        return _Passing(
            f"Tabelle „{self._table}“: {message}",
            next_step="Abwarten, der Lauf wird wiederholt; hält es an, den Betrieb der Quelle ansprechen.",
            retry_after=retry_after,
        )

    def _open(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        """The answer after redirects: a login stays on the server that it is for, and nothing falls back to http."""
        session = self._session
        for _ in range(REDIRECTS + 1):
            response = session.get(
                url, headers=dict(headers), stream=True, allow_redirects=False, verify=self._verify,
                timeout=(CONNECT_SECONDS, min(SILENCE_SECONDS, max(self._budget.seconds_left, 0.1))),
            )  # fmt: skip
            if response.status_code not in MOVED or "Location" not in response.headers:
                return response
            target = _address(url, response.headers["Location"])
            response.close()
            if not same_server(url, target):
                session = self._session_for(url, target, response.status_code)
            url = target
        raise SourceUnreadable(
            f"Tabelle „{self._table}“: Die Quelle leitet im Kreis um.",
            next_step="Die Adresse in Verbindung und Vertrag prüfen.",
        )

    def _session_for(self, url: str, target: str, status: int) -> requests.Session:
        """Who may follow to another server. Raises SourceUnreadable if nobody may."""
        parts = urlsplit(target)
        host = parts.hostname or ""
        if urlsplit(url).scheme == "https" and parts.scheme == "http":
            raise SourceUnreadable(
                f"Tabelle „{self._table}“: Die Quelle leitet von https auf http um (HTTP {status}); "
                "dem wird nicht gefolgt.",
                next_step="Mit dem Betrieb der Quelle klären, warum; unverschlüsselt könnte jeder die Daten ändern.",
            )
        declared = host in self._redirects_to or f"[{host}]" in self._redirects_to
        if not declared or parts.scheme not in ("http", "https") or parts.username is not None:
            raise SourceUnreadable(
                f"Tabelle „{self._table}“: Die Quelle leitet auf einen anderen Server um "
                f"(HTTP {status}); dem wird nicht gefolgt.",
                next_step="Mit dem Betrieb der Quelle die neue Adresse klären und in die Verbindung eintragen; gehört "
                "der Server dazu, im Vertrag unter redirects_to nennen.",
            )
        return self._declared if _says_inside(host) else self._abroad

    def _keep(self, response: requests.Response, target: Path, refuse: Refusal, conditional: bool) -> Answer:
        answer = Answer(
            response.status_code,
            response.headers.get("ETag", ""),
            response.headers.get("Last-Modified", ""),
            response.links.get("next", {}).get("url", ""),
        )
        if response.status_code == 304 and conditional:
            return answer
        encoding = response.headers.get("Content-Encoding", "identity").strip().lower() or "identity"
        chunks = self._chunks(response)
        if encoding in ("gzip", "x-gzip"):
            chunks = self._unpacked(chunks)
        elif encoding != "identity" and response.status_code == 200:
            raise SourceUnreadable(
                f"Tabelle „{self._table}“: Die Quelle schickt die Daten gepackt (Content-Encoding), obwohl sie "
                "ungepackt verlangt sind; ob sie vollständig sind, wäre nicht sicher.",
                next_step="Den Betrieb der Quelle ansprechen: „Accept-Encoding: identity“ muss beachtet werden.",
            )
        head = b""
        while len(head) < HEAD and (chunk := next(chunks, b"")):
            head += chunk
        refused = refuse(response.status_code, response.headers.get("Content-Type", ""), head)
        if refused is not None:
            raise refused
        if response.status_code != 200:
            raise self._status_fault(response)
        if "Content-Length" not in response.headers and _headers_broken(response):
            raise self._passing(
                "Die Kopfzeilen der Antwort sind verstümmelt; ob die Daten ganz sind, ist nicht sicher."
            )
        announced = response.headers.get("Content-Length", "0")
        if not re.fullmatch(r"[0-9]{1,18}", announced):  # urllib3 takes such a body for one without a length
            raise self._passing("Die Quelle nennt eine Länge der Daten, die keine Zahl ist.")
        self._budget.check_bytes(int(announced))
        size = 0
        target.unlink(missing_ok=True)
        target.touch(mode=0o600)
        with target.open("wb") as file:
            for chunk in chain([head], chunks):
                size += file.write(chunk)
                self._budget.check_bytes(size)
        self._budget.spend_bytes(size)
        return replace(answer, size=size)

    def _chunks(self, response: requests.Response) -> Iterator[bytes]:
        """The body packet by packet, so that a server that drips cannot outlast the time limit.

        urllib3 compares what came with Content-Length (or the last chunk) and raises if the body is short.
        """
        while chunk := response.raw.read1(CHUNK, decode_content=False):
            self._budget.check_time()
            yield chunk
        self._budget.check_time()  # a body without a length ends with its connection, also with one that we cut off

    def _unpacked(self, packed: Iterator[bytes]) -> Iterator[bytes]:
        """A body that came as gzip although it was asked for as it is: many servers know no other way.

        The check sum and the length at its end (RFC 1952), which zlib compares, prove that it is whole. urllib3 would
        not look whether they came at all. Comes in small pieces, so that a bomb meets the limits before the memory.
        """
        inflater = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        try:
            for chunk in packed:
                piece = inflater.decompress(chunk, CHUNK)
                while piece:
                    yield piece
                    piece = inflater.decompress(inflater.unconsumed_tail, CHUNK)
        except zlib.error:
            raise self._passing("Die gepackten Daten der Quelle sind beschädigt.") from None
        if not inflater.eof or inflater.unused_data:
            raise self._passing("Die Verbindung zur Quelle bricht ab (gepackte Daten ohne ihr Ende).")

    def _status_fault(self, response: requests.Response) -> Fault:
        status = response.status_code
        if status in PASSING or status >= 500:
            return self._passing(f"Die Quelle antwortet mit HTTP {status}.", _retry_after(response))
        what, next_step = {
            401: ("verlangt eine Anmeldung", "Anmeldenamen und Kennwort der Verbindung in Airflow prüfen."),
            403: (
                "verweigert den Zugriff",
                "Berechtigung klären; auch eine Sperre gegen automatische Abrufe antwortet so.",
            ),
            404: ("kennt die Adresse nicht", "Mit dem Betrieb der Quelle klären, wohin die Daten gezogen sind."),
            410: ("hat die Daten entfernt", "Mit der Fachstelle klären, ob die Daten weiter geliefert werden."),
        }.get(status, ("gibt die Daten nicht heraus", "Adresse in Verbindung und Vertrag prüfen."))
        return SourceUnreadable(f"Tabelle „{self._table}“: Die Quelle {what} (HTTP {status}).", next_step=next_step)


def _login(endpoint: Endpoint, table: str) -> AuthBase:
    """Raises Misconfigured for a connection with an API key whose parts do not go together."""
    header, parameter = (endpoint.options.get(name, "") for name in ("api_key_header", "api_key_parameter"))
    if not header and not parameter:
        return HTTPBasicAuth(endpoint.login, endpoint.password) if endpoint.login else _Anonymous()
    if endpoint.login or (header and parameter) or not re.fullmatch(r"[!-~]+( [!-~]+)*", endpoint.password):
        raise Misconfigured(
            f"Tabelle „{table}“: Die Angaben der Verbindung zum API-Schlüssel passen nicht zusammen.",
            next_step="Der Schlüssel steht im Feld Password, ohne Zeilenumbruch und Umlaute; Login bleibt leer; in "
            "„extra“ steht api_key_header oder api_key_parameter, nicht beides.",
        )
    if header and not re.fullmatch(r"[A-Za-z0-9-]+", header):
        raise Misconfigured(
            f"Tabelle „{table}“: api_key_header der Verbindung ist kein Name einer Kopfzeile.",
            next_step="In „extra“ der Verbindung nur den Namen angeben, etwa X-Api-Key.",
        )
    return _ApiKey(header, parameter, endpoint.password)


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """Redirects are looked at by Transport alone; requests would stumble over an address that is none."""


def _address(base: str, location: str) -> str:
    """The absolute address of a Location; "" if it is none."""
    try:
        target = urljoin(base, location)
        _ = urlsplit(target).port
    except ValueError:
        return ""
    return target


def _session(auth: AuthBase, adapter: HTTPAdapter) -> requests.Session:
    session = _Session()
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    session.headers["User-Agent"] = "stadtdaten"
    # Identity, so that Content-Length and ETag are those of the file itself.
    session.headers["Accept-Encoding"] = "identity"
    session.auth = auth
    return session


def _says_inside(host: str) -> bool:
    """Whether a declared host is, by its very name, one of this machine or of its neighbours."""
    try:
        return is_inside(host)
    except ValueError:
        return host == "localhost"


def _headers_broken(response: requests.Response) -> bool:
    """Whether a line among the headers is none: Python drops it and all that follow, also the length of the body."""
    message = getattr(response.raw, "_original_response", None)
    return bool(getattr(getattr(message, "msg", None), "defects", ()))


def below(base: str, resource: str) -> str:
    """The address of ``resource`` below ``base``; the queries of both are kept."""
    start, end = urlsplit(base), urlsplit(resource)
    path = f"{start.path.rstrip('/')}/{end.path.lstrip('/')}"
    return urlunsplit((start.scheme, start.netloc, path, "&".join(filter(None, (end.query, start.query))), ""))


def without_secrets(url: str) -> str:
    """The address without user, password and query: what may be stored and shown."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def same_server(first: str, second: str) -> bool:
    """Whether two addresses lead to the same server; from http to https on the standard ports counts as the same.

    An address that is none (a placeholder left in it for the port) leads nowhere.
    """
    try:
        one, other = urlsplit(first), urlsplit(second)
        ends = ((one.scheme, _port(one)), (other.scheme, _port(other)))
    except ValueError:
        return False
    return one.hostname == other.hostname and (ends[0] == ends[1] or ends == (("http", 80), ("https", 443)))


def looks_like_html(media_type: str, head: bytes) -> bool:
    """Whether an answer is a web page (a login, a maintenance note, a bot wall), by its beginning."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return start.startswith((b"<!doctype html", b"<html")) or (
        start.startswith(b"<") and media_type.split(";")[0].strip().lower() == "text/html"
    )


def html_instead_of_data(table: str) -> SourceUnreadable:
    """The fault for a web page where data was expected."""
    return SourceUnreadable(
        f"Tabelle „{table}“: Die Quelle liefert eine Webseite (HTML) statt Daten.",
        next_step="Die Adresse im Browser öffnen: meist ist es eine Anmeldung, Wartungsseite oder Zugriffssperre.",
    )


def _port(address: SplitResult) -> int | None:
    return address.port or {"http": 80, "https": 443}.get(address.scheme)


def _retry_after(response: requests.Response) -> float:
    """Seconds the server asks to wait: RFC 9110 allows a number or a date; 0 if it asks nothing."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(parsedate_to_datetime(text).timestamp() - time(), 0.0)
    except (ValueError, OverflowError):
        return 0.0


_backoff = wait_exponential_jitter(multiplier=0.2, max=2.0, jitter=0.2)


def _pause(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, _Passing) else 0.0
    return max(asked, _backoff(state))
