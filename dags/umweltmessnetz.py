"""
## Umweltmessnetz: Pegelstände der Fließgewässer, Stundenwerte der Wetterstationen

**Was hier läuft.** Jede Nacht wird die CSV-Datei mit den Tageswerten der Gewässerpegel abgeholt (HTTP), geprüft und als
Datensatz `pegelstaende` veröffentlicht; ebenso die Tagesdateien der Wetterstationen (FTP) als `wetterdaten`. Ist alles
unverändert, endet der Lauf nach `snapshot`.

**Was ein Fehlschlag bedeutet.** Auf dem Portal bleibt der letzte gute Stand mit seinem Datum sichtbar; es ist nichts
verloren. `snapshot` rot: Das Messnetz antwortet nicht oder liefert etwas anderes als die Tabelle. `candidate` rot:
Eine Prüfung hat die Daten angehalten. `publish` oder `verify` rot: Das Portal zeigt nicht, was es soll.

**Was zu tun ist.**
1. Die Alarm-Mail oder das Protokoll der roten Aufgabe lesen: Dort stehen Prüfung, Spalte und Anzahl.
2. Fällt ein Pegel aus (viele Werte `-999`), das Umweltamt informieren; der Lauf erholt sich mit der nächsten guten
   Datei von selbst.
3. „Wird gerade geschrieben“ oder „geändert, während sie gelesen wurde“: Eine Station überträgt noch; der Lauf wird
   wiederholt. Steht es auch morgens da, hängt die Übertragung der genannten Datei: Umweltamt informieren.
4. „Keine Datei passt“: Auf dem FTP-Server nachsehen, ob die Dateien fehlen oder anders heißen (`wetter/*.csv`).
   Berichtigungen eines Tages kommen als weitere Datei (`…_korrektur.csv`); die spätere Zeile gilt.
5. Haben sich Spalten geändert, den Vertrag `include/contracts/umweltmessnetz.yaml` anpassen.
6. Den Lauf neu starten (*Trigger*); mit *Neu bauen* auch dann, wenn die Quelle unverändert ist.

**Wen fragen.** Fachlich: umweltamt@stadt.hamm.de. Portal und Pipeline: opendata@stadt.hamm.de.
"""

from stadtdaten.airflow_dags import source_dag

dag = source_dag("umweltmessnetz", runbook=__doc__)
