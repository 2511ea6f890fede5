"""German texts in which we know what is personal: made from templates, the same ones every time.

Complaints to the city, council papers, lines of registers. The templates and surnames of ``HELD_OUT`` were written
before the detectors were tuned, and one rule only was corrected with their help; the numbers that count are theirs. All
values are made up: numbers have right check digits, people do not exist.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Label:
    """Characters ``start`` up to ``end`` are personal; ``field`` is finer than a kind (with title or without)."""

    field: str
    start: int
    end: int


@dataclass(frozen=True)
class Labelled:
    text: str
    labels: tuple[Label, ...]


KIND_BY_FIELD = {
    "titled": "name", "signed": "name", "lower": "name", "plain": "name", "reversed": "name", "address": "address",
    "phone": "phone", "email": "email", "iban": "iban", "tax": "tax_id", "social": "social_security_number",
    "plate": "plate", "file": "file_number", "birth": "birth_date",
}  # fmt: skip
"""``birth`` is the date with the word that makes it a birth date."""

TUNING = (
    "Guten Tag, mein Name ist {plain}, ich wohne {address} und die Laterne vor der Tür ist seit drei Wochen aus.",
    "Die Mülltonne wurde nicht geleert. Rückfragen an {titled}, Telefon {phone}.",
    "{titled} hat mir am Montag gesagt, dass der Bescheid ({file}) falsch ist.",
    "Auf dem Gehweg steht seit Tagen ein roter Kombi mit dem Kennzeichen {plate}. Bitte abschleppen! MfG {signed}",
    "Bitte überweisen Sie die Gebühr zurück auf {iban}. Mit freundlichen Grüßen\n{signed}",
    "Sachbearbeitung: {titled}, Zimmer 214, {phone}, {email}",
    "Antragsteller ist {titled}, {birth}, wohnhaft {address}.",
    "Der Rat nimmt die Eingabe von {titled} zur Kenntnis. Die Vorlage 0815/25 wird vertagt.",
    "{reversed}; {birth}; {address}; StNr. entfällt",
    "Steuer-ID {tax}, Versicherungsnummer {social}, Name: {plain}",
    "hallo, {lower} vom amt geht nie ans telefon, ich habe schon dreimal unter {phone} angerufen",
    "Im Verfahren {file} vor dem Verwaltungsgericht Arnsberg wird die Stadt durch {titled} vertreten.",
    "Der Hund von {titled} läuft frei herum, Am Mühlenbach und in der Lindenstraße. Schreiben Sie an {email}.",
    "gez. {signed}\nAnlage: Lageplan 1:500, Stand 12.03.2024",
    "Eigentümer laut Grundbuch: {plain}, {address}",
    "Rentenversicherungsnummer: {social}. Konto: {iban}. Kassenzeichen bitte angeben.",
    "Herr Oberbürgermeister, sehr geehrte Damen und Herren, {titled} und {titled} beantragen eine Sitzbank.",
    "Unfallgegner war {plain} mit dem Wagen {plate}; die Polizei führt den Vorgang unter {file}.",
    "Ihr Nachbar {signed}",
    "Ansprechpartnerin: {titled} ({phone})",
)
TUNING_ORDINARY = (
    "Der Spielplatz an der Dr.-Lammert-Weg Ecke Hans-Böckler-Straße ist geschlossen, geöffnet wieder am 12.03.2024.",
    "Die Karl-Marx-Schule und die St.-Marien-Kirche werden saniert, Kosten 1.234.567,89 EUR, Produkt 01.02.03.",
    "Rosa 'Frau Karl Druschki' und Quercus robur 'Fastigiata' wurden am Haus der Frau gepflanzt.",
    "Beschluss nach § 12 Abs. 3 GO NRW, Drucksache 2024/0815, Abstimmung 12:3 bei 2 Enthaltungen.",
    "Amtlicher Gemeindeschlüssel 05915000, Kennziffer 059150000000, EPSG:25832, DIN EN 1176.",
    "Öffnungszeiten Mo-Fr 08:00-16:00 Uhr, Sa 10-12 Uhr, Familie und Beruf, Haushaltsjahr 2024/2025.",
    "Die Frau-Holle-Kita zieht in die Sophie-Scholl-Gesamtschule; Linie 12 fährt ab 8 Uhr.",
    "Naturdenkmal Nr. 12: Stieleiche, Umfang 345 cm, Höhe 21 m, Pflanzjahr 1880, Am Kanal.",
    "Die B 63 und die L 670 sind gesperrt, Umleitung über den Westring, Dauer 3 Wochen.",
    "Ich habe kein Problem mit dem neuen Radweg, aber die Ampel steht zu kurz auf Grün.",
)
HELD_OUT = (
    "Liebes Ordnungsamt, bei uns parkt ständig {plate} auf dem Behindertenparkplatz. {titled} weiß Bescheid.",
    "Ich heiße {plain} und bin unter {phone} erreichbar. Der Gully am Marktplatz ist verstopft.",
    "Laut {titled} vom Bauamt ist mein Antrag noch nicht da, dabei habe ich ihn an {email} geschickt.",
    "Bitte erstatten Sie {titled} die Kosten. Bankverbindung: {iban}",
    "Die Beschwerdeführerin, {titled} ({birth}), trägt vor, sie sei {address} nicht gemeldet.",
    "Niederschrift: Anwesend sind {titled}, {titled} und {titled}; entschuldigt fehlt {titled}.",
    "Verwaltungsgericht, Az.: {file}. Kläger: {plain}, {address}.",
    "Wohngeldakte {reversed}, {birth}, Versicherungs-Nr. {social}, Steuernummer {tax}.",
    "frage an {lower}: warum wird der müll nicht abgeholt? gruß vom lippeweg",
    "Es grüßt herzlich\n{plain}\nTel. {phone}",
    "Viele Grüße {signed}",
    "Die Kasse bittet um Zahlung unter Angabe von Kassenzeichen {file} auf das Konto {iban}.",
    "Wer ist der Halter von {plate}? Der Wagen blockiert die Einfahrt {address}. Meine Mailadresse lautet {email}.",
    "Zeugin {titled} bestätigt, dass der Baum am 3. Mai 2024 gefällt wurde.",
    "Pachtvertrag mit {titled}, {address}, Jahrespacht 350,00 EUR, Flurstück 12/345.",
    "Schwerbehindertenausweis von {plain}, {birth}, bitte an die Kontaktadresse {email} senden.",
    "Geschäftszeichen {file} – Bearbeiter: {signed}",
    "Meine Identifikationsnummer lautet {tax}, rufen Sie gern an: {phone}.",
    "Mein Vermieter, {titled}, kümmert sich nicht um die Ratten im Hinterhof.",
    "i. A. {signed}",
)
HELD_OUT_ORDINARY = (
    "Das Martin-Luther-Viertel bekommt neue Bänke, die Geschwister-Scholl-Straße eine Fahrradstraße.",
    "Die Anne-Frank-Realschule, die Paul-Gerhardt-Kirche und das St. Josef Krankenhaus liegen im Bezirk Mitte.",
    "Malus 'Kaiser Wilhelm', Pyrus communis 'Gräfin von Paris' und Tilia cordata stehen auf der Streuobstwiese.",
    "Der Ausschuss für Familie, Jugend und Soziales tagt am Dienstag, 12. November 2024, 17 Uhr, im Rathaus.",
    "Pegel Hamm: 123 cm um 08:15 Uhr, Messstelle 2781010000100, Rechtswert 418206, Hochwert 5725888.",
    "Ansatz 2025: 12 345 678 EUR, Ergebnis 2024: -987 654 EUR, Stellen 12,5, Produktgruppe 03.01.",
    "Am Montag 3 Stunden gesperrt, im Juni 12 Tage; Tempo 30, Halteverbot, Umleitung U 12.",
    "Die Jury wählte den Entwurf 7 aus 23 Arbeiten; Preisgeld 15.000 EUR; Maßstab 1:1000.",
    "Herr der Lage bleibt die Feuerwehr, meine Frau ist begeistert und jede Frau und jeder Mann kann helfen.",
    "Der Anteil der Frauen im Rat beträgt 38,5 %, der Verein Frau und Arbeit e. V. berät kostenlos.",
)

GIVEN = str.split(
    "Anna Petra Sabine Heike Monika Ursula Julia Lena Fatma Ayşe Zeynep Agnieszka Katarzyna Olga Swetlana Maria Hans "
    "Peter Klaus Thomas Michael Stefan Andreas Jürgen Lukas Finn Mehmet Mustafa Yusuf Piotr Krzysztof Sergej Dimitri "
    "Ahmad Mohammed Karl-Heinz Hans-Joachim Anne-Marie Björn Sören Günter"
)
RARE_GIVEN = str.split("Tjorven Ottokar Quirin Ifeoma Nguyen Yaroslava Bogumila Eulalia Faisal Lioba")
"""Given names that no list of usual ones holds: a tenth of the names without title."""
SURNAMES = {
    "tuning": str.split(
        "Müller Schmidt Schulze Meier Kötter Brinkmann Westermann Schulze-Hobbeling Yıldız Öztürk Kowalski Nowak "
        "Petrov Al-Hassan Nguyen Steinhaus Lübbert Große-Wiesmann Weiß Hülsmann"
    ),
    "held_out": str.split(
        "Schneider Hoffmann Overhage Niehues Lohmann Berkenkötter Buschhaus Demir Çelik Wiśniewski Iwanow Popescu "
        "Haddad Große-Lochtmann Vogt Jäger Kemper Schürmann Thiemann-Ostrop Wölk"
    ),
}
STREETS = (
    "Lange Straße", "Ahornallee", "Am Stadtbad", "Auf dem Daberg", "Von-Vincke-Str.", "Hammer Weg", "Ostenallee",
    "Südring",    "An der Kirche", "Dortmunder Straße", "Hans-Böckler-Platz", "Birkenweg", "Im Winkel",
    "Zum Bergfeld",
    "Alter Uentroper Weg",    "Kleine Werlstraße", "Westwall", "Hinter dem Hagen",
)  # fmt: skip


def _titled(dice: random.Random, surnames: list[str]) -> str:
    surname, given = dice.choice(surnames), dice.choice(GIVEN)
    return dice.choice(
        (f"Herr {surname}", f"Frau {surname}", f"Herrn {given} {surname}", f"Frau {given} {surname}",
         f"Frau Dr. {surname}",         f"Herr Dr. med. {given} {surname}", f"Dr. {given} {surname}",
         f"Prof. Dr. {surname}", f"Familie {surname}",
         f"Eheleute {surname}", f"Fr. {surname}", f"Hr. {surname}", f"Frau {given[0]}. {surname}",
         f"Herr von {surname}",         f"HERR {surname.upper()}", f"Dipl.-Ing. {given} {surname}",
         f"Fam. {surname}", f"Ehepaar {surname}")
    )  # fmt: skip


def _signed(dice: random.Random, surnames: list[str]) -> str:
    surname, given = dice.choice(surnames), dice.choice(GIVEN)
    return dice.choice((f"{given[0]}. {surname}", f"{given} {surname}", surname, f"{given[0]}.{surname}"))


def _plain(dice: random.Random, surnames: list[str]) -> str:
    given = dice.choice(RARE_GIVEN) if dice.random() < 0.1 else dice.choice(GIVEN)
    return f"{given} {dice.choice(surnames)}"


def _phone(dice: random.Random) -> str:
    number = str(dice.randint(100_000, 999_999))
    mobile = str(dice.randint(1_000_000, 9_999_999))
    return dice.choice(
        (f"02381 {number}", f"02381/{number}", f"(02381) {number}", f"02381 - {number}", f"+49 2381 {number}",
         f"0049 2381 {number}", f"02381/{number[:2]}-{number[2:]}", f"02381 {number[:2]} {number[2:4]} {number[4:]}",
         f"0170 {mobile}", f"0151/{mobile}", f"+49170{mobile}", f"0176-{mobile}", f"01701{mobile}",
         f"+49 (0) 2381 {number}")
    )  # fmt: skip


def _email(dice: random.Random, surnames: list[str]) -> str:
    plain = str.maketrans("äöüßıçğşśöÖÇĄ", "aousicgssoOCA")
    given, surname = dice.choice(GIVEN).lower().translate(plain), dice.choice(surnames).lower().translate(plain)
    name = dice.choice(
        (f"{given}.{surname}", f"{given[0]}.{surname}", f"{surname}{dice.randint(1, 99)}", f"{given}_{surname}")
    )
    return dice.choice(
        (f"{name}@example.org", f"{name}@mail.example.com", f"{name} (at) example.org", f"{name}@web-post.example")
    )


def iban(dice: random.Random) -> str:
    """A German account number with a right check digit (ISO 13616), as people write it."""
    account = f"{dice.randint(0, 10**18 - 1):018d}"
    check = 98 - int(account + "131400") % 97
    whole = f"DE{check:02d}{account}"
    return dice.choice((whole, re.sub(r"(.{4})", r"\1 ", whole).strip(), whole.lower()))


def tax_id(dice: random.Random) -> str:
    """A tax id with a right check digit (§ 139b AO): one digit twice among ten, one missing."""
    digits = list("0123456789")
    dice.shuffle(digits)
    digits[dice.randint(1, 9)] = digits[0]
    dice.shuffle(digits)
    while digits[0] == "0":
        dice.shuffle(digits)
    product = 10
    for digit in digits:
        product = 2 * ((int(digit) + product) % 10 or 10) % 11
    whole = "".join(digits) + str((11 - product) % 10)
    return dice.choice((whole, f"{whole[:2]} {whole[2:5]} {whole[5:8]} {whole[8:]}"))


def social_security_number(dice: random.Random) -> str:
    """A number of the pension insurance with a right check digit (§ 4 VKVV)."""
    area = dice.choice(("10", "15", "26", "49", "53", "65"))
    birth = f"{dice.randint(1, 28):02d}{dice.randint(1, 12):02d}{dice.randint(40, 99)}"
    letter, serial = dice.choice("ABCEFGHKLMNPRSTWYZ"), f"{dice.randint(0, 99):02d}"
    total = 0
    digits = area + birth + f"{ord(letter) - 64:02d}" + serial
    for digit, weight in zip(digits, (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1), strict=True):
        product = int(digit) * weight
        total += product // 10 + product % 10
    return dice.choice((f"{area}{birth}{letter}{serial}{total % 10}", f"{area} {birth} {letter} {serial}{total % 10}"))


def _plate(dice: random.Random) -> str:
    letters = "".join(dice.choice("ABCDEFGHKLMNPRSTUVWXYZ") for _ in range(dice.randint(1, 2)))
    number = dice.randint(10, 9999)
    return dice.choice(
        (f"HAM-{letters} {number}", f"HAM {letters} {number}", f"HAM-{letters}{number}", f"UN-{letters} {number}",
         f"SO-{letters} {number}", f"WAF-{letters} {number}", f"DO-{letters} {number}",
         f"K-{letters} {dice.randint(100, 9999)}",
         f"COE {letters} {number}", f"HAM-{letters} {dice.randint(10, 999)}E")
    )  # fmt: skip


def _file(dice: random.Random, said: bool) -> str:
    court = (
        f"{dice.randint(1, 40)} {dice.choice(('O', 'C', 'K', 'L', 'Js', 'OWi', 'Ds', 'F', 'UF', 'Ca'))} "
        f"{dice.randint(1, 4000)}/{dice.randint(10, 25)}"
    )
    if not said:
        return court
    return dice.choice(
        (court, f"{dice.randint(10, 69)}-{dice.randint(1, 9)}-0{dice.randint(100, 999)}/{dice.randint(10, 25)}",
         f"{dice.randint(1000, 9999)}.{dice.randint(1000, 9999)}.{dice.randint(0, 9)}",
         f"{dice.randint(10, 69)}.{dice.randint(1, 9)}-{dice.randint(10, 99)}/2024",
         f"{dice.randint(10**9, 10**10 - 1)}")
    )  # fmt: skip


def _birth(dice: random.Random) -> str:
    day, month, year = dice.randint(1, 28), dice.randint(1, 12), dice.randint(1930, 2015)
    name = str.split("Januar Februar März April Mai Juni Juli August September Oktober November Dezember")[month - 1]
    return dice.choice(
        (f"geb. {day:02d}.{month:02d}.{year}", f"geb. am {day}.{month}.{year}", f"geboren am {day}. {name} {year}",
         f"Geburtsdatum: {year}-{month:02d}-{day:02d}", f"Geburtsdatum {day:02d}.{month:02d}.{year}",
         f"* {day:02d}.{month:02d}.{year}",
         f"*{day}.{month}.{year}", f"geb.: {day:02d}.{month:02d}.{year % 100:02d}")
    )  # fmt: skip


def _address(dice: random.Random) -> str:
    number = dice.choice(
        (
            str(dice.randint(1, 240)),
            f"{dice.randint(1, 99)}{dice.choice('abc')}",
            f"{dice.randint(1, 99)} {dice.choice('abc')}",
        )
    )
    street = f"{dice.choice(STREETS)} {number}"
    return street if dice.random() < 0.6 else f"{street}, 59065 Hamm"


def corpus(split: str, size: int, seed: int) -> list[Labelled]:
    """``size`` texts of the split ``tuning`` or ``held_out``, a quarter of them without anything personal."""
    dice = random.Random(seed)
    templates, ordinary = (TUNING, TUNING_ORDINARY) if split == "tuning" else (HELD_OUT, HELD_OUT_ORDINARY)
    surnames = SURNAMES[split]
    makers: Mapping[str, Callable[[], str]] = {
        "titled": lambda: _titled(dice, surnames),
        "signed": lambda: _signed(dice, surnames),
        "plain": lambda: _plain(dice, surnames),
        "lower": lambda: f"{dice.choice(('herr', 'frau'))} {dice.choice(surnames).lower()}",
        "reversed": lambda: f"{dice.choice(surnames)}, {dice.choice(GIVEN)}",
        "address": lambda: _address(dice),
        "phone": lambda: _phone(dice),
        "email": lambda: _email(dice, surnames),
        "iban": lambda: iban(dice),
        "tax": lambda: tax_id(dice),
        "social": lambda: social_security_number(dice),
        "plate": lambda: _plate(dice),
        "file": lambda: _file(dice, said=False),
        "said": lambda: _file(dice, said=True),
        "birth": lambda: _birth(dice),
    }
    return [_filled(dice.choice(ordinary if dice.random() < 0.25 else templates), makers) for _ in range(size)]


_SAID = re.compile(r"(?:Az\.: |zeichen )$")


def _filled(template: str, makers: Mapping[str, Callable[[], str]]) -> Labelled:
    text, labels, end = "", [], 0
    for match in re.finditer(r"\{(\w+)\}", template):
        text += template[end : match.start()]
        # A file number of an administration is one only where the text says so.
        maker = "said" if match[1] == "file" and _SAID.search(text) else match[1]
        value = makers[maker]()
        labels.append(Label(match[1], len(text), len(text) + len(value)))
        text, end = text + value, match.end()
    return Labelled(text + template[end:], tuple(labels))
