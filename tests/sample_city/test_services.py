"""Processes that outlive the one who started them are found and ended; nobody else's are."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from samplecity.services import MARK, Service, ServiceEnded, Services, end_all, log_path, processes

STUBBORN = """
import os, signal, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
print("ready", flush=True)
time.sleep(600)
"""
"""Ignores SIGINT and has a grandchild in a session of its own, whose parent is gone."""


def sleeper(code: str = "print('ready', flush=True); import time; time.sleep(600)") -> Service:
    return Service("sleeper", (sys.executable, "-c", code))


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "did not come true within 60 s"
        time.sleep(0.02)


def lines(var: Path) -> int:
    return log_path(var, "sleeper").read_text().count("ready")


def alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def test_leaving_the_context_ends_every_service(tmp_path: Path) -> None:
    with Services(tmp_path, os.environ) as services:
        services.start(sleeper())
        wait_until(lambda: lines(tmp_path) == 1)
        (started,) = processes(tmp_path)
    assert not alive(started)
    assert processes(tmp_path) == []


def test_a_service_that_ignores_us_and_its_orphans_are_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("samplecity.services.PATIENCE", 1.0)
    with Services(tmp_path, os.environ) as services:
        services.start(sleeper(STUBBORN))
        wait_until(lambda: lines(tmp_path) == 2)
        started = processes(tmp_path)
        assert len(started) == 2
    assert not any(alive(process) for process in started)


def test_what_a_killed_parent_left_is_ended_by_the_next(tmp_path: Path) -> None:
    driver = subprocess.Popen(
        [
            sys.executable, "-c",
            "import os, sys, time; from pathlib import Path; from samplecity.services import Service, Services\n"
            "services = Services(Path(sys.argv[1]), os.environ)\n"
            "services.start(Service('sleeper', (sys.executable, '-c', sys.argv[2])))\n"
            "time.sleep(600)",
            str(tmp_path), STUBBORN,
        ]
    )  # fmt: skip
    wait_until(lambda: log_path(tmp_path, "sleeper").exists() and lines(tmp_path) == 2)
    driver.kill()
    driver.wait()
    left = processes(tmp_path)
    assert len(left) == 2
    assert end_all(tmp_path) == 2
    assert not any(alive(process) for process in left)


def test_another_installation_and_whoever_names_the_same_folder_are_left_alone(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    theirs.mkdir()
    shell = subprocess.Popen(["sleep", "600"], env={**os.environ, "STADTDATEN_VAR": str(ours)})
    try:
        with Services(theirs, os.environ) as services:
            services.start(sleeper())
            assert end_all(ours) == 0
            assert len(processes(theirs)) == 1
            assert shell.poll() is None
    finally:
        shell.kill()
        shell.wait()


def test_a_process_that_is_just_becoming_a_program_is_not_overlooked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = psutil.Process.environ
    hidden = 2

    def environ(process: psutil.Process) -> dict[str, str]:
        nonlocal hidden
        environment = really(process)
        if MARK in environment and hidden:
            hidden -= 1
            return {}
        return environment

    with Services(tmp_path, os.environ) as services:
        services.start(sleeper())
        monkeypatch.setattr(psutil.Process, "environ", environ)
        assert len(processes(tmp_path)) == 1
        assert hidden == 0


def test_every_one_of_many_just_started_services_is_ended(tmp_path: Path) -> None:
    for number in range(20):
        with Services(tmp_path, os.environ) as services:
            services.start(Service(f"sleeper-{number}", ("sleep", "600")))
            assert end_all(tmp_path) == 1


def test_a_relative_path_names_the_same_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Services(tmp_path, os.environ) as services:
        services.start(sleeper())
        assert end_all(Path()) == 1


def test_a_process_that_works_for_nobody_carries_no_mark() -> None:
    assert MARK not in os.environ


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise SystemExit('the disk is full')", "exit code 1"),
        ("import os, signal; print('the disk is full', flush=True); os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
    ],
)
def test_a_service_that_ends_by_itself_is_named_with_the_end_of_its_log(tmp_path: Path, code: str, reason: str) -> None:
    with Services(tmp_path, os.environ) as services:
        services.start(sleeper(code))

        def ended() -> bool:
            try:
                services.check()
            except ServiceEnded as error:
                assert "sleeper" in str(error)
                assert reason in str(error)
                assert "the disk is full" in str(error)
                return True
            return False

        wait_until(ended)


def test_the_log_of_the_time_before_is_kept(tmp_path: Path) -> None:
    for _ in range(2):
        with Services(tmp_path, os.environ) as services:
            services.start(sleeper())
            wait_until(lambda: lines(tmp_path) == 1)
    assert "ready" in (tmp_path / "log" / "sleeper.previous.log").read_text()


def test_a_second_interrupt_ends_everything_at_once(tmp_path: Path) -> None:
    driver = subprocess.Popen(
        [
            sys.executable, "-c",
            "import os, sys, time; from pathlib import Path; from samplecity.services import Service, Services\n"
            "with Services(Path(sys.argv[1]), os.environ) as services:\n"
            "    services.start(Service('sleeper', (sys.executable, '-c', sys.argv[2])))\n"
            "    time.sleep(600)",
            str(tmp_path), STUBBORN,
        ],
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    wait_until(lambda: log_path(tmp_path, "sleeper").exists() and lines(tmp_path) == 2)
    driver.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        driver.wait(1)
    driver.send_signal(signal.SIGINT)
    driver.wait(5)
    assert processes(tmp_path) == []
