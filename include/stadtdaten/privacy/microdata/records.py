"""How do records become records of which each looks like at least k - 1 others?

Each published column plays one of three parts. Quasi-identifiers become ranges, lists or labels of a hierarchy.
Sensitive columns stay exact, because their groups are mixed (l, t). Every other published column stays exact too, so
its values divide the records beforehand: two records that differ in it never look the same. An exact weight declared
public beside people would therefore leave no group of k, and stops the table: such a column is a quasi-identifier.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stadtdaten.contracts.model import Table
from stadtdaten.contracts.protection import Microdata
from stadtdaten.faults import Finding, GateFailed
from stadtdaten.german import share
from stadtdaten.privacy.microdata.axes import Axis, axis
from stadtdaten.privacy.microdata.conditions import Conditions, secret
from stadtdaten.privacy.microdata.groups import Groups
from stadtdaten.privacy.microdata.loss import Measured
from stadtdaten.privacy.microdata.mondrian import partition, trim

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Records:
    """``frame`` has the columns of the treated frame, quasi-identifiers as text, rows sorted by what is published."""

    frame: pd.DataFrame
    numbers: Measured


@dataclass(frozen=True)
class Roles:
    """The published columns by the part they play."""

    quasi: tuple[str, ...]
    sensitive: tuple[str, ...]
    exact: tuple[str, ...]


def roles(table: Table) -> Roles:
    """Which published column of a table of records plays which part."""
    published = [column for column in table.columns if column.published]
    return Roles(
        tuple(column.name for column in published if column.class_ == "quasi_identifier"),
        tuple(column.name for column in published if column.class_ == "sensitive"),
        tuple(column.name for column in published if column.class_ not in ("quasi_identifier", "sensitive")),
    )


def anonymise_records(frame: pd.DataFrame, table: Table) -> Records:
    """The records of ``frame`` (typed and treated, the published columns of a table with ``microdata``) in groups.

    Raises GateFailed("privacy") where more records would have to be left out than the contract allows, or where a value
    is in no hierarchy. The message tells what would pass, found by trying.
    """
    spec, columns = _spec(table), roles(table)
    axes = [axis(frame[name], table.id, spec.hierarchies.get(name)) for name in columns.quasi]
    conditions = _conditions(frame, spec, columns.sensitive)
    budget = math.floor(spec.suppressed * len(frame) + 1e-9)
    strata = _publishable(_strata(frame, columns.exact), conditions)
    left_out = len(frame) - len(strata.rows)
    if left_out > budget or (len(frame) and not len(strata)):
        raise _unreachable(frame, table, left_out)
    conditions = conditions.among(strata.rows)
    groups = partition(axes, strata, conditions)
    trimmed = trim(axes, groups, conditions, budget - left_out)
    after = conditions.among(trimmed.groups.rows)
    # What is left out changes the shares among all, from which t is measured: what no longer fits is not trimmed.
    if len(trimmed.left_out) and after.met(trimmed.groups.rows, trimmed.groups.starts).all():
        groups, conditions = trimmed.groups, after
    return _published(frame, columns, axes, groups, conditions)


def _spec(table: Table) -> Microdata:
    if table.microdata is None:
        raise ValueError(f"table {table.id} has no microdata")
    return table.microdata


def _conditions(frame: pd.DataFrame, spec: Microdata, sensitive: Sequence[str]) -> Conditions:
    return Conditions(spec.k, spec.l or 2, spec.t, tuple(secret(frame[name]) for name in sensitive))


def _strata(frame: pd.DataFrame, exact: Sequence[str]) -> Groups:
    """The records by the values that stay exact, in an order that does not depend on that of the rows."""
    if not len(frame):
        return Groups.joined([])
    number = np.zeros(len(frame), dtype=np.int64)
    for name in exact:
        codes, found = pd.factorize(frame[name], sort=True, use_na_sentinel=True)
        number = number * (len(found) + 1) + np.where(codes < 0, len(found), codes)
        number = np.unique(number, return_inverse=True)[1].astype(np.int64)
    return Groups.sized(np.argsort(number, kind="stable"), np.bincount(number))


def _publishable(strata: Groups, conditions: Conditions) -> Groups:
    """The strata that may be published; leaving one out changes the shares among all, so until none fails."""
    while len(strata):
        met = conditions.among(strata.rows).met(strata.rows, strata.starts)
        if met.all():
            break
        strata = strata.only(met)
    return strata


def _published(
    frame: pd.DataFrame, columns: Roles, axes: Sequence[Axis], groups: Groups, conditions: Conditions
) -> Records:
    public = frame.iloc[groups.rows].reset_index(drop=True)
    public.attrs = {}
    lost = np.zeros(len(groups))
    keys = []
    for each in axes:
        texts, loss = each.written(each.codes[groups.rows], groups.starts) if len(groups) else ([], np.empty(0))
        lost += loss / len(axes)
        codes, found = pd.factorize(pd.Series(texts, dtype="str"), sort=True)
        public[each.name] = pd.Series(pd.Index(found, dtype="str")[codes].repeat(groups.sizes).to_numpy(), dtype="str")
        keys.append(np.repeat(codes, groups.sizes))
    for name in (*columns.exact, *columns.sensitive):
        keys.append(pd.factorize(public[name], sort=True)[0])
    order = np.lexsort(keys[::-1])
    return Records(
        public.iloc[order].reset_index(drop=True), _measured(len(frame), columns, keys, groups, lost, conditions)
    )


def _measured(
    records: int,
    columns: Roles,
    keys: Sequence[NDArray[np.int64]],
    groups: Groups,
    lost: NDArray[np.float64],
    conditions: Conditions,
) -> Measured:
    """Groups that are written alike are one to the reader."""
    number = np.zeros(len(groups.rows), dtype=np.int64)
    for key in keys[: len(columns.quasi) + len(columns.exact)]:
        number = number * (int(key.max(initial=-1)) + 2) + key + 1
        number = np.unique(number, return_inverse=True)[1].astype(np.int64)
    alike = Groups.sized(groups.rows[np.argsort(number, kind="stable")], np.bincount(number))
    spreads = [secret.spread(alike.rows, alike.starts) for secret in conditions.secrets] if len(alike) else []
    left_out = records - len(groups.rows)
    return Measured(
        records=records,
        left_out=left_out,
        groups=len(alike),
        k=int(alike.sizes.min(initial=records)),
        l=min((int(spread.distinct().min()) for spread in spreads), default=None),
        t=max((float(spread.distances().max()) for spread in spreads), default=None),
        loss=float((lost * groups.sizes).sum() + left_out) / records if records else 0.0,
    )


def _unreachable(frame: pd.DataFrame, table: Table, left_out: int) -> GateFailed:
    spec, columns = _spec(table), roles(table)
    findings = tuple(_reasons(frame, table))
    allowed = math.floor(spec.suppressed * len(frame) + 1e-9)
    return GateFailed(
        "privacy",
        f"Tabelle {table.id}: {left_out} von {len(frame)} Datensätzen müssten wegfallen, damit niemand zu finden ist; "
        f"erlaubt sind {allowed} (microdata.suppressed). " + " ".join(finding.message for finding in findings),
        next_step=" ".join(_ways_out(frame, spec, columns, left_out))
        or "Mit den Angaben des Vertrags lässt sich die Tabelle nicht veröffentlichen: weniger Spalten, gröbere Werte "
        "(treatment) oder eine Auszählung (frequency_table) statt einzelner Datensätze.",
        findings=findings,
    )


def _reasons(frame: pd.DataFrame, table: Table) -> Iterator[Finding]:
    """Which rule fails for how many records, each rule by itself."""
    spec, columns = _spec(table), roles(table)
    strata = _strata(frame, columns.exact)
    conditions = _conditions(frame, spec, columns.sensitive)
    rules = [("k_anonymity", f"Gruppen mit weniger als {spec.k}", strata.sizes < spec.k, "")]
    for each in conditions.secrets:
        spread = each.spread(strata.rows, strata.starts)
        few = spread.distinct() < conditions.least
        rules.append(
            ("l_diversity", f"Gruppen mit weniger als {conditions.least} verschiedenen Werten", few, each.name)
        )
        if spec.t is not None:
            far = spread.distances() > spec.t
            rules.append(("t_closeness", f"Gruppen, deren Werte weiter als {spec.t:g} abweichen", far, each.name))
    for rule, what, failing, name in rules:
        count = int(strata.sizes[failing].sum())
        if count:
            where = f" von {name}" if name else ""
            yield Finding(
                rule, f"{count} Datensätze liegen in {what}{where}, auch wenn alle Merkmale vergröbert werden.",
                table.id, name, count, len(frame),
            )  # fmt: skip


def _ways_out(frame: pd.DataFrame, spec: Microdata, columns: Roles, left_out: int) -> Iterator[str]:
    """Which single change of the contract would pass, each tried out."""
    budget = math.floor(spec.suppressed * len(frame) + 1e-9)
    if left_out < len(frame):
        needed = math.ceil(left_out / len(frame) * 100) / 100
        if needed < 1:
            yield f"Es genügt, microdata.suppressed auf {needed:g} zu setzen ({share(left_out / len(frame))} fehlen)."
    for name in columns.exact:
        rest = tuple(each for each in columns.exact if each != name)
        kept = _publishable(_strata(frame, rest), _conditions(frame, spec, columns.sensitive))
        if len(kept) and len(frame) - len(kept.rows) <= budget:
            yield f"Es genügt, Spalte {name} wegzulassen (treatment: drop) oder als quasi_identifier zu erklären."
    for name in columns.sensitive:
        others = tuple(each for each in columns.sensitive if each != name)
        kept = _publishable(_strata(frame, columns.exact), _conditions(frame, spec, others))
        if len(kept) and len(frame) - len(kept.rows) <= budget:
            yield f"Es genügt, Spalte {name} wegzulassen (treatment: drop)."
