"""How is Airflow set up to run on one computer, for one person, with nothing else installed?

Everything Airflow keeps is under ``var/airflow``: SQLite, logs, generated secrets. What the settings are worth was
measured on two cores: with the defaults six trivial tasks in a row take 7 to 10 s, like this 1 to 2 s.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from samplecity.ports import HOST, Ports
from samplecity.services import Service, log_path

AIRFLOW = (sys.executable, "-m", "airflow")

API_SERVER = Service("api-server", (sys.executable, "-m", "samplecity.api_server", "api-server"))
DAG_PROCESSOR = Service("dag-processor", (*AIRFLOW, "dag-processor"))
SCHEDULER = Service(
    "scheduler",
    (sys.executable, "-m", "samplecity.scheduler", "scheduler", "--skip-serve-logs"),  # would listen on all addresses
)
TRIGGERER = Service("triggerer", (*AIRFLOW, "triggerer", "--skip-serve-logs"))

USER = "admin"


class SetupFailed(Exception):
    """Airflow's database could not be prepared."""


@dataclass(frozen=True)
class Secrets:
    """What is generated once per installation."""

    password: str
    jwt: str
    session: str
    fernet: str


def generated_secrets(var: Path) -> Secrets:
    """The secrets of this installation, generated at first and kept in files that only we can read.

    The login's password also stands in the file where Airflow's SimpleAuthManager looks for it.
    """
    path = var / "airflow" / "secrets.json"
    if not path.exists():
        made = Secrets(
            password=secrets.token_urlsafe(9),
            jwt=secrets.token_urlsafe(64),
            session=secrets.token_urlsafe(32),
            fernet=base64.urlsafe_b64encode(os.urandom(32)).decode(),
        )
        _write_private(_passwords_path(var), {USER: made.password})
        _write_private(path, asdict(made))
    return Secrets(**json.loads(path.read_text(encoding="utf-8")))


def airflow_url(port: int) -> str:
    """Address of Airflow's pages and REST API, without a final slash."""
    return f"http://{HOST}:{port}"


def library_environment(home: Path, var: Path, ports: Ports) -> dict[str, str]:
    """The part of the services' environment that the library reads."""
    return {
        "STADTDATEN_HOME": str(home),
        "STADTDATEN_VAR": str(var),
        "STADTDATEN_PORTAL_URL": f"http://{HOST}:{ports.portal}/",
        "STADTDATEN_PORTAL_SAMPLE": "true",
    }


def environment(
    home: Path, var: Path, ports: Ports, airflow_port: int, connections: Mapping[str, str], *, scheduled: bool
) -> dict[str, str]:
    """The whole environment of the services.

    ``connections`` are Airflow's ``AIRFLOW_CONN_*``; ``scheduled`` says whether runs also start by the clock. A night
    that is played must not meet runs that Airflow starts by itself because a DAG is new to it.
    """
    secret = generated_secrets(var)
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AIRFLOW", "STADTDATEN_", "PYTHON", "GX_")) and not name.lower().endswith("_proxy")
    }
    return {
        **inherited,
        "PYTHONSAFEPATH": "1",  # services run in var/, whose folders must not be taken for packages
        "PYTHONFAULTHANDLER": "1",  # a crash in native code leaves a trace in the log
        "PYTHONUNBUFFERED": "1",  # logs are complete when something is killed
        "SPT_NOENV": "1",  # else Airflow's process titles overwrite the mark by which services are found
        "GX_ANALYTICS_ENABLED": "false",
        **library_environment(home, var, ports),
        "AIRFLOW_HOME": str(var / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(home / "plugins"),
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "3",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAG_DISCOVERY_SAFE_MODE": "False",  # else a DAG file without the word "airflow" is skipped
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",  # a triggered run of a paused DAG waits for ever
        "AIRFLOW__CORE__DEFAULT_TIMEZONE": "Europe/Berlin",
        "AIRFLOW__CORE__FERNET_KEY": secret.fernet,
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(_passwords_path(var)),
        # timeout: seconds to wait for SQLite's write lock; the driver's 5 are too few when both cores are busy
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{_database_path(var)}?timeout=60",
        "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": str(scheduled),
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.1",
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "AIRFLOW__API__HOST": HOST,
        "AIRFLOW__API__PORT": str(airflow_port),
        "AIRFLOW__API__BASE_URL": airflow_url(airflow_port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__SECRET_KEY": secret.session,
        "AIRFLOW__API_AUTH__JWT_SECRET": secret.jwt,
        "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
        **connections,
    }


def migrate(var: Path, environment: Mapping[str, str]) -> None:
    """Bring Airflow's database to this version's tables; asking Airflow takes 3 s, so done once per version.

    Raises SetupFailed.
    """
    done = var / "airflow" / "migrated"
    current = version("apache-airflow-core")
    if _database_path(var).exists() and done.exists() and done.read_text(encoding="utf-8") == current:
        return
    log = log_path(var, "migration")
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        result = subprocess.run(
            [*AIRFLOW, "db", "migrate"], env=dict(environment), stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
    if result.returncode:
        raise SetupFailed(f"Airflow's database could not be prepared (exit code {result.returncode}), see {log}")
    done.write_text(current, encoding="utf-8")


def _database_path(var: Path) -> Path:
    return var / "airflow" / "airflow.db"


def _passwords_path(var: Path) -> Path:
    return var / "airflow" / "passwords.json"


def _write_private(path: Path, content: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".tmp")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(content, file)
    unfinished.replace(path)
