"""Is a connection's password fit to be a key, and which key does each purpose get from it?"""

from __future__ import annotations

import hmac

from stadtdaten.faults import Misconfigured

SHORTEST = 32
"""Characters: 256 bits have 64 in hexadecimal and 43 in base 64; what is shorter than 32 is a password, and guessed."""

FEWEST = 8
"""Different characters: of 64 random hexadecimal ones there are fewer in less than one case of 10^9; of a word that is
repeated to fill the length there often are."""


def derived_key(secret: str, purpose: str, title: str) -> bytes:
    """A key of 256 bits for one purpose: HMAC-SHA-256 (RFC 2104), as in HKDF (RFC 5869), of the secret.

    Keys of different purposes say nothing about each other. ``title`` names the method in German for the message.
    Raises Misconfigured if the secret is missing, too short or of few different characters.
    """
    if len(secret.strip()) < SHORTEST or len(set(secret)) < FEWEST:
        raise Misconfigured(
            f"{title}: Der Schlüssel ist leer, kürzer als {SHORTEST} Zeichen oder aus zu wenigen verschiedenen Zeichen "
            "und ließe sich durch Ausprobieren finden.",
            next_step="In der Verbindung als Passwort einen Zufallswert hinterlegen (etwa aus: openssl rand -hex 32), "
            "ihn danach nicht mehr ändern und nirgends sonst aufbewahren.",
        )
    return hmac.digest(secret.encode(), purpose.encode(), "sha256")
