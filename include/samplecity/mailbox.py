"""Where do the alert mails go in the sample? An SMTP server that delivers nothing, and pages to read what came in.

Mails are shown as untrusted text: everything is escaped, an HTML part appears in a sandboxed frame without scripts,
forms or access to any network.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import re
import socket
import threading
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from itertools import count
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session
from jinja2 import Environment, PackageLoader, StrictUndefined

from samplecity.web import Answer, Request

HTML = "text/html; charset=utf-8"
NAME = re.compile(r"[0-9TZ-]+\.eml")
HEADERS = ("Subject", "From", "To", "Cc", "Date", "Message-ID")
SAFE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

_pages = Environment(loader=PackageLoader("samplecity"), autoescape=True, undefined=StrictUndefined)


def mailbox_folder(var: Path) -> Path:
    """Folder of the received mails, one ``.eml`` file each; names sort by time of arrival."""
    return var / "mailbox"


class MailSink:
    """Accepts every mail on an open listener and keeps it in the folder, until ``stop``."""

    def __init__(self, listener: socket.socket, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._loop = asyncio.new_event_loop()
        keeper = _Keeper(folder)
        self._server = self._loop.run_until_complete(
            self._loop.create_server(
                lambda: SMTP(keeper, hostname="samplecity", enable_SMTPUTF8=True, loop=self._loop), sock=listener
            )
        )
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening; a mail that was not received completely is not kept."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(timeout=60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _close(self) -> None:
        self._server.close()
        sessions = asyncio.all_tasks() - {asyncio.current_task()}
        for session in sessions:
            session.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)


class _Keeper:
    """What aiosmtpd calls when a mail is complete."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S-%f}-{next(self._numbers):04d}.eml"
        unfinished = self._folder / f".{name}"
        unfinished.write_bytes(envelope.original_content or b"")
        unfinished.replace(self._folder / name)
        return "250 OK"


class MailboxPages:
    """The pages of the viewer: a list, newest first, and one page per mail."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def respond(self, request: Request) -> Answer:
        """The page asked for."""
        if request.method == "POST":
            return Answer(405, "text/plain", b"", {"Allow": "GET, HEAD"})
        if request.path == "/":
            mails = [(path.name, _headers(_read(path))) for path in sorted(self._folder.glob("2*.eml"), reverse=True)]
            return _page("mailbox.html.j2", mails=mails)
        name = request.path.removeprefix("/mail/")
        file = self._folder / name
        if not NAME.fullmatch(name) or not file.is_file():
            return _page("mail_missing.html.j2", status=404)
        mail = _read(file)
        return _page("mail.html.j2", mail=_headers(mail), text=_part(mail, "plain"), alternative=_part(mail, "html"))


def _read(path: Path) -> EmailMessage:
    return email.message_from_bytes(path.read_bytes(), EmailMessage, policy=email.policy.default)


def _headers(mail: EmailMessage) -> dict[str, str]:
    """What is shown of the headers; one that nobody can make sense of is shown as it came.

    Python's parser of structured headers breaks down on some (``To: a@``).
    """
    shown = {}
    for name in HEADERS:
        try:
            shown[name] = str(mail[name] or "")
        except (IndexError, LookupError, ValueError, AttributeError, HeaderParseError):
            raw = next(value for key, value in mail.raw_items() if key.lower() == name.lower())
            shown[name] = str(raw).encode("utf-8", "replace").decode("utf-8")
    return {**shown, "Date": _moment(shown["Date"])}


def _moment(date: str) -> str:
    """The date as people read it, in the mail's own zone; as it came if it is none."""
    try:
        return parsedate_to_datetime(date).strftime("%d.%m.%Y, %H:%M Uhr")
    except ValueError:
        return date


def _part(mail: EmailMessage, kind: str) -> str:
    """The mail's text of that kind, or nothing; undecodable bytes are shown as replacement characters."""
    part = mail.get_body((kind,))
    if part is None:
        return ""
    content = part.get_payload(decode=True)
    charset = part.get_content_charset("utf-8")
    try:
        return content.decode(charset, "replace") if isinstance(content, bytes) else ""
    except LookupError:  # a charset that Python does not know
        return content.decode("utf-8", "replace") if isinstance(content, bytes) else ""


def _page(template: str, *, status: int = 200, **values: object) -> Answer:
    return Answer(status, HTML, _pages.get_template(template).render(**values).encode(), SAFE)
