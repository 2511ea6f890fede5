"""How is a single column made coarser? ``treat`` applies what the contract declares, ``untreated`` judges the result.

A module per question behind them: ``generalise`` (numbers, dates and codes), ``pseudonym``, ``street`` (house
numbers), ``grid`` and ``snap`` (places).
"""

from stadtdaten.privacy.treatments.apply import ColumnNumbers, TreatmentNumbers, treat
from stadtdaten.privacy.treatments.generalise import domain
from stadtdaten.privacy.treatments.judge import untreated

__all__ = ["ColumnNumbers", "TreatmentNumbers", "domain", "treat", "untreated"]
