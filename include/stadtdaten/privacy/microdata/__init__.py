"""From records to records each of which looks like several others: import the module you need.

``records`` puts it together: ``axes`` (values that can be cut), ``mondrian`` (what is published together),
``conditions`` (k, l and t) and ``groups``; ``loss`` measures what readers lose. ``attack`` looks at what is published,
read by ``regions``.
"""
