"""The `stadtdaten` command as a person and as a program use it."""

from __future__ import annotations

import json
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from installation import Site
from samplecity.delivery import advance
from stadtdaten.cli import app


@pytest.fixture
def call(site: Site, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Run the command in the temporary installation."""
    settings = site.settings
    for name in ("home", "var", "ledger", "releases", "candidates", "portal", "portal_url", "portal_sample"):
        monkeypatch.setenv(f"STADTDATEN_{name.upper()}", str(getattr(settings, name)))
    for name, value in site.city.connections().items():
        monkeypatch.setenv(name, value)

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments))

    return invoke


def test_run_publishes_and_status_says_what_is_live(call) -> None:  # type: ignore[no-untyped-def]
    ran = call("run", "umweltmessnetz", "--json")
    assert ran.exit_code == 0, ran.output
    (row,) = json.loads(ran.stdout)
    assert (row["dataset"], row["outcome"], row["fault"]) == ("pegelstaende", "published", None)
    rows = {row["dataset"]: row for row in json.loads(call("status", "--json").stdout)}
    assert rows["pegelstaende"]["state"] == "current"
    assert rows["pegelstaende"]["release"] == row["release"]
    assert rows["baumkataster"]["state"] == "not live"
    assert "pegelstaende" in call("status").stdout


def test_a_held_back_dataset_makes_run_exit_with_1_and_shows_in_status(site: Site, call) -> None:  # type: ignore[no-untyped-def]
    call("run", "baumkataster", "--json")
    advance(site.var, 2)
    ran = call("run", "baumkataster", "--json")
    assert ran.exit_code == 1
    row = next(each for each in json.loads(ran.stdout) if each["dataset"] == "baumkataster")
    assert row["outcome"] == "held_back"
    assert {finding["column"] for finding in row["fault"]["findings"]} >= {"hoehe", "geometrie"}
    shown = call("status")
    assert "baumkataster: held back since" in shown.stdout


def test_rollback_goes_to_the_release_before_and_names_what_it_knows(site: Site, call) -> None:  # type: ignore[no-untyped-def]
    (first,) = json.loads(call("run", "umweltmessnetz", "--json").stdout)
    none_before = call("rollback", "pegelstaende")
    assert none_before.exit_code == 2
    assert "no release before" in none_before.stderr
    (second,) = json.loads(call("run", "umweltmessnetz", "--force", "--json").stdout)
    assert second["release"] != first["release"]

    back = call("rollback", "pegelstaende", "--json")

    assert back.exit_code == 0, back.output
    assert json.loads(back.stdout)["release"] == first["release"]
    wrong = call("rollback", "pegelstaende", "--to", "000000000000")
    assert wrong.exit_code == 1
    assert first["release"] in wrong.stderr


def test_unknown_names_are_answered_with_the_known_ones(call) -> None:  # type: ignore[no-untyped-def]
    assert call("run", "baumkatastr").exit_code == 2
    wrong = call("rollback", "baume")
    assert wrong.exit_code == 2
    assert "einwohner" in wrong.stderr


def test_check_finds_every_mistake_with_file_line_and_fix(site: Site, call) -> None:  # type: ignore[no-untyped-def]
    schemas = Path(__file__).parents[1] / "include" / "contracts" / "schema"
    assert (site.home / "include" / "contracts" / "schema" / "contract.schema.json").read_bytes() == (
        schemas / "contract.schema.json"
    ).read_bytes()
    assert call("check").exit_code == 0
    site.edit("include/contracts/spielplaetze.yaml", "themes: [EDUC, REGI]", "themes: [EDUC, REGIO]")
    site.edit("expectations/baumkataster/baeume.raw.json", "expect_column_values_to_not_be_null", "expect_nothing")
    (site.home / "dags" / "umweltmessnetz.py").unlink()

    found = json.loads(call("check", "--json").stdout)

    places = {Path(problem["file"]).name: problem for problem in found}
    assert set(places) == {"spielplaetze.yaml", "baeume.raw.json", "umweltmessnetz.py"}
    assert "REGIO" in places["spielplaetze.yaml"]["message"] and "REGI" in places["spielplaetze.yaml"]["fix"]
    text = (site.home / "include/contracts/spielplaetze.yaml").read_text(encoding="utf-8").splitlines()
    assert "REGIO" in text[places["spielplaetze.yaml"]["line"] - 1]
    assert all(problem["line"] >= 1 for problem in found)
    assert call("check").exit_code == 1


def test_the_exported_schemas_are_current(site: Site, call) -> None:  # type: ignore[no-untyped-def]
    site.edit("include/contracts/schema/contract.schema.json", '"title"', '"titel"')
    found = json.loads(call("check", "--json").stdout)
    assert [Path(problem["file"]).name for problem in found] == ["contract.schema.json"]
    assert call("schema").exit_code == 0
    assert call("check").exit_code == 0


def test_status_during_a_run_goes_by_the_last_good_one(site: Site, call) -> None:  # type: ignore[no-untyped-def]
    call("run", "umweltmessnetz", "--json")
    before = {row["dataset"]: row for row in json.loads(call("status", "--json").stdout)}["pegelstaende"]
    site.ledger.start_attempt("umweltmessnetz", "pegelstaende")
    during = {row["dataset"]: row for row in json.loads(call("status", "--json").stdout)}["pegelstaende"]
    assert during["last_outcome"] is None
    assert (during["state"], during["last_checked"]) == (before["state"], before["last_checked"])


def test_status_says_broken_where_the_store_lost_what_is_live(site: Site, call) -> None:  # type: ignore[no-untyped-def]
    call("run", "umweltmessnetz", "--json")
    shutil.rmtree(site.var / "releases" / "pegelstaende")
    row = {row["dataset"]: row for row in json.loads(call("status", "--json").stdout)}["pegelstaende"]
    assert row["state"] == "broken"
    assert "fehlt im Release-Speicher" in row["incident"]
    assert "pegelstaende: broken" in call("status").stdout


def test_a_misspelt_setting_is_an_answer_and_no_traceback(call, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("STADTDATEN_LEDGERR", "sqlite://")
    said = call("status")
    assert said.exit_code == 1
    assert "STADTDATEN_LEDGERR" in said.stderr


def test_status_shows_what_is_live_although_the_ledger_was_lost(site: Site, call) -> None:  # type: ignore[no-untyped-def]
    (ran,) = json.loads(call("run", "umweltmessnetz", "--json").stdout)
    for path in site.var.glob("ledger.sqlite*"):
        path.unlink()
    row = {row["dataset"]: row for row in json.loads(call("status", "--json").stdout)}["pegelstaende"]
    assert (row["state"], row["release"]) == ("current", ran["release"])


@pytest.mark.parametrize("command", [["status"], ["run", "umweltmessnetz"], ["rollback", "pegelstaende"], ["migrate"]])
@pytest.mark.parametrize("ledger", ["no database", "a folder", "unreachable", "no address"])
def test_a_ledger_that_cannot_be_used_is_one_sentence_and_the_next_step(
    site: Site, call, monkeypatch: pytest.MonkeyPatch, command: list[str], ledger: str
) -> None:  # type: ignore[no-untyped-def]
    if ledger == "no database":
        (site.var / "ledger.sqlite").write_text("Das war einmal eine Datenbank. " * 100)
    elif ledger == "a folder":
        (site.var / "ledger.sqlite").mkdir()
    elif ledger == "unreachable":
        monkeypatch.setenv("STADTDATEN_LEDGER", "postgresql+psycopg2://ledger:geheim@127.0.0.1:9/ledger")
    else:
        monkeypatch.setenv("STADTDATEN_LEDGER", "geheim")
    said = call(*command)
    assert (said.exit_code, said.exception.__class__) == (1, SystemExit)
    assert "Verlaufsdatenbank" in said.stderr
    assert "STADTDATEN_LEDGER" in said.stderr
    assert "geheim" not in said.output


def test_status_tells_times_in_the_citys_time_zone(site: Site, call, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    call("run", "umweltmessnetz", "--json")
    site.ledger.open_incident(
        "umweltmessnetz", "pegelstaende", "gate_failed", "quality_raw", "Gestört.", (), "",
        datetime(2026, 7, 1, 22, 30, tzinfo=UTC),
    )  # fmt: skip
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert "held back since 2026-07-02 00:30" in call("status").stdout
    finally:
        monkeypatch.undo()
        time.tzset()


def test_nothing_of_status_is_cut_in_80_columns(site: Site, call, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    for source in ("umweltmessnetz", "einwohnerstatistik"):
        call("run", source, "--json")
    rows = json.loads(call("status", "--json").stdout)
    monkeypatch.setattr("stadtdaten.cli.out", Console(width=80))
    shown = call("status").stdout
    assert "…" not in shown
    assert max(map(len, shown.splitlines())) <= 80
    for row in rows:
        for text in (row["dataset"], row["state"], row["release"]):
            assert not text or text in shown
        for moment in (row["modified"], row["due"]):
            assert not moment or moment[:10] in shown


def test_a_mistake_in_one_contract_hides_no_other_source_from_status(call, site: Site) -> None:  # type: ignore[no-untyped-def]
    call("run", "spielplaetze")
    site.edit("include/contracts/baumkataster.yaml", "title:", "titel:")
    told = call("status")
    assert told.exit_code == 1
    assert "spielplaetze" in told.output and "baumkataster.yaml" in told.output
    back = call("rollback", "spielplaetze", "--to", "000000000000")
    assert "baumkataster.yaml" not in back.output


def test_a_takedown_asks_first_and_then_says_whom_else_to_call(call, site: Site) -> None:  # type: ignore[no-untyped-def]
    call("run", "spielplaetze")
    refused = call("takedown", "spielplaetze")  # nobody answers
    assert refused.exit_code == 1
    assert site.run("spielplaetze").live("spielplaetze") is not None

    done = call("takedown", "spielplaetze", "--yes")
    assert done.exit_code == 0, done.output
    assert "releases withdrawn" in done.output and "GovData" in done.output
    assert site.run("spielplaetze").live("spielplaetze") is None

    back = call("rollback", "spielplaetze", "--to", site.ledger.tombstone("spielplaetze").releases[0])
    assert back.exit_code == 1 and "Datenpanne" in back.output
