"""Where are releases kept, and are they still what they were?

The store is a folder or any other address that fsspec understands (``s3://...``), so nothing here renames or locks:
a release's files are written to their final, immutable paths and ``manifest.json`` last. A folder without a whole
manifest is what a killed attempt left; the next attempt writes over it.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from upath import UPath

from stadtdaten.faults import Finding, ReleaseDamaged
from stadtdaten.frames import Manifest
from stadtdaten.releases.manifest import MANIFEST, manifest_text, parse_manifest

CHUNK = 1 << 20


class ReleaseStore:
    """All releases of all datasets, at ``<address>/<dataset>/<release>/``."""

    def __init__(self, address: str) -> None:
        self._root = UPath(address)

    def has(self, dataset: str, release: str) -> bool:
        """Whether the release is kept completely."""
        return self._read_manifest(dataset, release) is not None

    def manifest(self, dataset: str, release: str) -> Manifest:
        """The table of contents of a kept release. Raises ReleaseDamaged if the release is missing or incomplete."""
        manifest = self._read_manifest(dataset, release)
        if manifest is None:
            raise ReleaseDamaged(
                f"Datensatz {dataset}: Release {release} fehlt im Release-Speicher oder ist unvollständig.",
                next_step="`stadtdaten status` zeigt die vorhandenen Releases; den Datensatz sonst neu bauen lassen.",
            )
        return manifest

    def releases(self, dataset: str) -> list[Manifest]:
        """All complete releases of the dataset, newest first. Raises ReleaseDamaged if a manifest is damaged."""
        found = [self._read_manifest(dataset, name) for name in self.names(dataset)]
        complete = [manifest for manifest in found if manifest is not None]
        return sorted(complete, key=lambda manifest: (manifest.created, manifest.release), reverse=True)

    def names(self, dataset: str) -> list[str]:
        """The names of all releases of the dataset, damaged and incomplete ones too."""
        folder = self._root / dataset
        return sorted(child.name for child in folder.iterdir() if child.is_dir()) if folder.is_dir() else []

    def erase(self, dataset: str) -> None:
        """Delete every byte of every release of the dataset, also of unfinished ones."""
        folder = self._root / dataset
        if folder.is_dir():
            folder.fs.rm(folder.path, recursive=True)

    def keep(self, candidate: Path, manifest: Manifest) -> None:
        """Copy a candidate into the store; does nothing if the release is already kept.

        Raises ReleaseDamaged if a file of the candidate is missing or is not the one the manifest records; the
        release then does not exist, because its manifest is not written.
        """
        if self.has(manifest.dataset, manifest.release):
            return
        folder = self._root / manifest.dataset / manifest.release
        folder.mkdir(parents=True, exist_ok=True)
        findings = []
        for path, sha256 in _recorded(manifest).items():
            source = candidate / path
            if not source.is_file():
                findings.append(_missing(path))
                continue
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with source.open("rb") as reader, target.open("wb") as writer:
                if _copy(reader, writer) != sha256:
                    findings.append(_changed(path))
        if findings:
            raise _damaged(f"Datensatz {manifest.dataset}: Kandidat {manifest.release}", findings)
        (folder / MANIFEST).write_text(manifest_text(manifest), encoding="utf-8")

    @contextmanager
    def local_folder(self, dataset: str, release: str) -> Iterator[Path]:
        """The release as a local folder, read only: in place if the store is local, else a copy for the time being.

        Raises ReleaseDamaged if the release is not kept.
        """
        manifest = self.manifest(dataset, release)
        folder = self._root / dataset / release
        if folder.protocol in ("", "file", "local"):
            yield Path(folder.path)
            return
        with tempfile.TemporaryDirectory(prefix="release-") as copy:
            for path in [*_recorded(manifest), MANIFEST]:
                target = Path(copy, path)
                target.parent.mkdir(parents=True, exist_ok=True)
                with (folder / path).open("rb") as reader, target.open("wb") as writer:
                    _copy(reader, writer)
            yield Path(copy)

    def check(self, dataset: str, release: str) -> None:
        """Read every file of a kept release again; raises ReleaseDamaged naming those missing or changed."""
        manifest = self.manifest(dataset, release)
        findings = []
        for path, sha256 in _recorded(manifest).items():
            file = self._root / dataset / release / path
            if not file.is_file():
                findings.append(_missing(path))
                continue
            with file.open("rb") as reader:
                if _sha256(reader) != sha256:
                    findings.append(_changed(path))
        if findings:
            raise _damaged(f"Datensatz {dataset}: Release {release}", findings)

    def _read_manifest(self, dataset: str, release: str) -> Manifest | None:
        path = self._root / dataset / release / MANIFEST
        if not path.is_file():
            return None
        return parse_manifest(path.read_text(encoding="utf-8"), f"{dataset}/{release}")


def _recorded(manifest: Manifest) -> dict[str, str]:
    """Path of every file below the manifest, evidence included, to its SHA-256."""
    return {**{file.path: file.sha256 for file in manifest.files}, **manifest.evidence}


def _copy(reader: BinaryIO, writer: BinaryIO) -> str:
    """Copy in pieces and return the SHA-256 of what passed through."""
    digest = hashlib.sha256()
    while piece := reader.read(CHUNK):
        digest.update(piece)
        writer.write(piece)
    return digest.hexdigest()


def _sha256(reader: BinaryIO) -> str:
    digest = hashlib.sha256()
    while piece := reader.read(CHUNK):
        digest.update(piece)
    return digest.hexdigest()


def _missing(path: str) -> Finding:
    return Finding(rule="file_missing", message=f"Die Datei {path} fehlt.")


def _changed(path: str) -> Finding:
    return Finding(rule="file_changed", message=f"Die Datei {path} hat nicht die verzeichnete Prüfsumme.")


def _damaged(what: str, findings: list[Finding]) -> ReleaseDamaged:
    return ReleaseDamaged(
        f"{what} ist beschädigt: {len(findings)} Datei(en) fehlen oder sind verändert.",
        next_step="Release aus der Sicherung wiederherstellen, oder den Datensatz neu bauen lassen.",
        findings=tuple(findings),
    )
