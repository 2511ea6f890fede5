"""How do counts get noise that does not average out, because the same persons always get the same? (Cell-key method)

Every row has a key that depends on its persons and a secret, evenly distributed over 64 bits. The key of a cell is the
sum of the keys of its rows, modulo 2**64: evenly distributed again, and the same wherever the same persons are counted,
in whatever table, order or night. With the count it picks the noise from a table of probabilities. So asking again
gains nothing; cells that count the same persons differ by nothing; and the difference of two cells hides a person
behind the noise of both. Each cell gets its noise by itself, totals too: the parts need not add up to their total.

What it does not withstand is averaging over releases in which the cells *around* a small one change: each time these
get other noise, and a total less its other parts is the small cell with other noise. With the parameters that a
contract has by default, who takes the mean over 30 such releases is right in four of five cases, and over 100 nearly
always. So it is for tables that are published seldom, such as one of each reference date, and not for those that change
every night. In one release many dimensions of few values do the same: a cell of six dimensions of two values each is
estimated with a standard deviation of 0.4.

The table of probabilities (``CellKey``): of all distributions of the noise for a count that
- never make it negative, nor one of 1 to ``hidden_counts``, nor move it by more than ``maximum``,
- have mean 0 (no bias) and variance ``variance``,
the one with the greatest entropy, which tells least about the count. A count of 0 stays 0: it counts nobody.

Sources: G. Thompson, S. Broadfoot, D. Elazar: Methodology for the automatic confidentialisation of statistical outputs
from remote servers at the Australian Bureau of Statistics (UNECE/Eurostat 2013); J. Marley, V. Leaver: A method for
confidentialising user-defined tables (ISI 2011); S. Gießing: Computational issues in the design of transition
probabilities and disclosure risk estimation for additive noise (PSD 2016); T. Enderle, S. Gießing, R. Tent: Designing
confidentiality on the fly methodology - three aspects (PSD 2018). The German census of 2022 is published like this.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import scipy.optimize
from numpy.typing import NDArray

from stadtdaten.contracts.protection import CellKey
from stadtdaten.faults import Misconfigured
from stadtdaten.privacy.keys import derived_key

EXACT = 1e-6
"""How far mean and variance of a computed distribution may be off."""

PLACES = 9
"""Decimals to which the probabilities are rounded, so that every machine has the same table."""


def record_keys(rows: pd.DataFrame, names: Sequence[str], counts: NDArray[np.int64], secret: str) -> NDArray[np.uint64]:
    """The key of each row (modulo 2**64), times the number of its persons in ``counts``.

    ``names`` are the columns that say who the row's persons are, the same ones in every table that counts them. Rows
    that agree in all of them have the same key for each person. Raises Misconfigured for an unfit secret.
    """
    key = derived_key(secret, "stadtdaten cell key", "Cell-Key-Verfahren")
    coded = [_coded(rows[name]) for name in names]
    combination = pd.DataFrame({name: codes for name, (codes, _) in zip(names, coded, strict=True)})
    row = combination.groupby(list(names), sort=False).ngroup().to_numpy()
    _, first = np.unique(row, return_index=True)
    distinct = zip(*([texts[code] for code in codes[first]] for codes, texts in coded), strict=True)
    keys = np.array([_key(key, names, each) for each in distinct], dtype=np.uint64)
    with np.errstate(over="ignore"):
        product: NDArray[np.uint64] = keys[row] * counts.astype(np.uint64)
    return product


def _coded(values: pd.Series) -> tuple[NDArray[np.int64], list[str]]:
    """A number for each value, and the text for each number; the last one is that of a missing value."""
    codes, distinct = pd.factorize(values, use_na_sentinel=True)
    texts = [_text(value) for value in distinct]
    return np.where(codes < 0, len(texts), codes).astype(np.int64), [*texts, "-"]


def _text(value: Any) -> str:
    """The same for equal values, whatever else is in their column (pandas writes a column of whole days shorter)."""
    return "+" + (value.isoformat() if isinstance(value, date) else str(value))


def _key(key: bytes, names: Sequence[str], texts: Sequence[str]) -> int:
    # Lengths keep apart what would read the same in a row: "a", "bc" and "ab", "c".
    parts = [f"{len(part)}:{part}" for pair in sorted(zip(names, texts, strict=True)) for part in pair]
    return int.from_bytes(hmac.digest(key, "".join(parts).encode(), "sha256")[:8], "big")


def perturb(counts: NDArray[np.int64], keys: NDArray[np.uint64], spec: CellKey) -> NDArray[np.int64]:
    """The counts (any shape, not negative) with their noise; ``keys`` (same shape) are the sums of the rows' keys."""
    thresholds = _thresholds(spec.maximum, spec.variance, spec.hidden_counts)
    # Beyond the last row of the table nothing is out of reach, and the distribution is always the same.
    kind = np.minimum(counts, len(thresholds) - 1)
    shown = counts.copy()
    for number, limits in enumerate(thresholds):
        if number:
            at = kind == number
            shown[at] += np.searchsorted(limits, keys[at], side="right") - spec.maximum
    return shown


@lru_cache(maxsize=32)
def _thresholds(maximum: int, variance: float, hidden_counts: int) -> NDArray[np.uint64]:
    """For each count (rows), the keys from which on the noise is at least ``-maximum + 1``, ..., ``maximum``."""
    probabilities = noise_probabilities(maximum, variance, hidden_counts)
    billions = np.round(probabilities * 10**PLACES).astype(np.int64).cumsum(axis=1)[:, :-1]
    whole = 10**PLACES
    return np.array([[min(int(part) * 2**64 // whole, 2**64 - 1) for part in row] for row in billions], dtype=np.uint64)


def noise_probabilities(maximum: int, variance: float, hidden_counts: int) -> NDArray[np.float64]:
    """The table: for each count from 0 (rows), the probability of noise from ``-maximum`` to ``maximum`` (columns).

    The last row is for all higher counts.
    """
    noise = np.arange(-maximum, maximum + 1)
    table = np.zeros((maximum + hidden_counts + 2, len(noise)))
    table[0, maximum] = 1.0
    for count in range(1, len(table)):
        result = count + noise
        allowed = (result == 0) | (result > hidden_counts)
        table[count, allowed] = _flattest(noise[allowed].astype(np.float64), variance)
    return table


def _flattest(noise: NDArray[np.float64], variance: float) -> NDArray[np.float64]:
    """The probabilities of greatest entropy on these values with mean 0 and that variance.

    They are proportional to exp(a x + b x^2); a and b minimise a convex function (E. T. Jaynes: Information theory and
    statistical mechanics, 1957). At the smallest variance there is (of a 1 that may become only 0 or 3), only the two
    values around 0 are taken, and at the largest only the outermost; then nothing is left to choose.
    """
    inner = noise[[np.flatnonzero(noise <= 0)[-1], np.flatnonzero(noise >= 0)[0]]]
    outer = noise[[0, -1]]
    for low, high in (inner, outer):
        if abs(-low * high - variance) < EXACT:
            ends = [(low, high / (high - low)), (high, -low / (high - low))] if high > low else [(low, 1.0)]
            return np.asarray(sum((np.where(noise == end, share, 0.0) for end, share in ends), np.zeros(len(noise))))
    scale = np.abs(noise).max()
    features = np.stack([noise / scale, (noise**2 - variance) / scale**2])

    def probabilities(parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        exponents = parameters @ features
        weights = np.exp(exponents - exponents.max())
        return np.asarray(weights / weights.sum())

    def partition(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        exponents = parameters @ features
        highest = exponents.max()
        return float(highest + np.log(np.exp(exponents - highest).sum())), features @ probabilities(parameters)

    found = scipy.optimize.minimize(partition, np.zeros(2), jac=True, method="BFGS", options={"gtol": 1e-12})
    result = probabilities(found.x)
    if np.abs(features @ result).max() > EXACT:
        raise Misconfigured(
            "Zum Cell-Key-Verfahren wurde keine Verteilung der Überlagerung gefunden.",
            next_step="Im Vertrag variance etwas größer oder kleiner wählen.",
        )
    return result
