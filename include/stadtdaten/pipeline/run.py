"""What every step needs to know: the contract, where things are, who asks and how to reach the source."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypedDict

import stadtdaten
from stadtdaten.contracts import City, Contract, ContractError, Dataset, load_city, load_contract
from stadtdaten.faults import Misconfigured
from stadtdaten.frames import Endpoint, Inputs, Manifest, Portal
from stadtdaten.ledger import Ledger
from stadtdaten.portals import StaticPortal
from stadtdaten.releases import ReleaseStore
from stadtdaten.settings import Settings

ROOMS = ("contracts", "extract", "read", "quality", "privacy", "standards", "releases")
"""The rooms whose code decides what is in a release; portals and alerts do not."""


class SnapshotReference(TypedDict):
    """What ``snapshot`` hands on for one dataset.

    ``state`` is changed, unchanged or failed; ``folder`` holds the snapshot of a changed one, ``reason`` and
    ``next_step`` are the sentences of the fault that stopped a failed one.
    """

    dataset: str
    attempt: int
    state: str
    folder: str
    reason: str
    next_step: str


class CandidateReference(TypedDict):
    """A finished candidate: the folder that holds it."""

    dataset: str
    attempt: int
    folder: str


class ReleaseReference(TypedDict):
    """A release in the store."""

    dataset: str
    attempt: int
    release: str


@dataclass(frozen=True)
class Run:
    """One run over one source system.

    ``connect`` turns a connection's name into an Endpoint (Airflow's way or the environment's); ``last_try`` says
    that nobody will retry, so a passing fault must now be told.
    """

    contract: Contract
    city: City
    settings: Settings
    connect: Callable[[str], Endpoint]
    ledger: Ledger
    store: ReleaseStore
    portal: Portal
    run_id: str
    run_url: str
    force: bool
    last_try: bool

    @property
    def staging(self) -> Path:
        """Folder of this run's snapshots; its name tells nothing but the source."""
        name = hashlib.sha256(self.run_id.encode()).hexdigest()[:12]
        return self.settings.staging / self.contract.source / name

    def of(self, source: str) -> Run:
        """The same run as it would be for another source."""
        return prepare(source, settings=self.settings, connect=self.connect, run_id=self.run_id)

    def live(self, dataset: str) -> Manifest | None:
        """Manifest of the release that the portal shows now; None if it shows none.

        Raises PublicationFailed if the portal cannot tell, ReleaseDamaged if the store has lost the release: nothing
        could be compared with it then. A forced run goes on as if nothing were live, which rebuilds it.
        """
        live = self.portal.live(dataset)
        if live is None or (self.force and not self.store.has(dataset, live.release)):
            return None
        return self.store.manifest(dataset, live.release)

    def inputs(self, dataset: Dataset, content: dict[str, str], previous: str) -> Inputs:
        """What a release of the dataset would be made of, given the content hash of each table."""
        others = {"datasets": {index for index, each in enumerate(self.contract.datasets) if each.id != dataset.id}}
        described = self.contract.model_dump_json(exclude=others, by_alias=True) + self.city.model_dump_json()
        suites = b"".join(path.read_bytes() for path in self.suite_files(dataset) if path.is_file())
        return Inputs(
            content=content,
            contract=hashlib.sha256(described.encode()).hexdigest(),
            suites=hashlib.sha256(suites).hexdigest(),
            code=code_version(),
            previous=previous,
        )

    def suite_files(self, dataset: Dataset) -> list[Path]:
        """The suites that judge the dataset: raw and public of each table, raw of each reference."""
        folder = self.settings.expectations / self.contract.source
        judged = [(table, stage) for table in dataset.tables for stage in ("raw", "public")]
        judged += [(reference.table, "raw") for reference in dataset.references]
        return [folder / f"{table.id}.{stage}.json" for table, stage in judged]


def prepare(
    source: str,
    *,
    settings: Settings,
    connect: Callable[[str], Endpoint],
    run_id: str,
    run_url: str = "",
    force: bool = False,
    last_try: bool = True,
) -> Run:
    """Load the contract and open ledger, store and portal. Raises Misconfigured where a configuration is broken."""
    try:
        contract = load_contract(settings.contracts / f"{source}.yaml")
        city = load_city(settings.city)
    except ContractError as error:
        raise Misconfigured(
            f"Der Vertrag der Quelle {source} ist nicht lesbar: {error}",
            next_step="`stadtdaten check` nennt Datei, Zeile und Abhilfe.",
        ) from None
    store = ReleaseStore(settings.releases)
    return Run(
        contract=contract,
        city=city,
        settings=settings,
        connect=connect,
        ledger=Ledger(settings.ledger),
        store=store,
        portal=StaticPortal(settings.portal, settings.portal_url, city, settings.portal_sample, store),
        run_id=run_id,
        run_url=run_url,
        force=force,
        last_try=last_try,
    )


@cache
def code_version() -> str:
    """SHA-256 over the code of the rooms that make a release: a change there rebuilds every dataset."""
    root = Path(stadtdaten.__file__).parent
    digest = hashlib.sha256()
    for room in ROOMS:
        for path in sorted((root / room).rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
