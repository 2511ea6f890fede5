"""The audit finds what anonymisation should have prevented; each test breaks a good table in one way."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from people import anonymise_one, audit_one, make_table
from stadtdaten.contracts import Table
from stadtdaten.faults import GateFailed

CONTRACTS = Path(__file__).resolve().parents[2] / "include" / "contracts"


def rules(frame: pd.DataFrame, table: Table) -> list[str]:
    with pytest.raises(GateFailed) as caught:
        audit_one(frame, table)
    assert caught.value.gate == "privacy"
    assert caught.value.next_step
    return [finding.rule for finding in caught.value.findings]


@pytest.fixture
def protected(counted, residents) -> pd.DataFrame:
    districts = ("Mitte", "Nord", "Süd")
    rows = [(d, a, s, 20 + 7 * n) for n, d in enumerate(districts) for a in (1, 4, 7) for s in ("w", "m")]
    rows[0] = ("Mitte", 1, "w", 1)
    return anonymise_one(residents(rows), counted)[0]


@pytest.fixture
def clean() -> pd.DataFrame:
    return pd.DataFrame(
        {"kennung": ["05915000", "01"], "strasse": ["Dr.-Lammert-Weg 3", "Am Markt 1"], "bemerkung": ["", "neu"]},
        dtype="str",
    )


def test_a_well_protected_table_passes(protected, counted):
    assert protected["anzahl_geheim"].sum() >= 8
    audit_one(protected, counted)


def test_a_single_suppression_with_its_totals_left_is_recovered(counted, residents):
    rows = [(d, a, s, 50) for d in ("Mitte", "Nord") for a in (1, 7) for s in ("w", "m")]
    frame, _ = anonymise_one(residents(rows), counted)
    frame.loc[0, "anzahl"] = pd.NA
    frame.loc[0, "anzahl_geheim"] = True
    assert rules(frame, counted) == ["recoverable_cells"]


def test_every_secondary_cell_that_is_shown_after_all_is_noticed(protected, counted, residents):
    districts = ("Mitte", "Nord", "Süd")
    rows = [(d, a, s, 20 + 7 * n) for n, d in enumerate(districts) for a in (1, 4, 7) for s in ("w", "m")]
    true, _ = anonymise_one(residents(rows), counted.model_copy(update={"frequency_table": counted.frequency_table}))
    hidden = protected.index[protected["anzahl_geheim"]]
    change = pd.Series(0, index=protected.index)
    first = protected.iloc[0]
    for name in ("bezirk", "alter", "geschlecht"):
        change += (protected[name] == first[name]) | (protected[name] == "Insgesamt")
    true["anzahl"] = true["anzahl"] - 19 * (change == 3)
    for cell in hidden:
        if true.loc[cell, "anzahl"] >= 3:
            frame = protected.copy()
            frame.loc[cell, "anzahl"] = true.loc[cell, "anzahl"]
            frame.loc[cell, "anzahl_geheim"] = False
            assert rules(frame, counted) == ["recoverable_cells"]


def test_a_small_cell_that_is_shown_is_noticed(protected, counted):
    frame = protected.copy()
    cell = frame.index[frame["anzahl_geheim"]][0]
    frame.loc[cell, "anzahl"] = 1
    frame.loc[cell, "anzahl_geheim"] = False
    assert "small_cells" in rules(frame, counted)


def test_a_hidden_cell_that_shows_its_number_is_noticed(protected, counted):
    frame = protected.copy()
    frame.loc[frame.index[frame["anzahl_geheim"]][0], "anzahl"] = 21
    assert rules(frame, counted) == ["hidden_cells"]


def test_a_missing_combination_is_noticed(protected, counted):
    assert rules(protected.drop(index=3).reset_index(drop=True), counted) == ["incomplete_table"]


def test_a_total_that_contradicts_its_cells_is_noticed(protected, counted):
    frame = protected.copy()
    last = len(frame) - 1
    frame.loc[last, "anzahl"] = frame.loc[last, "anzahl"] + 1
    assert rules(frame, counted) == ["incomplete_table"]


def test_an_age_that_was_not_put_in_a_band_is_noticed(protected, counted):
    frame = protected.copy()
    frame.loc[0, "alter"] = "87"
    assert "untreated" in rules(frame, counted)


def test_an_undeclared_column_is_noticed(clean, sites):
    assert rules(clean.assign(melder="x"), sites) == ["undeclared_column"]


def test_a_missing_column_and_another_order_are_noticed(clean, sites):
    assert rules(clean.drop(columns="strasse"), sites) == ["missing_column"]
    assert rules(clean[["strasse", "kennung", "bemerkung"]], sites) == ["column_order"]


def test_values_in_the_index_are_noticed(clean, sites):
    assert rules(clean.set_axis(["a", "b"], axis=0), sites) == ["hidden_values"]


def test_ordinary_addresses_and_keys_pass(clean, sites):
    audit_one(clean, sites)


def test_a_personal_value_blocks_without_being_repeated(clean, sites):
    clean.loc[1, "bemerkung"] = "bitte an erika.mustermann@example.org"
    with pytest.raises(GateFailed) as caught:
        audit_one(clean, sites)
    [finding] = caught.value.findings
    assert (finding.column, finding.count, finding.total) == ("bemerkung", 1, 2)
    assert "E-Mail-Adresse" in finding.message
    assert "mustermann" not in f"{caught.value} {caught.value.next_step} {caught.value.findings}"


def test_personal_data_in_a_column_of_mixed_objects_is_found(clean, sites):
    frame = clean.astype({"bemerkung": object})
    frame.loc[0, "bemerkung"] = 7
    frame.loc[1, "bemerkung"] = "Tel. 02381 999999"
    assert rules(frame, sites) == ["personal_data"]


def test_tax_ids_in_a_column_of_numbers_are_found(clean):
    table = make_table([{"name": "nummer", "type": "integer", "class": "public"}])
    frame = pd.DataFrame({"nummer": pd.array([86095742719, 47036892816], dtype="Int64")})
    assert rules(frame, table) == ["personal_data"]
    counts = pd.DataFrame({"nummer": pd.array([86095742, None], dtype="Int64")})
    assert audit_one(counts, table) is None
