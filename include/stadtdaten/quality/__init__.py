"""Quality gates: Great Expectations suites, loaded fail-closed, run twice, reported in German without values."""

from stadtdaten.quality.checks import run_suite
from stadtdaten.quality.gates import gate, portal_gate
from stadtdaten.quality.suites import Suite, SuiteError, check_suite, load_suite, suite_path

__all__ = ["Suite", "SuiteError", "check_suite", "gate", "load_suite", "portal_gate", "run_suite", "suite_path"]
