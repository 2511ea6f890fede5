"""Airflow's api-server with rare garbage collection, because that is where it crashes (SIGSEGV).

With Airflow 3.3.2 on Python 3.11 the cyclic collector meets an object without a type, in no code of ours: with Python's
own thresholds up to twice in 200 s of being asked. Without any collection the server grows by 0.8 GB a minute.
Production runs the unchanged command.
"""

from __future__ import annotations

import gc
import runpy

OBJECTS = 50_000
"""New objects between two collections of the youngest generation; Python's own number is 700."""

if __name__ == "__main__":
    gc.set_threshold(OBJECTS, 10, 10)
    runpy.run_module("airflow", run_name="__main__", alter_sys=True)
