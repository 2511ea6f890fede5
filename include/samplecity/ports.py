"""Which ports does the sample city listen on, and what to tell a person whose port is taken?

Everything listens on 127.0.0.1 only. Port 0 lets the system choose, as tests do.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import Self

import psutil
from pydantic import BaseModel, ConfigDict, Field, ValidationError

HOST = "127.0.0.1"

VARIABLES = {
    "city": "CITY_PORT", "portal": "PORTAL_PORT", "mailbox": "MAILBOX_PORT", "smtp": "SMTP_PORT", "sftp": "SFTP_PORT",
    "ftp": "FTP_PORT",
}  # fmt: skip
"""Field of Ports to the environment variable that sets it."""

PURPOSES = {
    "city": "the source systems",
    "portal": "the portal",
    "mailbox": "the mailbox viewer",
    "smtp": "incoming mail",
    "sftp": "dropped files (SFTP)",
    "ftp": "dropped files (FTP)",
}


class PortError(Exception):
    """A port cannot be used; the message names it and the variable that changes it."""


class Ports(BaseModel):
    """TCP ports of the six servers on 127.0.0.1."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    city: int = Field(default=8081, ge=0, le=65535)
    portal: int = Field(default=8082, ge=0, le=65535)
    mailbox: int = Field(default=8083, ge=0, le=65535)
    smtp: int = Field(default=8025, ge=0, le=65535)
    sftp: int = Field(default=8022, ge=0, le=65535)
    ftp: int = Field(default=8021, ge=0, le=65535)

    @classmethod
    def any(cls) -> Self:
        """Ports that the system chooses."""
        return cls(**dict.fromkeys(VARIABLES, 0))


def ports_from_environment(environment: Mapping[str, str] = os.environ) -> Ports:
    """The ports that the variables (CITY_PORT, PORTAL_PORT, ...) ask for. Raises PortError."""
    given = {field: environment[name] for field, name in VARIABLES.items() if environment.get(name)}
    try:
        return Ports.model_validate(given)
    except ValidationError as error:
        field = str(error.errors()[0]["loc"][0])
        raise PortError(f"{VARIABLES[field]} is {given[field]!r}, but a port is a number from 1 to 65535") from None


def listen(field: str, port: int) -> socket.socket:
    """A listening socket for that field of Ports. Raises PortError if the port is taken or not allowed."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(128)
    except PermissionError:
        listener.close()
        raise PortError(
            f"port {port} ({PURPOSES[field]}) is reserved for the administrator: set {VARIABLES[field]} above 1023"
        ) from None
    except OSError:
        listener.close()
        raise PortError(
            f"port {port} ({PURPOSES[field]}) is already used by {_user_of(port)}: "
            f"end that program, or set {VARIABLES[field]} to a free port"
        ) from None
    return listener


def _user_of(port: int) -> str:
    """Name and pid of the program that listens on the port, as far as we may know it."""
    unknown = "another program"
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        return unknown
    for connection in connections:
        listens = connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr[1] == port
        if listens and connection.pid:
            try:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
            except psutil.Error:
                return f"pid {connection.pid}"
    return unknown
