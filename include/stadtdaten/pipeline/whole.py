"""All steps of one source in one process: what the command line runs where Airflow is not there to do it."""

from __future__ import annotations

from stadtdaten.faults import Fault
from stadtdaten.pipeline.publication import decide, publish, verify
from stadtdaten.pipeline.run import Run, SnapshotReference
from stadtdaten.pipeline.snapshot import take_snapshots
from stadtdaten.pipeline.staging import at_work, discard


def refresh(run: Run) -> dict[str, Fault | None]:
    """Refresh every dataset of the source; what stopped each dataset, or None where it is up to date.

    A fault of one dataset does not keep the others from being refreshed. Raises the Fault of the whole source.
    """
    outcome: dict[str, Fault | None] = {}
    references = take_snapshots(run)
    with at_work(run.staging):  # what waits for its turn dies with us
        try:
            for reference in references:
                outcome[reference["dataset"]] = _refresh_one(run, reference)
        finally:
            discard(run.staging)
    return outcome


def _refresh_one(run: Run, reference: SnapshotReference) -> Fault | None:
    if reference["state"] == "unchanged":
        return None
    # Only for what has changed: Great Expectations takes three seconds to import.
    from stadtdaten.pipeline.candidate import build_candidate

    try:
        verify(run, publish(run, decide(run, build_candidate(run, reference))))
    except Fault as fault:
        return fault
    return None
