"""The detectors of personal data: recall and precision on the labelled corpus, hits in real municipal files, speed.

The corpus is that of the tests (tests/privacy/text/corpus.py); the real files are those of ../shared/data, where there
are any. What the hits are worth is judged by hand, in docs/erkennung-personenbezug.md. `--hits KIND` prints the places
of a kind, for that judging.
"""

from __future__ import annotations

import csv
import io
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyogrio

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from privacy.text.corpus import KIND_BY_FIELD, corpus  # noqa: E402
from stadtdaten.privacy.text.detectors import DETECTORS, find, find_personal_data  # noqa: E402
from stadtdaten.privacy.text.scrub import scrub  # noqa: E402

SIZE = 6000
WORDS = "Winterlinde Stieleiche Bank defekt Mülleimer voll Laterne aus Gehweg kaputt bitte prüfen danke Ampel".split()  # noqa: SIM905


def corpus_table(split: str) -> None:
    """Recall per field (labels found as a whole, and labels no longer readable after scrubbing), precision per kind."""
    labels, found, scrubbed, spans, right = (Counter[str]() for _ in range(5))
    for text in corpus(split, SIZE, seed=7):
        hits = find(text.text)
        (clean,) = scrub([text.text], {})
        for label in text.labels:
            kind = KIND_BY_FIELD[label.field]
            labels[label.field] += 1
            found[label.field] += any(
                hit.kind == kind and hit.start <= label.start and label.end <= hit.end for hit in hits
            )
            scrubbed[label.field] += text.text[label.start : label.end] not in clean
        for hit in hits:
            spans[hit.kind] += 1
            right[hit.kind] += any(
                KIND_BY_FIELD[label.field] == hit.kind and label.start < hit.end and hit.start < label.end
                for label in text.labels
            )
    print(f"{split}: {SIZE} texts")
    for field, kind in KIND_BY_FIELD.items():
        total = labels[field]
        print(
            f"  {field:10s} {total:5d} labels, recall {found[field] / total:.4f}, "
            f"scrubbed {scrubbed[field] / total:.4f}, "
            f"precision of {kind} {right[kind] / spans[kind]:.4f}"
        )


def columns(path: Path) -> Iterator[list[str]]:
    """The columns of a table (with its heading), or the lines of any other text, without empty cells."""
    if path.suffix in (".csv", ".dbf"):
        if path.suffix == ".csv":
            raw = path.read_bytes()
            try:
                text = raw.decode("utf-8-sig")
            except UnicodeDecodeError:
                text = raw.decode("cp1252")
            delimiter = max(";,\t", key=text.partition("\n")[0].count)
            rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
        else:
            frame = pyogrio.read_dataframe(path, read_geometry=False).astype("string").fillna("")
            rows = [list(frame.columns), *frame.values.tolist()]
        for number in range(max(map(len, rows), default=0)):
            yield [row[number] for row in rows if len(row) > number and row[number]]
    else:
        yield path.read_text(encoding="utf-8", errors="replace").splitlines()


def real_files(shown: str) -> None:
    """Cells and hits by kind over every file of ../shared/data."""
    folder = ROOT.parent / "shared" / "data"
    cells, hits = 0, Counter[str]()
    for path in sorted(folder.rglob("*")):
        if path.suffix not in (".csv", ".dbf", ".geojson", ".kml", ".xml", ".md", ".ttl"):
            continue
        for column in columns(path):
            cells += len(column)
            for hit in find_personal_data(column):
                hits[hit.kind] += hit.count
                if hit.kind == shown:
                    for text in sorted(set(column)):
                        places = [text[span.start : span.end] for span in find(text) if span.kind == shown]
                        if places:
                            print(f"  {path.relative_to(folder)}: {' | '.join(places)}")
    print(f"real files: {cells} cells; {dict(hits)}")


def speed() -> None:
    """Columns of a million different texts."""
    for name, texts in (
        ("ids", [f"B{number:07d}" for number in range(1_000_000)]),
        ("short texts", [" ".join(WORDS[(n * k) % 14] for k in range(1, 7)) + f" {n}" for n in range(1_000_000)]),
        ("addresses", [f"Ahsestraße {number % 240}, Zimmer {number}" for number in range(1_000_000)]),
    ):
        start = time.process_time()
        find_personal_data(texts)
        print(f"1,000,000 different {name}: {time.process_time() - start:.1f} s of CPU")
    texts = [text.text for text in corpus("tuning", SIZE, seed=1)]
    for kind, detector in DETECTORS.items():
        start = time.process_time()
        for text in texts:
            list(detector(text))
        print(f"  {kind:24s} {(time.process_time() - start) / SIZE * 1e6:6.1f} µs for a complaint")


if __name__ == "__main__":
    corpus_table("tuning")
    corpus_table("held_out")
    real_files(sys.argv[2] if len(sys.argv) > 2 else "")
    speed()
