"""Only our own state is ever deleted, and a folder or ledger that cannot be used is told in one sentence."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from samplecity import folder
from samplecity.folder import ENTRIES, MARK, NotOurs, claim, empty
from samplecity.ports import Ports
from samplecity.start import Place, settle
from samplecity.storage import explained
from stadtdaten.faults import Misconfigured

from .test_preflight import free_ports

ROOT = Path(__file__).resolve().parents[2]


def samplecity(home: Path, var: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    names = ("CITY_PORT", "PORTAL_PORT", "MAILBOX_PORT", "SMTP_PORT", "AIRFLOW_PORT")
    ports = {name: str(port) for name, port in zip(names, free_ports(len(names)), strict=True)}
    place = {"STADTDATEN_HOME": str(home), "STADTDATEN_VAR": str(var)}
    return subprocess.run(
        [sys.executable, "-m", "samplecity.cli", *arguments],
        env={**os.environ, **ports, **place}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_clean_deletes_all_that_we_create(tmp_path: Path) -> None:
    var = tmp_path / "var"
    claim(var, tmp_path)
    for name in ENTRIES - {MARK}:
        (var / name).mkdir()
        (var / name / "content").touch()
    assert empty(var, tmp_path) == []
    assert not var.exists()


def test_clean_never_deletes_a_folder_of_somebody_else(tmp_path: Path) -> None:
    stranger = tmp_path / "documents"
    (stranger / "log").mkdir(parents=True)
    (stranger / "log" / "diary.txt").write_text("mine")
    result = samplecity(tmp_path / "home", stranger, "clean")
    assert result.returncode == 1
    assert "nothing was deleted" in result.stderr
    assert (stranger / "log" / "diary.txt").read_text() == "mine"


def test_clean_leaves_what_somebody_put_into_our_folder(tmp_path: Path) -> None:
    var = tmp_path / "var"
    claim(var, tmp_path)
    (var / "thesis.txt").write_text("mine")
    (var / "releases").mkdir()
    assert empty(var, tmp_path) == ["thesis.txt"]
    assert [entry.name for entry in var.iterdir()] == ["thesis.txt"]


def test_a_link_in_our_folder_goes_but_not_what_it_leads_to(tmp_path: Path) -> None:
    var, elsewhere = tmp_path / "var", tmp_path / "elsewhere"
    claim(var, tmp_path)
    elsewhere.mkdir()
    (elsewhere / "thesis.txt").touch()
    (var / "releases").symlink_to(elsewhere)
    assert empty(var, tmp_path) == []
    assert (elsewhere / "thesis.txt").exists()


@pytest.mark.parametrize("what", ["checkout", "above", "home"])
def test_checkout_and_home_are_refused_even_with_our_mark(
    tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout, home = tmp_path / "all" / "checkout", tmp_path / "person"
    checkout.mkdir(parents=True)
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    var = {"checkout": checkout, "above": checkout.parent, "home": home}[what]
    (var / MARK).touch()
    with pytest.raises(NotOurs, match="of its own"):
        empty(var, checkout)
    with pytest.raises(NotOurs, match="of its own"):
        claim(var, checkout)
    assert (var / MARK).exists()


def test_a_folder_with_other_things_is_not_used_at_all(tmp_path: Path) -> None:
    (tmp_path / "var" / "log").mkdir(parents=True)
    result = samplecity(tmp_path / "home", tmp_path / "var", "refresh")
    assert result.returncode == 1
    assert "holds other things (log)" in result.stderr
    assert [entry.name for entry in (tmp_path / "var").iterdir()] == ["log"]


def test_a_mount_point_is_emptied_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    var = tmp_path / "var"
    (var / "lost+found").mkdir(parents=True)
    monkeypatch.setattr(Path, "is_mount", lambda path: path == var)
    claim(var, tmp_path)
    assert empty(var, tmp_path) == []
    (var / "lost+found").rmdir()
    claim(var, tmp_path)
    assert empty(var, tmp_path) == []
    assert var.is_dir()


@pytest.mark.parametrize("command", ["refresh", "up", "serve", "clean"])
def test_a_file_in_place_of_the_folder_is_one_sentence(tmp_path: Path, command: str) -> None:
    (tmp_path / "var").write_text("mine")
    result = samplecity(tmp_path, tmp_path / "var", command)
    assert result.returncode == 1
    assert str(tmp_path / "var") in result.stderr
    assert "Traceback" not in result.stderr
    assert "Starting" not in result.stdout
    assert (tmp_path / "var").read_text() == "mine"


def test_down_has_nothing_to_end_where_a_file_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("mine")
    result = samplecity(tmp_path, tmp_path / "var", "down")
    assert (result.returncode, result.stderr) == (0, "")


def test_a_refused_run_leaves_no_secrets_and_promises_nothing(tmp_path: Path) -> None:
    environment = {"STADTDATEN_HOME": str(ROOT), "STADTDATEN_VAR": str(tmp_path / "var"), "AIRFLOW_PORT": "1"}
    result = subprocess.run(
        [sys.executable, "-m", "samplecity.cli", "refresh"],
        env={**os.environ, **environment, "CITY_PORT": "1"}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert result.returncode == 1
    assert "wanted twice" in result.stderr
    assert "Starting" not in result.stdout
    assert not (tmp_path / "var" / "airflow").exists()


def test_a_damaged_ledger_is_one_sentence_with_the_next_step(tmp_path: Path) -> None:
    var = tmp_path / "var"
    claim(var, tmp_path)
    (var / "ledger.sqlite").write_bytes(b"no database at all" * 100)
    result = samplecity(ROOT, var, "refresh")
    assert result.returncode == 1
    assert f"mv {var / 'ledger.sqlite'} " in result.stderr
    assert "portal and releases are kept" in result.stderr
    assert "Traceback" not in result.stderr


def test_snapshots_go_even_if_the_ledger_cannot_be_written(tmp_path: Path) -> None:
    place = Place(ROOT, tmp_path, Ports(), 8080)
    (tmp_path / "staging").mkdir()
    (tmp_path / "ledger.sqlite").mkdir()
    with pytest.raises(Misconfigured) as error:
        settle(place.settings)
    assert "it cannot be opened" in explained(error.value, tmp_path)
    assert not (tmp_path / "staging").exists()


def test_a_full_disk_is_one_sentence_from_the_disk_and_from_the_ledger(tmp_path: Path) -> None:
    assert "the disk is full" in explained(OSError(errno.ENOSPC, "x", str(tmp_path / "x")), tmp_path)
    with sqlite3.connect(tmp_path / "small.sqlite") as database:
        database.execute("PRAGMA max_page_count = 1")
        with pytest.raises(sqlite3.OperationalError) as error:
            database.execute("CREATE TABLE t (c)")
    assert "the disk is full" in explained(error.value, tmp_path)


def test_an_error_of_ours_is_not_blamed_on_the_disk(tmp_path: Path) -> None:
    assert explained(FileNotFoundError(errno.ENOENT, "x"), tmp_path) == ""
    assert explained(sqlite3.OperationalError("no such table: x"), tmp_path) == ""


def test_every_entry_that_settings_name_is_cleaned(tmp_path: Path) -> None:
    settings = Place(ROOT, tmp_path, Ports(), 8080).settings
    places = (settings.candidates, settings.portal, settings.staging, Path(settings.releases))
    assert {place.relative_to(tmp_path).parts[0] for place in places} <= folder.ENTRIES
