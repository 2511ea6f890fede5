"""Our own expectations, for what Great Expectations does not know: geometries.

Importing this package registers them with Great Expectations, which silently drops what was not imported.
"""

from stadtdaten.quality.expectations.geometries_valid import ExpectColumnGeometriesToBeValid
from stadtdaten.quality.expectations.geometries_within_bounds import ExpectColumnGeometriesToBeWithinBounds

__all__ = ["ExpectColumnGeometriesToBeValid", "ExpectColumnGeometriesToBeWithinBounds"]
