"""
## Ratsinformation: Ratsmitglieder, Gremien, Sitzungen und Vorlagen

**Was hier läuft.** Jede Nacht wird das Ratsinformationssystem über OParl 1.1 gefragt. Ratsmitglieder, Gremien und
Vorlagen werden ganz gelesen, von den Sitzungen nur, was sich geändert hat oder gelöscht wurde; einmal in der Woche
werden auch sie ganz gelesen. Veröffentlicht werden `ratsmitglieder`, `gremien`, `sitzungen` und `vorlagen`.

**Wer öffentlich ist.** Nur wer heute mit Stimmrecht im Rat sitzt, steht mit Namen in `ratsmitglieder`. Das prüft der
Lauf an jedem Tag neu: Endet ein Mandat, fehlt der Name in der nächsten Veröffentlichung. Beschäftigte, sachkundige
Bürgerinnen und Bürger und Menschen, die an den Rat schreiben, werden nie veröffentlicht; ihre Namen in den Titeln der
Vorlagen werden ersetzt.

**Was ein Fehlschlag bedeutet.** Auf dem Portal bleibt der letzte gute Stand mit seinem Datum sichtbar; es ist nichts
verloren. `snapshot` rot: Der Server antwortet nicht, eine Sperre gegen automatische Abrufe weist uns ab (HTTP 403 mit
einer Webseite), oder die Listen führen im Kreis. `candidate` rot: Eine Prüfung hat die Daten angehalten; nennt sie
*privacy*, steht noch etwas Persönliches darin, und niemand kann das übergehen.

**Was zu tun ist.**
1. Die Alarm-Mail oder das Protokoll der roten Aufgabe lesen: Dort stehen Prüfung, Spalte und Anzahl.
2. Bei einer *Sperre gegen automatische Abrufe* den Betrieb des Ratsinformationssystems um eine Ausnahme bitten, für
   unsere Adresse oder den User-Agent „stadtdaten“. Die Sperre nicht umgehen.
3. Steht etwas Persönliches in einem Titel, das Büro des Rates um einen anderen Titel bitten; im Vertrag
   `include/contracts/ratsinformation.yaml` kann `treatment.patterns` eine weitere Art beschreiben, die ersetzt wird.
4. Fehlt ein Ratsmitglied oder steht eines zu viel da: im Ratsinformationssystem Beginn, Ende und Stimmrecht seiner
   Mitgliedschaft im Rat berichtigen lassen. Der nächste Lauf übernimmt es.
5. Ist etwas Persönliches schon veröffentlicht: sofort `stadtdaten takedown DATENSATZ`, dann die Fachstelle anrufen.

**Wen fragen.** Fachlich: rat@stadt.hamm.de. Portal und Pipeline: opendata@stadt.hamm.de.
"""

from stadtdaten.airflow_dags import source_dag

dag = source_dag("ratsinformation", runbook=__doc__)
