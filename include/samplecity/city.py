"""What belongs to the sample city, and where is it reached? All servers started together, all or none."""

from __future__ import annotations

import json
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

from samplecity.faults import Fault
from samplecity.ftp import DropsByFtp
from samplecity.host_key import private_key
from samplecity.mailbox import MailboxPages, MailSink, mailbox_folder
from samplecity.offers import drops
from samplecity.portal import PortalPages
from samplecity.ports import HOST, Ports, listen
from samplecity.sftp import DropsBySftp
from samplecity.shelf import Shelf
from samplecity.sources import Sources
from samplecity.state import begin
from samplecity.systems import SYSTEMS
from samplecity.web import WebServer


def connections(var: Path, ports: Ports) -> dict[str, str]:
    """Airflow connections to the sample city: environment variable to its JSON."""
    described = {"smtp_default": {"conn_type": "smtp", "host": HOST, "port": ports.smtp}}
    for system in SYSTEMS.values():
        described |= system.connections(var, ports)
    return {f"AIRFLOW_CONN_{name.upper()}": json.dumps(connection) for name, connection in described.items()}


class SampleCity:
    """The running sample city; a context manager that stops what it started.

    ``ports`` are the ports in use: where 0 was asked for, the one that the system chose. A city that was never
    started before begins with night 1 of today.
    """

    def __init__(self, var: Path, ports: Ports) -> None:
        self.var = var
        self.ports = ports

    def start(self) -> Self:
        """Start all servers. Raises PortError, with nothing left running, if one of the ports cannot be used."""
        begin(self.var, datetime.now(ZoneInfo("Europe/Berlin")).date())
        with ExitStack() as started:
            listeners = {
                field: started.enter_context(listen(field, getattr(self.ports, field))) for field in Ports.model_fields
            }
            self.ports = Ports(**{field: listener.getsockname()[1] for field, listener in listeners.items()})
            folder = mailbox_folder(self.var)
            self._sources = Sources(self.var, self.url())
            for field, respond in (
                ("city", self._sources.respond),
                ("portal", PortalPages(self.var / "portal").respond),
                ("mailbox", MailboxPages(folder).respond),
            ):
                started.callback(WebServer(listeners[field], respond).stop)
            started.callback(MailSink(listeners["smtp"], folder).stop)
            shelf = Shelf(drops(self.var), self._sources.faults)
            started.callback(DropsBySftp(listeners["sftp"], shelf, private_key(self.var)).stop)
            started.callback(DropsByFtp(listeners["ftp"], shelf).stop)
            self._started = started.pop_all()
        return self

    def stop(self) -> None:
        """Stop all servers."""
        self._started.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def url(self, path: str = "") -> str:
        """Address of the source systems' web server, of a source or of a file of one."""
        return f"http://{HOST}:{self.ports.city}" + (f"/{path}" if path else "")

    def connections(self) -> dict[str, str]:
        """Airflow connections to this city."""
        return connections(self.var, self.ports)

    def disturb(self, source: str, fault: Fault | None) -> None:
        """From now on the source has that fault; None ends it. Raises ValueError where it cannot have it."""
        self._sources.disturb(source, fault)

    def serve_file(self, file: Path, at: str) -> str:
        """Serve a real file under the path ``at`` (``source/file.csv``); returns its address."""
        return self._sources.serve_file(file, at)
