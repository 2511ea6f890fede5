"""Settings come from the environment, and a misspelt one is not silently another default."""

from __future__ import annotations

from pathlib import Path

import pytest

from declared_keys import key_connections
from stadtdaten.contracts.load import load_contract
from stadtdaten.faults import Misconfigured
from stadtdaten.settings import endpoint_from_environment, settings_from_environment

ROOT = Path(__file__).resolve().parents[1]
SCHEMES = {
    "http": "https", "wfs": "https", "ogc_features": "https", "arcgis": "https", "folder": "file", "sftp": "sftp",
    "ftp": "ftp", "sql": "postgresql+psycopg2", "rest": "https", "oparl": "https",
}  # fmt: skip


def test_a_misspelt_variable_is_named_and_its_value_is_not() -> None:
    with pytest.raises(Misconfigured) as caught:
        settings_from_environment({"STADTDATEN_LEDGERR": "postgresql://airflow:geheim@db/ledger"})
    assert "STADTDATEN_LEDGERR" in caught.value.message
    assert "STADTDATEN_LEDGER" in caught.value.next_step
    assert "geheim" not in caught.value.message + caught.value.next_step
    assert caught.value.__suppress_context__


def test_an_empty_variable_counts_as_not_set(tmp_path: Path) -> None:
    settings = settings_from_environment({"STADTDATEN_VAR": str(tmp_path), "STADTDATEN_PORTAL": ""})
    assert settings.portal == tmp_path / "portal"


@pytest.mark.parametrize(
    "text", ["geheim", '["geheim"]', '"geheim"', "5", '{"port": "geheim"}', '{"host": ["geheim"]}']
)
def test_a_connection_that_is_no_json_object_is_told_without_its_text(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_PEGEL", text)
    with pytest.raises(Misconfigured, match="AIRFLOW_CONN_PEGEL") as caught:
        endpoint_from_environment("pegel")
    assert "geheim" not in caught.value.message + caught.value.next_step
    assert caught.value.__suppress_context__


def test_a_connection_may_leave_fields_out_and_have_more(monkeypatch: pytest.MonkeyPatch) -> None:
    text = '{"conn_type": "postgres", "host": "db", "port": "5432", "schema": "stadt", "login": null, "extra": {}}'
    monkeypatch.setenv("AIRFLOW_CONN_PEGEL", text)
    found = endpoint_from_environment("pegel")
    assert (found.url, found.login, found.password) == ("postgresql+psycopg2://db:5432/stadt", "", "")


@pytest.mark.parametrize("path", sorted((ROOT / "include" / "contracts").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_connection_that_the_example_of_the_environment_lacks_is_noticed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for line in (ROOT / ".env.example").read_text(encoding="utf-8").splitlines():
        if line.startswith("AIRFLOW_CONN_"):
            monkeypatch.setenv(*line.split("=", 1))
    contract = load_contract(path)
    for dataset in contract.datasets:
        for _, interface in contract.read_for(dataset):
            assert endpoint_from_environment(interface.connection).url.startswith(f"{SCHEMES[interface.kind]}://")
    for connection in key_connections(contract):
        assert endpoint_from_environment(connection).password == "", "an example of a key would be used"
