"""Is every geometry usable: not empty, and valid in the sense of OGC Simple Features?

Empty and self-intersecting geometries pass through readers and writers unnoticed and fail at the re-user's.
"""

from __future__ import annotations

from typing import Any, ClassVar

import geopandas as gpd
import pandas as pd
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import ColumnMapExpectation
from great_expectations.expectations.metrics import ColumnMapMetricProvider, column_condition_partial


class GeometriesValid(ColumnMapMetricProvider):  # type: ignore[misc]
    """Row by row: is the geometry valid and not empty? Missing geometries are left to the not-null expectation."""

    condition_metric_name = "column_values.geometry_valid"

    @column_condition_partial(engine=PandasExecutionEngine)  # type: ignore[untyped-decorator]
    def _pandas(cls, column: pd.Series[Any], **kwargs: Any) -> pd.Series[Any]:  # noqa: N805  (GX binds the class)
        geometries = gpd.GeoSeries(column)
        valid: pd.Series[Any] = geometries.is_valid & ~geometries.is_empty
        return valid


class ExpectColumnGeometriesToBeValid(ColumnMapExpectation):  # type: ignore[misc]
    """Expect the geometries of a column to be valid (OGC Simple Features) and not empty."""

    map_metric: ClassVar[str] = "column_values.geometry_valid"
    success_keys: ClassVar[tuple[str, ...]] = ("mostly",)
