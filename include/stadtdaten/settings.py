"""Where this installation keeps things: read from the environment when asked for, never at import.

Every value has a default that suits a checkout (everything under ``var/``), so a first run needs no configuration.
"""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

PREFIX = "STADTDATEN_"


class Settings(BaseModel):
    """Paths and addresses of one installation. Each field is set by ``STADTDATEN_<FIELD>``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    home: Path = Field(description="The checkout: contracts, suites, DAGs")
    var: Path = Field(description="All state of this installation")
    ledger: str = Field(description="SQLAlchemy URL of the ledger")
    releases: str = Field(description="Release store: a folder or any address fsspec understands")
    portal: Path = Field(description="Folder of the StaticPortal")
    portal_url: str = Field(description="Address under which visitors reach the StaticPortal, ending in /")
    portal_sample: bool = Field(default=False, description="Whether the portal is the sample's (no public reads it)")
    mail_from: str = "opendata-pipeline@localhost"

    @property
    def contracts(self) -> Path:
        """Folder of the contracts."""
        return self.home / "include" / "contracts"

    @property
    def city(self) -> Path:
        """File that describes the city."""
        return self.home / "include" / "city.yaml"

    @property
    def expectations(self) -> Path:
        """Folder of the suites."""
        return self.home / "expectations"

    @property
    def staging(self) -> Path:
        """Folder of snapshots (0700); emptied when a run ends."""
        return self.var / "staging"

    @property
    def candidates(self) -> Path:
        """Folder of finished, anonymised releases that are not decided yet."""
        return self.var / "candidates"


def settings_from_environment() -> Settings:
    """The settings in force, from ``STADTDATEN_*``; an unknown variable with that prefix is an error."""
    given = {name[len(PREFIX) :].lower(): value for name, value in os.environ.items() if name.startswith(PREFIX)}
    home = Path(given.pop("home", "") or Path(__file__).resolve().parents[2])
    var = Path(given.pop("var", "") or home / "var")
    values: dict[str, object] = {
        "ledger": f"sqlite:///{var / 'ledger.sqlite'}",
        "releases": str(var / "releases"),
        "portal": var / "portal",
        "portal_url": "http://127.0.0.1:8082/",
        **given,
    }
    return Settings.model_validate({"home": home, "var": var, **values})
