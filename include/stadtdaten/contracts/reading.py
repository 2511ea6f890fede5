"""How the bytes of a table are written: one model per format. What is not said is found out or is an error.

Nothing here describes what a column means; that is the column's own business.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stadtdaten.contracts.base import Epsg, JsonPath, Strict, Text


class _Packed(Strict):
    """Any file may lie in a ZIP archive."""

    member: Text | None = Field(
        default=None, description="The file's name in a ZIP archive, or a pattern that one name fits (`*/Orte*.csv`)"
    )


class _Located(Strict):
    """Where coordinates are not what the source says, or it says nothing.

    By default the file's own word counts, else the one reference system and order of axes that puts the objects into
    the city; several or none of them stop the table.
    """

    crs: Epsg | None = Field(default=None, description="Reference system of the coordinates; overrules the file")
    axes: Literal["east_north", "north_east"] | None = Field(
        default=None, description="Order in which the source writes the two coordinates, where it is not as it says"
    )
    repair_geometry: bool = Field(default=False, description="Repair invalid geometries (counted); else they stay")


class _Notation(Strict):
    """How numbers are written in text; found out from the table's number columns where not given."""

    decimal: Literal[".", ","] | None = None
    thousands: Literal[".", ",", " ", "'", ""] | None = None

    @model_validator(mode="after")
    def _two_characters(self) -> Self:
        if self.thousands and self.thousands == self.decimal:
            raise ValueError("thousands and decimal are the same character")
        return self


class _Layout(_Packed, _Notation, _Located):
    """Where the table stands in a grid of cells (a delimited file, a sheet), and which rows of it are data.

    A column's `source` is the header's cell without outer white space; several header rows are joined by " / ", line
    breaks are spaces. `Name#2` is the second column called `Name`; the bare name is then the first one, and an error
    where the contract does not ask for the second. Without a header columns are `#1`, `#2`, ...
    """

    skip_rows: int | None = Field(
        default=None,
        ge=0,
        description="Rows before the header, blank ones included; by default the header is looked for",
    )
    header_rows: int = Field(default=1, ge=0, le=6, description="Rows of the header; 0: there is none")
    notes: tuple[Text, ...] = Field(
        default=(), description="Beginnings of rows that are no data (footnotes, sums): left out and counted"
    )
    trailer: Text | None = Field(
        default=None, description="Beginning of the last row of a complete file; without it the file is half a file"
    )
    repeated_headers: bool = Field(default=False, description="Leave out rows that repeat the header")
    fill_down: tuple[Text, ...] = Field(
        default=(), description="Source columns whose empty cells repeat the cell above (vertically merged cells)"
    )
    drop_blank_rows: bool = Field(default=False, description="Leave out rows whose cells are all empty")
    footnote_marks: tuple[Text, ...] = Field(
        default=(), description="Marks at the end of cells that point to a footnote, such as `1)`: cut off and counted"
    )
    levels: tuple[Text, ...] = Field(
        default=(),
        description="Names for the levels of a hierarchy shown by indentation in `indented`: one source column each",
    )
    indented: Text | None = Field(default=None, description="Source column whose indentation shows a hierarchy")
    where: dict[Text, tuple[Text, ...]] = Field(
        default_factory=dict, description="Keep only rows whose cell in that source column is one of these"
    )
    x: Text | None = Field(default=None, description="Source column with the easting (or longitude), for point data")
    y: Text | None = Field(default=None, description="Source column with the northing (or latitude)")

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        if (self.x is None) != (self.y is None):
            raise ValueError("x and y belong together: give both or neither")
        if (self.indented is None) != (not self.levels):
            raise ValueError("indented and levels belong together: give both or neither")
        if plain := [mark for mark in self.footnote_marks if not set(mark) - set("0123456789.,+-' ")]:
            raise ValueError(f"footnote_marks: {', '.join(map(repr, plain))} could be part of a number")
        return self


class Csv(_Layout):
    """A delimited text file. Encoding, delimiter and notation are found out where not given, or the file is refused."""

    format: Literal["csv"]
    encoding: Literal["utf-8", "utf-8-sig", "cp1252", "iso-8859-15", "utf-16"] | None = None
    delimiter: Literal[",", ";", "\t", "|"] | None = None
    short_rows: bool = Field(default=False, description="Rows may end early; the cells they lack are empty")
    overflow: Text | None = Field(
        default=None,
        description="Source column whose cells may hold the delimiter without quotes: takes what is too much in a row",
    )


class Sheet(_Layout):
    """A sheet of a workbook (xlsx, xlsm, xls, ods). Hidden sheets, rows and columns are reported and never read."""

    format: Literal["sheet"]
    sheet: Text | None = Field(default=None, description="Name of the sheet; by default the only visible one")
    area: Annotated[str, Field(pattern=r"^[A-Z]{1,3}[1-9]\d*:[A-Z]{1,3}([1-9]\d*)?$")] | None = Field(
        default=None, description="Part of the sheet where the table stands, such as `B5:H40` or `B5:H` (to the end)"
    )
    folded_rows: Literal["read", "omit"] | None = Field(
        default=None,
        description="Whether rows that a filter or a collapsed outline hides are data; without a word they stop the "
        "table (in xls files, which do not tell why a row is hidden, all hidden rows count as such)",
    )


class Gml(_Packed, _Located):
    """Features as a WFS delivers them (GML 3.1, 3.2)."""

    format: Literal["gml"]


class Features(_Packed, _Located, _Notation):
    """Features in a file, or as OGC API Features (geojson) and ArcGIS (esrijson) deliver them.

    A shapefile comes as a ZIP archive or as its files; `dbf` is a table without geometries.
    """

    format: Literal["geojson", "esrijson", "shapefile", "geopackage", "kml", "dbf"]
    layer: Text | None = Field(default=None, description="Name of the layer; by default the only one")
    encoding: Literal["utf-8", "cp1252", "iso-8859-15", "cp850"] | None = Field(
        default=None, description="Of a dbf file; by default as its .cpg file says"
    )


class Xml(_Packed, _Notation):
    """XML whose repeated element is a row; a column's `source` is a path below it: `Standort/Plz`, `@id`.

    Names without prefix stand for any namespace.
    """

    format: Literal["xml"]
    rows: Text = Field(description="Path of the element that is a row, from the root: `Einheiten/EinheitSolar`")
    where: dict[Text, tuple[Text, ...]] = Field(
        default_factory=dict, description="Keep only rows that have one of these values at that path"
    )


class Json(_Packed, _Located, _Notation):
    """JSON with a list of objects, each of which is a row; a column's `source` is a path in it: `reporter/name`.

    A path that leads through a list, or to one, gives several values: the column needs a `separator`.
    """

    format: Literal["json"]
    rows: JsonPath | None = Field(default=None, description="Path of the list; by default the document is the list")
    x: JsonPath | None = Field(default=None, description="Path of the easting (or longitude) in a row, for point data")
    y: JsonPath | None = Field(default=None, description="Path of the northing (or latitude)")

    @model_validator(mode="after")
    def _pair(self) -> Self:
        if (self.x is None) != (self.y is None):
            raise ValueError("x and y belong together: give both or neither")
        return self


class Changes(Strict):
    """Only rows that changed since the last release are read, and merged into it by key."""

    full_after: timedelta = Field(
        default=timedelta(days=7),
        gt=timedelta(0),
        description="In every period of this length all rows are read again once",
    )


class Incremental(Changes):
    """That nothing changed is told by the number of rows and the highest value; a deletion shows in the number.

    What neither tells (a row changed without a new value, or committed late with an old one) shows when all rows are
    read.
    """

    column: Text = Field(description="Source column that rises with every change of a row")


class Oparl(Strict):
    """Objects of a council information system; a column's `source` is a path in the object: `location/room`.

    A path leads through embedded objects and through references (addresses), whose objects are fetched; where it ends
    at one, the value is its id. A path through a list, or to one, gives several values: the column needs a `separator`.
    """

    format: Literal["oparl"]
    each: Text | None = Field(
        default=None,
        description="Property whose objects are the rows, such as `membership`: paths that begin with it lead into the "
        "row's own one",
    )
    current: bool = Field(
        default=False, description="Leave out rows whose startDate and endDate say that they are not in force today"
    )
    where: dict[Text, tuple[Text, ...]] = Field(
        default_factory=dict, description="Keep only rows that have one of these values at that path"
    )
    incremental: Changes | None = Field(
        default=None,
        description="Ask only for what changed (modified_since). What changed in a referenced object alone shows when "
        "all objects are read",
    )


class Rows(_Located):
    """Rows of a database; types come with the connection. Geometries come from PostgreSQL with PostGIS only."""

    format: Literal["rows"]
    incremental: Incremental | None = None


Reading = Annotated[Csv | Sheet | Gml | Features | Xml | Json | Oparl | Rows, Field(discriminator="format")]
