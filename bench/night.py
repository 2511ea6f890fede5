"""What does a night of one source cost: published against unchanged, time and peak memory of the whole process?"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from samplecity.city import SampleCity
from samplecity.ports import Ports

SOURCES = ("umweltmessnetz", "spielplaetze", "einwohnerstatistik", "baumkataster")
REPEATS = 3
COMMAND = Path(sys.executable).with_name("stadtdaten")


def main() -> None:
    """Run the command line against the sample city; the first run is a warm-up and not counted."""
    with tempfile.TemporaryDirectory() as folder:
        var = Path(folder)
        with SampleCity(var, Ports.any()) as city:
            environment = {
                **os.environ,
                **city.connections(),
                "STADTDATEN_VAR": folder,
                "STADTDATEN_PORTAL_URL": f"http://127.0.0.1:{city.ports.portal}/",
                "STADTDATEN_PORTAL_SAMPLE": "true",
            }
            print(f"{'source':<22}{'published s':>12}{'unchanged s':>12}{'ratio':>8}")
            for source in SOURCES:
                _run(environment, source)
                published = [_run(environment, source, "--force") for _ in range(REPEATS)]
                unchanged = [_run(environment, source) for _ in range(REPEATS)]
                full, idle = statistics.median(published), statistics.median(unchanged)
                print(f"{source:<22}{full:>12.2f}{idle:>12.2f}{idle / full:>8.2f}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"peak memory of the largest process: {peak:.0f} MiB")


def _run(environment: dict[str, str], source: str, *options: str) -> float:
    began = time.perf_counter()
    subprocess.run([COMMAND, "run", source, "--json", *options], env=environment, check=True, capture_output=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
