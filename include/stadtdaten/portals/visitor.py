"""Does an anonymous visitor, over HTTP, get exactly what was published?"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence

import requests
from rdflib import DCAT, Graph, URIRef
from rdflib.plugins.parsers.notation3 import BadSyntax

from stadtdaten.faults import Finding, PublicationFailed
from stadtdaten.frames import Manifest, ReleaseFile

SECONDS = 30
CHUNK = 1 << 20


def look(manifest: Manifest, page: str, catalogue: str, files: Mapping[str, ReleaseFile]) -> None:
    """Compare page, catalogue and every file (address to file) with the manifest.

    Raises PublicationFailed with one finding per difference, or saying that the web server does not answer.
    """
    with requests.Session() as session:
        session.trust_env = False  # no password of .netrc and no proxy: our own server, seen as a stranger sees it
        session.headers["Cache-Control"] = "no-cache"
        try:
            findings = [
                *_page(session, manifest, page),
                *_files(session, files),
                *_catalogue(session, page, catalogue, files),
            ]
        except requests.RequestException:
            raise PublicationFailed(
                f"Datensatz {manifest.dataset}: Der Webserver unter {page} ist nicht erreichbar oder bricht die "
                f"Übertragung ab. Ob Release {manifest.release} zu sehen ist, konnte nicht geprüft werden.",
                next_step="Prüfen, ob der Webserver des Portals läuft und die Portal-Adresse stimmt.",
            ) from None
    if findings:
        raise PublicationFailed(
            f"Datensatz {manifest.dataset}: Das Portal zeigt Release {manifest.release} nicht so, wie es "
            f"veröffentlicht wurde ({len(findings)} Abweichung(en)).",
            next_step="Veröffentlichung wiederholen; bleibt die Abweichung, den Webserver und dessen Zwischenspeicher "
            "(Cache) prüfen.",
            findings=tuple(findings),
        )


def look_for_nothing(dataset: str, addresses: Sequence[str]) -> None:
    """Raise PublicationFailed if a visitor still gets anything at one of the addresses of a dataset taken down."""
    left = []
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Cache-Control"] = "no-cache"
        for address in addresses:
            try:
                with session.get(address, timeout=SECONDS, stream=True) as answer:
                    code = answer.status_code
            except requests.RequestException:
                continue  # a server that does not answer shows nothing
            if code not in (requests.codes.not_found, requests.codes.gone):
                left.append(Finding(rule="still_there", message=f"{address} antwortet mit HTTP {code}."))
    if left:
        raise PublicationFailed(
            f"Datensatz {dataset}: {len(left)} von {len(addresses)} zurückgezogenen Adressen antworten noch.",
            next_step="Sofort den Webserver des Portals und seine Zwischenspeicher (Cache) prüfen und leeren.",
            findings=tuple(left),
        )


def _page(session: requests.Session, manifest: Manifest, page: str) -> Iterator[Finding]:
    answer = session.get(page, timeout=SECONDS)
    if answer.status_code != requests.codes.ok:
        yield Finding(rule="page", message=f"Die Seite {page} antwortet mit HTTP {answer.status_code}.")
    elif f'data-release="{manifest.release}"' not in answer.text:
        yield Finding(rule="page", message=f"Die Seite {page} nennt das Release {manifest.release} nicht.")


def _files(session: requests.Session, files: Mapping[str, ReleaseFile]) -> Iterator[Finding]:
    for address, file in files.items():
        with session.get(address, timeout=SECONDS, stream=True, headers={"Accept-Encoding": "identity"}) as answer:
            if answer.status_code != requests.codes.ok:
                message = f"Die Datei {address} antwortet mit HTTP {answer.status_code}."
                yield Finding(rule="file", message=message, table=file.table)
                continue
            digest, size = hashlib.sha256(), 0
            for piece in answer.iter_content(CHUNK):
                digest.update(piece)
                size += len(piece)
        if size != file.size:
            message = f"Die Datei {address} hat {size} Byte statt {file.size}."
            yield Finding(rule="file_size", message=message, table=file.table)
        elif digest.hexdigest() != file.sha256:
            message = f"Die Datei {address} hat nicht die veröffentlichte Prüfsumme."
            yield Finding(rule="file_hash", message=message, table=file.table)


def _catalogue(
    session: requests.Session, page: str, catalogue: str, files: Mapping[str, ReleaseFile]
) -> Iterator[Finding]:
    answer = session.get(catalogue, timeout=SECONDS)
    if answer.status_code != requests.codes.ok:
        yield Finding(rule="catalogue", message=f"Der Katalog {catalogue} antwortet mit HTTP {answer.status_code}.")
        return
    try:
        graph = Graph().parse(data=answer.content, format="turtle")
    except BadSyntax:
        yield Finding(rule="catalogue", message=f"Der Katalog {catalogue} ist kein gültiges Turtle.")
        return
    if (None, DCAT.landingPage, URIRef(page)) not in graph:
        yield Finding(rule="catalogue", message=f"Der Katalog {catalogue} führt den Datensatz nicht.")
    for address in files:
        if (None, DCAT.downloadURL, URIRef(address)) not in graph:
            yield Finding(rule="catalogue", message=f"Der Katalog {catalogue} führt die Datei {address} nicht.")
