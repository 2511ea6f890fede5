"""Which names do parents give? Made-up counts of the registry office (Standesamt), a CSV file a year by SFTP.

The traps are those of the real files of other cities: two thirds of the names occur once, delimiter and order of the
columns change with the year, first and further given names are counted apart, the last file may still be written. Names
that fewer than five children of a year and sex got begin with ``MARK``, and so does what the office notes about itself:
nothing of it may be found behind the anonymisation.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterator

from samplecity.offers import Drop, System, by_sftp
from samplecity.state import State
from samplecity.tables import Cell, Column, Table

MARK = "Geheimwert"
"""How every rare name begins, and every cell about a clerk."""

YEARS = (2023, 2024, 2025)
SEMICOLONS_SINCE = 2025
"""The year in which the office got new software: another delimiter, other order of the columns."""

LAST_LINE = "Ende der Datei"
"""So that half a file can be told from a whole one."""

FREQUENT = {
    "w": (
        "Emma", "Mia", "Sophie", "Marie", "Emilia", "Lina", "Hannah", "Ella", "Leni", "Mila", "Zeynep", "Elif", "Amira",
        "Johanna", "Ida", "Clara", "Frieda", "Mathilda", "Lea", "Anna", "Maria", "Charlotte", "Luisa", "Nele", "Ayla",
        "Zoé", "Mina", "Alina", "Greta", "Lotta",
    ),
    "m": (
        "Noah", "Leon", "Paul", "Elias", "Emil", "Finn", "Luca", "Ben", "Felix", "Jonas", "Mohammed", "Yusuf", "Emir",
        "Alexander", "Maximilian", "Henry", "Theo", "Anton", "Oskar", "Jakob", "Karl-Heinz", "Milan", "Levi", "Hamza",
        "Mats", "Jan", "Johann", "Matteo", "Liam", "Adam",
    ),
}  # fmt: skip
"""Sex to the usual names, most frequent first."""

ONLY_TOGETHER = {"w": "Rosalie", "m": "Joseph"}
"""Names given three times as the first and three times as a further one: frequent enough only when added up."""

RARE = 240
"""Rare names a year and sex; two of three are given once."""

COLUMNS = (
    Column("jahr", "integer"),
    Column("vorname", "text"),
    Column("geschlecht", "text"),
    Column("anzahl", "integer"),
    Column("position", "integer"),
    Column("sachbearbeitung", "text"),
)
ORDERS = {
    False: ("vorname", "anzahl", "geschlecht", "position", "jahr", "sachbearbeitung"),
    True: ("anzahl", "vorname", "geschlecht", "position", "sachbearbeitung", "jahr"),
}
"""Whether the software is the new one to the order of its columns."""


def given_names() -> Table:
    """A row for each year, name, sex and position (1: first name, 2: further name), most frequent first."""
    rows: list[tuple[Cell, ...]] = []
    for year in YEARS:
        dice = random.Random(f"given names {year}")
        counted = sorted(_counted(dice), key=lambda each: (-each[2], each))
        rows += [(year, *each, f"{MARK} S{1 + number % 4}") for number, each in enumerate(counted)]
    return Table("vornamen", "Vornamen", COLUMNS, tuple(rows))


def _counted(dice: random.Random) -> Iterator[tuple[str, str, int, int]]:
    """Name, sex, number and position."""
    for sex, usual in FREQUENT.items():
        for rank, name in enumerate(usual):
            yield name, sex, dice.randint(6, 12) + 60 // (rank + 1), 1
            if rank % 3 == 0:
                yield name, sex, dice.randint(1, 9), 2
        yield ONLY_TOGETHER[sex], sex, 3, 1
        yield ONLY_TOGETHER[sex], sex, 3, 2
        for number in range(RARE):
            times = dice.choices((1, 2, 3, 4), (66, 18, 10, 6))[0]
            yield f"{MARK}{sex}{number:03}", sex, times, dice.choice((1, 2))
    yield f"{MARK}d000", "d", 2, 1


def _files(table: Table, state: State) -> dict[str, bytes]:
    """A file for each year that the contract names, with a line at its end; names as they come, in UTF-8."""
    names = [column.name for column in table.columns]
    at_year = names.index("jahr")
    return {
        f"vornamen_{year}.csv": _export(names, [row for row in table.rows if row[at_year] == year], year)
        for year in YEARS
    }


def _export(names: list[str], rows: list[tuple[Cell, ...]], year: int) -> bytes:
    new = year >= SEMICOLONS_SINCE
    order = [name for name in ORDERS[new] if name in names] + [name for name in names if name not in ORDERS[new]]
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";" if new else ",", lineterminator="\r\n" if new else "\n")
    writer.writerow(order)
    writer.writerows([row[names.index(name)] for name in order] for row in rows)
    writer.writerow([LAST_LINE])
    return text.getvalue().encode()


SYSTEM = System(
    source="vornamen",
    title="Vornamen (CSV je Jahr über SFTP)",
    offers=(Drop(lambda state: given_names(), _files),),
    connections=lambda var, ports: {"vornamen": by_sftp("vornamen", var, ports)},
)
