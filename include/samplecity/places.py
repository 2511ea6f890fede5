"""Where things are in the sample city: the seven Stadtbezirke, their post codes and made-up but plausible streets."""

from __future__ import annotations

import random
from dataclasses import dataclass

from samplecity.tables import Point


@dataclass(frozen=True)
class Bezirk:
    """A Stadtbezirk: rough centre and reach in metres (EPSG:25832), its share of the inhabitants."""

    name: str
    postcode: str
    centre: Point
    reach: float
    inhabitants: float


BEZIRKE = (
    Bezirk("Mitte", "59065", (418206, 5725888), 900, 0.195),
    Bezirk("Uentrop", "59071", (423900, 5726794), 1000, 0.155),
    Bezirk("Rhynern", "59069", (421446, 5720720), 1300, 0.100),
    Bezirk("Pelkum", "59077", (414549, 5722278), 1100, 0.105),
    Bezirk("Herringen", "59077", (412518, 5724871), 900, 0.115),
    Bezirk("Bockum-Hövel", "59075", (413975, 5729184), 1100, 0.190),
    Bezirk("Heessen", "59073", (420195, 5729193), 1000, 0.140),
)

STREETS = (
    "Ahornallee", "Ahsestraße", "Alleestraße", "Am Alten Bahnhof", "Am Anger", "Am Kanal", "Am Mühlenbach",
    "Am Stadtpark", "Am Wasserwerk", "An der Kirche", "Auf dem Kamp", "Bachstraße", "Bergmannsweg", "Birkenweg",
    "Brückenstraße", "Buchenweg", "Drosselweg", "Eichenallee", "Erlenweg", "Feldstraße", "Finkenweg", "Gartenstraße",
    "Grüner Weg", "Hafenstraße", "Heideweg", "Im Winkel", "Kastanienallee", "Kiefernweg", "Lindenstraße", "Lippeweg",
    "Marktstraße", "Mühlenstraße", "Parkstraße", "Pappelweg", "Ringstraße", "Rosenweg", "Schulstraße", "Südstraße",
    "Ulmenweg", "Waldstraße", "Weidenweg", "Westwall", "Wiesenstraße", "Zechenweg",
)  # fmt: skip


def somewhere_in(bezirk: Bezirk, dice: random.Random) -> Point:
    """A point in the Bezirk, to the centimetre; at most 2.5 times its reach from the centre on each axis."""

    def offset() -> float:
        return max(-2.5, min(2.5, dice.gauss(0, 1))) * bezirk.reach

    east, north = bezirk.centre
    return round(east + offset(), 2), round(north + offset(), 2)


def some_bezirk(dice: random.Random) -> Bezirk:
    """A Bezirk, each as often as its share of the inhabitants."""
    return dice.choices(BEZIRKE, [bezirk.inhabitants for bezirk in BEZIRKE])[0]


def degrees_of(point: Point) -> tuple[float, float]:
    """Longitude and latitude (WGS 84) of a point of the city: a plane laid through the city, right to 25 m."""
    east, north = point[0] - 418_000, point[1] - 5_725_000
    return (
        7.814219 + 1.4454237e-5 * east - 2.403398e-7 * north,
        51.669952 + 1.494740e-7 * east + 8.989446e-6 * north,
    )
