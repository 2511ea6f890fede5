"""How is a whole web site put in place so that a visitor sees the old one or the new one, and never a mixture?

A generation is a folder with every page, built aside and switched live by renaming one symbolic link, which POSIX
makes atomic (rename(2)). Its name is the hash of its content: equal content is the same generation, so repeating a
publication has nothing to do, and a killed one leaves nothing that could be taken for finished. The same functions
put right what somebody changed by hand in a generation that is live.

    <folder>/public               -> generations/<id>
    <folder>/generations/<id>/    pages, catalogue, links into daten/
    <folder>/daten/               data files, immutable, shared by the generations
    <folder>/manifests/           what the generations say of each release; outside public/, no visitor gets it
    <folder>/staging/             unfinished work of the publisher that holds the lock
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

KEPT_BEFORE = 2
"""Generations kept besides the live one: visitors in the middle of a page still get its files."""

CHUNK = 1 << 20


@dataclass(frozen=True)
class Link:
    """A symbolic link in a generation; ``target`` is relative to the link's own folder."""

    target: str


Tree = Mapping[str, bytes | Link]
"""Path below the generation, with ``/``, to what stands there."""


def generation_id(tree: Tree) -> str:
    """First 16 hex digits of the SHA-256 over every path and content."""
    digest = hashlib.sha256()
    for path in sorted(tree):
        entry = tree[path]
        kind, content = (b"link", entry.target.encode()) if isinstance(entry, Link) else (b"file", entry)
        for part in (path.encode(), kind, content):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:16]


def live_generation(folder: Path) -> Path | None:
    """The generation that visitors see; None before the first publication."""
    public = folder / "public"
    return folder / public.readlink() if public.is_symlink() else None


@contextmanager
def publisher(folder: Path) -> Iterator[None]:
    """Be the only publisher of this portal on this machine; removes what a killed one left, and one's own rest.

    The lock is the kernel's (flock), so it ends with the process however that ends. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        staging = folder / "staging"
        if staging.exists():
            shutil.rmtree(staging)
        try:
            yield
        finally:
            # A full disk must not stay full because of us; what cannot be removed now is removed by the next one.
            shutil.rmtree(staging, ignore_errors=True)


def put_file(source: Path, target: Path, sha256: str, staging: Path) -> bool:
    """Bring one immutable data file to ``target``; False if it is there already, byte for byte.

    Raises ValueError if ``source`` does not have the recorded hash, OSError if it cannot be read or written.
    """
    if target.is_file() and _sha256(target) == sha256:
        return False
    _folder(staging)
    part = staging / "file.part"
    shutil.copyfile(source, part)
    if _sha256(part) != sha256:
        raise ValueError(f"{source.name} is not the recorded file")
    _publish(part, target)
    return True


def put_text(text: str, target: Path, staging: Path) -> None:
    """Write a file of the publisher's own, whole or not at all; does nothing if it is there already."""
    content = text.encode()
    if target.is_file() and target.read_bytes() == content:
        return
    _folder(staging)
    part = staging / "text.part"
    _write(part, content)
    _publish(part, target)


def put_generation(folder: Path, tree: Tree) -> bool:
    """Make ``tree`` what visitors see; True if anything had to be changed. Raises OSError."""
    name = generation_id(tree)
    generation = folder / "generations" / name
    staging = folder / "staging"
    if generation.is_dir():
        repaired = _repair(generation, tree, staging)
    else:
        _build(staging / name, tree)
        _folder(generation.parent)
        (staging / name).rename(generation)
        _sync(generation.parent)
        repaired = False
    if live_generation(folder) == generation:
        return repaired
    os.utime(generation)
    _folder(staging)
    (staging / "public").symlink_to(f"generations/{name}")
    (staging / "public").replace(folder / "public")
    _sync(folder)
    return True


def prune_generations(folder: Path) -> list[Path]:
    """Remove generations older than the last ``KEPT_BEFORE`` that were live, and return those that remain."""
    live = live_generation(folder)
    others = [generation for generation in (folder / "generations").iterdir() if generation != live]
    others.sort(key=lambda generation: (generation.stat().st_mtime_ns, generation.name), reverse=True)
    for generation in others[KEPT_BEFORE:]:
        shutil.rmtree(generation)
    return [*([live] if live else []), *others[:KEPT_BEFORE]]


def _build(folder: Path, tree: Tree) -> None:
    for path in sorted(tree):
        entry, target = tree[path], folder / path
        _folder(target.parent)
        if isinstance(entry, Link):
            target.symlink_to(entry.target)
        else:
            _write(target, entry)
    for parent in {folder / PurePosixPath(path).parent for path in tree}:
        _sync(parent)


def _repair(generation: Path, tree: Tree, staging: Path) -> bool:
    """Put right, one atomic rename each, what differs in a finished generation."""
    strangers = [path for path in _entries(generation) if path not in tree]
    for path in strangers:
        (generation / path).unlink()
    wrong = [path for path in sorted(tree) if not _stands(generation / path, tree[path])]
    for path in wrong:
        entry, part = tree[path], staging / "page.part"
        _folder(staging)
        if isinstance(entry, Link):
            part.symlink_to(entry.target)
        else:
            _write(part, entry)
        _publish(part, generation / path)
    return bool(strangers or wrong)


def _entries(generation: Path) -> list[str]:
    found = []
    for parent, folders, files in os.walk(generation):
        links = [name for name in folders if Path(parent, name).is_symlink()]
        found += [Path(parent, name).relative_to(generation).as_posix() for name in [*files, *links]]
    return found


def _stands(path: Path, entry: bytes | Link) -> bool:
    if isinstance(entry, Link):
        return path.is_symlink() and path.readlink() == Path(entry.target)
    return path.is_file() and not path.is_symlink() and path.read_bytes() == entry


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(file.fileno(), 0o644)  # the web server is another user, whatever our umask is
        os.fsync(file.fileno())


def _publish(part: Path, target: Path) -> None:
    """Rename a finished file into place, durably."""
    if not part.is_symlink():
        part.chmod(0o644)
        with part.open("rb") as file:
            os.fsync(file.fileno())
    _folder(target.parent)
    part.replace(target)
    _sync(target.parent)


def _folder(path: Path) -> None:
    """Create a folder, and those above it, that the web server's user may enter."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
