"""The attack finds nothing in what is published, and everything that is put wrong in it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from people import make_table
from privacy.microdata.firms import cases, firms, random_firms
from stadtdaten.contracts import Table
from stadtdaten.frames import PublishedCells
from stadtdaten.privacy.microdata.attack import attack_records
from stadtdaten.privacy.microdata.records import anonymise_records
from stadtdaten.privacy.tables.published import encode


def released(frame: pd.DataFrame, table: Table, dataset: str = "personen") -> PublishedCells:
    return PublishedCells(
        dataset=dataset,
        table=table.id,
        release="a1b2c3",
        published_at=datetime(2026, 1, 15, tzinfo=UTC),
        content=encode(frame, table),
    )


def rules(*arguments: Any) -> Counter[str]:
    """How many records each rule concerns."""
    counts: Counter[str] = Counter()
    for finding in attack_records(*arguments):
        counts[finding.rule] += finding.count
    return counts


@given(cases())
@settings(max_examples=20, deadline=None)
def test_nothing_is_found_in_what_is_published_nor_when_it_is_published_again(case: tuple[pd.DataFrame, Table]) -> None:
    frame, table = case
    public = anonymise_records(frame, table).frame
    assert not rules(public, table)
    assert not rules(public, table, [released(public, table)])


@given(cases())
@settings(max_examples=15, deadline=None)
def test_a_record_moved_to_a_group_of_its_own_is_caught(case: tuple[pd.DataFrame, Table]) -> None:
    frame, table = case
    public = anonymise_records(frame, table).frame
    public.loc[0, "alter"] = "99 bis 100"
    assert rules(public, table)["k_anonymity"] >= 1


def persons(rows: list[tuple[str, str]], **microdata: Any) -> tuple[pd.DataFrame, Table]:
    """Published records of a band of age and a diagnosis."""
    columns: list[dict[str, Any]] = [
        {"name": "alter", "type": "integer", "class": "quasi_identifier"},
        {"name": "grund", "type": "string", "class": "sensitive"},
    ]
    table = make_table(columns, key=[], microdata={"k": 3, "l": 2, **microdata})
    return pd.DataFrame(rows, columns=["alter", "grund"]).astype("str"), table


def in_groups(**groups: str) -> list[tuple[str, str]]:
    """``a20_29="UUV"``: three persons from 20 to 29 with these diagnoses."""
    return [(name[1:].replace("_", " bis "), each) for name, values in groups.items() for each in values]


def test_a_group_that_shares_its_secret_is_caught() -> None:
    assert rules(*persons(in_groups(a20_29="UUU", a30_39="UVW"))) == {"homogeneity": 3}


def test_a_group_with_too_few_secrets_is_caught() -> None:
    assert rules(*persons(in_groups(a20_29="UVVV", a30_39="UVW"), l=3)) == {"l_diversity": 4}


def test_a_group_whose_secrets_are_spread_otherwise_is_caught() -> None:
    frame, table = persons(in_groups(a20_29="UUUV", a30_39="UVVVVVVV"), t=0.3)
    assert rules(frame, table) == {"t_closeness": 4}
    assert not rules(*persons(in_groups(a20_29="UUVV", a30_39="UUUVVVVV"), t=0.3))


def test_an_exact_column_that_tells_records_apart_is_caught() -> None:
    table = firms(("gewicht",), suppressed=0)
    frame = random_firms(1, 60).drop(columns=["jahrgang", "grund", "umsatz"]).assign(gewicht=7000)
    public = anonymise_records(frame, table).frame
    public.loc[4, "gewicht"] = 7001
    findings = list(attack_records(public, table))
    assert [(each.rule, each.column) for each in findings] == [("singling_out", "gewicht")]
    assert "7001" not in findings[0].message


def test_two_releases_that_leave_one_secret_in_common_are_caught() -> None:
    """Both releases are safe alone: from 20 to 24 all have V, from 25 to 29 U."""
    old, table = persons(in_groups(a20_29="UVV", a30_39="WXX"))
    new, _ = persons(in_groups(a15_24="VWX", a25_39="UXW"))
    assert not rules(new, table)
    assert rules(new, table, [released(old, table)])["intersection"] == 6
    apart, _ = persons(in_groups(a15_19="VWX", a40_50="UXW"))
    assert not rules(apart, table, [released(old, table)])


def test_an_old_release_is_not_forgotten_for_a_newer_one() -> None:
    old, table = persons(in_groups(a20_29="UVV", a30_39="WXX"))
    new, _ = persons(in_groups(a15_24="VWX", a25_39="UXW"))
    harmless, _ = persons(in_groups(a50_59="UVV"))
    assert rules(new, table, [released(old, table), released(harmless, table)])["intersection"] == 6


def test_the_secret_of_a_newcomer_is_caught() -> None:
    old, table = persons(in_groups(a20_29="UVV", a30_39="WXX"))
    new, _ = persons(in_groups(a20_29="UVVW", a30_39="WXX"))
    assert rules(new, table, [released(old, table)]) == {"newcomers": 4}
    assert rules(old, table, [released(new, table)]) == {"newcomers": 3}
    several, _ = persons(in_groups(a20_29="UVVWX", a30_39="WXX"))
    assert not rules(several, table, [released(old, table)])


def test_another_dataset_that_shows_the_secret_too_is_caught() -> None:
    frame, table = persons(in_groups(a20_29="UVVV", a30_39="UVW"))
    other = make_table(
        [
            {"name": "alter", "type": "integer", "class": "public"},
            {"name": "grund", "type": "string", "class": "public"},
            {"name": "strasse", "type": "string", "class": "public"},
        ]
    )
    rows = pd.DataFrame({"alter": pd.array([27, 50], dtype="Int64"), "grund": ["U", "U"], "strasse": ["Am Bad", "Weg"]})
    findings = list(attack_records(frame, table, [], [released(rows.astype({"grund": "str"}), other, "adressen")]))
    assert [(each.rule, each.count) for each in findings] == [("linkage", 1)]
    assert "adressen" in findings[0].message
    without = rows.drop(columns="grund").astype({"strasse": "str"})
    assert not rules(frame, table, [], [released(without, other, "adressen")])


def test_a_table_of_counts_links_nobody() -> None:
    frame, table = persons(in_groups(a20_29="UVVV", a30_39="UVW"))
    counts = make_table(
        [
            {"name": "alter", "type": "string", "class": "quasi_identifier"},
            {"name": "grund", "type": "string", "class": "quasi_identifier"},
        ],
        frequency_table={"dimensions": ["alter", "grund"]},
    )
    rows = pd.DataFrame({"alter": ["20 bis 29"], "grund": ["U"], "anzahl": pd.array([7], dtype="Int64")})
    assert not rules(frame, table, [], [released(rows.astype({"alter": "str", "grund": "str"}), counts)])


def test_an_earlier_release_that_small_groups_cannot_stand_is_withstood_by_larger_ones() -> None:
    names = [column.name for column in firms(l=2).columns]
    frame = random_firms(1, 400)[names]
    changed = pd.concat([frame[60:], random_firms(2, 80)[names]]).reset_index(drop=True)
    found = {}
    for k in (3, 24):
        table = firms(l=2, k=k, suppressed=0.05)
        earlier = [released(anonymise_records(frame, firms(l=2, suppressed=0.05)).frame, table)]
        found[k] = rules(anonymise_records(changed, table).frame, table, earlier)["intersection"]
    assert found[3] > 0
    assert found[24] == 0


@pytest.mark.parametrize("kind", ["number", "date"])
def test_regions_of_decimals_and_dates_are_read_back(kind: str) -> None:
    values: Any = (
        np.linspace(0.25, 9.75, 12) if kind == "number" else pd.date_range("2025-01-01", periods=12, unit="us")
    )
    columns: list[dict[str, Any]] = [
        {"name": "wert", "type": kind, "class": "quasi_identifier"},
        {"name": "grund", "type": "string", "class": "sensitive"},
    ]
    table = make_table(columns, key=[], microdata={"k": 3, "l": 2})
    frame = pd.DataFrame({"wert": values, "grund": pd.Series(list("UVWXUVWXUVWX"), dtype="str")})
    old = anonymise_records(frame, table).frame
    new = old.assign(grund=["Y", "U", "Z"] * 4)
    assert len(set(old["wert"])) == 4
    assert rules(new, table, [released(old, table)])["intersection"] == 9
