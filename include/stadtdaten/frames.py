"""The values that pass from room to room: snapshots and their locks, check results, releases and their manifests.

Data itself travels as pandas or geopandas frames; everything here is about the data and is safe to store, log and
show: no value here is read from a source's rows.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from stadtdaten.contracts import Dataset
from stadtdaten.faults import Finding

Stage = Literal["raw", "public"]
Severity = Literal["critical", "warning"]


class Value(BaseModel):
    """Base of all values: immutable, unknown keys are errors (also when read back from disk)."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Endpoint(Value):
    """Where an interface really is and with what to log in; from an Airflow Connection, never from a contract.

    ``url`` is the base address (http, https, sftp, ftp, file) or an SQLAlchemy URL without credentials. ``options``
    are what else the connector of the interface needs, from the connection's ``extra``: host key, private key, an own
    CA. Each connector names the ones it knows and refuses others.
    """

    url: str
    login: str = Field(default="", repr=False)
    password: str = Field(default="", repr=False)
    options: dict[str, str] = Field(default_factory=dict, repr=False)


class Repair(Value):
    """Something the reader put right, found out or took for granted: shown in the lock and the evidence.

    ``repaired``: the data differs from the source's bytes; ``detected``: how the file is written, found in it beyond
    doubt; ``assumed``: what the contract says in place of the file.
    """

    kind: str
    column: str = ""
    count: int
    detail: str
    nature: Literal["repaired", "detected", "assumed"] = "repaired"


class SourceFile(Value):
    """One file (page, statement) of a source as it was when it was read: what to ask for to learn of a change.

    ``etag`` and ``last_modified`` are the source's own words over HTTP; a file drop has the file's time of change in
    nanoseconds or seconds, a database the number of rows and the rising column's highest value, an OParl list the
    latest ``modified``. "" where there is none.
    """

    name: str = Field(description="The resource, or the name of the file that the resource's pattern fits")
    etag: str = ""
    last_modified: str = ""
    size: int


class TableLock(Value):
    """How one table was read: enough to ask the source again whether anything changed, and to prove what was read.

    ``content_hash`` is the SHA-256 of the typed frame (rows ordered by key), so it does not change with a server's
    time stamps or paging. ``drift`` lists columns of the
    source that the contract does not declare (names only).
    """

    resource: str
    url: str
    files: tuple[SourceFile, ...]
    source_bytes: int
    content_hash: str
    rows: int
    columns: tuple[str, ...]
    crs: str = ""
    repairs: tuple[Repair, ...] = ()
    drift: tuple[str, ...] = ()


class Snapshot(Value):
    """What was read of one dataset at one moment; ``folder`` holds ``<table>.parquet`` and ``lock.json``.

    ``tables`` has the locks of the dataset's tables and of its references.
    """

    source: str
    dataset: str
    folder: Path
    taken_at: datetime
    tables: dict[str, TableLock]

    def rows_of(self, dataset: Dataset) -> int:
        """Rows read, over all tables; those of references do not count."""
        return sum(self.tables[table.id].rows for table in dataset.tables)


class CheckResult(Value):
    """Outcome of one expectation on one table: counts, never values."""

    table: str
    stage: Stage
    expectation: str
    column: str = ""
    severity: Severity
    success: bool
    element_count: int = 0
    unexpected_count: int = 0
    message: str = ""

    @property
    def share(self) -> float:
        """Share of unexpected rows, 0 to 1."""
        return self.unexpected_count / self.element_count if self.element_count else 0.0


class AnonymisationReport(Value):
    """What anonymisation did to one table; ``notes`` are German sentences for the public."""

    table: str
    dropped_columns: tuple[str, ...] = ()
    treated_columns: tuple[str, ...] = ()
    changed: int = Field(default=0, description="Cells that were rounded, perturbed or made coarser")
    left_out: int = Field(default=0, description="Rows, and single values, that were left out")
    cells: int = Field(default=0, description="Cells of a table of counts or sums")
    primary_suppressed: int = 0
    secondary_suppressed: int = 0
    minimum: int = Field(default=0, description="Smallest count, or fewest contributors of a sum, that is shown")
    k: int = Field(default=0, description="Microdata: size of the smallest group of records that look the same")
    l: int = Field(default=0, description="Microdata: fewest different sensitive values in a group")  # noqa: E741
    t: float | None = Field(default=None, description="Microdata: largest distance of a group's sensitive values")
    information_loss: float | None = Field(
        default=None, description="Microdata: normalised certainty penalty, 0 (as it was) to 1 (nothing left)"
    )
    notes: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """The change note that dl-de/by-2-0 asks for."""
        return " ".join(self.notes)

    @property
    def suppressed(self) -> int:
        """Cells held back, primary and secondary."""
        return self.primary_suppressed + self.secondary_suppressed


class PublishedCells(Value):
    """What a release showed of a table about people, kept for good: the next release is attacked together with it.

    ``content`` is the published table without geometry as Parquet (zstd).
    """

    dataset: str
    table: str
    release: str
    published_at: datetime
    content: bytes = Field(repr=False)


class PublishedColumn(Value):
    """A column as it is published: the data dictionary's row. ``type`` as in Table Schema (Frictionless)."""

    name: str
    title: str
    description: str = ""
    type: Literal["string", "integer", "number", "boolean", "date", "datetime", "geometry"]
    unit: str = ""


class ReleaseFile(Value):
    """One file of a release; ``path`` is relative to the release's folder."""

    path: str
    title: str
    format: str = Field(description="Code of the EU file-type table: CSV, GEOJSON, GPKG, PARQUET, JSON")
    media_type: str
    table: str
    rows: int
    size: int = Field(description="Bytes")
    sha256: str
    conforms_to: str = Field(default="", description="Path of the Table Schema, or IRI of a CRS")


class Inputs(Value):
    """What a release was made of; ``previous`` is the release it follows. A night with equal Inputs is unchanged."""

    content: dict[str, str] = Field(description="table id to content_hash of its snapshot")
    contract: str
    suites: str
    code: str
    previous: str = ""


class DatasetMetadata(Value):
    """The dataset as people and catalogues see it, independent of any portal (no address of a portal in it)."""

    dataset: str
    source: str
    title: str
    description: str
    keywords: tuple[str, ...]
    themes: tuple[str, ...]
    licence: str
    attribution: str
    change_note: str
    frequency: str
    deadline_hours: int | None
    grace_hours: int
    availability: str
    model_dataset: str | None
    provenance: str
    owner: str
    outcome: str = Field(description="Outcome of the data-protection check, as in the release record")
    legal_basis: str = Field(description="Why the city may publish it; with that of each expected kind")
    issued: datetime
    modified: datetime
    temporal: tuple[date, date] | None
    bbox: tuple[float, float, float, float] | None = Field(description="west, south, east, north in degrees")
    columns: dict[str, tuple[PublishedColumn, ...]] = Field(description="table id to its data dictionary")
    table_titles: dict[str, str]


class Manifest(Value):
    """The table of contents of a release; written last, so a folder without one is no release.

    ``release`` is the first 12 hex digits of the hash of ``inputs``, with the published files in place of what was
    read: the same inputs give the same id, which makes a rerun after a crash find its own half-done work.
    """

    release: str
    source: str
    dataset: str
    created: datetime
    inputs: Inputs
    locks: dict[str, TableLock]
    rows_read: int
    rows_published: int
    rows_by_table: dict[str, int]
    files: tuple[ReleaseFile, ...]
    metadata: DatasetMetadata
    checks: tuple[CheckResult, ...]
    anonymisation: tuple[AnonymisationReport, ...]
    personal: bool = Field(description="Whether the contract declares any column about people")
    evidence: dict[str, str] = Field(description="path of each evidence and schema file to its SHA-256")

    @property
    def cells_held_back(self) -> int:
        """Cells suppressed by anonymisation, over all tables."""
        return sum(report.suppressed for report in self.anonymisation)


REVIEW_DUE = "review_due"
"""Kind of the incident that announces the end of a release record."""

AlertEvent = Literal["opened", "recovered"]


class Incident(Value):
    """One ongoing problem of one dataset (or, with ``dataset`` None, of a whole source).

    Opened by the first failure of a kind, kept up to date by every further one, closed by recovery. ``gate`` is
    empty where no gate was involved; ``live_release`` is what citizens see meanwhile, empty if nothing.
    """

    id: int
    source: str
    dataset: str | None
    kind: str = Field(description="Fault.kind")
    gate: str = ""
    opened_at: datetime
    last_seen_at: datetime
    occurrences: int
    closed_at: datetime | None = None
    message: str
    next_step: str = ""
    findings: tuple[Finding, ...] = ()
    run_url: str = ""
    live_release: str = ""

    @property
    def notice(self) -> bool:
        """Whether it only announces something and holds nothing up."""
        return self.kind == REVIEW_DUE

    @property
    def event(self) -> AlertEvent:
        """What there is to tell about it now."""
        return "opened" if self.closed_at is None else "recovered"

    def message_key(self, event: AlertEvent) -> str:
        """Name of the mail about that event: the same for every try to send it, also across processes."""
        return f"incident-{self.id}-{self.opened_at.astimezone(UTC):%Y%m%d%H%M%S%f}-{event}"


class Tombstone(Value):
    """That every release of a dataset was taken down: none of them comes back, and a new one needs a new decision."""

    dataset: str
    at: datetime
    releases: tuple[str, ...]


class LiveDataset(Value):
    """What a portal says is live of one dataset."""

    dataset: str
    release: str
    since: datetime


class Portal(Protocol):
    """The small protocol of a portal adapter: a projection of releases that can be read back."""

    name: str

    def live(self, dataset: str) -> LiveDataset | None:
        """What is live of the dataset now; None if nothing is."""

    def reconcile(self, manifest: Manifest, folder: Path) -> bool:
        """Bring the portal to the release; True if anything had to be changed. Raises PublicationFailed."""

    def verify(self, manifest: Manifest) -> None:
        """Read the portal again as a visitor and compare with the release. Raises PublicationFailed."""

    def withdraw(self, dataset: str) -> bool:
        """Take the dataset off the portal with every version of it; True if it was there. Raises PublicationFailed."""

    def verify_withdrawn(self, manifest: Manifest) -> None:
        """Ask as a visitor for the page and the files of the release; raises PublicationFailed if any is left."""

    def page(self, dataset: str) -> str:
        """Address of the dataset's page."""
