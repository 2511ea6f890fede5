"""How did the night end for each dataset, and is that what the script expects?

What ran is told by the ledger; what visitors see, and from which release, is asked of the portal and the release store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict
from rich.text import Text

from samplecity.script import Expected, Night
from stadtdaten import freshness
from stadtdaten.contracts import City, Contract
from stadtdaten.faults import Fault
from stadtdaten.frames import CheckResult, Manifest
from stadtdaten.ledger import Attempt, Ledger
from stadtdaten.portals import StaticPortal
from stadtdaten.releases import ReleaseStore
from stadtdaten.settings import Settings

PORTAL = "static"
"""Name of the embedded portal in the ledger."""


class Row(BaseModel):
    """How the night ended for one dataset. ``difference`` says what the script expected instead; empty if nothing.

    Rows, cells and checks are of this night; of an unchanged dataset they are those of the release that is live.
    ``release``, ``modified`` and ``page`` are of what the portal shows. Hours of ``deadline`` count from ``modified``.
    ``restored``: what somebody had deleted from the portal or the store is back, as the same release or made anew.
    ``incident`` is the German sentence of the dataset's open incident.
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
    restored: bool
    incident: str
    difference: str


def last_live(night: Night, settings: Settings) -> dict[str, str]:
    """The release that was live last of each dataset, as the ledger remembers it: also if the portal has lost it."""
    ledger = Ledger(settings.ledger)
    return {dataset: ledger.live_release(dataset, PORTAL) or "" for dataset in night.datasets}


def rows(
    contracts: Iterable[Contract],
    city: City,
    settings: Settings,
    night: Night,
    began: datetime,
    before: Mapping[str, str],
    *,
    resumed: bool,
) -> list[Row]:
    """A row for every dataset of the script.

    ``began`` is when the night did, ``before`` what had been live until then (``last_live``), ``resumed`` says that an
    earlier run had begun the night.
    """
    ledger, store = Ledger(settings.ledger), ReleaseStore(settings.releases)
    portal = StaticPortal(settings.portal, settings.portal_url, city, settings.portal_sample, store)
    incidents = ledger.open_incidents()
    contract_of = {dataset.id: contract for contract in contracts for dataset in contract.datasets}
    shown = []
    for dataset, expected in night.datasets.items():
        contract = contract_of.get(dataset)
        manifest, trouble = None, ""
        try:
            live = portal.live(dataset)
            manifest = store.manifest(dataset, live.release) if live else None
        except Fault as fault:
            trouble = fault.message
        last = ledger.last_attempt(dataset)
        attempt = last if last is not None and last.started >= began else None
        concerned = (each for each in incidents if contract and each.source == contract.source)
        incident = next((each for each in concerned if each.dataset in (dataset, None)), None)
        outcome = "not run" if attempt is None else attempt.outcome or "not ended"
        rows_read = attempt.rows_read if attempt else 0
        released = manifest.release if manifest else ""
        checks = _checks(ledger, attempt, manifest)
        former = before.get(dataset, "")
        lost = former != "" and not store.has(dataset, former)  # and made anew, as another release
        known = manifest is not None and (released == former or manifest.created < began)
        restored = outcome == "published" and (known or lost)
        allowed = _allowed(expected, resumed=resumed, again=restored or _is_rebuilt(store, manifest))
        difference = _difference(expected, outcome, rows_read, allowed)
        if not difference and manifest is None:
            difference = trouble or "nothing of it is live on the portal"
        shown.append(
            Row(
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
                live=manifest is not None,
                page=portal.page(dataset) if manifest else "",
                restored=restored,
                incident=incident.message if incident else "",
                difference=difference,
            )
        )
    return shown


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


def _allowed(expected: Expected, *, resumed: bool, again: bool) -> set[str]:
    """The outcomes that are as the script says.

    The script cannot know three things: what a killed run had published is unchanged when its night resumes; an
    unchanged source is published ``again`` after a change of code, contracts or suites; and so is what somebody has
    deleted.
    """
    allowed: set[str] = {expected.outcome}
    if expected.outcome == "published" and resumed:
        allowed.add("unchanged")
    if expected.outcome == "unchanged" and again:
        allowed.add("published")
    return allowed


def _difference(expected: Expected, outcome: str, rows_read: int, allowed: set[str]) -> str:
    """What is not as the script says; empty if all is."""
    if outcome not in allowed:
        return f"expected {_words(expected.outcome)}, but it is {_words(outcome)}"
    if outcome != "unchanged" and rows_read != expected.rows:
        return f"expected {expected.rows:,} rows read, but there were {rows_read:,}"
    return ""


def table(shown: Sequence[Row], now: datetime, width: int, city: City) -> Text:
    """The rows for people, in ``width`` characters, followed by what the open incidents say; times are the city's.

    Checks are passed, warned, failed; an age runs from the last change. Nothing is cut off: where one line per dataset
    has no room for everything, there are two.
    """
    zone = ZoneInfo(city.timezone)
    heads = ("dataset", "read", "published", "held back", "✓/!/✗", "age of limit")
    lines = [
        (
            row.dataset,
            f"{row.rows_read:,}",
            f"{row.rows_published:,}",
            _held_back(row),
            f"{row.checks_passed}/{row.checks_warned}/{row.checks_failed}",
            _age(row, now),
        )
        for row in shown
    ]
    widths = [max(map(len, column)) for column in zip(heads, *lines, strict=True)]
    ends = [_outcome(row, now, zone) for row in shown]
    needed = sum(widths) + 2 * len(widths) + len("release   portal  ") + max(map(len, ends))
    wide = width >= needed
    result = Text()
    titles = _line(heads, widths) + ("  release   portal  outcome" if wide else "")
    result.append(f"{titles}\n", "bold")
    result.append("─" * min(width, needed if wide else len(titles)) + "\n", "bright_black")
    for row, cells, end in zip(shown, lines, ends, strict=True):
        colour = "red" if row.difference else "yellow" if row.outcome == "held_back" else "green"
        release, portal = row.release[:8] or "–", ("live" if row.live else "–", f"link {row.page}" if row.page else "")
        if wide:
            result.append(_line(cells, widths)).append(f"  {release:<8}  ").append(*portal)
            result.append(" " * (8 - len(portal[0]))).append(f"{end}\n", colour)
        else:
            result.append(f"{_line(cells, widths).rstrip()}\n  ").append(end, colour)
            result.append(f", release {release}, portal ").append(*portal).append("\n")
    for said in dict.fromkeys(row.incident for row in shown if row.incident):  # one of a whole source is told once
        result.append(f"\n{said}\n", "yellow")
    return result


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """The cells side by side: names and ages begin together, figures end together."""
    sides = "<>>>><"
    return "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(cells, sides, widths, strict=True))


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


def _outcome(row: Row, now: datetime, zone: ZoneInfo) -> str:
    if row.restored:
        return "published (restored)"
    if row.outcome != "held_back" or row.held_back_since is None:
        return _words(row.outcome)
    moment = row.held_back_since.astimezone(zone)
    since = moment.strftime("%H:%M" if moment.date() == now.astimezone(zone).date() else "%d %b")
    return f"held back since {since}" if row.new_incident else f"still held back since {since}"


def _words(outcome: str) -> str:
    return outcome.replace("_", " ")
