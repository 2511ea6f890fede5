"""Metadata that names a person is found; offices, functional mailboxes and our own contracts pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from stadtdaten.contracts import load_city, load_contract
from stadtdaten.privacy.text.metadata import check_city, check_contract, find_in_metadata, names_person

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    "mailbox",
    [
        "h.mueller@stadt.example",
        "hans.mueller@stadt.example",
        "mueller-hans@stadt.example",
        "petra@stadt.example",
        "joerg_schulze@stadt.example",
        "ayse.yildirim@stadt.example",
    ],
)
def test_the_mailbox_of_a_person_is_found(mailbox):
    assert names_person(mailbox)
    assert [finding.rule for finding in find_in_metadata({"Kontakt": mailbox})] == ["personal_metadata"]


@pytest.mark.parametrize(
    "mailbox",
    [
        "opendata@stadt.example",
        "opendata-bereitschaft@stadt.example",
        "kfz-zulassung@stadt.example",
        "e.mobilitaet@stadt.example",
        "gruenflaechen@stadt.example",
        "amt62@stadt.example",
    ],
)
def test_a_functional_mailbox_is_none_of_a_person(mailbox):
    assert not names_person(mailbox)
    assert list(find_in_metadata({"Kontakt": mailbox})) == []


@pytest.mark.parametrize(
    "text",
    ["Fragen beantwortet Frau Muster, Zimmer 12", "Bearbeiter: Muster", "herr_muster_2025.csv", "Tel. 02381 173456"],
)
def test_a_clerk_in_a_text_is_found_and_the_message_does_not_say_who(text):
    (finding,) = find_in_metadata({"Beschreibung": text})
    assert finding.message.startswith("Beschreibung: ")
    assert "uster" not in finding.message
    assert "1734" not in finding.message


@pytest.mark.parametrize("path", sorted((ROOT / "include" / "contracts").glob("*.yaml")), ids=lambda path: path.stem)
def test_our_own_contracts_name_nobody(path):
    assert check_contract(load_contract(path), path) == []


def test_our_own_city_names_nobody():
    path = ROOT / "include" / "city.yaml"
    assert check_city(load_city(path), path) == []


def test_an_owner_with_a_name_is_told_with_its_line(tmp_path):
    path = tmp_path / "baumkataster.yaml"
    text = (ROOT / "include" / "contracts" / "baumkataster.yaml").read_text(encoding="utf-8")
    path.write_text(text.replace("gruenflaechen@", "h.mueller@"), encoding="utf-8")
    (problem,) = check_contract(load_contract(path), path)
    assert path.read_text(encoding="utf-8").splitlines()[problem.line - 1].startswith("owner:")
    assert "mueller" not in str(problem)


@pytest.mark.parametrize(
    "said",
    ["§ 43 GO NRW, § 16a EGovG NRW", "§ 43 GO NRW: Mandat im Rat, ein öffentliches Amt"],
    ids=["record", "column"],
)
def test_a_clerk_in_a_legal_basis_is_found_and_not_told(tmp_path, said):
    """The portal shows both: that of the release record, and that of what is expected in a column."""
    path = tmp_path / "ratsinformation.yaml"
    text = (ROOT / "include" / "contracts" / "ratsinformation.yaml").read_text(encoding="utf-8")
    path.write_text(text.replace(said, "Zustimmung von Frau Muster", 1), encoding="utf-8")
    (problem,) = check_contract(load_contract(path), path)
    assert "Muster" not in str(problem)
