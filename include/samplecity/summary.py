"""How did the night end for each dataset, and is that what the script expects? From the ledger and the releases."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict
from rich import box
from rich.markup import escape
from rich.table import Table

from samplecity.script import Expected, Night
from stadtdaten import freshness
from stadtdaten.contracts import Contract
from stadtdaten.frames import CheckResult, Manifest
from stadtdaten.ledger import Attempt, Ledger
from stadtdaten.releases import ReleaseStore
from stadtdaten.settings import Settings

PORTAL = "static"
"""Name of the embedded portal in the ledger."""

NARROW = 95
"""Characters below which the table has no room for all columns."""


class Row(BaseModel):
    """How the night ended for one dataset. ``difference`` says what the script expected instead; empty if nothing.

    Rows, cells and checks are of this night; of an unchanged dataset they are those of the release that is live.
    ``release``, ``modified`` and ``page`` are of what is live. Hours of ``deadline`` count from ``modified``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str
    dataset: str
    outcome: str
    held_back_since: datetime | None
    new_incident: bool
    rows_read: int
    rows_published: int
    rows_held_back: int
    cells_held_back: int
    checks_passed: int
    checks_warned: int
    checks_failed: int
    release: str
    modified: datetime | None
    deadline_hours: float | None
    freshness: str
    live: bool
    page: str
    difference: str


def rows(
    contracts: Iterable[Contract], settings: Settings, night: Night, began: datetime, *, resumed: bool
) -> list[Row]:
    """A row for every dataset of the script. ``began`` is when the night did, ``resumed`` if it had begun before."""
    ledger, store = Ledger(settings.ledger), ReleaseStore(settings.releases)
    contract_of = {dataset.id: contract for contract in contracts for dataset in contract.datasets}
    return [
        _row(contract_of.get(dataset), dataset, expected, settings, ledger, store, began, resumed)
        for dataset, expected in night.datasets.items()
    ]


def _row(
    contract: Contract | None,
    dataset: str,
    expected: Expected,
    settings: Settings,
    ledger: Ledger,
    store: ReleaseStore,
    began: datetime,
    resumed: bool,
) -> Row:
    last = ledger.last_attempt(dataset)
    attempt = last if last is not None and last.started >= began else None
    released = ledger.live_release(dataset, PORTAL) or ""
    manifest = store.manifest(dataset, released) if released and store.has(dataset, released) else None
    incident = next((each for each in ledger.open_incidents() if each.dataset == dataset), None)
    checks = _checks(ledger, attempt, manifest)
    outcome = "not run" if attempt is None else attempt.outcome or "not ended"
    rows_read = attempt.rows_read if attempt else 0
    return Row(
        source=contract.source if contract else "",
        dataset=dataset,
        outcome=outcome,
        held_back_since=incident.opened_at if incident else None,
        new_incident=incident is not None and incident.opened_at >= began,
        rows_read=rows_read,
        rows_published=attempt.rows_published if attempt else 0,
        rows_held_back=rows_read if outcome == "held_back" else 0,
        cells_held_back=attempt.held_back if attempt else 0,
        checks_passed=sum(check.success for check in checks),
        checks_warned=sum(not check.success and check.severity == "warning" for check in checks),
        checks_failed=sum(not check.success and check.severity == "critical" for check in checks),
        release=released,
        modified=manifest.metadata.modified if manifest else None,
        deadline_hours=_deadline_hours(contract),
        freshness=_state(contract, manifest, ledger, dataset, incident is not None),
        live=bool(released),
        page=f"{settings.portal_url}dataset/{dataset}/" if released else "",
        difference=_difference(expected, outcome, rows_read, resumed, rebuilt=_is_rebuilt(store, manifest)),
    )


def _checks(ledger: Ledger, attempt: Attempt | None, manifest: Manifest | None) -> Sequence[CheckResult]:
    if attempt is None:
        return ()
    if attempt.outcome == "unchanged" and manifest is not None:
        return manifest.checks
    return ledger.checks(attempt.id)


def _deadline_hours(contract: Contract | None) -> float | None:
    deadline = contract.freshness.deadline_in_force() if contract else None
    return deadline.total_seconds() / 3600 if deadline is not None else None


def _state(contract: Contract | None, manifest: Manifest | None, ledger: Ledger, dataset: str, broken: bool) -> str:
    if contract is None or manifest is None:
        return "never_published"
    good = ledger.last_good_attempt(dataset)
    modified = manifest.metadata.modified
    checked = good.ended if good is not None and good.ended is not None else modified
    return freshness.state(contract.freshness, modified, checked, broken, datetime.now(UTC))


def _is_rebuilt(store: ReleaseStore, manifest: Manifest | None) -> bool:
    """Whether the live release has the content of the one before: made anew by other code, contracts or suites."""
    if manifest is None or not store.has(manifest.dataset, manifest.inputs.previous):
        return False
    return store.manifest(manifest.dataset, manifest.inputs.previous).inputs.content == manifest.inputs.content


def _difference(expected: Expected, outcome: str, rows_read: int, resumed: bool, *, rebuilt: bool) -> str:
    """What is not as the script says; empty if all is.

    The script cannot know two things: what a killed run had published is unchanged when its night resumes, and an
    unchanged source is published anew after a change of code, contracts or suites.
    """
    allowed = {expected.outcome}
    if expected.outcome == "published" and resumed:
        allowed.add("unchanged")
    if expected.outcome == "unchanged" and rebuilt:
        allowed.add("published")
    if outcome not in allowed:
        return f"expected {_words(expected.outcome)}, but it is {_words(outcome)}"
    if outcome != "unchanged" and rows_read != expected.rows:
        return f"expected {expected.rows:,} rows read, but there were {rows_read:,}"
    return ""


def table(shown: Iterable[Row], now: datetime, width: int) -> Table:
    """The rows for people, in ``width`` characters; a narrow terminal does without what else is in the JSON.

    Checks are passed, warned, failed; an age runs from the last change.
    """
    narrow = width < NARROW
    result = Table(box=box.SIMPLE_HEAD, padding=0, pad_edge=False)
    result.add_column("dataset", no_wrap=True)
    for title in ("read", "published", "held back", "✓/!/✗"):
        result.add_column(title, justify="right", no_wrap=True)
    for title in () if narrow else ("release", "portal"):
        result.add_column(title, no_wrap=True)
    result.add_column("age of limit", no_wrap=True)
    result.add_column("outcome", min_width=10)
    for row in shown:
        colour = "red" if row.difference else "yellow" if row.outcome == "held_back" else "green"
        release = row.release[:8] or "–"
        portal = f"[link={row.page}]live[/link]" if row.live else "–"
        result.add_row(
            escape(row.dataset),
            f"{row.rows_read:,}",
            f"{row.rows_published:,}",
            _held_back(row),
            f"{row.checks_passed}/{row.checks_warned}/{row.checks_failed}",
            *(() if narrow else (release, portal)),
            _age(row, now),
            f"[{colour}]{_outcome(row, now)}",
        )
    return result


def _held_back(row: Row) -> str:
    if row.rows_held_back:
        return f"{row.rows_held_back:,} rows"
    return f"{row.cells_held_back:,} cells" if row.cells_held_back else "–"


def _age(row: Row, now: datetime) -> str:
    if row.modified is None:
        return "–"
    age = freshness.describe_age(now - row.modified)
    if row.deadline_hours is None:
        return age
    return f"{age} of {freshness.describe_age(timedelta(hours=row.deadline_hours))}"


def _outcome(row: Row, now: datetime) -> str:
    if row.outcome != "held_back" or row.held_back_since is None:
        return _words(row.outcome)
    moment = row.held_back_since.astimezone()
    since = moment.strftime("%H:%M" if moment.date() == now.astimezone().date() else "%d %b")
    return f"held back since {since}" if row.new_incident else f"still held back since {since}"


def _words(outcome: str) -> str:
    return outcome.replace("_", " ")
