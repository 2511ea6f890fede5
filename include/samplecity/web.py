"""How does an answer get onto the wire, and does the client have it already?

The three web servers of the sample city differ only in the function that turns a Request into an Answer.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

log = logging.getLogger(__name__)

LARGEST_BODY = 100_000
"""Bytes of a request body that are read at most; only the fault switch takes a body."""

PAUSES = 30
"""A slow answer is sent in so many pieces, one second apart."""


@dataclass(frozen=True)
class Request:
    """One request; ``path`` is percent-decoded, ``headers`` have lower-case names."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class Answer:
    """One response. ``cut`` closes the connection after half of the announced body, ``slow`` sends it in pieces."""

    status: int
    content_type: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    slow: bool = False


Respond = Callable[[Request], Answer]


def etag_of(body: bytes) -> str:
    """Strong entity tag: equal bytes, equal tag."""
    return f'"{sha256(body).hexdigest()[:32]}"'


def conditional(request: Request, answer: Answer) -> Answer:
    """304 without a body if the client's copy is current (RFC 9110, 13.2.2), else the answer itself.

    If-None-Match decides alone where it is given; If-Modified-Since counts only without it.
    """
    tags = request.headers.get("if-none-match")
    if tags is not None:
        known = {tag.strip().removeprefix("W/") for tag in tags.split(",")}
        current = "*" in known or answer.headers.get("ETag", "") in known
    else:
        current = _unmodified(request.headers.get("if-modified-since", ""), answer.headers.get("Last-Modified", ""))
    return replace(answer, status=304, body=b"") if current and answer.status == 200 else answer


def _unmodified(since: str, last_modified: str) -> bool:
    if not since or not last_modified:
        return False
    try:
        return parsedate_to_datetime(last_modified) <= parsedate_to_datetime(since)
    except (ValueError, TypeError):  # an unreadable date is to be ignored (RFC 9110, 13.1.3)
        return False


class WebServer:
    """Answers requests on an open listener until ``stop``; one thread per connection, one request per connection."""

    def __init__(self, listener: socket.socket, respond: Respond) -> None:
        self._stopping = threading.Event()
        handler = type("Handler", (_Handler,), {"respond": staticmethod(respond), "stopping": self._stopping})
        self._server = _Server(listener.getsockname(), handler, bind_and_activate=False)
        self._server.socket.close()
        self._server.socket = listener
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening; an answer under way may end."""
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.exception("a request could not be answered")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    respond: Respond
    stopping: threading.Event

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > LARGEST_BODY:
            self._send(Answer(413, "text/plain; charset=utf-8", b"body too long\n"))
            return
        address = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(
            self.command, unquote(address.path), address.query, headers, self.rfile.read(int(length))
        )  # fmt: skip
        self._send(type(self).respond(request))

    def _send(self, answer: Answer) -> None:
        # One request per connection: a stopped server must not go on answering over connections kept alive.
        self.close_connection = True
        try:
            self.send_response(answer.status)
            if answer.status != 304:
                self.send_header("Content-Type", answer.content_type)
                self.send_header("Content-Length", str(len(answer.body)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("X-Content-Type-Options", "nosniff")
            self.send_header("Connection", "close")
            self.end_headers()
            if self.command != "HEAD":
                self._send_body(answer)
        except ConnectionError:
            log.info("the client went away before the answer was complete")

    def _send_body(self, answer: Answer) -> None:
        body = answer.body[: len(answer.body) // 2] if answer.cut else answer.body
        if not answer.slow:
            self.wfile.write(body)
            return
        size = max(1, -(-len(body) // PAUSES))
        for start in range(0, len(body), size):
            if self.stopping.wait(1.0):
                return
            self.wfile.write(body[start : start + size])

    def version_string(self) -> str:
        return "samplecity"

    def log_message(self, format: str, *args: Any) -> None:
        log.info(format, *args)
