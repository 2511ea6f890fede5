"""What is likely behind an incident, and what should be done first?

A small rule base over the fault's kind, its gate and the rules that failed, gravest first. It speaks of what usually
lies behind such findings; it does not look at data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stadtdaten.faults import Finding
from stadtdaten.frames import Incident


@dataclass(frozen=True)
class Advice:
    """A likely cause (one or two German sentences) and the next steps, most important first."""

    cause: str
    steps: tuple[str, ...]


def advice(incident: Incident) -> tuple[Advice, ...]:
    """Every advice that fits the incident, gravest first; at least one."""
    return tuple(advice for fits, advice in _RULES if fits(incident)) or (_OUR_FAULT,)


Condition = Callable[[Incident], bool]

_QUALITY = ("quality_raw", "quality_public")
_PORTAL = ("portal",)


def _kind(kind: str) -> Condition:
    return lambda incident: incident.kind == kind


def _found(gates: tuple[str, ...], *parts: str) -> Condition:
    """Whether one of the gates found something by a rule whose name holds one of the parts."""
    return lambda incident: incident.gate in gates and any(_named(finding, parts) for finding in incident.findings)


def _found_else(gates: tuple[str, ...], *parts: str) -> Condition:
    """Whether one of the gates found something by any other rule (or does not say by which)."""
    return lambda incident: (
        incident.gate in gates
        and not (incident.findings and all(_named(finding, parts) for finding in incident.findings))
    )


def _named(finding: Finding, parts: tuple[str, ...]) -> bool:
    return any(part in finding.rule for part in parts)


def _without_release_record(incident: Incident) -> bool:
    return incident.gate == "privacy" and not incident.findings and "Freigabe" in incident.message


def _computable(incident: Incident) -> bool:
    return _found_else(("privacy",), *_PERSONAL)(incident) and not _without_release_record(incident)


def _web_page(incident: Incident) -> bool:
    return incident.kind == "source_unreadable" and "HTML" in incident.message


def _other_format(incident: Incident) -> bool:
    return incident.kind == "source_unreadable" and not _web_page(incident)


_ASK_OWNER = "Die zuständige Stelle bitten, die Daten in der Quelle zu berichtigen; die nächste Nacht prüft sie erneut."
_RUN_AGAIN = "Nach der Korrektur den Lauf in Airflow neu starten oder die nächste Nacht abwarten."

_PERSONAL = ("personal", "file_author", "file_comment", "image_metadata", "hidden_values", "untreated")
"""Parts of the names of rules by which something about a person was seen as such, not computed."""

_RULES: tuple[tuple[Condition, Advice], ...] = (
    (
        _without_release_record,
        Advice(
            "Die Freigabe des Datensatzes ist nicht in Kraft: Sie gilt noch nicht, ist abgelaufen, oder der Datensatz "
            "wurde seither zurückgezogen. Mit den gelieferten Daten hat das nichts zu tun.",
            (
                "Nicht umgehen: Ohne Freigabe wird nichts Neues veröffentlicht.",
                "Die freigebende Stelle (im Vertrag unter release.office) und den Datenschutz um neue Prüfung bitten.",
                "Das Ergebnis im Vertrag unter release eintragen; die nächste Nacht veröffentlicht wieder.",
            ),
        ),
    ),
    (
        _found(("privacy",), *_PERSONAL),
        Advice(
            "In dem, was veröffentlicht würde, stehen Angaben zu Menschen, etwa Namen oder Telefonnummern: meist ein "
            "Freitext oder ein Feld, das in der Quelle neuerdings anders genutzt wird.",
            (
                "Nicht umgehen und nichts von Hand veröffentlichen: Diese Prüfung hebt niemand auf.",
                "Die zuständige Stelle bitten, in der Quelle nachzusehen; Spalte, Art und Anzahl stehen unten.",
                "Gehört die Angabe nicht hinein: in der Quelle berichtigen lassen oder die Spalte weglassen.",
            ),
        ),
    ),
    (
        _computable,
        Advice(
            "Die Anonymisierung reicht für diese Lieferung nicht aus: Im Ergebnis wäre noch etwas über einzelne "
            "Menschen zu erkennen, etwa durch kleine Fallzahlen, die sich aus den Summen errechnen ließen.",
            (
                "Nicht umgehen und nichts von Hand veröffentlichen: Diese Prüfung hebt niemand auf.",
                "Mit der zuständigen Stelle klären, ob sich Gliederung oder Spalten der Quelle geändert haben.",
                "Behandlung im Vertrag der Quelle verschärfen (gröbere Gruppen, höhere Mindestfallzahl, Spalte "
                "weglassen).",
            ),
        ),
    ),
    (
        _found(_QUALITY, "geometries_to_be_within"),
        Advice(
            "Rechts- und Hochwert sind vertauscht, oder die Quelle liefert ein anderes Koordinatensystem als "
            "vereinbart. Das geschieht meist nach einer Umstellung des Geodatendienstes.",
            (
                "In der Antwort des Dienstes nachsehen, welches Koordinatensystem und welche Achsenfolge er nennt.",
                "Die zuständige Stelle fragen, ob der Dienst umgestellt wurde, und um Rückstellung bitten.",
                _RUN_AGAIN,
            ),
        ),
    ),
    (
        _found(_QUALITY, "geometries_to_be_valid"),
        Advice(
            "In der Quelle sind Flächen oder Linien fehlerhaft gezeichnet oder ohne Lage gespeichert, meist nach einer "
            "Massenänderung.",
            (
                "Betroffene Objekte von der zuständigen Stelle mit der Topologieprüfung suchen lassen.",
                _ASK_OWNER,
                _RUN_AGAIN,
            ),
        ),
    ),
    (
        _found(_QUALITY, "unique"),
        Advice(
            "Datensätze sind doppelt geliefert worden: ein wiederholter Import in der Quelle oder ein Schlüssel, der "
            "nicht mehr eindeutig ist.",
            ("In der Quelle nach doppelten Schlüsseln suchen lassen.", _ASK_OWNER, _RUN_AGAIN),
        ),
    ),
    (
        _found(_QUALITY, "not_be_null"),
        Advice(
            "Pflichtangaben fehlen: eine leere oder umbenannte Spalte, oder ein unvollständiger Export.",
            ("Prüfen, ob die genannte Spalte in der Quelle noch gefüllt wird.", _ASK_OWNER, _RUN_AGAIN),
        ),
    ),
    (
        _found(_QUALITY, "row_count"),
        Advice(
            "Die Lieferung ist unvollständig oder umfasst mehr als vereinbart: ein abgebrochener Export, ein neuer "
            "Filter oder eine Aufräumaktion in der Quelle.",
            ("Die erwartete Anzahl bei der zuständigen Stelle erfragen.", _ASK_OWNER, _RUN_AGAIN),
        ),
    ),
    (
        _found(_QUALITY, "columns_to_match"),
        Advice(
            "Der Aufbau der Tabelle hat sich geändert.",
            (
                "Bei der zuständigen Stelle nachfragen, ob die Änderung gewollt ist.",
                "Wenn ja: Vertrag und Prüfregeln der Quelle anpassen.",
                _RUN_AGAIN,
            ),
        ),
    ),
    (
        _found_else(_QUALITY, "geometries", "unique", "not_be_null", "row_count", "columns_to_match"),
        Advice(
            "Werte liegen außerhalb dessen, was fachlich möglich ist: häufig eine Umstellung der Einheit, ein Fehler "
            "beim Import in die Quelle oder ein neuer Code.",
            (
                "Die genannten Spalten mit der zuständigen Stelle durchgehen.",
                _ASK_OWNER,
                "Sind die Werte richtig, die Prüfregel anpassen (Ordner expectations) und den Lauf neu starten.",
            ),
        ),
    ),
    (
        _found(_PORTAL, "column", "table_lost"),
        Advice(
            "Was Nachnutzende auf dem Portal verwenden, gäbe es in der neuen Fassung nicht mehr: Eine Spalte oder "
            "Tabelle ist entfallen oder hat einen anderen Typ.",
            (
                "Klären, ob die Änderung gewollt ist; eine entfallende Spalte wird 30 Tage vorher angekündigt.",
                "Ist sie ein Versehen: Quelle oder Vertrag berichtigen.",
                _RUN_AGAIN,
            ),
        ),
    ),
    (
        _found_else(_PORTAL, "column", "table_lost"),
        Advice(
            "Es kamen deutlich weniger Zeilen als veröffentlicht sind: ein abgebrochener Export, ein neuer Filter oder "
            "eine Aufräumaktion in der Quelle.",
            (
                "Bei der zuständigen Stelle erfragen, ob der Rückgang echt ist.",
                "Ist er echt: die erlaubte Abnahme im Vertrag (row_loss) für diesen Lauf anheben.",
                _RUN_AGAIN,
            ),
        ),
    ),
    (
        _web_page,
        Advice(
            "Statt der Daten kam eine Webseite: meist eine Anmelde-, Wartungs- oder Fehlerseite.",
            (
                "Die Adresse der Quelle im Browser öffnen und lesen, was dort steht.",
                "Bei einer Anmeldeseite: Zugangsdaten der Verbindung in Airflow prüfen.",
                "Sonst die zuständige Stelle oder deren Betreiber fragen; die nächste Nacht versucht es erneut.",
            ),
        ),
    ),
    (
        _kind("source_unavailable"),
        Advice(
            "Der Server der Quelle ist abgeschaltet, in Wartung oder vom Netz der Pipeline aus nicht zu erreichen.",
            (
                "Prüfen, ob die Quelle von einem anderen Rechner aus antwortet.",
                "Antwortet sie nirgends: die zuständige Stelle oder deren Betreiber fragen.",
                "Sonst Netzfreigabe und Verbindung in Airflow prüfen; die nächste Nacht versucht es erneut.",
            ),
        ),
    ),
    (
        _kind("server_not_trusted"),
        Advice(
            "Der Server der Quelle wurde neu eingerichtet, oder jemand gibt sich als dieser Server aus.",
            (
                "Den Betrieb der Quelle auf anderem Weg (Telefon) fragen, ob der gemeldete Schlüssel seiner ist.",
                "Nur wenn ja: host_key im Feld „extra“ der Verbindung in Airflow ersetzen.",
                "Wenn nein: die Informationssicherheit der Stadt verständigen; die Pipeline hat sich nicht angemeldet.",
            ),
        ),
    ),
    (
        _kind("source_in_motion"),
        Advice(
            "Die Lieferung wird länger als sonst geschrieben oder bearbeitet, oder die Übertragung ist abgebrochen und "
            "die Datei nur halb da.",
            (
                "Nachsehen, ob die Datei oder die Tabelle inzwischen fertig ist; dann den Lauf neu starten.",
                "Ist sie seit Stunden halb: die zuständige Stelle um eine neue Lieferung bitten.",
                "Kommt das öfter vor: die Uhrzeit des Laufs oder der Lieferung verlegen.",
            ),
        ),
    ),
    (
        _other_format,
        Advice(
            "Die Lieferung ist leer, abgeschnitten oder anders geschrieben als vereinbart (Zeichensatz, Trennzeichen, "
            "Datums- oder Zahlenformat).",
            (
                "Die Lieferung von der zuständigen Stelle ansehen lassen: Ist sie vollständig, hat sich das Format "
                "geändert?",
                "Ist das neue Format gewollt: den Abschnitt reading im Vertrag der Quelle anpassen.",
                _RUN_AGAIN,
            ),
        ),
    ),
    (
        _kind("schema_changed"),
        Advice(
            "Spalten der Quelle wurden umbenannt oder entfernt, meist mit einer neuen Version des Fachverfahrens.",
            (
                "Bei der zuständigen Stelle den neuen Namen der fehlenden Spalten erfragen.",
                "Im Vertrag der Quelle den Namen unter source anpassen; der veröffentlichte Name bleibt.",
                _RUN_AGAIN,
            ),
        ),
    ),
    (
        _kind("publication_failed"),
        Advice(
            "Das Portal war nicht erreichbar, nahm die neue Fassung nicht an oder zeigt nicht, was veröffentlicht "
            "wurde.",
            (
                "Die Seite des Datensatzes im Portal öffnen.",
                "Den Lauf in Airflow neu starten: Er gleicht das Portal ab und ändert nur, was abweicht.",
                "Bleibt der Fehler: den Betrieb des Portals verständigen.",
            ),
        ),
    ),
    (
        _kind("release_damaged"),
        Advice(
            "Im Archiv der Veröffentlichungen fehlen Dateien, oder sie wurden nachträglich verändert.",
            (
                "Im Speicher nach Platzmangel und fremden Zugriffen sehen.",
                "Die Fassung aus der Datensicherung zurückholen.",
                "Den Lauf mit force neu starten: Er baut die Fassung neu.",
            ),
        ),
    ),
    (
        _kind("misconfigured"),
        Advice(
            "Auf unserer Seite stimmt etwas nicht: Vertrag, Prüfregeln, Verbindung oder Einstellung.",
            (
                "`stadtdaten check` aufrufen: Es nennt Datei, Zeile und Abhilfe.",
                "Die letzten Änderungen an Vertrag und Prüfregeln der Quelle ansehen.",
                _RUN_AGAIN,
            ),
        ),
    ),
)

_OUR_FAULT = Advice(
    "Ein Fehler im Programm der Pipeline, mit dem niemand gerechnet hat.",
    (
        "Im Protokoll des Laufs die letzte Meldung ansehen.",
        "Den Lauf in Airflow einmal neu starten.",
        "Bleibt der Fehler: die Entwicklung der Pipeline mit der Adresse des Laufs verständigen.",
    ),
)
