"""Which options of a connection (its ``extra``) a connector knows; others are refused, lest a mistyped one is lost."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from stadtdaten.faults import Misconfigured
from stadtdaten.frames import Endpoint


def check_options(endpoint: Endpoint, table: str, known: Collection[str]) -> None:
    """Raises Misconfigured for an option that is not ``known``, by name: its value may be secret."""
    unknown = sorted(set(endpoint.options) - set(known))
    if unknown:
        raise Misconfigured(
            f"Tabelle „{table}“: Die Verbindung hat unbekannte Zusatzangaben: {', '.join(unknown)}.",
            next_step=f"Im Feld „extra“ der Verbindung sind hier erlaubt: {', '.join(sorted(known)) or 'keine'}.",
        )


def ca_bundle(endpoint: Endpoint, table: str) -> Path | None:
    """The file with the certificates (PEM) of the connection's own CA; None where the system's count.

    Raises Misconfigured if there is no such file.
    """
    if "ca_bundle" not in endpoint.options:
        return None
    path = Path(endpoint.options["ca_bundle"])
    if not path.is_file():
        raise Misconfigured(
            f"Tabelle „{table}“: Die Datei mit den Zertifikaten der eigenen Zertifizierungsstelle fehlt.",
            next_step="Im Feld „extra“ der Verbindung den Pfad ca_bundle berichtigen; er gilt auf dem Worker.",
        )
    return path
