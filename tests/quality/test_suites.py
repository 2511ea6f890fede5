"""The loader fails closed: whatever Great Expectations would drop or overlook is an error with line and fix."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import great_expectations as gx
import pytest

from stadtdaten.contracts import load_city, load_contract
from stadtdaten.privacy.columns import published_columns
from stadtdaten.quality.suites import SuiteError, check_suite, load_suite, suite_path

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = sorted((ROOT / "include" / "contracts").glob("*.yaml"))
COLUMNS = {
    "hoehe": "number", "geheim": "boolean", "geometrie": "geometry", "tag": "date", "gemessen": "datetime",
}  # fmt: skip
GOOD: dict[str, Any] = {
    "type": "expect_column_values_to_be_between",
    "kwargs": {"column": "hoehe", "min_value": 0, "max_value": 60},
    "severity": "critical",
}


def expectation(kind: str = GOOD["type"], severity: str = "critical", **kwargs: Any) -> dict[str, Any]:
    return {"type": kind, "kwargs": {"column": "hoehe", **kwargs}, "severity": severity}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "quelle"
    folder.mkdir()
    return folder / "tabelle.raw.json"


def write(path: Path, *expectations: Any, **top: Any) -> None:
    """The suite with its first expectation on line 2, the second on line 3, and so on."""
    head = json.dumps({"name": "quelle.tabelle.raw", **top})[:-1]
    lines = ",\n".join(json.dumps(each) for each in expectations)
    path.write_text(f'{head}, "expectations": [\n{lines}\n]}}', encoding="utf-8")


def test_a_good_suite_loads_whole_and_in_order(path: Path) -> None:
    write(path, GOOD, expectation("expect_column_values_to_not_be_null", "warning", mostly=0.9))
    assert check_suite(path, COLUMNS) == []
    assert [each.expectation_type for each in load_suite(path).expectations] == [
        "expect_column_values_to_be_between", "expect_column_values_to_not_be_null",
    ]  # fmt: skip


def test_great_expectations_itself_fails_open() -> None:
    """The reason for this loader; when it goes red, the loader may become smaller."""
    suite = gx.ExpectationSuite(name="offen", expectations=[expectation("expect_hoehe_to_be_nice")])
    assert suite.expectations == []


CONDITION = {"type": "comparison", "column": {"name": "geheim"}, "operator": "==", "parameter": True}
NULL = "expect_column_values_to_be_null"


@pytest.mark.parametrize(
    ("mistake", "message", "fix"),
    [
        (expectation("expect_column_values_to_be_betwen"), "is unknown", "expect_column_values_to_be_between'?"),
        (expectation(min_value=0, msotly=0.9), "'msotly' is no argument", "did you mean 'mostly'?"),
        (expectation(min_value=0, severity="Critical"), "severity 'Critical'", "did you mean 'critical'?"),
        (expectation(min_value=0, severity="info"), "severity 'info'", "one of critical, warning"),
        ({**GOOD, "severty": "warning"}, "'severty' is no key", "did you mean 'severity'?"),
        ({**GOOD, "meta": {"notes": "x"}}, "'notes' is no key of meta", "did you mean 'note'?"),
        ({**GOOD, "meta": {"cause": 1}}, "meta must hold German sentences", "cause"),
        ({**GOOD, "kwargs": []}, "kwargs must be an object", "column"),
        ("hoehe", "must be an object", "type"),
        (expectation(min_value=0, column="hoehe_m"), "column 'hoehe_m' is not in the table", "did you mean 'hoehe'?"),
        (expectation(min_value=0, catch_exceptions=True), "'catch_exceptions' is no argument", "one of"),
        (expectation(min_value=0, result_format="COMPLETE"), "'result_format' is no argument", "one of"),
        (expectation(), "neither min_value nor max_value", "at least one"),
        (expectation(min_value=60, max_value=0), "greater than max_value", "swap"),
        (expectation(min_value="null"), "argument 'min_value'", "arguments are"),
        (expectation(min_value=True), "understood as something else", "write 1.0"),
        (expectation(min_value=0, mostly="0.9"), "understood as something else", "write 0.9"),
        (expectation(min_value=0, mostly=0), "can never fail", "above 0"),
        (expectation(min_value=0, mostly=9), "argument 'mostly'", "arguments are"),
        (expectation(min_value="2020-01-01"), "cannot be compared with a date", "2020-01-01T00:00:00"),
        (expectation(column="gemessen", min_value="2020-01-01T00:00:00"), "has no offset", "2020-01-01T00:00:00+01:00"),
        (expectation(column="gemessen", max_value={"$PARAMETER": "today"}), "has no offset", "a date column"),
        (expectation(column="tag", min_value="2020-01-01T00:00:00+01:00"), "has an offset", '"2020-01-01T00:00:00"'),
        (expectation(max_value={"$PARAMETER": "tody"}), "parameter 'tody' is unknown", "did you mean 'today'?"),
        (
            expectation("expect_column_values_to_be_in_set", value_set=[{"$PARAMETER": "today"}]),
            "whole argument",
            "$PARAMETER",
        ),
        (expectation("expect_column_values_to_be_in_set", value_set=[]), "lets everything pass", "fill it"),
        (expectation("expect_column_values_to_be_in_set", value_set=None), "lets everything pass", "fill it"),
        (expectation("expect_column_values_to_match_regex", regex="("), "not a regular expression", "backslash"),
        (expectation(NULL, row_condition='col("geheim")'), "must be an object", "comparison"),
        (expectation(NULL, row_condition={**CONDITION, "operator": "="}), "no condition", "comparison"),
        (expectation(NULL, row_condition={**CONDITION, "or": 1}), "understood as something else", "comparison"),
        (expectation(NULL, row_condition={**CONDITION, "column": {"name": "gehem"}}), "not in the table", "'geheim'?"),
        (
            {
                "type": "expect_column_geometries_to_be_within_bounds",
                "kwargs": {"column": "geometrie", "west": 2, "east": 1, "south": 0, "north": 1},
                "severity": "critical",
            },
            "west must be less than east",
            "arguments are",
        ),
    ],
)  # fmt: skip
def test_a_mistake_in_an_expectation_is_found_on_its_line(path: Path, mistake: Any, message: str, fix: str) -> None:
    write(path, GOOD, mistake)
    problems = check_suite(path, COLUMNS)
    assert len(problems) == 1
    assert message in problems[0].message
    assert fix in problems[0].fix
    assert (problems[0].file, problems[0].line) == (path, 3)


def test_bounds_of_dates_and_moments_that_can_be_compared_are_no_mistakes(path: Path) -> None:
    write(
        path, GOOD, expectation(column="gemessen", min_value="2020-01-01T00:00:00+01:00"),
        expectation(column="tag", min_value="2020-01-01T00:00:00", max_value={"$PARAMETER": "today"}),
    )  # fmt: skip
    assert check_suite(path, COLUMNS) == []


def test_a_misspelt_expectation_stops_the_loader_too(path: Path) -> None:
    write(path, GOOD, expectation("expect_column_values_to_be_betwen"))
    with pytest.raises(SuiteError, match="did you mean"):
        load_suite(path)


def test_every_mistake_is_reported_at_once(path: Path) -> None:
    write(path, expectation(msotly=1, min_value=0), expectation("expect_nothing"), colour="red")
    assert len(check_suite(path, COLUMNS)) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"name": "quelle.tabelle.raw", "expectations": []}', "empty suite"),
        ('{"name": "quelle.tabelle.raw"}', "empty suite"),
        (json.dumps({"name": "quelle.tabelle.raw", "expectations": [{**GOOD, "severity": "warning"}]}), "is critical"),
        (json.dumps({"name": "quelle.tabelle.raw", "expectations": [GOOD, GOOD]}), "repeats line 1"),
        (json.dumps({"name": "andere.tabelle.raw", "expectations": [GOOD]}), "does not fit the file"),
        ('{"name": "quelle.tabelle.raw", "name": "x"}', "written twice"),
        ('{"name": "quelle.tabelle.raw",\n "expectations": [', "not valid JSON"),
        ('{"expectations": [{"kwargs": {"min_value": NaN}}]}', "NaN is no number"),
        (json.dumps({"name": "quelle.tabelle.raw", "meta": "\x7f"}, ensure_ascii=False), "control characters"),
        ("[]", "not a JSON object"),
        ("", "not valid JSON"),
    ],
)
def test_an_unusable_suite_is_an_error(path: Path, text: str, message: str) -> None:
    path.write_text(text, encoding="utf-8")
    assert message in "\n".join(problem.message for problem in check_suite(path, COLUMNS))
    with pytest.raises(SuiteError, match=message):
        load_suite(path)


def test_a_table_without_a_suite_is_an_error(path: Path) -> None:
    assert [problem.message for problem in check_suite(path, COLUMNS)] == ["file not found"]


def test_a_suite_that_is_not_utf_8_is_an_error(path: Path) -> None:
    path.write_bytes('{"name": "Höhe"}'.encode("cp1252"))
    assert [problem.message for problem in check_suite(path, COLUMNS)] == ["not UTF-8"]


def test_tabs_do_not_move_the_line(path: Path) -> None:
    path.write_text('{"name": "quelle.tabelle.raw",\n\t"expectations": [\n\t\t{"type": "x"}]}', encoding="utf-8")
    assert {problem.line for problem in check_suite(path, COLUMNS)} == {1, 3}


@pytest.mark.parametrize("contract_file", CONTRACTS, ids=lambda path: path.stem)
def test_every_table_has_two_suites_that_fit_its_columns(contract_file: Path) -> None:
    contract = load_contract(contract_file)
    for dataset in contract.datasets:
        for table in dataset.tables:
            raw = suite_path(ROOT / "expectations", contract.source, table.id, "raw")
            public = suite_path(ROOT / "expectations", contract.source, table.id, "public")
            published = {column.name: column.type for column in published_columns(table)}
            assert check_suite(raw, {column.name: column.type for column in table.columns}) == []
            assert check_suite(public, published) == []
            wanted = [e.column_list for e in load_suite(public).expectations if "ordered_list" in e.expectation_type]
            assert wanted == [list(published)]


def test_every_rectangle_is_the_citys() -> None:
    bounds = load_city(ROOT / "include" / "city.yaml").bounds
    rectangles = {
        (each.west, each.south, each.east, each.north)
        for path in (ROOT / "expectations").rglob("*.json")
        for each in load_suite(path).expectations
        if each.expectation_type == "expect_column_geometries_to_be_within_bounds"
    }
    city = (bounds.west, bounds.south, bounds.east, bounds.north)
    cell = 1000  # cells of the grid reach beyond the border
    assert rectangles == {city, (city[0] - cell, city[1] - cell, city[2] + cell, city[3] + cell)}
