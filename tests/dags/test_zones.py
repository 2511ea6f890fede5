"""The zones of the contracts and the workers of the production set-up."""

from __future__ import annotations

from pathlib import Path

from ruamel.yaml import YAML

from stadtdaten.contracts import load_contract

ROOT = Path(__file__).resolve().parents[2]


def test_a_zone_that_no_worker_or_more_than_one_service_listens_to_is_noticed() -> None:
    services = YAML(typ="safe", pure=True).load(ROOT / "docker-compose.yaml")["services"]
    commands = [service.get("command", []) for service in services.values()]
    queues = sorted(command[-1] for command in commands if command[:3] == ["celery", "worker", "--queues"])

    zones = {load_contract(path).zone for path in (ROOT / "include" / "contracts").glob("*.yaml")}

    assert queues == sorted(zones)
