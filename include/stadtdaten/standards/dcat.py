"""What do harvesters read about everything that is live: the catalogue in DCAT-AP.de 3.0.

Sources: DCAT-AP.de 3.0 (https://www.dcat-ap.de/def/dcatde/3.0/spec/) on DCAT-AP 3.0.0; both judge the result with
their SHACL shapes in the tests. Classes that inference would add (``dct:MediaType``, ``rdfs:Resource``, ...) are
written out, since harvesters validate without inference. Every node has an address, below the page of its dataset, so
that nothing is anonymous and the same releases give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import quote, urljoin

from rdflib import DCTERMS, FOAF, RDF, RDFS, SKOS, XSD, Graph, Literal, Namespace, URIRef
from rdflib.term import Node

from stadtdaten.contracts import City
from stadtdaten.contracts.model import Bounds
from stadtdaten.contracts.vocabulary import THEME_TITLES
from stadtdaten.frames import DatasetMetadata, Manifest, ReleaseFile

DCAT = Namespace("http://www.w3.org/ns/dcat#")  # rdflib's own knows DCAT 2, without dcat:version
DCATAP = Namespace("http://data.europa.eu/r5r/")
DCATDE = Namespace("http://dcat-ap.de/def/dcatde/")
GEO = Namespace("http://www.opengis.net/ont/geosparql#")
SPDX = Namespace("http://spdx.org/rdf/terms#")
VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")

EU = "http://publications.europa.eu/resource/authority/"
LICENCES = "http://dcat-ap.de/def/licenses/"
MEDIA_TYPES = "https://www.iana.org/assignments/media-types/"
LOCAL_AUTHORITY = URIRef("http://purl.org/adms/publishertype/LocalAuthority")
MUNICIPALITY = URIRef("http://dcat-ap.de/def/politicalGeocoding/Level/municipality")
DISTRICT_KEYS = "http://dcat-ap.de/def/politicalGeocoding/districtKey/"
GERMAN = URIRef(EU + "language/DEU")
PUBLIC = URIRef(EU + "access-right/PUBLIC")
THEMES = URIRef(EU + "data-theme")

AVAILABILITY_TITLES = {
    "STABLE": "stabil",
    "AVAILABLE": "verfügbar",
    "EXPERIMENTAL": "experimentell",
    "TEMPORARY": "vorübergehend",
}
"""German names of the codes of EU planned-availability that contracts may use."""

FORMAT_DESCRIPTIONS = {
    "CSV": "Textdatei in UTF-8 mit Kopfzeile, Komma als Trennzeichen und Dezimalpunkt; leere Felder sind fehlende "
    "Werte. Die Spalten beschreibt das verlinkte Table Schema.",
    "GEOJSON": "GeoJSON nach RFC 7946: geografische Länge und Breite in WGS 84.",
    "GPKG": "GeoPackage im amtlichen Koordinatensystem, für Geoinformationssysteme.",
    "PARQUET": "Apache Parquet mit Datentypen, für Auswertungen; mit Geometrie als GeoParquet 1.1 in WGS 84.",
}

PREFIXES = {
    "dcat": DCAT, "dct": DCTERMS, "foaf": FOAF, "rdf": RDF, "rdfs": RDFS, "skos": SKOS, "xsd": XSD,
    "dcatap": DCATAP, "dcatde": DCATDE, "geo": GEO, "spdx": SPDX, "vcard": VCARD,
}  # fmt: skip


@dataclass(frozen=True)
class CatalogueEntry:
    """A live release on a portal: its manifest, the absolute address of its page, and of each of its files.

    The Table Schema of a CSV file is expected beside that file, under its own name.
    """

    manifest: Manifest
    page_url: str
    file_url: Callable[[ReleaseFile], str]


def catalogue(city: City, base_url: str, entries: Sequence[CatalogueEntry]) -> Graph:
    """The catalogue of all live releases. ``base_url`` is the portal's absolute address, ending in ``/``."""
    graph = _graph("default")
    root = URIRef(base_url + "#katalog")
    publisher, contact = URIRef(base_url + "#herausgeber"), URIRef(base_url + "#kontakt")
    for triples in (
        _publisher(publisher, city),
        _contact(contact, city),
        _catalogue(root, city, base_url, publisher, [entry.manifest.metadata for entry in entries]),
    ):
        _add(graph, triples)
    for entry in entries:
        dataset = URIRef(entry.page_url + "#datensatz")
        graph.add((root, DCAT.dataset, dataset))
        _add(graph, _dataset(dataset, entry, city, publisher, contact))
        for file in entry.manifest.files:
            distribution = URIRef(f"{entry.page_url}#{quote(file.path)}")
            graph.add((dataset, DCAT.distribution, distribution))
            _add(graph, _distribution(distribution, file, entry))
    return graph


def serialise(graph: Graph) -> dict[str, bytes]:
    """File name to content: Turtle, RDF/XML and JSON-LD. Equal graphs give equal bytes."""
    # RDF/XML is written in the store's order: the simple store keeps that of insertion, the default one has none.
    ordered = _graph("SimpleMemory")
    for triple in sorted(graph):
        ordered.add(triple)
    context = {prefix: str(namespace) for prefix, namespace in PREFIXES.items()}
    linked = json.loads(ordered.serialize(format="json-ld", context=context))
    return {
        "catalog.ttl": ordered.serialize(format="turtle", encoding="utf-8"),
        "catalog.rdf": ordered.serialize(format="xml", encoding="utf-8"),
        "catalog.jsonld": (json.dumps(_sorted(linked), ensure_ascii=False, indent=1) + "\n").encode(),
    }


def _graph(store: str) -> Graph:
    graph = Graph(store, bind_namespaces="none")
    for prefix, namespace in PREFIXES.items():
        graph.bind(prefix, namespace)
    return graph


Triples = Iterable[tuple[Node, Node, Node]]


def _add(graph: Graph, triples: Triples) -> None:
    for triple in triples:
        graph.add(triple)


def _publisher(publisher: URIRef, city: City) -> Triples:
    yield publisher, RDF.type, FOAF.Agent
    yield publisher, RDF.type, FOAF.Organization
    yield publisher, FOAF.name, _german(city.name)
    yield publisher, FOAF.homepage, URIRef(city.homepage)
    yield publisher, DCTERMS.type, LOCAL_AUTHORITY
    yield from _concept(LOCAL_AUTHORITY, "Kommunalbehörde")
    yield URIRef(city.homepage), RDF.type, FOAF.Document


def _contact(contact: URIRef, city: City) -> Triples:
    yield contact, RDF.type, VCARD.Kind
    yield contact, RDF.type, VCARD.Organization
    yield contact, VCARD.fn, _german(f"{city.name}, {city.contact.name}")
    yield contact, VCARD.hasEmail, URIRef(f"mailto:{city.contact.email}")


def _catalogue(
    root: URIRef, city: City, base_url: str, publisher: URIRef, datasets: Sequence[DatasetMetadata]
) -> Triples:
    yield root, RDF.type, DCAT.Catalog
    yield root, DCTERMS.title, _german(city.portal_title)
    yield root, DCTERMS.description, _german(city.portal_description)
    yield root, DCTERMS.publisher, publisher
    yield from _typed(root, FOAF.homepage, URIRef(base_url), FOAF.Document)
    yield from _typed(root, DCTERMS.language, GERMAN, DCTERMS.LinguisticSystem)
    yield from _typed(root, DCTERMS.spatial, URIRef(DISTRICT_KEYS + city.district_key), DCTERMS.Location)
    yield from _typed(root, DCAT.themeTaxonomy, THEMES, SKOS.ConceptScheme)
    yield THEMES, DCTERMS.title, _german("Datenthemen der Europäischen Union")
    if datasets:
        yield root, DCTERMS.issued, _moment(min(one.issued for one in datasets))
        yield root, DCTERMS.modified, _moment(max(one.modified for one in datasets))


def _dataset(dataset: URIRef, entry: CatalogueEntry, city: City, publisher: URIRef, contact: URIRef) -> Triples:
    metadata = entry.manifest.metadata
    yield dataset, RDF.type, DCAT.Dataset
    # Unique beyond this portal: harvesters merge the catalogues of all municipalities.
    yield dataset, DCTERMS.identifier, Literal(f"{city.municipality_key}-{metadata.dataset}")
    yield dataset, DCAT.version, Literal(entry.manifest.release)
    yield dataset, DCTERMS.title, _german(metadata.title)
    yield dataset, DCTERMS.description, _german(metadata.description)
    yield dataset, DCTERMS.publisher, publisher
    yield dataset, DCAT.contactPoint, contact
    yield dataset, DCATDE.contributorID, URIRef(city.contributor_id)
    yield dataset, DCATDE.politicalGeocodingLevelURI, MUNICIPALITY
    yield dataset, DCTERMS.issued, _moment(metadata.issued)
    yield dataset, DCTERMS.modified, _moment(metadata.modified)
    yield from _typed(dataset, DCAT.landingPage, URIRef(entry.page_url), FOAF.Document)
    yield from _typed(dataset, DCTERMS.language, GERMAN, DCTERMS.LinguisticSystem)
    yield from _typed(dataset, DCTERMS.accessRights, PUBLIC, DCTERMS.RightsStatement)
    yield from _typed(
        dataset, DCTERMS.accrualPeriodicity, URIRef(f"{EU}frequency/{metadata.frequency}"), DCTERMS.Frequency
    )
    for keyword in metadata.keywords:
        yield dataset, DCAT.keyword, _german(keyword)
    for code, title in THEME_TITLES.items():
        if code in metadata.themes:
            theme = URIRef(f"{EU}data-theme/{code}")
            yield dataset, DCAT.theme, theme
            yield from _concept(theme, title)
    if metadata.model_dataset is not None:
        yield dataset, DCTERMS.references, URIRef(metadata.model_dataset)
    yield from _provenance(dataset, URIRef(entry.page_url + "#herkunft"), metadata)
    yield from _typed(dataset, DCTERMS.spatial, URIRef(DISTRICT_KEYS + city.district_key), DCTERMS.Location)
    yield from _extent(dataset, URIRef(entry.page_url + "#ausdehnung"), metadata.bbox, city.bounds_wgs84)
    if metadata.temporal is not None:
        yield from _period(dataset, URIRef(entry.page_url + "#zeitraum"), *metadata.temporal)


def _provenance(dataset: URIRef, statement: URIRef, metadata: DatasetMetadata) -> Triples:
    """Where the data comes from and, as dl-de/by-2-0 asks, how it was changed before publication."""
    text = " ".join(part for part in (metadata.provenance, metadata.change_note) if part)
    yield from _typed(dataset, DCTERMS.provenance, statement, DCTERMS.ProvenanceStatement)
    yield statement, RDFS.label, _german(text)


def _extent(dataset: URIRef, place: URIRef, bbox: tuple[float, float, float, float] | None, city: Bounds) -> Triples:
    west, south, east, north = bbox or (city.west, city.south, city.east, city.north)
    ring = ", ".join(f"{x} {y}" for x, y in ((west, south), (east, south), (east, north), (west, north), (west, south)))
    yield from _typed(dataset, DCTERMS.spatial, place, DCTERMS.Location)
    yield place, DCAT.bbox, Literal(f"POLYGON(({ring}))", datatype=GEO.wktLiteral)


def _period(dataset: URIRef, period: URIRef, first: date, last: date) -> Triples:
    yield from _typed(dataset, DCTERMS.temporal, period, DCTERMS.PeriodOfTime)
    yield period, DCAT.startDate, Literal(first.isoformat(), datatype=XSD.date)
    yield period, DCAT.endDate, Literal(last.isoformat(), datatype=XSD.date)


def _distribution(distribution: URIRef, file: ReleaseFile, entry: CatalogueEntry) -> Triples:
    metadata, address = entry.manifest.metadata, URIRef(entry.file_url(file))
    availability = URIRef(f"{EU}planned-availability/{metadata.availability}")
    checksum = URIRef(f"{distribution}-sha256")
    yield distribution, RDF.type, DCAT.Distribution
    yield distribution, DCTERMS.title, _german(file.title)
    yield distribution, DCTERMS.description, _german(FORMAT_DESCRIPTIONS[file.format])
    yield distribution, DCTERMS.issued, _moment(metadata.issued)
    yield distribution, DCTERMS.modified, _moment(metadata.modified)
    yield distribution, DCAT.byteSize, Literal(str(file.size), datatype=XSD.nonNegativeInteger)
    # A direct download has both, and they are the same (DCAT-AP.de conventions).
    yield from _typed(distribution, DCAT.accessURL, address, RDFS.Resource)
    yield from _typed(distribution, DCAT.downloadURL, address, RDFS.Resource)
    yield from _typed(distribution, DCTERMS.license, URIRef(LICENCES + metadata.licence), DCTERMS.LicenseDocument)
    yield from _typed(distribution, DCTERMS.rights, PUBLIC, DCTERMS.RightsStatement)
    yield from _typed(distribution, DCTERMS.language, GERMAN, DCTERMS.LinguisticSystem)
    yield from _typed(
        distribution, DCTERMS["format"], URIRef(f"{EU}file-type/{file.format}"), DCTERMS.MediaTypeOrExtent
    )
    yield from _typed(distribution, DCAT.mediaType, URIRef(MEDIA_TYPES + file.media_type), DCTERMS.MediaType)
    yield from _typed(distribution, SPDX.checksum, checksum, SPDX.Checksum)
    yield checksum, SPDX.checksumValue, Literal(file.sha256, datatype=XSD.hexBinary)
    yield from _typed(checksum, SPDX.algorithm, SPDX.checksumAlgorithm_sha256, SPDX.ChecksumAlgorithm)
    yield distribution, DCATAP.availability, availability
    yield from _concept(availability, AVAILABILITY_TITLES[metadata.availability])
    if metadata.attribution:
        yield distribution, DCATDE.licenseAttributionByText, _german(metadata.attribution)
    if file.conforms_to:
        standard = URIRef(urljoin(str(address), file.conforms_to))
        yield from _typed(distribution, DCTERMS.conformsTo, standard, DCTERMS.Standard)


def _typed(subject: URIRef, predicate: URIRef, value: URIRef, kind: URIRef) -> Triples:
    yield subject, predicate, value
    yield value, RDF.type, kind


def _concept(concept: URIRef, title: str) -> Triples:
    yield concept, RDF.type, SKOS.Concept
    yield concept, SKOS.prefLabel, _german(title)


def _german(text: str) -> Literal:
    return Literal(text, lang="de")


def _moment(moment: datetime) -> Literal:
    return Literal(moment.isoformat(), datatype=XSD.dateTime)


def _sorted(value: Any) -> Any:
    """JSON-LD in one order: keys by name, members of a set by their text. The catalogue holds no ordered list."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return sorted((_sorted(one) for one in value), key=lambda one: json.dumps(one, ensure_ascii=False))
    return value
