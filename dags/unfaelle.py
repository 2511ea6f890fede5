"""
## Unfallatlas: Straßenverkehrsunfälle mit Personenschaden

**Was hier läuft.** Die Jahresdateien des Unfallatlas der Statistischen Ämter werden abgeholt, beim Lesen auf den
Gemeindeschlüssel 05 9 15 000 zugeschnitten, geprüft und als Datensatz `unfaelle` veröffentlicht. Fast immer sind sie
unverändert: Dann endet der Lauf nach `snapshot`.

**Was ein Fehlschlag bedeutet.** Auf dem Portal bleibt der letzte gute Stand mit seinem Datum sichtbar; es ist nichts
verloren. `snapshot` rot: Eine Datei fehlt, ist größer als erlaubt, oder ein Jahr hat einen neuen Spaltennamen.
`candidate` rot: Eine Prüfung hat die Daten angehalten, etwa weil ein Jahr fehlt oder Unfälle außerhalb
der Stadt liegen.

**Was zu tun ist.**
1. Die Alarm-Mail oder das Protokoll der roten Aufgabe lesen: Dort stehen Spalte, Prüfung und Anzahl.
2. Heißt eine Spalte in einem neuen Jahr anders, den neuen Namen im Vertrag `include/contracts/unfaelle.yaml` unter
   `aliases` ergänzen, sofern die Datensatzbeschreibung im Archiv die gleiche Bedeutung nennt.
3. Jeden Sommer erscheint ein Jahr: seine Datei im Vertrag unter `further_resources` und das Jahr in den beiden Suiten
   unter `expectations/unfaelle/` eintragen. Die Überfälligkeit, die der Datensatz sonst meldet, erinnert daran.
4. Den Lauf neu starten (*Trigger*); mit *Neu bauen* auch dann, wenn die Quelle unverändert ist.

**Wen fragen.** Fachlich: strassenverkehr@stadt.hamm.de. Portal und Pipeline: opendata@stadt.hamm.de.
"""

from stadtdaten.airflow_dags import source_dag

dag = source_dag("unfaelle", runbook=__doc__)
