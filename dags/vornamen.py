"""
## Vornamen der Neugeborenen

**Was hier läuft.** Die Jahresdateien des Standesamts werden vom SFTP-Server abgeholt, geprüft, nach Jahr, Geschlecht
und Vorname ausgezählt und als Datensatz `vornamen` veröffentlicht. Namen, die im Jahr seltener als fünfmal vergeben
wurden, werden nirgends genannt, sondern als *andere Vornamen* gezählt. Die gelesenen Dateien werden danach gelöscht.
Sind alle Dateien unverändert, endet der Lauf nach `snapshot`.

**Was ein Fehlschlag bedeutet.** Auf dem Portal bleibt der letzte gute Stand mit seinem Datum sichtbar; es ist nichts
verloren und nichts zu viel veröffentlicht. `snapshot` rot: Eine Datei fehlt, wird gerade geschrieben, ist nur zur
Hälfte da (ihr fehlt die letzte Zeile *Ende der Datei*), oder ihre Spalten heißen anders. `candidate` rot: Eine Prüfung
hat die Daten angehalten, zum Beispiel weil ein Jahr doppelt kommt.

**Was zu tun ist.**
1. Die Alarm-Mail oder das Protokoll der roten Aufgabe lesen: Dort stehen Spalte, Prüfung und Anzahl, nie ein Name.
2. Halbe Datei: das Standesamt bitten, sie noch einmal abzulegen. Ein anderes Trennzeichen oder eine andere Reihenfolge
   der Spalten ist kein Fehler, beides wird erkannt.
3. Neues Jahr: die Datei im Vertrag `include/contracts/vornamen.yaml` unter `further_resources` eintragen und das Jahr
   in beiden Suites unter `expectations/vornamen/` ergänzen.
4. Bei *Datenschutz*: **Diese Sperre hebt niemand auf.** Das Standesamt informieren; nie die Mindestzahl senken.
5. Den Lauf neu starten (*Trigger*); mit *Neu bauen* auch dann, wenn die Quelle unverändert ist.

**Wen fragen.** Fachlich: standesamt@stadt.hamm.de. Portal und Pipeline: opendata@stadt.hamm.de.
"""

from stadtdaten.airflow_dags import source_dag

dag = source_dag("vornamen", runbook=__doc__)
