"""Every test here needs the judges, which `make test-judges` installs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]
Ask = Callable[..., dict[str, Any]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests of this folder, so that none is forgotten."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.judges)


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """Hands a frame (as CSV) and a question to ``verdict.py`` in the judges' own environment."""

    def put(frame: pd.DataFrame, judge: str, **question: Any) -> dict[str, Any]:
        frame.to_csv(tmp_path / "records.csv", index=False)
        (tmp_path / "question.json").write_text(json.dumps(question), encoding="utf-8")
        done = subprocess.run(
            [ROOT / ".venv-judges" / "bin" / "python", Path(__file__).with_name("verdict.py"), judge, tmp_path],
            capture_output=True, text=True, check=False, env={"PYTHONIOENCODING": "utf-8"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        answer: dict[str, Any] = json.loads((tmp_path / "answer.json").read_text(encoding="utf-8"))
        return answer

    return put
