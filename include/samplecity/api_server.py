"""Airflow's api-server without Python's cyclic garbage collector, in which it crashes (SIGSEGV).

With Airflow 3.3.2 on Python 3.11 it did so about once in twenty starts, and the more the longer it is asked, in no code
of ours; production runs the unchanged command. What the collector would have found stays in memory.
"""

from __future__ import annotations

import gc
import runpy

if __name__ == "__main__":
    gc.disable()
    runpy.run_module("airflow", run_name="__main__", alter_sys=True)
