"""A running sample city on ports that the system chose."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from samplecity.city import SampleCity
from samplecity.ports import Ports
from samplecity.state import begin

FIRST_DAY = date(2026, 11, 23)


@pytest.fixture(scope="session")
def standing_city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SampleCity]:
    """For tests that only read."""
    var = tmp_path_factory.mktemp("var")
    begin(var, FIRST_DAY)
    with SampleCity(var, Ports.any()) as running:
        yield running


@pytest.fixture
def city(tmp_path: Path) -> Iterator[SampleCity]:
    """For tests that change the night, a source, the mailbox or the portal."""
    begin(tmp_path, FIRST_DAY)
    with SampleCity(tmp_path, Ports.any()) as running:
        yield running
