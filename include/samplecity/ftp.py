"""The city's FTP server: the dropped files, read only, one account, nothing encrypted: so old loggers do it."""

from __future__ import annotations

import logging
import os
import socket
import threading
from pathlib import Path
from typing import Any

from pyftpdlib.authorizers import AuthenticationFailed, DummyAuthorizer
from pyftpdlib.filesystems import AbstractedFS
from pyftpdlib.handlers import DTPHandler, FTPHandler
from pyftpdlib.servers import ThreadedFTPServer

from samplecity.shelf import LOGIN, PASSWORD, Reading, Shelf

logging.getLogger("pyftpdlib").setLevel(logging.WARNING)
logging.getLogger("pyftpdlib").addHandler(logging.NullHandler())  # else it writes every command to the terminal


class DropsByFtp:
    """Serves the shelf on an open listener until ``stop``; for data the system chooses ports of the same address."""

    def __init__(self, listener: socket.socket, shelf: Shelf) -> None:
        self._shelf = shelf
        authorizer = _Authorizer()
        authorizer.shelf = shelf
        authorizer.add_user(LOGIN, PASSWORD, str(shelf.root), perm="elr")
        files = type("Files", (_Files,), {"shelf": shelf})
        handler = type(
            "Handler",
            (FTPHandler,),
            {
                "authorizer": authorizer,
                "abstracted_fs": files,
                "dtp_handler": _Data,
                "use_sendfile": False,
                "auth_failed_timeout": 0,
            },
        )
        listener.setblocking(False)
        self._server = Server(listener, handler)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening; a transfer under way breaks off."""
        self._shelf.closing.set()
        self._thread.join()

    def _serve(self) -> None:
        while not self._shelf.closing.is_set():
            self._server.ioloop.loop(timeout=0.05, blocking=False)
        self._server.close_all()


class Server(ThreadedFTPServer):  # type: ignore[misc]  # pyftpdlib has no types
    """A thread for each client, that ends with this server: pyftpdlib's own end with any of the process."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._exit = threading.Event()


class _Authorizer(DummyAuthorizer):  # type: ignore[misc]  # pyftpdlib has no types
    shelf: Shelf

    def validate_authentication(self, username: str, password: str, handler: Any) -> None:
        if self.shelf.is_on("refuse_login"):
            raise AuthenticationFailed("Login incorrect.")
        super().validate_authentication(username, password, handler)


class _Files(AbstractedFS):  # type: ignore[misc]  # pyftpdlib has no types
    shelf: Shelf

    def open(self, filename: str, mode: str) -> Reading:
        return self.shelf.open(Path(filename))

    def stat(self, path: str) -> os.stat_result:
        return self.shelf.look(Path(path))

    def getsize(self, path: str) -> int:
        return self.shelf.look(Path(path)).st_size


class _Data(DTPHandler):  # type: ignore[misc]  # pyftpdlib has no types
    def handle_error(self) -> None:
        """Break off everything at once: what is left open would be told to the client in good order (426)."""
        self.cmd_channel.close()
