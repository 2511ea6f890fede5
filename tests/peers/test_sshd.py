"""A real SFTP server (OpenSSH): its host key, a login by key, files that grow or break off while we read them."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import psutil
import pytest

from peers.drops import lay_down, table
from peers.probe import assert_same, read_through, trees
from peers.server import free_port, running
from stadtdaten.contracts.interfaces import Limits, SftpInterface
from stadtdaten.faults import Misconfigured, ServerNotTrusted, SourceInMotion, SourceUnavailable, SourceUnreadable
from stadtdaten.frames import Endpoint


@dataclass(frozen=True)
class Sshd:
    process: psutil.Process
    folder: Path
    endpoint: Endpoint

    def drop(self, frame: gpd.GeoDataFrame, name: str) -> Path:
        """Lays the frame down there."""
        lay_down(frame, self.folder / name)
        return self.folder / name

    def with_option(self, name: str, value: str) -> Endpoint:
        return self.endpoint.model_copy(update={"options": {**self.endpoint.options, name: value}})


def new_key(path: Path) -> tuple[str, str]:
    """A new pair of keys: what the private file holds, and the public line without its comment."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path], check=True)
    return path.read_text(), path.with_suffix(".pub").read_text().strip()


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    folder, keys = tmp_path / "abgabe", tmp_path / "keys"
    folder.mkdir()
    keys.mkdir(mode=0o700)
    port = free_port()
    _, host_key = new_key(keys / "host")
    private_key, authorised = new_key(keys / "pipeline")
    (keys / "authorised").write_text(authorised + "\n")
    configuration = keys / "sshd_config"
    configuration.write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {keys / 'host'}\nAuthorizedKeysFile {keys / 'authorised'}\n"
        "PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n"
        "Subsystem sftp internal-sftp\n"
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where sshd locks in what it does for strangers
    endpoint = Endpoint(
        url=f"sftp://127.0.0.1:{port}{folder}",
        login=psutil.Process().username(),
        options={"host_key": host_key, "private_key": private_key},
    )
    with running(["/usr/sbin/sshd", "-D", "-e", "-f", configuration], port, tmp_path / "log") as process:
        yield Sshd(psutil.Process(process.pid), folder, endpoint)


def sftp(settle: int = 0) -> SftpInterface:
    return SftpInterface(kind="sftp", connection="peer", settle=settle)


def test_a_file_comes_as_it_lies_there(sshd: Sshd, tmp_path: Path) -> None:
    sshd.drop(trees(), "Bäume 2026.csv")
    assert_same(read_through(sftp(), table("Bäume 2026.csv"), sshd.endpoint, tmp_path), trees(), metres=0.001)


def test_the_files_of_a_pattern_come_as_one_table(sshd: Sshd, tmp_path: Path) -> None:
    expected = trees()
    (sshd.folder / "jahre").mkdir()
    for year, part in (("2024", expected.iloc[:1200]), ("2025", expected.iloc[1200:])):
        sshd.drop(part, f"jahre/bäume_{year}.csv")
    assert_same(read_through(sftp(), table("jahre/bäume_*.csv"), sshd.endpoint, tmp_path), expected, metres=0.001)


def test_a_server_with_another_host_key_gets_no_login(sshd: Sshd, tmp_path: Path) -> None:
    sshd.drop(trees(), "baeume.csv")
    _, other = new_key(tmp_path / "other")
    with pytest.raises(ServerNotTrusted, match="Schlüssel"):
        read_through(sftp(), table("baeume.csv"), sshd.with_option("host_key", other), tmp_path)
    assert "Accepted" not in (tmp_path / "log").read_text()


def test_a_key_that_the_server_does_not_know_is_an_error(sshd: Sshd, tmp_path: Path) -> None:
    sshd.drop(trees(), "baeume.csv")
    other, _ = new_key(tmp_path / "other")
    with pytest.raises((Misconfigured, SourceUnreadable)) as caught:
        read_through(sftp(), table("baeume.csv"), sshd.with_option("private_key", other), tmp_path)
    assert other not in str(caught.value)


def test_a_file_that_is_still_being_written_is_not_read(sshd: Sshd, tmp_path: Path) -> None:
    path = sshd.drop(trees(), "baeume.csv")
    ended = threading.Event()

    def write_on() -> None:
        with path.open("ab", buffering=0) as file:
            while not ended.wait(0.05):
                file.write(b"099999;Ulme;1,5;1950;403000,25;5716000,125\r\n")

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        with pytest.raises(SourceInMotion):
            read_through(sftp(settle=1), table("baeume.csv"), sshd.endpoint, tmp_path, Limits(seconds=20))
    finally:
        ended.set()
        writer.join()


def test_a_server_that_is_killed_in_the_middle_of_a_file_is_an_error(sshd: Sshd, tmp_path: Path) -> None:
    with sshd.drop(trees(), "baeume.csv").open("r+b") as file:
        file.seek(400_000_000)  # a file with a hole: large to send, cheap to make
        file.write(b"\n")
    target = tmp_path / "target"
    target.mkdir()
    ended = threading.Event()
    arrived: list[int] = []

    def kill() -> None:
        while not (size := sum(path.stat().st_size for path in target.iterdir())):
            if ended.wait(0.005):
                return
        for process in sshd.process.children(recursive=True):
            process.kill()
        arrived.append(size)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        with pytest.raises(SourceUnavailable):
            read_through(sftp(), table("baeume.csv"), sshd.endpoint, target, Limits(seconds=60, cell=10**9))
    finally:
        ended.set()
        killer.join()
    assert arrived
    assert arrived[0] < 400_000_000
