"""
## Bildung: Kindertageseinrichtungen und Schulen

**Was hier läuft.** Jede Nacht wird der Export der Kita-Planung über HTTP gelesen, geprüft und als Datensatz `kitas`
veröffentlicht (CSV, GeoJSON, GeoPackage, GeoParquet). Die Koordinaten stehen ohne Angabe des Bezugssystems in zwei
Spalten; gelesen werden sie nur, wenn genau ein System und eine Reihenfolge sie in die Stadt legt. Der Datensatz
`schulen` kommt aus dem ArcGIS FeatureServer der Schulverwaltung, in Seiten nach der Objektnummer. Die Schulstatistik
(`schuelerzahlen`) liegt neben dem Export der Kita-Planung; sie wird ausgezählt, und jede Zahl wird auf ein Vielfaches
von 5 gerundet, 1 und 2 werden 0. Summen können deshalb von ihren Teilen abweichen: Das ist kein Fehler.

**Was ein Fehlschlag bedeutet.** Auf dem Portal bleibt der letzte gute Stand mit seinem Datum sichtbar; es ist nichts
verloren. `snapshot` rot: Die Datei fehlt, ist abgeschnitten, oder ihre Koordinaten passen zu keinem System.
`candidate` rot: Eine Prüfung hat die Daten angehalten (doppelte Kennungen, einzelne Standorte außerhalb der Stadt).

**Was zu tun ist.**
1. Die Alarm-Mail oder das Protokoll der roten Aufgabe lesen: Dort stehen Prüfung, Spalte und Anzahl, bei
   Koordinaten auch, welches System und welche Reihenfolge passen würden.
2. Das Fachamt um einen neuen Export bitten. Schreibt es Koordinaten künftig anders, in `include/contracts/bildung.yaml`
   `crs` und `axes` eintragen.
3. Schülerzahlen: Nennt die Schulstatistik eine neue Schulform, sie im Vertrag unter `treatment.values` ergänzen. Die
   Rundung bleibt überall dieselbe, auch in `schulen`: Zwei Genauigkeiten für dieselben Kinder höben sie auf.
4. Meldet das Protokoll neue Spalten, entscheiden, ob sie veröffentlicht werden sollen. Leitungen und Telefonnummern
   stehen mit Absicht nicht im Vertrag und verlassen das Haus nie.

**Wen fragen.** Zu den Kitas: jugendamt@stadt.hamm.de, zu den Schulen: schulverwaltung@stadt.hamm.de. Portal und
Pipeline: opendata@stadt.hamm.de.
"""

from stadtdaten.airflow_dags import source_dag

dag = source_dag("bildung", runbook=__doc__)
