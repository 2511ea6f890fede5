"""The official DCAT-AP.de shapes as a judge of catalogues, for tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyshacl
from rdflib import RDF, SH, Graph

DE_SHAPES = (
    "dcat-ap-SHACL-DE.ttl", "dcat-ap-de-controlledvocabularies.ttl", "dcat-ap-de-deprecated.ttl",
    "dcat-ap-spec-german-additions.ttl",
)  # fmt: skip
CODE_LISTS = (
    "codelists/codelists.ttl", "codelists/access-right-skos.rdf", "dcat-ap-de/dcat-ap-de-contributors.rdf",
    "dcat-ap-de/dcat-ap-de-licenses-open.rdf",
)  # fmt: skip

Judge = Callable[[Graph], list[tuple[str, str]]]


def official_judge(standards: Path) -> Judge:
    """Every complaint of the official shapes, as (severity, message); see README.md in ``standards``."""
    shapes = Graph().parse(standards / "dcat-ap" / "dcat-ap-3.0.0-SHACL.ttl")
    for name in DE_SHAPES:
        shapes.parse(standards / "dcat-ap-de" / name)
    lists = Graph()
    for name in CODE_LISTS:
        lists.parse(standards / name)

    def complaints(graph: Graph) -> list[tuple[str, str]]:
        _, report, _ = pyshacl.validate(graph + lists, shacl_graph=shapes)
        return sorted(
            (str(report.value(result, SH.resultSeverity)).split("#")[1], str(report.value(result, SH.resultMessage)))
            for result in report.subjects(RDF.type, SH.ValidationResult)
        )

    return complaints
