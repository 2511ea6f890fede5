"""What do the source systems answer? The city's web server, its start page, and the fault switch."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import formatdate
from functools import lru_cache
from html import escape
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from samplecity.delivery import deliver, spoilt
from samplecity.faults import FAULTS, Fault, is_answer_fault, is_data_fault, is_drop_fault, spoilt_answer
from samplecity.offers import Drop, Web
from samplecity.state import State, read_state
from samplecity.systems import SYSTEMS
from samplecity.tables import Table
from samplecity.web import Answer, Request, conditional, etag_of

TEXT = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"
START_PAGE = """<!DOCTYPE html>
<html lang="de">
<head><meta charset="utf-8"><title>Quellsysteme der Beispielstadt</title></head>
<body><main>
<h1>Quellsysteme der Beispielstadt</h1>
<p>Hier läuft Nacht {night}. Das liefern die Fachämter:</p>
<ul>
{systems}
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


@lru_cache(maxsize=32)
def table_of(offer: Web, state: State) -> Table:
    """What the offer's table holds in that state."""
    return offer.table(state)


class Sources:
    """All source systems; ``url`` is the address of the web server that asks ``respond``."""

    def __init__(self, var: Path, url: str) -> None:
        self._var = var
        self._url = url
        self._faults: dict[str, Fault] = {}
        self._files: dict[str, Path] = {}
        deliver(var, read_state(var), {})

    def disturb(self, source: str, fault: Fault | None) -> None:
        """From now on the source has that fault; None ends it. Raises ValueError where it cannot have it."""
        system = SYSTEMS.get(source)
        if system is None and source not in {path.split("/")[0] for path in self._files}:
            raise ValueError(f"unknown source {source!r}: one of {', '.join(SYSTEMS)}")
        kinds = {Web} if system is None else {type(offer) for offer in system.offers}
        on_the_web, dropped = Web in kinds, Drop in kinds
        if not (
            fault is None
            or is_data_fault(fault)
            or (on_the_web and is_answer_fault(fault))
            or (dropped and is_drop_fault(fault))
        ):
            raise ValueError(f"{source} is neither on the web server nor a drop that could have {fault!r}")
        if fault is None:
            self._faults.pop(source, None)
        else:
            self._faults[source] = fault
        deliver(self._var, read_state(self._var), self._faults)

    def faults(self) -> Mapping[str, Fault]:
        """Source to the fault that it has."""
        return dict(self._faults)

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
        if fault is None or not is_answer_fault(fault):
            return conditional(request, answer)
        return spoilt_answer(answer, fault)

    def _answer(self, request: Request) -> Answer:
        path = request.path.strip("/")
        if path in self._files:
            return _file(self._files[path])
        state = read_state(self._var)
        if not path:
            return Answer(200, HTML, _start_page(state).encode())
        for system in SYSTEMS.values():
            for offer in system.offers:
                if isinstance(offer, Web) and (path == offer.path or path.startswith(f"{offer.path}/")):
                    table = spoilt(table_of(offer, state), self._faults.get(system.source))
                    return offer.answer(table, request, f"{self._url}/{offer.path}", state)
        return Answer(404, TEXT, b"Das gibt es hier nicht.\n")

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


def _start_page(state: State) -> str:
    lines = []
    for system in SYSTEMS.values():
        web = [offer for offer in system.offers if isinstance(offer, Web)]
        links = "".join(f' <a href="/{escape(offer.path + offer.look)}">{escape(offer.path)}</a>' for offer in web)
        lines.append(f"<li>{escape(system.source)}: {escape(system.title)}{links}</li>")
    systems = "\n".join(lines)
    return START_PAGE.format(night=state.night, systems=systems)


def _file(file: Path) -> Answer:
    body = file.read_bytes()
    headers = {"ETag": etag_of(body), "Last-Modified": formatdate(file.stat().st_mtime, usegmt=True)}
    return Answer(200, CONTENT_TYPES.get(file.suffix, "application/octet-stream"), body, headers)
