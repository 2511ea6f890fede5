"""Do the words about a dataset name a person: titles, descriptions, mailboxes, names of files and columns?

Open-data metadata in the wild names clerks. Ours names offices and functional mailboxes only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from unicodedata import combining, normalize

from stadtdaten.contracts.load import Problem
from stadtdaten.contracts.model import City, Contract
from stadtdaten.contracts.protection import PERSONAL_KIND_TITLES, PersonalKind
from stadtdaten.faults import Finding
from stadtdaten.privacy.text.detectors import find
from stadtdaten.privacy.text.names import GIVEN_NAMES
from stadtdaten.privacy.text.spans import Span
from stadtdaten.privacy.text.writing import as_read

_OFFICES = re.compile(
    r"amt|stelle|data|daten|info|service|team|buero|office|post|verwaltung|statistik|bereitschaft|presse|kasse|portal|referat"
    r"|abteilung|fachbereich|zentrale|dienst|mobil|stadt|kreis|umwelt|schul|redaktion|support|admin|kontakt"
)
"""What functional mailboxes are called."""


def find_in_metadata(texts: Mapping[str, str]) -> Iterator[Finding]:
    """What in the texts looks personal. ``texts`` maps what a text is in German (``Titel``, ``Dateiname``) to the text.

    Functional mailboxes are allowed; a mailbox that names a person (h.mueller@) is not.
    """
    for what, kinds in _personal(texts).items():
        for kind in kinds:
            message = f"{what}: Darin steht, was aussieht wie: {PERSONAL_KIND_TITLES[kind]}."
            yield Finding("personal_metadata", message, count=1, total=1)


def check_contract(contract: Contract, path: Path) -> list[Problem]:
    """Every text of the contract that becomes metadata and looks personal."""
    return _problems(contract_texts(contract), path)


def check_city(city: City, path: Path) -> list[Problem]:
    """Every text about the city that becomes metadata and looks personal."""
    texts = {
        "name": city.name,
        "contact.name": city.contact.name,
        "contact.email": city.contact.email,
        "on_call": city.on_call,
        "portal_title": city.portal_title,
        "portal_description": city.portal_description,
    }
    return _problems(texts, path)


def contract_texts(contract: Contract) -> dict[str, str]:
    """The texts of a contract that become metadata, each under the place where it stands."""
    texts = {
        "title": contract.title,
        "description": contract.description,
        "owner.name": contract.owner.name,
        "owner.email": contract.owner.email,
    }
    for dataset in contract.datasets:
        texts |= {
            f"{dataset.id}.title": dataset.title,
            f"{dataset.id}.description": dataset.description,
            f"{dataset.id}.provenance": dataset.provenance,
            f"{dataset.id}.attribution": dataset.attribution,
            f"{dataset.id}.release.legal_basis": dataset.release.legal_basis,
            f"{dataset.id}.release.office": dataset.release.office,
        }
        texts |= {f"{dataset.id}.keywords.{number}": word for number, word in enumerate(dataset.keywords)}
        for table in dataset.tables:
            texts[f"{table.id}.title"] = table.title
            for column in table.columns:
                texts[f"{table.id}.{column.name}.title"] = column.title
                texts[f"{table.id}.{column.name}.description"] = column.description
                texts |= {f"{table.id}.{column.name}.missing.{mark}": why for mark, why in column.missing.items()}
                reasons = {each.kind: each.legal_basis for each in column.expected}
                texts |= {f"{table.id}.{column.name}.expected.{kind}": why for kind, why in reasons.items()}
    return texts


def names_person(mailbox: str) -> bool:
    """Whether a mailbox is that of a person (h.mueller@, hans.mueller@, mueller.hans@, hans@)."""
    local = _plain(mailbox.partition("@")[0])
    parts = [part for part in re.split(r"[._+-]", local) if part.strip("0123456789")]
    if any(part in _PLAIN_GIVEN_NAMES for part in parts):
        return True
    initial = len(parts) > 1 and any(len(part) == 1 for part in parts)
    return initial and not _OFFICES.search(local)


def _plain(text: str) -> str:
    """In small letters without accents, as names stand in addresses: Jörg is joerg."""
    spelled = text.casefold().replace("ä", "ae").replace("ö", "oe").replace("ü", "ue").replace("ß", "ss")
    return "".join(letter for letter in normalize("NFKD", spelled.replace("ı", "i")) if not combining(letter))


_PLAIN_GIVEN_NAMES = frozenset(map(_plain, GIVEN_NAMES))


def _personal(texts: Mapping[str, str]) -> dict[str, tuple[PersonalKind, ...]]:
    """What the texts are, to the personal kinds that were found in them."""
    found = {}
    for what, written in texts.items():
        text = as_read(written)
        # Names of files and columns have no blanks: herr_mueller_2025.csv.
        readings = (text,) if " " in text else (text, re.sub(r"[_.-]+", " ", text))
        kinds = dict.fromkeys(
            span.kind for reading in readings for span in find(reading) if not _is_office(span, reading)
        )
        if kinds:
            found[what] = tuple(kinds)
    return found


def _is_office(span: Span, text: str) -> bool:
    return span.kind == "email" and not names_person(text[span.start : span.end])


def _problems(texts: Mapping[str, str], path: Path) -> list[Problem]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [
        Problem(
            path,
            _line(lines, texts[what]),
            f"{what} looks like personal data ({', '.join(kinds)})",
            "name the office and its functional mailbox, never a person",
        )
        for what, kinds in _personal(texts).items()
    ]


def _line(lines: list[str], text: str) -> int:
    """Where the text begins, counted from 1; a folded text begins with its first words."""
    start = " ".join(text.split()[:3])
    return next((number for number, line in enumerate(lines, 1) if start and start in line), 1)
