"""Where this installation keeps things and reaches others: read from the environment when asked for, never at import.

Every value has a default that suits a checkout (everything under ``var/``), so a first run needs no configuration.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, Json, ValidationError

from stadtdaten.faults import Misconfigured
from stadtdaten.frames import Endpoint

PREFIX = "STADTDATEN_"


class Settings(BaseModel):
    """Paths and addresses of one installation. Each field is set by ``STADTDATEN_<FIELD>``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    home: Path = Field(description="The checkout: contracts, suites, DAGs")
    var: Path = Field(description="All state of this installation")
    ledger: str = Field(description="SQLAlchemy URL of the ledger")
    releases: str = Field(description="Release store: a folder or any address fsspec understands")
    candidates: Path = Field(description="Finished, anonymised releases not decided yet; shared by all workers")
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


def settings_from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings in force, from ``STADTDATEN_*``; an empty variable counts as not set.

    Raises Misconfigured for an unknown or unusable variable with that prefix, by name: its value may be a password.
    """
    given = {
        name[len(PREFIX) :].lower(): value for name, value in environment.items() if name.startswith(PREFIX) and value
    }
    home = Path(given.pop("home", Path(__file__).resolve().parents[2]))
    var = Path(given.pop("var", home / "var"))
    values: dict[str, object] = {
        "ledger": f"sqlite:///{var / 'ledger.sqlite'}",
        "releases": str(var / "releases"),
        "candidates": var / "candidates",
        "portal": var / "portal",
        "portal_url": "http://127.0.0.1:8082/",
        **given,
    }
    try:
        return Settings.model_validate({"home": home, "var": var, **values})
    except ValidationError as error:
        wrong = ", ".join(sorted({f"{PREFIX}{str(each['loc'][0]).upper()}" for each in error.errors()}))
        known = ", ".join(f"{PREFIX}{name.upper()}" for name in Settings.model_fields)
        raise Misconfigured(
            f"Umgebungsvariable unbekannt oder unbrauchbar: {wrong}.", next_step=f"Bekannt sind: {known}."
        ) from None


def endpoint(
    *, conn_type: str, host: str, port: int | None, schema: str, login: str, password: str, extra: Mapping[str, object]
) -> Endpoint:
    """An Endpoint from the fields of an Airflow Connection; a host that holds ``://`` is taken as the whole address."""
    if "://" in host or not host:
        url = host
    else:
        scheme = {"postgres": "postgresql+psycopg2"}.get(conn_type, conn_type)
        url = f"{scheme}://{host}" + (f":{port}" if port else "") + (f"/{schema}" if schema else "")
    options = {name: value if isinstance(value, str) else json.dumps(value) for name, value in extra.items()}
    return Endpoint(url=url, login=login, password=password, options=options)


class _ConnectionFields(BaseModel):
    """What we read of Airflow's JSON form of a connection; it has more (``description``)."""

    conn_type: str | None = None
    host: str | None = None
    port: int | None = None
    schema_: str | None = Field(default=None, alias="schema")
    login: str | None = None
    password: str | None = None
    extra: dict[str, object] | Json[dict[str, object]] | None = None


def endpoint_from_environment(connection_id: str) -> Endpoint:
    """The connection as Airflow's own environment variable ``AIRFLOW_CONN_<ID>`` (JSON) gives it.

    Lets every step run without Airflow. Raises Misconfigured.
    """
    name = f"AIRFLOW_CONN_{connection_id.upper()}"
    text = os.environ.get(name)
    if text is None:
        raise Misconfigured(
            f"Die Verbindung {connection_id!r} ist nicht eingerichtet.",
            next_step=f"Außerhalb von Airflow die Umgebungsvariable {name} im JSON-Format setzen.",
        )
    try:
        fields = _ConnectionFields.model_validate_json(text)
    except ValidationError as error:
        # Only where: the value may be a password.
        wrong = ", ".join(sorted({str(each["loc"][0]) for each in error.errors() if each["loc"]}))
        raise Misconfigured(
            f"Die Umgebungsvariable {name} ist kein JSON-Objekt mit den Feldern einer Verbindung"
            + (f"; unbrauchbar: {wrong}." if wrong else "."),
            next_step='Erwartet wird zum Beispiel {"conn_type": "http", "host": "https://…"}.',
        ) from None
    return endpoint(
        conn_type=fields.conn_type or "",
        host=fields.host or "",
        port=fields.port,
        schema=fields.schema_ or "",
        login=fields.login or "",
        password=fields.password or "",
        extra=fields.extra or {},
    )
