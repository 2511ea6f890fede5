"""Which source systems does the sample city have? A module for each, with its data, its protocol and ``SYSTEM``.

To add one: write the module (see ``umweltmessnetz`` for a file over HTTP, ``baumkataster`` for a feature service,
``einwohnerstatistik`` for a database), import it below, and say in ``script.yaml`` how its nights end.
"""

from samplecity.offers import System
from samplecity.systems import (
    baumkataster,
    bildung,
    einwohnerstatistik,
    geobasis,
    gewerbe,
    haushalt,
    kfz_bestand,
    ladesaeulen,
    maengelmelder,
    marktstammdaten,
    mobilitaetsbefragung,
    ratsinformation,
    spielplaetze,
    umweltmessnetz,
    unfaelle,
    vornamen,
)

SYSTEMS: dict[str, System] = {
    module.SYSTEM.source: module.SYSTEM
    for module in (
        umweltmessnetz,
        spielplaetze,
        baumkataster,
        einwohnerstatistik,
        kfz_bestand,
        unfaelle,
        ladesaeulen,
        bildung,
        geobasis,
        haushalt,
        maengelmelder,
        ratsinformation,
        vornamen,
        gewerbe,
        marktstammdaten,
        mobilitaetsbefragung,
    )
}
"""Source to its system, in the order in which they are shown."""
