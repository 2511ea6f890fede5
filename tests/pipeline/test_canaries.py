"""The canaries: nothing about a person is found outside the zone's staging, whatever happens to a night.

Every source of the sample city that knows of persons fills what it knows with marks. Nights go well, are stopped by
each gate, break down with the rows in the text of an exception, get half a file, and are killed. Then everything is
searched that a night can write to: portal, releases, candidates, ledger, mails, log, exceptions, temporary files.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from installation import Site
from marks import find_marks, holds_mark
from samplecity.faults import Fault as Disturbance
from samplecity.faults import is_data_fault, is_drop_fault
from samplecity.offers import Database, Drop
from samplecity.state import State
from samplecity.systems import SYSTEMS, maengelmelder
from stadtdaten.contracts import load_contract
from stadtdaten.faults import Fault, GateFailed, SnapshotFailed, Unexpected
from stadtdaten.pipeline import candidate, publication, snapshot, staging
from stadtdaten.pipeline.staging import at_work, discard_left_behind, make_private, private_files
from stadtdaten.privacy.anonymisation import anonymise

ROOT = Path(__file__).resolve().parents[2]
NIGHT_TO_KILL = Path(__file__).with_name("night_to_kill.py")
MARKS = (*maengelmelder.MARKS, maengelmelder.KEY)
"""Most are the word, some are numbers that look like real ones, one is the key to the register of complaints."""

MOMENTS = (
    "fetched", "read", "kept as a snapshot", "all snapshots taken", "checked", "anonymised", "written", "candidate",
    "released", "about to be shown",
)  # fmt: skip
"""When a night is killed, as in the script."""

NEEDED_NO_MORE = ("released", "about to be shown")
"""When the snapshots of a dataset are deleted already."""


def knows_persons(source: str) -> bool:
    """Whether one of the source's tables holds a mark on its first night."""
    tables = [offer.table(State(first_day=date(2026, 11, 23), night=1)) for offer in SYSTEMS[source].offers]
    return any(holds_mark(str(table.rows), ["Geheimwert"]) for table in tables)


PERSONAL = [source for source in SYSTEMS if knows_persons(source)]


def test_every_source_whose_contract_names_something_personal_is_among_them() -> None:
    personal = {"identifier", "free_text", "sensitive"}
    named = {
        path.stem
        for path in (ROOT / "include" / "contracts").glob("*.yaml")
        for dataset in load_contract(path).datasets
        for table in dataset.tables
        for column in table.columns
        if column.class_ in personal
    }
    assert named <= set(PERSONAL)
    assert len(PERSONAL) >= 4


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where this process and all libraries in it put temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


def leaks(site: Site, temporary: Path, log: str = "", told: dict[str, Fault | None] | None = None) -> list[str]:
    """Where a mark is found outside the source itself."""
    faults = [
        "".join(traceback.format_exception(fault)) + repr((fault.message, fault.next_step, fault.findings))
        for fault in (told or {}).values()
        if fault is not None
    ]
    return [
        *find_marks(site.var, MARKS, without=[site.var / "samplecity"]),
        *find_marks(site.home, MARKS),
        *find_marks(temporary, MARKS),
        *["log"] * holds_mark(log, MARKS),
        *["exception"] * any(holds_mark(fault, MARKS) for fault in faults),
    ]


def staged(site: Site) -> list[Path]:
    return [path for path in site.settings.staging.rglob("*") if path.is_file()]


@pytest.mark.parametrize("source", PERSONAL)
def test_a_good_night_shows_nobody_though_everybody_was_read(
    whole_site: Site,
    temporary: Path,
    everything: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
) -> None:
    seen: list[str] = []
    outside: list[str] = []
    modes: set[tuple[bool, int]] = set()

    def look(*arguments: Any) -> Any:
        folder = whole_site.settings.staging
        seen.extend(find_marks(folder, MARKS))
        outside.extend(find_marks(whole_site.var, MARKS, without=[folder, whole_site.var / "samplecity"]))
        modes.update((path.is_dir(), path.stat().st_mode & 0o777) for path in (folder, *folder.rglob("*")))
        return anonymise(*arguments)

    monkeypatch.setattr(candidate, "anonymise", look)

    faults = whole_site.refresh(source)

    assert set(faults.values()) == {None}
    assert (seen != []) == (source not in READ_WITHOUT_PERSONS), "what is never read cannot get out"
    assert outside == []
    assert modes == {(True, 0o700), (False, 0o600)}
    assert leaks(whole_site, temporary, everything.text, faults) == []
    assert staged(whole_site) == []
    assert list(temporary.rglob("*")) == []


READ_WITHOUT_PERSONS = {"haushalt"}
"""Sources whose marks are in parts of a file that nobody reads: hidden columns, comments, properties."""


def _raw_suite(site: Site, source: str, patch: pytest.MonkeyPatch) -> None:
    """Every cell of every column breaks a rule of the raw data."""
    _demand_nothing(site, source, "raw")


def _public_suite(site: Site, source: str, patch: pytest.MonkeyPatch) -> None:
    _demand_nothing(site, source, "public")


def _demand_nothing(site: Site, source: str, stage: str) -> None:
    for dataset in load_contract(site.settings.contracts / f"{source}.yaml").datasets:
        for table in dataset.tables:
            path = site.settings.expectations / source / f"{table.id}.{stage}.json"
            suite = json.loads(path.read_text(encoding="utf-8"))
            named = [each.name for each in table.columns if stage == "raw" and each.type != "geometry"]
            columns = named or sorted(
                {each["kwargs"]["column"] for each in suite["expectations"] if "column" in each["kwargs"]}
            )
            suite["expectations"] += [
                {
                    "type": "expect_column_values_to_be_in_set",
                    "kwargs": {"column": column, "value_set": ["nichts davon"]},
                    "severity": "critical",
                }
                for column in columns
            ]
            path.write_text(json.dumps(suite), encoding="utf-8")


def _treatment_that_fails(site: Site, source: str, patch: pytest.MonkeyPatch) -> None:
    """A person stays in the first column of text that is published: only the audit can still stop it."""

    def careless(raw: dict[str, pd.DataFrame], dataset: Any, context: Any) -> Any:
        done = anonymise(raw, dataset, context)
        return {table: replace(each, frame=_with_a_person(each.frame)) for table, each in done.items()}

    patch.setattr(candidate, "anonymise", careless)
    patch.setattr(candidate, "_check", lambda *arguments: ())


def _with_a_person(frame: pd.DataFrame) -> pd.DataFrame:
    (column, *_) = [name for name in frame.columns if pd.api.types.is_string_dtype(frame[name].dtype)]
    person = "Herr Dieter Geheimwert-Brinkmann, Tel. 02381 4711815, geheimwert@post.example"
    spoilt = frame.copy()
    spoilt[column] = pd.Series([person] * len(frame), index=frame.index, dtype=frame[column].dtype)
    return spoilt


def _portal(site: Site, source: str, patch: pytest.MonkeyPatch) -> None:
    """The last gate refuses, and quotes what it was given."""
    patch.setattr(publication, "portal_gate", _refusing)


def _refusing(manifest: Any, *_: Any) -> None:
    raise GateFailed("portal", f"Datensatz {manifest.dataset}: zu wenige Zeilen.")


GATES = {
    "raw suite": _raw_suite,
    "public suite": _public_suite,
    "privacy audit": _treatment_that_fails,
    "portal": _portal,
}


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("source", PERSONAL)
def test_a_night_stopped_by_a_gate_shows_nobody(
    whole_site: Site,
    temporary: Path,
    everything: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    gate: str,
) -> None:
    GATES[gate](whole_site, source, monkeypatch)

    faults = whole_site.refresh(source)

    assert all(isinstance(fault, GateFailed) for fault in faults.values()), faults
    assert leaks(whole_site, temporary, everything.text, faults) == []
    assert staged(whole_site) == []
    assert whole_site.mails() != []
    assert whole_site.releases() == {}


BREAKING: dict[str, tuple[Any, str]] = {
    "reading": (snapshot, "write_frame"),
    "checking": (candidate, "run_suite"),
    "anonymising": (candidate, "anonymise"),
    "auditing": (candidate, "audit"),
    "writing": (candidate, "write_files"),
    "describing": (candidate, "describe"),
    "deciding": (publication, "portal_gate"),
}


@pytest.mark.parametrize("where", BREAKING)
@pytest.mark.parametrize("source", PERSONAL)
def test_an_exception_that_quotes_the_rows_shows_nobody(
    whole_site: Site,
    temporary: Path,
    everything: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    where: str,
) -> None:
    monkeypatch.setattr(*BREAKING[where], _breaks_down)

    faults = whole_site.refresh(source)

    assert {type(fault) for fault in faults.values()} <= {Unexpected, SnapshotFailed}
    assert "ValueError" in everything.text, "the type of the error is told"
    assert leaks(whole_site, temporary, everything.text, faults) == []
    assert staged(whole_site) == []
    assert whole_site.portal_files() == {}


def _breaks_down(*arguments: Any, **named: Any) -> None:
    """An error of a library as they are: it quotes what it was given, and has another one behind it."""
    try:
        raise KeyError(f"{MARKS[0]} {arguments} {named}")
    except KeyError as error:
        raise ValueError(f"cannot convert {MARKS[0]}") from error


UNHARMED: set[tuple[str, Disturbance]] = {
    ("einwohnerstatistik", "cut"),  # a folder and a database: there is no answer to be cut
    ("mobilitaetsbefragung", "cut"),
    ("marktstammdaten", "column_gone"),  # the element that is gone is not read
}
"""Faults that a source does not feel. None of a web server feels ``wrong_content_type``: the content decides."""


def broken_sources() -> Iterator[tuple[str, Disturbance]]:
    """Every fault that spoils what the source delivers, as far as the source can have it."""
    wanted: tuple[Disturbance, ...] = ("column_gone", "duplicate_key", "half_file", "cut", "wrong_content_type")
    for source in PERSONAL:
        offers = SYSTEMS[source].offers
        for disturbance in wanted:
            if all(isinstance(offer, Database) for offer in offers) and not is_data_fault(disturbance):
                continue
            if any(isinstance(offer, Drop) for offer in offers) and not (
                is_data_fault(disturbance) or is_drop_fault(disturbance)
            ):
                continue
            yield source, disturbance


@pytest.mark.parametrize(("source", "disturbance"), broken_sources())
def test_a_source_that_breaks_in_the_middle_shows_nobody(
    whole_site: Site,
    temporary: Path,
    everything: pytest.LogCaptureFixture,
    source: str,
    disturbance: Disturbance,
) -> None:
    whole_site.city.disturb(source, disturbance)

    faults = whole_site.refresh(source)

    unharmed = disturbance == "wrong_content_type" or (source, disturbance) in UNHARMED
    assert any(faults.values()) != unharmed
    assert not any(isinstance(fault, Unexpected) for fault in faults.values())
    assert leaks(whole_site, temporary, everything.text, faults) == []
    assert staged(whole_site) == []


@pytest.mark.parametrize("where", MOMENTS)
def test_a_killed_night_leaves_everybody_in_the_staging_and_the_next_of_any_source_nobody(
    whole_site: Site, temporary: Path, where: str
) -> None:
    killed = subprocess.run(
        [sys.executable, str(NIGHT_TO_KILL), whole_site.settings.model_dump_json(), where, *PERSONAL],
        env={**os.environ, **whole_site.city.connections(), "TMPDIR": str(temporary)},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert killed.returncode == 0, killed.stderr[-2000:]
    assert not holds_mark(killed.stdout + killed.stderr, MARKS)
    left = [json.loads(line) for line in killed.stdout.splitlines() if line.startswith("{")]
    assert [each["source"] for each in left] == PERSONAL
    for each in left:
        if where in NEEDED_NO_MORE and not each["left"]:
            continue  # the source has no other dataset
        assert each["left"] == [each["source"]], "its own are still there, and those of the night before are gone"
        assert each["modes"] == [0o600]
    assert staged(whole_site) or where in NEEDED_NO_MORE
    outside = find_marks(whole_site.var, MARKS, without=[whole_site.var / "samplecity", whole_site.settings.staging])
    assert outside + find_marks(temporary, MARKS) == []

    assert set(whole_site.refresh("umweltmessnetz").values()) == {None}

    assert staged(whole_site) == []
    assert leaks(whole_site, temporary) == []


def run_folder(root: Path, source: str = "einwohnerstatistik") -> Path:
    """A run's folder with something read in it."""
    folder = root / source / "0123456789ab"
    make_private(folder / "einwohner")
    (folder / "einwohner" / "tabelle.parquet").write_text("Geheimwert")
    return folder


def test_what_a_living_run_works_on_or_waits_with_is_left_alone(tmp_path: Path) -> None:
    folder = run_folder(tmp_path)
    with at_work(folder):
        discard_left_behind(tmp_path)
        assert (folder / "einwohner" / "tabelle.parquet").exists()
    with at_work(folder / "einwohner"):
        os.utime(folder / "einwohner" / "tabelle.parquet", (0, 0))
        discard_left_behind(tmp_path)
        assert (folder / "einwohner" / "tabelle.parquet").exists()
    discard_left_behind(tmp_path)
    assert (folder / "einwohner" / "tabelle.parquet").exists()
    assert list(tmp_path.rglob(f"*{staging.HELD}")) == []


def _longest_run_ago(folder: Path) -> None:
    long_ago = time.time() - (staging.LONGEST_RUN + timedelta(minutes=1)).total_seconds()
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (long_ago, long_ago))


def test_what_nobody_came_for_in_time_is_deleted(tmp_path: Path) -> None:
    late, young = run_folder(tmp_path, "late"), run_folder(tmp_path, "young")
    _longest_run_ago(late)
    discard_left_behind(tmp_path)
    assert not late.exists()
    assert young.exists()


@pytest.mark.parametrize("held", ["", "einwohner"])
def test_what_a_dead_process_held_is_deleted(tmp_path: Path, held: str) -> None:
    folder = run_folder(tmp_path)
    (folder / "einwohner" / "tabelle.parquet").chmod(0o600)
    held_by_the_dead = folder / held if held else folder
    held_by_the_dead.with_name(held_by_the_dead.name + staging.HELD).touch()
    discard_left_behind(tmp_path)
    assert staged_below(tmp_path) == []


def staged_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_files_of_libraries_are_private_and_those_written_later_are_not(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with private_files():
            pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "a.parquet")
        pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "b.parquet")
    finally:
        os.umask(before)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("a.parquet", "b.parquet")] == [0o600, 0o644]
