"""
## Baumkataster: Städtische Bäume und Naturdenkmale

**Was hier läuft.** Jede Nacht werden die Bäume aus dem WFS des Tiefbau- und Grünflächenamts Seite für Seite gelesen,
geprüft und als Datensatz `baumkataster` veröffentlicht (CSV, GeoJSON, GeoPackage, GeoParquet). Die Naturdenkmale
kommen als gezippte Shape-Datei mit Gauß-Krüger-Koordinaten und werden der Datensatz `naturdenkmale`.

**Was ein Fehlschlag bedeutet.** Auf dem Portal bleibt der letzte gute Stand mit seinem Datum sichtbar; es ist nichts
verloren. Die häufigste Ursache bei dieser Quelle: Nach einer Datenpflege sind Rechts- und Hochwert vertauscht oder
Höhen in Zentimetern statt Metern eingetragen. `candidate` hält das an. Ist `snapshot` der Naturdenkmale rot, passen die
Koordinaten der Shape-Datei zu keinem Bezugssystem, oder auf dem Rechner fehlt das Gitter BETA2007.

**Was zu tun ist.**
1. Die Alarm-Mail oder das Protokoll von `candidate` lesen: Dort stehen Prüfung, Spalte, Anzahl und Anteil.
2. Dem Fachamt Prüfung und Anzahl nennen und um Berichtigung in der Quelle bitten. Keine Daten von Hand ändern.
3. Nach der Berichtigung den Lauf neu starten (*Trigger*) oder die nächste Nacht abwarten; der Vorfall schließt sich
   mit der nächsten guten Veröffentlichung von selbst.
4. Fehlt das Gitter, auf dem Rechner `apt-get install proj-data` ausführen und den Lauf neu starten.
5. Ist eine Grenze in `expectations/baumkataster/` zu eng, sie dort mit Begründung ändern.

**Wen fragen.** Fachlich: gruenflaechen@stadt.hamm.de. Portal und Pipeline: opendata@stadt.hamm.de.
"""

from stadtdaten.airflow_dags import source_dag

dag = source_dag("baumkataster", runbook=__doc__)
