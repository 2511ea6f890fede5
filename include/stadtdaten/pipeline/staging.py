"""Where does read data lie until it is anonymous, and what makes sure that none is left behind?"""

from __future__ import annotations

import shutil
from pathlib import Path

from stadtdaten.faults import Misconfigured


def make_private(folder: Path) -> None:
    """A folder only we may enter (0700), like the two above it: what lies in it is personal until proven otherwise."""
    folder.mkdir(parents=True, exist_ok=True)
    for each in (folder, folder.parent, folder.parent.parent):
        each.chmod(0o700)


def discard(folder: Path) -> None:
    """Delete the folder, if it is there. Raises Misconfigured if that fails: read data must not stay unnoticed."""
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise Misconfigured(
            f"Gelesene Daten konnten nicht gelöscht werden ({error.strerror}): {folder}",
            next_step="Den Ordner von Hand löschen und Rechte und Datenträger prüfen; er kann Personenbezug haben.",
        ) from None
