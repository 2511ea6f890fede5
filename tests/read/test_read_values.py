"""Typed values: German notation as declared, and nothing that only looks like it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stadtdaten.contracts import City, Table
from stadtdaten.contracts.interfaces import Limits
from stadtdaten.faults import SourceUnreadable
from stadtdaten.read import ReadTable, read_table

ReadText = Callable[..., ReadTable]
GERMAN = {"delimiter": ";", "decimal": ",", "thousands": "."}


def read_cells(read_text: ReadText, cells: list[str], column: Any, **dialect: Any) -> ReadTable:
    rows = "\n".join(f"{number};{cell}" for number, cell in enumerate(cells))
    return read_text(f"nr;wert\n{rows}\n", {"nr": "integer", "wert": column}, **{"delimiter": ";", **dialect})


def test_german_numbers_are_read_as_declared(read_text: ReadText) -> None:
    cells = ["1.234.567,5", "-0,25", "+7", "999", "1234567", ",5", "12.345", ""]
    read = read_cells(read_text, cells, "number", **GERMAN)
    expected = [1234567.5, -0.25, 7.0, 999.0, 1234567.0, 0.5, 12345.0, float("nan")]
    pd.testing.assert_series_equal(read.frame["wert"], pd.Series(expected, name="wert"))


@pytest.mark.parametrize(
    "cell", ["1.5", "1.2345", "12.34.567", "1,2,3", "1.234.56", "NaN", "inf", "1 000", "0x10", "1e999", "٣"]
)
def test_what_is_no_number_in_the_declared_notation_is_an_error_without_the_value(
    read_text: ReadText, cell: str
) -> None:
    with pytest.raises(SourceUnreadable, match="„wert“: 1 von 2 Werten sind keine Zahl") as caught:
        read_cells(read_text, ["1,5", cell], "number", **GERMAN)
    assert cell not in caught.value.message.replace("1 von 2", "")
    (finding,) = caught.value.findings
    assert (finding.table, finding.column, finding.count, finding.total) == ("probe", "wert", 1, 2)


def test_every_unreadable_column_is_told_at_once(read_text: ReadText) -> None:
    with pytest.raises(SourceUnreadable) as caught:
        read_text("aa,bb\nx,y\n1,ja\n", {"aa": "integer", "bb": "boolean"})
    assert [(finding.column, finding.count) for finding in caught.value.findings] == [("aa", 1), ("bb", 2)]


def test_integers_are_exact(read_text: ReadText) -> None:
    read = read_cells(read_text, ["9007199254740993", "-1.234", "007", ""], "integer", **GERMAN)
    assert read.frame["wert"].dtype == "Int64"
    assert read.frame["wert"].tolist()[:3] == [9007199254740993, -1234, 7]
    assert read.frame["wert"].isna().tolist() == [False, False, False, True]


@pytest.mark.parametrize("cell", ["1,0", "1.5", "12345678901234567890", "--1"])
def test_what_is_no_whole_number_is_an_error(read_text: ReadText, cell: str) -> None:
    with pytest.raises(SourceUnreadable, match="ganze Zahl"):
        read_cells(read_text, [cell], "integer", **GERMAN)


def test_missing_markers_are_met_as_text_and_as_numbers_and_counted(read_text: ReadText) -> None:
    column = {"type": "number", "missing": {"-999": "ausgefallen", "n/a": "nicht gemessen", "": "leer"}}
    read = read_cells(read_text, ["-999", " -999,0", "n/a", "", "-99,9"], column, **GERMAN)
    assert read.frame["wert"].isna().tolist() == [True, True, True, True, False]
    assert [(repair.kind, repair.column, repair.count, repair.detail) for repair in read.repairs] == [
        ("outer_space", "wert", 1, "Leerraum um den Wert entfernt"),
        ("missing_marker", "wert", 2, "ausgefallen"), ("missing_marker", "wert", 1, "nicht gemessen"),
        ("missing_marker", "wert", 1, "leer"),
    ]  # fmt: skip


def test_a_marker_in_a_text_column_is_met_as_written_only(read_text: ReadText) -> None:
    read = read_cells(read_text, ["0", "0.0", "00"], {"type": "string", "missing": {"0": "unbekannt"}})
    assert read.frame["wert"].isna().tolist() == [True, False, False]


def test_space_around_a_number_is_removed_and_told_but_text_is_left_alone(read_text: ReadText) -> None:
    read = read_text("aa,bb\n 7 , x \n", {"aa": "integer", "bb": "string"})
    assert read.frame.iloc[0].tolist() == [7, " x "]
    assert [(repair.kind, repair.column, repair.count) for repair in read.repairs] == [("outer_space", "aa", 1)]


def test_booleans_are_read_as_declared(read_text: ReadText) -> None:
    read = read_cells(read_text, ["ja", "nein", ""], {"type": "boolean", "true": "ja", "false": "nein"})
    assert read.frame["wert"].dtype == "boolean"
    assert read.frame["wert"].tolist()[:2] == [True, False] and read.frame["wert"].isna()[2]
    with pytest.raises(SourceUnreadable, match="Wahrheitswerte"):
        read_cells(read_text, ["Ja"], {"type": "boolean", "true": "ja", "false": "nein"})


def test_dates_are_read_in_the_declared_format(read_text: ReadText) -> None:
    read = read_cells(read_text, ["31.12.2025", "01.02.2026", ""], {"type": "date", "format": "%d.%m.%Y"})
    assert read.frame["wert"].dtype == "datetime64[us]"
    assert read.frame["wert"].dt.strftime("%Y-%m-%d").tolist()[:2] == ["2025-12-31", "2026-02-01"]


@pytest.mark.parametrize("cell", ["31.02.2026", "2026-02-01", "01.02.26", "01.02.2026 10:00"])
def test_what_is_no_date_in_the_declared_format_is_an_error(read_text: ReadText, cell: str) -> None:
    with pytest.raises(SourceUnreadable, match="kein Datum"):
        read_cells(read_text, ["01.02.2026", cell], {"type": "date", "format": "%d.%m.%Y"})


@pytest.mark.parametrize("cell", ["01.02.2026", "2026-02-30", "20260201", "2026", "2026-02-01T10:00:00"])
def test_a_date_without_declared_format_is_iso_8601(read_text: ReadText, cell: str) -> None:
    with pytest.raises(SourceUnreadable, match="kein Datum"):
        read_cells(read_text, ["2026-02-01", "2026-02-01T00:00:00", cell], "date")


def test_local_times_get_the_citys_time_zone(read_text: ReadText) -> None:
    cells = ["01.07.2026 12:00", "01.01.2026 12:00"]
    read = read_cells(read_text, cells, {"type": "datetime", "format": "%d.%m.%Y %H:%M"})
    assert str(read.frame["wert"].dtype) == "datetime64[us, Europe/Berlin]"
    assert [stamp.isoformat() for stamp in read.frame["wert"]] == [
        "2026-07-01T12:00:00+02:00",
        "2026-01-01T12:00:00+01:00",
    ]


def test_times_with_an_offset_are_instants_also_in_the_double_hour(read_text: ReadText) -> None:
    cells = ["2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2026-10-25T01:30:00Z", "2026-07-01 12:00"]
    read = read_cells(read_text, cells, "datetime")
    assert [stamp.isoformat() for stamp in read.frame["wert"]] == [
        "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2026-10-25T02:30:00+01:00",
        "2026-07-01T12:00:00+02:00",
    ]  # fmt: skip


def test_the_double_hour_of_autumn_is_an_error(read_text: ReadText) -> None:
    with pytest.raises(SourceUnreadable, match="1 von 2 Werten liegen in der doppelten Stunde"):
        read_cells(read_text, ["2026-10-25 02:30", "2026-10-25 03:30"], "datetime")


def test_the_lost_hour_of_spring_is_an_error(read_text: ReadText) -> None:
    with pytest.raises(SourceUnreadable, match="1 von 2 Werten liegen in der ausgefallenen Stunde"):
        read_cells(read_text, ["2026-03-29 02:30", "2026-03-29 03:30"], "datetime")


@pytest.mark.parametrize(
    "cell", ["2026", "2026-02-01", "12:00", "2026-02-30 12:00", "01.02.2026 12:00", "2026-02-01T25:00"]
)
def test_what_is_no_moment_is_an_error(read_text: ReadText, cell: str) -> None:
    with pytest.raises(SourceUnreadable, match="kein Zeitpunkt"):
        read_cells(read_text, ["2026-02-01T12:00", cell], "datetime")


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    numbers=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=5),
    grouped=st.lists(st.integers(-(10**15), 10**15), min_size=1, max_size=5),
    notation=st.sampled_from([(".", ""), (",", ""), (",", "."), (".", ","), (",", " ")]),
)
def test_numbers_written_in_a_declared_notation_are_read_back_exactly(
    table: Callable[..., Table], city: City, numbers: list[float], grouped: list[int], notation: tuple[str, str]
) -> None:
    decimal, thousands = notation
    written = [repr(number).replace(".", decimal) for number in numbers]
    written += [f"{number:,}".replace(",", thousands) for number in grouped]
    probe = table(
        {"format": "csv", "delimiter": ";", "decimal": decimal, "thousands": thousands},
        {"nr": "integer", "wert": "number"},
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "probe.csv"
        file.write_text("nr;wert\n" + "".join(f"{nr};{cell}\n" for nr, cell in enumerate(written)), encoding="utf-8")
        read = read_table(probe, (file,), city, Limits())
    assert read.frame["wert"].tolist() == [*numbers, *map(float, grouped)]


@pytest.mark.parametrize("word", ["now", "today"])
def test_a_word_is_never_the_time_of_the_run(read_text: ReadText, word: str) -> None:
    column = {"type": "datetime", "format": "%d.%m.%Y %H:%M"}
    with pytest.raises(SourceUnreadable, match="„wert“: 1 von 2 Werten sind kein Zeitpunkt"):
        read_cells(read_text, ["01.02.2026 10:00", word], column)


def test_a_nul_in_a_text_is_an_error(read_text: ReadText) -> None:
    with pytest.raises(SourceUnreadable, match="„wert“: 1 von 2 Werten enthalten ein NUL-Zeichen"):
        read_cells(read_text, ["Eiche", "Ei\x00che"], "string")
