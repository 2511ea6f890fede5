"""What would fail later is said before anything starts."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import socket
from collections import namedtuple
from pathlib import Path

import pytest

from samplecity.ports import VARIABLES, PortError, Ports
from samplecity.preflight import NotReady, airflow_port, check_folder, check_ports


def free_ports(count: int) -> list[int]:
    """Below the range from which the system takes ports: who asks it for any port gets none of these."""
    found: set[int] = set()
    while len(found) < count:
        number = random.randrange(10_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", number)):
            found.add(number)
    return sorted(found)


def test_free_ports_are_accepted() -> None:
    *ports, airflow = free_ports(7)
    check_ports(Ports(**dict(zip(VARIABLES, ports, strict=True))), airflow)


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_a_taken_port_names_its_user_and_the_variable(address: str) -> None:
    ports = free_ports(6)
    with socket.create_server((address, 0)) as taken:
        number = taken.getsockname()[1]
        with pytest.raises(NotReady) as error:
            check_ports(Ports(**dict(zip(VARIABLES, ports, strict=True))), number)
    assert str(number) in str(error.value)
    assert f"pid {os.getpid()}" in str(error.value)
    assert "AIRFLOW_PORT" in str(error.value)


def test_all_taken_ports_are_named_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        *others, airflow = free_ports(5)
        ports = Ports(**dict(zip(VARIABLES, (one.getsockname()[1], two.getsockname()[1], *others), strict=True)))
        with pytest.raises(NotReady, match=r"CITY_PORT[\s\S]*PORTAL_PORT"):
            check_ports(ports, airflow)


def test_one_port_for_two_services_is_refused() -> None:
    ports = Ports(**dict(zip(VARIABLES, free_ports(6), strict=True)))
    with pytest.raises(NotReady, match="wanted twice"):
        check_ports(ports, ports.portal)


@pytest.mark.parametrize("text", ["0", "70000", "http", "-1"])
def test_a_port_that_is_none_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_PORT", text)
    with pytest.raises(PortError, match="AIRFLOW_PORT"):
        airflow_port()


def test_a_full_disk_is_noticed_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")(10**12, 10**12 - 10**7, 10**7)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(NotReady, match="10 MB are free"):
        check_folder(tmp_path / "var", tmp_path)


def test_a_state_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file is in the way")
    with pytest.raises(NotReady, match="cannot be written"):
        check_folder(tmp_path / "var", tmp_path)
