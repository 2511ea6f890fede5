"""What does a WFS layer cost from the first request to the snapshot, compared with ogr2ogr on the same server?

300,000 points with 8 attributes in pages of 10,000 over loopback. Ours: fetch, prove, type, write GeoParquet;
ogr2ogr: fetch and write a GeoPackage with the same page size. Ratios from runs that alternate.
"""

from __future__ import annotations

import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pyogrio

from stadtdaten.contracts import Table, load_city
from stadtdaten.contracts.interfaces import Limits, WfsInterface
from stadtdaten.extract import Fetched, fetch_table
from stadtdaten.frames import Endpoint
from stadtdaten.read import read_table, write_frame

FEATURES = 300_000
PAGE = 10_000
REPEATS = 3
CITY = Path(__file__).resolve().parents[1] / "include" / "city.yaml"
TEXTS = {
    "gattung": ("Acer", "Tilia", "Quercus"),
    "art_botanisch": ("Acer platanoides", "Tilia cordata", "Quercus robur"),
    "art_deutsch": ("Spitz-Ahorn", "Winter-Linde", "Stiel-Eiche & Hybride"),
    "stadtbezirk": ("Hamm-Mitte", "Hamm-Uentrop", "Hamm-Rhynern"),
}
NUMBERS = {"pflanzjahr": "integer", "hoehe": "number", "umfang": "number"}
NAMESPACES = (
    'xmlns:wfs="http://www.opengis.net/wfs/2.0" xmlns:gml="http://www.opengis.net/gml/3.2" xmlns:gruen="urn:gruen"'
)
SCHEMA = (
    '<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:gml="http://www.opengis.net/gml/3.2" '
    'xmlns:gruen="urn:gruen" targetNamespace="urn:gruen" elementFormDefault="qualified">'
    '<xsd:import namespace="http://www.opengis.net/gml/3.2" '
    'schemaLocation="http://schemas.opengis.net/gml/3.2.1/gml.xsd"/>'
    '<xsd:element name="baeume" type="gruen:baeumeType" substitutionGroup="gml:AbstractFeature"/>'
    '<xsd:complexType name="baeumeType"><xsd:complexContent>'
    '<xsd:extension base="gml:AbstractFeatureType"><xsd:sequence>'
    + "".join(
        f'<xsd:element name="{name}" type="{kind}" minOccurs="0"/>'
        for name, kind in {
            "baum_id": "xsd:string", **dict.fromkeys(TEXTS, "xsd:string"), "pflanzjahr": "xsd:integer",
            "hoehe": "xsd:decimal", "umfang": "xsd:decimal", "geom": "gml:PointPropertyType",
        }.items()
    )
    + "</xsd:sequence></xsd:extension></xsd:complexContent></xsd:complexType></xsd:schema>"
)  # fmt: skip
CAPABILITIES = (
    f'<wfs:WFS_Capabilities version="2.0.0" {NAMESPACES} xmlns:ows="http://www.opengis.net/ows/1.1" '
    'xmlns:xlink="http://www.w3.org/1999/xlink"><ows:OperationsMetadata>'
    + "".join(
        f'<ows:Operation name="{name}"><ows:DCP><ows:HTTP><ows:Get xlink:href="{{url}}?"/></ows:HTTP></ows:DCP>'
        "</ows:Operation>"
        for name in ("GetCapabilities", "DescribeFeatureType", "GetFeature")
    )
    + '<ows:Constraint name="ImplementsResultPaging"><ows:NoValues/><ows:DefaultValue>TRUE</ows:DefaultValue>'
    f'</ows:Constraint><ows:Constraint name="CountDefault"><ows:NoValues/><ows:DefaultValue>{PAGE}'
    "</ows:DefaultValue></ows:Constraint></ows:OperationsMetadata><wfs:FeatureTypeList><wfs:FeatureType>"
    "<wfs:Name>gruen:baeume</wfs:Name><wfs:DefaultCRS>urn:ogc:def:crs:EPSG::25832</wfs:DefaultCRS>"
    "</wfs:FeatureType></wfs:FeatureTypeList></wfs:WFS_Capabilities>"
)


def main() -> None:
    """Print seconds and the ratio of the medians."""
    if len(sys.argv) == 3 and sys.argv[1] == "serve":
        _serve(Path(sys.argv[2]))
        return
    ogr2ogr = shutil.which("ogr2ogr")
    if ogr2ogr is None:
        sys.exit("ogr2ogr is missing: on Debian `apt-get install gdal-bin`")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_pages(folder)
        server = subprocess.Popen([sys.executable, __file__, "serve", name], stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            ours, theirs = [], []
            for _ in range(REPEATS):
                ours.append(_ours(url, folder / "ours"))
                theirs.append(_theirs(ogr2ogr, url, folder / "theirs"))
        finally:
            server.terminate()
            server.wait()
    print(f"{FEATURES} points, 8 attributes, pages of {PAGE}; median of {REPEATS}")
    print(f"stadtdaten {statistics.median(ours):.2f} s {[round(each, 2) for each in ours]}")
    print(f"ogr2ogr    {statistics.median(theirs):.2f} s {[round(each, 2) for each in theirs]}")
    print(f"ratio      {statistics.median(ours) / statistics.median(theirs):.2f} (at most 1.0)")


def _ours(url: str, folder: Path) -> float:
    table = Table.model_validate(
        {
            "id": "baeume", "title": "Bäume", "resource": "gruen:baeume", "reading": {"format": "gml"},
            "key": ["baum_id"],
            "columns": [
                {"name": name, "source": name, "title": name, "class": "public", "type": kind}
                for name, kind in {
                    "baum_id": "string", **dict.fromkeys(TEXTS, "string"), **NUMBERS, "geom": "geometry",
                }.items()
            ],
        }
    )  # fmt: skip
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    limits = Limits()
    city = load_city(CITY)
    began = time.perf_counter()
    interface = WfsInterface(kind="wfs", connection="bench", page_size=PAGE)
    fetched = fetch_table(interface, table, Endpoint(url=url), folder, limits, None)
    if not isinstance(fetched, Fetched):
        raise TypeError("nothing was fetched")
    fetch_done = time.perf_counter()
    read = read_table(table, fetched.files, city, limits)
    read_done = time.perf_counter()
    write_frame(read.frame, folder / "baeume.parquet")
    ended = time.perf_counter()
    if len(read.frame) != FEATURES:
        raise ValueError(f"{len(read.frame)} rows read")
    print(f"  fetch {fetch_done - began:.2f} s, read {read_done - fetch_done:.2f} s, write {ended - read_done:.2f} s")
    return ended - began


def _theirs(ogr2ogr: str, url: str, folder: Path) -> float:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    environment = {
        **os.environ, "OGR_WFS_PAGING_ALLOWED": "ON", "OGR_WFS_PAGE_SIZE": str(PAGE), "GDAL_HTTP_PROXY": "",
        "NO_PROXY": "127.0.0.1", "GML_DOWNLOAD_SCHEMA": "NO",
    }  # fmt: skip
    began = time.perf_counter()
    target = folder / "baeume.gpkg"
    subprocess.run(
        [ogr2ogr, "-f", "GPKG", target, f"WFS:{url}", "gruen:baeume"], env=environment, check=True, capture_output=True
    )
    ended = time.perf_counter()
    _check_rows(target)
    return ended - began


def _check_rows(target: Path) -> None:
    rows = pyogrio.read_info(target)["features"]
    if rows != FEATURES:
        raise ValueError(f"ogr2ogr wrote {rows} rows")


def _write_pages(folder: Path) -> None:
    dice = random.Random(1)
    for start in range(0, FEATURES, PAGE):
        members = "".join(_member(number, dice) for number in range(start, start + PAGE))
        more = f' next="{{url}}?startIndex={start + PAGE}"' if start + PAGE < FEATURES else ""
        (folder / f"{start}.xml").write_text(
            f'<?xml version="1.0" encoding="UTF-8"?><wfs:FeatureCollection {NAMESPACES} numberMatched="{FEATURES}" '
            f'numberReturned="{PAGE}"{more}>{members}</wfs:FeatureCollection>',
            encoding="utf-8",
        )


def _member(number: int, dice: random.Random) -> str:
    texts = "".join(
        f"<gruen:{name}>{dice.choice(some).replace('&', '&amp;')}</gruen:{name}>" for name, some in TEXTS.items()
    )
    return (
        f'<wfs:member><gruen:baeume gml:id="baeume.{number}"><gruen:baum_id>B{number:06}</gruen:baum_id>{texts}'
        f"<gruen:pflanzjahr>{dice.randint(1900, 2025)}</gruen:pflanzjahr>"
        f"<gruen:hoehe>{dice.uniform(2, 30):.1f}</gruen:hoehe><gruen:umfang>{dice.uniform(20, 300):.1f}</gruen:umfang>"
        f'<gruen:geom><gml:Point gml:id="baeume.{number}.geom" srsName="urn:ogc:def:crs:EPSG::25832" srsDimension="2">'
        f"<gml:pos>{dice.uniform(405000, 425000):.2f} {dice.uniform(5715000, 5735000):.2f}</gml:pos></gml:Point>"
        "</gruen:geom></gruen:baeume></wfs:member>\n"
    )


def _serve(folder: Path) -> None:
    pages = {path.stem: path.read_bytes() for path in folder.glob("*.xml")}
    nothing = f'<wfs:FeatureCollection {NAMESPACES} numberMatched="{FEATURES}" numberReturned="0"/>'.encode()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked = {name.lower(): value for name, value in parse_qsl(urlsplit(self.path).query)}
            match asked.get("request", "").lower(), asked.get("resulttype", "results").lower():
                case "getcapabilities", _:
                    body = CAPABILITIES.format(url=url).encode()
                case "describefeaturetype", _:
                    body = SCHEMA.encode()
                case _, "hits":
                    body = nothing
                case _:
                    body = pages.get(asked.get("startindex", "0"), nothing).replace(b"{url}", url.encode(), 1)
            self.send_response(200)
            self.send_header("Content-Type", "text/xml; charset=UTF-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """A bench needs no access log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    url = f"http://127.0.0.1:{server.server_port}/wfs"
    print(url, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
