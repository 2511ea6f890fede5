"""How does a folder that any web server can serve become an open-data portal?

``StaticPortal`` projects releases onto that folder: data files are copied once and never changed, all pages and the
catalogue form one generation that is switched live atomically (see ``generation``). The portal is a function of the
release store and of which release is live per dataset; ``live.json`` in each generation holds the latter, so pages,
catalogue and state can never contradict each other. What the pages say of a release is kept beside the generations
too: a dataset whose release the store has lost keeps its page, and the others go on being published.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path, PurePosixPath

from pydantic import TypeAdapter, ValidationError

from stadtdaten.contracts import City
from stadtdaten.faults import PublicationFailed, ReleaseDamaged
from stadtdaten.frames import LiveDataset, Manifest, ReleaseFile, Value
from stadtdaten.portals import visitor
from stadtdaten.portals.generation import (
    Link,
    Tree,
    live_generation,
    prune_generations,
    publisher,
    put_file,
    put_generation,
    put_text,
)
from stadtdaten.portals.pages import Shown, render
from stadtdaten.portals.preview import first_rows
from stadtdaten.releases import ReleaseStore
from stadtdaten.releases.manifest import manifest_text, parse_manifest
from stadtdaten.standards.dcat import CatalogueEntry, catalogue, serialise

logger = logging.getLogger(__name__)

EARLIER = 10
"""Earlier releases that a dataset's page offers; older ones stay in the store."""


class _Standing(Value):
    """What a generation shows of one dataset. ``earlier`` are the releases in its history, newest first."""

    release: str
    since: datetime
    earlier: tuple[str, ...]


_STANDINGS = TypeAdapter(dict[str, _Standing])


class StaticPortal:
    """A portal without a server programme of its own; implements ``frames.Portal``.

    ``folder`` is the portal's own folder, of which ``public/`` is to be served at ``url``; ``sample`` says that the
    data is invented and marks every page so. Manifests of all live releases and of their predecessors are read from
    ``store``; those of other datasets than the one published, where the store has lost them, from the portal's own.
    """

    name = "static"

    def __init__(self, folder: Path, url: str, city: City, sample: bool, store: ReleaseStore) -> None:
        self.sample = sample
        self._folder = folder
        self._url = url.rstrip("/") + "/"
        self._city = city
        self._store = store

    def live(self, dataset: str) -> LiveDataset | None:
        """What is live of the dataset; None if nothing is.

        ``since`` is the release's creation, not the minute of publication: the same releases give the same portal.
        """
        standing = self._standings(live_generation(self._folder)).get(dataset)
        return (
            None if standing is None else LiveDataset(dataset=dataset, release=standing.release, since=standing.since)
        )

    def page(self, dataset: str) -> str:
        """Address of the dataset's page."""
        return f"{self._url}dataset/{dataset}/"

    def reconcile(self, manifest: Manifest, folder: Path) -> bool:
        """Bring the portal to the release whose files are in ``folder``; False if visitors see it already.

        Also puts right what was changed by hand. Whatever stops it, visitors see the former or the new generation.
        Raises PublicationFailed if the folder cannot be written, ReleaseDamaged if ``folder`` is not the release.
        """
        try:
            with publisher(self._folder):
                return self._publish(manifest, folder)
        except OSError as error:
            raise PublicationFailed(
                f"Datensatz {manifest.dataset}: Release {manifest.release} konnte nicht auf das Portal gebracht "
                f"werden: {_reason(error)}. Die bisherige Fassung bleibt online.",
                next_step=f"Datenträger und Rechte des Portalordners {self._folder} prüfen, dann den Lauf wiederholen.",
            ) from error

    def verify(self, manifest: Manifest) -> None:
        """Read page, files and catalogue over HTTP as an anonymous visitor. Raises PublicationFailed."""
        files = {self._address(file, manifest.dataset): file for file in manifest.files}
        visitor.look(manifest, self.page(manifest.dataset), f"{self._url}catalog.ttl", files)

    def withdraw(self, dataset: str) -> bool:
        """Take the dataset off the portal: pages, catalogue, files, and every older generation that showed it.

        Raises PublicationFailed if the folder cannot be written.
        """
        try:
            with publisher(self._folder):
                return self._withdraw(dataset)
        except OSError as error:
            raise PublicationFailed(
                f"Datensatz {dataset}: Er konnte nicht vom Portal genommen werden: {_reason(error)}.",
                next_step=f"Den Portalordner {self._folder} sofort vom Netz nehmen, dann den Befehl wiederholen.",
            ) from error

    def verify_withdrawn(self, manifest: Manifest) -> None:
        """Ask over HTTP for page and files of the release. Raises PublicationFailed if a visitor gets any."""
        files = [self._address(file, manifest.dataset) for file in manifest.files]
        versions = [f"{self._url}daten/{manifest.dataset}/{manifest.release}/{file.path}" for file in manifest.files]
        visitor.look_for_nothing(manifest.dataset, [self.page(manifest.dataset), *files, *versions])

    def _withdraw(self, dataset: str) -> bool:
        live = live_generation(self._folder)
        if live is not None and dataset in (standings := self._standings(live)):
            others = [self._other(each, standings[each])[0] for each in sorted(standings) if each != dataset]
            put_generation(self._folder, self._tree(others))
        generations = prune_generations(self._folder) if live is not None else []
        for generation in generations[1:]:
            if dataset in self._standings(generation):
                shutil.rmtree(generation)
        found = False
        for folder in (self._folder / "daten" / dataset, self._folder / "manifests" / dataset):
            if folder.exists():
                shutil.rmtree(folder)
                found = True
        return found

    def _address(self, file: ReleaseFile, dataset: str) -> str:
        """The stable address of the newest version of a file."""
        return f"{self.page(dataset)}{file.path}"

    def _publish(self, manifest: Manifest, folder: Path) -> bool:
        standings = self._standings(live_generation(self._folder))
        changed = self._put_data(manifest, folder)
        shown = {manifest.dataset: self._with_previews(manifest, self._predecessors(manifest))}
        for predecessor in shown[manifest.dataset].earlier:
            changed |= self._restore_data(predecessor)
        for dataset in standings.keys() - shown.keys():
            shown[dataset], restored = self._other(dataset, standings[dataset])
            changed |= restored
        ordered = [shown[dataset] for dataset in sorted(shown)]
        for one in ordered:
            for each in (one.manifest, *one.earlier):
                kept = self._kept_manifest(each.dataset, each.release)
                put_text(manifest_text(_publishable(each)), kept, self._folder / "staging")
        changed |= put_generation(self._folder, self._tree(ordered))
        self._prune(prune_generations(self._folder))
        return changed

    def _other(self, dataset: str, standing: _Standing) -> tuple[Shown, bool]:
        """A dataset as it stands, beside which another is published; True if a file of it was restored.

        What the store has lost of it stops nobody else; its own next run tells.
        """
        current, *earlier = (self._manifest(dataset, release) for release in (standing.release, *standing.earlier))
        restored = False
        for one in (current, *earlier):
            try:
                restored |= self._restore_data(one)
            except ReleaseDamaged as fault:
                logger.warning("%s", fault.message)
        return self._with_previews(current, tuple(earlier)), restored

    def _with_previews(self, manifest: Manifest, earlier: tuple[Manifest, ...]) -> Shown:
        previews = {
            file.table: first_rows(self._data(manifest) / file.path, manifest.metadata.columns[file.table])
            for file in reversed(manifest.files)
            if file.format == "CSV" and (self._data(manifest) / file.path).is_file()
        }
        return Shown(manifest, earlier, previews)

    def _manifest(self, dataset: str, release: str) -> Manifest:
        """Of a release that is shown already: the store's, else what the portal keeps of it."""
        try:
            return self._store.manifest(dataset, release)
        except ReleaseDamaged as fault:
            path = self._kept_manifest(dataset, release)
            kept = parse_manifest(path.read_text(encoding="utf-8"), path.name) if path.is_file() else None
            if kept is None:
                raise
            logger.warning("%s", fault.message)
            return kept

    def _kept_manifest(self, dataset: str, release: str) -> Path:
        return self._folder / "manifests" / dataset / f"{release}.json"

    def _tree(self, shown: Sequence[Shown]) -> Tree:
        entries = [
            CatalogueEntry(
                manifest=one.manifest,
                page_url=self.page(one.manifest.dataset),
                file_url=partial(self._address, dataset=one.manifest.dataset),
            )
            for one in shown
        ]
        standings = {
            one.manifest.dataset: {
                "release": one.manifest.release,
                "since": one.manifest.created.isoformat(),
                "earlier": [earlier.release for earlier in one.earlier],
            }
            for one in shown
        }
        links = {}
        for one in shown:
            for path in _public_files(one.manifest):
                place = PurePosixPath("dataset", one.manifest.dataset, path)
                data = PurePosixPath("daten", one.manifest.dataset, one.manifest.release, path)
                links[str(place)] = Link(os.path.relpath(data, place.parent))
        return {
            **render(self._city, self._url, self.sample, shown),
            **serialise(catalogue(self._city, self._url, entries)),
            "live.json": (json.dumps(standings, indent=2, sort_keys=True) + "\n").encode(),
            "daten": Link("../../daten"),
            **links,
        }

    def _data(self, manifest: Manifest) -> Path:
        return self._folder / "daten" / manifest.dataset / manifest.release

    def _put_data(self, manifest: Manifest, folder: Path) -> bool:
        """Compare every file of the release by hash and copy what is not there; True if anything was copied."""
        copied = []
        for path, sha256 in _public_files(manifest).items():
            try:
                if not (folder / path).is_file():
                    raise ValueError(f"{path} is missing")
                copied.append(put_file(folder / path, self._data(manifest) / path, sha256, self._folder / "staging"))
            except ValueError:
                raise ReleaseDamaged(
                    f"Datensatz {manifest.dataset}: Die Datei {path} des Release {manifest.release} fehlt oder hat "
                    "nicht die verzeichnete Prüfsumme. Die bisherige Fassung bleibt online.",
                    next_step="Release aus der Sicherung wiederherstellen, oder den Datensatz neu bauen lassen.",
                ) from None
        return any(copied)

    def _restore_data(self, manifest: Manifest) -> bool:
        """Fetch a shown release from the store if a file of it is gone or cut; True if anything was copied."""
        folder = self._data(manifest)
        if all(_has_size(folder / file.path, file.size) for file in manifest.files):
            return False
        with self._store.local_folder(manifest.dataset, manifest.release) as kept:
            return self._put_data(manifest, kept)

    def _predecessors(self, manifest: Manifest) -> tuple[Manifest, ...]:
        """The releases that the live one follows, newest first.

        A release that was rolled back is nobody's predecessor and so disappears from the page.
        """
        chain: list[Manifest] = []
        release = manifest.inputs.previous
        while release and len(chain) < EARLIER and self._store.has(manifest.dataset, release):
            chain.append(self._store.manifest(manifest.dataset, release))
            release = chain[-1].inputs.previous
        return tuple(chain)

    def _prune(self, generations: Sequence[Path]) -> None:
        """Remove data and manifests that no kept generation shows any more; the store still has them."""
        shown = {
            (dataset, release)
            for generation in generations
            for dataset, standing in self._standings(generation).items()
            for release in (standing.release, *standing.earlier)
        }
        for folder in (self._folder / "daten").glob("*/*"):
            if (folder.parent.name, folder.name) not in shown:
                shutil.rmtree(folder)
        for path in (self._folder / "manifests").glob("*/*.json"):
            if (path.parent.name, path.stem) not in shown:
                path.unlink()

    def _standings(self, generation: Path | None) -> dict[str, _Standing]:
        if generation is None:
            return {}
        try:
            return _STANDINGS.validate_json((generation / "live.json").read_bytes())
        except (ValidationError, FileNotFoundError):
            raise PublicationFailed(
                f"Das Portal weiß nicht mehr, was online ist: live.json fehlt oder ist beschädigt in {generation}.",
                next_step="Den Verweis public auf eine frühere Generation unter generations/ setzen und alle "
                "Datensätze erneut veröffentlichen.",
            ) from None


def _public_files(manifest: Manifest) -> dict[str, str]:
    """Path to SHA-256 of everything that visitors may have: data and Table Schemas, never locks and evidence."""
    schemas = {file.conforms_to for file in manifest.files} & manifest.evidence.keys()
    return {file.path: file.sha256 for file in manifest.files} | {path: manifest.evidence[path] for path in schemas}


def _publishable(manifest: Manifest) -> Manifest:
    """The manifest without what the pages do not show: how and where the source was read, hashes of that, evidence."""
    public = _public_files(manifest)
    evidence = {path: sha256 for path, sha256 in manifest.evidence.items() if path in public}
    inputs = manifest.inputs.model_copy(update={"content": {}})
    return manifest.model_copy(update={"inputs": inputs, "locks": {}, "evidence": evidence})


def _has_size(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def _reason(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "Der Datenträger ist voll"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "Der Portalordner ist nicht beschreibbar"
    return f"Fehler des Dateisystems ({errno.errorcode.get(error.errno or 0, 'unbekannt')})"
