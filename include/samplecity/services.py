"""Which processes run for this installation, and how do all of them end, whatever was killed before?

Every process we start, and every process those start, carries a mark in its environment: the absolute path of the
``var`` folder it works for. The kernel keeps it from the moment a program starts until it ends, so there is no process
that runs unrecorded, no record that goes stale and no recycled pid that could be hit. That is needed: Airflow's
children survive the death of their parent. Only while a process becomes another program is the mark not to be seen,
for about a millisecond, so whoever looks looks again.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

logger = logging.getLogger(__name__)

MARK = "SAMPLECITY_SERVICE_OF"
"""Environment variable that marks our processes. Its own name, because people export STADTDATEN_VAR in their shells."""

PATIENCE = 12.0
"""Seconds that services get to end by themselves. Airflow's scheduler lets its running tasks finish."""

DEATH = 60.0
"""Seconds that a process may take to disappear once it is killed: the kernel may first have to free its memory."""

LOOKS = 3
"""Looks at a process that is just becoming another program, 10 ms apart; it takes about 1 ms."""

LAST_LINES = 15
"""Lines of a log that are shown when its service ended unexpectedly."""


@dataclass(frozen=True)
class Service:
    """A program that runs until it is stopped; ``command`` is its argument list."""

    name: str
    command: tuple[str, ...]


class ServiceEnded(Exception):
    """A service ended although nobody asked it to; the message shows the end of its log."""


class WouldNotEnd(Exception):
    """A process survived SIGKILL (it hangs in the kernel, usually on a dead network drive)."""


class Services:
    """The running services of one installation; leaving the context ends all of them.

    Each service is the leader of its own session, so that Ctrl-C in the terminal reaches only us and we decide in
    which order things end. ``environment`` is the whole environment of the services, ``since`` the moment before
    the first of them started.
    """

    def __init__(self, var: Path, environment: Mapping[str, str]) -> None:
        self.since = datetime.now(UTC)
        self._var = var
        self._environment = {**environment, **_mark(var)}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._started: dict[str, Service] = {}
        self._revived: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, service: Service) -> None:
        """Start the service, its output going to its log; the log of the time before is kept beside it."""
        log = log_path(self._var, service.name)
        log.parent.mkdir(parents=True, exist_ok=True)
        if log.exists():
            log.replace(log.with_suffix(".previous.log"))
        with log.open("wb") as output:
            self._running[service.name] = subprocess.Popen(
                service.command, env=self._environment, cwd=self._var, stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        self._started[service.name] = service

    def check(self) -> None:
        """Raises ServiceEnded if a service has ended.

        One that crashed in native code (SIGSEGV) is started again, once, and that is told: with garbage collection
        (``samplecity.api_server``) Airflow's api-server did so on Python 3.11, with nothing of ours in it.
        """
        for name, process in list(self._running.items()):
            code = process.poll()
            if code is None:
                continue
            log = log_path(self._var, name)
            if code == -signal.SIGSEGV and name not in self._revived:
                self._revived.add(name)
                self.start(self._started[name])
                logger.warning(
                    "%s crashed (SIGSEGV) and was started again; see %s", name, log.with_suffix(".previous.log")
                )
                continue
            raise ServiceEnded(f"{name} ended unexpectedly ({_reason(code)}). The end of {log}:\n{_tail(log)}")

    def stop(self) -> None:
        """End all services: first politely, then for good. Raises WouldNotEnd.

        SIGINT, because Airflow leaves its children behind on SIGTERM. Whatever still runs after PATIENCE is killed,
        and at once if a second Ctrl-C interrupts the wait.
        """
        try:
            for process in self._running.values():
                if process.poll() is None:
                    process.send_signal(signal.SIGINT)
            deadline = time.monotonic() + PATIENCE
            while time.monotonic() < deadline and any(process.poll() is None for process in self._running.values()):
                time.sleep(0.05)
        finally:
            end_all(self._var)
            for process in self._running.values():
                process.wait()
            self._running.clear()


def log_path(var: Path, service: str) -> Path:
    """File that holds the output of the service."""
    return var / "log" / f"{service}.log"


def processes(var: Path) -> list[psutil.Process]:
    """The living processes that belong to the installation, apart from our own."""
    mark = _mark(var)
    found: list[psutil.Process] = []
    undecided = [process for process in psutil.process_iter() if process.pid != os.getpid()]
    for _ in range(LOOKS):
        looked_at, undecided = undecided, []
        for process in looked_at:
            try:
                environment = process.environ()
                if mark.items() <= environment.items():
                    found.append(process)
                elif not environment and _begins(process):
                    undecided.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):  # ended meanwhile, or another person's
                continue
        if not undecided:
            break
        time.sleep(0.01)
    return found


def _begins(process: psutil.Process) -> bool:
    """Whether a process without an environment may be about to get one, as it is just becoming another program.

    The dead and the kernel's own threads (process 2 and its children) never get one.
    """
    return process.status() != psutil.STATUS_ZOMBIE and 2 not in (process.pid, process.ppid())


def end_all(var: Path) -> int:
    """Kill every process of the installation, with all it started meanwhile; how many. Raises WouldNotEnd.

    Returns when they are gone: a dying process loses its environment first and gives back its ports later.
    """
    killed: set[psutil.Process] = set()
    deadline = time.monotonic() + DEATH
    quiet = 0
    while quiet < 2:  # what was being started during a look is seen by the next
        dying = {*processes(var), *filter(_lives, killed)}
        quiet = 0 if dying else quiet + 1
        if dying and time.monotonic() > deadline:
            raise WouldNotEnd(f"these processes cannot be ended: {', '.join(str(process.pid) for process in dying)}")
        for process in dying - killed:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
            killed.add(process)
        time.sleep(0.02)
    return len(killed)


def _lives(process: psutil.Process) -> bool:
    """Whether it still runs: a zombie does not, unless other threads of it have yet to end and hold its ports."""
    try:
        return process.is_running() and (process.status() != psutil.STATUS_ZOMBIE or process.num_threads() > 1)
    except psutil.NoSuchProcess:
        return False


def _mark(var: Path) -> dict[str, str]:
    return {MARK: str(var.resolve())}


def _reason(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _tail(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]
    return "\n".join(f"    {line}" for line in lines) or "    (the log is empty)"
