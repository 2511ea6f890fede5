"""Municipal open data: from a contract to a checked, anonymised, published release.

The rooms follow the data; a room imports only rooms to its left, plus ``contracts`` and ``frames``::

    contracts, frames → extract → read → quality → privacy → standards → releases → portals

``pipeline`` joins them into steps, ``airflow_dags`` makes DAGs of the steps, ``cli`` is for people at a terminal.
"""
