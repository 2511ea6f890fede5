"""Personal data in texts: found, and taken out. Import the module you need.

``detectors`` puts together ``contact``, ``checked_numbers``, ``official_marks``, ``names`` (with ``words``) and
``addresses``, whose finds are ``spans``; all see a text as its reader does (``writing``). ``headings`` judges columns
by what they are called, ``metadata`` the words about a dataset, and ``scrub`` takes out what is found.
"""
