"""What does an unchanged source cost? Library time of `fetch_table` with the lock of what is live, in milliseconds.

One conditional request over HTTP (the server's time included), one look into a folder, one statement to a database
that is read incrementally: each answers NotModified. The three are measured in turn, again and again.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from samplecity.city import SampleCity
from samplecity.offers import database_path
from samplecity.ports import Ports
from stadtdaten.contracts import Contract, load_contract
from stadtdaten.contracts.interfaces import FolderInterface, Interface
from stadtdaten.contracts.model import Table
from stadtdaten.extract import Fetched, NotModified, fetch_table
from stadtdaten.frames import Endpoint, TableLock

CONTRACTS = Path(__file__).resolve().parents[1] / "include" / "contracts"
REPEATS = 50
ALLOWED_MS = 100

Ask = Callable[[TableLock | None], Fetched | NotModified]


def main() -> None:
    """Print median and worst of each kind of source."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with SampleCity(folder, Ports.any()) as city:
            asks = {
                "http (304)": _http(folder, city.ports),
                "folder": _folder(folder),
                "sql, incremental": _sql(folder),
            }
            locks = {kind: _lock(ask) for kind, ask in asks.items()}
            times: dict[str, list[float]] = {kind: [] for kind in asks}
            for _ in range(REPEATS):
                for kind, ask in asks.items():
                    began = time.perf_counter()
                    answer = ask(locks[kind])
                    times[kind].append((time.perf_counter() - began) * 1000)
                    if not isinstance(answer, NotModified):
                        raise SystemExit(f"{kind}: the source counts as changed")
    print(f"{'unchanged source':<20}{'median ms':>12}{'worst ms':>12}{'of the allowed':>16}")
    for kind, taken in times.items():
        median = statistics.median(taken)
        print(f"{kind:<20}{median:>12.1f}{max(taken):>12.1f}{median / ALLOWED_MS:>16.2f}")


def _http(folder: Path, ports: Ports) -> Ask:
    contract = load_contract(CONTRACTS / "umweltmessnetz.yaml")
    endpoint = Endpoint(url=f"http://127.0.0.1:{ports.city}/umweltmessnetz")
    return _asking(contract, contract.interface, contract.datasets[0].tables[0], endpoint, folder)


def _folder(folder: Path) -> Ask:
    contract = load_contract(CONTRACTS / "umweltmessnetz.yaml")
    drop = folder / "ablage"
    drop.mkdir()
    file = drop / "tageswerte.csv"
    file.write_text("Name,Datum\nPegel,2026-01-01\n", encoding="utf-8")
    os.utime(file, (time.time() - 3600,) * 2)
    table = contract.datasets[0].tables[0].model_copy(update={"resource": file.name})
    interface = FolderInterface(kind="folder", connection="ablage")
    return _asking(contract, interface, table, Endpoint(url=drop.as_uri()), folder)


def _sql(folder: Path) -> Ask:
    contract = load_contract(CONTRACTS / "kfz_bestand.yaml")
    endpoint = Endpoint(url=f"sqlite:///{database_path(folder, 'kfz_bestand').resolve()}")
    return _asking(contract, contract.interface, contract.datasets[0].tables[0], endpoint, folder)


def _asking(contract: Contract, interface: Interface, table: Table, endpoint: Endpoint, folder: Path) -> Ask:
    download = folder / f"download-{interface.kind}"
    download.mkdir()
    return lambda previous: fetch_table(interface, table, endpoint, download, contract.limits, previous)


def _lock(ask: Ask) -> TableLock:
    fetched = ask(None)
    if not isinstance(fetched, Fetched):
        raise SystemExit("the first answer must be data")
    return TableLock(
        resource=fetched.sources[0].name, url=fetched.url, files=fetched.sources, source_bytes=fetched.source_bytes,
        content_hash="", rows=0, columns=(),
    )  # fmt: skip


if __name__ == "__main__":
    main()
