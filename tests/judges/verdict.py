"""Runs in the judges' own environment (pandas 2), without anything of ours: asks them about a table of records.

Called with the judge's name and a folder that holds ``records.csv`` and ``question.json``; writes ``answer.json``, and
for anjana what it would publish as ``published.csv``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd


def pycanon(records: pd.DataFrame, question: dict[str, Any]) -> dict[str, Any]:
    """k, l and t of the records as published."""
    from pycanon import anonymity

    answer: dict[str, Any] = {"k": int(anonymity.k_anonymity(records, question["quasi"]))}
    if question["sensitive"]:
        answer["l"] = int(anonymity.l_diversity(records, question["quasi"], question["sensitive"]))
        answer["t"] = float(anonymity.t_closeness(records, question["quasi"], question["sensitive"]))
    return answer


def anjana(records: pd.DataFrame, question: dict[str, Any], folder: Path) -> dict[str, Any]:
    """What anjana publishes of the raw records under the same k, with the hierarchies given level by level."""
    from anjana.anonymity import k_anonymity

    hierarchies = {
        name: {level: pd.Series(labels) for level, labels in enumerate(levels)}
        for name, levels in question["hierarchies"].items()
    }
    published = k_anonymity(records, [], question["quasi"], question["k"], question["suppressed"] * 100, hierarchies)
    published[question["quasi"]].to_csv(folder / "published.csv", index=False)
    return {"rows": len(published)}


def anonypy(records: pd.DataFrame, question: dict[str, Any]) -> dict[str, Any]:
    """The groups that anonypy's Mondrian divides the raw records into: of each, the numbers of its rows."""
    from anonypy.mondrian import Mondrian

    groups = Mondrian(records, question["quasi"]).partition(question["k"])
    return {"groups": [[int(row) for row in group] for group in groups]}


def main() -> None:
    """Read the question, write the answer."""
    judge, folder = sys.argv[1], Path(sys.argv[2])
    question = json.loads((folder / "question.json").read_text(encoding="utf-8"))
    texts = {} if judge == "anonypy" else dict.fromkeys(question["quasi"], str)
    records = pd.read_csv(folder / "records.csv", dtype=texts, keep_default_na=False)
    if judge == "pycanon":
        answer = pycanon(records, question)
    elif judge == "anjana":
        answer = anjana(records, question, folder)
    else:
        answer = anonypy(records, question)
    (folder / "answer.json").write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()
