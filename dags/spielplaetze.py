"""
## Spielplatzkataster: Spiel- und Bolzplätze

**Was hier läuft.** Jede Nacht werden die Standorte aus dem WFS des Tiefbau- und Grünflächenamts Seite für Seite
gelesen, geprüft und als Datensatz `spielplaetze` veröffentlicht (CSV, GeoJSON, GeoPackage, GeoParquet).

**Was ein Fehlschlag bedeutet.** Auf dem Portal bleibt der letzte gute Stand mit seinem Datum sichtbar; es ist nichts
verloren. `snapshot` rot: Der Geodatendienst antwortet nicht, unvollständig oder mit einer Fehlermeldung.
`candidate` rot: Eine Prüfung hat die Daten angehalten (doppelte Kennungen, Lage außerhalb der Stadt, fehlende Namen).

**Was zu tun ist.**
1. Die Alarm-Mail oder das Protokoll der roten Aufgabe lesen: Dort stehen Prüfung, Spalte und Anzahl.
2. Fehlen Seiten des Dienstes, den Betrieb der Geodateninfrastruktur informieren und später neu starten.
3. Meldet das Protokoll neue Spalten, entscheiden, ob sie veröffentlicht werden sollen; ohne Eintrag im Vertrag
   `include/contracts/spielplaetze.yaml` verlassen sie das Haus nie.

**Wen fragen.** Fachlich: gruenflaechen@stadt.hamm.de. Portal und Pipeline: opendata@stadt.hamm.de.
"""

from stadtdaten.airflow_dags import source_dag

dag = source_dag("spielplaetze", runbook=__doc__)
