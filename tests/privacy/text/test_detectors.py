"""Personal data is found in German text, and ordinary municipal data is not taken for it."""

from __future__ import annotations

import csv
import time

import pytest

from stadtdaten.privacy.text.detectors import Hit, find, find_personal_data

PERSONAL = [
    ("erika.mustermann@example.org", "email"),
    ("max (at) example.org", "email"),
    ("Rückfragen: 02381/17-3456", "phone"),
    ("(02381) 173456", "phone"),
    ("02381 - 17 34 56", "phone"),
    ("+49 2381 173456", "phone"),
    ("0049 (2381) 17-3456", "phone"),
    ("01701234567", "phone"),
    ("Tel.: 02381173456", "phone"),
    ("02381 17-0", "phone"),
    ("Tel.: 17-6543", "phone"),
    ("Durchwahl 17-6543", "phone"),
    ("02381.176543", "phone"),
    ("0 23 81 / 17 65 43", "phone"),
    ("DE89 3704 0044 0532 0130 00", "iban"),
    ("de89 3704 0044 0532 0130 00", "iban"),
    ("DE89-3704-0044-0532-0130-00", "iban"),
    ("Konto DE89370400440532013000 bitte", "iban"),
    ("gemeldet von Frau Mustermann", "name"),
    ("Herrn Dr. Max Mustermann", "name"),
    ("Dr. Erika Mustermann", "name"),
    ("Frau Steinhaus", "name"),
    ("Herr Platzer ruft an", "name"),
    ("Herrn von der Muster", "name"),
    ("Frau E. Muster", "name"),
    ("Hr. Müstır", "name"),
    ("HERR MUSTER", "name"),
    ("Prof. Dr.-Ing. Erika Muster", "name"),
    ("erika.muster [at] example [dot] org", "email"),
    ("Wagen HAM-XY 1234 parkt", "plate"),
    ("HAM XX 1234", "plate"),
    ("HAM-XX1234", "plate"),
    ("K-B 123", "plate"),
    ("EU-AB 123", "plate"),
    ("geb. 12.03.1980", "birth_date"),
    ("geboren am 1. Mai 1975", "birth_date"),
    ("* 12.03.80", "birth_date"),
    ("Geburtsdatum: 1980-03-12", "birth_date"),
    ("geb. 12/03/1980", "birth_date"),
    ("Steuer-ID 86095742719", "tax_id"),
    ("86 095 742 719", "tax_id"),
    ("86095742719", "tax_id"),
    ("herr müller vom amt", "name"),
    ("Meier, Hans", "name"),
    ("Hans Meier", "name"),
    ("gez. Müller", "name"),
    ("MfG H. Schulze", "name"),
    ("Ihr Nachbar K. Yılmaz", "name"),
    ("an Hr Ostermann", "name"),
    ("Eheleute Schulze-Hobbeling", "name"),
    ("Sachbearbeiterin: Kuhlmann", "name"),
    ("Musterstraße 12a", "address"),
    ("Am Stadtbad 3", "address"),
    ("Auf dem Daberg 10", "address"),
    ("Lange Straße 5, 59067 Hamm", "address"),
    ("12 O 345/21", "file_number"),
    ("Az. 32-1-0815/25", "file_number"),
    ("Kassenzeichen 4711.0815.2", "file_number"),
    ("15 070649 C 103", "social_security_number"),
    ("HAM - XY 123", "plate"),
    ("(0 23 81) 17 34 56", "phone"),
    ("Geburtsdatum/-ort: 03.04.1958, Hamm", "birth_date"),
]
ORDINARY = [
    "05915000", "059150000000", "059150000000 ", "02381173456", "59065 Hamm", "Dr.-Lammert-Weg",
    "Dr. Martin-Luther-Straße", "Frau-Holle-Weg", "Haus der Frau",
    "Frau Holle Spielplatz", "Dr. Voß Platz", "Dr. Lammertweg", "Frau und Beruf",
    "01.02.2024", "2024-02-01 08:00:00",
    "Mo-Fr 08:00-16:00 Uhr", "0800-1600", "016/1", "51.6789 7.8123", "7,8123", "DE89 3704 0044 0532 0130 01",
    "gebaut 1980", "geöffnet am 12.03.2024", "DIN-A 4", "A-Jugend", "B 63", "EPSG:25832", "86095742710", "12345678901",
    "Quercus robur 'Fastigiata'", "St.-Georgs-Platz", "Hamm-Heessen 12", "Nr. 0123/45", "2.340,00 EUR",
    "EU-RL 2008", "EG-VO 1221", "FFH-DE 4312", "K-B 12", "DIN EN 1176", "LSG UN 123", "NSG-HA123", "Fax 2024-2025",
    "0800 12-18", "05915.00012", "0234.5678", "de89 3704 0044 0532 0130 01", "Tel. 2020/2021",
    "St. Marien", "Rosa 'Frau Karl Druschki'", "Karl Marx Platz", "Hans Böckler Schule", "Jugend und Familie Berlin",
    "Anneliese Brost Musikforum", "John Downie-Apfel", "Familie und Beruf", "Herr der Ringe", "meine frau ist krank",
    "Spielplatz 3", "Am Montag 3 Stunden", "Im Raum 12", "Bundesstraße 63", "15 070649 C 104", "Vorlage 0815/25",
    "Paul Müller GmbH", "Heinrich Stra\ufffde", "i. A. der Landeskommission", "Kindergarten Anna Sommer",
]  # fmt: skip


@pytest.mark.parametrize(("text", "kind"), PERSONAL)
def test_personal_data_is_found(text, kind):
    assert kind in [hit.kind for hit in find_personal_data([text])]


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_is_not_taken_for_personal_data(text):
    assert find_personal_data([text]) == []


def test_it_is_told_where_the_personal_data_stands():
    text = "Rückfragen an Frau Muster, Tel. 02381 173456, Am Stadtbad 3"
    assert [(span.kind, text[span.start : span.end]) for span in find(text)] == [
        ("name", "Frau Muster"),
        ("phone", "Tel. 02381 173456"),
        ("address", "Am Stadtbad 3"),
    ]


def test_half_a_character_does_not_hide_a_name():
    assert find_personal_data(["\ud800 Frau Muster"]) == [Hit("name", 1)]


@pytest.mark.parametrize("unit", ["Hans ", "Aa ", "A.", "Frau Dr. ", "Am Aa ", "0 ", "a@", "Az. 1-", "Aastraße 1-"])
def test_a_long_text_of_the_same_does_not_take_for_ever(unit):
    start = time.process_time()
    find(unit * 1500)
    assert time.process_time() - start < 10


def test_ids_of_eleven_digits_are_no_tax_ids_for_one_chance_hit():
    assert find_personal_data([str(12_345_678_900 + 7 * n) for n in range(200)] + ["86095742719"]) == []


def test_real_tables_of_four_cities_raise_no_false_alarm(shared):
    folder = shared / "data"
    read = 0
    for path in [
        *folder.glob("bochum/playgrounds/*.csv"), *folder.glob("bochum/schools/*.csv"),
        *folder.glob("bochum/sports_facilities/*.csv"), *folder.glob("bochum/natural_monuments/*.csv"),
        *folder.glob("flensburg/*.csv"), *folder.glob("hamm/*.csv"), *folder.glob("koeln/budget/*/*.csv"),
    ]:  # fmt: skip
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            dialect = ";" if file.readline().count(";") else ","
            texts = [text for row in csv.reader(file, delimiter=dialect) for text in row if text]
        read += len(texts)
        assert {hit.kind for hit in find_personal_data(texts)} <= {"address"}, path.name
    assert read > 100_000
