"""From a publishable frame to files in standard formats and to metadata in the standard vocabulary.

``files`` decides which files a table gets and orders its rows; ``csv_file``, ``table_schema``, ``geodata`` and
``parquet`` each write one standard; ``describe`` says what a dataset is, ``dcat`` says it in DCAT-AP.de 3.0. Import the
module you need: portals use ``dcat`` without the weight of geopandas.
"""
