"""
## Geobasis: Stadtbezirke, Straßen, Bodenrichtwerte

**Was hier läuft.** Jede Nacht werden drei Dienste der Vermessung gelesen, geprüft und als Datensätze `stadtbezirke`
(WFS 2.0), `strassen` (OGC API Features) und `bodenrichtwerte` (WFS 1.1) veröffentlicht (CSV, GeoJSON, GeoPackage,
GeoParquet). Fällt ein Dienst aus, gehen die anderen beiden weiter.

**Was ein Fehlschlag bedeutet.** Auf dem Portal bleibt der letzte gute Stand mit seinem Datum sichtbar; es ist nichts
verloren. `snapshot` rot: Ein Dienst antwortet nicht, meldet einen Fehler (ExceptionReport, auch mit HTTP 200), oder
seine Seiten ergeben nicht den ganzen Bestand. `candidate` rot: Eine Prüfung hat die Daten angehalten.

**Was zu tun ist.**
1. Die Alarm-Mail oder das Protokoll der roten Aufgabe lesen: Dort stehen Dienst, Datensatz und Anzahl.
2. „Die Gesamtzahl der Objekte änderte sich“: Die Quelle wird gerade bearbeitet; der Lauf wiederholt sich von selbst.
   „kamen schon vor“ in mehreren Nächten: Das Blättern des Dienstes wirkt nicht, den Betrieb ansprechen.
3. Spricht der Dienst eine andere Version, in `include/contracts/geobasis.yaml` unter `interface` `version` ändern.
4. Das Protokoll meldet bei den Bodenrichtwerten die nicht erklärte Spalte `eigentuemer`. Das ist bekannt: Angaben zu
   Eigentümern stehen mit Absicht nicht im Vertrag, werden nie gespeichert und verlassen das Haus nie. Diese Spalte
   darf nicht in den Vertrag.

**Wen fragen.** Fachlich: vermessungsamt@stadt.hamm.de. Portal und Pipeline: opendata@stadt.hamm.de.
"""

from stadtdaten.airflow_dags import source_dag

dag = source_dag("geobasis", runbook=__doc__)
