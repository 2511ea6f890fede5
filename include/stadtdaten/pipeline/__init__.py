"""The steps from a source to the portal as plain functions, and what they share.

A module per step, because each costs its own imports and Airflow starts a process for each::

    snapshot.take_snapshots → candidate.build_candidate → publication.decide → publish → verify

Steps exchange references (small dicts of names and paths), never data. Each records its outcome in the ledger, and
turns whatever stops it into one incident and one alert (``incidents``). ``run`` prepares what they need; ``whole``
joins them for the command line, where Airflow is not there to do it.
"""
