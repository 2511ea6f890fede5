"""
## Mobilitätsbefragung: Einzeldaten

**Was hier läuft.** Aus dem Ordner der Statistikstelle wird die Datei der Haushaltsbefragung gelesen (eine Zeile je
Person). Nummern, Ansprechpersonen und Bemerkungen fallen weg; die übrigen Merkmale werden so weit vergröbert, dass
mindestens fünf Personen gleich aussehen und in jeder Gruppe drei verschiedene Einkommen und Verkehrsmittel vorkommen.
Das Ergebnis wird wie von außen angegriffen und als Datensatz `mobilitaetsbefragung` veröffentlicht. Die gelesenen Daten
werden danach gelöscht. Der Lauf arbeitet nur in der Zone `statistik`.

**Was ein Fehlschlag bedeutet.** Auf dem Portal bleibt der letzte gute Stand mit seinem Datum sichtbar; es ist nichts
verloren und nichts zu viel veröffentlicht. `snapshot` rot: Die Datei fehlt oder nennt andere Spalten. `candidate` rot
mit *Datenschutz*: Mit diesen Merkmalen wäre jemand zu finden, auch durch Vergleich mit einer früheren Fassung des
Datensatzes. **Diese Sperre hebt niemand auf.**

**Was zu tun ist.**
1. Die Alarm-Mail oder das Protokoll von `candidate` lesen: Dort stehen Regel, Spalte und Anzahl, nie ein Wert, und was
   genügen würde.
2. Bei *Datenschutz*: die Statistikstelle informieren. Abhilfe sind im Vertrag
   `include/contracts/mobilitaetsbefragung.yaml` weniger Spalten oder gröbere Werte, nie ein kleineres `k`.
3. Eine neue Befragung wird ein eigener Datensatz mit eigener `id`. Unter der alten würde sie mit der vorigen
   verglichen, als wären es dieselben Personen, und gesperrt; ebenso jeder Nachtrag zu einer veröffentlichten Befragung.
4. Eine neue Antwort im Fragebogen: mit der Statistikstelle klären, im Vertrag (`hierarchies`) und in den Suiten
   ergänzen.
5. Bei `snapshot` rot: prüfen, ob der Ordner eingebunden ist und die Datei darin liegt (Connection
   `mobilitaetsbefragung`).

**Wen fragen.** Fachlich: statistik@stadt.hamm.de. Portal und Pipeline: opendata@stadt.hamm.de.
"""

from stadtdaten.airflow_dags import source_dag

dag = source_dag("mobilitaetsbefragung", runbook=__doc__)
