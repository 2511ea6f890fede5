"""Is an answer a wall against automated requests? Such walls stand in front of many council information systems.

They answer with a web page, mostly with status 403 and not seldom with 200. Nothing is wrong with the source then, and
nothing with the request: whoever runs the wall has to let us through. A page with 403 that names no known product is
probably one; the same page with 5xx is a server that is down, whatever stands in front of it.
"""

from __future__ import annotations

from stadtdaten.extract.transport import Refusal, html_instead_of_data, looks_like_html
from stadtdaten.faults import Fault, SourceUnavailable

WALLS: dict[str, tuple[bytes, ...]] = {
    "Cloudflare": (b"cloudflare", b"cf-chl", b"<title>just a moment"),
    "Anubis": (b"anubis", b"making sure you're not a bot", b"making sure you&#39;re not a bot"),
    "Akamai": (b"akamai", b"edgesuite.net"),
    "Imperva": (b"incapsula", b"imperva"),
    "F5": (b"the requested url was rejected. please consult with your administrator",),
    "AWS WAF": (b"awswaf", b"aws-waf"),
    "DataDome": (b"datadome",),
    "Sucuri": (b"sucuri",),
    "Myra": (b"myracloud", b"myra security"),
    "Link11": (b"link11",),
    "Friendly Captcha": (b"friendlycaptcha", b"frc-captcha"),
    "hCaptcha": (b"hcaptcha",),
    "reCAPTCHA": (b"recaptcha",),
}
"""Product to words in the page that it shows, in small letters: what helps whoever is asked for an exception."""


def refuse_bot_wall(table: str) -> Refusal:
    """Judges the beginning of an answer: a wall is SourceUnavailable, any other web page SourceUnreadable."""

    def refuse(status: int, media_type: str, head: bytes) -> Fault | None:
        if not looks_like_html(media_type, head):
            return None
        name = _name(head)
        if status == 403 or (name and status in (200, 202, 429)):
            return _wall(table, status, name)
        return html_instead_of_data(table) if status == 200 else None

    return refuse


def _name(head: bytes) -> str:
    small = head.lower()
    return next((name for name, words in WALLS.items() if any(word in small for word in words)), "")


def _wall(table: str, status: int, name: str) -> SourceUnavailable:
    called = f"({name})" if name else "(vermutlich)"
    return SourceUnavailable(
        f"Tabelle „{table}“: Eine Sperre gegen automatische Abrufe {called} weist uns ab: eine Webseite statt Daten "
        f"(HTTP {status}).",
        next_step="Die Stelle, die den Server der Quelle betreibt, um eine Ausnahme bitten: für die Adresse, von der "
        "wir kommen, oder für den User-Agent „stadtdaten“ unter dem Pfad der Schnittstelle. Die Sperre nicht umgehen.",
    )
