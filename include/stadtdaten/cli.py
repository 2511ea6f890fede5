"""The `stadtdaten` command: everything the pipeline does, without Airflow.

Terminal output is English; what a fault says is German, because it is the text that on-call staff get. Exit codes:
0 all well, 1 something is held back, broken or wrong, 2 the call itself was wrong.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, NoReturn
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable

from stadtdaten import freshness
from stadtdaten.contracts import Contract, ContractError, Problem, load_city, load_contract
from stadtdaten.contracts.schema import check_schemas, write_schemas
from stadtdaten.faults import Fault
from stadtdaten.settings import Settings, endpoint_from_environment, settings_from_environment

if TYPE_CHECKING:
    from stadtdaten.contracts import Table
    from stadtdaten.frames import Incident, Stage
    from stadtdaten.pipeline.run import Run

app = typer.Typer(
    name="stadtdaten",
    help="Municipal open data: from a contract to a checked, anonymised, published release.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
out = Console()
err = Console(stderr=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
SourceName = Annotated[str, typer.Argument(help="Id of the source system, e.g. baumkataster.")]
DatasetName = Annotated[str, typer.Argument(help="Id of the dataset, e.g. baumkataster.")]


@app.command()
def status(as_json: AsJson = False) -> None:
    """What is live of each dataset, how old it is, and what is wrong."""
    from stadtdaten.pipeline.run import prepare
    from stadtdaten.privacy.admission import NOTICE

    settings = _settings(as_json)
    zone = _zone(settings)
    rows: list[dict[str, Any]] = []
    contracts, broken = _contracts(settings)
    for contract in contracts:
        try:
            run = prepare(contract.source, settings=settings, connect=endpoint_from_environment, run_id="status")
            run.ledger.upgrade()
            incidents = run.ledger.open_incidents()
            rows += [_status(run, dataset.id, incidents) for dataset in contract.datasets]
        except Fault as fault:
            _fail(fault, as_json, source=contract.source)
    _print_broken(broken)
    if as_json:
        _print_json(rows)
        raise typer.Exit(1 if broken else 0)
    table = RichTable(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for heading in ("dataset", "state", "release", "modified", "due", "rows"):
        # A narrow terminal breaks lines, and cuts nothing.
        table.add_column(heading, overflow="fold", no_wrap=heading in ("dataset", "release"))
    for row in rows:
        table.add_row(
            row["dataset"],
            row["state"],
            row["release"] or "–",
            _day(row["modified"], zone),
            _day(row["due"], zone),
            str(row["rows_published"] if row["rows_published"] is not None else "–"),
        )
    out.print(table)
    soon = (_now() + NOTICE).date().isoformat()
    for row in rows:
        if row["review"] <= soon:
            out.print(f"{row['dataset']}: its release record ends on {row['review']}", style="yellow", highlight=False)
        if row["incident"]:
            since = f"held back since {_short(row['held_back_since'], zone)}" if row["held_back_since"] else "broken"
            out.print(f"{row['dataset']}: {since}", style="red")
            out.print(f"  {escape(row['incident'])}", highlight=False)
    raise typer.Exit(1 if broken else 0)


@app.command()
def run(
    source: SourceName,
    force: Annotated[bool, typer.Option("--force", help="Rebuild even if the source is unchanged.")] = False,
    as_json: AsJson = False,
) -> None:
    """Refresh one source now, in this process, without Airflow."""
    from stadtdaten.pipeline.run import prepare
    from stadtdaten.pipeline.whole import refresh

    settings = _settings(as_json)
    _known_source(settings, source)
    if not as_json:
        logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
        logging.getLogger().handlers[0].addFilter(_without_groups)
        logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        prepared = prepare(
            source,
            settings=settings,
            connect=endpoint_from_environment,
            run_id=f"cli__{_now().isoformat()}",
            force=force,
        )
        outcome = refresh(prepared)
    except Fault as fault:
        _fail(fault, as_json, source=source)
    rows = []
    for dataset, fault_or_none in outcome.items():
        attempt = prepared.ledger.last_attempt(dataset)
        rows.append(
            {
                "dataset": dataset,
                "outcome": attempt.outcome if attempt else None,
                "release": attempt.release if attempt else None,
                "rows_read": attempt.rows_read if attempt else None,
                "rows_published": attempt.rows_published if attempt else None,
                "fault": _fault_as_dict(fault_or_none) if fault_or_none else None,
            }
        )
    if as_json:
        _print_json(rows)
    else:
        for row in rows:
            out.print(f"{row['dataset']}: {row['outcome']} {row['release'] or ''}")
        for fault_or_none in outcome.values():
            if fault_or_none:
                _print_fault(fault_or_none)
    raise typer.Exit(1 if any(outcome.values()) else 0)


@app.command()
def check(as_json: AsJson = False) -> None:
    """Validate city, contracts, suites, DAG files and schemas; explain every error with file, line and fix."""
    from stadtdaten.privacy.text.metadata import check_city, check_contract
    from stadtdaten.quality.suites import check_suite, suite_path

    settings = _settings(as_json)
    problems: list[Problem] = []
    try:
        problems += check_city(load_city(settings.city), settings.city)
    except ContractError as error:
        problems += error.problems
    known: set[str] = set()
    for path in sorted(settings.contracts.glob("*.yaml")):
        known.add(path.stem)
        dag_file = settings.home / "dags" / f"{path.stem}.py"
        if not dag_file.is_file():
            problems.append(Problem(dag_file, 1, "the contract has no DAG file", "copy a neighbour, change two lines"))
        try:
            contract = load_contract(path)
        except ContractError as error:
            problems += error.problems
            continue
        problems += check_contract(contract, path)
        judged: list[tuple[Table, Stage]] = []
        for dataset in contract.datasets:
            for table in dataset.tables:
                judged += [(table, "raw"), (table, "public")]
            judged += [(reference.table, "raw") for reference in dataset.references]
        for table, stage in judged:
            suite = suite_path(settings.expectations, contract.source, table.id, stage)
            problems += check_suite(suite, _columns(table, stage))
    if not known:
        problems.append(Problem(settings.contracts, 1, "no contract found", "add <source>.yaml"))
    problems += [
        Problem(path, 1, "suites without a contract", "remove the folder, or restore the contract")
        for path in sorted(settings.expectations.iterdir())
        if path.is_dir() and path.name not in known
    ]
    problems += check_schemas(settings.contracts / "schema")
    if as_json:
        _print_json(
            [{"file": str(each.file), "line": each.line, "message": each.message, "fix": each.fix} for each in problems]
        )
    else:
        for problem in problems:
            err.print(escape(str(problem)), style="red", highlight=False, soft_wrap=True)
        if not problems:
            out.print(f"{len(known)} contracts and their suites are in order.")
    raise typer.Exit(1 if problems else 0)


@app.command()
def rollback(
    dataset: DatasetName,
    to: Annotated[str, typer.Option("--to", help="Release to go back to; by default the one before.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make an older release live again: the same act as publishing, with an older release."""
    from stadtdaten.pipeline import publication
    from stadtdaten.pipeline.run import prepare

    settings = _settings(as_json)
    source = _source_of(settings, dataset)
    try:
        prepared = prepare(source, settings=settings, connect=endpoint_from_environment, run_id="rollback")
        prepared.ledger.upgrade()
        live = prepared.live(dataset)
        target = to or (live.inputs.previous if live else "")
        if not target:
            _fail_call(f"{dataset}: there is no release before the live one.")
        manifest = publication.rollback(prepared, dataset, target)
    except Fault as fault:
        _fail(fault, as_json, dataset=dataset)
    row = {
        "dataset": dataset,
        "release": manifest.release,
        "was": live.release if live else None,
        "modified": manifest.metadata.modified.isoformat(),
        "rows_published": manifest.rows_published,
        "portal": prepared.portal.page(dataset),
    }
    if as_json:
        _print_json(row)
    else:
        modified = _short(manifest.metadata.modified.isoformat(), ZoneInfo(prepared.city.timezone))
        out.print(f"{dataset}: release {manifest.release} of {modified} is live again.")


@app.command()
def takedown(
    dataset: DatasetName,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Something personal got out: withdraw and erase every release of a dataset, at once and for good."""
    from stadtdaten.pipeline.takedown import WHOM_TO_CALL, reach, take_down

    settings = _settings(as_json)
    try:
        within = reach(dataset, settings)
    except Fault as fault:
        _fail(fault, as_json, dataset=dataset)
    if not yes and not typer.confirm(
        f"Withdraw {dataset} from every portal and erase all its releases? This cannot be undone.", err=True
    ):
        err.print("Nothing was changed.")
        raise typer.Exit(1)
    try:
        taken = take_down(within)
    except Fault as fault:
        _fail(fault, as_json, dataset=dataset)
    if as_json:
        _print_json(
            {
                "dataset": dataset,
                "at": taken.tombstone.at.isoformat(),
                "releases": list(taken.tombstone.releases),
                "facts": str(taken.facts),
                "whom_to_call": list(WHOM_TO_CALL),
            }
        )
        return
    out.print(f"{dataset}: {len(taken.tombstone.releases)} releases withdrawn and erased; visitors get nothing.")
    out.print(f"Facts for the report of the breach: {taken.facts}", soft_wrap=True, highlight=False)
    out.print("What only you can do (in German, to be passed on):")
    for each in WHOM_TO_CALL:
        out.print(f"  - {each}", highlight=False)


@app.command()
def schema() -> None:
    """Write the JSON Schemas of contracts and city, for editors."""
    for path in write_schemas(_settings().contracts / "schema"):
        out.print(str(path))


@app.command()
def migrate() -> None:
    """Bring the ledger's database to the present schema (also done by every run)."""
    from stadtdaten.ledger import Ledger

    settings = _settings()
    try:
        Ledger(settings.ledger).upgrade()
    except Fault as fault:
        _fail(fault, as_json=False)
    out.print("The ledger is up to date.")


def main() -> None:
    """Entry point of the `stadtdaten` command."""
    app()


def _status(run: Run, dataset: str, incidents: tuple[Incident, ...]) -> dict[str, Any]:
    """One dataset's line of `status`."""
    contract = run.contract
    incident = next(
        (
            each
            for each in incidents
            if each.source == contract.source and each.dataset in (dataset, None) and not each.notice
        ),
        None,
    )
    last, good = run.ledger.last_attempt(dataset), run.ledger.last_good_attempt(dataset)
    checked = good.ended if good else None
    problem = incident.message if incident else None
    try:
        live = run.live(dataset)
        state = "not live"
    except Fault as fault:
        live, state, problem = None, "broken", problem or fault.message
    modified = due = None
    if live:
        modified = live.metadata.modified
        due = freshness.next_expected(contract.freshness, modified)
        state = freshness.state(contract.freshness, modified, checked or modified, incident is not None, _now())
    return {
        "source": contract.source,
        "dataset": dataset,
        "state": state,
        "release": live.release if live else None,
        "modified": modified.isoformat() if modified else None,
        "due": due.isoformat() if due else None,
        "rows_published": live.rows_published if live else None,
        "last_outcome": last.outcome if last else None,
        "last_checked": checked.isoformat() if checked else None,
        "held_back_since": incident.opened_at.isoformat() if incident else None,
        "incident": problem,
        "review": contract.dataset(dataset).release.next_review.isoformat(),
        "portal": run.portal.page(dataset) if live else None,
    }


def _settings(as_json: bool = False) -> Settings:
    try:
        return settings_from_environment()
    except Fault as fault:
        _fail(fault, as_json)


def _contracts(settings: Settings) -> tuple[list[Contract], list[ContractError]]:
    """Every contract that can be read, and what is wrong with the others: one mistake does not stop all sources."""
    contracts, broken = [], []
    for path in sorted(settings.contracts.glob("*.yaml")):
        try:
            contracts.append(load_contract(path))
        except ContractError as error:
            broken.append(error)
    return contracts, broken


def _print_broken(broken: list[ContractError]) -> None:
    for error in broken:
        err.print(escape(str(error)), style="red", highlight=False, soft_wrap=True)


def _known_source(settings: Settings, source: str) -> None:
    known = sorted(path.stem for path in settings.contracts.glob("*.yaml"))
    if source not in known:
        _fail_call(f"there is no source {source!r}; known: {', '.join(known) or 'none'}")


def _source_of(settings: Settings, dataset: str) -> str:
    contracts, broken = _contracts(settings)
    datasets = {each.id: contract.source for contract in contracts for each in contract.datasets}
    if dataset not in datasets:
        _print_broken(broken)
        _fail_call(f"there is no dataset {dataset!r}; known: {', '.join(sorted(datasets)) or 'none'}")
    return datasets[dataset]


def _columns(table: Any, stage: str) -> dict[str, str]:
    """Name and type of each column that the table has at the stage."""
    from stadtdaten.privacy.columns import published_columns

    columns = table.columns if stage == "raw" else published_columns(table)
    return {column.name: column.type for column in columns}


def _fail_call(message: str) -> NoReturn:
    err.print(escape(message), style="red", highlight=False)
    raise typer.Exit(2)


def _fail(fault: Fault, as_json: bool, **about: str) -> NoReturn:
    if as_json:
        _print_json({**about, "fault": _fault_as_dict(fault)})
    else:
        _print_fault(fault)
    raise typer.Exit(1)


def _print_fault(fault: Fault) -> None:
    err.print(escape(fault.message), style="red", highlight=False)
    for finding in fault.findings:
        err.print(f"  - {escape(finding.message)}", highlight=False)
    if fault.next_step:
        err.print(escape(fault.next_step), highlight=False)


def _fault_as_dict(fault: Fault) -> dict[str, Any]:
    return {
        "kind": fault.kind,
        "message": fault.message,
        "next_step": fault.next_step,
        "findings": [
            {
                "rule": each.rule,
                "table": each.table,
                "column": each.column,
                "count": each.count,
                "total": each.total,
                "message": each.message,
            }
            for each in fault.findings
        ],
    }


def _print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def _zone(settings: Settings) -> ZoneInfo:
    """The city's time zone: that of its portal and its mails, whatever the machine's is."""
    try:
        return ZoneInfo(load_city(settings.city).timezone)
    except ContractError as error:
        err.print(escape(str(error)), style="red", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None


def _short(moment: str, zone: ZoneInfo) -> str:
    return datetime.fromisoformat(moment).astimezone(zone).strftime("%Y-%m-%d %H:%M")


def _without_groups(record: logging.LogRecord) -> bool:
    """The steps mark groups of log lines for Airflow's pages; a terminal shows only their titles."""
    if record.msg == "::group::%s":
        record.msg = "%s"
    return record.msg != "::endgroup::"


def _day(moment: str | None, zone: ZoneInfo) -> str:
    return datetime.fromisoformat(moment).astimezone(zone).strftime("%Y-%m-%d") if moment else "–"


def _now() -> datetime:
    return datetime.now(UTC)
