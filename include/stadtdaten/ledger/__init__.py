"""The ledger: what happened to each dataset, as far as Airflow does not know it itself.

Attempts and their checks, releases, what is live where, incidents and the alerts about them. Only counts, names and
German sentences of faults enter it; no value of a source's rows. ``models`` says how it is stored, ``ledger`` what
can be asked and written, ``values`` what is handed out, ``migrations`` how a stored ledger follows the models.
"""

from stadtdaten.ledger.ledger import Ledger
from stadtdaten.ledger.values import Alert, Attempt, Outcome

__all__ = ["Alert", "Attempt", "Ledger", "Outcome"]
