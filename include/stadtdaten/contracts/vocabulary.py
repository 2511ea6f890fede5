"""Codes that contracts may use, as the EU Publications Office, DCAT-AP.de and GovData define them."""

from __future__ import annotations

from typing import Literal

Theme = Literal[
    "AGRI", "ECON", "EDUC", "ENER", "ENVI", "GOVE", "HEAL", "INTR", "JUST", "REGI", "SOCI", "TECH", "TRAN"
]  # fmt: skip
Licence = Literal["dl-zero-de/2.0", "dl-by-de/2.0", "cc-zero", "cc-by/4.0"]
Availability = Literal["STABLE", "AVAILABLE", "EXPERIMENTAL", "TEMPORARY"]

Frequency = Literal[
    "HOURLY", "DAILY", "WEEKLY", "BIWEEKLY", "MONTHLY", "BIMONTHLY", "QUARTERLY", "ANNUAL_2", "ANNUAL", "BIENNIAL",
    "AS_NEEDED", "IRREG", "NEVER", "NOT_PLANNED", "UNKNOWN", "OTHER",
]  # fmt: skip
"""Codes of the EU frequency authority table (the code is IRREG, not IRREGULAR)."""

HOURS_BY_FREQUENCY: dict[Frequency, int] = {
    "HOURLY": 1,
    "DAILY": 24,
    "WEEKLY": 7 * 24,
    "BIWEEKLY": 14 * 24,
    "MONTHLY": 31 * 24,
    "BIMONTHLY": 62 * 24,
    "QUARTERLY": 92 * 24,
    "ANNUAL_2": 184 * 24,
    "ANNUAL": 366 * 24,
    "BIENNIAL": 731 * 24,
}
"""Longest time in hours that a frequency allows between two changes; codes that are missing have no deadline."""

BY_LICENCES: frozenset[Licence] = frozenset({"dl-by-de/2.0", "cc-by/4.0"})
"""Licences that demand an attribution text."""

LICENCE_TITLES: dict[Licence, tuple[str, str]] = {
    "dl-zero-de/2.0": ("Datenlizenz Deutschland – Zero – Version 2.0", "https://www.govdata.de/dl-de/zero-2-0"),
    "dl-by-de/2.0": ("Datenlizenz Deutschland – Namensnennung – Version 2.0", "https://www.govdata.de/dl-de/by-2-0"),
    "cc-zero": ("Creative Commons CC Zero 1.0", "https://creativecommons.org/publicdomain/zero/1.0/deed.de"),
    "cc-by/4.0": ("Creative Commons Namensnennung 4.0", "https://creativecommons.org/licenses/by/4.0/deed.de"),
}
"""Licence code to its German title and the page a person reads."""

THEME_TITLES: dict[Theme, str] = {
    "AGRI": "Landwirtschaft, Fischerei, Forstwirtschaft und Nahrungsmittel",
    "ECON": "Wirtschaft und Finanzen",
    "EDUC": "Bildung, Kultur und Sport",
    "ENER": "Energie",
    "ENVI": "Umwelt",
    "GOVE": "Regierung und öffentlicher Sektor",
    "HEAL": "Gesundheit",
    "INTR": "Internationale Themen",
    "JUST": "Justiz, Rechtssystem und öffentliche Sicherheit",
    "REGI": "Regionen und Städte",
    "SOCI": "Bevölkerung und Gesellschaft",
    "TECH": "Wissenschaft und Technologie",
    "TRAN": "Verkehr",
}

FREQUENCY_TITLES: dict[Frequency, str] = {
    "HOURLY": "stündlich",
    "DAILY": "täglich",
    "WEEKLY": "wöchentlich",
    "BIWEEKLY": "alle zwei Wochen",
    "MONTHLY": "monatlich",
    "BIMONTHLY": "alle zwei Monate",
    "QUARTERLY": "vierteljährlich",
    "ANNUAL_2": "halbjährlich",
    "ANNUAL": "jährlich",
    "BIENNIAL": "alle zwei Jahre",
    "AS_NEEDED": "bei Bedarf",
    "IRREG": "unregelmäßig",
    "NEVER": "keine Aktualisierung",
    "NOT_PLANNED": "keine Aktualisierung geplant",
    "UNKNOWN": "unbekannt",
    "OTHER": "andere",
}
