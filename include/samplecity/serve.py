"""How does the sample city run as a process of its own? Until SIGINT or SIGTERM: ``python -m samplecity.serve``."""

from __future__ import annotations

import argparse
import signal
import threading
from pathlib import Path

from samplecity.city import SampleCity
from samplecity.ports import PortError, Ports, ports_from_environment


def main(var: Path, ports: Ports) -> None:
    """Serve until SIGINT or SIGTERM. Raises PortError, with nothing left running, if a port cannot be used."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with SampleCity(var, ports) as city:
        chosen = ", ".join(f"{field} {port}" for field, port in city.ports.model_dump().items())
        print(f"The sample city is open on 127.0.0.1: {chosen}", flush=True)
        stop.wait()


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m samplecity.serve", description=__doc__)
    parser.add_argument("--var", type=Path, default=Path("var"), help="folder of all state (default: var)")
    try:
        main(parser.parse_args().var, ports_from_environment())
    except PortError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    _main()
