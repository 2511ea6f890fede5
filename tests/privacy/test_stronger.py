"""A stopped dataset hears which stronger setting would pass, found by trying; nothing is ever applied by itself."""

from __future__ import annotations

import pandas as pd
import pytest

from people import TODAY, make_dataset, make_table
from stadtdaten.faults import Finding, GateFailed
from stadtdaten.privacy.anonymisation import anonymise
from stadtdaten.privacy.audit import audit
from stadtdaten.privacy.stronger import what_would_pass


def test_a_column_that_names_people_is_to_be_left_out() -> None:
    table = make_table(
        [{"name": "art", "type": "string", "class": "public"}, {"name": "notiz", "type": "string", "class": "public"}]
    )
    dataset = make_dataset(table)
    frame = pd.DataFrame({"art": ["a", "b"], "notiz": ["Frau Erika Mustermann war da", "neu"]}, dtype="str")
    with pytest.raises(GateFailed) as caught, what_would_pass({table.id: frame}, dataset, TODAY):
        published = {table.id: anonymise({table.id: frame}, dataset, TODAY)[table.id].frame}
        audit(published, dataset, TODAY)
    assert "das Weglassen von notiz" in caught.value.next_step
    assert "Mustermann" not in f"{caught.value}{caught.value.next_step}{caught.value.findings}"


def test_where_nothing_tried_would_do_that_is_said(counted, residents) -> None:
    frame = residents([("Mitte", 1, "w", 9), ("Nord", 4, "m", 9)]).assign(bezirk="Frau Erika Mustermann")
    dataset = make_dataset(counted)
    with pytest.raises(GateFailed, match="lässt sich") as caught, what_would_pass({counted.id: frame}, dataset, TODAY):
        raise GateFailed(
            "privacy", "Ein Wert lässt sich errechnen.", findings=(Finding("recoverable_cells", "", counted.id),)
        )
    assert "Keine der ausprobierten" in caught.value.next_step


def test_a_failure_of_another_gate_is_passed_on_as_it_is(counted, residents) -> None:
    with pytest.raises(GateFailed) as caught, what_would_pass({}, make_dataset(counted), TODAY):
        raise GateFailed("quality_raw", "Zu wenige Zeilen.", next_step="Nachsehen.")
    assert caught.value.next_step == "Nachsehen."


def test_a_larger_minimum_is_found_by_trying(counted, residents) -> None:
    frame = residents([(d, a, s, 40 + a) for d in ("Mitte", "Nord") for a in (1, 4, 7) for s in ("w", "m")])
    with pytest.raises(GateFailed) as caught, what_would_pass({counted.id: frame}, make_dataset(counted), TODAY):
        raise GateFailed(
            "privacy", "Ein Wert lässt sich errechnen.", findings=(Finding("recoverable_cells", "", counted.id),)
        )
    assert "`protection.minimum: 5`" in caught.value.next_step
