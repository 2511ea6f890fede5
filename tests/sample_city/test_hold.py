"""Only one command at a time works with a folder; the second says who does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from samplecity import hold
from samplecity.hold import InUse

HOLDER = """
import sys, time
from pathlib import Path
from samplecity.hold import hold
try:
    with hold(Path(sys.argv[1]), "make up"):
        print("held", flush=True)
        time.sleep(600)
except KeyboardInterrupt:
    pass
"""

DEAF = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n" + HOLDER


@contextmanager
def holder(var: Path, code: str = HOLDER) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", code, str(var)], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_a_second_command_is_refused_and_told_who_runs(tmp_path: Path) -> None:
    with (
        holder(tmp_path) as first,
        pytest.raises(InUse, match=rf"`make up` \(pid {first.pid}\)"),
        hold.hold(tmp_path, "make refresh"),
    ):
        pass


def test_the_folder_is_free_again_when_its_holder_was_killed(tmp_path: Path) -> None:
    with holder(tmp_path) as first:
        first.kill()
        first.wait()
        with hold.hold(tmp_path, "make refresh"):
            assert hold.end_holder(tmp_path / "other") is None


def test_a_holder_is_asked_to_end(tmp_path: Path) -> None:
    with holder(tmp_path) as first:
        ended = hold.end_holder(tmp_path)
        assert ended is not None
        assert ended.pid == first.pid
        assert first.wait(60) == 0


def test_a_holder_that_does_not_listen_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hold, "PATIENCE", 0.5)
    with holder(tmp_path, DEAF) as first:
        assert hold.end_holder(tmp_path) is not None
        assert first.wait(60) == -9


def test_a_later_process_of_the_same_pid_is_not_taken_for_the_holder(tmp_path: Path) -> None:
    with holder(tmp_path) as first:
        lock = tmp_path / "run" / "lock"
        lock.write_text(lock.read_text().replace('"started": 1', '"started": 9'))
        with pytest.raises(InUse, match="Another command"), hold.hold(tmp_path, "make refresh"):
            pass
        with pytest.raises(InUse, match="just beginning"):
            hold.end_holder(tmp_path)
        assert first.poll() is None
