"""Invented records of firms, and the contract that publishes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from people import make_table
from stadtdaten.contracts import Table

BRANCHES = {f"{group}{number}": (f"{group}-Gruppe",) for group in "abc" for number in range(3)}


def firms(exact: tuple[str, ...] = (), l: int | None = None, t: float | None = None, **more: Any) -> Table:  # noqa: E741
    """Records with a number, a date, a text and a text with a hierarchy that others may know of somebody."""
    quasi = {"alter": "integer", "seit": "date", "ort": "string", "branche": "string"}
    columns: list[dict[str, Any]] = [
        {"name": name, "type": kind, "class": "quasi_identifier"} for name, kind in quasi.items()
    ]
    columns += [{"name": name, "type": "integer", "class": "public"} for name in exact]
    if l is not None or t is not None:
        columns += [
            {"name": "grund", "type": "string", "class": "sensitive"},
            {"name": "umsatz", "type": "integer", "class": "sensitive"},
        ]
    microdata = {"k": 3, "l": l, "t": t, "suppressed": 0.1, "hierarchies": {"branche": BRANCHES}, **more}
    return make_table(columns, key=[], microdata=microdata)


def random_firms(seed: int, rows: int, missing: float = 0.0) -> pd.DataFrame:
    """Typed records, with missing quasi-identifiers here and there."""
    dice = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "alter": pd.array(dice.integers(0, 40, rows), dtype="Int64"),
            "seit": (pd.Timestamp("2024-01-01") + pd.to_timedelta(dice.integers(0, 90, rows), unit="D")),
            "ort": pd.Series(dice.choice(["Mitte", "Heessen", "Pelkum", "Uentrop"], rows), dtype="str"),
            "branche": pd.Series(dice.choice(list(BRANCHES), rows), dtype="str"),
            "jahrgang": pd.array(dice.integers(1, 3, rows), dtype="Int64"),
            "grund": pd.Series(dice.choice(["U", "V", "W", "X"], rows, p=[0.5, 0.3, 0.1, 0.1]), dtype="str"),
            "umsatz": pd.array(dice.integers(0, 12, rows), dtype="Int64"),
        }
    ).astype({"seit": "datetime64[us]"})
    for name in ("alter", "seit", "ort", "branche"):
        frame.loc[dice.random(rows) < missing, name] = None
    return frame


@st.composite
def cases(draw: Callable[..., Any]) -> tuple[pd.DataFrame, Table]:
    frame = random_firms(draw(st.integers(0, 10**6)), draw(st.integers(40, 300)), draw(st.sampled_from([0, 0.05, 0.5])))
    exact = draw(st.sampled_from([(), ("jahrgang",)]))
    mixed = draw(st.sampled_from([{}, {"l": 2}, {"l": 3}, {"t": 0.4}, {"l": 3, "t": 0.5}]))
    table = firms(exact, **mixed, suppressed=draw(st.sampled_from([0, 0.1])))
    return frame[[column.name for column in table.columns]], table
