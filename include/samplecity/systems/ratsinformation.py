"""The council information system: made-up council, committees, meetings and papers, over OParl 1.1.

Besides councillors, whose names are public, there are clerks, citizens with special knowledge and people who write to
the council. Everything about people that must not get out holds ``MARKER``. In night 2 a councillor leaves office, a
paper gets another title, a meeting is cancelled and another one deleted.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from samplecity.offers import System, Web, at_the_city
from samplecity.oparl import Object, answer_list, deleted_object, json_answer, oparl_object
from samplecity.places import BEZIRKE, STREETS
from samplecity.state import State
from samplecity.tables import Cell, Column, Table
from samplecity.web import Answer, Request

MARKER = "Geheimwert"

COUNCILLORS = 58
FORMER = 9
CLERKS = 6
CITIZENS = 21
"""Persons: in office, no longer, of the administration, and members of committees without a mandate."""

LEAVES = 17
"""The councillor who leaves office in night 2."""

GIVEN = ("Anna", "Bernd", "Carla", "Dieter", "Elif", "Frank", "Greta", "Hasan", "Ines", "Jürgen", "Karin", "Lukas")
FAMILY = ("Musterberg", "Beispielhof", "Probstheide", "Exempelmann", "Testerkamp")
ENDINGS = ("ahorn", "birke", "dorn", "eiche", "farn", "ginster", "hasel", "iris", "kiefer", "linde", "mohn", "nessel")
"""Endings of marked family names, for detectors that know names by their look."""

COUNCIL, CLERKS_OFFICE = 1, 2
COMMITTEES = ("Haupt- und Finanzausschuss", "Ausschuss für Stadtentwicklung und Verkehr", "Schulausschuss",
              "Jugendhilfeausschuss", "Umweltausschuss", "Kulturausschuss")  # fmt: skip
GROUPS = ("Fraktion Nord", "Fraktion Süd", "Fraktion Mitte", "Gruppe Lippe")

LISTS = ("organization", "person", "meeting", "paper", "membership", "agendaItem", "file", "locationList")
"""Lists of the body."""

PAPERS = 140
MEETINGS = 66
KINDS = ("Beschlussvorlage", "Mitteilungsvorlage", "Antrag", "Anfrage", "Anregung und Beschwerde")
SUBJECTS = (
    "Ausbau des Radwegs {street}", "Neubau der Turnhalle {street}", "Bebauungsplan Nr. 02.{number:03} {street}",
    "Tempo 30 in der {street}", "Baumpflanzungen {street}", "Haushaltsplan, Produkt 51{number:03}",
    "Sanierung des Spielplatzes {street}",
)  # fmt: skip


def _table(resource: str, title: str, names: str, rows: list[tuple[Cell, ...]]) -> Table:
    return Table(resource, title, tuple(Column(name, "text") for name in names.split()), tuple(rows))


def _stamp(state: State, number: int, changed: bool = False) -> str:
    """When an object was modified: long ago, each at a moment of its own, or in the night before the second one."""
    if changed:
        return f"{state.first_day + timedelta(days=1)}T01:30:00+00:00"
    return f"{datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=number):%Y-%m-%dT%H:%M:%S+00:00}"


def _term_began(state: State) -> date:
    """First day of the council's present term."""
    return state.first_day - timedelta(days=380)


def organizations(state: State) -> Table:
    """The council, its committees and political groups, the Bezirksvertretungen, and the clerks' office."""
    rows: list[tuple[Cell, ...]] = [
        (COUNCIL, "Rat der Stadt Hamm", "Rat", "Gremium", "Rat"),
        (CLERKS_OFFICE, "Sitzungsdienst", "SD", "Verwaltungsbereich", "Amt"),
    ]
    others = [(name, "Gremium", "Ausschuss") for name in COMMITTEES]
    others += [(f"Bezirksvertretung {bezirk.name}", "Gremium", "Bezirksvertretung") for bezirk in BEZIRKE]
    others += [(name, "Fraktion", "Fraktion") for name in GROUPS]
    rows += [(number, name, None, kind, of) for number, (name, kind, of) in enumerate(others, CLERKS_OFFICE + 1)]
    start = f"{_term_began(state)}"
    return _table(
        "organization", "Gremien", "number name shortName organizationType classification startDate modified",
        [(*row, start, _stamp(state, int(str(row[0])))) for row in rows],
    )  # fmt: skip


def _first_of(kind: str, state: State) -> int:
    """Number of the first organization of that classification."""
    return next(int(str(row[0])) for row in organizations(state).rows if row[4] == kind)


def persons(state: State) -> Table:
    """Everybody whom the system knows; what must not get out is marked, with the person's number or a name."""
    dice = random.Random("persons")
    rows: list[tuple[Cell, ...]] = []
    for number in range(1, COUNCILLORS + FORMER + CLERKS + CITIZENS + 1):
        given, role = dice.choice(GIVEN), _role(number)
        family = FAMILY[number % len(FAMILY)] if role == "councillor" else MARKER + ENDINGS[number % len(ENDINGS)]
        left = state.night > 1 and number == LEAVES
        rows.append(
            (
                number, f"{given} {family}", given, family, "Frau" if number % 2 else "Herr",
                "Dr." if number % 11 == 0 else None, f"02381 {MARKER} {number:04}",
                f"{MARKER}{number}@example.org",
                f"{MARKER} 19{50 + number % 45}-05-17", f"{MARKER}straße {number}", f"{MARKER}: Lebenslauf {number}",
                role, "true" if left else None, _stamp(state, number, left),
            )
        )  # fmt: skip
    names = "number name givenName familyName formOfAddress title phone email birthday address life role left modified"
    return _table("person", "Personen", names, rows)


def _role(number: int) -> str:
    for role, count in (("councillor", COUNCILLORS), ("former", FORMER), ("clerk", CLERKS)):
        if number <= count:
            return role
        number -= count
    return "citizen"


def _memberships(number: int, role: str, left: bool, state: State) -> list[dict[str, Any]]:
    """In which organizations a person sits: organization, role, votingRight, startDate, endDate, onBehalfOf."""
    group = _first_of("Fraktion", state) + number % len(GROUPS)
    committee = _first_of("Ausschuss", state) + number % len(COMMITTEES)
    start = f"{_term_began(state)}"
    ended = f"{state.first_day - timedelta(days=1)}" if left else None
    own: dict[str, Any] = {"role": "Mitglied", "votingRight": True, "startDate": start, "endDate": ended}
    match role:
        case "councillor":
            chair = {"role": "Vorsitz"} if number <= len(COMMITTEES) else {}
            return [
                {**own, "organization": COUNCIL, "onBehalfOf": group},
                {**own, **chair, "organization": committee, "onBehalfOf": group},
                {**own, "organization": group},
            ]
        case "former":
            return [
                {
                    **own,
                    "organization": COUNCIL,
                    "startDate": None,
                    "endDate": f"{_term_began(state) - timedelta(days=1)}",
                }
            ]
        case "clerk":
            clerk = {**own, "role": "Schriftführung", "votingRight": False}
            return [{**clerk, "organization": COUNCIL}, {**own, "role": "Leitung", "organization": CLERKS_OFFICE}]
        case _:
            return [{**own, "role": "Sachkundige Person", "organization": committee, "onBehalfOf": group}]


def meetings(state: State) -> Table:
    """Meetings around the first night; in night 2 one is cancelled and one deleted."""
    dice = random.Random("meetings")
    bodies = [row for row in organizations(state).rows if row[3] == "Gremium"]
    rows: list[tuple[Cell, ...]] = []
    for number in range(1, MEETINGS + 1):
        organization = bodies[number % len(bodies)]
        day = state.first_day + timedelta(days=4 * (number - MEETINGS // 2))
        bezirk = BEZIRKE[number % len(BEZIRKE)]
        cancelled, deleted = state.night > 1 and number == 40, state.night > 1 and number == 41
        rows.append(
            (
                number, f"Sitzung: {organization[1]}", f"{day}T{dice.choice((15, 16, 17))}:00:00+00:00",
                f"{day}T19:30:00+00:00", organization[0], dice.choice(("Sitzungssaal", "Kleiner Saal", None)),
                f"{dice.choice(STREETS)} {number}", bezirk.postcode, "true" if cancelled else None,
                "true" if deleted else None, _stamp(state, number, cancelled or deleted),
            )
        )  # fmt: skip
    names = "number name start end organization room streetAddress postalCode cancelled deleted modified"
    return _table("meeting", "Sitzungen", names, rows)


def papers(state: State) -> Table:
    """Papers of the last year. Petitions name who wrote them, some titles a clerk's telephone; all of it is marked."""
    dice = random.Random("papers")
    rows: list[tuple[Cell, ...]] = []
    for number in range(1, PAPERS + 1):
        kind = KINDS[number % len(KINDS)]
        title = dice.choice(SUBJECTS).format(street=dice.choice(STREETS), number=number)
        changed = state.night > 1 and number == 23
        if changed:
            title += " (Ergänzung)"
        if kind == "Anregung und Beschwerde":
            writer = f"{dice.choice(GIVEN)} {MARKER}{ENDINGS[number % len(ENDINGS)]}"
            title = f"Anregung nach § 24 GO NRW von Herrn {writer}: {title}"
        elif number % 20 == 0:
            title += f", Rückfragen an {MARKER}{number}@example.org"
        author = COUNCILLORS + FORMER + 1 + number % CLERKS if kind.endswith("vorlage") else 1 + number % COUNCILLORS
        day: date = state.first_day - timedelta(days=365 - 2 * number)
        rows.append(
            (
                number, title, f"{number:04}/{day:%y}", kind, str(day), author,
                _first_of("Fraktion", state) + number % len(GROUPS) if kind in ("Antrag", "Anfrage") else None,
                _stamp(state, number, changed),
            )
        )  # fmt: skip
    return _table("paper", "Vorlagen", "number name reference paperType date author group modified", rows)


def _organization(row: dict[str, Any], root: str, _state: State) -> Object:
    properties = {name: value for name, value in row.items() if name not in ("number", "modified")}
    address = f"{root}/organization/{row['number']}"
    return oparl_object("Organization", address, row["modified"], body=f"{root}/body/1", **properties)


def _person(row: dict[str, Any], root: str, state: State) -> Object:
    number = row["number"]
    address = f"{root}/person/{number}"
    memberships = []
    for letter, each in zip("abc", _memberships(number, row["role"], row["left"] == "true", state), strict=False):
        named = {name: f"{root}/organization/{each[name]}" for name in ("organization", "onBehalfOf") if name in each}
        member = f"{root}/membership/{number}{letter}"
        memberships.append(oparl_object("Membership", member, row["modified"], **(each | named)))
    home = oparl_object(
        "Location", f"{root}/locationList/p{number}", row["modified"], streetAddress=row["address"], locality="Hamm"
    )
    return oparl_object(
        "Person", address, row["modified"], body=f"{root}/body/1", name=row.get("name"), givenName=row["givenName"],
        familyName=row["familyName"], formOfAddress=row["formOfAddress"], title=[row["title"]] if row["title"] else [],
        phone=[row["phone"]], email=[row["email"]], locationObject=home, life=row["life"], membership=memberships,
        **{"hamm:geburtsdatum": row["birthday"]},
    )  # fmt: skip


def _meeting(row: dict[str, Any], root: str, _state: State) -> Object:
    number = row["number"]
    address = f"{root}/meeting/{number}"
    if row["deleted"]:
        return deleted_object("Meeting", address, row["modified"])
    place = oparl_object(
        "Location", f"{root}/locationList/m{number}", row["modified"], description="Rathaus", room=row["room"],
        streetAddress=row["streetAddress"], postalCode=row["postalCode"], locality="Hamm",
    )  # fmt: skip
    items = [
        oparl_object("AgendaItem", f"{root}/agendaItem/{number}-{order}", row["modified"], meeting=address,
                     number=f"{order}", order=order, name=name, public=public)
        for order, (name, public) in enumerate((("Einwohnerfragestunde", True), (f"Personalie {MARKER}", False)), 1)
    ]  # fmt: skip
    return oparl_object(
        "Meeting", address, row["modified"], name=row.get("name"), start=row["start"], end=row["end"],
        cancelled=row["cancelled"] == "true", meetingState="terminiert", location=place,
        organization=[f"{root}/organization/{row['organization']}"], agendaItem=items,
        participant=[f"{root}/person/{COUNCILLORS + FORMER + 1 + number % CLERKS}"],
    )  # fmt: skip


def _paper(row: dict[str, Any], root: str, _state: State) -> Object:
    number = row["number"]
    file = oparl_object(
        "File", f"{root}/file/{number}", row["modified"], name=f"Vorlage von {MARKER}", fileName=f"{MARKER}.pdf",
        mimeType="application/pdf", accessUrl=f"{root}/file/{number}.pdf",
    )  # fmt: skip
    return oparl_object(
        "Paper", f"{root}/paper/{number}", row["modified"], body=f"{root}/body/1", name=row.get("name"),
        reference=row["reference"], paperType=row["paperType"], date=row["date"], mainFile=file,
        originatorPerson=[f"{root}/person/{row['author']}"],
        originatorOrganization=[f"{root}/organization/{row['group']}"] if row["group"] else [],
    )  # fmt: skip


def _list_of(
    write: Callable[[dict[str, Any], str, State], Object],
) -> Callable[[Table, Request, str, State], Answer]:
    def answer(table: Table, request: Request, url: str, state: State) -> Answer:
        root = url.rpartition("/")[0]
        names = [column.name for column in table.columns]
        rows = [dict(zip(names, row, strict=True)) for row in table.rows]
        return answer_list(request, url, [write(row, root, state) for row in rows])

    return answer


def _inner_list_of(
    write: Callable[[dict[str, Any], str, State], Object], inner: str, back: str
) -> Callable[[Table, Request, str, State], Answer]:
    """A list of what is written into other objects; each object names in ``back`` the one it belongs to."""

    def answer(table: Table, request: Request, url: str, state: State) -> Answer:
        root = url.rpartition("/")[0]
        names = [column.name for column in table.columns]
        listed = []
        for row in table.rows:
            outer = write(dict(zip(names, row, strict=True)), root, state)
            own = outer.get(inner, [])
            listed += [{**each, back: outer["id"]} for each in (own if isinstance(own, list) else [own])]
        return answer_list(request, url, listed)

    return answer


def _about(state: State) -> Table:
    return _table("body", "Körperschaft", "number", [(1,)])


def _body(table: Table, request: Request, url: str, state: State) -> Answer:
    root, modified = url.rpartition("/")[0], _stamp(state, 0)
    lists = {name: f"{root}/{name}" for name in LISTS}
    term = oparl_object(
        "LegislativeTerm", f"{root}/legislativeterm/1", modified, name="Wahlperiode", startDate=f"{_term_began(state)}"
    )
    body = oparl_object(
        "Body", f"{url}/1", modified, system=f"{root}/system", name="Stadt Hamm", shortName="Hamm", ags="05915000",
        legislativeTerm=[term], **lists,
    )  # fmt: skip
    return answer_list(request, url, [body])


def _system(table: Table, request: Request, url: str, state: State) -> Answer:
    root = url.rpartition("/")[0]
    return json_answer(
        oparl_object(
            "System",
            url,
            _stamp(state, 0),
            oparlVersion="https://schema.oparl.org/1.1/",
            body=f"{root}/body",
            name="Ratsinformationssystem der Beispielstadt",
        )
    )


SYSTEM = System(
    source="ratsinformation",
    title="Ratsinformation (OParl 1.1)",
    offers=(
        Web("ratsinformation/person", persons, _list_of(_person)),
        Web("ratsinformation/organization", organizations, _list_of(_organization)),
        Web("ratsinformation/meeting", meetings, _list_of(_meeting)),
        Web("ratsinformation/paper", papers, _list_of(_paper)),
        Web("ratsinformation/membership", persons, _inner_list_of(_person, "membership", "person")),
        Web("ratsinformation/agendaItem", meetings, _inner_list_of(_meeting, "agendaItem", "meeting")),
        Web("ratsinformation/file", papers, _inner_list_of(_paper, "mainFile", "paper")),
        Web("ratsinformation/locationList", meetings, _inner_list_of(_meeting, "location", "meetings")),
        Web("ratsinformation/body", _about, _body),
        Web("ratsinformation/system", _about, _system),
    ),
    connections=lambda var, ports: {"ratsinformation": at_the_city("ratsinformation/system", ports)},
)
