"""Settings come from the environment, and a misspelt one is not silently another default."""

from __future__ import annotations

from pathlib import Path

import pytest

from stadtdaten.faults import Misconfigured
from stadtdaten.settings import endpoint_from_environment, settings_from_environment


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
