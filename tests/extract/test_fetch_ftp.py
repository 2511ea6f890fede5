"""File drops over FTP, in the clear and with TLS: only whole files, data only from the server that was asked."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler

from samplecity.faults import Fault
from samplecity.ftp import DropsByFtp
from samplecity.ftp import Server as FtpServer
from samplecity.shelf import LOGIN, PASSWORD, Shelf, age
from stadtdaten.contracts.interfaces import FtpInterface, Limits
from stadtdaten.contracts.model import Table
from stadtdaten.extract import Fetched, NotModified, fetch_table
from stadtdaten.faults import Misconfigured, SourceInMotion, SourceUnavailable, SourceUnreadable
from stadtdaten.frames import Endpoint, TableLock

MakeTable = Callable[..., Table]
DAY = 86_400.0


@dataclass
class Server:
    root: Path
    port: int
    faults: dict[str, Fault] = field(default_factory=dict)

    def lay(self, name: str, content: bytes, seconds: float = DAY) -> Path:
        path = self.root / "quelle" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        age(path, seconds)
        return path

    def endpoint(self, **changes: object) -> Endpoint:
        known = Endpoint(url=f"ftp://127.0.0.1:{self.port}/quelle", login=LOGIN, password=PASSWORD)
        return known.model_copy(update=changes)


def fill(state: Server) -> None:
    state.lay("wetter/b.csv", b"id\n2\n")
    state.lay("wetter/a.csv", b"id\r\n1\r\n" + b"x" * 1_000_000)
    state.lay("lies.txt", b"x")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        state = Server(tmp_path / "ablage", listener.getsockname()[1])
        running = DropsByFtp(listener, Shelf(state.root, lambda: state.faults))
        fill(state)
        yield state
        running.stop()


def other_server(started: ExitStack, root: Path, base: type[FTPHandler], **settings: Any) -> Server:
    """A server of another kind than the sample city's."""
    (root / "quelle").mkdir(parents=True)
    authorizer = DummyAuthorizer()
    authorizer.add_user(LOGIN, PASSWORD, str(root))
    handler = type("Handler", (base,), {"authorizer": authorizer, **settings})
    ftpd = FtpServer(("127.0.0.1", 0), handler)
    done = threading.Event()

    def serve() -> None:
        while not done.is_set():
            ftpd.ioloop.loop(timeout=0.02, blocking=False)
        ftpd.close_all()

    thread = threading.Thread(target=serve)
    thread.start()
    started.callback(thread.join)
    started.callback(done.set)
    state = Server(root, ftpd.address[1])
    fill(state)
    return state


def fetch(
    table: Table, endpoint: Endpoint, folder: Path, previous: TableLock | None = None, tls: bool = False, **limits: int
) -> Fetched | NotModified:
    target = folder / f"geholt-{time.monotonic_ns()}"
    target.mkdir()
    interface = FtpInterface(kind="ftp", connection="probe", tls=tls, settle=1)
    return fetch_table(interface, table, endpoint, target, Limits(**limits), previous)


def lock_of(table: Table, fetched: Fetched | NotModified) -> TableLock:
    assert isinstance(fetched, Fetched)
    return TableLock(
        resource=table.resource, url=fetched.url, files=fetched.sources, source_bytes=0, content_hash="", rows=1,
        columns=(),
    )  # fmt: skip


def test_the_files_of_a_pattern_arrive_byte_for_byte(server: Server, table: MakeTable, tmp_path: Path) -> None:
    fetched = fetch(table("csv", "wetter/*.csv"), server.endpoint(), tmp_path)
    assert isinstance(fetched, Fetched)
    assert [file.read_bytes()[:7] for file in fetched.files] == [b"id\r\n1\r\n", b"id\n2\n"]
    assert fetched.source_bytes == 1_000_012
    assert fetched.url == f"ftp://127.0.0.1:{server.port}/quelle/wetter/*.csv"


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


def test_a_server_without_mlsd_is_asked_file_by_file(table: MakeTable, tmp_path: Path) -> None:
    known = {name: rest for name, rest in FTPHandler.proto_cmds.items() if name not in ("MLSD", "MLST")}
    with ExitStack() as started:
        old = other_server(started, tmp_path / "alt", FTPHandler, proto_cmds=known)
        (old.root / "quelle" / "wetter" / "ordner.csv").mkdir()
        weather = table("csv", "wetter/*.csv")
        fetched = fetch(weather, old.endpoint(), tmp_path)
        assert isinstance(fetched, Fetched)
        assert [file.name for file in fetched.sources] == ["wetter/a.csv", "wetter/b.csv"]
        assert all(len(file.last_modified) == 14 for file in fetched.sources)
        assert fetch(weather, old.endpoint(), tmp_path, lock_of(weather, fetched)) == NotModified()


def test_a_server_that_tells_no_times_is_read_every_time(table: MakeTable, tmp_path: Path) -> None:
    known = {name: rest for name, rest in FTPHandler.proto_cmds.items() if name not in ("MLSD", "MLST", "MDTM")}
    with ExitStack() as started:
        old = other_server(started, tmp_path / "alt", FTPHandler, proto_cmds=known)
        weather = table("csv", "wetter/b.csv")
        fetched = fetch(weather, old.endpoint(), tmp_path)
        assert isinstance(fetched, Fetched)
        assert fetched.sources[0].last_modified == ""
        assert isinstance(fetch(weather, old.endpoint(), tmp_path, lock_of(weather, fetched)), Fetched)


def test_tls_protects_login_and_data(table: MakeTable, tmp_path: Path, own_authority: Any) -> None:
    secure = {"certfile": str(own_authority.server), "tls_control_required": True, "tls_data_required": True}
    with ExitStack() as started:
        server = other_server(started, tmp_path / "sicher", TLS_FTPHandler, **secure)
        endpoint = server.endpoint(options={"ca_bundle": str(own_authority.bundle)})
        fetched = fetch(table("csv", "wetter/*.csv"), endpoint, tmp_path, tls=True)
        assert isinstance(fetched, Fetched)
        assert fetched.source_bytes == 1_000_012
        with pytest.raises(SourceUnavailable, match="Zertifikat"):
            fetch(table("csv", "wetter/*.csv"), server.endpoint(), tmp_path, tls=True)


def test_a_server_without_tls_gets_no_login_where_tls_is_wanted(
    server: Server, table: MakeTable, tmp_path: Path
) -> None:
    with pytest.raises(SourceUnreadable, match="Verschlüsselung"):
        fetch(table("csv", "wetter/*.csv"), server.endpoint(), tmp_path, tls=True)


def test_data_come_from_the_server_that_was_asked_whatever_it_names(table: MakeTable, tmp_path: Path) -> None:
    """A server that names another machine's address for the data could make us connect to it (FTP bounce)."""
    with ExitStack() as started:
        lying = other_server(started, tmp_path / "fremd", FTPHandler, masquerade_address="192.0.2.1")
        assert isinstance(fetch(table("csv", "wetter/*.csv"), lying.endpoint(), tmp_path), Fetched)


def test_a_refused_login_says_so_and_nothing_secret(server: Server, table: MakeTable, tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match="Anmeldung nicht an") as caught:
        fetch(table("csv", "wetter/*.csv"), server.endpoint(password="streng-geheim"), tmp_path)
    assert "streng-geheim" not in str(caught.value) and LOGIN not in str(caught.value)
    server.faults["quelle"] = "refuse_login"
    with pytest.raises(SourceUnreadable, match="Anmeldung nicht an"):
        fetch(table("csv", "wetter/*.csv"), server.endpoint(), tmp_path)


@pytest.mark.parametrize("url", ["http://127.0.0.1/x", "ftp:///x", "ftp://127.0.0.1:x/", "ftps://127.0.0.1/"])
def test_an_address_that_is_none_is_our_mistake(server: Server, table: MakeTable, tmp_path: Path, url: str) -> None:
    with pytest.raises(Misconfigured, match="keine FTP-Adresse"):
        fetch(table("csv", "wetter/*.csv"), server.endpoint(url=url), tmp_path)


def test_a_server_that_is_down_is_unavailable(server: Server, table: MakeTable, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"ftp://127.0.0.1:{closed.getsockname()[1]}/quelle"
    with pytest.raises(SourceUnavailable, match="Verbindung zum FTP-Server"):
        fetch(table("csv", "wetter/*.csv"), server.endpoint(url=url), tmp_path)


@pytest.mark.parametrize("words", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"421 Too many users\r\n", b"x" * 20_000, b""])
def test_something_else_than_an_ftp_server_is_unavailable(
    server: Server, table: MakeTable, tmp_path: Path, words: bytes
) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.sendall(words)

    thread = threading.Thread(target=answer)
    thread.start()
    with pytest.raises(SourceUnavailable, match="Verbindung zum FTP-Server"):
        url = f"ftp://127.0.0.1:{listener.getsockname()[1]}/quelle"
        fetch(table("csv", "wetter/*.csv"), server.endpoint(url=url), tmp_path)
    thread.join()
    listener.close()


@pytest.mark.parametrize(
    ("fault", "raised", "text"),
    [
        ("cut", SourceUnavailable, "bricht ab"),
        ("growing_file", SourceInMotion, "wird gerade geschrieben"),
        ("changed_while_reading", SourceInMotion, "während sie gelesen wurde"),
    ],
)
def test_a_file_that_is_not_whole_is_never_taken(
    server: Server, table: MakeTable, tmp_path: Path, fault: Fault, raised: type[Exception], text: str
) -> None:
    server.faults["quelle"] = fault
    with pytest.raises(raised, match=text):
        fetch(table("csv", "wetter/*.csv"), server.endpoint(), tmp_path)


def test_a_server_that_drips_cannot_outlast_the_time_limit(server: Server, table: MakeTable, tmp_path: Path) -> None:
    server.faults["quelle"] = "slow"
    begun = time.monotonic()
    with pytest.raises(SourceUnavailable, match="nach 2 Sekunden"):
        fetch(table("csv", "wetter/*.csv"), server.endpoint(), tmp_path, seconds=2)
    assert time.monotonic() - begun < 4


def test_a_missing_folder_and_a_missing_file_are_told_apart(server: Server, table: MakeTable, tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match="verweigert den Ordner"):
        fetch(table("csv", "klima/*.csv"), server.endpoint(), tmp_path)
    with pytest.raises(SourceUnreadable, match="im Ordner liegen sonst 2 Dateien"):
        fetch(table("csv", "wetter/*.xml"), server.endpoint(), tmp_path)


def test_more_bytes_than_allowed_are_refused(server: Server, table: MakeTable, tmp_path: Path) -> None:
    server.lay("wetter/a.csv", bytes(1_000_001))
    with pytest.raises(SourceUnreadable, match="erlaubten 1 MB"):
        fetch(table("csv", "wetter/*.csv"), server.endpoint(), tmp_path, megabytes=1)


def test_an_unknown_option_is_our_mistake(server: Server, table: MakeTable, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="unbekannte Zusatzangaben"):
        fetch(table("csv", "a.csv"), server.endpoint(options={"passive": "false"}), tmp_path)


@pytest.mark.parametrize("again", [b"type=file;size=5; a.csv\r\n", b"t"], ids=["names", "one line"])
@pytest.mark.parametrize("pause", [0.05, 0.0], ids=["dripping", "flooding"])
def test_a_listing_without_an_end_is_cut_off(
    table: MakeTable, tmp_path: Path, again: bytes, pause: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not pause and again == b"t":
        again = b"type=file;size=5; x.txt\r\n" * 1000
    monkeypatch.setattr("stadtdaten.extract.ftp.MOST_NAMES", 50_000)
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_server(("127.0.0.1", 0)) as data:

        def serve() -> None:
            with suppress(OSError), listener.accept()[0] as control, control.makefile("rb") as commands:
                control.sendall(b"220 x\r\n")
                for command in commands:
                    if command.startswith(b"PASV"):
                        high, low = divmod(data.getsockname()[1], 256)
                        control.sendall(f"227 x (127,0,0,1,{high},{low})\r\n".encode())
                    elif command.startswith(b"MLSD"):
                        control.sendall(b"150 x\r\n")
                        with data.accept()[0] as listing:
                            while True:
                                listing.sendall(again)
                                time.sleep(pause)
                    else:
                        control.sendall(b"200 x\r\n" if command.startswith((b"OPTS", b"TYPE")) else b"230 x\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        start = time.monotonic()
        with pytest.raises((SourceUnavailable, SourceUnreadable), match="abgebrochen"):
            fetch(
                table("csv", "*.csv"),
                Endpoint(url=f"ftp://127.0.0.1:{listener.getsockname()[1]}/x"),
                tmp_path,
                seconds=1,
            )
        assert time.monotonic() - start < 3
        thread.join()
