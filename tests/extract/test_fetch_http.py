"""Files over HTTP: what must not be taken for data, and what must not be given away."""

from __future__ import annotations

import gzip
import logging
import socket
import stat
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from extract import hostile
from stadtdaten.contracts.interfaces import HttpInterface, Limits
from stadtdaten.contracts.model import Table
from stadtdaten.extract import Fetched, NotModified, fetch_table
from stadtdaten.extract.transport import ATTEMPTS, is_inside
from stadtdaten.faults import Misconfigured, SourceUnavailable, SourceUnreadable
from stadtdaten.frames import Endpoint, SourceFile, TableLock

HTTP = HttpInterface(kind="http", connection="probe")
MakeTable = Callable[..., Table]


def fetch(
    table: Table, url: str, folder: Path, limits: Limits | None = None, previous: TableLock | None = None, **login: Any
) -> Fetched | NotModified:
    return fetch_table(HTTP, table, Endpoint(url=url, **login), folder, limits or Limits(), previous)


def reply(server: Any, **answer: Any) -> Callable[[Any], Any]:
    kind = server.plain
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


@pytest.mark.parametrize("encoding", ["br", "deflate", "GZIP, identity"])
def test_a_packed_answer_is_refused_where_nobody_could_tell_that_it_is_whole(
    server: Any, table: MakeTable, tmp_path: Path, encoding: str
) -> None:
    server.reply = reply(server, body=b"x" * 5000, headers={"Content-Encoding": encoding})
    with pytest.raises(SourceUnreadable, match="gepackt"):
        fetch(table("csv", "daten/a.csv"), server.url, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_answer_that_comes_as_gzip_anyway_is_unpacked(server: Any, table: MakeTable, tmp_path: Path) -> None:
    for rows in (0, 1, 50_000, 400_000):
        body = b"id;name\r\n" + b"1;A\r\n" * rows
        server.reply = reply(server, body=gzip.compress(body), headers={"Content-Encoding": "gzip"})
        fetched = fetch(table("csv", "daten/a.csv"), server.url, tmp_path)
        assert isinstance(fetched, Fetched)
        assert fetched.files[0].read_bytes() == body
        assert fetched.source_bytes == len(body)


@pytest.mark.parametrize("missing", [1, 9])
def test_a_gzip_answer_without_its_end_is_an_error(server: Any, table: MakeTable, tmp_path: Path, missing: int) -> None:
    packed = gzip.compress(b"id;name\r\n" + bytes(range(256)) * 300)
    server.reply = reply(server, body=packed[:-missing], headers={"Content-Encoding": "gzip"})
    with pytest.raises(SourceUnavailable, match="bricht ab"):
        fetch(table("csv", "daten/a.csv"), server.url, tmp_path)


def test_a_gzip_answer_with_a_wrong_check_sum_is_an_error(server: Any, table: MakeTable, tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(b"id;name\r\n"))
    packed[-8] ^= 1
    server.reply = reply(server, body=bytes(packed), headers={"Content-Encoding": "gzip"})
    with pytest.raises(SourceUnavailable, match="beschädigt"):
        fetch(table("csv", "daten/a.csv"), server.url, tmp_path)


def test_a_gzip_answer_that_is_a_bomb_is_stopped(server: Any, table: MakeTable, tmp_path: Path) -> None:
    server.reply = reply(server, body=gzip.compress(bytes(50_000_000)), headers={"Content-Encoding": "gzip"})
    with pytest.raises(SourceUnreadable, match="erlaubten 1 MB"):
        fetch(table("csv", "daten/a.csv"), server.url, tmp_path, Limits(megabytes=1))
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 2_000_000


def test_an_answer_that_says_it_is_not_packed_is_taken(server: Any, table: MakeTable, tmp_path: Path) -> None:
    server.reply = reply(server, body=b"id;name\r\n", headers={"Content-Encoding": "identity"})
    assert isinstance(fetch(table("csv", "daten/a.csv"), server.url, tmp_path), Fetched)


def by_path(server: Any, **bodies: bytes | None) -> Callable[[Any], Any]:
    """Each path's body; None is one that has not changed."""
    kind = server.plain

    def answer(request: Any) -> Any:
        body = bodies[request.path.strip("/")]
        if body is None and "If-None-Match" in request.headers:
            return kind(status=304)
        return kind(body=body or b"unchanged", headers={"ETag": '"1"'})

    return answer


def years(table: MakeTable) -> Table:
    return table("csv", "y2024").model_copy(update={"further_resources": ("y2025", "y2026")})


def lock_of(fetched: Fetched | NotModified) -> TableLock:
    assert isinstance(fetched, Fetched)
    return TableLock(
        resource="y2024", url=fetched.url, files=fetched.sources, source_bytes=0, content_hash="0", rows=1, columns=()
    )


def test_several_files_arrive_in_the_order_of_the_contract(server: Any, table: MakeTable, tmp_path: Path) -> None:
    server.reply = by_path(server, y2024=b"4", y2025=b"55", y2026=b"666")
    fetched = fetch(years(table), server.url, tmp_path)
    assert isinstance(fetched, Fetched)
    assert [file.read_bytes() for file in fetched.files] == [b"4", b"55", b"666"]
    assert [(file.name, file.size) for file in fetched.sources] == [("y2024", 1), ("y2025", 2), ("y2026", 3)]
    assert fetched.source_bytes == 6


def test_several_files_are_unchanged_only_together(server: Any, table: MakeTable, tmp_path: Path) -> None:
    server.reply = by_path(server, y2024=None, y2025=None, y2026=None)
    previous = lock_of(fetch(years(table), server.url, tmp_path))
    server.requests.clear()
    assert fetch(years(table), server.url, tmp_path, previous=previous) == NotModified()
    assert len(server.requests) == 3
    server.reply = by_path(server, y2024=None, y2025=b"neu", y2026=None)
    fetched = fetch(years(table), server.url, tmp_path, previous=previous)
    assert isinstance(fetched, Fetched)
    assert [file.read_bytes() for file in fetched.files] == [b"unchanged", b"neu", b"unchanged"]


def test_a_file_more_than_last_time_is_asked_for_with_all_others(server: Any, table: MakeTable, tmp_path: Path) -> None:
    server.reply = by_path(server, y2024=None, y2025=None, y2026=None)
    previous = lock_of(fetch(years(table), server.url, tmp_path))
    previous = previous.model_copy(update={"files": previous.files[:2]})
    assert isinstance(fetch(years(table), server.url, tmp_path, previous=previous), Fetched)


def test_a_zip_archive_over_http_is_unpacked(server: Any, table: MakeTable, tmp_path: Path) -> None:
    server.reply = reply(server, body=hostile.zipped({"a/orte.csv": b"id\n1\n", "lies.txt": b"x"}))
    packed = table("csv", "orte.zip")
    packed = packed.model_copy(update={"reading": packed.reading.model_copy(update={"member": "*/orte.csv"})})
    fetched = fetch(packed, server.url, tmp_path)
    assert isinstance(fetched, Fetched)
    assert [file.read_bytes() for file in fetched.files] == [b"id\n1\n"]


def test_a_redirect_to_a_declared_server_is_followed_without_the_login(
    server: Any, other_server: Any, table: MakeTable, tmp_path: Path
) -> None:
    other_server.reply = reply(other_server, body=b"id\n1\n")
    server.reply = reply(server, status=302, headers={"Location": other_server.url + "/ablage/a.csv"})
    interface = HTTP.model_copy(update={"redirects_to": ("127.0.0.1",)})
    endpoint = Endpoint(url=server.url, login="dienst", password="kennwort")
    fetched = fetch_table(interface, table("csv", "a.csv"), endpoint, tmp_path, Limits(), None)
    assert isinstance(fetched, Fetched)
    assert "Authorization" in server.requests[0].headers
    assert "Authorization" not in other_server.requests[0].headers
    assert fetched.url == f"{server.url}/a.csv"


@pytest.mark.parametrize(
    "location",
    ["file:///etc/passwd", "ftp://127.0.0.1/a", "http://nutzer@127.0.0.1:{port}/", "//127.0.0.1:1:2/", "http://[::1"],
)
def test_a_redirect_to_something_else_than_a_declared_server_is_refused(
    server: Any, other_server: Any, table: MakeTable, tmp_path: Path, location: str
) -> None:
    port = other_server.url.rpartition(":")[2]
    server.reply = reply(server, status=302, headers={"Location": location.format(port=port)})
    interface = HTTP.model_copy(update={"redirects_to": ("127.0.0.1",)})
    with pytest.raises(SourceUnreadable, match="anderen Server"):
        fetch_table(interface, table("csv", "a.csv"), Endpoint(url=server.url), tmp_path, Limits(), None)
    assert other_server.requests == []


def test_a_declared_name_that_leads_to_this_machine_is_refused(
    server: Any, other_server: Any, table: MakeTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that answers with a loopback address, now or only from the second question on (DNS rebinding)."""
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *rest, **more: real("127.0.0.1" if host == "ablage.example" else host, *rest, **more),
    )
    port = other_server.url.rpartition(":")[2]
    server.reply = reply(server, status=302, headers={"Location": f"http://ablage.example:{port}/a.csv"})
    interface = HTTP.model_copy(update={"redirects_to": ("ablage.example",)})
    with pytest.raises(SourceUnreadable, match="innere Netz dieses Rechners"):
        fetch_table(interface, table("csv", "a.csv"), Endpoint(url=server.url), tmp_path, Limits(), None)
    assert other_server.requests == []


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("127.0.0.1", True), ("127.8.8.8", True), ("169.254.169.254", True), ("0.0.0.0", True), ("::1", True),
        ("fe80::1%eth0", True), ("::ffff:127.0.0.1", True), ("10.1.2.3", False), ("2001:db8::1", False),
        ("192.0.2.1", False),
    ],
)  # fmt: skip
def test_which_addresses_are_of_this_machine(address: str, inside: bool) -> None:
    assert is_inside(address) == inside


def test_a_redirect_from_https_to_http_is_refused(
    secure_server: Any, server: Any, table: MakeTable, tmp_path: Path, own_authority: Any
) -> None:
    secure_server.reply = reply(server, status=302, headers={"Location": server.url + "/a.csv"})
    interface = HTTP.model_copy(update={"redirects_to": ("127.0.0.1",)})
    endpoint = Endpoint(url=secure_server.url, options={"ca_bundle": str(own_authority.bundle)})
    with pytest.raises(SourceUnreadable, match="von https auf http"):
        fetch_table(interface, table("csv", "a.csv"), endpoint, tmp_path, Limits(), None)
    assert server.requests == []


def test_a_certificate_of_an_unknown_authority_is_refused(secure_server: Any, table: MakeTable, tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="Zertifikat"):
        fetch(table("csv", "a.csv"), secure_server.url, tmp_path)
    assert secure_server.requests == []


def test_a_certificate_of_the_citys_own_authority_is_accepted(
    secure_server: Any, table: MakeTable, tmp_path: Path, own_authority: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"ca_bundle": str(own_authority.bundle)}
    assert isinstance(fetch(table("csv", "a.csv"), secure_server.url, tmp_path, options=options), Fetched)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(own_authority.bundle))
    assert isinstance(fetch(table("csv", "a.csv"), secure_server.url, tmp_path), Fetched)


def test_a_certificate_for_another_name_is_refused(
    secure_server: Any, table: MakeTable, tmp_path: Path, own_authority: Any
) -> None:
    url = secure_server.url.replace("127.0.0.1", "localhost")
    with pytest.raises(SourceUnavailable, match="Zertifikat"):
        fetch(table("csv", "a.csv"), url, tmp_path, options={"ca_bundle": str(own_authority.bundle)})
    assert secure_server.requests == []


@pytest.mark.parametrize("options", [{"ca_bundle": "/gibt/es/nicht.pem"}, {"ca-bundle": "x"}, {"verify": "false"}])
def test_an_option_that_is_wrong_or_unknown_is_our_mistake(
    server: Any, table: MakeTable, tmp_path: Path, options: dict[str, str]
) -> None:
    with pytest.raises(Misconfigured, match=r"unbekannte Zusatzangaben|Zertifizierungsstelle fehlt"):
        fetch(table("csv", "a.csv"), server.url, tmp_path, options=options)
    assert server.requests == []


def test_the_citys_proxy_is_used_and_left_out_where_the_environment_says_so(
    server: Any, table: MakeTable, tmp_path: Path, proxy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("http_proxy", proxy.url)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    fetch(table("csv", "a.csv"), server.url, tmp_path)
    assert proxy.asked == [f"GET {server.url}/a.csv"]
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    fetch(table("csv", "a.csv"), server.url, tmp_path)
    assert (len(proxy.asked), len(server.requests)) == (1, 2)


def test_tls_goes_through_the_proxy_untouched_and_the_login_is_not_for_the_proxy(
    secure_server: Any,
    table: MakeTable,
    tmp_path: Path,
    proxy: Any,
    own_authority: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    options = {"ca_bundle": str(own_authority.bundle)}
    fetch(table("csv", "a.csv"), secure_server.url, tmp_path, login="dienst", password="kennwort", options=options)
    assert proxy.asked == [f"CONNECT {secure_server.url.removeprefix('https://')}"]
    assert "Authorization" in secure_server.requests[0].headers


def test_a_proxy_that_is_down_is_unavailable(
    server: Any, table: MakeTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        monkeypatch.setenv("http_proxy", f"http://nutzer:geheim@127.0.0.1:{closed.getsockname()[1]}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SourceUnavailable, match="Verbindung") as caught:
        fetch(table("csv", "a.csv"), server.url, tmp_path)
    assert "geheim" not in str(caught.value)
    assert server.requests == []


def test_a_header_line_of_ten_megabytes_is_an_error(table: MakeTable, tmp_path: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        for _ in range(ATTEMPTS):
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 200 OK\r\nETag: " + b"x" * 10_000_000 + b"\r\n\r\n")

    thread = threading.Thread(target=answer)
    thread.start()
    with pytest.raises(SourceUnavailable, match="Verbindung"):
        fetch(table("csv", "a.csv"), f"http://127.0.0.1:{listener.getsockname()[1]}", tmp_path)
    thread.join()
    listener.close()


def test_a_header_that_hides_the_length_does_not_make_a_cut_file_whole(table: MakeTable, tmp_path: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        for _ in range(ATTEMPTS):
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 200 OK\r\nno header\r\nContent-Length: 20\r\n\r\na;b\r\n1;2\r\n")

    thread = threading.Thread(target=answer)
    thread.start()
    with pytest.raises(SourceUnavailable, match="verstümmelt"):
        fetch(table("csv", "a.csv"), f"http://127.0.0.1:{listener.getsockname()[1]}", tmp_path)
    thread.join()
    listener.close()


@pytest.fixture
def babbler() -> Iterator[Callable[[bytes, bytes], str]]:
    """Starts a server that says the first bytes and then the second ones again and again; its address."""
    done = threading.Event()
    threads = []

    def start(first: bytes, again: bytes) -> str:
        listener = socket.create_server(("127.0.0.1", 0))

        def babble() -> None:
            with listener, suppress(OSError), listener.accept()[0] as connection:
                connection.recv(1 << 16)
                connection.sendall(first)
                while again and not done.wait(0.05):
                    connection.sendall(again)

        threads.append(threading.Thread(target=babble))
        threads[-1].start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/?key=geheim"

    yield start
    done.set()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize(
    ("first", "again"),
    [
        (b"HTTP/1.1 200 OK\r\nX-A: ", b"a"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;", b"a"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nid\n\r\n0\r\n", b"X: a\r\n"),
        (b"HTTP/1.1 200 OK\r\n\r\nid\n", b"1\n"),
    ],
    ids=["header", "status", "chunk", "trailer", "body"],
)
def test_nothing_that_drips_outlasts_the_time_limit(
    babbler: Callable[[bytes, bytes], str], table: MakeTable, tmp_path: Path, first: bytes, again: bytes
) -> None:
    url, start = babbler(first, again), time.monotonic()
    with pytest.raises(SourceUnavailable, match="nach 1 Sekunden noch nicht fertig"):
        fetch(table("csv", "daten/a.csv"), url, tmp_path, Limits(seconds=1))
    assert time.monotonic() - start < 3


def test_odd_headers_put_no_address_into_the_log(
    babbler: Callable[[bytes, bytes], str], table: MakeTable, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = babbler(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nno header\r\n\r\nid\n1\n", b"")
    fetch(table("csv", "daten/a.csv"), url, tmp_path)
    assert "geheim" not in caplog.text


@pytest.mark.parametrize("length", ["9" * 5000, "x", "-1"], ids=["long", "word", "negative"])
def test_a_length_that_is_no_number_is_an_error(
    server: Any, table: MakeTable, tmp_path: Path, length: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stadtdaten.extract.transport.ATTEMPTS", 1)
    server.reply = reply(server, body=b"id\n1\n", announced=length)
    with pytest.raises(SourceUnavailable, match="Länge der Daten"):
        fetch(table("csv", "daten/a.csv"), server.url, tmp_path)


def test_a_wait_until_no_possible_time_counts_as_none(server: Any, table: MakeTable, tmp_path: Path) -> None:
    odd = reply(server, status=503, headers={"Retry-After": "Mon, 1 Jan 2024 00:00:00 +99999999999999"})
    server.reply = odd
    with pytest.raises(SourceUnavailable, match="HTTP 503"):
        fetch(table("csv", "daten/a.csv"), server.url, tmp_path)
    assert len(server.requests) == ATTEMPTS


@pytest.mark.parametrize("url", ["http://konto:geheim\u2100@127.0.0.1/", "http://[geheim/"])
def test_an_address_that_python_cannot_read_is_in_no_message(table: MakeTable, tmp_path: Path, url: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        fetch(table("csv", "daten/a.csv"), url, tmp_path)
    assert "geheim" not in "".join(traceback.format_exception(caught.value))
