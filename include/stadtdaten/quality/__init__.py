"""Quality gates: Great Expectations suites, loaded fail-closed, run twice, reported in German without values.

``suites`` loads and lints them, ``checks`` runs them, ``sentences`` says what they found, ``gates`` decides. Import the
module you need: ``gates`` is used by steps that can do without Great Expectations, whose import takes three seconds.
"""

import logging

# A logger without a handler of its own would fall back to standard error.
# Done here, before anything imports it: its import alone writes 200 lines.
logging.getLogger("great_expectations").addHandler(logging.NullHandler())
logging.getLogger("great_expectations").propagate = False
