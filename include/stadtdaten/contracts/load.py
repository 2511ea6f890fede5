"""From YAML files to contracts, with errors that name file, line and fix."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from stadtdaten.contracts.model import City, Contract

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a configuration file; ``line`` counts from 1, ``fix`` says what to write instead."""

    file: Path
    line: int
    message: str
    fix: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}" + (f"\n    fix: {self.fix}" if self.fix else "")


class ContractError(Exception):
    """A configuration file cannot be used; ``problems`` holds every reason found."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def load_contract(path: Path) -> Contract:
    """The contract in ``path``; its ``source`` must be the file's name. Raises ContractError."""
    contract = _load(path, Contract)
    if contract.source != path.stem:
        raise ContractError(
            [
                Problem(
                    path, 1, f"source is {contract.source!r} but the file is named {path.stem!r}",
                    f"source: {path.stem}, or rename the file to {contract.source}.yaml",
                )
            ]
        )  # fmt: skip
    return contract


def load_city(path: Path) -> City:
    """The city in ``path``. Raises ContractError."""
    return _load(path, City)


def _load(path: Path, model: type[Model]) -> Model:
    yaml = YAML(typ="rt")
    yaml.allow_duplicate_keys = False
    try:
        document = yaml.load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ContractError([Problem(path, 1, "file not found", "create it, or correct the name")]) from error
    except OSError as error:
        fix = "it must be a file that this account may read"
        raise ContractError([Problem(path, 1, f"cannot be read: {error.strerror}", fix)]) from error
    except UnicodeDecodeError as error:
        raise ContractError([Problem(path, 1, "not UTF-8", "save the file as UTF-8")]) from error
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise ContractError([Problem(path, line, f"not valid YAML: {error.problem}", "")]) from error
    except YAMLError as error:  # the reader, which knows no lines
        fix = "remove control characters"
        raise ContractError([Problem(path, 1, "holds a character that YAML does not allow", fix)]) from error
    if not isinstance(document, CommentedMap):
        raise ContractError([Problem(path, 1, "empty, or not a mapping of keys", "see the JSON Schema beside it")])
    try:
        return model.model_validate(_plain(document))
    except ValidationError as error:
        raise ContractError(list(_problems(path, document, error, model))) from error


def _plain(node: Any) -> Any:
    """The document without ruamel's line marks (pydantic in strict places wants plain containers)."""
    if isinstance(node, CommentedMap):
        return {_key(key): _plain(value) for key, value in node.items()}
    if isinstance(node, CommentedSeq):
        return [_plain(value) for value in node]
    return node


def _key(key: Any) -> str:
    """The key as written: ``true`` and ``false`` are names of fields here, not truth values."""
    return str(key).lower() if isinstance(key, bool) else str(key)


def _problems(path: Path, document: CommentedMap, error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    known = _known_keys(model)
    problems = []
    for detail in _causes(error.errors()):
        place = list(detail["loc"])
        dotted = ".".join(str(part) for part in place)
        message, fix = detail["msg"].removeprefix("Value error, "), ""
        if detail["type"] == "extra_forbidden":
            message = f"unknown key {place[-1]!r}"
            close = difflib.get_close_matches(str(place[-1]), known, n=1)
            fix = f"did you mean {close[0]!r}?" if close else "remove it; keys are listed in contract.schema.json"
        elif detail["type"] == "missing":
            message, fix = f"{place[-1]!r} is missing", f"add {place[-1]!r}"
        elif detail["type"] == "literal_error":
            allowed = str(detail.get("ctx", {}).get("expected", ""))
            message = f"{detail['input']!r} is not allowed"
            fix = _closest(detail["input"], allowed)
        elif detail["type"] == "union_tag_invalid":
            context = detail["ctx"]
            message, fix = f"{context['tag']!r} is not allowed", _closest(context["tag"], context["expected_tags"])
        elif isinstance(detail["input"], str | int | float):
            fix = _as_meant(detail["type"], detail["input"], detail.get("ctx", {}))
        problems.append(Problem(path, _line(document, place), f"{dotted or 'contract'}: {message}", fix))
    return sorted(problems, key=lambda problem: problem.line)


def _causes(details: list[ErrorDetails]) -> list[ErrorDetails]:
    """Without pydantic's follow-up errors: an item that is wrong makes its list too short, and so on upwards."""
    places = [detail["loc"] for detail in details]
    return [
        detail
        for detail in details
        if detail["type"] != "too_short"
        or not any(len(place) > len(detail["loc"]) and place[: len(detail["loc"])] == detail["loc"] for place in places)
    ]


def _as_meant(kind: str, written: str | float, context: dict[str, Any]) -> str:
    """What to write instead of the single value ``written``, for pydantic's ``kind`` of error; empty if unknown."""
    if kind in ("model_attributes_type", "model_type", "dict_type"):
        return f"write keys, such as {{kind: {written}}}"
    if kind in ("tuple_type", "list_type"):
        return "write a list: each entry on a line of its own, after a dash"
    if kind.startswith(("date_", "datetime_")):
        return "write the year first: 2026-12-31"
    if kind == "greater_than_equal":
        return f"write {context['ge']} or more"
    if kind == "less_than_equal":
        return f"write {context['le']} or less"
    return ""


def _closest(word: object, allowed: str) -> str:
    """The allowed word that was probably meant, of pydantic's list of quoted words; else the list."""
    close = difflib.get_close_matches(str(word), re.findall(r"'([^']*)'", allowed), n=1)
    return f"did you mean {close[0]!r}?" if close else f"one of {allowed}"


def _line(document: CommentedMap, place: list[Any]) -> int:
    """Line of the deepest part of ``place`` that exists in the document (unions add parts that do not)."""
    node: Any = document
    line = 1
    for part in place:
        try:
            if isinstance(node, CommentedMap) and part in node:
                line = node.lc.key(part)[0] + 1
                node = node[part]
            elif isinstance(node, CommentedSeq) and isinstance(part, int) and part < len(node):
                line = node.lc.item(part)[0] + 1
                node = node[part]
        except KeyError:
            break
    return line


def _known_keys(model: type[BaseModel]) -> list[str]:
    """Every key of the model and of the models below it."""
    schema = model.model_json_schema()
    keys = set(schema.get("properties", {}))
    for definition in schema.get("$defs", {}).values():
        keys |= set(definition.get("properties", {}))
    return sorted(keys)
