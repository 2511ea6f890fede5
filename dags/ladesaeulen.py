"""
## Ladesäulenregister: Öffentlich zugängliche Ladesäulen

**Was hier läuft.** Das Register der Bundesnetzagentur wird als CSV-Datei abgeholt, beim Lesen auf die Stadt
zugeschnitten, geprüft und als Datensatz `ladesaeulen` veröffentlicht. Die Namen der Betreiber, darunter Privatpersonen,
werden gar nicht erst gespeichert. Ist die Datei unverändert, endet der Lauf nach `snapshot`.

**Was ein Fehlschlag bedeutet.** Auf dem Portal bleibt der letzte gute Stand mit seinem Datum sichtbar; es ist nichts
verloren. `snapshot` rot: Die Datei fehlt, oder ihre Kopfzeile nennt andere Spalten.
`candidate` rot: Eine Prüfung hat die Daten angehalten; stehen Werte in der falschen Spalte, hat die Datei ein
Trennzeichen zu viel.

**Was zu tun ist.**
1. Die Alarm-Mail oder das Protokoll der roten Aufgabe lesen: Dort stehen Spalte, Prüfung und Anzahl.
2. Haben sich Spalten geändert, den Vertrag `include/contracts/ladesaeulen.yaml` anpassen. Angaben zu Betreibern und
   freie Texte dürfen dabei nicht hineinkommen; im Zweifel die Open-Data-Stelle fragen.
3. Den Lauf neu starten (*Trigger*); mit *Neu bauen* auch dann, wenn die Quelle unverändert ist.

**Wen fragen.** Fachlich: stadtplanung@stadt.hamm.de. Portal und Pipeline: opendata@stadt.hamm.de.
"""

from stadtdaten.airflow_dags import source_dag

dag = source_dag("ladesaeulen", runbook=__doc__)
