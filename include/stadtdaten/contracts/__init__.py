"""The contract: what is special about a source, in YAML, and nothing else.

``model`` says what may be written, ``load`` reads it, ``vocabulary`` holds the codes.
"""

from stadtdaten.contracts.load import ContractError, Problem, load_city, load_contract
from stadtdaten.contracts.model import City, Column, Contract, Dataset, Table

__all__ = [
    "City", "Column", "Contract", "ContractError", "Dataset", "Problem", "Table", "load_city", "load_contract",
]  # fmt: skip
