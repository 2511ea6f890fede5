"""
## Marktstammdatenregister: Solaranlagen

**Was hier läuft.** Der Export der Bundesnetzagentur (gezipptes XML, ganz Deutschland) wird abgeholt und beim Lesen auf
die Stadt zugeschnitten. Anlagen von Privatpersonen werden nur gezählt und summiert (`solaranlagen_privat`): kleine
Werte sind geheim, ebenso Summen, aus denen sich eine einzelne Anlage schätzen ließe; das Ergebnis wird wie von außen
angegriffen. Anlagen von Unternehmen und Einrichtungen stehen einzeln in `solaranlagen_gewerblich`. Namen, Anschriften
und Kontakte von Privatpersonen werden gar nicht erst gespeichert.

**Was ein Fehlschlag bedeutet.** Auf dem Portal bleibt der letzte gute Stand mit seinem Datum sichtbar; es ist nichts
verloren und nichts zu viel veröffentlicht. `snapshot` rot: Der Export fehlt, ist unvollständig oder nennt Elemente
anders. `candidate` rot mit *Datenschutz*: Die Prüfung hätte geheime Werte errechnen können oder einen Personenbezug
gefunden. **Diese Sperre hebt niemand auf.**

**Was zu tun ist.**
1. Die Alarm-Mail oder das Protokoll der roten Aufgabe lesen: Dort stehen Regel, Spalte und Anzahl, nie ein Wert.
2. Eine neue Rechtsform bei `solaranlagen_gewerblich`: mit dem Datenschutz klären, ob dahinter eine Privatperson steht
   (e. K., GbR). Nur wenn nicht, sie in beiden Suiten der Tabelle ergänzen.
3. Haben sich Elemente oder Schlüssel geändert, den Vertrag `include/contracts/marktstammdaten.yaml` anpassen. Angaben
   zu privaten Betreibern dürfen dabei nicht hineinkommen.
4. Den Lauf neu starten (*Trigger*).

**Wen fragen.** Fachlich: umweltamt@stadt.hamm.de. Portal und Pipeline: opendata@stadt.hamm.de.
"""

from stadtdaten.airflow_dags import source_dag

dag = source_dag("marktstammdaten", runbook=__doc__)
