"""All servers start, or none; all stop; the state and the script are read strictly."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
import requests
from pydantic import ValidationError

from declared_keys import key_connections
from samplecity.city import SampleCity, connections
from samplecity.delivery import advance
from samplecity.ports import PortError, Ports, ports_from_environment
from samplecity.script import Script, load_script
from samplecity.state import State, StateError, begin, read_state, state_path
from stadtdaten.contracts import load_contract

ANY = Ports.any()


@pytest.fixture
def taken() -> int:
    """A port that this test process listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize("field", ["city", "portal", "mailbox", "smtp"])
def test_a_taken_port_is_named_and_nothing_is_left_half_started(tmp_path: Path, taken: int, field: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        free = probe.getsockname()[1]
    other = "portal" if field != "portal" else "city"
    city = SampleCity(tmp_path, ANY.model_copy(update={field: taken, other: free}))

    with pytest.raises(PortError, match=rf"port {taken} .*pid {os.getpid()}.*{field.upper()}_PORT"):
        city.start()
    socket.create_server(("127.0.0.1", free)).close()


CONTRACTS = Path(__file__).resolve().parents[2] / "include" / "contracts"


def test_the_program_ends_with_1_and_the_message_for_a_taken_port(tmp_path: Path, taken: int) -> None:
    ended = _serve(tmp_path, CITY_PORT=str(taken))
    output, message = ended.communicate(timeout=20)
    assert (ended.returncode, output) == (1, "")
    assert f"port {taken} (the source systems)" in message and "Traceback" not in message


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_program_serves_until_it_is_told_to_end(tmp_path: Path, number: signal.Signals) -> None:
    running = _serve(tmp_path)
    assert running.stdout is not None
    ports = dict(part.split() for part in running.stdout.readline().split(": ")[1].split(", "))
    assert requests.get(f"http://127.0.0.1:{ports['city']}/", timeout=60).status_code == 200

    running.send_signal(number)
    _, message = running.communicate(timeout=60)
    assert (running.returncode, message) == (0, "")


def _serve(var: Path, **environment: str) -> subprocess.Popen[str]:
    chosen = {"CITY_PORT": "0", "PORTAL_PORT": "0", "MAILBOX_PORT": "0", "SMTP_PORT": "0", **environment}
    return subprocess.Popen(
        [sys.executable, "-m", "samplecity.serve", "--var", str(var)], env={**os.environ, **chosen}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_a_stopped_city_answers_no_more(tmp_path: Path) -> None:
    with SampleCity(tmp_path, ANY) as city:
        assert requests.get(city.url(), timeout=60).status_code == 200
    for port in city.ports.model_dump().values():
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=60)


def test_only_this_machine_is_served(city: SampleCity) -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", city.ports.city), timeout=60)


@pytest.mark.parametrize("text", ["http", "-1", "65536", "80.5"])
def test_a_port_that_is_no_port_is_an_error_with_its_variable(text: str) -> None:
    with pytest.raises(PortError, match="SMTP_PORT"):
        ports_from_environment({"SMTP_PORT": text})


def test_ports_come_from_the_environment_and_have_defaults() -> None:
    assert ports_from_environment({"PORTAL_PORT": "9000", "CITY_PORT": ""}) == Ports(
        city=8081, portal=9000, mailbox=8083, smtp=8025
    )


def test_connections_are_airflow_json_for_every_source(tmp_path: Path) -> None:
    described = {name: json.loads(text) for name, text in connections(tmp_path, Ports()).items()}
    contracts = [load_contract(path) for path in sorted(CONTRACTS.glob("*.yaml"))]
    asked = {contract.interface_of(dataset).connection for contract in contracts for dataset in contract.datasets}
    keys = {name for contract in contracts for name in key_connections(contract)}
    assert keys
    assert set(described) == {f"AIRFLOW_CONN_{name.upper()}" for name in (*asked, *keys, "smtp_default")}
    assert described["AIRFLOW_CONN_UMWELTMESSNETZ"]["host"] == "http://127.0.0.1:8081/umweltmessnetz"
    assert described["AIRFLOW_CONN_EINWOHNERSTATISTIK"]["host"].startswith("sqlite:////")
    assert described["AIRFLOW_CONN_SMTP_DEFAULT"] == {"conn_type": "smtp", "host": "127.0.0.1", "port": 8025}


def test_the_first_day_stays_when_the_night_advances(tmp_path: Path) -> None:
    begin(tmp_path, date(2026, 11, 23))
    advance(tmp_path, 2)
    assert begin(tmp_path, date(2026, 12, 1)) == read_state(tmp_path) == State(first_day=date(2026, 11, 23), night=2)


def test_a_state_that_is_missing_or_damaged_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="never started"):
        read_state(tmp_path)
    begin(tmp_path, date(2026, 11, 23))
    state_path(tmp_path).write_text('{"first_day": "2026-11-23"}')
    with pytest.raises(StateError, match="delete it"):
        advance(tmp_path, 2)


def test_the_script_tells_of_one_source_that_is_held_back() -> None:
    script = load_script()
    outcomes = [{name: expected.outcome for name, expected in night.datasets.items()} for night in script.nights]
    assert set(outcomes[0].values()) == {"published"}
    assert [name for name, outcome in outcomes[1].items() if outcome == "held_back"] == ["baumkataster"]


@pytest.mark.parametrize("change", ["unknown key", "wrong order", "dataset forgotten", "other night again"])
def test_a_script_with_a_mistake_is_not_loaded(change: str) -> None:
    script = load_script().model_dump(mode="json")
    match change:
        case "unknown key":
            script["nights"][0]["datasets"]["einwohner"]["ergebnis"] = "published"
        case "wrong order":
            script["nights"].reverse()
        case "dataset forgotten":
            del script["nights"][1]["datasets"]["einwohner"]
        case "other night again":
            script["again"]["night"] = 1
    with pytest.raises(ValidationError):
        Script.model_validate(script)


def test_the_environment_command_gives_a_shell_every_connection(tmp_path: Path) -> None:
    printed = subprocess.run(
        [sys.executable, "-c", "from samplecity.cli import main; main()", "environment", "--var", str(tmp_path)],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    shell = subprocess.run(["bash", "-c", printed + "\nenv -0"], capture_output=True, check=True).stdout
    given = dict(line.split("=", 1) for line in shell.decode().split("\0") if "=" in line)
    for name, text in connections(tmp_path, Ports()).items():
        assert json.loads(given[name]) == json.loads(text)
    assert given["STADTDATEN_VAR"] == str(tmp_path)
