"""What a contract may say: the pydantic models behind include/contracts/*.yaml and include/city.yaml.

Every model forbids unknown keys. Rules that join several fields are validators here, so that a contract which loads
can be run.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import ConfigDict, Field, StringConstraints, field_validator, model_validator

from stadtdaten.contracts.base import Identifier, Mailbox, Strict, Text, WebAddress
from stadtdaten.contracts.interfaces import DELIVERS, Interface, Limits
from stadtdaten.contracts.reading import Csv, Reading, Rows, Sheet
from stadtdaten.contracts.vocabulary import BY_LICENCES, HOURS_BY_FREQUENCY, Availability, Frequency, Licence, Theme


class Bounds(Strict):
    """A rectangle; metres in the city's CRS, or degrees for WGS84."""

    west: float
    south: float
    east: float
    north: float

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.west >= self.east or self.south >= self.north:
            raise ValueError("west must be less than east and south less than north")
        return self


class Office(Strict):
    """The organisational unit that answers for a source, reached by a functional mailbox."""

    name: Text
    email: Mailbox


class City(Strict):
    """What is true of the whole city: publisher, keys, extent. The library takes everything local from here."""

    name: Text = Field(description="The one spelling of the publisher, e.g. 'Stadt Hamm'")
    homepage: WebAddress
    contributor_id: WebAddress = Field(description="DCAT-AP.de contributorID of the portal chain")
    district_key: Annotated[str, StringConstraints(pattern=r"^\d{5}$")]
    municipality_key: Annotated[str, StringConstraints(pattern=r"^\d{8}$")] = Field(description="AGS")
    timezone: Text
    crs: Literal["EPSG:25832", "EPSG:25833"] = Field(
        description="ETRS89/UTM in the zone of the city's state: the official CRS of the German land surveys (AdV)"
    )
    bounds: Bounds = Field(description="Extent in metres in `crs`")
    bounds_wgs84: Bounds = Field(description="Extent in degrees")
    contact: Office = Field(description="The open-data office: contact of every dataset on the portal")
    on_call: Mailbox = Field(description="Where alerts go, with the owner office in copy")
    portal_title: Text
    portal_description: Text

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of the database, such as Europe, is an OSError
            raise ValueError(f"{name!r} is no time zone of the IANA database, such as Europe/Berlin") from None
        return name


class Freshness(Strict):
    """How often the source changes and how late it may be: drives schedule, deadline, metadata and public status."""

    frequency: Frequency
    deadline: timedelta | None = Field(
        default=None,
        gt=timedelta(0),
        description="Longest time between two changes; by default the period of the frequency",
    )
    grace: timedelta = Field(
        default=timedelta(days=1), ge=timedelta(0), description="Time after the deadline before anybody is told"
    )

    def deadline_in_force(self) -> timedelta | None:
        """Longest allowed time between two changes; None for a frequency without a period."""
        if self.deadline is not None:
            return self.deadline
        hours = HOURS_BY_FREQUENCY.get(self.frequency)
        return None if hours is None else timedelta(hours=hours)


ColumnType = Literal[
    "string", "integer", "number", "boolean", "date", "datetime", "period", "marker", "geometry"
]  # fmt: skip
"""`period` is a year, half-year, quarter, month or week as text (`2025-Q3`); `marker` tells why a cell of the same
source column has no value (the meaning of its missing marker), and is empty where there is one."""

ColumnClass = Literal[
    "public", "identifier", "quasi_identifier", "sensitive", "free_text", "location", "count", "magnitude"
]  # fmt: skip


class Bands(Strict):
    """Replaces a whole number by the band it lies in: `edges: [0, 18, 65]` gives 0-17, 18-64, 65 und älter."""

    kind: Literal["bands"]
    edges: tuple[int, ...] = Field(min_length=2)
    last: Text = Field(default="{low} und älter", description="Label of the open last band; {low} is its first value")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if list(self.edges) != sorted(set(self.edges)):
            raise ValueError("edges must rise")
        if set("{}") & set(self.last.replace("{low}", "")):
            raise ValueError("last: the only placeholder is {low}")
        return self


class Mapping(Strict):
    """Replaces each value by a coarser one; values not listed become `other`."""

    kind: Literal["mapping"]
    values: dict[str, str] = Field(min_length=1)
    other: Text


class Drop(Strict):
    """The column is read (and checked) but never published."""

    kind: Literal["drop"]


Treatment = Annotated[Bands | Mapping | Drop, Field(discriminator="kind")]


class Column(Strict):
    """One declared column. A column of the source that is not declared is reported as drift and never published."""

    name: Identifier = Field(description="Name as published")
    source: Text = Field(description="Name in the source, exactly")
    aliases: tuple[Text, ...] = Field(
        default=(), description="Other names that the source has used for it; exactly one of all must be there"
    )
    title: Text
    description: str = ""
    type: ColumnType
    class_: ColumnClass = Field(alias="class", description="What the column says about people")
    treatment: Treatment | None = None
    unit: str = Field(default="", description="Unit of measurement as printed, e.g. 'cm'")
    format: str = Field(default="", description="strptime pattern of a date or datetime; ISO 8601 by default")
    missing: dict[str, Text] = Field(
        default_factory=dict, description="Values that mean 'no value', each with its meaning in German"
    )
    zero: tuple[Text, ...] = Field(
        default=(), description="Marks that mean exactly nothing, such as the dash of official statistics: the number 0"
    )
    signs: tuple[Text, ...] = Field(
        default=(), description="Units written in the cells of a number (`€`, `%`); every other text is an error"
    )
    separator: Text | None = Field(
        default=None, description="A cell is a list joined by it (`||`); published joined by `; ` without empty items"
    )
    clock: Literal["local", "winter", "utc"] = Field(
        default="local", description="Which clock tells a time without offset: the city's, its winter time, or UTC"
    )
    double_hour: Literal["stop", "by_order"] = Field(
        default="stop",
        description="Times in the hour that autumn repeats: an error, or told apart by the order of the rows "
        "(for each value of the rest of the key)",
    )
    true: Text = Field(default="true", description="How the source writes a true boolean")
    false: Text = Field(default="false", description="How the source writes a false boolean")

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True, validate_by_alias=True)

    @property
    def published(self) -> bool:
        """Whether the column can appear in a release at all."""
        return not isinstance(self.treatment, Drop)

    @model_validator(mode="after")
    def _class_and_type_fit(self) -> Self:
        if self.class_ in ("identifier", "sensitive", "free_text") and self.published:
            raise ValueError(f"a column of class {self.class_} needs the treatment 'drop'")
        if isinstance(self.treatment, Bands) and self.type != "integer":
            raise ValueError("bands need a column of type integer")
        if isinstance(self.treatment, Mapping) and self.type != "string":
            raise ValueError("a mapping needs a column of type string")
        if self.format and self.type not in ("date", "datetime"):
            raise ValueError("format is for dates and datetimes only")
        for name, types in _MEANT_FOR.items():
            if getattr(self, name) != type(self).model_fields[name].default and self.type not in types:
                raise ValueError(f"{name} is for columns of type {' or '.join(types)} only")
        if self.type == "marker" and not self.missing:
            raise ValueError("a column of type marker needs the meanings of the marks in `missing`")
        if both := sorted(set(self.zero) & set(self.missing)):
            raise ValueError(f"zero and missing both name {', '.join(map(repr, both))}: it means 0 or no value")
        if not_signs := [sign for sign in self.signs if not set(sign) - set("0123456789.,+-' ")]:
            raise ValueError(f"signs: {', '.join(map(repr, not_signs))} could be part of a number")
        if self.source in self.aliases:
            raise ValueError(f"aliases: {self.source!r} is already the source")
        if self.clock != "local" and self.double_hour != "stop":
            raise ValueError("double_hour: only the city's own clock repeats an hour")
        if self.format and not _tells_the_moment(self.format, self.type):
            raise ValueError(
                f"format {self.format!r} is no strptime pattern that tells the whole {self.type}, "
                "such as '%d.%m.%Y' or '%d.%m.%Y %H:%M'"
            )
        return self


_MEANT_FOR = {
    "zero": ("integer", "number"),
    "signs": ("integer", "number"),
    "separator": ("string",),
    "clock": ("datetime",),
    "double_hour": ("datetime",),
}


def _tells_the_moment(pattern: str, kind: ColumnType) -> bool:
    """Whether a moment written by the pattern comes back: its day, and for a datetime its hour.

    Names of time zones (%Z) do not count: which offset one means depends on who reads it.
    """
    moment = datetime(2025, 11, 23, 14, 5, tzinfo=UTC)
    try:
        again = datetime.strptime(moment.strftime(pattern), pattern).replace(tzinfo=UTC)
    except ValueError:
        return False
    same_hour = (again.date(), again.hour) == (moment.date(), moment.hour)
    return "%Z" not in pattern and (same_hour if kind == "datetime" else again.date() == moment.date())


class FrequencyTable(Strict):
    """Turns rows into a table of counts with margins in which no small cell can be found.

    Counts are summed over the dimensions, totals are added for each dimension in `margins`, cells below `minimum`
    are suppressed, and so many further cells that none can be computed from the margins (secondary suppression).
    """

    count: Identifier = Field(description="Column with the number of persons per row")
    dimensions: tuple[Identifier, ...] = Field(min_length=1, description="Columns that span the table")
    margins: tuple[Identifier, ...] = Field(min_length=1, description="Dimensions that get a total")
    total: Text = Field(default="Insgesamt", description="Label of a total")
    minimum: int = Field(default=3, ge=2, description="Smallest count of persons that may be shown")


class Table(Strict):
    """One frame of a dataset, with its columns and (under expectations/) its two suites."""

    id: Identifier
    title: Text
    resource: Text = Field(description="Path, feature type or database table: what the interface asks for")
    further_resources: tuple[Text, ...] = Field(
        default=(), description="More files of the same table, such as one a year; read as if they were one"
    )
    reading: Reading
    corrections: bool = Field(
        default=False, description="A later row with the same key replaces the earlier one (late corrections; counted)"
    )
    key: tuple[Identifier, ...] = Field(description="Columns that identify a row; [] if nothing in the source does")
    columns: tuple[Column, ...] = Field(min_length=1)
    frequency_table: FrequencyTable | None = None
    temporal: Identifier | None = Field(default=None, description="Date column that gives the period covered")
    large: bool = Field(default=False, description="Also published as Parquet")

    def column(self, name: str) -> Column:
        """The declared column of that (published) name; KeyError otherwise."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def geometry(self) -> Column | None:
        """The geometry column, if the table has one."""
        return next((column for column in self.columns if column.type == "geometry"), None)

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        names = [column.name for column in self.columns]
        sources = [
            name for column in self.columns if column.type != "marker" for name in (column.source, *column.aliases)
        ]
        for kind, values in (("name", names), ("source", sources)):
            twice = sorted({value for value in values if values.count(value) > 1})
            if twice:
                raise ValueError(f"column {kind} used twice: {', '.join(twice)}")
        if sum(column.type == "geometry" for column in self.columns) > 1:
            raise ValueError("a table has at most one geometry column")
        if len(set(self.key)) != len(self.key):
            raise ValueError("key names a column twice")
        asked = [*self.key, *([self.temporal] if self.temporal else [])]
        if self.frequency_table is not None:
            asked += [self.frequency_table.count, *self.frequency_table.dimensions, *self.frequency_table.margins]
        unknown = sorted(set(asked) - set(names))
        if unknown:
            raise ValueError(f"names a column that is not declared: {', '.join(unknown)}")
        stray = [column.name for column in self.columns if column.type == "marker" and column.source not in sources]
        if stray:
            raise ValueError(f"no other column has the source of the marker column {', '.join(stray)}")
        if self.corrections and not self.key:
            raise ValueError("corrections need a key")
        self._incremental_fits()
        self._geometry_fits()
        self._frequency_table_fits()
        if self.temporal and self.column(self.temporal).type not in ("date", "datetime"):
            raise ValueError(f"temporal column {self.temporal} must be a date or datetime")
        return self

    def _geometry_fits(self) -> None:
        if self.geometry is not None and self.geometry.name in self.key:
            raise ValueError("a geometry cannot be part of the key")
        if isinstance(self.reading, Csv | Sheet) and (self.geometry is None) != (self.reading.x is None):
            raise ValueError("a geometry column and reading.x and reading.y belong together: give all or none")
        if self.reading.format in ("xml", "dbf") and self.geometry is not None:
            raise ValueError(f"geometries are not read from {self.reading.format}: read them from a WFS or a file")

    def _incremental_fits(self) -> None:
        """The last release is what changes are merged into, so it must hold every row and column as read."""
        if not isinstance(self.reading, Rows) or self.reading.incremental is None:
            return
        rising = next((each for each in self.columns if each.source == self.reading.incremental.column), None)
        if rising is None or rising.type not in ("integer", "date", "datetime"):
            raise ValueError("reading.incremental.column must be the source of an integer, date or datetime column")
        if rising.format or rising.aliases:
            raise ValueError("reading.incremental.column has values that can be compared: no format and no aliases")
        if not self.key or not self.large:
            raise ValueError(
                "reading.incremental needs a key, and large: true (changes are merged into the Parquet file)"
            )
        if any(column.class_ != "public" or column.treatment for column in self.columns):
            raise ValueError("reading.incremental is for public columns without treatment: others are not kept")
        if self.corrections or self.geometry is not None:
            raise ValueError("reading.incremental goes neither with corrections nor with a geometry (kept in degrees)")

    def _frequency_table_fits(self) -> None:
        spec = self.frequency_table
        if spec is None:
            if any(column.class_ == "count" for column in self.columns):
                raise ValueError("a column of class count needs a frequency_table")
            return
        if self.column(spec.count).type != "integer" or self.column(spec.count).class_ != "count":
            raise ValueError(f"frequency_table.count: {spec.count} must be of type integer and class count")
        for name, columns in (("dimensions", spec.dimensions), ("margins", spec.margins)):
            if len(set(columns)) != len(columns):
                raise ValueError(f"frequency_table.{name} names a column twice")
        if spec.count in spec.dimensions:
            raise ValueError("frequency_table.count cannot be a dimension")
        if not set(spec.margins) <= set(spec.dimensions):
            raise ValueError("frequency_table.margins must be dimensions")
        for column in map(self.column, spec.dimensions):
            if not column.published or column.type == "geometry":
                raise ValueError(f"frequency_table.dimensions: {column.name} is dropped or a geometry")
        for column in map(self.column, spec.margins):
            if column.type != "string" and not isinstance(column.treatment, Bands):
                raise ValueError(f"frequency_table.margins: {column.name} must be text, or whole numbers in bands")
            if isinstance(column.treatment, Mapping) and spec.total in (
                *column.treatment.values.values(),
                column.treatment.other,
            ):
                raise ValueError(f"frequency_table.total: {spec.total!r} is also a value of {column.name}")
        rest = {column.name for column in self.columns if column.published} - {spec.count, *spec.dimensions}
        if rest:
            raise ValueError(f"published columns must be the count or a dimension: {', '.join(sorted(rest))}")


class Dataset(Strict):
    """One unit on the portal."""

    id: Identifier
    title: Text = Field(description="Without place and time")
    description: Text
    keywords: tuple[Text, ...] = Field(min_length=1)
    themes: tuple[Theme, ...] = Field(min_length=1)
    licence: Licence
    attribution: str = Field(default="", description="Text to be named with a BY licence")
    availability: Availability = "AVAILABLE"
    model_dataset: WebAddress | None = Field(default=None, description="Entry of the Musterdatenkatalog")
    provenance: Text = Field(description="Where the data comes from and how it is made, in German")
    interface: Interface | None = Field(
        default=None, description="Where it comes from, if not from the contract's interface"
    )
    row_loss: float = Field(default=0.2, ge=0, le=1, description="Share of live rows that may vanish in one release")
    tables: tuple[Table, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.licence in BY_LICENCES and not self.attribution:
            raise ValueError(f"licence {self.licence} needs an attribution")
        ids = [table.id for table in self.tables]
        if len(set(ids)) != len(ids):
            raise ValueError("table id used twice")
        return self

    @property
    def personal(self) -> bool:
        """Whether any column says something about people (class other than public)."""
        return any(column.class_ != "public" for table in self.tables for column in table.columns)


class Contract(Strict):
    """The whole description of one source system: one YAML file, one DAG."""

    source: Identifier = Field(description="Name of the source system, also of the file and of the DAG")
    title: Text
    description: Text
    owner: Office
    zone: Identifier = Field(default="default", description="Airflow queue in which the source may be worked on")
    interface: Interface = Field(description="Where all datasets come from that name none of their own")
    limits: Limits = Limits()
    freshness: Freshness
    datasets: tuple[Dataset, ...] = Field(min_length=1)

    def dataset(self, dataset_id: str) -> Dataset:
        """The dataset of that id; KeyError otherwise."""
        for dataset in self.datasets:
            if dataset.id == dataset_id:
                return dataset
        raise KeyError(dataset_id)

    def interface_of(self, dataset: Dataset) -> Interface:
        """Where the dataset comes from."""
        return dataset.interface or self.interface

    @property
    def connections(self) -> frozenset[str]:
        """The connections to all servers that the datasets come from."""
        return frozenset(self.interface_of(dataset).connection for dataset in self.datasets)

    @model_validator(mode="after")
    def _interface_fits(self) -> Self:
        ids = [dataset.id for dataset in self.datasets]
        if len(set(ids)) != len(ids):
            raise ValueError("dataset id used twice")
        tables = [table.id for dataset in self.datasets for table in dataset.tables]
        if len(set(tables)) != len(tables):
            raise ValueError("table id used twice (suites are named after it)")
        for dataset in self.datasets:
            kind = self.interface_of(dataset).kind
            for table in dataset.tables:
                if table.reading.format not in DELIVERS[kind]:
                    allowed = ", ".join(sorted(DELIVERS[kind]))
                    raise ValueError(
                        f"table {table.id}: interface {kind} delivers {allowed}, not {table.reading.format}"
                    )
                if table.further_resources and kind not in ("http", "folder", "sftp", "ftp"):
                    raise ValueError(f"table {table.id}: further_resources are for files")
        return self
