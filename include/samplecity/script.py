"""How are the nights of the sample city expected to end? The script that the night driver compares with."""

from __future__ import annotations

from importlib.resources import files
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from ruamel.yaml import YAML

Outcome = Literal["published", "unchanged", "held_back"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Expected(_Strict):
    """How one dataset's night ends. ``rows`` is what its source delivers where it is read to the end."""

    outcome: Outcome
    rows: int = Field(ge=1)


class Night(_Strict):
    """One night; ``story`` tells the newcomer in one German sentence what happens."""

    night: int = Field(ge=1)
    story: str
    datasets: dict[str, Expected]


class Script(_Strict):
    """All nights in order, and how the last one ends when it is run again with nothing changed."""

    nights: tuple[Night, ...] = Field(min_length=1)
    again: Night

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if [night.night for night in self.nights] != list(range(1, len(self.nights) + 1)):
            raise ValueError("nights must be numbered 1, 2, 3 ... in order")
        if self.again.night != self.nights[-1].night:
            raise ValueError("again repeats the last night: give it the same number")
        if any(set(night.datasets) != set(self.again.datasets) for night in self.nights):
            raise ValueError("every night must name the same datasets")
        return self


def load_script() -> Script:
    """The script of the nights. Raises pydantic's ValidationError if it is not one."""
    text = files("samplecity").joinpath("script.yaml").read_text(encoding="utf-8")
    return Script.model_validate(YAML(typ="safe", pure=True).load(text))
