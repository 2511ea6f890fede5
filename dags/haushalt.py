"""
## Haushaltsplan nach Produkten

**Was hier läuft.** Der Produktplan der Kämmerei wird als Excel-Datei vom SFTP-Server abgeholt, geprüft und als
Datensatz `haushalt` veröffentlicht. Produktbereich und Produktgruppe liest die Pipeline aus der Einrückung.
Ausgeblendete Blätter und Spalten sind interne Notizen der Kämmerei: Sie werden gezählt und nie gelesen. Ist die Datei
unverändert, endet der Lauf nach `snapshot`.

**Was ein Fehlschlag bedeutet.** Auf dem Portal bleibt der letzte gute Stand mit seinem Datum sichtbar; es ist nichts
verloren. `snapshot` rot: Die Datei fehlt, wird gerade geschrieben, hat ein Kennwort, oder ihre Kopfzeilen nennen andere
Spalten (jedes Jahr beim neuen Haushalt). `candidate` rot: Eine Prüfung hat die Daten angehalten, zum Beispiel weil
Nummern ihre führende Null verloren haben.

**Was zu tun ist.**
1. Die Alarm-Mail oder das Protokoll der roten Aufgabe lesen: Dort stehen Spalte, Prüfung und Anzahl.
2. Neues Haushaltsjahr: im Vertrag `include/contracts/haushalt.yaml` die Jahreszahlen in `source` und `title` der
   Spalten fortschreiben und die Änderung prüfen lassen.
3. Blendet ein Filter Zeilen aus, die Kämmerei um die Datei ohne Filter bitten.
4. Den Lauf neu starten (*Trigger*); mit *Neu bauen* auch dann, wenn die Quelle unverändert ist.

**Wen fragen.** Fachlich: kaemmerei@stadt.hamm.de. Portal und Pipeline: opendata@stadt.hamm.de.
"""

from stadtdaten.airflow_dags import source_dag

dag = source_dag("haushalt", runbook=__doc__)
