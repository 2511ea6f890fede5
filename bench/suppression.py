"""What does disclosure control of a frequency table cost: suppression and the attack on it, by size of the table?"""

from __future__ import annotations

import itertools
import time
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from stadtdaten.contracts import load_contract
from stadtdaten.privacy.anonymisation import anonymise
from stadtdaten.privacy.audit import audit

CONTRACT = Path(__file__).resolve().parents[1] / "include" / "contracts" / "einwohnerstatistik.yaml"
AGES = tuple(range(0, 95, 3))
SEEDS = (1, 2, 3)


def main() -> None:
    """Random residents of ever more districts, under the residents' contract; median of the seeds."""
    table = load_contract(CONTRACT).datasets[0].tables[0]
    print(f"{'districts':>9}{'cells':>8}{'primary':>9}{'secondary':>11}{'suppress s':>12}{'audit s':>9}")
    for districts in (4, 7, 14, 21):
        rows = []
        for seed in SEEDS:
            frame = _residents(districts, seed)
            began = time.perf_counter()
            public, report = anonymise(frame, table)
            suppressed = time.perf_counter()
            audit(public, table)
            audited = time.perf_counter()
            rows.append(
                (len(public), report.primary_suppressed, report.secondary_suppressed, suppressed - began,
                 audited - suppressed)
            )  # fmt: skip
        cells, primary, secondary, seconds, attack = np.median(np.array(rows), axis=0)
        print(f"{districts:>9}{cells:>8.0f}{primary:>9.0f}{secondary:>11.0f}{seconds:>12.2f}{attack:>9.2f}")


def _residents(districts: int, seed: int) -> pd.DataFrame:
    dice = np.random.default_rng(seed)
    names = [f"Bezirk {number:02d}" for number in range(districts)]
    keys = list(itertools.product(names, AGES, ("m", "w"), ("Deutschland", "Polen")))
    frame = pd.DataFrame(keys, columns=["stadtbezirk", "altersgruppe", "geschlecht", "staatsangehoerigkeit"])
    mean = np.where(frame["staatsangehoerigkeit"] == "Polen", 1.5, 60) * dice.lognormal(0, 0.8, len(frame))
    frame["anzahl"] = pd.array(dice.poisson(mean), dtype="Int64")
    frame["altersgruppe"] = frame["altersgruppe"].astype("Int64")
    frame.insert(0, "stichtag", pd.Timestamp(date(2025, 12, 31)).as_unit("us"))
    frame["sachbearbeitung"] = "S1"
    return frame


if __name__ == "__main__":
    main()
