"""
## Kraftfahrzeugbestand: Zugelassene Kraftfahrzeuge

**Was hier läuft.** Jede Nacht fragt `snapshot` die Datenbank der Kfz-Zulassung, wie viele Zeilen sie hat und wann die
letzte geändert wurde. Ist beides wie beim letzten Mal, endet der Lauf. Sonst liest er nur die seither geänderten
Zeilen und fügt sie in die letzte Veröffentlichung ein; wurden Zeilen gelöscht, und einmal in der Woche, liest er alle.
Veröffentlicht wird der Datensatz `kfz_bestand` (CSV, Parquet).

**Was ein Fehlschlag bedeutet.** Auf dem Portal bleibt der letzte gute Stand mit seinem Datum sichtbar; es ist nichts
verloren. `snapshot` rot: Die Datenbank antwortet nicht, eine Spalte wurde umbenannt, oder in `geaendert_am` fehlen
Werte. `candidate` rot: Eine Prüfung hat die Daten angehalten (doppelte Zeilen, Summenzeilen, fehlende Angaben).

**Was zu tun ist.**
1. Die Alarm-Mail oder das Protokoll der roten Aufgabe lesen: Dort stehen Prüfung, Spalte und Anzahl.
2. Bei einer umbenannten Spalte mit der Fachstelle klären, ob sie noch dasselbe bedeutet, und erst dann `source` in
   `include/contracts/kfz_bestand.yaml` ändern. Der nächste Lauf liest danach von selbst alle Zeilen.
3. Bei *nicht erreichbar*: Zugang und Erreichbarkeit der Datenbank prüfen (Connection `kfz_bestand`). Das Konto
   braucht nur Leserechte.
4. Zweifel, ob eine Berichtigung angekommen ist: den Lauf mit *Neu bauen* starten; er liest alle Zeilen.

**Wen fragen.** Fachlich: kfz-zulassung@stadt.hamm.de. Portal und Pipeline: opendata@stadt.hamm.de.
"""

from stadtdaten.airflow_dags import source_dag

dag = source_dag("kfz_bestand", runbook=__doc__)
