"""Which rules apply to a table? Suites of Great Expectations, read from JSON so that nothing is lost on the way.

Great Expectations fails open: an expectation type it does not know, a wrong severity and a custom class that was not
imported are logged and dropped, and a suite left empty succeeds. This loader fails closed instead: what it cannot
use whole it does not use at all, and it says which line is wrong and what to write there.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from great_expectations.compatibility import pydantic
from great_expectations.expectations.expectation import BatchExpectation, Expectation
from great_expectations.expectations.registry import (
    get_expectation_impl,
    list_registered_expectation_implementations,
)
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import YAMLError

import stadtdaten.quality.expectations  # noqa: F401  (registers our own; Great Expectations drops unknown ones)
from stadtdaten.contracts import Problem
from stadtdaten.frames import Stage

SEVERITIES = ("critical", "warning")
PARAMETERS = ("today", "next_year")
"""What a suite may write as ``{"$PARAMETER": "..."}``: midnight before the run, and the year after that of the run."""

OFFSET = "+01:00"
"""Central European Time: what a suggested bound gets."""

SUITE_KEYS = ("name", "meta", "expectations")
EXPECTATION_KEYS = ("type", "kwargs", "severity", "meta")
META_KEYS = ("note", "cause")
CONDITION = 'write {"type": "comparison", "column": {"name": ...}, "operator": "==", "parameter": ...}'

Found = tuple[str, str]
"""A mistake: what is wrong, and the fix."""


class SuiteError(Exception):
    """A suite cannot be used; ``problems`` holds every reason found."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


@dataclass(frozen=True)
class Suite:
    """The expectations of one table at one stage, in the order of the file: Great Expectations' own objects."""

    name: str
    expectations: tuple[Expectation, ...]


def suite_path(expectations: Path, source: str, table: str, stage: Stage) -> Path:
    """Where the suite of a table and stage is kept."""
    return expectations / source / f"{table}.{stage}.json"


def load_suite(path: Path) -> Suite:
    """The suite in ``path``, whole: as many expectations as the file holds. Raises SuiteError with every mistake."""
    return _load(path, None)


def check_suite(path: Path, columns: Mapping[str, str]) -> list[Problem]:
    """Every mistake in the suite, with line and fix.

    ``columns`` are those the table has at the suite's stage, each with its type in the words of the contract.
    """
    try:
        _load(path, columns)
    except SuiteError as error:
        return error.problems
    return []


def _load(path: Path, columns: Mapping[str, str] | None) -> Suite:
    document, lines = _read(path)
    problems = [Problem(path, 1, *found) for found in _mistakes_of_suite(path, document)]
    written: dict[str, int] = {}
    expectations: list[Expectation] = []
    for entry, line in zip(document["expectations"] if lines else [], lines, strict=True):
        found = list(_mistakes_of_expectation(entry))
        if not found:
            found += _mistakes_of_columns(entry["kwargs"], columns)
            same = json.dumps([entry["type"], entry["kwargs"]], sort_keys=True)
            if same in written:
                found.append((f"{entry['type']} repeats line {written[same]}", "remove one of the two"))
            written.setdefault(same, line)
        if not found:
            try:
                expectation = get_expectation_impl(entry["type"])(
                    **entry["kwargs"], severity=entry["severity"], meta=entry.get("meta", {})
                )
            except pydantic.ValidationError as error:
                found += _mistakes_of_arguments(entry["type"], error)
            else:
                found += _misread_arguments(entry["kwargs"], expectation)
                expectations.append(expectation)
        problems += [Problem(path, line, *mistake) for mistake in found]
    if problems:
        raise SuiteError(sorted(problems, key=lambda problem: problem.line))
    return Suite(document["name"], tuple(expectations))


def _read(path: Path) -> tuple[dict[str, Any], list[int]]:
    """The JSON document, and the line of each of its expectations."""

    def unusable(line: int, message: str, fix: str = "") -> SuiteError:
        return SuiteError([Problem(path, line, message, fix)])

    try:
        text = path.read_text(encoding="utf-8")
        document = json.loads(text, parse_constant=_no_number)
    except FileNotFoundError:
        raise unusable(1, "file not found", "create it: a table without both suites cannot be published") from None
    except UnicodeDecodeError:
        raise unusable(1, "not UTF-8", "save the file as UTF-8") from None
    except json.JSONDecodeError as error:
        raise unusable(error.lineno, f"not valid JSON: {error.msg}") from None
    except ValueError as error:
        raise unusable(1, f"not valid JSON: {error}", "leave the bound out") from None
    if not isinstance(document, dict):
        raise unusable(1, "not a JSON object", 'write {"name": ..., "expectations": [...]}')
    try:
        # JSON is YAML, and the YAML reader knows the lines (but minds tabs) and duplicate keys.
        located: Any = YAML(typ="rt").load(text.replace("\t", " "))
    except DuplicateKeyError as error:
        mark = error.problem_mark
        raise unusable(mark.line + 1 if mark else 1, "a key is written twice", "remove one of the two") from None
    except YAMLError:
        raise unusable(1, "holds control characters", "remove them") from None
    entries = located.get("expectations")
    lines = (
        [entries.lc.item(index)[0] + 1 for index in range(len(entries))] if isinstance(entries, CommentedSeq) else []
    )
    return document, lines


def _no_number(word: str) -> None:
    """Python reads NaN and Infinity, which JSON does not have and with which every comparison holds or fails."""
    raise ValueError(f"{word} is no number")


def _mistakes_of_suite(path: Path, document: Mapping[str, Any]) -> Iterator[Found]:
    yield from _unknown_keys(document, SUITE_KEYS, "key")
    name = f"{path.parent.name}.{path.stem}"
    if document.get("name") != name:
        yield f"name is {document.get('name')!r}, which does not fit the file", f'"name": "{name}"'
    entries = document.get("expectations")
    if not isinstance(entries, list) or not entries:
        yield "no expectations: an empty suite would let everything pass", 'add "expectations": [...]'
    elif not any(isinstance(entry, dict) and entry.get("severity") == "critical" for entry in entries):
        yield "no expectation is critical: nothing could stop the table", 'give one of them "severity": "critical"'


def _mistakes_of_expectation(entry: Any) -> Iterator[Found]:
    if not isinstance(entry, dict):
        yield "an expectation must be an object", '{"type": ..., "kwargs": {...}, "severity": "critical"}'
        return
    yield from _unknown_keys(entry, EXPECTATION_KEYS, "key")
    severity = entry.get("severity")
    if severity not in SEVERITIES:
        yield f"severity {severity!r} is not allowed", _nearest(severity, SEVERITIES, f"one of {', '.join(SEVERITIES)}")
    meta = entry.get("meta", {})
    if not isinstance(meta, dict) or not all(isinstance(text, str) and text.strip() for text in meta.values()):
        yield "meta must hold German sentences", '"meta": {"note": "...", "cause": "..."}'
    else:
        yield from _unknown_keys(meta, META_KEYS, "key of meta")
    kwargs = entry.get("kwargs")
    if not isinstance(kwargs, dict):
        yield "kwargs must be an object", '"kwargs": {"column": ...}'
    known = list_registered_expectation_implementations()
    if entry.get("type") not in known:
        fix = _nearest(entry.get("type"), known, "see the gallery of Great Expectations, or quality/expectations")
        yield f"expectation type {entry.get('type')!r} is unknown", fix
    elif isinstance(kwargs, dict):
        yield from _mistakes_of_kwargs(entry["type"], kwargs)


def _mistakes_of_kwargs(kind: str, kwargs: Mapping[str, Any]) -> Iterator[Found]:
    yield from _unknown_keys(kwargs, _arguments(kind), f"argument of {kind}")
    for key, value in kwargs.items():
        if value is None or value == []:
            yield f"argument {key!r} is empty, which lets everything pass", "fill it, or leave it out"
    if kwargs.get("mostly") == 0:
        yield "mostly 0 can never fail", "a share above 0 and up to 1"
    if "row_condition" in kwargs and not isinstance(kwargs["row_condition"], dict):
        yield (
            "row_condition must be an object, so that its columns can be checked",
            CONDITION,
        )
    if isinstance(kwargs.get("regex"), str):
        try:
            re.compile(kwargs["regex"])
        except re.error as error:
            yield f"regex is not a regular expression: {error}", "correct it; in JSON a backslash is written twice"
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    if low is None and high is None and "min_value" in _arguments(kind):
        yield f"{kind} has neither min_value nor max_value", "give at least one"
    if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
        yield "min_value is greater than max_value", "swap them"
    for bound in (low, high):
        if isinstance(bound, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", bound):
            # Great Expectations makes it a date, which Pandas refuses to compare with a time stamp.
            yield f"{bound!r} cannot be compared with a date column", f'write "{bound}T00:00:00"'
    for value in kwargs.values():
        if isinstance(value, dict) and "$PARAMETER" in value:
            name = value["$PARAMETER"]
            if name not in PARAMETERS or len(value) > 1:
                yield f"parameter {name!r} is unknown", _nearest(name, PARAMETERS, f"one of {', '.join(PARAMETERS)}")
        elif "$PARAMETER" in json.dumps(value):
            yield "a parameter must be the whole argument", 'write "max_value": {"$PARAMETER": "today"}'


def _mistakes_of_columns(kwargs: Mapping[str, Any], columns: Mapping[str, str] | None) -> Iterator[Found]:
    if columns is None:
        return
    for name in dict.fromkeys([*own_columns(kwargs), *_condition_columns(kwargs.get("row_condition"))]):
        if name not in columns:
            yield f"column {name!r} is not in the table", _nearest(name, columns, f"one of {', '.join(columns)}")
    kind = columns.get(str(kwargs.get("column")))
    for bound in (kwargs.get("min_value"), kwargs.get("max_value")):
        if kind in ("date", "datetime"):
            yield from _mistakes_of_moment(bound, kind)


def _mistakes_of_moment(bound: Any, kind: str) -> Iterator[Found]:
    """Pandas refuses to compare a moment with an offset to one without, so such a check would fail every night."""
    if kind == "datetime" and isinstance(bound, dict):
        fix = f'write a moment with its offset, such as "2030-01-01T00:00:00{OFFSET}", or check a date column'
        yield "a parameter has no offset, so it cannot be compared with a datetime column", fix
    if not isinstance(bound, str) or "T" not in bound:
        return
    offset = re.search(r"(?:Z|[+-]\d{2}:?\d{2})$", bound)
    if kind == "datetime" and not offset:
        yield f"{bound!r} has no offset, so it cannot be compared with a datetime column", f'write "{bound}{OFFSET}"'
    if kind == "date" and offset:
        yield f"{bound!r} has an offset, so it cannot be compared with a date column", f'write "{bound[:19]}"'


def _mistakes_of_arguments(kind: str, error: Any) -> Iterator[Found]:
    """One mistake per argument; pydantic names one for each type of a union."""
    first: dict[str, str] = {}
    for detail in error.errors():
        first.setdefault(str(detail["loc"][0]), detail["msg"])
    if len(first) > 1:
        first.pop("__root__", None)  # a rule about several arguments, broken because one of them is
    if "row_condition" in first:
        yield f"row_condition of {kind} is no condition", CONDITION
        return
    for argument, message in first.items():
        where = kind if argument == "__root__" else f"argument {argument!r} of {kind}"
        yield f"{where}: {message}", f"its arguments are {', '.join(_arguments(kind))}"


def _misread_arguments(kwargs: Mapping[str, Any], expectation: Expectation) -> Iterator[Found]:
    """Great Expectations turns what it is given into the type it wants ("yes" into true) and drops what it does not
    know inside a row_condition; a suite means what it says."""
    understood = json.loads(expectation.json(include=set(kwargs)))
    for key, value in kwargs.items():
        if _strict(understood.get(key)) != _strict(value):
            yield f"argument {key!r} is understood as something else", f"write {json.dumps(understood.get(key))}"


def _strict(value: Any) -> Any:
    """The value in a form in which true differs from 1, as it does not in Python, but 1 does not from 1.0."""
    if isinstance(value, dict):
        return {key: _strict(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_strict(part) for part in value]
    return (isinstance(value, bool), value)


def _arguments(kind: str) -> list[str]:
    """What an expectation may be given under kwargs: its own fields, not those that change how it is run."""
    fields = set(get_expectation_impl(kind).__fields__)
    return sorted(fields - set(BatchExpectation.__fields__) - {"condition_parser"})


def own_columns(kwargs: Mapping[str, Any]) -> Iterator[str]:
    """Every column that an expectation is about: all that its arguments name, except in its row_condition."""
    for key in ("column", "column_A", "column_B"):
        if isinstance(kwargs.get(key), str):
            yield kwargs[key]
    for key in ("column_list", "column_set"):
        if isinstance(kwargs.get(key), list):
            yield from (name for name in kwargs[key] if isinstance(name, str))


def _condition_columns(condition: Any) -> Iterator[str]:
    if isinstance(condition, dict):
        column = condition.get("column")
        if isinstance(column, dict) and isinstance(column.get("name"), str):
            yield column["name"]
        for part in condition.get("conditions", []):
            yield from _condition_columns(part)


def _unknown_keys(node: Mapping[str, Any], known: Collection[str], kind: str) -> Iterator[Found]:
    for key in node:
        if key not in known:
            yield f"{key!r} is no {kind}", _nearest(key, known, f"one of {', '.join(known)}")


def _nearest(word: object, known: Iterable[str], otherwise: str) -> str:
    close = difflib.get_close_matches(str(word), list(known), n=1)
    return f"did you mean {close[0]!r}?" if close else otherwise
