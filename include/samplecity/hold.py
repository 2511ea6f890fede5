"""Who works with this ``var`` folder right now? Only one command may start services on it at a time.

The lock is the kernel's: it ends with the process that holds it, however that process ends.
"""

from __future__ import annotations

import fcntl
import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

PATIENCE = 30.0
"""Seconds that the holder gets to end what it started before it is killed."""


@dataclass(frozen=True)
class Holder:
    """The process that works with the folder; ``started`` (seconds since 1970) tells it from a later one of its pid."""

    pid: int
    started: float
    command: str


class InUse(Exception):
    """Another command works with the folder."""


@contextmanager
def hold(var: Path, command: str) -> Iterator[None]:
    """Work alone with the folder. Raises InUse, naming who holds it."""
    _lock_path(var).parent.mkdir(parents=True, exist_ok=True)
    with _lock_path(var).open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _read(var)
            who = f"`{holder.command}` (pid {holder.pid})" if holder else "Another command"
            raise InUse(f"{who} is already running on {var}. Wait for it, or end it with `make down`.") from None
        lock.truncate(0)
        own = psutil.Process()
        lock.write(json.dumps({"pid": own.pid, "started": own.create_time(), "command": command}))
        lock.flush()
        yield


def end_holder(var: Path) -> Holder | None:
    """Ask whoever holds the folder to end, kill it if it does not; who it was, None if nobody. Raises InUse."""
    if not _lock_path(var).exists() or not _is_held(var):
        return None
    holder = _read(var)
    if holder is None:
        raise InUse(f"another command is just beginning on {var}: try again in a moment")
    deadline = time.monotonic() + PATIENCE
    _send(holder, signal.SIGINT)
    while _is_held(var):
        if time.monotonic() > deadline:
            _send(holder, signal.SIGKILL)
            deadline = float("inf")
        time.sleep(0.1)
    return holder


def _send(holder: Holder, number: signal.Signals) -> None:
    """Signal the holder, never a later process of the same pid."""
    try:
        process = psutil.Process(holder.pid)
        if process.create_time() == holder.started:
            process.send_signal(number)
    except psutil.NoSuchProcess:
        return


def _is_held(var: Path) -> bool:
    with _lock_path(var).open("a", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _read(var: Path) -> Holder | None:
    """What the holder wrote about itself; None if it has not yet, or what is there is of an earlier one."""
    try:
        holder = Holder(**json.loads(_lock_path(var).read_text(encoding="utf-8")))
        return holder if psutil.Process(holder.pid).create_time() == holder.started else None
    except (json.JSONDecodeError, psutil.NoSuchProcess):
        return None


def _lock_path(var: Path) -> Path:
    return var / "run" / "lock"
