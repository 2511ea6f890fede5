"""Which connections does a contract name for their password alone: the keys of its pseudonyms and cell keys?"""

from __future__ import annotations

from stadtdaten.contracts.model import Contract
from stadtdaten.contracts.protection import CellKey, Pseudonym


def key_connections(contract: Contract) -> set[str]:
    """The connections of the contract that hold a key."""
    tables = [table for dataset in contract.datasets for table in dataset.tables]
    treatments = [column.treatment for table in tables for column in table.columns]
    methods = [table.frequency_table.protection for table in tables if table.frequency_table is not None]
    return {each.connection for each in (*treatments, *methods) if isinstance(each, Pseudonym | CellKey)}
