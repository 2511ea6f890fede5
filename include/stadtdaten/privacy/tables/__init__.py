"""From rows to tables of counts and sums that withstand an attack: import the module you need.

Making them: ``tabulate`` puts it together from ``counting`` (rows to numbers), ``rare`` (values never named),
``linked`` (tables that share their rows) and, by method, ``hold_back`` (suppression) or ``change`` (``rounding``,
``cell_key``). Which cells are held back say ``primary`` (minimum, dominance and p %) and ``secondary``, within what
``shown`` earlier allows.
Attacking them: ``findings`` asks ``attack`` about one release and ``over_time`` about all that was ``published``.
What both stand on: ``cells`` and ``lattice`` (cells and their sums), ``intervals``, ``movements`` and ``solver``
(linear programmes).
"""
