"""Text to typed values and the content hash, 1,000,000 rows x 12 columns, against pyarrow's CSV reader on that data.

pyarrow reads the same values in UTF-8 with points, as bytes in memory: what is parsed there is text already here, so
the ratios are the share that typing adds to the whole reading (bench/read_csv.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from stadtdaten.contracts import City, Table, load_city
from stadtdaten.contracts.interfaces import Limits
from stadtdaten.read import content_hash
from stadtdaten.read.typed.numbers import Notation
from stadtdaten.read.typed.values import Values

ROWS = 1_000_000
REPEATS = 5
KINDS = {
    "nr": "string", "name": "string", "strasse": "string", "hoehe": "number", "umfang": "number", "breite": "number",
    "wert": "number", "anteil": "number", "menge": "integer", "jahr": "integer", "tag": "date", "gemessen": "datetime",
}  # fmt: skip


def values() -> dict[str, pd.Series]:
    """A million rows as a register has them: names repeat, amounts do not, a day and a moment."""
    chance = np.random.default_rng(5)
    words = np.array(["Winterlinde", "Stieleiche", "Rotbuche", "Spitzahorn", "Gemeine Esche", "Feldahorn"])
    streets = np.array([f"Straße {number}" for number in range(2000)])
    moments = pd.date_range("2020-01-01", periods=ROWS, freq="5min")
    return {
        "nr": pd.Series([f"B{number:07d}" for number in range(ROWS)], dtype="str"),
        "name": pd.Series(chance.choice(words, ROWS), dtype="str"),
        "strasse": pd.Series(chance.choice(streets, ROWS), dtype="str"),
        **{name: pd.Series(chance.uniform(-99_999, 9_999_999, ROWS).round(2)) for name in list(KINDS)[3:8]},
        "menge": pd.Series(chance.integers(0, 5_000_000, ROWS)),
        "jahr": pd.Series(chance.integers(1900, 2026, ROWS)),
        "tag": pd.Series(moments.normalize()),
        "gemessen": pd.Series(moments),
    }


def written(series: pd.Series, kind: str, thousands: str, decimal: str, missing: bool, german: bool) -> pa.Array:
    """The column as text in a notation; with ``missing`` a tenth of the numbers are markers."""
    if kind in ("number", "integer"):
        form = "{:,.2f}" if kind == "number" else "{:,}" if series.name != "jahr" else "{}"
        swap = str.maketrans({",": thousands or None, ".": decimal})
        text = [form.format(value).translate(swap) for value in series.tolist()]
        if missing:
            text[::10] = [".", "-", "x", "..."] * (ROWS // 40)
        return pa.array(text)
    pattern = {"date": ("%d.%m.%Y", "%Y-%m-%d"), "datetime": ("%d.%m.%Y %H:%M", "%Y-%m-%d %H:%M:%S")}.get(kind)
    return pa.array(series if pattern is None else series.dt.strftime(pattern[not german]), pa.string())


def table(missing: bool, german: bool) -> Table:
    """The contract's table for it."""
    columns = []
    for name, kind in KINDS.items():
        column: dict[str, object] = {"name": name, "source": name, "title": name, "class": "public", "type": kind}
        if missing and kind in ("number", "integer"):
            column["missing"] = {
                ".": "geheim",
                "-": "nichts vorhanden",
                "x": "Nachweis nicht sinnvoll",
                "...": "später",
            }
        if german and kind in ("date", "datetime"):
            column["format"] = "%d.%m.%Y" if kind == "date" else "%d.%m.%Y %H:%M"
        if kind == "datetime":
            column["clock"] = "winter"
        columns.append(column)
    return Table.model_validate(
        {"id": "probe", "title": "Probe", "resource": "probe", "reading": {"format": "csv"}, "key": ["nr"],
         "columns": columns}
    )  # fmt: skip


def seconds(work: Callable[[], object]) -> float:
    """The fastest of several runs: what disturbs a run only makes it slower."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def typed(cells: dict[str, pa.ChunkedArray], of: Table, notation: Notation, city: City) -> pd.DataFrame:
    """The frame, as ``read_table`` makes it."""
    reader = Values(of, notation, city.timezone, Limits())
    frame = pd.DataFrame(reader.read(cells))
    reader.finish()
    return frame


def main() -> None:
    city = load_city(Path(__file__).resolve().parents[1] / "include" / "city.yaml")
    data = values()
    for name, series in data.items():
        series.name = name
    plain = pa.table({name: written(data[name], kind, "", ".", False, False) for name, kind in KINDS.items()})
    sink = pa.BufferOutputStream()
    pyarrow.csv.write_csv(plain, sink)
    buffer = sink.getvalue()
    base = seconds(lambda: pyarrow.csv.read_csv(pa.BufferReader(buffer)))
    print(f"pyarrow.csv.read_csv, UTF-8 with points    {base:6.2f} s   1.00")
    frame = pd.DataFrame()
    for told, notation, missing in (
        ("decimal comma", Notation(",", ""), False),
        ("thousand dots and missing markers", Notation(",", "."), True),
    ):
        cells = {
            name: pa.chunked_array([written(data[name], kind, notation.thousands, ",", missing, True)])
            for name, kind in KINDS.items()
        }
        of = table(missing, german=True)
        frame = typed(cells, of, notation, city)
        took = seconds(partial(typed, cells, of, notation, city))
        print(f"typing, {told:34s} {took:6.2f} s   {took / base:.2f}")
        for name in KINDS:
            one = of.model_copy(update={"columns": (of.column(name),)})
            print(f"    {name:10s} {seconds(partial(typed, cells, one, notation, city)):6.3f} s")
    took = seconds(lambda: content_hash(frame, ("nr",)))
    print(f"content_hash, in the order of the key      {took:6.2f} s   {took / base:.2f}")
    shuffled = frame.sample(frac=1, random_state=1)
    took = seconds(lambda: content_hash(shuffled, ("nr",)))
    print(f"content_hash, in any order                 {took:6.2f} s   {took / base:.2f}")


if __name__ == "__main__":
    main()
