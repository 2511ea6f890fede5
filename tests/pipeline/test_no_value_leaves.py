"""No value of a source leaves it on a night that goes wrong: not in logs, ledger, mails, releases or the portal.

Values that could only come from the source's rows are put into it; then every byte that the night left is searched.
"""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import pytest

from installation import Site
from samplecity.database import write_database
from samplecity.offers import database_path
from samplecity.state import read_state
from samplecity.systems.einwohnerstatistik import residents
from samplecity.tables import Table
from stadtdaten.faults import Fault, GateFailed, SnapshotFailed, Unexpected
from stadtdaten.pipeline import candidate
from stadtdaten.privacy.anonymisation import anonymise

MARKER = "Marke4711"
"""Stands in every row, in columns that are dropped or in cells that break a rule."""

HEADER = b"Name,Datum,Minimum,Maximum,Mittelwert,Zeitpunkt_Maximum\n"


def spoil_residents(site: Site, **cells: object) -> None:
    """Every clerk in the statistics office's database is called by the marker; its first row has ``cells``."""
    table = residents(read_state(site.var).first_day)
    names = [column.name for column in table.columns]
    rows = [dict(zip(names, row, strict=True)) | {"sachbearbeitung": MARKER} for row in table.rows]
    rows[0] |= cells  # type: ignore[arg-type]
    spoilt = tuple(tuple(row.values()) for row in rows)
    write_database(
        database_path(site.var, "einwohnerstatistik"), Table(table.resource, table.title, table.columns, spoilt)
    )


def serve_gauges(site: Site, tmp_path: Path, content: bytes) -> None:
    """The measuring network delivers this file from now on."""
    file = tmp_path / "tageswerte.csv"
    file.write_bytes(content)
    site.city.serve_file(file, "umweltmessnetz/pegel/tageswerte.csv")


def told(fault: Fault | None) -> str:
    """Everything that whoever catches the fault could print, as Python prints it."""
    assert fault is not None
    return "".join(traceback.format_exception(fault)) + repr((fault.next_step, fault.findings))


def places_with_the_marker(site: Site, log: str, fault: Fault | None) -> list[str]:
    """Where the marker can be read outside the source itself."""
    source = site.var / "samplecity"
    files = [path for path in site.var.rglob("*") if path.is_file() and source not in path.parents]
    assert {"ledger.sqlite", "mailbox"} <= {path.relative_to(site.var).parts[0] for path in files}
    found = [str(path.relative_to(site.var)) for path in files if MARKER.encode() in path.read_bytes()]
    found += [f"mail {mail['Subject']}" for mail in site.mails() for part in mail.walk() if MARKER in _text(part)]
    return found + ["log"] * (MARKER in log) + ["exception"] * (MARKER in told(fault))


def _text(part: Any) -> str:
    return "" if part.is_multipart() else str(part) + str(part.get_content())


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param({"stadtbezirk": MARKER}, id="a district that is none"),
        pytest.param({"stadtbezirk": "Herr Marke Muster", "staat": MARKER}, id="a person's name"),
        pytest.param({"geschlecht": MARKER, "anzahl": -4711}, id="a negative count"),
    ],
)
def test_a_candidate_that_fails_leaves_no_value(
    site: Site, everything: pytest.LogCaptureFixture, cells: dict[str, object]
) -> None:
    spoil_residents(site, **cells)

    fault = site.refresh("einwohnerstatistik")["einwohner"]

    assert isinstance(fault, GateFailed)
    assert places_with_the_marker(site, everything.text, fault) == []
    assert not [path for path in (site.var / "staging").rglob("*") if path.is_file()]


@pytest.mark.parametrize("cells", [{"anzahl": MARKER}, {"stichtag": MARKER}, {"alter_jahre": MARKER.encode()}])
def test_an_unreadable_database_leaves_no_value(
    site: Site, everything: pytest.LogCaptureFixture, cells: dict[str, object]
) -> None:
    spoil_residents(site, **cells)

    fault = site.refresh("einwohnerstatistik")["einwohner"]

    assert isinstance(fault, SnapshotFailed)
    assert places_with_the_marker(site, everything.text, fault) == []
    assert not [path for path in (site.var / "staging").rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(HEADER + f"{MARKER},{MARKER},{MARKER},1,1,{MARKER}\n".encode(), id="no numbers and dates"),
        pytest.param(f"{MARKER},2024-01-01,1,2,1,\n".encode() * 2, id="no header"),
        pytest.param(HEADER + f"{MARKER},2024-01-01\n".encode(), id="short row"),
        pytest.param(HEADER + f'{MARKER},"2024-01-01,1,2,1,\n'.encode(), id="open quote"),
        pytest.param(HEADER + f"{MARKER},2024-01-01,1,2,1,\n".encode() + b"\xff\n", id="wrong encoding"),
        pytest.param(HEADER + f"{MARKER},2024-01-01,1,2,1,\n".encode() * 2, id="key twice"),
        pytest.param(f"<html><body>{MARKER}</body></html>".encode(), id="web page"),
    ],
)
def test_an_unreadable_file_leaves_no_value(
    site: Site, tmp_path: Path, everything: pytest.LogCaptureFixture, content: bytes
) -> None:
    serve_gauges(site, tmp_path, content)

    fault = site.refresh("umweltmessnetz")["pegelstaende"]

    assert isinstance(fault, Fault) and not isinstance(fault, Unexpected)
    assert places_with_the_marker(site, everything.text, fault) == []
    assert not [path for path in (site.var / "staging").rglob("*") if path.is_file()]


@pytest.mark.parametrize("step", ["anonymise", "audit", "describe"])
def test_an_exception_nobody_foresaw_leaves_no_value(
    site: Site, everything: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    spoil_residents(site)
    monkeypatch.setattr(candidate, step, _breaks_down)

    fault = site.refresh("einwohnerstatistik")["einwohner"]

    assert isinstance(fault, Unexpected)
    assert "ValueError" in fault.message
    assert "test_no_value_leaves.py" in everything.text, "the place of the error is logged"
    assert places_with_the_marker(site, everything.text, fault) == []
    assert site.portal_files() == {}
    assert not [path for path in (site.var / "staging").rglob("*") if path.is_file()]


def test_a_good_night_leaves_nothing_of_a_dropped_column(site: Site, everything: pytest.LogCaptureFixture) -> None:
    spoil_residents(site)
    assert set(site.refresh("einwohnerstatistik").values()) == {None}
    spoil_residents(site, anzahl=MARKER)

    fault = site.refresh("einwohnerstatistik")["einwohner"]

    assert site.portal_files() and site.releases()
    assert places_with_the_marker(site, everything.text, fault) == []


def test_snapshots_are_ours_alone_while_they_exist(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    modes: dict[str, set[int]] = {"files": set(), "folders": set()}

    def look(*arguments: Any) -> Any:
        source = site.var / "staging" / "einwohnerstatistik"
        for path in (source, *source.rglob("*")):
            if path.suffix == ".parquet" or path.is_dir():
                modes["files" if path.is_file() else "folders"].add(path.stat().st_mode & 0o777)
        return anonymise(*arguments)

    monkeypatch.setattr(candidate, "anonymise", look)

    assert set(site.refresh("einwohnerstatistik").values()) == {None}

    assert modes == {"files": {0o600}, "folders": {0o700}}


def _breaks_down(*_arguments: Any, **_named: Any) -> None:
    try:
        raise KeyError(MARKER)
    except KeyError as error:
        raise ValueError(f"cannot convert {MARKER}") from error
