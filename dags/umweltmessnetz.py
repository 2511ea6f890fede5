"""
## Umweltmessnetz: Pegelstände der Fließgewässer

**Was hier läuft.** Jede Nacht wird die CSV-Datei mit den Tageswerten der Gewässerpegel abgeholt, geprüft und als
Datensatz `pegelstaende` veröffentlicht. Ist die Datei unverändert, endet der Lauf nach `snapshot`.

**Was ein Fehlschlag bedeutet.** Auf dem Portal bleibt der letzte gute Stand mit seinem Datum sichtbar; es ist nichts
verloren. `snapshot` rot: Das Messnetz antwortet nicht oder liefert etwas anderes als die Tabelle. `candidate` rot:
Eine Prüfung hat die Daten angehalten. `publish` oder `verify` rot: Das Portal zeigt nicht, was es soll.

**Was zu tun ist.**
1. Die Alarm-Mail oder das Protokoll der roten Aufgabe lesen: Dort stehen Prüfung, Spalte und Anzahl.
2. Fällt ein Pegel aus (viele Werte `-999`), das Umweltamt informieren; der Lauf erholt sich mit der nächsten guten
   Datei von selbst.
3. Haben sich Spalten geändert, den Vertrag `include/contracts/umweltmessnetz.yaml` anpassen.
4. Den Lauf neu starten (*Trigger*); `force_rebuild` baut auch bei unveränderter Quelle neu.

**Wen fragen.** Fachlich: umweltamt@stadt.hamm.de. Portal und Pipeline: opendata@stadt.hamm.de.
"""

from stadtdaten.airflow_dags import source_dag

dag = source_dag("umweltmessnetz", runbook=__doc__)
