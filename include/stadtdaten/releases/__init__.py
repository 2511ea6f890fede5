"""Releases: immutable folders of published files, each with its table of contents and its evidence.

``manifest`` names releases and reads and writes their table of contents, ``store`` keeps them.
"""

from stadtdaten.releases.manifest import read_manifest, release_id, write_candidate_manifest
from stadtdaten.releases.store import ReleaseStore

__all__ = ["ReleaseStore", "read_manifest", "release_id", "write_candidate_manifest"]
