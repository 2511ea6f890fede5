"""Mails to the people on call: one when an incident opens, one when it is over.

``compose`` writes the mail (German, from names, counts and the sentences of faults; never a value of the data),
``causes`` says what is likely behind it and what to do, ``send`` hands it to the mail server. Which mails are due
is the ledger's knowledge; the pipeline joins the two::

    for alert in ledger.claim_alerts(now):
        message = compose(alert.incident, city, contract, situation, sender, now)
        try:
            send(message, endpoint)
        except AlertNotSent as error:
            ledger.alert_failed(alert.id, str(error))
        else:
            ledger.alert_sent(alert.id, now)
"""

from stadtdaten.alerts.compose import LiveFacts, Situation, compose
from stadtdaten.alerts.send import AlertNotSent, send

__all__ = ["AlertNotSent", "LiveFacts", "Situation", "compose", "send"]
