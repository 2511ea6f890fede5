"""What do the source systems deliver? The file drop, two feature services, the database, and the fault switch."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime, formatdate
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Literal, assert_never, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from samplecity.faults import FAULTS, Fault, is_data_fault, spoilt_answer, spoilt_table
from samplecity.gauges import gauges
from samplecity.playgrounds import playgrounds
from samplecity.registry import registry_path, write_registry
from samplecity.residents import residents
from samplecity.state import State, read_state
from samplecity.tables import Table, csv_of
from samplecity.trees import spoilt_trees, trees
from samplecity.web import Answer, Request, conditional, etag_of
from samplecity.wfs import answer_wfs

Source = Literal["umweltmessnetz", "spielplaetze", "baumkataster", "einwohnerstatistik"]
SOURCES: tuple[Source, ...] = get_args(Source)

FEATURE_SERVICES: tuple[Source, ...] = ("spielplaetze", "baumkataster")

TEXT = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"
START_PAGE = """<!DOCTYPE html>
<html lang="de">
<head><meta charset="utf-8"><title>Quellsysteme der Beispielstadt</title></head>
<body><main>
<h1>Quellsysteme der Beispielstadt</h1>
<p>Hier läuft Nacht {night}. Das liefern die Fachämter:</p>
<ul>
<li>umweltmessnetz: <a href="/umweltmessnetz/{gauges}">Tageswerte der Pegel (CSV)</a></li>
<li>spielplaetze: <a href="/spielplaetze?service=WFS&amp;request=GetCapabilities">Spielplätze (WFS 2.0)</a></li>
<li>baumkataster: <a href="/baumkataster?service=WFS&amp;request=GetCapabilities">Bäume (WFS 2.0)</a></li>
<li>einwohnerstatistik: Einwohner (SQLite-Datenbank {registry})</li>
</ul>
</main></body>
</html>
"""
CONTENT_TYPES = {
    ".csv": "text/csv",
    ".gml": "application/gml+xml",
    ".json": "application/json",
    ".zip": "application/zip",
}


class Switch(BaseModel):
    """Body of POST /_stoerung: the source, and the fault from now on; null ends it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str
    fault: Fault | None


@lru_cache(maxsize=16)
def table_of(source: Source, state: State) -> Table:
    """What the source holds in that night: night 1 is good, from night 2 on the tree register is spoilt."""
    match source:
        case "umweltmessnetz":
            return gauges(state.first_day)
        case "spielplaetze":
            return playgrounds(state.first_day)
        case "baumkataster":
            return trees(state.first_day) if state.night == 1 else spoilt_trees(state.first_day)
        case "einwohnerstatistik":
            return residents(state.first_day)
        case _:
            assert_never(source)


class Sources:
    """All source systems; ``url`` is the address of the web server that asks ``respond``."""

    def __init__(self, var: Path, url: str) -> None:
        self._var = var
        self._url = url
        self._faults: dict[str, Fault] = {}
        self._files: dict[str, Path] = {}
        self._write_registry()

    def disturb(self, source: str, fault: Fault | None) -> None:
        """From now on the source has that fault; None ends it. Raises ValueError where it cannot have it."""
        if source not in SOURCES and source not in {path.split("/")[0] for path in self._files}:
            raise ValueError(f"unknown source {source!r}: one of {', '.join(SOURCES)}")
        data_only = source == "einwohnerstatistik"
        if fault is not None and data_only and not is_data_fault(fault):
            raise ValueError(f"{source} is a database: {fault!r} is a fault of web servers")
        if fault is None:
            self._faults.pop(source, None)
        else:
            self._faults[source] = fault
        if data_only:
            self._write_registry()

    def serve_file(self, file: Path, at: str) -> str:
        """Serve a real file under the path ``at`` (``source/file.csv``); returns its address."""
        self._files[at] = file
        return f"{self._url}/{at}"

    def respond(self, request: Request) -> Answer:
        """The answer to one request, with the fault of its source."""
        if request.path == "/_stoerung":
            return self._switch(request)
        if request.method == "POST":
            return Answer(405, TEXT, b"Hier wird nur gelesen.\n", {"Allow": "GET, HEAD"})
        source = request.path.split("/")[1]
        answer = self._answer(request)
        fault = self._faults.get(source)
        if fault is None or is_data_fault(fault):
            return conditional(request, answer)
        return spoilt_answer(answer, fault)

    def _answer(self, request: Request) -> Answer:
        path = request.path.strip("/")
        if path in self._files:
            return _file(self._files[path])
        state = read_state(self._var)
        for service in FEATURE_SERVICES:
            if path == service:
                table = self._table(service, state)
                return answer_wfs(table, request.query, f"{self._url}/{service}", state.first_day)
        if path.startswith("umweltmessnetz/"):
            table = self._table("umweltmessnetz", state)
            if path == f"umweltmessnetz/{table.resource}":
                return _drop(table, state.first_day)
        if not path:
            gauges_file = self._table("umweltmessnetz", state).resource
            page = START_PAGE.format(
                night=state.night, gauges=gauges_file, registry=escape(str(registry_path(self._var)))
            )
            return Answer(200, HTML, page.encode())
        return Answer(404, TEXT, b"Das gibt es hier nicht.\n")

    def _table(self, source: Source, state: State) -> Table:
        table = table_of(source, state)
        fault = self._faults.get(source)
        return spoilt_table(table, fault) if fault is not None and is_data_fault(fault) else table

    def _write_registry(self) -> None:
        write_registry(registry_path(self._var), self._table("einwohnerstatistik", read_state(self._var)))

    def _switch(self, request: Request) -> Answer:
        # A web page of somebody else cannot send this content type without asking first (CORS).
        if request.method != "POST" or request.headers.get("content-type") != "application/json":
            return Answer(405, TEXT, b"POST mit Content-Type: application/json.\n", {"Allow": "POST"})
        try:
            switch = Switch.model_validate_json(request.body)
            self.disturb(switch.source, switch.fault)
        except ValidationError:
            return Answer(400, TEXT, f'{{"source": ..., "fault": null | {" | ".join(FAULTS)}}}\n'.encode())
        except ValueError as error:
            return Answer(400, TEXT, f"{error}\n".encode())
        return Answer(200, TEXT, f"{switch.source}: {switch.fault or 'keine Störung'}\n".encode())


def _drop(table: Table, first_day: date) -> Answer:
    """The file as the measuring network drops it every night, five minutes past midnight of local winter time."""
    body = csv_of(table)
    dropped = datetime.combine(first_day - timedelta(days=1), time(23, 5), UTC)
    headers = {
        "ETag": etag_of(body),
        "Last-Modified": format_datetime(dropped, usegmt=True),
        "Cache-Control": "no-cache",
    }
    return Answer(200, "text/csv; charset=utf-8", body, headers)


def _file(file: Path) -> Answer:
    body = file.read_bytes()
    headers = {"ETag": etag_of(body), "Last-Modified": formatdate(file.stat().st_mtime, usegmt=True)}
    return Answer(200, CONTENT_TYPES.get(file.suffix, "application/octet-stream"), body, headers)
