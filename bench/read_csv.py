"""What does German notation cost: a CSV in cp1252 to a typed frame, against pyarrow on the same data as it likes it?

A million rows of four texts, three integers, three numbers, a date and a date with time. pyarrow reads them in UTF-8
with commas and points, its column types given; we read `;`, decimal comma, and in the second case thousand dots and
the missing markers of official statistics. All readers take turns, so that a busy machine is busy for each of them.
CPU seconds (of all threads) tell what a reader costs on any machine; both readers use all processors.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv

from stadtdaten.contracts import Table, load_city
from stadtdaten.contracts.interfaces import Limits
from stadtdaten.read import read_table

ROWS = 1_000_000
REPEATS = 7
CITY = load_city(Path(__file__).resolve().parents[1] / "include" / "city.yaml")
STREETS = np.array(["Marktplatz", "Südstraße", "Ostenallee", "Bockumer Weg", "Münsterstraße", "Caldenhofer Weg"])
DISTRICTS = np.array(["Mitte", "Uentrop", "Rhynern", "Pelkum", "Herringen", "Bockum-Hövel", "Heessen"])
MARKERS = (".", "-", "x", "...")
KINDS = ["string"] * 4 + ["integer"] * 3 + ["number"] * 3 + ["date", "datetime"]
NAMES = [f"{kind}_{number}" for number, kind in enumerate(KINDS)]
ARROW = {
    "string": pa.string(), "integer": pa.int64(), "number": pa.float64(), "date": pa.date32(),
    "datetime": pa.timestamp("us"),
}  # fmt: skip


def main() -> None:
    """Write the three files once; each repeat reads all of them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plain, comma, dots = (folder / f"{each}.csv" for each in ("plain", "comma", "dots"))
        dice = np.random.default_rng(1)
        columns = _columns(dice)
        _write(plain, columns, ",", "utf-8")
        german = [_german(cells, kind) for cells, kind in zip(columns, KINDS, strict=True)]
        _write(comma, german, ";", "cp1252")
        _write(dots, [_marked(each, kind, dice) for each, kind in zip(german, KINDS, strict=True)], ";", "cp1252")
        missing = dict.fromkeys(MARKERS, "fehlt")
        declared = {"encoding": "cp1252", "delimiter": ";", "decimal": ","}
        readers: dict[str, tuple[Callable[[], object], float | None]] = {
            "pyarrow, UTF-8 with points": (lambda: _pyarrow(plain), None),
            "decimal comma": (_reader(comma, {**declared, "thousands": ""}, {}), 3.0),
            "decimal comma, found out": (_reader(comma, {}, {}), None),
            "thousand dots and markers": (_reader(dots, {**declared, "thousands": "."}, missing), 6.0),
            "thousand dots, found out": (_reader(dots, {}, missing), None),
        }  # fmt: skip
        seconds: dict[str, list[float]] = {each: [] for each in readers}
        cpu: dict[str, list[float]] = {each: [] for each in readers}
        for _ in range(REPEATS):
            for each, (read, _) in readers.items():
                began, cpu_began = time.perf_counter(), time.process_time()
                read()
                seconds[each].append(time.perf_counter() - began)
                cpu[each].append(time.process_time() - cpu_began)
    base, cpu_base = (each["pyarrow, UTF-8 with points"] for each in (seconds, cpu))
    print(f"{ROWS:,} rows, {REPEATS} repeats in turns; ratios of the shortest and median times, and of the least CPU")
    print(f"{'reader':<28}{'min s':>8}{'median s':>10}{'min':>8}{'median':>8}{'CPU':>8}{'at most':>9}")
    for each, (_, most) in readers.items():
        own = seconds[each]
        print(
            f"{each:<28}{min(own):>8.2f}{statistics.median(own):>10.2f}{min(own) / min(base):>8.2f}"
            f"{statistics.median(own) / statistics.median(base):>8.2f}{min(cpu[each]) / min(cpu_base):>8.2f}"
            f"{most if most is not None else '':>9}"
        )


def _columns(dice: np.random.Generator) -> list[np.ndarray]:
    """The cells as text, as an English computer writes them."""
    days = np.datetime64("2000-01-01") + dice.integers(0, 9000, ROWS)
    # Winter only: what the double hour costs is another question.
    times = np.datetime64("2020-11-15T00:00:00") + dice.integers(0, 120 * 288, ROWS) * 300
    texts = [DISTRICTS[dice.integers(0, len(DISTRICTS), ROWS)], STREETS[dice.integers(0, len(STREETS), ROWS)]]
    texts += [np.char.add(prefix, dice.integers(0, 10**6, ROWS).astype(str)) for prefix in ("Straße ", "05915")]
    integers = [dice.integers(0, 10**digits, ROWS).astype(str) for digits in (3, 5, 7)]
    numbers = [np.char.mod("%.2f", dice.random(ROWS) * 10**digits) for digits in (2, 4, 6)]
    return [*texts, *integers, *numbers, days.astype(str), times.astype(str)]


def _german(cells: np.ndarray, kind: str) -> np.ndarray:
    return np.char.replace(cells, ".", ",") if kind == "number" else cells


def _marked(cells: np.ndarray, kind: str, dice: np.random.Generator) -> np.ndarray:
    """With thousand dots, and a missing marker in every tenth number."""
    if kind not in ("integer", "number"):
        return cells
    dotted = np.array([_dotted(cell) for cell in cells.tolist()])
    return np.where(dice.random(ROWS) < 0.1, np.array(MARKERS)[dice.integers(0, 4, ROWS)], dotted)


def _dotted(cell: str) -> str:
    whole, *rest = cell.split(",")
    return ",".join([f"{int(whole):,}".replace(",", "."), *rest])


def _write(path: Path, columns: list[np.ndarray], delimiter: str, encoding: str) -> None:
    with path.open("w", encoding=encoding, newline="") as file:
        file.write(delimiter.join(NAMES) + "\r\n")
        file.writelines(delimiter.join(row) + "\r\n" for row in zip(*(each.tolist() for each in columns), strict=True))


def _pyarrow(path: Path) -> pa.Table:
    types = {name: ARROW[kind] for name, kind in zip(NAMES, KINDS, strict=True)}
    return pyarrow.csv.read_csv(path, convert_options=pyarrow.csv.ConvertOptions(column_types=types))


def _reader(path: Path, dialect: dict[str, str], missing: dict[str, str]) -> Callable[[], object]:
    columns: list[dict[str, Any]] = [
        {"name": name, "source": name, "title": name, "class": "public", "type": kind}
        | ({"missing": missing} if kind in ("integer", "number") else {})
        for name, kind in zip(NAMES, KINDS, strict=True)
    ]
    table = Table.model_validate(
        {
            "id": "probe", "title": "Probe", "resource": "probe", "reading": {"format": "csv", **dialect},
            "key": [], "columns": columns,
        }
    )  # fmt: skip
    return lambda: read_table(table, (path,), CITY, Limits())


if __name__ == "__main__":
    main()
