"""How does an OGC Web Feature Service 2.0 answer (OGC 09-025r2)? Key-value requests in, XML out.

A Simple WFS over one feature type: GetCapabilities, DescribeFeatureType, GetFeature with paging and hits. It
speaks one coordinate reference system, EPSG:25832 in the order east, north. Filters are refused with an exception,
never ignored: unfiltered features in place of filtered ones would be silently wrong.
"""

from __future__ import annotations

from datetime import date
from urllib.parse import parse_qsl, urlencode
from xml.sax.saxutils import escape, quoteattr

from samplecity.state import State
from samplecity.tables import Cell, Column, Table
from samplecity.web import Answer, Request, etag_of

PREFIX = "gruen"
NAMESPACE = "https://geodaten.example/gruen"
CRS = "urn:ogc:def:crs:EPSG::25832"
CRS_NAMES = {CRS, "EPSG:25832", "http://www.opengis.net/def/crs/EPSG/0/25832"}
GML = "application/gml+xml; version=3.2"
XML = "text/xml; charset=UTF-8"
DEFAULT_COUNT = 1000
CAPABILITIES = "?service=WFS&request=GetCapabilities"
"""What a person appends to the address to see what the service offers."""

NAMESPACES = (
    f'xmlns:wfs="http://www.opengis.net/wfs/2.0" xmlns:gml="http://www.opengis.net/gml/3.2" '
    f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:{PREFIX}="{NAMESPACE}"'
)
UNDERSTOOD = {
    "SERVICE", "VERSION", "REQUEST", "TYPENAMES", "TYPENAME", "COUNT", "STARTINDEX", "SRSNAME", "RESULTTYPE",
    "OUTPUTFORMAT", "NAMESPACES", "ACCEPTVERSIONS", "ACCEPTFORMATS", "SECTIONS", "UPDATESEQUENCE",
}  # fmt: skip
XSD_TYPES = {
    "text": "xsd:string",
    "integer": "xsd:integer",
    "decimal": "xsd:decimal",
    "date": "xsd:date",
    "point": "gml:PointPropertyType",
}


class _Refused(Exception):
    """A request that cannot be served: becomes an ExceptionReport (OGC 06-121r9, clause 8)."""

    def __init__(self, code: str, locator: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.locator = locator


def feature_service(table: Table, request: Request, url: str, state: State) -> Answer:
    """The answer to one key-value request; ``url`` is the service's own address."""
    if not url.endswith(request.path.rstrip("/")):
        return Answer(404, "text/plain; charset=utf-8", "Der Dienst liegt eine Ebene höher.\n".encode())
    asked = {name.upper(): value for name, value in parse_qsl(request.query, keep_blank_values=True)}
    try:
        body, content_type = _operation(table, asked, url, state.first_day)
    except _Refused as refusal:
        return exception_report(refusal.code, refusal.locator, str(refusal), status=400)
    content = body.encode()
    return Answer(200, content_type, content, {"ETag": etag_of(content), "Cache-Control": "no-cache"})


def exception_report(code: str, locator: str, text: str, *, status: int) -> Answer:
    """An OWS exception; servers in the wild send it with 200 as well as with 400."""
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<ows:ExceptionReport xmlns:ows="http://www.opengis.net/ows/1.1" version="2.0.0">'
        f"<ows:Exception exceptionCode={quoteattr(code)} locator={quoteattr(locator)}>"
        f"<ows:ExceptionText>{escape(text)}</ows:ExceptionText></ows:Exception></ows:ExceptionReport>\n"
    )
    return Answer(status, XML, body.encode())


def _operation(table: Table, asked: dict[str, str], endpoint: str, day: date) -> tuple[str, str]:
    if asked.get("SERVICE", "WFS").upper() != "WFS":
        raise _Refused("InvalidParameterValue", "service", "Dieser Dienst ist ein WFS.")
    unknown = sorted(set(asked) - UNDERSTOOD)
    if unknown:
        raise _Refused("OptionNotSupported", unknown[0].lower(), "Dieser Parameter wird nicht unterstützt.")
    request = asked.get("REQUEST", "")
    if request == "GetCapabilities":
        return _capabilities(table, endpoint), XML
    if not asked.get("VERSION", "2.0.0").startswith("2.0"):
        raise _Refused("VersionNegotiationFailed", "version", "Nur Version 2.0.0 wird unterstützt.")
    if request == "DescribeFeatureType":
        _check_type(table, asked, needed=False)
        return _schema(table), GML
    if request == "GetFeature":
        _check_type(table, asked, needed=True)
        return _features(table, asked, endpoint, day), GML
    if not request:
        raise _Refused("MissingParameterValue", "request", "Der Parameter REQUEST fehlt.")
    raise _Refused("OperationNotSupported", "request", "Diese Operation wird nicht unterstützt.")


def _check_type(table: Table, asked: dict[str, str], *, needed: bool) -> None:
    name = asked.get("TYPENAMES") or asked.get("TYPENAME") or ""
    if not name and needed:
        raise _Refused("MissingParameterValue", "typeNames", "Der Parameter TYPENAMES fehlt.")
    if name and name != table.resource:
        raise _Refused("InvalidParameterValue", "typeNames", "Diesen Objekttyp gibt es hier nicht.")


def _features(table: Table, asked: dict[str, str], endpoint: str, day: date) -> str:
    if asked.get("SRSNAME", CRS) not in CRS_NAMES:
        raise _Refused("InvalidParameterValue", "srsName", "Dieses Koordinatenreferenzsystem wird nicht unterstützt.")
    start, count = _whole(asked, "STARTINDEX", 0), _whole(asked, "COUNT", DEFAULT_COUNT)
    matched = len(table.rows)
    kind = asked.get("RESULTTYPE", "results").lower()
    if kind not in ("results", "hits"):
        raise _Refused("InvalidParameterValue", "resultType", "Erlaubt sind results und hits.")
    rows = table.rows[start : start + count] if kind == "results" else ()
    links = _links(asked, endpoint, start, count, matched) if kind == "results" and count else ""
    described = _address(endpoint, {"SERVICE": "WFS", "VERSION": "2.0.0", "REQUEST": "DescribeFeatureType"})
    locations = f"http://www.opengis.net/wfs/2.0 http://schemas.opengis.net/wfs/2.0/wfs.xsd {NAMESPACE} {described}"
    members = "".join(_member(table, number, row) for number, row in enumerate(rows, start=start + 1))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<wfs:FeatureCollection {NAMESPACES} xsi:schemaLocation={quoteattr(locations)} timeStamp="{day}T00:00:00Z" '
        f'numberMatched="{matched}" numberReturned="{len(rows)}"{links}>\n{members}</wfs:FeatureCollection>\n'
    )


def _whole(asked: dict[str, str], name: str, default: int) -> int:
    text = asked.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit()):
        raise _Refused("InvalidParameterValue", name.lower(), "Hier wird eine ganze Zahl ab 0 erwartet.")
    return int(text)


def _links(asked: dict[str, str], endpoint: str, start: int, count: int, matched: int) -> str:
    """Attributes ``previous`` and ``next`` as far as there are such pages (OGC 09-025r2, 7.7.4.4.1)."""
    links = ""
    if start > 0:
        previous = {**asked, "STARTINDEX": str(max(0, start - count)), "COUNT": str(min(count, start))}
        links += f" previous={quoteattr(_address(endpoint, previous))}"
    if start + count < matched:
        following = {**asked, "STARTINDEX": str(start + count), "COUNT": str(count)}
        links += f" next={quoteattr(_address(endpoint, following))}"
    return links


def _address(endpoint: str, parameters: dict[str, str]) -> str:
    return f"{endpoint}?{urlencode(parameters)}"


def _member(table: Table, number: int, row: tuple[Cell, ...]) -> str:
    name = table.resource.partition(":")[2]
    properties = "".join(
        _property(column, cell, f"{name}.{number}") for column, cell in zip(table.columns, row, strict=True)
    )
    return f'<wfs:member><{table.resource} gml:id="{name}.{number}">{properties}</{table.resource}></wfs:member>\n'


def _property(column: Column, cell: Cell, feature: str) -> str:
    tag = f"{PREFIX}:{column.name}"
    match cell:
        case None:
            return ""
        case (east, north):
            point = f'<gml:Point gml:id="{feature}.{column.name}" srsName="{CRS}" srsDimension="2">'
            return f"<{tag}>{point}<gml:pos>{east:.2f} {north:.2f}</gml:pos></gml:Point></{tag}>"
        case _:
            return f"<{tag}>{escape(str(cell))}</{tag}>"


def _schema(table: Table) -> str:
    name = table.resource.partition(":")[2]
    elements = "".join(
        f'<xsd:element name="{column.name}" type="{XSD_TYPES[column.type]}" minOccurs="0"/>'
        for column in table.columns
    )  # fmt: skip
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:gml="http://www.opengis.net/gml/3.2" '
        f'xmlns:{PREFIX}="{NAMESPACE}" targetNamespace="{NAMESPACE}" elementFormDefault="qualified" version="1.0">'
        '<xsd:import namespace="http://www.opengis.net/gml/3.2" '
        'schemaLocation="http://schemas.opengis.net/gml/3.2.1/gml.xsd"/>'
        f'<xsd:element name="{name}" type="{PREFIX}:{name}Type" substitutionGroup="gml:AbstractFeature"/>'
        f'<xsd:complexType name="{name}Type"><xsd:complexContent><xsd:extension base="gml:AbstractFeatureType">'
        f"<xsd:sequence>{elements}</xsd:sequence></xsd:extension></xsd:complexContent></xsd:complexType>"
        "</xsd:schema>\n"
    )


def _capabilities(table: Table, endpoint: str) -> str:
    operations = "".join(
        f'<ows:Operation name="{name}"><ows:DCP><ows:HTTP><ows:Get xlink:href={quoteattr(endpoint + "?")}/>'
        "</ows:HTTP></ows:DCP></ows:Operation>"
        for name in ("GetCapabilities", "DescribeFeatureType", "GetFeature")
    )
    constraints = "".join(
        f'<ows:Constraint name="{name}"><ows:NoValues/><ows:DefaultValue>{value}</ows:DefaultValue></ows:Constraint>'
        for name, value in {
            "ImplementsSimpleWFS": "FALSE",  # no stored queries
            "KVPEncoding": "TRUE",
            "ImplementsResultPaging": "TRUE",
            "PagingIsTransactionSafe": "FALSE",
            "CountDefault": DEFAULT_COUNT,
        }.items()
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<wfs:WFS_Capabilities version="2.0.0" {NAMESPACES} xmlns:ows="http://www.opengis.net/ows/1.1" '
        'xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:fes="http://www.opengis.net/fes/2.0">'
        f"<ows:ServiceIdentification><ows:Title>{escape(table.title)}</ows:Title>"
        "<ows:Abstract>Beispieldaten einer erfundenen Stadtverwaltung</ows:Abstract>"
        "<ows:ServiceType>WFS</ows:ServiceType><ows:ServiceTypeVersion>2.0.0</ows:ServiceTypeVersion>"
        "</ows:ServiceIdentification>"
        f"<ows:OperationsMetadata>{operations}{constraints}</ows:OperationsMetadata>"
        f"<wfs:FeatureTypeList><wfs:FeatureType><wfs:Name>{table.resource}</wfs:Name>"
        f"<wfs:Title>{escape(table.title)}</wfs:Title><wfs:DefaultCRS>{CRS}</wfs:DefaultCRS>"
        f"<wfs:OutputFormats><wfs:Format>{GML}</wfs:Format></wfs:OutputFormats>"
        "</wfs:FeatureType></wfs:FeatureTypeList>"
        "<fes:Filter_Capabilities><fes:Conformance>"
        '<fes:Constraint name="ImplementsQuery"><ows:NoValues/><ows:DefaultValue>FALSE</ows:DefaultValue>'
        "</fes:Constraint></fes:Conformance></fes:Filter_Capabilities></wfs:WFS_Capabilities>\n"
    )
