"""What looks the same on paper is the same to the detectors, whatever characters it is written in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtdaten.privacy.text.detectors import find_personal_data
from stadtdaten.privacy.text.scrub import scrub
from stadtdaten.privacy.text.writing import as_read

HIDDEN = {
    "a zero-width character in a number": ("phone", "Tel. 0238\u200b1 17\u200b1234"),
    "a soft hyphen in a number": ("phone", "01\u00ad51 23456789"),
    "full-width digits": ("phone", "Tel. \uff10\uff12\uff13\uff18\uff11 \uff11\uff17\uff11\uff12\uff13\uff14"),
    "digits of another script": ("phone", "Tel. ٠٢٣٨١ ١٧١٢٣٤"),
    "a narrow blank": ("phone", "0151\u202f23456789"),
    "a hyphen that does not break": ("phone", "02381\u201117\u20111234"),
    "tags of HTML": ("phone", "Tel. <b>02381</b> 17<i>1234</i>"),
    "a zero-width character in a form of address": ("name", "He\u200brr Meier rief an"),
    "references of HTML": ("name", "Frau&nbsp;M&uuml;ller rief an"),
    "Cyrillic letters": ("name", "Frau \u041cei\u0435r rief an"),
    "mathematical letters": ("name", "Herr \U0001d40c\U0001d41e\U0001d422\U0001d41e\U0001d42b"),
    "a change of direction": ("name", "Herr \u202eMeier"),
    "a mailbox written as references": ("email", "hans&#46;meier&#64;example&#46;de"),
    "blanks that do not break in an IBAN": ("iban", "DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000"),
    "a zero-width character in a street": ("address", "Nordst\u200braße 12"),
}


@pytest.mark.parametrize("how", HIDDEN)
def test_what_is_hidden_by_its_writing_is_found_and_scrubbed(how: str) -> None:
    kind, text = HIDDEN[how]
    assert kind in {hit.kind for hit in find_personal_data(["harmlos", text])}
    [scrubbed] = scrub([text], {})
    assert not find_personal_data([scrubbed]) and "Meier" not in scrubbed and "1234" not in scrubbed


@pytest.mark.parametrize(
    "text",
    [
        "Fläche: 12,5 m² (½ davon grün), 20 °C – „gut“, 3 × 4 µm, a < b und c > d, R&D, Straße…",
        "Спасибо за помощь",
        "https://www.hamm.de/?a=1&para=2",
    ],
)
def test_an_ordinary_text_stays_as_it_is(text: str) -> None:
    assert as_read(text) == text


TRICKY = st.text(st.sampled_from("aЕМ&#46;<b>/ =\u200b\u00ad\u00a0\u0308uﬁ１²amp;nbsp"), max_size=40)


@given(TRICKY | st.text(max_size=40))
def test_reading_what_was_read_changes_nothing(text: str) -> None:
    read = as_read(text)
    assert as_read(read) == read
    [scrubbed] = scrub([text], {})
    assert scrub([scrubbed], {}) == [scrubbed]
