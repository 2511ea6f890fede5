"""Where a source's bytes come from, and what fetching them may cost at most."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stadtdaten.contracts.base import HostName, Identifier, JsonPath, Strict, Text, WebAddress

Settle = Annotated[int, Field(ge=0, le=600, description="Seconds for which a file's size must stand still")]
PageSize = Annotated[int, Field(ge=1, le=100_000, description="Features per request")]


class HttpInterface(Strict):
    """Files over HTTP(S); a table's `resource` is the path below the connection's address."""

    kind: Literal["http"]
    connection: Identifier
    redirects_to: tuple[HostName, ...] = Field(
        default=(), description="Other servers to which the source may redirect; they get no login"
    )


class FolderInterface(Strict):
    """Files in a mounted folder; a table's `resource` is a path below it, or a pattern (`pegel/*.csv`)."""

    kind: Literal["folder"]
    connection: Identifier
    settle: Settle = 5


class SftpInterface(Strict):
    """Files on an SFTP server, whose host key the connection names; `resource` as for a folder."""

    kind: Literal["sftp"]
    connection: Identifier
    settle: Settle = 5


class FtpInterface(Strict):
    """Files on an FTP server (`tls`: FTPS); `resource` as for a folder."""

    kind: Literal["ftp"]
    connection: Identifier
    tls: bool = Field(default=True, description="False sends login and data in the clear")
    settle: Settle = 5


class WfsInterface(Strict):
    """OGC WFS 2.0 or 1.1; a table's `resource` is the feature type's name."""

    kind: Literal["wfs"]
    connection: Identifier
    version: Literal["2.0.0", "1.1.0"] = "2.0.0"
    page_size: PageSize = 1000


class OgcFeaturesInterface(Strict):
    """OGC API Features, Part 1; a table's `resource` is the collection's id."""

    kind: Literal["ogc_features"]
    connection: Identifier
    page_size: PageSize = 1000


class ArcgisInterface(Strict):
    """An ArcGIS FeatureServer; a table's `resource` is the layer below the connection's address, such as `0`."""

    kind: Literal["arcgis"]
    connection: Identifier
    page_size: PageSize = 1000


class OparlInterface(Strict):
    """A council information system that speaks OParl 1.0 or 1.1; the connection's address is its `system` object.

    A table's `resource` is the body's list that it is made of, as the body calls it: `person`, `locationList`.
    """

    kind: Literal["oparl"]
    connection: Identifier
    body: WebAddress | None = Field(
        default=None, description="Id of the body whose lists are read; by default the system's only one"
    )


class SqlInterface(Strict):
    """A database through SQLAlchemy, read only; a table's `resource` is the name of a table or view."""

    kind: Literal["sql"]
    connection: Identifier


class PageNumbers(Strict):
    """Pages are asked for by their number."""

    by: Literal["page"]
    parameter: Text = Field(description="Query parameter for the number")
    first: Literal[0, 1] = Field(description="Number of the first page")
    size_parameter: Text | None = Field(default=None, description="Query parameter for the rows of a page")


class Offsets(Strict):
    """Pages are asked for by the number of rows before them."""

    by: Literal["offset"]
    parameter: Text = Field(description="Query parameter for the number of rows to leave out")
    size_parameter: Text | None = Field(default=None, description="Query parameter for the rows of a page")


class NextLinks(Strict):
    """Each page names the address of the next one; the last one names none."""

    by: Literal["link"]
    member: JsonPath | None = Field(
        default=None, description="Where it stands in the answer; by default in the header `Link` (RFC 8288)"
    )
    size_parameter: Text | None = Field(default=None, description="Query parameter for the rows of a page")


class RestInterface(Strict):
    """JSON over HTTP(S), whole or in pages; a table's `resource` is the path, with its query, below the address.

    An API key is the connection's password; its `extra` names the header (`api_key_header`) or query parameter
    (`api_key_parameter`) in which it is sent.
    """

    kind: Literal["rest"]
    connection: Identifier
    paging: Annotated[PageNumbers | Offsets | NextLinks, Field(discriminator="by")] | None = Field(
        default=None, description="How pages are asked for; by default one answer holds all rows"
    )
    page_size: PageSize = 1000
    total: JsonPath | None = Field(default=None, description="Where the answer says how many rows there are in all")

    @model_validator(mode="after")
    def _size_is_sent(self) -> Self:
        if "page_size" in self.model_fields_set and (self.paging is None or self.paging.size_parameter is None):
            raise ValueError("page_size needs paging.size_parameter, the query parameter in which it is sent")
        return self


FileInterface = HttpInterface | FolderInterface | SftpInterface | FtpInterface
Interface = Annotated[
    FileInterface
    | WfsInterface
    | OgcFeaturesInterface
    | ArcgisInterface
    | RestInterface
    | OparlInterface
    | SqlInterface,
    Field(discriminator="kind"),
]

DELIVERS: dict[str, frozenset[str]] = {
    "wfs": frozenset({"gml"}),
    "ogc_features": frozenset({"geojson"}),
    "arcgis": frozenset({"esrijson"}),
    "rest": frozenset({"json"}),
    "oparl": frozenset({"oparl"}),
    "sql": frozenset({"rows"}),
} | dict.fromkeys(
    ("http", "folder", "sftp", "ftp"),
    frozenset({"csv", "sheet", "gml", "geojson", "shapefile", "geopackage", "kml", "dbf", "xml", "json"}),
)  # fmt: skip
"""Kind of interface to the formats (`reading.format`) that it can deliver."""


class Limits(Strict):
    """What a source may cost at most; more than that stops the run before it harms anything."""

    seconds: int = Field(default=600, ge=1, description="Total time of the extraction of a table")
    megabytes: int = Field(default=512, ge=1, description="Bytes received, in units of 1,000,000")
    rows: int = Field(default=5_000_000, ge=1)
    members: int = Field(default=1000, ge=1, description="Files in an archive")
    unpacked_megabytes: int = Field(default=4096, ge=1, description="Bytes of the files taken from an archive")
    ratio: int = Field(default=200, ge=1, description="Unpacked bytes of an archive's file for each packed one")
    depth: int = Field(default=100, ge=1, description="Nesting of elements (XML) or containers (JSON)")
    cell: int = Field(default=1_000_000, ge=1, description="Characters in one cell")
