"""File drops over SFTP: only from the very server, only whole files, nothing of the account's own keys."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

import paramiko
import pytest

from samplecity.faults import Fault
from samplecity.host_key import new_key, private_key, public_key
from samplecity.sftp import DropsBySftp
from samplecity.shelf import LOGIN, PASSWORD, Shelf, age
from stadtdaten.contracts.interfaces import Limits, SftpInterface
from stadtdaten.contracts.model import Table
from stadtdaten.extract import Fetched, NotModified, fetch_table
from stadtdaten.faults import Misconfigured, ServerNotTrusted, SourceInMotion, SourceUnavailable, SourceUnreadable
from stadtdaten.frames import Endpoint, TableLock

MakeTable = Callable[..., Table]
DAY = 86_400.0


@dataclass
class Server:
    """An SFTP server with the folder ``ablage`` of the source ``quelle``."""

    root: Path
    port: int
    key: str
    faults: dict[str, Fault] = field(default_factory=dict)

    def lay(self, name: str, content: bytes, seconds: float = DAY) -> Path:
        path = self.root / "quelle" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        age(path, seconds)
        return path

    def endpoint(self, **changes: object) -> Endpoint:
        known = Endpoint(
            url=f"sftp://127.0.0.1:{self.port}/quelle", login=LOGIN, password=PASSWORD, options={"host_key": self.key}
        )
        return known.model_copy(update=changes)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        state = Server(tmp_path / "ablage", listener.getsockname()[1], public_key(tmp_path))
        running = DropsBySftp(listener, Shelf(state.root, lambda: state.faults), private_key(tmp_path))
        state.lay("wetter/b.csv", b"id\n2\n")
        state.lay("wetter/a.csv", b"id\n1\n" + b"x" * 1_000_000)
        state.lay("lies.txt", b"x")
        yield state
        running.stop()


def fetch(
    table: Table, endpoint: Endpoint, folder: Path, previous: TableLock | None = None, settle: int = 1, **limits: int
) -> Fetched | NotModified:
    target = folder / f"geholt-{time.monotonic_ns()}"
    target.mkdir()
    interface = SftpInterface(kind="sftp", connection="probe", settle=settle)
    return fetch_table(interface, table, endpoint, target, Limits(**limits), previous)


def lock_of(table: Table, fetched: Fetched | NotModified) -> TableLock:
    assert isinstance(fetched, Fetched)
    return TableLock(
        resource=table.resource, url=fetched.url, files=fetched.sources, source_bytes=0, content_hash="", rows=1,
        columns=(),
    )  # fmt: skip


def test_the_files_of_a_pattern_arrive_whole(server: Server, table: MakeTable, tmp_path: Path) -> None:
    fetched = fetch(table("csv", "wetter/*.csv"), server.endpoint(), tmp_path)
    assert isinstance(fetched, Fetched)
    assert [file.read_bytes()[:5] for file in fetched.files] == [b"id\n1\n", b"id\n2\n"]
    assert fetched.source_bytes == 1_000_010
    assert fetched.url == f"sftp://127.0.0.1:{server.port}/quelle/wetter/*.csv"


def test_an_unchanged_drop_is_told_from_its_listing(server: Server, table: MakeTable, tmp_path: Path) -> None:
    weather = table("csv", "wetter/*.csv")
    previous = lock_of(weather, fetch(weather, server.endpoint(), tmp_path))
    server.faults["quelle"] = "cut"  # whoever reads a file now fails
    assert fetch(weather, server.endpoint(), tmp_path, previous) == NotModified()


def test_the_same_name_with_new_content_is_a_change(server: Server, table: MakeTable, tmp_path: Path) -> None:
    weather = table("csv", "wetter/b.csv")
    previous = lock_of(weather, fetch(weather, server.endpoint(), tmp_path))
    server.lay("wetter/b.csv", b"id\n3\n", DAY / 2)
    fetched = fetch(weather, server.endpoint(), tmp_path, previous)
    assert isinstance(fetched, Fetched)
    assert fetched.files[0].read_bytes() == b"id\n3\n"


def test_an_unknown_host_key_stops_before_any_login(server: Server, table: MakeTable, tmp_path: Path) -> None:
    server.faults["quelle"] = "wrong_host_key"
    attempts: list[str] = []
    original = paramiko.Transport.auth_password
    paramiko.Transport.auth_password = lambda *given, **more: attempts.append("login")  # type: ignore[method-assign]
    try:
        with pytest.raises(ServerNotTrusted, match=r"anderen Schlüssel .* ssh-ed25519 SHA256:\S{43}") as caught:
            fetch(table("csv", "wetter/*.csv"), server.endpoint(), tmp_path)
    finally:
        paramiko.Transport.auth_password = original  # type: ignore[method-assign]
    assert attempts == []
    assert "host_key" in caught.value.next_step
    assert not caught.value.retryable


def test_one_of_several_host_keys_is_enough(server: Server, table: MakeTable, tmp_path: Path) -> None:
    other = paramiko.Ed25519Key.from_private_key(StringIO(new_key().decode()))
    both = [f"ssh-ed25519 {other.get_base64()}", server.key]
    for text in (json.dumps(both), "\n".join(both)):
        endpoint = server.endpoint(options={"host_key": text})
        assert isinstance(fetch(table("csv", "wetter/b.csv"), endpoint, tmp_path), Fetched)


@pytest.mark.parametrize(
    "options",
    [{}, {"host_key": ""}, {"host_key": "ssh-ed25519"}, {"host_key": "ssh-ed25519 kein!base64"}, {"host_key": "[1"}],
)
def test_without_a_host_key_nothing_is_connected(
    server: Server, table: MakeTable, tmp_path: Path, options: dict[str, str]
) -> None:
    endpoint = server.endpoint(options=options, url="sftp://127.0.0.1:1/quelle")
    with pytest.raises(Misconfigured, match="host_key"):
        fetch(table("csv", "wetter/*.csv"), endpoint, tmp_path)


@pytest.mark.parametrize(
    "options", [{"host-key": "x"}, {"no_host_key_check": "true"}, {"allow_host_key_change": "true"}]
)
def test_an_unknown_option_is_our_mistake(
    server: Server, table: MakeTable, tmp_path: Path, options: dict[str, str]
) -> None:
    with pytest.raises(Misconfigured, match="unbekannte Zusatzangaben"):
        fetch(table("csv", "wetter/*.csv"), server.endpoint(options=options | {"host_key": server.key}), tmp_path)


@pytest.mark.parametrize("url", ["http://127.0.0.1/x", "sftp:///x", "sftp://127.0.0.1:x/", "127.0.0.1"])
def test_an_address_that_is_none_is_our_mistake(server: Server, table: MakeTable, tmp_path: Path, url: str) -> None:
    with pytest.raises(Misconfigured, match="keine SFTP-Adresse"):
        fetch(table("csv", "wetter/*.csv"), server.endpoint(url=url), tmp_path)


def test_a_refused_login_says_so_and_nothing_secret(server: Server, table: MakeTable, tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match="Anmeldung nicht an") as caught:
        fetch(table("csv", "wetter/*.csv"), server.endpoint(password="streng-geheim"), tmp_path)
    assert "streng-geheim" not in str(caught.value) and LOGIN not in str(caught.value)
    server.faults["quelle"] = "refuse_login"
    with pytest.raises(SourceUnreadable, match="Anmeldung nicht an"):
        fetch(table("csv", "wetter/*.csv"), server.endpoint(), tmp_path)


def test_a_login_with_a_key_is_made_with_that_key(
    server: Server, table: MakeTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = new_key().decode()
    public = paramiko.Ed25519Key.from_private_key(StringIO(key))
    account = "samplecity.sftp._Account"
    monkeypatch.setattr(f"{account}.get_allowed_auths", lambda self, username: "publickey")
    monkeypatch.setattr(
        f"{account}.check_auth_publickey",
        lambda self, username, offered: (
            paramiko.common.AUTH_SUCCESSFUL if offered == public else paramiko.common.AUTH_FAILED
        ),
    )
    options = {"host_key": server.key, "private_key": key}
    endpoint = server.endpoint(options=options, password="")
    assert isinstance(fetch(table("csv", "wetter/b.csv"), endpoint, tmp_path), Fetched)
    other = server.endpoint(options=options | {"private_key": new_key().decode()})
    with pytest.raises(SourceUnreadable, match="Anmeldung nicht an"):
        fetch(table("csv", "wetter/b.csv"), other, tmp_path)


def test_a_private_key_that_is_none_is_our_mistake(server: Server, table: MakeTable, tmp_path: Path) -> None:
    endpoint = server.endpoint(options={"host_key": server.key, "private_key": "-----BEGIN GEHEIM-----"})
    with pytest.raises(Misconfigured, match="private_key") as caught:
        fetch(table("csv", "wetter/b.csv"), endpoint, tmp_path)
    assert "GEHEIM" not in str(caught.value)


def test_a_server_that_is_down_is_unavailable(server: Server, table: MakeTable, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"sftp://127.0.0.1:{closed.getsockname()[1]}/quelle"
    with pytest.raises(SourceUnavailable, match="Verbindung zum SFTP-Server"):
        fetch(table("csv", "wetter/*.csv"), server.endpoint(url=url), tmp_path)


def test_something_else_than_an_ssh_server_is_unavailable(server: Server, table: MakeTable, tmp_path: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    thread = threading.Thread(target=answer)
    thread.start()
    url = f"sftp://127.0.0.1:{listener.getsockname()[1]}/quelle"
    with pytest.raises(SourceUnavailable, match="Verbindung zum SFTP-Server"):
        fetch(table("csv", "wetter/*.csv"), server.endpoint(url=url), tmp_path)
    thread.join()
    listener.close()


@pytest.mark.parametrize(
    ("fault", "expected", "text"),
    [
        ("cut", SourceUnavailable, "bricht ab"),
        ("growing_file", SourceInMotion, "wird gerade geschrieben"),
        ("changed_while_reading", SourceInMotion, "während sie gelesen wurde"),
    ],
)
def test_a_file_that_is_not_whole_is_never_taken(
    server: Server, table: MakeTable, tmp_path: Path, fault: Fault, expected: type[Exception], text: str
) -> None:
    server.faults["quelle"] = fault
    with pytest.raises(expected, match=text):  # times are told in whole seconds: one would be too few to be young
        fetch(table("csv", "wetter/*.csv"), server.endpoint(), tmp_path, settle=5)


def test_a_server_that_drips_cannot_outlast_the_time_limit(server: Server, table: MakeTable, tmp_path: Path) -> None:
    server.faults["quelle"] = "slow"
    begun = time.monotonic()
    with pytest.raises(SourceUnavailable, match="nach 2 Sekunden"):
        fetch(table("csv", "wetter/*.csv"), server.endpoint(), tmp_path, seconds=2)
    assert time.monotonic() - begun < 4


def test_a_missing_folder_and_a_missing_file_are_told_apart(server: Server, table: MakeTable, tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match="fehlt der Ordner"):
        fetch(table("csv", "klima/*.csv"), server.endpoint(), tmp_path)
    with pytest.raises(SourceUnreadable, match="im Ordner liegen sonst 2 Dateien"):
        fetch(table("csv", "wetter/*.xml"), server.endpoint(), tmp_path)


def test_a_link_out_of_the_folder_is_refused(server: Server, table: MakeTable, tmp_path: Path) -> None:
    secret = server.root / "andere" / "z.csv"
    secret.parent.mkdir()
    secret.write_bytes(b"geheim")
    (server.root / "quelle" / "wetter" / "z.csv").symlink_to(secret)
    with pytest.raises(SourceUnreadable, match="Verknüpfung"):
        fetch(table("csv", "wetter/*.csv"), server.endpoint(), tmp_path)


def test_a_link_inside_the_folder_is_followed(server: Server, table: MakeTable, tmp_path: Path) -> None:
    (server.root / "quelle" / "aktuell.csv").symlink_to(server.root / "quelle" / "wetter" / "b.csv")
    fetched = fetch(table("csv", "aktuell.csv"), server.endpoint(), tmp_path)
    assert isinstance(fetched, Fetched)
    assert fetched.files[0].read_bytes() == b"id\n2\n"


def test_more_bytes_than_allowed_are_refused_before_they_are_read(
    server: Server, table: MakeTable, tmp_path: Path
) -> None:
    server.lay("wetter/a.csv", bytes(1_000_001))
    with pytest.raises(SourceUnreadable, match="erlaubten 1 MB"):
        fetch(table("csv", "wetter/*.csv"), server.endpoint(), tmp_path, megabytes=1)


def test_nothing_of_the_account_is_used(
    server: Server, table: MakeTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    os.mkfifo(home / ".ssh" / "known_hosts")  # whoever opens it waits for ever
    os.mkfifo(home / ".ssh" / "id_ed25519")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("SSH_AUTH_SOCK", str(home / "agent"))
    assert isinstance(fetch(table("csv", "wetter/b.csv"), server.endpoint(), tmp_path), Fetched)


@pytest.mark.parametrize("place", range(40, 200, 8))
def test_a_damaged_private_key_is_our_mistake(server: Server, table: MakeTable, tmp_path: Path, place: int) -> None:
    key = new_key().decode()
    damaged = key[:place] + ("A" if key[place] != "A" else "B") * 8 + key[place + 8 :]
    endpoint = server.endpoint()
    with pytest.raises(Misconfigured, match="private_key"):
        fetch(
            table("csv", "wetter/*.csv"),
            endpoint.model_copy(update={"options": {**endpoint.options, "private_key": damaged}}),
            tmp_path,
        )
