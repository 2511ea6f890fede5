"""A real FTP server (vsftpd) with TLS: it knows no MLSD, and wants data over the session of the login.

It serves guests only: accounts would need the system's own.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from peers.drops import lay_down, table
from peers.probe import assert_same, read_through, trees
from peers.server import free_port, running
from stadtdaten.contracts.interfaces import FtpInterface
from stadtdaten.faults import SourceUnavailable, SourceUnreadable
from stadtdaten.frames import Endpoint

VSFTPD = Path("/usr/sbin/vsftpd")


@dataclass(frozen=True)
class Vsftpd:
    folder: Path
    endpoint: Endpoint
    certificate: Path


@pytest.fixture
def vsftpd(tmp_path: Path) -> Iterator[Vsftpd]:
    folder, jail = tmp_path / "abgabe", tmp_path / "jail"
    folder.mkdir()
    jail.mkdir()
    if os.geteuid() == 0:  # guests are the account "ftp", which must get through to the folder
        for each in (*tmp_path.parents[:2], tmp_path):
            each.chmod(each.stat().st_mode | 0o011)
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=peer", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    port = free_port()
    settings = {
        "listen": "YES", "listen_address": "127.0.0.1", "listen_port": port, "background": "NO",
        "run_as_launching_user": "NO" if os.geteuid() == 0 else "YES", "seccomp_sandbox": "NO",
        "anonymous_enable": "YES", "local_enable": "NO", "anon_root": folder, "secure_chroot_dir": jail,
        "ssl_enable": "YES", "allow_anon_ssl": "YES", "force_anon_logins_ssl": "YES", "force_anon_data_ssl": "YES",
        "rsa_cert_file": certificate, "rsa_private_key_file": key,
    }  # fmt: skip
    configuration = tmp_path / "vsftpd.conf"
    configuration.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    endpoint = Endpoint(
        url=f"ftp://127.0.0.1:{port}/", login="anonymous", password="gast", options={"ca_bundle": str(certificate)}
    )
    with running([VSFTPD, configuration], port, tmp_path / "log"):
        yield Vsftpd(folder, endpoint, certificate)


def ftp(tls: bool = True) -> FtpInterface:
    return FtpInterface(kind="ftp", connection="peer", tls=tls, settle=0)


def test_files_come_as_they_lie_there(vsftpd: Vsftpd, tmp_path: Path) -> None:
    expected = trees()
    (vsftpd.folder / "jahre").mkdir()
    lay_down(expected.iloc[:1200], vsftpd.folder / "jahre" / "bäume_2024.csv")
    lay_down(expected.iloc[1200:], vsftpd.folder / "jahre" / "bäume_2025.csv")
    assert_same(read_through(ftp(), table("jahre/bäume_*.csv"), vsftpd.endpoint, tmp_path), expected, metres=0.001)


def test_a_server_without_a_known_certificate_gets_no_login(vsftpd: Vsftpd, tmp_path: Path) -> None:
    lay_down(trees(), vsftpd.folder / "baeume.csv")
    stranger = vsftpd.endpoint.model_copy(update={"options": {}})
    with pytest.raises(SourceUnavailable, match="Zertifikat"):
        read_through(ftp(), table("baeume.csv"), stranger, tmp_path)


def test_a_server_that_refuses_to_speak_in_the_clear_is_told_apart(vsftpd: Vsftpd, tmp_path: Path) -> None:
    lay_down(trees(), vsftpd.folder / "baeume.csv")
    in_the_clear = vsftpd.endpoint.model_copy(update={"options": {}})
    with pytest.raises(SourceUnreadable, match=r"Anmeldung|Verschlüsselung"):
        read_through(ftp(tls=False), table("baeume.csv"), in_the_clear, tmp_path)


def test_a_file_that_is_not_there_is_an_error(vsftpd: Vsftpd, tmp_path: Path) -> None:
    lay_down(trees(), vsftpd.folder / "baeume.csv")
    with pytest.raises(SourceUnreadable, match="passt"):
        read_through(ftp(), table("straeucher.csv"), vsftpd.endpoint, tmp_path)
