"""A mail arrives once, whole and readable, or the next run sends it again; against a real SMTP server."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from stadtdaten.alerts import AlertNotSent, Situation, compose, send
from stadtdaten.contracts import City, Contract
from stadtdaten.frames import Endpoint, Incident
from stadtdaten.ledger import Ledger

SENDER = "opendata-pipeline@stadt.example"


class Mailbox:
    """Keeps what the server takes; refuses the addresses in ``refused``."""

    def __init__(self, refused: tuple[str, ...] = ()) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.refused = refused
        self.encrypted: list[bool] = []

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if address in self.refused:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        self.recipients += envelope.rcpt_tos
        self.encrypted.append(session.ssl is not None)
        return "250 OK"


class AnyPort(Controller):
    """A mail server on a free port: Controller itself asks port 0 whether it is up."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def mail_server(mailbox: Mailbox, **options: Any) -> Iterator[int]:
    """The port of a mail server that runs meanwhile."""
    controller = AnyPort(mailbox, hostname="127.0.0.1", port=0, **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


@pytest.fixture
def message(incident: Incident, city: City, contract: Contract, situation: Situation, now: datetime) -> EmailMessage:
    return compose(incident, city, contract, situation, SENDER, now)


def at(port: int, scheme: str = "smtp", **login: str) -> Endpoint:
    return Endpoint(url=f"{scheme}://127.0.0.1:{port}", **login)


def closed_port() -> int:
    """A port on which nothing listens any more."""
    with mail_server(Mailbox()) as port:
        return port


def test_umlauts_and_links_arrive_unharmed(message: EmailMessage) -> None:
    mailbox = Mailbox()
    with mail_server(mailbox) as port:
        send(message, at(port))
    [mail] = mailbox.mails
    assert mailbox.recipients == ["opendata-bereitschaft@stadt.hamm.de", "gruenflaechen@stadt.hamm.de"]
    assert mail["Subject"] == message["Subject"]
    assert "Städtische Bäume" in mail["Subject"]
    for subtype in ("plain", "html"):
        sent, arrived = message.get_body((subtype,)), mail.get_body((subtype,))
        assert sent is not None
        assert arrived is not None
        assert arrived.get_content().splitlines() == sent.get_content().splitlines()
        assert "Was Bürgerinnen und Bürger jetzt sehen" in arrived.get_content()


def test_a_server_that_is_down_is_said_in_one_sentence(message: EmailMessage) -> None:
    port = closed_port()
    with pytest.raises(AlertNotSent, match=f"127.0.0.1:{port} ist nicht zu gebrauchen: ConnectionRefusedError"):
        send(message, at(port))


@pytest.mark.parametrize("url", ["127.0.0.1:25", "http://127.0.0.1", "smtp://", "smtp://server:viele"])
def test_an_address_that_is_none_is_not_a_crash(message: EmailMessage, url: str) -> None:
    with pytest.raises(AlertNotSent, match="smtp://server:port"):
        send(message, Endpoint(url=url))


def test_a_server_that_refuses_everybody_has_not_taken_the_mail(message: EmailMessage) -> None:
    mailbox = Mailbox(refused=("opendata-bereitschaft@stadt.hamm.de", "gruenflaechen@stadt.hamm.de"))
    with mail_server(mailbox) as port, pytest.raises(AlertNotSent, match="lehnt alle Empfänger ab"):
        send(message, at(port))
    assert mailbox.mails == []


def test_one_refused_mailbox_is_logged_and_the_other_gets_the_mail_once(
    message: EmailMessage, caplog: pytest.LogCaptureFixture
) -> None:
    mailbox = Mailbox(refused=("gruenflaechen@stadt.hamm.de",))
    with mail_server(mailbox) as port:
        send(message, at(port))
    assert mailbox.recipients == ["opendata-bereitschaft@stadt.hamm.de"]
    assert "lehnt 1 Empfänger ab: gruenflaechen@stadt.hamm.de" in caplog.text


def test_a_password_is_not_sent_unencrypted(message: EmailMessage) -> None:
    mailbox = Mailbox()
    with mail_server(mailbox) as port, pytest.raises(AlertNotSent, match="keine Verschlüsselung"):
        send(message, at(port, login="pipeline", password="geheim"))
    assert mailbox.mails == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key in ``key.pem`` beside it."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    return folder / "cert.pem"


def tls_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    return context


def accept(server: Any, session: Any, envelope: Any, mechanism: str, auth: Any) -> AuthResult:
    return AuthResult(success=auth.login == b"pipeline" and auth.password == b"geheim", handled=False)


def test_an_offered_encryption_is_used_before_the_login(
    message: EmailMessage, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    mailbox = Mailbox()
    with mail_server(mailbox, tls_context=tls_context(certificate), authenticator=accept, auth_required=True) as port:
        send(message, at(port, login="pipeline", password="geheim"))
        with pytest.raises(AlertNotSent, match="antwortet mit Fehler 535"):
            send(message, at(port, login="pipeline", password="falsch"))
    assert mailbox.encrypted == [True]


def test_a_certificate_that_nobody_vouches_for_is_refused(message: EmailMessage, certificate: Path) -> None:
    mailbox = Mailbox()
    with (
        mail_server(mailbox, tls_context=tls_context(certificate)) as port,
        pytest.raises(AlertNotSent, match="SSLCertVerificationError"),
    ):
        send(message, at(port))
    assert mailbox.mails == []


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    ledger.upgrade()
    return ledger


def test_a_mail_that_found_no_server_goes_out_once_with_the_next_run(
    ledger: Ledger, city: City, contract: Contract, situation: Situation, now: datetime
) -> None:
    def run(moment: datetime, port: int) -> None:
        """What a run does with the alerts that are due."""
        for alert in ledger.claim_alerts(moment):
            message = compose(alert.incident, city, contract, situation, SENDER, moment)
            try:
                send(message, at(port))
            except AlertNotSent as error:
                ledger.alert_failed(alert.id, str(error))
            else:
                ledger.alert_sent(alert.id, moment)

    def fail(moment: datetime) -> Incident:
        return ledger.open_incident(
            "baumkataster", "baumkataster", "gate_failed", "quality_raw", "Nicht bestanden.", (), "", moment
        )[0]

    incident = fail(now)
    run(now, closed_port())
    mailbox = Mailbox()
    with mail_server(mailbox) as port:
        for night in range(1, 4):
            fail(now + timedelta(days=night))
            run(now + timedelta(days=night), port)
        assert [mail["Message-ID"] for mail in mailbox.mails] == [f"<{incident.message_key('opened')}@stadt.example>"]
        ledger.recover("baumkataster", now + timedelta(days=4))
        run(now + timedelta(days=4), port)
        run(now + timedelta(days=5), port)
    assert [mail["Subject"].split()[2] for mail in mailbox.mails] == ["Zurückgehalten:", "Behoben:"]
    assert mailbox.mails[1]["In-Reply-To"] == mailbox.mails[0]["Message-ID"]
