"""Which properties do the objects of OParl 1.1 have, and which kind of object is behind them? (OParl 1.1, chapter 3)

A server may leave out a property that is empty, so only this list tells an empty column from a wrong path.
"""

from __future__ import annotations

from collections.abc import Sequence

_COMMON = frozenset({"id", "type", "license", "keyword", "created", "modified", "web", "deleted"})

PROPERTIES: dict[str, frozenset[str]] = {
    kind: _COMMON | frozenset(names.split())
    for kind, names in {
        "Organization": "body name membership meeting consultation shortName post subOrganizationOf organizationType "
        "classification startDate endDate website location externalBody memberCount votingMemberCount",
        "Person": "body name familyName givenName formOfAddress affix title gender phone email location "
        "locationObject status membership image life lifeSource",
        "Membership": "person organization role votingRight startDate endDate onBehalfOf",
        "Meeting": "name meetingState cancelled start end location organization participant invitation "
        "resultsProtocol verbatimProtocol auxiliaryFile agendaItem",
        "AgendaItem": "meeting number order name public consultation result resolutionText resolutionFile "
        "auxiliaryFile start end",
        "Paper": "body name reference date paperType relatedPaper superordinatedPaper subordinatedPaper mainFile "
        "auxiliaryFile location originatorPerson underDirectionOf originatorOrganization consultation",
        "Consultation": "paper agendaItem meeting organization authoritative role",
        "File": "name fileName mimeType date size sha1Checksum sha512Checksum text accessUrl downloadUrl "
        "externalServiceUrl masterFile derivativeFile fileLicense meeting agendaItem person paper",
        "Location": "description geojson streetAddress room postalCode subLocality locality bodies organizations "
        "persons meetings papers",
        "LegislativeTerm": "body name startDate endDate",
    }.items()
}
"""Kind of object to the names of its properties."""

_KINDS = {
    "membership": "Membership",
    "organization": "Organization",
    "onBehalfOf": "Organization",
    "subOrganizationOf": "Organization",
    "underDirectionOf": "Organization",
    "originatorOrganization": "Organization",
    "person": "Person",
    "participant": "Person",
    "originatorPerson": "Person",
    "location": "Location",
    "locationObject": "Location",
    "meeting": "Meeting",
    "agendaItem": "AgendaItem",
    "consultation": "Consultation",
    "paper": "Paper",
    "relatedPaper": "Paper",
    "superordinatedPaper": "Paper",
    "subordinatedPaper": "Paper",
    "mainFile": "File",
    "auxiliaryFile": "File",
    "invitation": "File",
    "resultsProtocol": "File",
    "verbatimProtocol": "File",
    "resolutionFile": "File",
    "derivativeFile": "File",
    "masterFile": "File",
}
"""Property to the kind of object behind it; the name means the same in every object that has it."""


def knows(kind: str, path: Sequence[str]) -> bool:
    """Whether OParl 1.1 has that path in objects of the kind."""
    first, *rest = path
    if first not in PROPERTIES[kind]:
        return False
    return not rest or (first in _KINDS and knows(_KINDS[first], rest))
