"""How may people appear in a dataset? Classes, treatments of columns, methods for tables, and the release record.

A part of what a contract may say (``model`` puts it together). What a method does, and why, stands in ``privacy``.
"""

from __future__ import annotations

import datetime
import re
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from stadtdaten.contracts.base import Identifier, Strict, Text

ColumnClass = Literal[
    "public", "identifier", "quasi_identifier", "sensitive", "free_text", "location", "count", "magnitude"
]  # fmt: skip
"""What a column says about people. `public`: nothing; `identifier`: who it is; `quasi_identifier`: what others may know
of a person; `sensitive`: what nobody is to learn of one; `location`: where something about a person is; `count`: a
number of persons; `magnitude`: a sum to which persons or firms contribute."""

PersonalKind = Literal[
    "name", "address", "phone", "email", "iban", "tax_id", "social_security_number", "plate", "file_number",
    "birth_date",
]  # fmt: skip

PERSONAL_KIND_TITLES: dict[PersonalKind, str] = {
    "name": "Name einer Person",
    "address": "Anschrift",
    "phone": "Telefonnummer",
    "email": "E-Mail-Adresse",
    "iban": "IBAN",
    "tax_id": "Steuer-Identifikationsnummer",
    "social_security_number": "Sozialversicherungsnummer",
    "plate": "Kfz-Kennzeichen",
    "file_number": "Akten- oder Kassenzeichen",
    "birth_date": "Geburtsdatum",
}


class Expected(Strict):
    """Personal data that is to be published in a column (a councillor's name, a school's phone number), and why."""

    kind: PersonalKind
    legal_basis: Text


class ReleaseRecord(Strict):
    """What was decided about publishing a dataset. After ``next_review`` nothing new of it is published."""

    legal_basis: Text = Field(description="Why the city may publish it, such as '§ 16a EGovG NRW'")
    outcome: Literal["no_personal_data", "anonymised", "personal_data_by_law"] = Field(
        description="Outcome of the data-protection check: there is nothing about people in the source; it is made "
        "anonymous; it holds personal data that is to be published (`expected`)"
    )
    office: Text = Field(description="Which function answers for the decision; never a person's name")
    date: datetime.date
    next_review: datetime.date
    allows: tuple[Literal["pseudonyms", "scrubbed_text"], ...] = Field(
        default=(), description="Methods that need a decision of their own"
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.next_review <= self.date:
            raise ValueError("next_review must lie after date")
        return self


# Treatments of columns


class Drop(Strict):
    """The column is read (and checked) but never published."""

    kind: Literal["drop"]


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


class Lookup(Strict):
    """Replaces each text by what a reference has for it (a street by its Stadtbezirk); others become `other`."""

    kind: Literal["lookup"]
    reference: Identifier = Field(description="Id of a table under the dataset's `references`")
    key: Identifier = Field(description="Column of the reference that holds the texts")
    value: Identifier = Field(description="Column of the reference that holds the coarser texts")
    other: Text


class Period(Strict):
    """Replaces a date or moment by the period it lies in: `2025-03`, `2025-Q1`, `2025-H1`, `2025`."""

    kind: Literal["period"]
    unit: Literal["month", "quarter", "half_year", "year"]


class Prefix(Strict):
    """Keeps the first characters of a code: `59063` becomes `590`. A shorter code becomes empty."""

    kind: Literal["prefix"]
    length: int = Field(ge=1)


class Limits(Strict):
    """Top and bottom coding: a number beyond a limit is replaced by the limit."""

    kind: Literal["limits"]
    lowest: float | None = None
    highest: float | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.lowest is None and self.highest is None:
            raise ValueError("give lowest, highest or both")
        if self.lowest is not None and self.highest is not None and self.lowest >= self.highest:
            raise ValueError("lowest must be less than highest")
        return self


class Rounded(Strict):
    """Replaces a number by the nearest multiple of `to`; halves go to the even multiple."""

    kind: Literal["rounded"]
    to: float = Field(gt=0)


class Pseudonym(Strict):
    """Replaces a value by a keyed pseudonym that changes with the period. Only where the release record allows it."""

    kind: Literal["pseudonym"]
    connection: Identifier = Field(description="Airflow Connection whose password is the key")
    rotation: Literal["month", "quarter", "year"] = Field(
        description="Period after which the same value gets another pseudonym"
    )


class Grid(Strict):
    """Replaces a point by the cell of the European grid (EPSG:3035) it lies in, and adds the cell's official name.

    Points that are fewer than `minimum` in their cell get the next coarser one in which there are enough of such
    points, else none.
    """

    kind: Literal["grid"]
    size: Literal[100, 500, 1000] = Field(description="Side of a cell in metres")
    minimum: int = Field(default=3, ge=2, description="Fewest rows (persons) that a published cell holds")


class Snap(Strict):
    """Replaces a point by the middle of the nearest street (line) or block (polygon) of a reference.

    A street or block with fewer than `minimum` rows is not shown: the point is left out.
    """

    kind: Literal["snap"]
    reference: Identifier = Field(description="Id of a table under the dataset's `references`")
    minimum: int = Field(default=3, ge=2, description="Fewest rows (persons) that a published place holds")


class Street(Strict):
    """Cuts the house number from an address: `Am Stadtbad 12a` becomes `Am Stadtbad`."""

    kind: Literal["street"]


class Scrub(Strict):
    """Replaces what is found in free text by its kind in brackets. Only where the release record allows it."""

    kind: Literal["scrub"]
    patterns: dict[Text, Text] = Field(
        default_factory=dict, description="Further kinds: what to write in the brackets, and a regular expression"
    )

    @field_validator("patterns")
    @classmethod
    def _compile(cls, patterns: dict[str, str]) -> dict[str, str]:
        for title, pattern in patterns.items():
            try:
                compiled = re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{title}: no regular expression ({error})") from None
            if compiled.search(""):
                raise ValueError(f"{title}: the regular expression fits the empty text")
        return patterns


Treatment = Annotated[
    Drop | Bands | Mapping | Lookup | Period | Prefix | Limits | Rounded | Pseudonym | Grid | Snap | Street | Scrub,
    Field(discriminator="kind"),
]

TYPES_BY_TREATMENT: dict[str, tuple[str, ...]] = {
    "bands": ("integer",),
    "mapping": ("string",),
    "lookup": ("string",),
    "period": ("date", "datetime"),
    "prefix": ("string",),
    "limits": ("integer", "number"),
    "rounded": ("integer", "number"),
    "pseudonym": ("string", "integer"),
    "grid": ("geometry",),
    "snap": ("geometry",),
    "street": ("string",),
    "scrub": ("string",),
}
"""Treatment to the types of column it is for; `drop` is for all."""

GRID_SUFFIX = "_gitter"
"""Ends the name of the column that the treatment `grid` adds for the names of the cells."""

TREATMENTS_BY_CLASS: dict[ColumnClass, tuple[str, ...]] = {
    "identifier": ("drop", "pseudonym"),
    "free_text": ("drop", "scrub"),
    "location": ("drop", "grid", "snap", "street", "lookup", "mapping", "prefix"),
}
"""Class to the treatments one of which a column needs, unless it is expected (`expected`)."""


# Methods for tables


class Suppression(Strict):
    """Small cells are held back, and so many others that no interval of one is narrower than `minimum`."""

    kind: Literal["suppression"]
    minimum: int = Field(default=3, ge=2, description="Smallest count of persons that may be shown")


class RoundedCounts(Strict):
    """Every count is rounded to a multiple of `base`, and 0 to `to_zero` become 0 (school statistics)."""

    kind: Literal["rounding"]
    base: int = Field(default=5, ge=3)
    to_zero: int = Field(default=2, ge=0)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.to_zero >= self.base:
            raise ValueError("to_zero must be less than base")
        return self


class CellKey(Strict):
    """Every count gets noise that depends on the persons it counts: the same cell, the same noise, in every table.

    Only for tables with a reference date among their dimensions, without total: the noise averages out over releases in
    which counts change. The parameters are those of the perturbation table (Marley and Leaver 2011; Enderle, Giessing,
    Tent 2018).
    """

    kind: Literal["cell_key"]
    connection: Identifier = Field(description="Airflow Connection whose password is the key of the record keys")
    maximum: int = Field(default=4, ge=1, le=10, description="Largest noise, up or down")
    variance: float = Field(default=2.0, gt=0, description="Variance of the noise")
    hidden_counts: int = Field(default=2, ge=0, description="Counts from 1 to this never appear in the table")

    @model_validator(mode="after")
    def _exists(self) -> Self:
        """Noise without bias: a 1 can only become 0 or more than ``hidden_counts``, which bounds the variance."""
        if self.maximum <= self.hidden_counts:
            raise ValueError("maximum must be greater than hidden_counts")
        least = (self.hidden_counts + 1) ** 2 // 4
        if not least <= self.variance <= self.maximum:
            raise ValueError(f"variance must lie between {least} (because of hidden_counts) and maximum")
        return self


class Tabulation(Strict):
    """What tables of counts and of sums have in common: rows are added up over dimensions, with totals."""

    dimensions: tuple[Identifier, ...] = Field(min_length=1, description="Columns that span the table")
    margins: tuple[Identifier, ...] = Field(
        default=(), description="Dimensions that get a total; each combination of the others is a table of its own"
    )
    nested: dict[Identifier, Identifier] = Field(
        default_factory=dict,
        description="Dimension to the dimension it divides (`sozialraum: stadtbezirk`); a value has one parent",
    )
    total: Text = Field(default="Insgesamt", description="Label of a total")

    @model_validator(mode="after")
    def _dimensions_fit(self) -> Self:
        for name, columns in (("dimensions", self.dimensions), ("margins", self.margins)):
            if len(set(columns)) != len(columns):
                raise ValueError(f"{name} names a column twice")
        if not set(self.margins) <= set(self.dimensions):
            raise ValueError("margins must be dimensions")
        if not {*self.nested, *self.nested.values()} <= set(self.margins):
            raise ValueError("nested: both must be margins")
        for child in self.nested:
            seen = {child}
            while (child := self.nested.get(child, "")) != "":
                if child in seen:
                    raise ValueError("nested: a dimension cannot lie within itself")
                seen.add(child)
        if len(set(self.nested.values())) != len(self.nested):
            raise ValueError("nested: a dimension is divided by one other at most")
        return self


class FrequencyTable(Tabulation):
    """Turns rows into a table of counts with totals in which nobody can be found.

    All frequency tables of a dataset that count the same rows are protected and attacked together.
    """

    count: Identifier | None = Field(
        default=None, description="Column with the number of persons per row; without it every row is one person"
    )
    counted: Identifier = Field(default="anzahl", description="Name of the published count where `count` is not given")
    merged: dict[Identifier, Text] = Field(
        default_factory=dict,
        description="Dimension whose rare values (given names) may not even be named, to the label they are merged "
        "into; such a dimension has no total and no row for a combination that does not occur",
    )
    protection: Annotated[Suppression | RoundedCounts | CellKey, Field(discriminator="kind")] = Suppression(
        kind="suppression"
    )

    @model_validator(mode="after")
    def _merged_fits(self) -> Self:
        if not set(self.merged) <= set(self.dimensions) - set(self.margins):
            raise ValueError("merged: must be dimensions without totals")
        if len(self.merged) > 1:
            raise ValueError("merged: one dimension at most")
        if self.merged and (self.margins or self.protection.kind != "suppression"):
            raise ValueError("merged: goes with protection suppression and without margins")
        return self

    @property
    def measure(self) -> str:
        """Name of the published count."""
        return self.count or self.counted


class Dominance(Strict):
    """A sum is held back if its `n` largest contributors make up more than `k` percent of it."""

    n: int = Field(ge=1)
    k: float = Field(gt=0, lt=100)


class MagnitudeTable(Tabulation):
    """Turns rows, each of one contributor, into a table of sums with totals from which no contribution can be told."""

    magnitude: Identifier = Field(description="Column that is summed up; no negative values")
    minimum: int = Field(
        default=3, ge=3, description="Fewest contributors of a sum that may be shown; of two, each would know the other"
    )
    dominance: Dominance | None = None
    p_percent: float | None = Field(
        default=None, gt=0, lt=100,
        description="A sum is held back if the second-largest contributor could tell the largest one to within p %",
    )  # fmt: skip

    @property
    def measure(self) -> str:
        """Name of the published sum."""
        return self.magnitude

    @model_validator(mode="after")
    def _has_a_rule(self) -> Self:
        if self.dominance is None and self.p_percent is None:
            raise ValueError("give dominance, p_percent or both")
        return self


class Microdata(Strict):
    """Publishes single records, each of which is one of at least `k` that look the same (local recoding, Mondrian).

    The quasi-identifiers are the published columns of that class, the sensitive values those of class `sensitive`.
    """

    k: int = Field(default=5, ge=3)
    l: int | None = Field(default=None, ge=2, description="Fewest different sensitive values in a group")  # noqa: E741
    t: float | None = Field(
        default=None, gt=0, lt=1, description="Largest distance of a group's sensitive values from those of all"
    )
    suppressed: float = Field(
        default=0.05, ge=0, lt=1, description="Share of the records that may be left out to reach k, l and t"
    )
    hierarchies: dict[Identifier, dict[Text, tuple[Text, ...]]] = Field(
        default_factory=dict,
        description="Quasi-identifier to its values, each with its ever coarser groups; without one, texts are "
        "listed side by side. Numbers and dates become ranges",
    )
