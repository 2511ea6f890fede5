"""What may not go on is stopped, with every reason and with counts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from stadtdaten.contracts import Dataset
from stadtdaten.faults import GateFailed
from stadtdaten.frames import CheckResult, DatasetMetadata, Inputs, Manifest, PublishedColumn, TableLock
from stadtdaten.quality.gates import gate, portal_gate

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def check(severity: str = "critical", success: bool = True, column: str = "hoehe") -> CheckResult:
    return CheckResult.model_validate(
        {
            "table": "baeume", "stage": "raw", "expectation": "expect_column_values_to_be_between", "column": column,
            "severity": severity, "success": success, "element_count": 2400, "unexpected_count": 0 if success else 800,
            "message": "Spalte hoehe: …",
        }
    )  # fmt: skip


def test_a_failed_warning_does_not_stop_a_dataset() -> None:
    gate([check(), check("warning", success=False)], "baumkataster", "raw")


def test_every_failed_critical_check_is_a_finding() -> None:
    results = [check(success=False), check(success=False, column="krone"), check(), check("warning", success=False)]
    with pytest.raises(GateFailed) as caught:
        gate(results, "baumkataster", "raw")
    assert caught.value.gate == "quality_raw"
    assert [(f.table, f.column, f.count, f.total) for f in caught.value.findings] == [
        ("baeume", "hoehe", 800, 2400), ("baeume", "krone", 800, 2400),
    ]  # fmt: skip
    assert "2 von 3 blockierenden Qualitätsprüfungen der Rohdaten nicht bestanden" in caught.value.message
    assert caught.value.next_step


@pytest.mark.parametrize("results", [[], [check("warning")]])
def test_a_dataset_that_no_critical_check_looked_at_does_not_pass(results: list[CheckResult]) -> None:
    with pytest.raises(GateFailed, match="keine blockierende Qualitätsprüfung") as caught:
        gate(results, "baumkataster", "public")
    assert caught.value.gate == "quality_public"


@pytest.fixture
def dataset() -> Dataset:
    column = {"name": "baum_id", "source": "baum_id", "title": "Baumnummer", "type": "string", "class": "public"}
    return Dataset.model_validate(
        {
            "id": "baumkataster", "title": "Bäume", "description": "Bäume", "keywords": ["Baum"], "themes": ["ENVI"],
            "licence": "dl-zero-de/2.0", "provenance": "Kataster", "row_loss": 0.2,
            "release": {
                "legal_basis": "§ 16a EGovG NRW", "outcome": "no_personal_data",
                "office": "Leitung des Grünflächenamts",
                "date": "2026-01-01", "next_review": "2028-01-01",
            },
            "tables": [
                {
                    "id": "baeume", "title": "Bäume", "resource": "b", "reading": {"format": "gml"},
                    "key": ["baum_id"], "columns": [column],
                }
            ],
        }
    )  # fmt: skip


def manifest(rows: int, columns: dict[str, str] | None = None, table: str = "baeume") -> Manifest:
    published = tuple(
        PublishedColumn.model_validate({"name": name, "title": name, "type": kind})
        for name, kind in (columns or {"baum_id": "string", "hoehe": "number"}).items()
    )
    metadata = DatasetMetadata(
        dataset="baumkataster", source="baumkataster", title="Bäume", description="Bäume", keywords=("Baum",),
        themes=("ENVI",), licence="dl-zero-de/2.0", attribution="", change_note="", frequency="WEEKLY",
        deadline_hours=168, grace_hours=48, availability="AVAILABLE", model_dataset=None, provenance="Kataster",
        owner="Amt", outcome="no_personal_data", legal_basis="",
        issued=NOW, modified=NOW, temporal=None, bbox=None, columns={table: published},
        table_titles={table: "Bäume"},
    )  # fmt: skip
    return Manifest(
        release="0" * 12, source="baumkataster", dataset="baumkataster", created=NOW,
        inputs=Inputs(content={}, contract="", suites="", code=""), locks={}, rows_read=rows, rows_published=rows,
        rows_by_table={table: rows}, files=(), metadata=metadata, checks=(), anonymisation=(), personal=False,
        evidence={},
    )  # fmt: skip


def findings(candidate: Manifest, live: Manifest | None, dataset: Dataset) -> list[str]:
    with pytest.raises(GateFailed) as caught:
        portal_gate(candidate, live, dataset)
    assert caught.value.gate == "portal"
    return [finding.message.replace("\u00a0", " ") for finding in caught.value.findings]


def test_a_first_release_and_an_equal_one_pass(dataset: Dataset) -> None:
    portal_gate(manifest(1), None, dataset)
    portal_gate(manifest(2400), manifest(2400), dataset)


def test_rows_lost_up_to_the_contracts_share_pass_and_one_more_does_not(dataset: Dataset) -> None:
    portal_gate(manifest(1920), manifest(2400), dataset)
    assert findings(manifest(1919), manifest(2400), dataset) == [
        "Tabelle baeume: 1.919 Zeilen statt bisher 2.400, also 20 % weniger; erlaubt sind höchstens 20 %."
    ]


def test_a_table_that_lost_nine_tenths_of_its_rows_is_stopped(dataset: Dataset) -> None:
    (message,) = findings(manifest(240), manifest(2400), dataset)
    assert "240 Zeilen statt bisher 2.400, also 90 % weniger" in message


def test_a_table_without_rows_is_stopped_even_the_first_time(dataset: Dataset) -> None:
    assert findings(manifest(0), None, dataset) == ["Tabelle baeume: 0 Zeilen."]
    assert findings(manifest(0), manifest(2400), dataset) == ["Tabelle baeume: 0 Zeilen (bisher 2.400)."]


def test_a_column_that_vanished_is_stopped(dataset: Dataset) -> None:
    assert findings(manifest(9, {"baum_id": "string"}), manifest(9), dataset) == [
        "Tabelle baeume: Spalte hoehe fehlt (bisher 2 Spalten, jetzt 1)."
    ]


def test_a_column_of_another_type_is_stopped(dataset: Dataset) -> None:
    changed = manifest(9, {"baum_id": "string", "hoehe": "string"})
    assert findings(changed, manifest(9), dataset) == [
        "Tabelle baeume: Spalte hoehe hat den Typ string statt bisher number."
    ]


def test_a_new_column_passes(dataset: Dataset) -> None:
    portal_gate(manifest(9, {"baum_id": "string", "hoehe": "number", "art": "string"}), manifest(9), dataset)


def test_a_table_that_vanished_is_stopped(dataset: Dataset) -> None:
    assert "Tabelle alleen fehlt (bisher 12 Zeilen)." in findings(manifest(9), manifest(12, table="alleen"), dataset)


def test_a_source_that_lost_most_rows_is_stopped_though_its_table_of_counts_lost_few(dataset: Dataset) -> None:
    def counts(published: int, read: int) -> Manifest:
        lock = TableLock(
            resource="b", url="", source_bytes=1, content_hash="", rows=read, columns=("baum_id",), files=()
        )
        return manifest(published).model_copy(update={"locks": {"baeume": lock}})

    portal_gate(counts(950, 2400), counts(1000, 2500), dataset)
    assert findings(counts(950, 250), counts(1000, 2500), dataset) == [
        "Tabelle baeume: 250 Zeilen der Quelle statt bisher 2.500, also 90 % weniger; erlaubt sind höchstens 20 %."
    ]
