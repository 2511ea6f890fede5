"""Every file below ../shared/data is accounted for: its shape, types and repairs, or why it is refused or no table.

The entries are in corpus.yaml. Rows and filled cells are counted a second time by Python's csv module or by OGR.
"""

from __future__ import annotations

import csv
import fnmatch
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from itertools import accumulate
from pathlib import Path
from typing import Any

import geopandas as gpd
import pyogrio
import pytest
import shapely
import yaml

from stadtdaten import faults
from stadtdaten.contracts import City, Table
from stadtdaten.contracts.interfaces import Limits
from stadtdaten.contracts.model import Bounds
from stadtdaten.read import ReadTable, read_table

MakeTable = Callable[..., Table]
Entry = dict[str, Any]
CORPUS: Entry = yaml.safe_load((Path(__file__).parent / "corpus.yaml").read_text("utf-8"))
TABLES: dict[str, Entry] = CORPUS["tables"]
READ = [name for name, entry in TABLES.items() if "refused" not in entry]
COMPANIONS = (".dbf", ".shx", ".prj", ".cpg", ".qix", ".sbn", ".sbx", ".xml")
DTYPES = {
    "string": "str", "integer": "Int64", "number": "float64", "boolean": "boolean", "date": "datetime64[us]",
    "datetime": "datetime64[us, Europe/Berlin]", "geometry": "geometry",
}  # fmt: skip


def files_of(entry: Entry, data: Path) -> list[Path]:
    """The files of all patterns, each pattern's in order of their names."""
    patterns = [entry["files"]] if isinstance(entry["files"], str) else entry["files"]
    return [file for pattern in patterns for file in sorted(data.glob(pattern))]


def plain_rows(entry: Entry, file: Path) -> list[list[str]]:
    """All rows of a delimited file that hold anything, as the csv module sees them."""
    written = entry.get("written", {})
    delimiter = written.get("delimiter", ",")
    if isinstance(delimiter, dict):
        delimiter = delimiter.get(file.name, ",")
    with file.open(encoding=written.get("encoding", "utf-8-sig"), newline="") as stream:
        return [row for row in csv.reader(stream, delimiter=delimiter) if any(cell.strip() for cell in row)]


def header_of(entry: Entry, file: Path) -> list[str]:
    """Names of the columns as a contract writes them: the second `CDU` is `CDU#2`."""
    if entry["reading"]["format"] != "csv":
        return list(pyogrio.read_info(file)["fields"])
    if not entry.get("written", {}).get("header", 1):
        return [f"#{number + 1}" for number in range(len(plain_rows(entry, file)[0]))]
    names: list[str] = []
    seen: Counter[str] = Counter()
    for cell in plain_rows(entry, file)[0]:
        name = " ".join(cell.split())
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return names


def named_rows(entry: Entry, file: Path) -> list[dict[str, str]]:
    """The rows below the header: cells without outer white space by the names of the columns."""
    names = header_of(entry, file)
    below = plain_rows(entry, file)[entry.get("written", {}).get("header", 1) :]
    return [dict(zip(names, map(str.strip, row), strict=False)) for row in below]


def columns_of(entry: Entry, file: Path) -> dict[str, Entry]:
    """The declared columns by source name: those of the header, then those that stand in no header (the geometry)."""
    named = entry.get("columns", {})
    rest = {name: entry["rest"] for name in header_of(entry, file) if name} if "rest" in entry else {}
    like = {name: kind for pattern, kind in entry.get("like", {}).items() for name in fnmatch.filter(rest, pattern)}
    return {name: {"type": given} if isinstance(given, str) else given for name, given in (rest | like | named).items()}


@pytest.fixture
def read_entry(shared: Path, table: MakeTable, city: City) -> Callable[[Entry], ReadTable]:
    def read(entry: Entry) -> ReadTable:
        files = files_of(entry, shared / "data")
        columns = columns_of(entry, files[0])
        declared = {f"c_{number}": {"source": name, **given} for number, (name, given) in enumerate(columns.items())}
        here = at(city, files[0].relative_to(shared / "data").parts[0])
        return read_table(table(entry["reading"], declared), tuple(files), here, Limits())

    return read


def at(city: City, place: str) -> City:
    """The city with the extent of the place that the file is of."""
    if place not in CORPUS["bounds"]:
        return city
    box = gpd.GeoSeries([shapely.box(*CORPUS["bounds"][place])], crs=city.crs)
    corners = ("west", "south", "east", "north")
    extents = (dict(zip(corners, each.total_bounds, strict=True)) for each in (box, box.to_crs("EPSG:4326")))
    metres, degrees = (Bounds(**extent) for extent in extents)
    return city.model_copy(update={"bounds": metres, "bounds_wgs84": degrees})


def told(found: ReadTable) -> dict[str, dict[str, int]]:
    """What the reader said it did: nature, kind, count over all columns and files."""
    counts: dict[str, Counter[str]] = {}
    for repair in found.repairs:
        counts.setdefault(repair.nature, Counter())[repair.kind] += repair.count
    return {nature: dict(kinds) for nature, kinds in counts.items()}


def test_no_file_of_the_corpus_is_forgotten(shared: Path) -> None:
    data = shared / "data"
    there = {file for file in data.rglob("*") if file.is_file()}
    named: set[Path] = set()
    for name, entry in {**TABLES, **{pattern: {"files": pattern} for pattern in CORPUS["no_table"]}}.items():
        patterns = [entry["files"]] if isinstance(entry["files"], str) else entry["files"]
        for pattern in patterns:
            found = set(data.glob(pattern))
            assert found, f"{name}: no file fits {pattern}"
            named |= found
    for shape in [file for file in named if file.suffix == ".shp"]:
        named |= {shape.with_suffix(suffix) for suffix in COMPANIONS} & there
    assert sorted(map(str, there ^ named)) == []


@pytest.mark.parametrize("name", READ)
def test_a_file_of_the_corpus_has_its_shape_types_and_repairs(
    read_entry: Callable[[Entry], ReadTable], shared: Path, name: str
) -> None:
    entry = TABLES[name]
    found = read_entry(entry)
    columns = columns_of(entry, files_of(entry, shared / "data")[0])
    assert found.frame.shape == (entry["rows"], len(columns))
    assert found.frame.dtypes.astype(str).tolist() == [DTYPES[spec["type"]] for spec in columns.values()]
    assert len(found.drift) == entry.get("drift", 0)
    assert told(found) == entry["repairs"]
    assert entry.get("told", "") in " ".join(repair.detail for repair in found.repairs)


@pytest.mark.parametrize("name", [name for name in READ if TABLES[name]["reading"]["format"] == "csv"])
def test_rows_and_values_are_what_the_csv_module_sees(
    read_entry: Callable[[Entry], ReadTable], shared: Path, name: str
) -> None:
    entry = TABLES[name]
    files = files_of(entry, shared / "data")
    rows = [row for file in files for row in named_rows(entry, file)]
    assert len(rows) == entry["rows"]
    frame = read_entry(entry).frame
    for position, (source, spec) in enumerate(columns_of(entry, files[0]).items()):
        values = frame.iloc[:, position]
        if spec["type"] == "geometry":
            assert values.notna().all()
            continue
        cells = ["" if row[source] in spec.get("missing", {}) else row[source] for row in rows]
        if source in entry["reading"].get("fill_down", ()):
            cells = list(accumulate(cells, lambda above, cell: cell or above))
        assert values.notna().tolist() == [cell != "" for cell in cells], source
        if spec["type"] == "datetime":  # by PEP 495 times of the double hour equal none of another zone
            values = values.dt.tz_localize(None) if "format" in spec else values.dt.tz_convert("UTC")
        if spec["type"] == "string":  # text keeps its outer white space
            values = values.str.strip()
        assert values.dropna().tolist() == [plain_value(cell, spec, entry) for cell in cells if cell], source


def plain_value(cell: str, spec: Entry, entry: Entry) -> str | float | bool | datetime:
    """A cell's value as Python alone reads it."""
    match spec["type"]:
        case "string":
            return cell
        case "integer" | "number":
            written = entry.get("written", {})
            return float(cell.replace(written.get("thousands", "'"), "").replace(written.get("decimal", "."), "."))
        case "boolean":
            return cell == spec["true"]
        case _:
            if "format" not in spec:
                return datetime.fromisoformat(cell)
            return datetime.strptime(cell, spec["format"])  # noqa: DTZ007  the source writes no offset


@pytest.mark.parametrize("name", [name for name in READ if TABLES[name]["reading"]["format"] != "csv"])
def test_objects_are_as_many_as_ogr_counts_and_lie_where_ogr_puts_them(
    read_entry: Callable[[Entry], ReadTable], shared: Path, city: City, name: str
) -> None:
    (file,) = files_of(TABLES[name], shared / "data")
    assert pyogrio.read_info(file, force_feature_count=True)["features"] == TABLES[name]["rows"]
    expected = pyogrio.read_dataframe(file).to_crs(city.crs)
    found = read_entry(TABLES[name]).frame
    for position, (source, spec) in enumerate(columns_of(TABLES[name], file).items()):
        if spec["type"] in ("integer", "number") and source in expected:
            assert found.iloc[:, position].tolist() == expected[source].tolist(), source
        elif spec["type"] == "string" and source in expected:
            given = expected[source].dropna().astype(str).str.strip()
            assert found.iloc[:, position].dropna().str.strip().tolist() == given[given != ""].tolist(), source
    distance = expected.geometry.force_2d().hausdorff_distance(found.geometry, align=False)
    assert distance.max() < 0.01  # metres


@pytest.mark.parametrize("name", [name for name in TABLES if name not in READ])
def test_a_file_that_cannot_be_read_safely_is_refused(read_entry: Callable[[Entry], ReadTable], name: str) -> None:
    refused = TABLES[name]["refused"]
    with pytest.raises(getattr(faults, refused["fault"]), match=refused["says"]):
        read_entry(TABLES[name])
