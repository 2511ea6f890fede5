"""Nights that die by SIGKILL, one after the other, each in a process of its own. Started by a test.

Usage: night_to_kill.py SITE WHERE SOURCE...: SITE is the settings as JSON, WHERE one of ``MOMENTS``. Connections come
from the environment. The imports, which take seconds, are done once: each night is a fork, as Airflow's tasks are.
A line of JSON tells what each left behind: of which sources there are files in the staging, and with which modes.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from stadtdaten.pipeline import candidate, publication, snapshot
from stadtdaten.pipeline.run import prepare
from stadtdaten.pipeline.staging import HELD
from stadtdaten.pipeline.whole import refresh
from stadtdaten.releases import ReleaseStore
from stadtdaten.settings import Settings, endpoint_from_environment

MOMENTS: dict[str, tuple[Any, str]] = {
    "fetched": (snapshot, "fetch_table"),
    "read": (snapshot, "read_table"),
    "kept as a snapshot": (snapshot, "write_frame"),
    "all snapshots taken": (candidate, "admit"),
    "checked": (candidate, "run_suite"),
    "anonymised": (candidate, "anonymise"),
    "written": (candidate, "write_files"),
    "candidate": (candidate, "write_candidate_manifest"),
    "released": (ReleaseStore, "keep"),
    "about to be shown": (publication, "refuse_taken_down"),
}
"""After which act the night dies."""


def dying_after(act: Callable[..., Any]) -> Callable[..., NoReturn]:
    def last_act(*args: Any, **kwargs: Any) -> NoReturn:
        act(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("still alive")

    return last_act


def main() -> None:
    site, where = Settings.model_validate(json.loads(sys.argv[1])), sys.argv[2]
    owner, name = MOMENTS[where]
    setattr(owner, name, dying_after(getattr(owner, name)))
    for source in sys.argv[3:]:
        night = os.fork()
        if not night:
            refresh(prepare(source, settings=site, connect=endpoint_from_environment, run_id=f"killed-{source}"))
            os._exit(1)
        _, status = os.waitpid(night, 0)
        if not os.WIFSIGNALED(status):
            raise SystemExit(f"{source} was not killed: the night never came to {where!r}")
        files = [path for path in site.staging.rglob("*") if path.is_file() and path.suffix != HELD]
        left = sorted({path.relative_to(site.staging).parts[0] for path in files})
        modes = sorted({path.stat().st_mode & 0o777 for path in files})
        sys.stdout.write(json.dumps({"source": source, "left": left, "modes": modes}) + "\n")


if __name__ == "__main__":
    main()
