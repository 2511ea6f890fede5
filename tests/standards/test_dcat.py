"""The catalogue, judged by the official shapes, and proof that the judge can say no."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import geopandas
import pandas
import pyshacl
import pytest
import rdflib
from rdflib import DCTERMS, FOAF, RDF, BNode, Graph, Literal, URIRef
from rdflib.compare import isomorphic

from official_shapes import Judge
from stadtdaten.contracts import City, Table, load_contract
from stadtdaten.frames import Manifest, PublishedColumn
from stadtdaten.standards.dcat import CatalogueEntry, catalogue, serialise
from stadtdaten.standards.describe import describe
from stadtdaten.standards.files import write_files

CONTRACTS = Path(__file__).resolve().parents[2] / "include" / "contracts"
BASE = "https://daten.example.org/"
DCAT_VERSION = URIRef("http://www.w3.org/ns/dcat#version")  # not in rdflib, which knows DCAT 2


def entries(releases: tuple[Manifest, ...]) -> list[CatalogueEntry]:
    return [
        CatalogueEntry(
            manifest,
            f"{BASE}dataset/{manifest.dataset}/",
            lambda file, dataset=manifest.dataset: f"{BASE}dataset/{dataset}/{file.path}",
        )
        for manifest in releases
    ]


@pytest.fixture
def graph(city: City, releases: tuple[Manifest, ...]) -> Graph:
    return catalogue(city, BASE, entries(releases))


def test_the_official_shapes_find_no_violation_and_no_warning(judge: Judge, graph: Graph) -> None:
    assert judge(graph) == []


def test_the_metadata_of_written_files_pass_as_well(
    judge: Judge, city: City, trees: Table, tree_rows: geopandas.GeoDataFrame, gauges: Table,
    gauge_rows: pandas.DataFrame, as_published: Callable[[Table], tuple[PublishedColumn, ...]], tmp_path: Path,
    releases: tuple[Manifest, ...],
) -> None:  # fmt: skip
    """From contract and rows to the catalogue, through the same functions as every night."""
    written = []
    for manifest, source, table, rows in (
        (releases[0], "baumkataster", trees, tree_rows),
        (releases[1], "umweltmessnetz", gauges, gauge_rows),
    ):
        contract = load_contract(CONTRACTS / f"{source}.yaml")
        moments = manifest.metadata.issued, manifest.metadata.modified
        metadata = describe(contract, contract.datasets[0], {table.id: rows}, [], *moments)
        files = write_files(rows, table, as_published(table), tmp_path, city)
        written.append(manifest.model_copy(update={"files": files, "metadata": metadata}))
    graph = catalogue(city, BASE, entries(tuple(written)))
    assert judge(graph) == []
    assert len(list(graph.subjects(RDF.type, rdflib.DCAT.Distribution))) == 6


def test_a_catalogue_without_any_dataset_is_valid(judge: Judge, city: City) -> None:
    assert judge(catalogue(city, BASE, [])) == []


def test_each_serialisation_is_valid_when_read_back(judge: Judge, graph: Graph) -> None:
    for name, content in serialise(graph).items():
        read = Graph().parse(
            data=content, format={"ttl": "turtle", "rdf": "xml", "jsonld": "json-ld"}[name.split(".")[1]]
        )
        assert isomorphic(read, graph), name
        assert judge(read) == [], name


def test_dcat_ap_alone_is_content_without_any_code_list(shared: Path, graph: Graph) -> None:
    """Harvesters outside Germany validate without our code lists: every referenced class must be written out."""
    shapes = Graph().parse(shared / "standards" / "dcat-ap" / "dcat-ap-3.0.1-SHACL.ttl")
    conforms, _, report = pyshacl.validate(graph, shacl_graph=shapes)
    assert conforms, report


@pytest.mark.parametrize(
    ("predicate", "message"),
    [
        (DCTERMS.license, "dcat:Distribution: MUSS eine dcterms:license haben"),
        (rdflib.DCAT.accessURL, "dcat:accessURL MUSS MINDESTEN einmal vorkommen"),
        (DCTERMS.publisher, "dcterms:publisher"),
        (URIRef("http://www.w3.org/2006/vcard/ns#hasEmail"), "vcard:hasEmail, vcard:hasURL oder vcard:hasTelephone"),
        (rdflib.DCAT.startDate, "MUSS mindestens eine der folgenden Eigenschaften"),
    ],
)
def test_the_judge_finds_what_is_missing(judge: Judge, graph: Graph, predicate: URIRef, message: str) -> None:
    graph.remove((None, predicate, None))
    if predicate == rdflib.DCAT.startDate:
        graph.remove((None, rdflib.DCAT.endDate, None))
    complaints = judge(graph)
    assert any(severity == "Violation" and message in text for severity, text in complaints), complaints


@pytest.mark.parametrize(
    ("predicate", "wrong", "severity"),
    [
        (DCTERMS.accrualPeriodicity, URIRef("http://inspire.ec.europa.eu/metadata-codelist/weekly"), "Violation"),
        (DCTERMS.accessRights, URIRef("http://dcat-ap.de/def/licenses/cc-zero"), "Violation"),
        (DCTERMS.license, URIRef("https://www.govdata.de/dl-de/zero-2-0"), "Warning"),
        (rdflib.DCAT.mediaType, Literal("text/csv"), "Violation"),
        (rdflib.DCAT.byteSize, Literal("1234", datatype=rdflib.XSD.decimal), "Violation"),
    ],
)
def test_the_judge_finds_a_value_outside_its_code_list(
    judge: Judge, graph: Graph, predicate: URIRef, wrong: URIRef | Literal, severity: str
) -> None:
    subject = next(graph.subjects(predicate))
    graph.set((subject, predicate, wrong))
    assert severity in {found for found, _ in judge(graph)}


def test_the_judge_finds_a_deprecated_property(judge: Judge, graph: Graph) -> None:
    dataset = next(graph.subjects(RDF.type, rdflib.DCAT.Dataset))
    graph.add((dataset, URIRef("http://dcat-ap.de/def/dcatde/legalBasis"), Literal("Gesetz")))
    assert [severity for severity, _ in judge(graph)] == ["Warning"]


def test_every_release_has_all_that_is_recommended(graph: Graph, releases: tuple[Manifest, ...]) -> None:
    dcatde = "http://dcat-ap.de/def/dcatde/"
    once = {
        DCTERMS.identifier, DCTERMS.title, DCTERMS.description, DCTERMS.publisher, DCTERMS.issued, DCTERMS.modified,
        DCTERMS.accrualPeriodicity, DCTERMS.accessRights, DCTERMS.provenance, DCTERMS.language,
        rdflib.DCAT.contactPoint, rdflib.DCAT.landingPage, DCAT_VERSION, URIRef(dcatde + "contributorID"),
        URIRef(dcatde + "politicalGeocodingLevelURI"),
    }  # fmt: skip
    datasets = list(graph.subjects(RDF.type, rdflib.DCAT.Dataset))
    assert len(datasets) == len(releases)
    for dataset in datasets:
        assert {predicate: len(list(graph.objects(dataset, predicate))) for predicate in once} == dict.fromkeys(once, 1)
        assert len(list(graph.objects(dataset, DCTERMS.spatial))) == 2
        assert list(graph.objects(dataset, rdflib.DCAT.keyword))
        assert list(graph.objects(dataset, rdflib.DCAT.theme))
    each = {
        rdflib.DCAT.accessURL, rdflib.DCAT.downloadURL, rdflib.DCAT.byteSize, rdflib.DCAT.mediaType,
        DCTERMS["format"], DCTERMS.license,
        DCTERMS.title, DCTERMS.description, DCTERMS.issued, DCTERMS.modified, DCTERMS.conformsTo,
        URIRef("http://spdx.org/rdf/terms#checksum"), URIRef("http://data.europa.eu/r5r/availability"),
    }  # fmt: skip
    distributions = list(graph.subjects(RDF.type, rdflib.DCAT.Distribution))
    assert len(distributions) == sum(len(manifest.files) for manifest in releases)
    for one in distributions:
        assert {predicate: len(list(graph.objects(one, predicate))) for predicate in each} == dict.fromkeys(each, 1)
        assert graph.value(one, rdflib.DCAT.accessURL) == graph.value(one, rdflib.DCAT.downloadURL)


def test_every_by_licence_carries_its_attribution_and_no_other_does(graph: Graph) -> None:
    attribution = URIRef("http://dcat-ap.de/def/dcatde/licenseAttributionByText")
    for one in graph.subjects(RDF.type, rdflib.DCAT.Distribution):
        by = "by" in str(graph.value(one, DCTERMS.license))
        assert (graph.value(one, attribution) is not None) == by


def test_the_change_note_stands_in_the_provenance(graph: Graph) -> None:
    labels = {str(text) for text in graph.objects(None, URIRef("http://www.w3.org/2000/01/rdf-schema#label"))}
    assert labels == {"Messung. Für die Veröffentlichung wurde nichts verändert."}


def test_no_address_is_relative_and_no_node_anonymous(graph: Graph) -> None:
    for triple in graph:
        for node in triple:
            assert not isinstance(node, BNode)
            if isinstance(node, URIRef):
                assert str(node).startswith(("http://", "https://", "mailto:")), node


def test_a_dataset_without_geometry_covers_the_city(graph: Graph, city: City) -> None:
    dataset = URIRef(f"{BASE}dataset/pegel/#datensatz")
    boxes = [str(graph.value(place, rdflib.DCAT.bbox)) for place in graph.objects(dataset, DCTERMS.spatial)]
    west, south = city.bounds_wgs84.west, city.bounds_wgs84.south
    assert any(box.startswith(f"POLYGON(({west} {south}, ") for box in boxes)


def test_the_table_schema_is_found_beside_its_csv_file(graph: Graph) -> None:
    csv = next(graph.subjects(rdflib.DCAT.downloadURL, URIRef(f"{BASE}dataset/pegel/werte.csv")))
    assert graph.value(csv, DCTERMS.conformsTo) == URIRef(f"{BASE}dataset/pegel/werte.schema.json")


def test_the_catalogue_is_as_new_as_its_newest_dataset(graph: Graph) -> None:
    root = next(graph.subjects(RDF.type, rdflib.DCAT.Catalog))
    assert str(graph.value(root, DCTERMS.modified)) == "2026-11-23T01:00:00+00:00"
    assert graph.value(root, FOAF.homepage) == URIRef(BASE)


def test_the_order_of_the_releases_does_not_change_a_byte(city: City, releases: tuple[Manifest, ...]) -> None:
    forwards, backwards = (serialise(catalogue(city, BASE, entries(some))) for some in (releases, releases[::-1]))
    assert forwards == backwards
    assert set(forwards) == {"catalog.ttl", "catalog.rdf", "catalog.jsonld"}


def test_another_process_writes_the_same_bytes(graph: Graph, tmp_path: Path) -> None:
    """Python orders sets by a hash that differs from process to process; our files must not."""
    source = tmp_path / "source.ttl"
    graph.serialize(source)
    script = (
        "import hashlib, json, sys; from rdflib import Graph; from stadtdaten.standards.dcat import serialise;"
        "files = serialise(Graph().parse(sys.argv[1]));"
        "print(json.dumps({name: hashlib.sha256(text).hexdigest() for name, text in files.items()}))"
    )
    digests = [
        json.loads(
            subprocess.run(
                [sys.executable, "-c", script, str(source)],
                env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True,
            ).stdout
        )
        for seed in ("1", "2")
    ]  # fmt: skip
    assert digests[0] == digests[1]
