"""
## Gewerberegister: Betriebe und Gewerbesteuermessbeträge

**Was hier läuft.** Die Betriebe werden Zeile für Zeile aus der Datenbank des Gewerberegisters gelesen, über den
Straßenschlüssel einem Stadtbezirk zugeordnet, ausgezählt, mit Summen versehen, geheim gehalten, als Angreifer geprüft
und als Datensatz `gewerbe_bestand` veröffentlicht: Anzahlen (Mindestzahl 3 mit Gegensperrung) und Summen der
Messbeträge (dazu Dominanz- und p-%-Regel). Namen, Anschriften und Geburtsdaten werden nie veröffentlicht; die
gelesenen Zeilen werden danach gelöscht. Das Straßenverzeichnis liefert das Vermessungs- und Katasteramt.

**Was ein Fehlschlag bedeutet.** Auf dem Portal bleibt der letzte gute Stand mit seinem Datum sichtbar; es ist nichts
verloren und nichts zu viel veröffentlicht. `snapshot` rot: Die Datenbank oder der Dienst mit den Straßen antwortet
nicht, oder Spalten fehlen. `candidate` rot mit *Datenschutz*: Ein Betrieb ließe sich errechnen, auch aus dem Vergleich
mit früheren Fassungen. **Diese Sperre hebt niemand auf.**

**Was zu tun ist.**
1. Die Alarm-Mail oder das Protokoll der roten Aufgabe lesen: Dort stehen Regel, Spalte und Anzahl, nie ein Wert.
2. Bei *Datenschutz*: das Ordnungsamt informieren. Berichtigungen innerhalb eines Quartals können den Vergleich mit der
   letzten Fassung zu genau machen; dann bis zum nächsten Stichtag warten oder im Vertrag
   `include/contracts/gewerbe.yaml` gröber gliedern, nie die Mindestzahl senken.
3. Bei `snapshot` rot: Erreichbarkeit und Zugang prüfen (Connections `gewerbe` und `geobasis_ogc`).
4. Warnung *ohne Zuordnung*: Betriebe stehen an Straßen, die im Straßenverzeichnis fehlen; mit dem Vermessungs- und
   Katasteramt klären.
5. Den Lauf neu starten (*Trigger*); mit *Neu bauen* auch dann, wenn die Quelle unverändert ist.

**Wen fragen.** Fachlich: gewerberegister@stadt.hamm.de. Portal und Pipeline: opendata@stadt.hamm.de.
"""

from stadtdaten.airflow_dags import source_dag

dag = source_dag("gewerbe", runbook=__doc__)
