"""The city's SFTP server: the dropped files, read only, one account."""

from __future__ import annotations

import io
import logging
import os
import posixpath
import socket
import stat
import threading
from pathlib import Path

import paramiko
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL, OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED, OPEN_SUCCEEDED
from paramiko.sftp import SFTP_EOF, SFTP_FAILURE, SFTP_OP_UNSUPPORTED, SFTP_PERMISSION_DENIED

from samplecity.host_key import new_key
from samplecity.shelf import LOGIN, PASSWORD, ConnectionCut, Reading, Shelf

log = logging.getLogger(__name__)
logging.getLogger("paramiko").setLevel(logging.CRITICAL)


class DropsBySftp:
    """Serves the shelf on an open listener until ``stop``; ``key`` is the server's private key (OpenSSH)."""

    def __init__(self, listener: socket.socket, shelf: Shelf, key: bytes) -> None:
        self._listener = listener
        self._shelf = shelf
        self._key = key
        self._open: set[paramiko.Transport] = set()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening; a transfer under way breaks off."""
        self._shelf.closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        for transport in self._open:
            transport.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # stopped
                return
            key = new_key() if self._shelf.is_on("wrong_host_key") else self._key
            transport = paramiko.Transport(connection)
            transport.add_server_key(paramiko.Ed25519Key.from_private_key(io.StringIO(key.decode())))
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files, self._shelf, transport)
            self._open = {each for each in self._open if each.is_active()} | {transport}
            try:
                transport.start_server(event=threading.Event(), server=_Account(self._shelf))
            except (paramiko.SSHException, OSError):
                log.info("a client went away before it was connected")


class _Account(paramiko.ServerInterface):
    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def get_allowed_auths(self, username: str) -> str:
        return "password"

    def check_auth_password(self, username: str, password: str) -> int:
        known = (username, password) == (LOGIN, PASSWORD) and not self._shelf.is_on("refuse_login")
        return AUTH_SUCCESSFUL if known else AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return OPEN_SUCCEEDED if kind == "session" else OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED


class _Files(paramiko.SFTPServerInterface):
    def __init__(self, server: paramiko.ServerInterface, shelf: Shelf, transport: paramiko.Transport) -> None:
        super().__init__(server)
        self._shelf = shelf
        self._transport = transport

    def _path(self, path: str) -> Path:
        return self._shelf.root / posixpath.normpath(f"/{path}").lstrip("/")

    def canonicalize(self, path: str) -> str:
        """Where the path really leads, as OpenSSH answers."""
        real, root = self._path(path).resolve(), self._shelf.root.resolve()
        return f"/{real.relative_to(root)}" if real.is_relative_to(root) else str(real)

    def list_folder(self, path: str) -> list[paramiko.SFTPAttributes] | int:
        try:
            return [self._attributes(each) for each in sorted(self._path(path).iterdir())]
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)

    def stat(self, path: str) -> paramiko.SFTPAttributes | int:
        return self.lstat(self.canonicalize(path))

    def lstat(self, path: str) -> paramiko.SFTPAttributes | int:
        try:
            return self._attributes(self._path(path))
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)

    def open(self, path: str, flags: int, attr: paramiko.SFTPAttributes) -> paramiko.SFTPHandle | int:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            return SFTP_PERMISSION_DENIED
        try:
            return _OpenFile(self._shelf.open(self._path(path)), self._transport)
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)

    def _attributes(self, path: Path) -> paramiko.SFTPAttributes:
        found = os.lstat(path)
        if stat.S_ISREG(found.st_mode):
            found = self._shelf.look(path)
        return paramiko.SFTPAttributes.from_stat(found, path.name)


class _OpenFile(paramiko.SFTPHandle):
    def __init__(self, reading: Reading, transport: paramiko.Transport) -> None:
        super().__init__()
        self._reading = reading
        self._transport = transport

    def read(self, offset: int, length: int) -> bytes | int:
        self._reading.seek(offset)
        try:
            return self._reading.read(length) or SFTP_EOF
        except ConnectionCut:
            self._transport.close()
            return SFTP_FAILURE

    def close(self) -> None:
        self._reading.close()

    def stat(self) -> paramiko.SFTPAttributes | int:
        return SFTP_OP_UNSUPPORTED
