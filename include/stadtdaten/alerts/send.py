"""How does a mail reach the mail server, and what if it does not?

The run that wanted to tell something must not fail because nobody listens: every failure is one exception, which the
pipeline records, and the next run sends the same mail again.
"""

from __future__ import annotations

import logging
import smtplib
import socket
import ssl
from email.message import EmailMessage
from urllib.parse import urlsplit

from stadtdaten.frames import Endpoint

DEFAULT_PORTS = {"smtp": 25, "smtps": 465}
SECONDS = 20.0

log = logging.getLogger(__name__)


class AlertNotSent(Exception):
    """The mail server did not take the mail from us; the text says why, in German, for the ledger."""


def send(message: EmailMessage, endpoint: Endpoint) -> None:
    """Hand the mail to the server at ``smtp://host:port`` or ``smtps://host:port``.

    Over ``smtp`` the connection is encrypted when the server offers STARTTLS; certificates are verified, and a
    password is never sent unencrypted. Raises AlertNotSent.
    """
    scheme, place = _address(endpoint.url)
    try:
        with _connect(scheme, place) as server:
            encrypted = scheme == "smtps" or _start_tls(server)
            if endpoint.login:
                if not encrypted:
                    raise AlertNotSent(f"{_named(place)} bietet keine Verschlüsselung; das Kennwort bleibt hier.")
                server.login(endpoint.login, endpoint.password)
            refused = server.send_message(message)
    except smtplib.SMTPRecipientsRefused:
        raise AlertNotSent(f"{_named(place)} lehnt alle Empfänger ab.") from None
    except smtplib.SMTPResponseException as error:
        raise AlertNotSent(f"{_named(place)} antwortet mit Fehler {error.smtp_code}.") from error
    except OSError as error:  # also smtplib's other exceptions, time-outs and failed certificates
        raise AlertNotSent(f"{_named(place)} ist nicht zu gebrauchen: {type(error).__name__}.") from error
    if refused:
        # The others have the mail; to send it again would send it to them twice.
        log.warning("%s lehnt %d Empfänger ab: %s", _named(place), len(refused), ", ".join(sorted(refused)))


def _address(url: str) -> tuple[str, tuple[str, int]]:
    """Scheme, and host with port."""
    try:
        address = urlsplit(url)
        if address.scheme in DEFAULT_PORTS and address.hostname:
            return address.scheme, (address.hostname, address.port or DEFAULT_PORTS[address.scheme])
    except ValueError:  # a port that is no number; said below like every other mistake
        pass
    raise AlertNotSent("Die Adresse des Mailservers ist unbrauchbar; erwartet wird smtp://server:port.")


def _connect(scheme: str, place: tuple[str, int]) -> smtplib.SMTP:
    # Python's default asks the DNS for our full name, which takes seconds where there is none.
    us = socket.gethostname()
    if scheme == "smtps":
        return smtplib.SMTP_SSL(*place, local_hostname=us, timeout=SECONDS, context=ssl.create_default_context())
    return smtplib.SMTP(*place, local_hostname=us, timeout=SECONDS)


def _start_tls(server: smtplib.SMTP) -> bool:
    """Encrypt the connection if the server offers it; whether it is."""
    server.ehlo()
    if not server.has_extn("starttls"):
        return False
    server.starttls(context=ssl.create_default_context())
    return True


def _named(place: tuple[str, int]) -> str:
    return f"Der Mailserver {place[0]}:{place[1]}"
