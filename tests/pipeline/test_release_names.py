"""The name of a release is public: it must tell nothing of what was read and not shown."""

from __future__ import annotations

from installation import Site
from stadtdaten.releases import release_id

TREES = "naturdenkmale"


def test_the_name_of_a_release_is_no_oracle_of_what_is_held_back(site: Site) -> None:
    """With code and contract public, a name made of the hash of the rows read would confirm a guess at hidden ones."""
    site.keep_only("baumkataster", TREES)
    assert site.refresh("baumkataster") == {TREES: None}
    manifest = site.run("baumkataster").live(TREES)
    assert manifest is not None
    shown = {file.path: file.sha256 for file in manifest.files}
    assert manifest.release != release_id(manifest.inputs)
    assert manifest.release == release_id(manifest.inputs.model_copy(update={"content": shown}))

    public = site.var / "portal" / "public"
    pages = [path.read_bytes() for path in public.resolve().rglob("*") if path.is_file()]
    hashes = [*manifest.inputs.content.values(), *(lock.content_hash for lock in manifest.locks.values())]
    assert pages and not [each for each in hashes if any(each[:12].encode() in page for page in pages)]
