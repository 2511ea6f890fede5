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
from stadtdaten.contracts.protection import (
    GRID_SUFFIX,
    TREATMENTS_BY_CLASS,
    TYPES_BY_TREATMENT,
    CellKey,
    ColumnClass,
    Drop,
    Expected,
    FrequencyTable,
    Grid,
    Lookup,
    MagnitudeTable,
    Mapping,
    Microdata,
    Period,
    Pseudonym,
    ReleaseRecord,
    Rounded,
    Scrub,
    Snap,
    Treatment,
)
from stadtdaten.contracts.reading import Changes, Csv, Incremental, Json, Oparl, Reading, Rows, Sheet
from stadtdaten.contracts.same_rows import Source, contradictions
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
    expected: tuple[Expected, ...] = Field(
        default=(), description="Personal data that is to be published here; any other that is found blocks"
    )
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

    @property
    def shown_as_it_is(self) -> bool:
        """Whether its class asks for a treatment, and it has none of those: only where that is expected."""
        needed = TREATMENTS_BY_CLASS.get(self.class_, ())
        return bool(needed) and (self.treatment is None or self.treatment.kind not in needed)

    @model_validator(mode="after")
    def _class_and_type_fit(self) -> Self:
        if self.shown_as_it_is and not self.expected:
            needed = " or ".join(TREATMENTS_BY_CLASS[self.class_])
            raise ValueError(f"a column of class {self.class_} needs a treatment: {needed}")
        if self.treatment is not None and self.type not in TYPES_BY_TREATMENT.get(self.treatment.kind, (self.type,)):
            allowed = " or ".join(TYPES_BY_TREATMENT[self.treatment.kind])
            raise ValueError(f"treatment {self.treatment.kind} needs a column of type {allowed}")
        if self.type == "integer" and isinstance(self.treatment, Rounded) and self.treatment.to % 1:
            raise ValueError("treatment rounded: an integer is rounded to a whole number")
        if self.expected and not self.published:
            raise ValueError("expected: the column is dropped")
        if len({each.kind for each in self.expected}) != len(self.expected):
            raise ValueError("expected names a kind twice")
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
    magnitude_table: MagnitudeTable | None = None
    microdata: Microdata | None = None
    temporal: Identifier | None = Field(default=None, description="Date column that gives the period covered")
    large: bool = Field(default=False, description="Also published as Parquet")

    def column(self, name: str) -> Column:
        """The declared column of that (published) name; KeyError otherwise."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def tabulation(self) -> FrequencyTable | MagnitudeTable | None:
        """How rows become a table of counts or sums, if they do."""
        return self.frequency_table or self.magnitude_table

    @property
    def incremental(self) -> Changes | None:
        """How only what changed is read; None where all rows always are."""
        return self.reading.incremental if isinstance(self.reading, Rows | Oparl) else None

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
        for column in self.columns:
            if isinstance(column.treatment, Grid) and column.name + GRID_SUFFIX in names:
                raise ValueError(
                    f"{column.name + GRID_SUFFIX} is added by the treatment grid: name the column otherwise"
                )
        if len(set(self.key)) != len(self.key):
            raise ValueError("key names a column twice")
        asked = [*self.key, *([self.temporal] if self.temporal else [])]
        if self.tabulation is not None:
            asked += self.tabulation.dimensions
        if self.frequency_table is not None and self.frequency_table.count is not None:
            asked.append(self.frequency_table.count)
        if self.magnitude_table is not None:
            asked.append(self.magnitude_table.magnitude)
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
        self._people_are_protected()
        if self.temporal and self.column(self.temporal).type not in ("date", "datetime"):
            raise ValueError(f"temporal column {self.temporal} must be a date or datetime")
        if self.temporal and isinstance(self.column(self.temporal).treatment, Period):
            raise ValueError(f"temporal column {self.temporal} must not become text (treatment period)")
        return self

    def _geometry_fits(self) -> None:
        if self.geometry is not None and self.geometry.name in self.key:
            raise ValueError("a geometry cannot be part of the key")
        if isinstance(self.reading, Csv | Sheet | Json) and (self.geometry is None) != (self.reading.x is None):
            raise ValueError("a geometry column and reading.x and reading.y belong together: give all or none")
        if self.reading.format in ("xml", "dbf", "oparl") and self.geometry is not None:
            raise ValueError(f"geometries are not read from {self.reading.format}: read them from a WFS or a file")

    def _incremental_fits(self) -> None:
        """The last release is what changes are merged into, so it must hold every row and column as read."""
        if self.incremental is None:
            return
        if isinstance(self.incremental, Incremental):
            self._rising_fits(self.incremental)
        if isinstance(self.reading, Oparl):
            self._objects_fit(self.reading)
        if not self.key or not self.large:
            raise ValueError(
                "reading.incremental needs a key, and large: true (changes are merged into the Parquet file)"
            )
        if any(column.class_ != "public" or column.treatment for column in self.columns):
            raise ValueError("reading.incremental is for public columns without treatment: others are not kept")
        if self.corrections or self.geometry is not None:
            raise ValueError("reading.incremental goes neither with corrections nor with a geometry (kept in degrees)")

    def _rising_fits(self, incremental: Incremental) -> None:
        rising = next((each for each in self.columns if each.source == incremental.column), None)
        if rising is None or rising.type not in ("integer", "date", "datetime"):
            raise ValueError("reading.incremental.column must be the source of an integer, date or datetime column")
        if rising.format or rising.aliases:
            raise ValueError("reading.incremental.column has values that can be compared: no format and no aliases")

    def _objects_fit(self, reading: Oparl) -> None:
        """What the server deletes is told by its id, and what a filter leaves out could not be told from the rest."""
        if reading.each or reading.current or reading.where:
            raise ValueError("reading.incremental goes neither with each nor with current or where")
        key = [self.column(name) for name in self.key]
        if [(column.source, column.type) for column in key] != [("id", "string")]:
            raise ValueError("reading.incremental needs the id as key: one column of source id and type string")

    def _people_are_protected(self) -> None:
        methods = [name for name in ("frequency_table", "magnitude_table", "microdata") if getattr(self, name)]
        if len(methods) > 1:
            raise ValueError(f"a table is one of {' and '.join(methods)}, not both")
        method = methods[0] if methods else ""
        for column in self.columns:
            if not column.published:
                continue
            for class_, allowed in _METHODS_BY_CLASS.items():
                if column.class_ == class_ and method not in allowed:
                    raise ValueError(
                        f"column {column.name} of class {class_} needs the table to be a {' or '.join(allowed)}, "
                        "or the treatment drop"
                    )
        if self.microdata is not None:
            self._microdata_fits(self.microdata)
        if self.tabulation is not None:
            self._tabulation_fits(self.tabulation)

    def _microdata_fits(self, spec: Microdata) -> None:
        quasi = {column.name for column in self.columns if column.published and column.class_ == "quasi_identifier"}
        if not quasi:
            raise ValueError("microdata: no published column is a quasi_identifier")
        sensitive = [column for column in self.columns if column.published and column.class_ == "sensitive"]
        if sensitive and spec.l is None and spec.t is None:
            raise ValueError(f"microdata: the sensitive column {sensitive[0].name} needs l, t or both")
        if not sensitive and (spec.l is not None or spec.t is not None):
            raise ValueError("microdata: l and t are for sensitive columns, and there is none")
        if stray := sorted(set(spec.hierarchies) - quasi):
            raise ValueError(f"microdata.hierarchies: no published quasi_identifier: {', '.join(stray)}")
        if self.geometry is not None and self.geometry.published:
            raise ValueError("microdata: a record has no published geometry")
        if any(isinstance(column.treatment, Pseudonym) for column in self.columns):
            raise ValueError("microdata: a group of records with one pseudonym is one person, not k")
        if self.temporal in quasi:
            raise ValueError(f"temporal column {self.temporal} must not become text (a range, as a quasi_identifier)")

    def _tabulation_fits(self, spec: FrequencyTable | MagnitudeTable) -> None:
        if isinstance(spec, MagnitudeTable):
            measured = self.column(spec.magnitude)
            if measured.type not in ("integer", "number") or measured.class_ != "magnitude":
                raise ValueError(f"{spec.magnitude} must be a number of class magnitude")
        elif spec.count is not None:
            measured = self.column(spec.count)
            if measured.type != "integer" or measured.class_ != "count":
                raise ValueError(f"frequency_table.count: {spec.count} must be of type integer and class count")
        elif spec.counted in {column.name for column in self.columns}:
            raise ValueError(f"frequency_table.counted: {spec.counted} is already a column")
        if spec.measure in spec.dimensions:
            raise ValueError(f"{spec.measure} cannot be a dimension")
        for column in map(self.column, spec.dimensions):
            if not column.published or column.type == "geometry":
                raise ValueError(f"dimensions: {column.name} is dropped or a geometry")
        for column in map(self.column, (*spec.margins, *getattr(spec, "merged", ()))):
            if column.type != "string" and (column.treatment is None or column.treatment.kind not in _MAKES_TEXT):
                raise ValueError(f"margins: {column.name} must be text, or made text (bands, period)")
            if isinstance(column.treatment, Mapping) and spec.total in (
                *column.treatment.values.values(),
                column.treatment.other,
            ):
                raise ValueError(f"total: {spec.total!r} is also a value of {column.name}")
        if isinstance(spec, FrequencyTable) and isinstance(spec.protection, CellKey):
            self._has_a_reference_date(spec)
        rest = {column.name for column in self.columns if column.published} - {spec.measure, *spec.dimensions}
        if rest:
            raise ValueError(f"published columns must be the {spec.measure} or a dimension: {', '.join(sorted(rest))}")

    def _has_a_reference_date(self, spec: FrequencyTable) -> None:
        """With one the counts of a date are published once and stay; ``privacy.tables.cell_key`` has the numbers."""
        strata = [self.column(name) for name in spec.dimensions if name not in spec.margins]
        if not any(column.class_ == "public" and column.type in _TELLS_THE_DATE for column in strata):
            raise ValueError(
                "protection cell_key needs a reference date: the noise averages out over releases in which counts "
                "change. Declare a dimension without total (not in margins) of class public and type "
                f"{', '.join(_TELLS_THE_DATE[:-1])} or {_TELLS_THE_DATE[-1]}, such as stichtag, or use suppression"
            )


_TELLS_THE_DATE: tuple[ColumnType, ...] = ("date", "datetime", "period")

_METHODS_BY_CLASS: dict[ColumnClass, tuple[str, ...]] = {
    "quasi_identifier": ("frequency_table", "magnitude_table", "microdata"),
    "sensitive": ("microdata",),
    "count": ("frequency_table",),
    "magnitude": ("magnitude_table",),
}
"""Class to the methods one of which a table needs that publishes a column of it."""

_MAKES_TEXT = ("bands", "mapping", "lookup", "period", "prefix", "pseudonym", "street")


class Reference(Strict):
    """A table that is read to make another one coarser (streets and their Stadtbezirk), and never published itself."""

    interface: Interface
    table: Table


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
    release: ReleaseRecord
    references: tuple[Reference, ...] = Field(
        default=(), description="Tables that treatments look something up in; never published"
    )
    row_loss: float = Field(default=0.2, ge=0, le=1, description="Share of live rows that may vanish in one release")
    tables: tuple[Table, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.licence in BY_LICENCES and not self.attribution:
            raise ValueError(f"licence {self.licence} needs an attribution")
        ids = [table.id for table in (*self.tables, *(each.table for each in self.references))]
        if len(set(ids)) != len(ids):
            raise ValueError("table id used twice")
        self._references_fit()
        self._record_fits()
        return self

    def _references_fit(self) -> None:
        references = {each.table.id: each.table for each in self.references}
        used = set()
        for table in self.tables:
            for column in table.columns:
                if not isinstance(column.treatment, Lookup | Snap):
                    continue
                reference = references.get(column.treatment.reference)
                if reference is None:
                    raise ValueError(f"column {column.name}: there is no reference {column.treatment.reference}")
                used.add(reference.id)
                names = {each.name for each in reference.columns}
                if isinstance(column.treatment, Lookup) and column.treatment.key == column.treatment.value:
                    raise ValueError(f"column {column.name}: key and value of the lookup are the same column")
                if isinstance(column.treatment, Lookup) and not {column.treatment.key, column.treatment.value} <= names:
                    raise ValueError(f"column {column.name}: the reference has no such columns (key, value)")
                if isinstance(column.treatment, Snap) and reference.geometry is None:
                    raise ValueError(f"column {column.name}: the reference has no geometry")
        if idle := sorted(set(references) - used):
            raise ValueError(f"references: no treatment uses {', '.join(idle)}")
        if any(each.incremental for each in references.values()):
            raise ValueError("references: they are read in full, never incrementally")
        if any(column.class_ != "public" for reference in references.values() for column in reference.columns):
            raise ValueError("references: only columns of class public")

    def _record_fits(self) -> None:
        columns = [column for table in self.tables for column in table.columns]
        expected = any(column.expected for column in columns)
        # The other way round does not hold: the address of a school looks personal, is expected, and is nobody's.
        if self.release.outcome == "personal_data_by_law" and not expected:
            raise ValueError("release.outcome personal_data_by_law: but no column says what is `expected`")
        as_it_is = [column.name for column in columns if column.expected and column.shown_as_it_is]
        if as_it_is and self.release.outcome != "personal_data_by_law":
            raise ValueError(
                f"column {as_it_is[0]} shows people as they are (`expected`): release.outcome must be "
                "personal_data_by_law, or the class public if it is nobody's"
            )
        if self.release.outcome == "no_personal_data" and self.personal:
            raise ValueError("release.outcome no_personal_data: but a column has another class than public")
        for method, treatment in (("pseudonyms", Pseudonym), ("scrubbed_text", Scrub)):
            if any(isinstance(c.treatment, treatment) for c in columns) and method not in self.release.allows:
                raise ValueError(f"release.allows must name {method}, or the treatment must go")

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

    def read_for(self, dataset: Dataset) -> tuple[tuple[Table, Interface], ...]:
        """What is read for the dataset: its tables and its references, and where each comes from."""
        return (
            *((table, self.interface_of(dataset)) for table in dataset.tables),
            *((reference.table, reference.interface) for reference in dataset.references),
        )

    @property
    def connections(self) -> frozenset[str]:
        """The connections to all servers that the datasets come from."""
        return frozenset(interface.connection for dataset in self.datasets for _, interface in self.read_for(dataset))

    @model_validator(mode="after")
    def _interface_fits(self) -> Self:
        ids = [dataset.id for dataset in self.datasets]
        if len(set(ids)) != len(ids):
            raise ValueError("dataset id used twice")
        read = [each for dataset in self.datasets for each in self.read_for(dataset)]
        tables = [table.id for table, _ in read]
        if len(set(tables)) != len(tables):
            raise ValueError("table id used twice (suites are named after it)")
        for table, interface in read:
            if table.reading.format not in DELIVERS[interface.kind]:
                allowed = ", ".join(sorted(DELIVERS[interface.kind]))
                raise ValueError(
                    f"table {table.id}: interface {interface.kind} delivers {allowed}, not {table.reading.format}"
                )
            if table.further_resources and interface.kind not in ("http", "folder", "sftp", "ftp"):
                raise ValueError(f"table {table.id}: further_resources are for files")
        published = [
            Source(table, dataset.id, self.interface_of(dataset).connection)
            for dataset in self.datasets
            for table in dataset.tables
        ]
        if problem := next(contradictions(published), ""):
            raise ValueError(problem)
        return self
