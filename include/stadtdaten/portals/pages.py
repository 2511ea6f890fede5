"""What does a citizen read about the data?

German pages from Jinja2 templates, everything escaped, every address relative, no inline script or style and nothing
from a foreign server, so that the strict Content-Security-Policy in each page holds. No page holds the time of its
making: the same releases give the same bytes. How old data is *today* is computed in the visitor's browser.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, cached_property
from importlib.resources import files
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined

from stadtdaten import german
from stadtdaten.contracts import City
from stadtdaten.contracts.vocabulary import BY_LICENCES, FREQUENCY_TITLES, LICENCE_TITLES, THEME_TITLES
from stadtdaten.frames import CheckResult, Manifest
from stadtdaten.portals.preview import Preview

FORMATS = {
    "CSV": ("CSV", "für Tabellenprogramme und Auswertungen"),
    "GEOJSON": ("GeoJSON", "für Karten im Web"),
    "GPKG": ("GeoPackage", "für Geoinformationssysteme wie QGIS"),
    "PARQUET": ("Parquet", "für große Auswertungen"),
}
"""Code of the EU file-type table to its name and what it is good for."""

CITY_PAGES = ("impressum", "datenschutz", "barrierefreiheit")
"""Pages of which the law asks for a text that only the city can write."""


@dataclass(frozen=True)
class Shown:
    """One dataset on the portal: its live release, those it followed (newest first), a preview per table."""

    manifest: Manifest
    earlier: tuple[Manifest, ...]
    previews: Mapping[str, Preview]

    @property
    def expected(self) -> datetime | None:
        """When the next change is due at the latest; None for data without a rhythm."""
        metadata = self.manifest.metadata
        return None if metadata.deadline_hours is None else metadata.modified + timedelta(hours=metadata.deadline_hours)

    @property
    def overdue(self) -> datetime | None:
        """From when on visitors are told that the data is late: the deadline plus its grace."""
        return None if self.expected is None else self.expected + timedelta(hours=self.manifest.metadata.grace_hours)

    @property
    def passed(self) -> int:
        """Number of checks passed."""
        return sum(check.success for check in self.manifest.checks)

    @property
    def remarks(self) -> tuple[CheckResult, ...]:
        """Checks that did not pass and do not block: shown with their sentences.

        Of a dataset about people only those of what is published: a raw check counts people that nobody may count.
        """
        stages = ("public",) if self.manifest.personal else ("raw", "public")
        return tuple(check for check in self.manifest.checks if not check.success and check.stage in stages)

    @cached_property
    def formats(self) -> tuple[str, ...]:
        """Names of the formats offered, in the order of the files."""
        return tuple(dict.fromkeys(FORMATS[file.format][0] for file in self.manifest.files))


def render(city: City, url: str, sample: bool, shown: Sequence[Shown]) -> dict[str, bytes]:
    """Every page and asset of the portal at ``url``, by path."""
    templates = _templates(city.timezone)
    everywhere = {"city": city, "url": url, "sample": sample}
    ordered = sorted(shown, key=lambda one: (german.sort_key(one.manifest.metadata.title), one.manifest.dataset))

    def page(template: str, root: str, **more: object) -> bytes:
        return templates.get_template(f"{template}.html.j2").render(**everywhere, root=root, **more).encode()

    pages = {"index.html": page("index", "", datasets=ordered)}
    for one in ordered:
        pages[f"dataset/{one.manifest.dataset}/index.html"] = page("dataset", "../../", one=one)
    for name in CITY_PAGES:
        pages[f"{name}.html"] = page(name, "")
    pages["404.html"] = page("404", urlsplit(url).path)  # served below any path, so its links cannot be relative
    assets = files("stadtdaten.portals") / "assets"
    return {**pages, **{f"assets/{asset.name}": asset.read_bytes() for asset in assets.iterdir() if asset.is_file()}}


@cache
def _templates(timezone: str) -> Environment:
    zone = ZoneInfo(timezone)
    environment = Environment(
        loader=PackageLoader("stadtdaten.portals"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        number=german.number,
        size=german.size,
        counted=german.counted,
        day=lambda moment: german.day(moment, zone),
        day_and_time=lambda moment: german.day_and_time(moment, zone),
    )
    environment.globals.update(
        column_types=german.COLUMN_TYPES,
        formats=FORMATS,
        frequencies=FREQUENCY_TITLES,
        licences=LICENCE_TITLES,
        by_licences=BY_LICENCES,
        themes=THEME_TITLES,
    )
    return environment
