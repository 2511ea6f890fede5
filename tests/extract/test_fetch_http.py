"""Files over HTTP: what must not be taken for data, and what must not be given away."""

from __future__ import annotations

import gzip
import logging
import socket
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stadtdaten.contracts.interfaces import HttpInterface, Limits
from stadtdaten.contracts.model import Table
from stadtdaten.extract import Fetched, NotModified, fetch_table
from stadtdaten.faults import Misconfigured, SourceUnavailable, SourceUnreadable
from stadtdaten.frames import Endpoint, SourceFile, TableLock

HTTP = HttpInterface(kind="http", connection="probe")
MakeTable = Callable[..., Table]


def fetch(
    table: Table, url: str, folder: Path, limits: Limits | None = None, previous: TableLock | None = None, **login: str
) -> Fetched | NotModified:
    return fetch_table(HTTP, table, Endpoint(url=url, **login), folder, limits or Limits(), previous)


def reply(server: Any, **answer: Any) -> Callable[[Any], Any]:
    kind = type(server.reply(None))
    return lambda request: kind(**answer)


def lock(url: str, **words: str) -> TableLock:
    return TableLock(
        resource="daten/a.csv", url=url, source_bytes=1, content_hash="0", rows=1, columns=("id",),
        files=(SourceFile(name="daten/a.csv", size=1, **words),),
    )  # fmt: skip


def test_a_file_arrives_byte_for_byte_and_only_its_owner_can_read_it(
    server: Any, table: MakeTable, tmp_path: Path
) -> None:
    body = "id;name\r\n1;Ä\x00\r\n".encode("cp1252") * 50_000
    server.reply = reply(server, body=body, headers={"ETag": '"v1"', "Last-Modified": "Mon, 02 Nov 2026 10:00:00 GMT"})
    fetched = fetch(table("csv", "daten/a.csv"), server.url + "/basis/", tmp_path)
    assert isinstance(fetched, Fetched)
    (file,) = fetched.files
    assert file.read_bytes() == body
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (fetched.sources[0].etag, fetched.sources[0].last_modified) == ('"v1"', "Mon, 02 Nov 2026 10:00:00 GMT")
    assert fetched.source_bytes == len(body)
    assert fetched.url == f"{server.url}/basis/daten/a.csv"
    assert server.requests[0].path == "/basis/daten/a.csv"


def test_a_source_is_asked_conditionally_only_for_what_is_live(server: Any, table: MakeTable, tmp_path: Path) -> None:
    server.reply = reply(server, status=304)
    previous = lock(f"{server.url}/daten/a.csv", etag='"v1"', last_modified="Mon, 02 Nov 2026 10:00:00 GMT")
    assert fetch(table("csv", "daten/a.csv"), server.url, tmp_path, previous=previous) == NotModified()
    headers = server.requests[0].headers
    assert headers["If-None-Match"] == '"v1"'
    assert headers["If-Modified-Since"] == "Mon, 02 Nov 2026 10:00:00 GMT"


def test_a_lock_of_another_address_is_not_shown(server: Any, table: MakeTable, tmp_path: Path) -> None:
    fetch(
        table("csv", "daten/a.csv"), server.url, tmp_path, previous=lock("http://alt.example/daten/a.csv", etag='"v1"')
    )
    assert "If-None-Match" not in server.requests[0].headers


def test_not_modified_without_having_asked_is_an_error(server: Any, table: MakeTable, tmp_path: Path) -> None:
    server.reply = reply(server, status=304)
    with pytest.raises(SourceUnreadable, match="304"):
        fetch(table("csv", "daten/a.csv"), server.url, tmp_path)


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"\xef\xbb\xbf\n  <!DOCTYPE html><html>Anmeldung</html>", "text/csv"),
        (b"<HTML><body>Wartung</body></HTML>", "application/octet-stream"),
        (b"<!-- Wartung --><p>bitte warten", "text/html; charset=utf-8"),
    ],
)
def test_a_web_page_instead_of_data_is_an_error(
    server: Any, table: MakeTable, tmp_path: Path, body: bytes, media_type: str
) -> None:
    server.reply = reply(server, body=body, headers={"Content-Type": media_type})
    with pytest.raises(SourceUnreadable, match="HTML"):
        fetch(table("csv", "daten/a.csv"), server.url, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("status", [401, 403, 404, 410, 418])
def test_a_refusal_is_not_repeated_and_says_what_to_do(
    server: Any, table: MakeTable, tmp_path: Path, status: int
) -> None:
    server.reply = reply(server, status=status, body=b"geheim")
    with pytest.raises(SourceUnreadable, match=str(status)) as caught:
        fetch(table("csv", "daten/a.csv"), server.url, tmp_path)
    assert caught.value.next_step
    assert len(server.requests) == 1


def test_a_body_shorter_than_announced_is_an_error_after_several_attempts(
    server: Any, table: MakeTable, tmp_path: Path
) -> None:
    server.reply = reply(server, body=b"id\n" * 5000, announced=20_000)
    with pytest.raises(SourceUnavailable, match="bricht ab"):
        fetch(table("csv", "daten/a.csv"), server.url, tmp_path)
    assert len(server.requests) == 4


def test_a_passing_failure_is_overcome(server: Any, table: MakeTable, tmp_path: Path) -> None:
    fine, failing = reply(server, body=b"id\n1\n"), reply(server, status=503, headers={"Retry-After": "0"})
    server.reply = lambda request: failing(request) if len(server.requests) < 3 else fine(request)
    fetched = fetch(table("csv", "daten/a.csv"), server.url, tmp_path)
    assert isinstance(fetched, Fetched)
    assert fetched.files[0].read_bytes() == b"id\n1\n"
    assert fetched.source_bytes == 5


@pytest.mark.parametrize("wait", ["3600", "Fri, 31 Dec 2100 23:59:59 GMT"])
def test_a_server_that_asks_for_a_long_wait_is_left_in_peace(
    server: Any, table: MakeTable, tmp_path: Path, wait: str
) -> None:
    server.reply = reply(server, status=429, headers={"Retry-After": wait})
    with pytest.raises(SourceUnavailable, match="429"):
        fetch(table("csv", "daten/a.csv"), server.url, tmp_path)
    assert len(server.requests) == 1


@pytest.mark.parametrize("announce", [True, False])
def test_a_file_larger_than_allowed_is_cut_off(server: Any, table: MakeTable, tmp_path: Path, announce: bool) -> None:
    body = b"x" * 1_000_001
    headers = {} if announce else {"Connection": "close"}
    server.reply = reply(server, body=body, headers=headers)
    with pytest.raises(SourceUnreadable, match="1 MB"):
        fetch(table("csv", "daten/a.csv"), server.url, tmp_path, Limits(megabytes=1))


def test_a_server_that_drips_cannot_outlast_the_time_limit(table: MakeTable, tmp_path: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def drip() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while not done.wait(0.05):
                try:
                    connection.sendall(b"x")
                except OSError:
                    return

    thread = threading.Thread(target=drip)
    thread.start()
    begun = time.monotonic()
    with pytest.raises(SourceUnavailable, match="1 Sekunden"):
        fetch(table("csv", "daten/a.csv"), f"http://127.0.0.1:{listener.getsockname()[1]}", tmp_path, Limits(seconds=1))
    assert time.monotonic() - begun < 5
    done.set()
    thread.join()
    listener.close()


def test_a_redirect_to_another_server_is_not_followed(server: Any, table: MakeTable, tmp_path: Path) -> None:
    server.reply = reply(server, status=302, headers={"Location": "http://localhost:1/daten/a.csv"})
    with pytest.raises(SourceUnreadable, match="anderen Server"):
        fetch(table("csv", "daten/a.csv"), server.url, tmp_path)


def test_a_redirect_on_the_same_server_is_followed(server: Any, table: MakeTable, tmp_path: Path) -> None:
    moved, fine = reply(server, status=301, headers={"Location": "/neu.csv"}), reply(server, body=b"id\n1\n")
    server.reply = lambda request: fine(request) if request.path == "/neu.csv" else moved(request)
    fetched = fetch(table("csv", "daten/a.csv"), server.url, tmp_path)
    assert isinstance(fetched, Fetched)
    assert fetched.files[0].read_bytes() == b"id\n1\n"


def test_redirects_in_a_circle_are_an_error(server: Any, table: MakeTable, tmp_path: Path) -> None:
    server.reply = reply(server, status=302, headers={"Location": "/daten/a.csv"})
    with pytest.raises(SourceUnreadable, match="Kreis"):
        fetch(table("csv", "daten/a.csv"), server.url, tmp_path)


def test_login_and_key_reach_the_source_and_nothing_else(server: Any, table: MakeTable, tmp_path: Path) -> None:
    url = server.url + "/?token=streng-geheim"
    fetched = fetch(table("csv", "daten/a.csv?jahr=2026"), url, tmp_path, login="dienst", password="kennwort")
    assert isinstance(fetched, Fetched)
    assert server.requests[0].headers["Authorization"].startswith("Basic ")
    assert server.requests[0].query == {"jahr": "2026", "token": "streng-geheim"}
    assert fetched.url == f"{server.url}/daten/a.csv?jahr=2026"
    server.reply = reply(server, status=500)
    with pytest.raises(SourceUnavailable) as caught:
        fetch(table("csv", "daten/a.csv"), url, tmp_path, login="dienst", password="kennwort")
    told = str(caught.value) + caught.value.next_step + str(caught.value.__cause__)
    assert not any(secret in told for secret in ("streng-geheim", "kennwort", "dienst"))


def test_an_address_with_a_key_is_in_no_log(
    server: Any, table: MakeTable, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    fetch(table("csv", "daten/a.csv"), server.url + "/?token=streng-geheim", tmp_path)
    assert "streng-geheim" not in caplog.text


def test_a_server_that_is_down_is_unavailable(table: MakeTable, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(SourceUnavailable, match="Verbindung"):
        fetch(table("csv", "daten/a.csv"), f"http://127.0.0.1:{port}", tmp_path)


def test_an_address_that_is_none_is_our_mistake(table: MakeTable, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="Web-Adresse"):
        fetch(table("csv", "daten/a.csv"), "messnetz.example/daten", tmp_path)


def test_a_redirect_to_no_address_is_not_followed(server: Any, table: MakeTable, tmp_path: Path) -> None:
    server.reply = reply(server, status=302, headers={"Location": "http://127.0.0.1:${port}/a.csv"})
    with pytest.raises(SourceUnreadable, match="leitet auf einen anderen Server um"):
        fetch(table("csv", "daten/a.csv"), server.url, tmp_path)


@pytest.mark.parametrize("encoding", ["gzip", "br", "GZIP, identity"])
def test_a_packed_answer_is_refused_because_nobody_could_tell_that_it_is_whole(
    server: Any, table: MakeTable, tmp_path: Path, encoding: str
) -> None:
    packed = gzip.compress(b"id;name\r\n" + b"1;A\r\n" * 50_000)
    server.reply = reply(server, body=packed[: len(packed) // 2], headers={"Content-Encoding": encoding})
    with pytest.raises(SourceUnreadable, match="gepackt"):
        fetch(table("csv", "daten/a.csv"), server.url, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_answer_that_says_it_is_not_packed_is_taken(server: Any, table: MakeTable, tmp_path: Path) -> None:
    server.reply = reply(server, body=b"id;name\r\n", headers={"Content-Encoding": "identity"})
    assert isinstance(fetch(table("csv", "daten/a.csv"), server.url, tmp_path), Fetched)
