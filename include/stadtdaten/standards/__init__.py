"""From a publishable frame to files in standard formats and to metadata in the standard vocabulary.

``files`` decides which files a table gets and orders its rows; ``csv_file``, ``table_schema``, ``geodata`` and
``parquet`` each write one standard; ``describe`` says what a dataset is, ``dcat`` says it in DCAT-AP.de 3.0.
"""

from stadtdaten.standards.dcat import CatalogueEntry, catalogue, serialise
from stadtdaten.standards.describe import describe
from stadtdaten.standards.files import write_files

__all__ = ["CatalogueEntry", "catalogue", "describe", "serialise", "write_files"]
