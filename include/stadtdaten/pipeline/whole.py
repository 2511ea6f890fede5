"""All steps of one source in one process: what the command line runs where Airflow is not there to do it."""

from __future__ import annotations

from stadtdaten.faults import Fault
from stadtdaten.pipeline.publication import decide, publish, verify
from stadtdaten.pipeline.run import Run
from stadtdaten.pipeline.snapshot import take_snapshots


def refresh(run: Run) -> dict[str, Fault | None]:
    """Refresh every dataset of the source; what stopped each dataset, or None where it is up to date.

    A fault of one dataset does not keep the others from being refreshed. Raises the Fault of the whole source.
    """
    outcome: dict[str, Fault | None] = {}
    for reference in take_snapshots(run):
        outcome[reference["dataset"]] = None
        if reference["state"] == "unchanged":
            continue
        # Only for what has changed: Great Expectations takes three seconds to import.
        from stadtdaten.pipeline.candidate import build_candidate

        try:
            verify(run, publish(run, decide(run, build_candidate(run, reference))))
        except Fault as fault:
            outcome[reference["dataset"]] = fault
    return outcome
