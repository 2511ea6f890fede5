"""Can this computer do it right now? Asked before anything is started, so that nothing is left half-started."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import psutil

from samplecity.folder import claim
from samplecity.ports import HOST, PURPOSES, VARIABLES, PortError, Ports

AIRFLOW_VARIABLE = "AIRFLOW_PORT"
FREE_BYTES = 1_000_000_000
"""Two nights need about 200 MB; the rest is what SQLite and the logs may grow by."""


class NotReady(Exception):
    """Something on this computer has to be put right first; the message says what and how."""


def check_folder(var: Path, home: Path) -> None:
    """Make ``var`` ours. Raises NotOurs if it is somebody else's, NotReady if it cannot be written or has no room."""
    try:
        claim(var, home)
        (var / "run").mkdir(exist_ok=True)
        probe = var / "run" / "probe"
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        raise NotReady(f"{var} cannot be written: {error.strerror}. All state is kept there.") from error
    free = shutil.disk_usage(var).free
    if free < FREE_BYTES:
        raise NotReady(
            f"only {free / 1e6:.0f} MB are free on the disk of {var}, but {FREE_BYTES / 1e6:.0f} MB are needed."
        )


def airflow_port() -> int:
    """The port that AIRFLOW_PORT asks for, 8080 by default. Raises PortError."""
    text = os.environ.get(AIRFLOW_VARIABLE) or "8080"
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise PortError(f"{AIRFLOW_VARIABLE} is {text!r}, but a port is a number from 1 to 65535")
    return int(text)


def check_ports(ports: Ports, airflow: int) -> None:
    """Raises NotReady for every port that cannot be used, with who uses it and the variable that changes it."""
    wanted = [(PURPOSES[field], VARIABLES[field], getattr(ports, field)) for field in Ports.model_fields]
    wanted.append(("Airflow", AIRFLOW_VARIABLE, airflow))
    numbers = [port for _, _, port in wanted]
    problems = [
        f"port {port} ({purpose}) {trouble}: set {variable} to another port, e.g. {variable}={port + 10_000}"
        for purpose, variable, port in wanted
        if (trouble := "is wanted twice" if numbers.count(port) > 1 else _trouble(port))
    ]
    if problems:
        raise NotReady("\n".join(problems))


def _trouble(port: int) -> str:
    """Why nobody can listen on the port; empty if it is free."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError:
            return "is reserved for the administrator"
        except OSError:
            return f"is used by {_user_of(port)}"
    return ""


def _user_of(port: int) -> str:
    """Program, pid and person that listen on the port, as far as we may know."""
    try:
        listening = [
            connection.pid
            for connection in psutil.net_connections(kind="tcp")
            if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,) and connection.pid
        ]
        if listening:
            process = psutil.Process(listening[0])
            return f"{process.name()} (pid {process.pid}, user {process.username()})"
    except psutil.Error:
        pass  # another person's process: the system does not tell
    return "another program"
