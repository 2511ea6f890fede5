"""Does every geometry lie where the city is, and if not: were its axes swapped?

East and north swapped is the commonest error of geodata (WFS 2.0 with a URN as srsName, hand-made CSV). It moves
every point out of the city at once, so a rectangle finds it, and swapping back tells it from a wrong place.
"""

from __future__ import annotations

from typing import Any, ClassVar

import geopandas as gpd
import pandas as pd
from great_expectations.compatibility import pydantic
from great_expectations.execution_engine import ExecutionEngine, PandasExecutionEngine
from great_expectations.expectations.expectation import ColumnAggregateExpectation
from great_expectations.expectations.metrics import ColumnAggregateMetricProvider, column_aggregate_value


class GeometriesOutsideBounds(ColumnAggregateMetricProvider):  # type: ignore[misc]
    """Counts over a geometry column: ``checked`` (neither missing nor empty), ``outside``, and ``swapped``, which
    are those of the outside that would lie inside with x and y exchanged."""

    metric_name = "column.geometries_outside_bounds"
    value_keys = ("west", "south", "east", "north")

    @column_aggregate_value(engine=PandasExecutionEngine)  # type: ignore[untyped-decorator]
    def _pandas(
        cls,  # noqa: N805  (GX binds the class)
        column: pd.Series[Any],
        west: float,
        south: float,
        east: float,
        north: float,
        **kwargs: Any,
    ) -> dict[str, int]:
        box = gpd.GeoSeries(column).bounds.dropna()  # missing and empty geometries have none
        inside = (box.minx >= west) & (box.maxx <= east) & (box.miny >= south) & (box.maxy <= north)
        inside_swapped = (box.miny >= west) & (box.maxy <= east) & (box.minx >= south) & (box.maxx <= north)
        return {
            "checked": len(box),
            "outside": int((~inside).sum()),
            "swapped": int((~inside & inside_swapped).sum()),
        }


class ExpectColumnGeometriesToBeWithinBounds(ColumnAggregateExpectation):  # type: ignore[misc]
    """Expect the geometries of a column to lie wholly within a rectangle.

    ``west``, ``south``, ``east`` and ``north`` are in the units of the frame's CRS (metres east and north in
    EPSG:25832). ``mostly`` is the share of geometries, 0 to 1, that must lie within; missing and empty ones do not
    count.
    """

    west: float
    south: float
    east: float
    north: float
    mostly: float = pydantic.Field(default=1.0, gt=0, le=1)

    metric_dependencies: ClassVar[tuple[str, ...]] = ("column.geometries_outside_bounds",)
    success_keys: ClassVar[tuple[str, ...]] = ("west", "south", "east", "north", "mostly")

    @pydantic.root_validator(skip_on_failure=True)  # type: ignore[untyped-decorator]
    def _rectangle(cls, values: dict[str, Any]) -> dict[str, Any]:  # noqa: N805  (a pydantic 1 validator)
        if values["west"] >= values["east"] or values["south"] >= values["north"]:
            raise ValueError("west must be less than east, south less than north")
        return values

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: ExecutionEngine | None = None,
    ) -> dict[str, Any]:
        counts: dict[str, int] = metrics["column.geometries_outside_bounds"]
        inside = counts["checked"] - counts["outside"]
        return {
            "success": not counts["checked"] or inside / counts["checked"] >= self.mostly,
            "result": {
                "element_count": counts["checked"],
                "unexpected_count": counts["outside"],
                "details": {"swapped": counts["swapped"]},
            },
        }
