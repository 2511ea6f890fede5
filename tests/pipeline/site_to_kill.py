"""A night in a process of its own that dies, as by SIGKILL, right before or after one act. Started by a test.

Usage: site_to_kill.py SITE SOURCE WHERE [DATASET RELEASE]: SITE is the settings as JSON, WHERE for example
``after_keep``; with DATASET and RELEASE it is a rollback that dies. Connections come from the environment.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from stadtdaten.ledger import Ledger
from stadtdaten.pipeline import candidate, publication, snapshot
from stadtdaten.pipeline.run import prepare
from stadtdaten.pipeline.whole import refresh
from stadtdaten.portals import StaticPortal
from stadtdaten.releases import ReleaseStore
from stadtdaten.settings import Settings, endpoint_from_environment

KILLED = 77

ACTS: dict[str, tuple[Any, str]] = {
    "fetch": (snapshot, "fetch_table"),
    "candidate": (candidate, "write_candidate_manifest"),
    "keep": (ReleaseStore, "keep"),
    "reconcile": (StaticPortal, "reconcile"),
    "mark_live": (Ledger, "mark_live"),
    "finish_attempt": (Ledger, "finish_attempt"),
    "open_incident": (Ledger, "open_incident"),
    "recover": (Ledger, "recover"),
}


def die(*_: object, **__: object) -> NoReturn:
    os._exit(KILLED)


def dying_after(act: Callable[..., Any]) -> Callable[..., NoReturn]:
    def last_act(*args: Any, **kwargs: Any) -> NoReturn:
        act(*args, **kwargs)
        os._exit(KILLED)

    return last_act


def main() -> None:
    site, source, where = json.loads(sys.argv[1]), sys.argv[2], sys.argv[3]
    when, _, act = where.partition("_")
    owner, name = ACTS[act]
    setattr(owner, name, die if when == "before" else dying_after(getattr(owner, name)))
    run = prepare(
        source, settings=Settings.model_validate(site), connect=endpoint_from_environment, run_id=f"killed_{where}"
    )
    if len(sys.argv) > 4:
        publication.rollback(run, *sys.argv[4:6])
    else:
        refresh(run)


if __name__ == "__main__":
    main()
