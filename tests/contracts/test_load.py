"""A contract or city that cannot be run is refused when it is loaded, not at night."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stadtdaten.contracts import Column, ContractError, load_city, load_contract

INCLUDE = Path(__file__).resolve().parents[2] / "include"
GAUGES, RESIDENTS, PLAYGROUNDS = "umweltmessnetz", "einwohnerstatistik", "spielplaetze"


@pytest.fixture
def broken(tmp_path: Path) -> Callable[[str, str, str], Path]:
    """One of the project's own files with one passage replaced."""

    def make(name: str, before: str, after: str) -> Path:
        source = INCLUDE / ("city.yaml" if name == "city" else f"contracts/{name}.yaml")
        text = source.read_text(encoding="utf-8")
        assert before in text
        file = tmp_path / source.name
        file.write_text(text.replace(before, after, 1), encoding="utf-8")
        return file

    return make


Broken = Callable[[str, str, str], Path]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("Europe/Berlin", "Europe/Hamm", "time zone"),
        ("Europe/Berlin", "Europe", "time zone"),
        ("EPSG:25832", "EPSG:99999", "crs"),
        ("EPSG:25832", "EPSG:4326", "crs"),
    ],
)
def test_a_city_with_an_unknown_time_zone_or_crs_is_refused(broken: Broken, before: str, after: str, told: str) -> None:
    with pytest.raises(ContractError, match=told):
        load_city(broken("city", before, after))


@pytest.mark.parametrize("pattern", ["%d.%m.%Q", "%d.%m. %H:%M", "%d.%m.%Y", "%d.%m.%Y %I:%M", "%d.%m.%Y %H:%M %Z"])
def test_a_time_pattern_that_cannot_tell_the_moment_is_refused(broken: Broken, pattern: str) -> None:
    file = broken(GAUGES, "%d.%m.%Y %H:%M", pattern)
    line = 1 + next(n for n, text in enumerate(file.read_text("utf-8").splitlines()) if "zeitpunkt_maximum" in text)
    with pytest.raises(ContractError, match=rf"yaml:{line}: .*strptime pattern"):
        load_contract(file)


@pytest.mark.parametrize("pattern", ["%d.%m.%Y %H:%M", "%d.%m.%y %H.%M Uhr", "%Y%m%dT%H%M%S%z", "%d.%m.%Y %I:%M %p"])
def test_a_time_pattern_that_tells_the_moment_is_accepted(broken: Broken, pattern: str) -> None:
    contract = load_contract(broken(GAUGES, "%d.%m.%Y %H:%M", pattern))

    assert contract.datasets[0].tables[0].column("zeitpunkt_maximum").format == pattern


@pytest.mark.parametrize(
    ("source", "before", "after", "told"),
    [
        (GAUGES, "grace: P1D", "grace: -P1D", "freshness.grace"),
        (GAUGES, "deadline: P2D", "deadline: PT0S", "freshness.deadline"),
        (GAUGES, 'delimiter: ","', 'delimiter: "§"', "delimiter"),
        (GAUGES, 'type: datetime\n            format: "%d.%m.%Y %H:%M"', "type: geometry", "reading.x"),
        (GAUGES, "key: [messstelle", "key: [messstelle, messstelle", "twice"),
        (PLAYGROUNDS, "key: [poi_id]", "key: [geometrie]", "part of the key"),
        (RESIDENTS, "class: count", "class: public", "class count"),
        (RESIDENTS, "edges: [0,", "last: '{ab} und älter', edges: [0,", "placeholder"),
        (RESIDENTS, "dimensions: [stichtag", "dimensions: [stichtag, stichtag", "twice"),
        (RESIDENTS, "dimensions: [stichtag", "dimensions: [anzahl, stichtag", "cannot be a dimension"),
        (RESIDENTS, "margins: [", "margins: [stichtag, ", "must be text"),
        (RESIDENTS, "other: nicht deutsch", "other: Insgesamt", "is also a value"),
        (RESIDENTS, "treatment: {kind: mapping, values: {Deutschland: deutsch}, other: nicht deutsch}",
         "treatment: {kind: drop}", "is dropped"),
    ],
)  # fmt: skip
def test_a_contract_that_could_not_be_run_is_refused(
    broken: Broken, source: str, before: str, after: str, told: str
) -> None:
    with pytest.raises(ContractError, match=told):
        load_contract(broken(source, before, after))


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("column: geaendert_am", "column: geaendert", "must be the source of"),
        ("column: geaendert_am", "column: group", "must be the source of"),
        ("source: geaendert_am,", 'source: geaendert_am, format: "%d.%m.%Y %H:%M",', "no format and no aliases"),
        ("source: geaendert_am,", "source: geaendert_am, aliases: [stand],", "no format and no aliases"),
        ("key: [monat, fahrzeuggruppe, antrieb]", "key: []", "needs a key"),
        ("large: true", "large: false", "large: true"),
        ("large: true", "large: true\n        corrections: true", "neither with corrections nor with a geometry"),
        ("source: order, type: integer", "source: order, type: geometry", "neither with corrections nor with a"),
        (
            "source: group, type: string, class: public",
            "source: group, type: string, class: quasi_identifier",
            "public",
        ),
    ],
)
def test_a_table_that_cannot_be_merged_from_changes_is_refused(
    broken: Broken, before: str, after: str, told: str
) -> None:
    with pytest.raises(ContractError, match=told):
        load_contract(broken("kfz_bestand", before, after))


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("incremental: {full_after: P7D}", "incremental: {column: start}", "column"),
        ("incremental: {full_after: P7D}", "incremental: {}, each: agendaItem", "neither with each nor with current"),
        ("incremental: {full_after: P7D}", "incremental: {}, current: true", "neither with each nor with current"),
        ("incremental: {full_after: P7D}", "incremental: {}, where: {name: [x]}", "neither with each nor with current"),
        ("key: [sitzung]", "key: [name]", "needs the id as key"),
        ("key: [sitzung]", "key: [sitzung, name]", "needs the id as key"),
        ("large: true", "large: false", "large: true"),
        ("source: location/room, type: string", "source: location/room, type: geometry", "with a geometry"),
        (
            "source: location/room, type: string, class: public",
            "source: location/room, type: string, class: free_text, treatment: {kind: drop}",
            "public",
        ),
    ],
)
def test_a_list_of_objects_that_cannot_be_merged_from_changes_is_refused(
    broken: Broken, before: str, after: str, told: str
) -> None:
    with pytest.raises(ContractError, match=told):
        load_contract(broken("ratsinformation", before, after))


def test_a_control_character_is_a_contract_error(broken: Broken) -> None:
    with pytest.raises(ContractError, match="character that YAML does not allow"):
        load_contract(broken(GAUGES, "title: Umweltmessnetz", "title: Umwelt\x00messnetz"))


def test_the_words_of_a_boolean_need_no_quotes(broken: Broken) -> None:
    """YAML reads the key ``true`` as a truth value, while the contract has a field of that name."""
    file = broken(GAUGES, "type: string, class: public", "type: boolean, true: ja, false: nein, class: public")

    column = load_contract(file).datasets[0].tables[0].column("messstelle")

    assert (column.true, column.false) == ("ja", "nein")


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("class: public", "class: publik", "'publik' is not allowed\n    fix: did you mean 'public'?"),
        ("class: public", "class: 7", "7 is not allowed\n    fix: one of 'public', "),
        ("format: csv", "format: cvs", "'cvs' is not allowed\n    fix: did you mean 'csv'?"),
    ],
)
def test_a_wrong_word_deep_in_a_contract_is_one_problem_with_the_likely_word(
    broken: Broken, before: str, after: str, told: str
) -> None:
    with pytest.raises(ContractError) as caught:
        load_contract(broken(GAUGES, before, after))
    (problem,) = caught.value.problems
    assert told in str(problem)


@pytest.mark.parametrize(
    ("before", "after", "fix"),
    [
        ("treatment: {kind: mapping, values: {Deutschland: deutsch}, other: nicht deutsch}", "treatment: drop",
         "write keys, such as {kind: drop}"),
        ("next_review: 2028-09-01", "next_review: 01.09.2028", "write the year first"),
        ("minimum: 3", "minimum: 1", "write 2 or more"),
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_form_is_told_with_the_right_one(
    broken: Broken, before: str, after: str, fix: str
) -> None:
    with pytest.raises(ContractError) as caught:
        load_contract(broken(RESIDENTS, before, after))
    assert fix in caught.value.problems[0].fix, str(caught.value)


def test_a_list_that_is_empty_is_still_told(broken: Broken) -> None:
    with pytest.raises(ContractError, match="themes: Tuple should have at least 1 item"):
        load_contract(broken(GAUGES, "themes: [ENVI]", "themes: []"))


def test_a_folder_in_place_of_a_contract_is_an_error_with_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "quelle.yaml"
    folder.mkdir()
    with pytest.raises(ContractError, match=r"quelle\.yaml:1: cannot be read"):
        load_contract(folder)


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ({"zero": ["-"], "missing": {"-": "offen"}}, "zero and missing both name '-'"),
        ({"signs": ["€", "0"]}, "signs: '0' could be part of a number"),
        ({"signs": ["-"]}, "signs: '-' could be part of a number"),
    ],
)
def test_a_mark_that_could_mean_two_things_is_refused(option: dict[str, object], told: str) -> None:
    column = {"name": "wert", "source": "wert", "title": "Wert", "type": "number", "class": "public"}
    with pytest.raises(ValueError, match=told):
        Column.model_validate({**column, **option})
