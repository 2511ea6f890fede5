"""From a typed table to one in which nobody can be found, and the proof of it.

``anonymise`` does what the contract declares; ``audit`` judges the result without trusting it.
"""

from stadtdaten.privacy.admission import allowed_on
from stadtdaten.privacy.anonymisation import anonymise
from stadtdaten.privacy.audit import audit
from stadtdaten.privacy.columns import published_columns

__all__ = ["allowed_on", "anonymise", "audit", "published_columns"]
