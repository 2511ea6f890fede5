"""Which night is it in the sample city?

The state lives in ``var/samplecity/state.json`` and is read on every request, so that a new night needs no restart.
"""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class StateError(Exception):
    """The state is missing or unreadable; the message says what to do."""


class State(BaseModel):
    """``first_day`` is the date of the first night: all dates in the data follow from it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    first_day: date
    night: int = Field(ge=1)


def state_path(var: Path) -> Path:
    """File that holds the state."""
    return var / "samplecity" / "state.json"


def begin(var: Path, first_day: date) -> State:
    """The state as it is; where there is none yet, night 1 of ``first_day`` is written and returned."""
    if state_path(var).exists():
        return read_state(var)
    return _write(var, State(first_day=first_day, night=1))


def read_state(var: Path) -> State:
    """The state in force. Raises StateError if the sample city was never started or the file is damaged."""
    path = state_path(var)
    try:
        return State.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise StateError(f"{path} does not exist: the sample city was never started here") from None
    except ValidationError as error:
        raise StateError(f"{path} cannot be read: delete it to begin again with night 1") from error


def set_night(var: Path, night: int) -> State:
    """Write down that it is that night. Raises StateError."""
    return _write(var, State(first_day=read_state(var).first_day, night=night))


def _write(var: Path, state: State) -> State:
    path = state_path(var)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}.tmp")
    unfinished.write_text(state.model_dump_json() + "\n", encoding="utf-8")
    unfinished.replace(path)
    return state
