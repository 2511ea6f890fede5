"""In which order does everything start and end, so that whatever was killed before is over before anything begins?

Nothing here trusts what an earlier run left: its processes are ended, its attempts and Airflow runs are closed as
failed, its unfinished files are removed. Only then does a scheduler start, which would otherwise resume old tasks.
"""

from __future__ import annotations

import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from samplecity import airflow_setup
from samplecity.airflow_api import AirflowApi, AirflowSilent
from samplecity.city import connections
from samplecity.hold import hold
from samplecity.night import give_up_open_runs
from samplecity.ports import HOST, Ports
from samplecity.preflight import check_ports
from samplecity.services import Service, Services, end_all
from stadtdaten.ledger import Ledger
from stadtdaten.settings import Settings, settings_from_environment

READY_SECONDS = 120
"""Time in which Airflow and the sample city must answer; on two cores they take 6 s."""

Say = Callable[[str], None]


class NeverReady(Exception):
    """A service runs but does not answer."""


@dataclass(frozen=True)
class Place:
    """One installation: the checkout, the folder of its state, and its ports."""

    home: Path
    var: Path
    ports: Ports
    airflow_port: int

    def environment(self, *, scheduled: bool) -> dict[str, str]:
        """The whole environment of the services; ``scheduled`` says whether runs also start by the clock."""
        given = connections(self.var, self.ports)
        return airflow_setup.environment(
            self.home, self.var, self.ports, self.airflow_port, given, scheduled=scheduled
        )  # fmt: skip

    @property
    def settings(self) -> Settings:
        """The library's settings as the services have them."""
        return settings_from_environment(airflow_setup.library_environment(self.home, self.var, self.ports))


@dataclass(frozen=True)
class Running:
    """Everything runs; ``since`` is the moment before the first service started."""

    airflow: AirflowApi
    services: Services
    since: datetime


@contextmanager
def running(place: Place, command: str, say: Say, *, scheduled: bool) -> Iterator[Running]:
    """Everything started and answering; ends with the context, however that is left. ``check_folder`` comes before.

    Raises InUse, NotReady, SetupFailed, ServiceEnded, NeverReady; nothing of ours is running then.
    """
    with hold(place.var, command):
        left = end_all(place.var)
        if left:
            say(f"Ended {left} processes that an earlier, killed run had left.")
        check_ports(place.ports, place.airflow_port)
        settle(place.settings)
        say("Starting the sample city and Airflow ...")
        environment = place.environment(scheduled=scheduled)
        airflow_setup.migrate(place.var, environment)
        try:
            with (
                Services(place.var, environment) as services,
                closing(_start(place, services, say, scheduled=scheduled)) as airflow,
            ):
                yield Running(airflow, services, services.since)
        finally:
            settle(place.settings)


def settle(settings: Settings) -> None:
    """Close what dead processes left open: snapshots (personal!) and candidates on disk, attempts in the ledger.

    Files first: they must go even if the ledger cannot be written, and they may be what fills the disk.
    """
    for folder in (settings.staging, settings.candidates):
        if folder.exists():
            shutil.rmtree(folder)
    ledger = Ledger(settings.ledger)
    ledger.upgrade()
    ledger.abort_open_attempts()


def _start(place: Place, services: Services, say: Say, *, scheduled: bool) -> AirflowApi:
    """Start the services; the scheduler last. Costs no time on two cores, which the first two keep busy."""
    services.start(Service("sample-city", (sys.executable, "-m", "samplecity.serve", "--var", str(place.var))))
    services.start(airflow_setup.API_SERVER)
    services.start(airflow_setup.DAG_PROCESSOR)
    airflow = _log_in(place, services)
    try:
        given_up = give_up_open_runs(airflow)
        if given_up:
            say(f"Gave up {len(given_up)} Airflow runs that an earlier run had left open.")
        services.start(airflow_setup.SCHEDULER)
        if scheduled:
            services.start(airflow_setup.TRIGGERER)
        for port in place.ports.model_dump().values():
            _wait(services, partial(_listens, port), f"the sample city on port {port}")
    except BaseException:
        airflow.close()
        raise
    return airflow


def _log_in(place: Place, services: Services) -> AirflowApi:
    password = airflow_setup.generated_secrets(place.var).password
    found: list[AirflowApi] = []

    def answers() -> bool:
        try:
            url = airflow_setup.airflow_url(place.airflow_port)
            found.append(AirflowApi(url, airflow_setup.USER, password, services.check))
        except AirflowSilent:
            return False
        return True

    _wait(services, answers, "Airflow's api-server")
    return found[0]


def _wait(services: Services, ready: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not ready():
        services.check()
        if time.monotonic() > deadline:
            raise NeverReady(f"{what} does not answer after {READY_SECONDS} s")
        time.sleep(0.1)


def _listens(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        return probe.connect_ex((HOST, port)) == 0
