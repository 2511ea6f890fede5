"""What does `make refresh` do? The nightly refresh of every source once, judged by the sample city's script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rich.console import Console

from samplecity.airflow_api import TaskInstance
from samplecity.delivery import advance
from samplecity.night import NightFailed, play, wait_until_read
from samplecity.progress import Progress
from samplecity.script import Night, Script, load_script
from samplecity.start import Place, Running, running
from samplecity.state import read_state, state_path
from samplecity.summary import Row, last_live, rows, table
from stadtdaten.contracts import City, Contract, ContractError, load_city, load_contract


@dataclass(frozen=True)
class Plan:
    """The nights to play. ``resumed``: an earlier run had begun the first of them and did not end it."""

    nights: tuple[Night, ...]
    resumed: bool


@dataclass(frozen=True)
class Result:
    """How the last night played ended, and everything that was not as the script says, over all nights."""

    rows: list[Row]
    differences: list[str]
    city: City


def plan(place: Place, script: Script) -> Plan:
    """All nights at first; the rest of them after a run that was killed; later the last one again."""
    if not state_path(place.var).exists():
        return Plan(script.nights, resumed=False)
    night = read_state(place.var).night
    if night < len(script.nights):
        return Plan(script.nights[night - 1 :], resumed=True)
    return Plan((script.again,), resumed=True)


def refresh(place: Place, console: Console) -> Result:
    """Start everything, play the nights, stop everything. Raises what ``running`` raises.

    A source that cannot be run is named at once, and the others are played. Every night but the last shows its table
    here; the last one's is in the result.
    """
    planned = plan(place, load_script())
    city = load_city(place.settings.city)
    contracts, differences = _contracts(place)
    runnable, without_file = _with_dag_file(place, contracts)
    differences += without_file
    for difference in differences:
        console.print(f"Not as expected: {difference}", style="red", markup=False, highlight=False)
    told = {name for night in planned.nights for name in night.datasets}
    for name in sorted({dataset.id for contract in contracts for dataset in contract.datasets} - told):
        console.print(f"{name} is played, but not judged: script.yaml does not say how its nights end.", markup=False)
    with running(place, "make refresh", console.print, scheduled=False) as started:
        sources = [contract.source for contract in runnable]
        unread = wait_until_read(started.airflow, sources, started.since, started.services.check)
        for source, reason in unread.items():
            differences.append(f"{source}: Airflow cannot read dags/{source}.py: {reason}")
            console.print(f"Not as expected: {differences[-1]}", style="red", markup=False, highlight=False)
        sound = [contract for contract in runnable if contract.source not in unread]
        shown: list[Row] = []
        for night in planned.nights:
            advance(place.var, night.night)
            before = last_live(night, place.settings)
            began = datetime.now(UTC)
            try:
                _play(started, night, sound, console)
            except NightFailed as failed:
                differences.append(f"night {night.night}: {failed}")
            resumed = planned.resumed and night is planned.nights[0]
            shown = rows(contracts, city, place.settings, night, began, before, resumed=resumed)
            differences += [f"night {night.night}, {row.dataset}: {row.difference}" for row in shown if row.difference]
            if night is not planned.nights[-1]:
                console.print()
                console.print(table(shown, datetime.now(UTC), console.width, city), end="")
        console.print("Stopping ...", highlight=False)
    return Result(shown, differences, city)


def _with_dag_file(place: Place, contracts: Sequence[Contract]) -> tuple[list[Contract], list[str]]:
    """The contracts whose source has a DAG file, and a complaint about each other."""
    found = [contract for contract in contracts if (place.home / "dags" / f"{contract.source}.py").is_file()]
    complaints = [
        f"{contract.source}: its DAG file dags/{contract.source}.py is missing, so it cannot be run"
        for contract in contracts
        if contract not in found
    ]
    return found, complaints


def _contracts(place: Place) -> tuple[list[Contract], list[str]]:
    """The contracts that can be read, and a complaint about each other: a broken one stops only its own source."""
    contracts, complaints = [], []
    for path in sorted(place.settings.contracts.glob("*.yaml")):
        try:
            contracts.append(load_contract(path))
        except ContractError as error:
            complaints.append(f"{path.stem}: its contract cannot be read:\n{error}")
    return contracts, complaints


def _play(started: Running, night: Night, contracts: Sequence[Contract], console: Console) -> None:
    datasets = [(contract.source, dataset.id) for contract in contracts for dataset in contract.datasets]
    progress = Progress(console, datasets)

    def follow(tasks: list[TaskInstance]) -> None:
        started.services.check()
        progress.update(tasks)

    console.print(f"\nNight {night.night}", style="bold", highlight=False)
    run = f"night-{night.night}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    with progress.shown():
        play(started.airflow, [contract.source for contract in contracts], run, follow)
