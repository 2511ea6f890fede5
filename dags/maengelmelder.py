"""
## Mängelmelder: Gemeldete Mängel und Störungen der Straßenbeleuchtung

**Was hier läuft.** Die Meldungen werden Seite für Seite aus der REST-Schnittstelle des Mängelmelders gelesen, geprüft
und als Datensätze `maengel` und `leuchtenstoerungen` veröffentlicht. Namen, Anschriften, Fotos und die Texte der
Meldungen bleiben hier; aus den Antworten der Stadt werden Angaben zu Personen entfernt, und statt des Orts steht die
Gitterzelle oder die Mitte der Straße da. Statt der Nummer am Mast hat eine Leuchte eine Kennung, die jedes Jahr
wechselt. Die Straßen liefert das Vermessungs- und Katasteramt.

**Was ein Fehlschlag bedeutet.** Auf dem Portal bleibt der letzte gute Stand mit seinem Datum sichtbar; es ist nichts
verloren. `snapshot` rot: Der Mängelmelder antwortet nicht, weist den API-Schlüssel zurück, oder seine Seiten ergeben
nicht den ganzen Bestand; bei `leuchtenstoerungen` kann es auch am Straßenverzeichnis liegen. `candidate` rot: Eine
Prüfung hat die Daten angehalten; beim Datenschutz steht dabei, in welcher Spalte welche Art von Angaben gefunden wurde.

**Was zu tun ist.**
1. Die Alarm-Mail oder das Protokoll der roten Aufgabe lesen: Dort stehen Spalte, Prüfung und Anzahl, nie der Inhalt.
2. Schlüssel zurückgewiesen: beim Betrieb des Mängelmelders einen neuen erbitten und in der Airflow-Connection
   `maengelmelder` unter *Password* eintragen.
3. Datenschutz rot: Das lässt sich nicht übergehen. Die Antworten im Mängelmelder berichtigen lassen, oder `antwort` im
   Vertrag `include/contracts/maengelmelder.yaml` weglassen (`treatment: {kind: drop}`).
4. Neue Spalten der Schnittstelle nur mit Klasse und Behandlung in den Vertrag aufnehmen; im Zweifel den Datenschutz
   fragen.
5. *Einrichtung* bei `leuchtenstoerungen`: In der Connection `maengelmelder_schluessel` fehlt der Schlüssel der
   Kennungen (*Password*) oder er ist zu kurz. Den bisherigen aus der Sicherung holen; mit einem neuen hätten alle
   Leuchten mitten im Jahr andere Kennungen.
6. Den Lauf neu starten (*Trigger*); mit *Neu bauen* auch dann, wenn die Quelle unverändert ist.

**Wen fragen.** Fachlich: beschwerden@stadt.hamm.de. Portal und Pipeline: opendata@stadt.hamm.de.
"""

from stadtdaten.airflow_dags import source_dag

dag = source_dag("maengelmelder", runbook=__doc__)
