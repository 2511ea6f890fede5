"""Airflow's scheduler with the tasks' libraries in memory: tasks of its LocalExecutor are forks of it.

Great Expectations alone takes 3 s to import, longer than most tasks take besides. Nothing of our own code is loaded:
what a developer changes is seen by the next task.
"""

from __future__ import annotations

import importlib
import runpy

LIBRARIES = ("great_expectations", "geopandas", "pyogrio", "pyarrow.parquet", "scipy.sparse.csgraph", "rdflib")

if __name__ == "__main__":
    for library in LIBRARIES:
        importlib.import_module(library)
    runpy.run_module("airflow", run_name="__main__", alter_sys=True)
