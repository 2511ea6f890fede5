"""Records through the whole stage: what is declared of a published column holds for its values."""

from __future__ import annotations

import pandas as pd
import pytest

from people import anonymise_one, audit_one, make_table
from privacy.microdata.firms import BRANCHES, random_firms
from stadtdaten.contracts import Table
from stadtdaten.faults import GateFailed
from stadtdaten.privacy.columns import published_columns


@pytest.fixture
def treated() -> Table:
    """Records whose quasi-identifiers have treatments of their own, too."""
    return make_table(
        [
            {"name": "alter", "type": "integer", "class": "quasi_identifier",
             "treatment": {"kind": "bands", "edges": [0, 5, 10, 20, 30]}},
            {"name": "seit", "type": "date", "class": "quasi_identifier",
             "treatment": {"kind": "period", "unit": "month"}},
            {"name": "branche", "type": "string", "class": "quasi_identifier"},
            {"name": "umsatz", "type": "integer", "class": "sensitive", "treatment": {"kind": "limits", "highest": 8}},
        ],
        key=[],
        microdata={"k": 5, "l": 3, "hierarchies": {"branche": BRANCHES}},
    )  # fmt: skip


def test_treated_records_pass_the_audit_and_have_the_declared_types(treated: Table) -> None:
    frame = random_firms(3, 500)[[column.name for column in treated.columns]]
    public, _ = anonymise_one(frame, treated)
    audit_one(public, treated)
    assert list(public.columns) == [column.name for column in published_columns(treated)]
    types = {column.name: column.type for column in published_columns(treated)}
    assert types == {"alter": "string", "seit": "string", "branche": "string", "umsatz": "integer"}
    assert public["umsatz"].max() == 8
    assert set(public["alter"].str.split("; ").explode()) <= {"0 bis 4", "5 bis 9", "10 bis 19", "20 bis 29",
                                                             "30 und älter"}  # fmt: skip


def test_a_record_made_exact_again_is_stopped_by_the_audit(treated: Table) -> None:
    frame = random_firms(3, 500)[[column.name for column in treated.columns]]
    public, _ = anonymise_one(frame, treated)
    assert public["branche"].str.endswith("-Gruppe").any()
    exact = public.assign(seit=[f"2024-01-{number % 28 + 1:02d}" for number in range(len(public))])
    with pytest.raises(GateFailed) as caught:
        audit_one(pd.DataFrame(exact), treated)
    assert "k_anonymity" in {finding.rule for finding in caught.value.findings}
