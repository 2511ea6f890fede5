"""What every test may use."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from installation import Site
from official_shapes import Judge, official_judge
from samplecity.city import SampleCity
from samplecity.ports import Ports

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real municipal files and official shapes beside the checkout; skips where it is absent."""
    folder = ROOT.parent / "shared"
    if not (folder / "data").is_dir():
        pytest.skip("needs the real files in ../shared, which is not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def judge(shared: Path) -> Judge:
    """The official DCAT-AP.de shapes: what they complain of in a catalogue."""
    return official_judge(shared / "standards")


@pytest.fixture
def site(whole_site: Site) -> Site:
    """As ``whole_site``, but the environmental measuring network has one dataset only: the plainest source of all."""
    whole_site.keep_only("umweltmessnetz", "pegelstaende")
    return whole_site


@pytest.fixture
def whole_site(tmp_path: Path) -> Iterator[Site]:
    """An installation with the project's own contracts and suites, and a running sample city in its first night."""
    home, var = tmp_path / "home", tmp_path / "var"
    (home / "include").mkdir(parents=True)
    shutil.copytree(ROOT / "include" / "contracts", home / "include" / "contracts")
    shutil.copy(ROOT / "include" / "city.yaml", home / "include" / "city.yaml")
    shutil.copytree(ROOT / "expectations", home / "expectations")
    shutil.copytree(ROOT / "dags", home / "dags", ignore=shutil.ignore_patterns("__pycache__"))
    var.mkdir()
    with SampleCity(var, Ports.any()) as city:
        yield Site(home=home, var=var, city=city)
