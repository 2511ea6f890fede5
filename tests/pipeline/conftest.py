"""The installation that the pipeline's tests run."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from installation import Site
from samplecity.city import SampleCity
from samplecity.ports import Ports
from stadtdaten.frames import Endpoint


@pytest.fixture
def everything(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Every log line of every library, with tracebacks, as Airflow's task log would show them at its most talkative."""
    caplog.set_level(logging.DEBUG)
    logging.captureWarnings(True)
    yield caplog
    logging.captureWarnings(False)


@pytest.fixture
def real_site(tmp_path: Path, shared: Path) -> Iterator[Site]:
    """An installation whose sources are real files of German cities, served over HTTP by the sample city's server."""
    home, var = tmp_path / "home", tmp_path / "var"
    shutil.copytree(Path(__file__).parent / "real_home", home)
    var.mkdir()
    data = shared / "data"
    files = {
        "pegel": data / "hamm" / "lanuv_pegel_tageswerte_hamm.csv",
        "spielplaetze": data / "bochum" / "playgrounds" / "bochum_playgrounds.csv",
        "schulen": data / "bochum" / "schools" / "bochum_schools.csv",
        "sportstaetten": data / "bochum" / "sports_facilities" / "bochum_sports_facilities.csv",
    }
    with SampleCity(var, Ports.any()) as city:
        site = Site(home=home, var=var, city=city)
        for source, file in files.items():
            address = city.serve_file(file, f"real_{source}/{file.name}")
            site.endpoints[source] = Endpoint(url=address.removesuffix(f"/{file.name}"))
        yield site
