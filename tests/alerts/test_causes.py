"""Each fault leads to advice of its own."""

from __future__ import annotations

import pytest

from stadtdaten import faults
from stadtdaten.alerts.causes import advice
from stadtdaten.faults import Finding
from stadtdaten.frames import Incident

GATED = [
    ("quality_raw", ["expect_column_geometries_to_be_within_bounds"], ["Rechts- und Hochwert"]),
    (
        "quality_public",
        ["expect_column_values_to_be_between", "expect_column_geometries_to_be_within_bounds"],
        ["Rechts- und Hochwert", "fachlich möglich"],
    ),
    ("quality_raw", ["expect_compound_columns_to_be_unique"], ["doppelt"]),
    ("quality_raw", ["expect_column_values_to_not_be_null"], ["Pflichtangaben"]),
    ("quality_raw", ["expect_table_row_count_to_be_between"], ["unvollständig"]),
    ("quality_raw", [], ["fachlich möglich"]),
    ("portal", ["row_loss"], ["deutlich weniger Zeilen"]),
    ("portal", ["column_lost"], ["Nachnutzende"]),
    ("portal", ["column_lost", "row_loss"], ["Nachnutzende", "deutlich weniger Zeilen"]),
    ("privacy", ["recoverable_cells"], ["Anonymisierung"]),
    ("privacy", [], ["Anonymisierung"]),
    ("privacy", ["personal_data"], ["Angaben zu Menschen"]),
    ("privacy", ["file_author", "small_cells"], ["Angaben zu Menschen", "Anonymisierung"]),
]


@pytest.mark.parametrize(("gate", "rules", "causes"), GATED)
def test_what_a_gate_found_leads_to_its_likely_causes(
    incident: Incident, gate: str, rules: list[str], causes: list[str]
) -> None:
    findings = tuple(Finding(rule, "Etwas ist falsch.") for rule in rules)
    given = advice(incident.model_copy(update={"gate": gate, "findings": findings}))
    assert len(given) == len(causes)
    for each, cause in zip(given, causes, strict=True):
        assert cause in each.cause


def test_every_kind_of_fault_without_gate_has_one_advice_of_three_steps(incident: Incident) -> None:
    never_told = {"gate_failed", "snapshot_failed", "superseded"}  # a gate's findings are; the others open no incident
    kinds = {fault.kind for fault in faults.Fault.__subclasses__()} - never_told
    told = incident.model_copy(update={"gate": "", "findings": ()})
    answers = {kind: advice(told.model_copy(update={"kind": kind})) for kind in kinds}
    assert all(len(given) == 1 and len(given[0].steps) == 3 for given in answers.values())
    assert len({given[0].cause for given in answers.values()}) == len(kinds)


def test_a_release_record_that_is_not_in_force_is_not_told_as_a_fault_of_the_data(incident: Incident) -> None:
    message = "Datensatz einwohner: Die Freigabe ist am 01.09.2026 abgelaufen; nichts Neues wird veröffentlicht."
    told = incident.model_copy(update={"gate": "privacy", "findings": (), "message": message})
    assert [each.cause.startswith("Die Freigabe des Datensatzes") for each in advice(told)] == [True]


def test_a_web_page_instead_of_data_is_recognised(incident: Incident) -> None:
    told = incident.model_copy(
        update={"gate": "", "findings": (), "kind": "source_unreadable", "message": "HTML statt CSV."}
    )
    assert [each.cause.startswith("Statt der Daten kam eine Webseite") for each in advice(told)] == [True]
