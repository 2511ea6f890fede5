"""Where outside the source itself can a mark be read? For tests whose sample sources mark every personal value."""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping
from pathlib import Path

import pyarrow.parquet as pq

from installation import Site
from stadtdaten.faults import Fault


def found_outside(site: Site, marks: re.Pattern[str], log: str, faults: Mapping[str, Fault | None]) -> list[str]:
    """Every place that holds a mark: files below ``var`` by path or content, mails, the log, what faults tell."""
    source = site.var / "samplecity"
    files = [path for path in site.var.rglob("*") if path.is_file() and source not in path.parents]
    texts = {str(path.relative_to(site.var)): path.name + _content(path) for path in files}
    texts["log"] = log
    for mail in site.mails():
        parts = [str(part.get_content()) for part in mail.walk() if not part.is_multipart()]
        texts[f"mail {mail['Date']}"] = "\n".join([*map(str, mail.values()), *parts])
    for name, fault in faults.items():
        if fault is not None:
            lines = traceback.format_exception(fault)
            texts[f"fault of {name}"] = "".join([*lines, repr((fault.next_step, fault.findings))])
    return [place for place, text in texts.items() if marks.search(text)]


def staged(site: Site) -> list[Path]:
    """What is left of the source's own values."""
    return [path for path in (site.var / "staging").rglob("*") if path.is_file()]


def _content(path: Path) -> str:
    """What can be read in a file; Parquet is packed."""
    if path.suffix == ".parquet":
        return str(pq.read_table(path).to_pylist())
    return path.read_bytes().decode("utf-8", "replace")
