"""
## Einwohnerstatistik: Bevölkerung, Haushalte, Wohnungen, Bautätigkeit

**Was hier läuft.** Jede Nacht wird die Auszählung des Melderegisters aus der Datenbank der Statistikstelle gelesen,
zu Altersgruppen zusammengefasst, mit Summen versehen und geheim gehalten (Mindestfallzahl 3 mit Gegensperrung), als
Angreifer geprüft und als Datensatz `einwohner` veröffentlicht. Die Haushalte (`haushalte`) stehen bis zum Wohnbereich
da; jede ihrer Zahlen ist um höchstens 4 verändert (Cell-Key-Verfahren), deshalb gehen Summen nicht genau auf: Das ist
kein Fehler. Die gelesenen Zahlen werden danach gelöscht. Dazu kommen zwei Tabellen ohne Personenbezug aus dem Ordner
der Statistikstelle: `gebaeudebestand` (Excel) und `baufertigstellungen` (CSV). Ausgeblendete Blätter und Spalten der
Excel-Datei werden gezählt und nie gelesen.

**Was ein Fehlschlag bedeutet.** Auf dem Portal bleibt der letzte gute Stand mit seinem Datum sichtbar; es ist nichts
verloren und nichts zu viel veröffentlicht. `candidate` rot mit *Datenschutz*: Die Prüfung hätte geheime Werte
errechnen können oder einen Personenbezug gefunden. **Diese Sperre hebt niemand auf.**

**Was zu tun ist.**
1. Die Alarm-Mail oder das Protokoll von `candidate` lesen: Dort stehen Regel, Spalte und Anzahl, nie ein Wert.
2. Bei *Datenschutz*: die Statistikstelle informieren. Abhilfe ist eine gröbere Gliederung im Vertrag
   `include/contracts/einwohnerstatistik.yaml`, nie eine kleinere Mindestfallzahl.
3. Bei `snapshot` rot: Erreichbarkeit und Zugang der Datenbank prüfen (Connection `einwohnerstatistik`), oder ob der
   Ordner eingebunden ist und die Dateien darin liegen (Connection `einwohnerstatistik_ablage`). Nennt eine Datei andere
   Spalten oder ein neues Zeichen, mit der Statistikstelle klären und den Vertrag anpassen.

4. *Einrichtung* bei `haushalte`: In der Connection `einwohnerstatistik_schluessel` fehlt der Schlüssel (*Password*)
   oder er ist zu kurz. Den bisherigen aus der Sicherung holen, **keinen neuen erfinden**: Ein anderer Schlüssel
   verändert dieselben Zahlen anders, und aus beiden Fassungen ließen sich die wahren besser schätzen.

**Wen fragen.** Fachlich: statistik@stadt.hamm.de. Portal und Pipeline: opendata@stadt.hamm.de.
"""

from stadtdaten.airflow_dags import source_dag

dag = source_dag("einwohnerstatistik", runbook=__doc__)
