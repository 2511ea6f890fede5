"""May this dataset go to that portal at all?"""

from __future__ import annotations

from stadtdaten.contracts.model import Dataset
from stadtdaten.faults import Finding, GateFailed
from stadtdaten.frames import Manifest

REASON = (
    "darf nur auf das Portal der Beispielstadt: der Schutz gegen den Vergleich aufeinanderfolgender "
    "Veröffentlichungen fehlt noch."
)


def allowed_on(dataset: Dataset, portal_sample: bool) -> None:
    """Raise GateFailed("privacy") for a dataset with any column about people unless the portal is the sample's.

    Releases of such datasets are not yet protected against differencing with earlier ones, nor is a person's approval
    asked; until both exist, no public portal gets them.
    """
    if portal_sample or not dataset.personal:
        return
    columns = [(t.id, c.name, c.class_) for t in dataset.tables for c in t.columns if c.class_ != "public"]
    raise GateFailed(
        "privacy",
        f"Datensatz {dataset.id} enthält {len(columns)} Spalte(n) mit Bezug zu Personen und {REASON}",
        next_step="Den Datensatz nicht auf dieses Portal stellen. Ist eine Spalte zu Unrecht so eingestuft, ihre "
        "Klasse (class) im Vertrag mit dem Datenschutz klären.",
        findings=tuple(
            Finding("personal_column", f"Spalte {column} ist von der Klasse {class_}.", table, column)
            for table, column, class_ in columns
        ),
    )


def release_allowed_on(manifest: Manifest, portal_sample: bool) -> None:
    """The same for a finished release, which may be older than the contract in force (a rollback)."""
    if manifest.personal and not portal_sample:
        raise GateFailed(
            "privacy",
            f"Die Fassung {manifest.release} des Datensatzes {manifest.dataset} entstand aus Daten mit Bezug zu "
            f"Personen und {REASON}",
            next_step="Die Fassung nicht auf dieses Portal stellen.",
        )
