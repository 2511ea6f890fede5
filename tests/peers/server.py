"""A real server as a process of its own, for as long as a test needs it and not longer."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil


def free_port() -> int:
    """A port of 127.0.0.1 below the range from which the system takes ports, so that nobody gets it meanwhile."""
    while True:
        number = random.randrange(10_000, 32_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", number)):
            return number


@contextmanager
def running(
    command: Sequence[str | Path], port: int, log: Path, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """The server from when it answers on the port; it and all its children are ended however the block ends."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
            env={**os.environ, **(environment or {})},
        )  # fmt: skip
    try:
        _wait_for(process, port, log)
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(psutil.NoSuchProcess):
        family = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
        for each in family:
            with suppress(psutil.NoSuchProcess):
                each.kill()
    process.wait()


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        assert process.poll() is None, f"{process.args!r} ended: {log.read_text(errors='replace')[-2000:]}"
        assert time.monotonic() < deadline, f"{process.args!r} does not answer"
        time.sleep(0.02)  # nothing tells when a foreign server begins to listen
