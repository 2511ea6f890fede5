"""A web server that answers as a test says, on a free port of the loopback interface."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from extract.authority import Authority, authority
from extract.proxy import Proxy, running_proxy
from stadtdaten.contracts.model import Table


@dataclass(frozen=True)
class Request:
    path: str
    query: dict[str, str]
    headers: dict[str, str]


@dataclass(frozen=True)
class Reply:
    """``announced`` is the Content-Length sent; by default the true one."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    announced: int | None = None


@dataclass
class Server:
    url: str
    reply: Callable[[Request], Reply]
    requests: list[Request] = field(default_factory=list)
    plain: type[Reply] = Reply


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            request = Request(parts.path, dict(parse_qsl(parts.query)), dict(self.headers.items()))
            state.requests.append(request)
            reply = state.reply(request)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if reply.status != 304:
                self.send_header("Content-Length", str(len(reply.body) if reply.announced is None else reply.announced))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_: Any) -> None:
            """Tests need no access log."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        # The handshake is the business of each connection's thread: a client that refuses it must not hold the server.
        httpd.socket = context.wrap_socket(httpd.socket, server_side=True, do_handshake_on_connect=False)
    state = Server(
        f"{'https' if context else 'http'}://127.0.0.1:{httpd.server_port}", lambda request: Reply(b"id\n1\n")
    )
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as state:
        yield state


@pytest.fixture
def other_server() -> Iterator[Server]:
    with serving() as state:
        yield state


@pytest.fixture(scope="session")
def own_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def secure_server(own_authority: Authority) -> Iterator[Server]:
    """A server with a certificate of ``own_authority``."""
    with serving(own_authority.context()) as state:
        yield state


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with running_proxy() as state:
        yield state


@pytest.fixture
def table() -> Callable[..., Table]:
    """A table with the text columns id and name, read as ``format`` says, of the given resource."""

    def make(format: str, resource: str) -> Table:
        columns = [
            {"name": name, "source": name, "type": "string", "class": "public", "title": name}
            for name in ("id", "name")
        ]
        return Table.model_validate(
            {
                "id": "probe", "title": "Probe", "resource": resource, "reading": {"format": format},
                "key": ["id"], "columns": columns,
            }
        )  # fmt: skip

    return make
