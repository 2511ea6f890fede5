"""What do records in groups cost: seconds, memory and information lost, for a million records of a city?

Five quasi-identifiers (age, postcode, sex, day, branch with a hierarchy), k = 5; then also l = 3 and t = 0.3. Memory is
the peak of resident memory over what the frame and the libraries take, looked at every 5 ms; each run is a process.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from stadtdaten.contracts import Table
from stadtdaten.privacy.microdata.attack import attack_records
from stadtdaten.privacy.microdata.records import anonymise_records

ROWS = 1_000_000
REPEATS = 3
BRANCHES = {f"{a}{b}{c}": (f"{a}{b}", a) for a in "ABCDE" for b in "1234" for c in "vwxyz"}
QUASI = {"alter": "integer", "plz": "string", "geschlecht": "string", "seit": "date", "branche": "string"}


def main() -> None:
    """Every run in a process of its own."""
    print(f"{'rule':>16}{'seconds':>9}{'CPU s':>7}{'MiB':>6}{'groups':>9}{'left out':>9}{'NCP':>8}{'attack s':>10}")
    spawn = multiprocessing.get_context("spawn")
    for rule in ({}, {"l": 3, "t": 0.3}):
        for _ in range(REPEATS):
            with spawn.Pool(1) as pool:
                row = pool.apply(measure, (rule,))
            title = "k = 5" + "".join(f", {name} = {value:g}" for name, value in rule.items())
            print(
                f"{title:>16}{row[0]:>9.1f}{row[1]:>7.1f}{row[2]:>6.0f}{row[3]:>9}{row[4]:>9}{row[5]:>8.4f}{row[6]:>10.1f}"
            )


def measure(rule: dict[str, float]) -> tuple[float, float, float, int, int, float, float]:
    """Seconds, CPU seconds (what counts on a busy machine), MiB, groups, left out, loss, seconds of an attack."""
    table, frame = _table(rule), _records(ROWS, secret=bool(rule))
    anonymise_records(frame[:1000], table)  # imports and first calls
    before, done, peak = _resident(), threading.Event(), [0.0]

    def watch() -> None:
        while not done.wait(0.005):
            peak[0] = max(peak[0], _resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    began, worked = time.perf_counter(), time.process_time()
    result = anonymise_records(frame, table)
    seconds, worked = time.perf_counter() - began, time.process_time() - worked
    done.set()
    watcher.join()
    began = time.perf_counter()
    assert not list(attack_records(result.frame, table))
    attack = time.perf_counter() - began
    numbers = result.numbers
    return seconds, worked, peak[0] - before, numbers.groups, numbers.left_out, numbers.loss, attack


def _resident() -> float:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20


def _table(rule: dict[str, float]) -> Table:
    columns: list[dict[str, Any]] = [
        {"name": n, "type": kind, "class": "quasi_identifier"} for n, kind in QUASI.items()
    ]
    if rule:
        columns.append({"name": "grund", "type": "string", "class": "sensitive"})
    return Table.model_validate(
        {
            "id": "personen", "title": "Personen", "resource": "personen", "reading": {"format": "rows"}, "key": [],
            "columns": [{"source": column["name"], "title": column["name"], **column} for column in columns],
            "microdata": {"k": 5, **rule, "hierarchies": {"branche": BRANCHES}},
        }
    )  # fmt: skip


def _records(rows: int, *, secret: bool) -> pd.DataFrame:
    dice = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "alter": pd.array(np.clip(dice.normal(45, 20, rows), 0, 100).astype(int), dtype="Int64"),
            "plz": pd.Series(dice.choice([f"590{number}" for number in range(60, 80)], rows), dtype="str"),
            "geschlecht": pd.Series(dice.choice(["m", "w", "d"], rows, p=[0.49, 0.49, 0.02]), dtype="str"),
            "seit": pd.Timestamp("2000-01-01") + pd.to_timedelta(dice.integers(0, 9000, rows), unit="D"),
            "branche": pd.Series(dice.choice(list(BRANCHES), rows), dtype="str"),
        }
    ).astype({"seit": "datetime64[us]"})
    if secret:
        shares = np.array([30, 20, 10, 10, 8, 6, 5, 4, 3, 2, 1, 1]) / 100
        frame["grund"] = pd.Series(dice.choice([f"G{number:02d}" for number in range(12)], rows, p=shares), dtype="str")
    return frame


if __name__ == "__main__":
    main()
