"""How would a reader see this text? Without it, one invisible character hides a name or number from every detector.

What programs leave in texts (soft hyphens, blanks that do not break, HTML) and what somebody does on purpose
(zero-width characters, Cyrillic letters in a Latin word) looks the same on paper; so it must to the detectors.
"""

from __future__ import annotations

import html
import re
from unicodedata import category, decimal, normalize

_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][\da-fA-F]{1,6}|[A-Za-z]\w{1,30});")
_TAG = re.compile(
    r"</?(?:a|b|big|br|center|div|em|font|h[1-6]|i|li|mark|ol|p|small|span|strong|sub|sup|table|tbody|td|th|tr|u|ul)"
    r"(?:\s+[\w-]+\s?=[^<>]*)?\s*/?>",
    re.IGNORECASE,
)
_BREAKING_TAG = re.compile(r"</?(?:br|div|h|li|ol|p|t|ul)", re.IGNORECASE)
_UNUSUAL = re.compile(r"[^\t\n\r -~ÄÖÜäöüßéèáà§€²³°–—„“”‚‘’…·×½µ]|&[#\w]|</?[A-Za-z]")
"""What a text has that may not be what it looks like."""

_LOOK_ALIKES = str.maketrans("АВЕЅІЈКМНОРСТХаеорсухіјѕԁӏΑΒΕΖΗΙΚΜΝΟΡΤΥΧο", "ABESIJKMHOPCTXaeopcyxijsdlABEZHIKMNOPTYXo")
"""Cyrillic and Greek letters that look like Latin ones (Unicode Technical Standard 39)."""
_MIXED_WORD = re.compile(r"(?=\w*[A-Za-zÄÖÜäöüß])(?=\w*[\u0370-\u03ff\u0400-\u052f])\w+")
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0") | {chr(code) for code in range(0xFE00, 0xFE10)}
"""Letters and marks that show nothing; format characters (category Cf) do not, either."""
_HYPHENS = "\u2010\u2011\u2212\ufe63\uff0d"


def as_read(text: str) -> str:
    """The text in the usual characters of what a reader sees; one of usual characters comes back as it is.

    References of HTML are resolved and its tags removed, invisible characters left out, letters and digits of other
    forms (full width, mathematical, other scripts' digits) and all kinds of blanks and hyphens written in the usual
    way, accents joined to their letter, and look-alikes replaced in words that mix scripts. Applied again, it changes
    nothing.
    """
    while _UNUSUAL.search(text) and (read := _once(text)) != text:
        text = read
    return text


def _once(text: str) -> str:
    text = _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    text = _TAG.sub(lambda tag: "\n" if _BREAKING_TAG.match(tag[0]) else "", text)
    text = normalize("NFC", "".join(map(_usual, text)))
    return _MIXED_WORD.sub(lambda word: word[0].translate(_LOOK_ALIKES), text)


def _usual(character: str) -> str:
    if character.isascii():
        return character
    kind = category(character)
    if kind == "Cf" or character in _INVISIBLE:
        return ""
    if kind == "Zs":
        return " "
    if kind == "Nd":
        return str(decimal(character))
    if character in _HYPHENS:
        return "-"
    if character in "\u2028\u2029\x85":
        return "\n"
    wide = "\uff01" <= character <= "\uff5e" or "\U0001d400" <= character <= "\U0001d7ff"
    return normalize("NFKC", character) if wide else character
