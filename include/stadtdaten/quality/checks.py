"""Does a table keep its rules? Runs a suite on a frame and reduces the outcome to counts and one German sentence.

Nothing observed in the data survives this module: Great Expectations is asked for counts only, what it logs (its
tracebacks hold values) goes nowhere, and an expectation that breaks down is a failed check.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone
from typing import Any

import great_expectations as gx
import pandas as pd
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.expectations.expectation import Expectation

from stadtdaten.faults import Misconfigured
from stadtdaten.frames import CheckResult, Stage
from stadtdaten.quality.sentences import OF_TABLE, broken_sentence, sentence
from stadtdaten.quality.suites import Suite, own_columns

COUNTS_ONLY = {"result_format": "SUMMARY", "partial_unexpected_count": 0}
"""BASIC, the default, would return values."""

IN_MEMORY = DataContextConfig(
    store_backend_defaults=InMemoryStoreBackendDefaults(), progress_bars=ProgressBarsConfig(globally=False)
)
"""A context that writes nothing; the default makes a folder for HTML reports."""

SAID_OF_FAILURES = {"note": "", "cause": "Vermutliche Ursache: "}
"""What a suite's ``meta`` may add to the sentence of a failed check, and how it is introduced."""

FIRST_ZONE = timezone(timedelta(hours=14))
"""Where a day begins first."""


def run_suite(
    suite: Suite, frame: pd.DataFrame, table: str, stage: Stage, today: date | None = None
) -> tuple[CheckResult, ...]:
    """One result per expectation of the suite, in its order, on a typed frame (Pandas or GeoPandas).

    ``today`` is what the suite's parameters ``today`` and ``next_year`` mean; None: the day that it is by now anywhere
    on earth, so that no time zone turns today's data into tomorrow's. Raises Misconfigured where Great Expectations
    returns another number of results than the suite has expectations.
    """
    day = today or datetime.now(FIRST_ZONE).date()
    parameters = {"today": f"{day.isoformat()}T00:00:00", "next_year": day.year + 1}
    context = gx.get_context(mode="ephemeral", project_config=IN_MEMORY)
    batch = (
        context.data_sources.add_pandas("frame")
        .add_dataframe_asset("frame")
        .add_batch_definition_whole_dataframe("frame")
        .get_batch(batch_parameters={"dataframe": frame})
    )
    numbered = [
        expectation.copy(update={"meta": {**expectation.meta, "number": number}})
        for number, expectation in enumerate(suite.expectations)
    ]
    outcome = batch.validate(
        gx.ExpectationSuite(name=suite.name, expectations=numbered),
        result_format=COUNTS_ONLY,
        expectation_parameters=parameters,
    )
    # Great Expectations groups its results by column, so they find their expectation by number.
    results = {result.expectation_config.meta["number"]: result for result in outcome.results}
    if len(outcome.results) != len(numbered) or set(results) != set(range(len(numbered))):
        raise Misconfigured(
            f"Tabelle {table}: Great Expectations hat {len(outcome.results)} von {len(numbered)} Prüfungen ausgeführt.",
            next_step=f"Suite {suite.name} und die Version von Great Expectations prüfen.",
        )
    return tuple(
        _check_result(expectation, results[number], table, stage, parameters)
        for number, expectation in enumerate(suite.expectations)
    )


def _check_result(
    expectation: Expectation, result: Any, table: str, stage: Stage, parameters: Mapping[str, Any]
) -> CheckResult:
    kind = expectation.expectation_type
    kwargs = _resolved(expectation.configuration.to_json_dict()["kwargs"], parameters)
    counts = result.result or {}
    unexpected = int(counts.get("unexpected_count") or 0)
    # The share is that of the checked values; a missing one is the business of the not-null expectation alone.
    missing = 0 if "values_to_not_be_null" in kind or "values_to_be_null" in kind else counts.get("missing_count") or 0
    checked = int(counts["element_count"] - missing) if counts.get("element_count") else 0
    success = bool(result.success) and not _broke(result.exception_info)
    if _broke(result.exception_info):
        text, unexpected, checked = broken_sentence(kind, kwargs, table), 0, 0
    else:
        text = sentence(kind, kwargs, table, success, checked, unexpected, counts)
    if not success:
        text += "".join(
            f" {introduction}{expectation.meta[key]}"
            for key, introduction in SAID_OF_FAILURES.items()
            if key in expectation.meta
        )
    return CheckResult(
        table=table, stage=stage, expectation=kind, severity=expectation.severity.value, success=success,
        column="" if kind in OF_TABLE and "column" not in kwargs else ", ".join(dict.fromkeys(own_columns(kwargs))),
        element_count=checked, unexpected_count=unexpected, message=text,
    )  # fmt: skip


def _broke(info: Any) -> bool:
    """Whether the expectation raised; ``info`` is one exception or none, or one for each metric that raised."""
    return bool(info) and bool(info.get("raised_exception", True))


def _resolved(kwargs: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments with each parameter replaced by what it means today."""
    return {
        key: parameters[value["$PARAMETER"]] if isinstance(value, dict) and "$PARAMETER" in value else value
        for key, value in kwargs.items()
    }
