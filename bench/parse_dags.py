"""What does it cost to parse each DAG file, with the imports it causes?

Fresh processes; CPU time, because wall time on a busy machine says more about the others.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

DAGS = Path(__file__).resolve().parents[1] / "dags"
BUDGET = 0.15
REPEATS = 5

MEASURE = """
import importlib.util, json, sys, time
import airflow.sdk  # the DAG processor has it already when it reads a file
from airflow.sdk import DAG, task, TaskGroup
seconds = {}
for path in sys.argv[1:]:
    began = time.process_time()
    spec = importlib.util.spec_from_file_location("dag_file", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    seconds[path] = time.process_time() - began
print(json.dumps(seconds))
"""


def main() -> None:
    """Measure each file in a process of its own, so that each pays for its own imports."""
    files = sorted(str(path) for path in DAGS.glob("*.py"))
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "AIRFLOW_HOME": home, "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
        print(f"{'DAG file':<28}{'median CPU s':>14}{'worst':>8}{'of 0.15 s':>11}")
        for file in files:
            runs = [_seconds(file, environment) for _ in range(REPEATS)]
            median = statistics.median(runs)
            print(f"{Path(file).name:<28}{median:>14.3f}{max(runs):>8.3f}{median / BUDGET:>10.0%}")


def _seconds(file: str, environment: dict[str, str]) -> float:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, file], env=environment, capture_output=True, text=True, check=True
    )
    return float(json.loads(done.stdout.splitlines()[-1])[file])


if __name__ == "__main__":
    main()
