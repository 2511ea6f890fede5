"""Each rule of each suite stops the fault it is there for, on the dtypes that the reader delivers, without values."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from stadtdaten.frames import CheckResult, Stage
from stadtdaten.quality.checks import run_suite
from stadtdaten.quality.suites import Suite, load_suite, suite_path

ROOT = Path(__file__).resolve().parents[2]
DAY = date(2026, 11, 23)
TABLES = {
    "baumkataster": "baeume",
    "spielplaetze": "standorte",
    "umweltmessnetz": "tageswerte",
    "einwohnerstatistik": "bevoelkerung",
}
STAGES: tuple[Stage, ...] = ("raw", "public")
Frames = dict[tuple[str, str], pd.DataFrame]
SECRET = "Geheimnis-4711"


def suite_of(source: str, stage: Stage) -> Suite:
    return load_suite(suite_path(ROOT / "expectations", source, TABLES[source], stage))


def run(source: str, stage: Stage, frame: pd.DataFrame, suite: Suite | None = None) -> tuple[CheckResult, ...]:
    return run_suite(suite or suite_of(source, stage), frame, TABLES[source], stage, DAY)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("source", TABLES)
def test_a_good_table_passes_every_check(good: Frames, source: str, stage: Stage) -> None:
    suite = suite_of(source, stage)
    results = run(source, stage, good[source, stage], suite)
    assert [result.message for result in results if not result.success] == []
    assert [result.expectation for result in results] == [each.expectation_type for each in suite.expectations]


def _nulls(frame: pd.DataFrame, kwargs: dict[str, Any]) -> pd.DataFrame:
    frame[kwargs["column"]] = frame[kwargs["column"]].iloc[:0].reindex(frame.index)
    return frame


def _filled(frame: pd.DataFrame, kwargs: dict[str, Any]) -> pd.DataFrame:
    frame[kwargs["column"]] = frame[kwargs["column"]].fillna(1)
    return frame


def _duplicate_value(frame: pd.DataFrame, kwargs: dict[str, Any]) -> pd.DataFrame:
    frame.loc[0, kwargs["column"]] = frame.loc[1, kwargs["column"]]
    return frame


def _duplicate_key(frame: pd.DataFrame, kwargs: dict[str, Any]) -> pd.DataFrame:
    for column in kwargs["column_list"]:
        frame.loc[0, column] = frame.loc[1, column]
    return frame


def _too_large_or_small(frame: pd.DataFrame, kwargs: dict[str, Any]) -> pd.DataFrame:
    column = kwargs["column"]
    if frame[column].dtype.kind == "M":
        frame.loc[0, column] = pd.Timestamp("2099-01-01")
    else:
        frame.loc[0, column] = kwargs["min_value"] - 1
    return frame


def _not_in_set(frame: pd.DataFrame, kwargs: dict[str, Any]) -> pd.DataFrame:
    frame.loc[0, kwargs["column"]] = SECRET
    return frame


def _in_set(frame: pd.DataFrame, kwargs: dict[str, Any]) -> pd.DataFrame:
    frame.loc[0, kwargs["column"]] = kwargs["value_set"][0]
    return frame


def _wrong_pattern(frame: pd.DataFrame, kwargs: dict[str, Any]) -> pd.DataFrame:
    frame[kwargs["column"]] = SECRET
    return frame


def _lesser(frame: pd.DataFrame, kwargs: dict[str, Any]) -> pd.DataFrame:
    frame[kwargs["column_A"]] = frame[kwargs["column_B"]] - 0.1
    return frame


def _value_gone(frame: pd.DataFrame, kwargs: dict[str, Any]) -> pd.DataFrame:
    return frame[frame[kwargs["column"]] != kwargs["value_set"][-1]]


def _few_rows(frame: pd.DataFrame, kwargs: dict[str, Any]) -> pd.DataFrame:
    return frame.iloc[:3]


def _another_column(frame: pd.DataFrame, kwargs: dict[str, Any]) -> pd.DataFrame:
    frame["sachbearbeitung"] = SECRET
    return frame


def _empty_geometry(frame: pd.DataFrame, kwargs: dict[str, Any]) -> pd.DataFrame:
    frame.loc[[0], kwargs["column"]] = gpd.GeoSeries([shapely.Point()], index=[0], crs="EPSG:25832")
    return frame


def _elsewhere(frame: pd.DataFrame, kwargs: dict[str, Any]) -> pd.DataFrame:
    frame.loc[[0], kwargs["column"]] = gpd.GeoSeries([shapely.Point(8, 51)], index=[0], crs="EPSG:25832")
    return frame


BREAK: dict[str, Callable[[pd.DataFrame, dict[str, Any]], pd.DataFrame]] = {
    "expect_column_values_to_not_be_null": _nulls,
    "expect_column_values_to_be_null": _filled,
    "expect_column_values_to_be_unique": _duplicate_value,
    "expect_compound_columns_to_be_unique": _duplicate_key,
    "expect_column_values_to_be_between": _too_large_or_small,
    "expect_column_values_to_be_in_set": _not_in_set,
    "expect_column_values_to_not_be_in_set": _in_set,
    "expect_column_values_to_match_regex": _wrong_pattern,
    "expect_column_pair_values_a_to_be_greater_than_b": _lesser,
    "expect_column_distinct_values_to_contain_set": _value_gone,
    "expect_table_row_count_to_be_between": _few_rows,
    "expect_table_columns_to_match_ordered_list": _another_column,
    "expect_column_geometries_to_be_valid": _empty_geometry,
    "expect_column_geometries_to_be_within_bounds": _elsewhere,
}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("source", TABLES)
def test_every_expectation_of_every_suite_fails_on_its_fault(good: Frames, source: str, stage: Stage) -> None:
    suite = suite_of(source, stage)
    passed = []
    for each in suite.expectations:
        kwargs = each.configuration.to_json_dict()["kwargs"]
        frame = BREAK[each.expectation_type](good[source, stage].copy(), kwargs)
        result = run(source, stage, frame, Suite(suite.name, (each,)))[0]
        assert "ließ sich nicht ausführen" not in result.message, result.message
        assert SECRET not in result.model_dump_json()
        if result.success:
            passed.append((each.expectation_type, kwargs))
    assert passed == []


def test_swapped_axes_and_heights_in_centimetres_are_named(spoilt: pd.DataFrame) -> None:
    failed = {result.column: result for result in run("baumkataster", "raw", spoilt) if not result.success}
    assert set(failed) == {"hoehe", "geometrie"}
    assert failed["hoehe"].message.replace("\u00a0", " ") == (
        "Spalte hoehe: 800 von 2.400 Werten (33,3 %) außerhalb von 0 bis 60. "
        "Vermutliche Ursache: Höhen in Zentimetern oder Dezimetern statt in Metern."
    )
    assert "Rechts- und Hochwert sind vermutlich vertauscht (800 " in failed["geometrie"].message.replace("\u00a0", " ")
    assert failed["geometrie"].share == pytest.approx(1 / 3)


def test_points_elsewhere_are_not_called_swapped(good: Frames) -> None:
    frame = good["spielplaetze", "raw"].copy()
    frame["geometrie"] = frame["geometrie"].translate(100_000)
    (failed,) = [result for result in run("spielplaetze", "raw", frame) if not result.success]
    assert (failed.expectation, failed.unexpected_count) == ("expect_column_geometries_to_be_within_bounds", 160)
    assert "vertauscht" not in failed.message


def test_a_self_intersecting_polygon_is_invalid(good: Frames) -> None:
    frame = good["spielplaetze", "raw"].copy()
    bow = shapely.Polygon([(405000, 5720000), (405010, 5720010), (405010, 5720000), (405000, 5720010)])
    frame.loc[[0], "geometrie"] = gpd.GeoSeries([bow], index=[0], crs="EPSG:25832")
    assert [(result.expectation, result.unexpected_count)
            for result in run("spielplaetze", "raw", frame) if not result.success] == [
        ("expect_column_geometries_to_be_valid", 1)
    ]  # fmt: skip


def test_missing_geometries_count_as_missing_and_not_as_elsewhere(good: Frames) -> None:
    frame = good["spielplaetze", "raw"].copy()
    frame.loc[[0, 1], "geometrie"] = None
    failed = [result for result in run("spielplaetze", "raw", frame) if not result.success]
    assert [(result.expectation, result.unexpected_count) for result in failed] == [
        ("expect_column_values_to_not_be_null", 2)
    ]


def test_a_share_within_mostly_passes_and_is_still_counted(good: Frames) -> None:
    frame = good["umweltmessnetz", "raw"].copy()
    frame.loc[:199, "mittelwert"] = float("nan")
    by_severity = {
        result.severity: result
        for result in run("umweltmessnetz", "raw", frame)
        if result.expectation == "expect_column_values_to_not_be_null" and result.column == "mittelwert"
    }
    assert (by_severity["critical"].success, by_severity["warning"].success) == (True, False)
    assert by_severity["critical"].unexpected_count > 200
    assert "erlaubt sind höchstens 5\u00a0%" in by_severity["warning"].message


def test_a_suppressed_count_that_is_left_standing_is_critical(good: Frames) -> None:
    frame = good["einwohnerstatistik", "public"].copy()
    frame.loc[40, "anzahl"] = 4711
    (failed,) = [result for result in run("einwohnerstatistik", "public", frame) if not result.success]
    assert (failed.expectation, failed.severity) == ("expect_column_values_to_be_null", "critical")
    assert "nur Zeilen mit anzahl_geheim gleich ja" in failed.message
    assert "4711" not in failed.model_dump_json()


def test_missing_columns_are_named(good: Frames) -> None:
    frame = good["umweltmessnetz", "public"].drop(columns="maximum").assign(sachbearbeitung="x")
    messages = [result.message for result in run("umweltmessnetz", "public", frame) if not result.success]
    assert any("es fehlen die Spalten maximum; nicht vorgesehen sind die Spalten sachbear" in text for text in messages)


def test_an_expectation_that_breaks_down_is_a_failed_check_without_values(
    good: Frames, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    frame = good["baumkataster", "raw"].copy()
    frame["hoehe"] = [SECRET] * len(frame)
    frame = frame.drop(columns="pflanzjahr")
    with caplog.at_level(logging.DEBUG):
        results = run("baumkataster", "raw", frame)
    assert len(results) == len(suite_of("baumkataster", "raw").expectations)
    broken = {(result.column, result.severity) for result in results if "ließ sich nicht ausführen" in result.message}
    assert broken == {("hoehe", "critical"), ("pflanzjahr", "critical"), ("pflanzjahr", "warning")}
    assert not any(result.success for result in results if (result.column, result.severity) in broken)
    out, err = capfd.readouterr()
    for text in (out, err, caplog.text, *(result.model_dump_json() for result in results)):
        assert SECRET not in text
    assert (out, err) == ("", "")


def test_running_a_suite_writes_no_file(good: Frames, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert run("spielplaetze", "raw", good["spielplaetze", "raw"])
    assert list(tmp_path.rglob("*")) == []


def test_running_a_suite_leaves_the_frame_alone(good: Frames) -> None:
    frame = good["umweltmessnetz", "raw"]
    before = frame.copy()
    run("umweltmessnetz", "raw", frame)
    pd.testing.assert_frame_equal(frame, before)


def test_next_year_follows_the_day_of_the_run(good: Frames) -> None:
    frame = good["baumkataster", "raw"].copy()
    frame.loc[0, "pflanzjahr"] = 2027
    suite = suite_of("baumkataster", "raw")
    failed = {
        year: [r.column for r in run_suite(suite, frame, "baeume", "raw", date(year, 6, 1)) if not r.success]
        for year in (2025, 2026)
    }
    assert failed == {2025: ["pflanzjahr"], 2026: []}
