"""Mail comes in over SMTP and is shown without doing anything it says."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage
from pathlib import Path

import pytest
import requests

from samplecity.city import SampleCity
from samplecity.mailbox import mailbox_folder


def send(city: SampleCity, subject: str, text: str, html: str = "") -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "pipeline@example.org", "bereitschaft@example.org", subject
    mail.set_content(text)
    if html:
        mail.add_alternative(html, subtype="html")
    with smtplib.SMTP("127.0.0.1", city.ports.smtp, timeout=60) as server:
        server.send_message(mail)


def mails(city: SampleCity) -> list[Path]:
    return sorted(mailbox_folder(city.var).glob("*.eml"))


def page(city: SampleCity, path: str = "/") -> requests.Response:
    return requests.get(f"http://127.0.0.1:{city.ports.mailbox}{path}", timeout=60)


def test_an_empty_mailbox_says_so(city: SampleCity) -> None:
    assert "Noch ist keine Nachricht eingegangen" in page(city).text


def test_a_mail_is_kept_and_listed_newest_first(city: SampleCity) -> None:
    send(city, "Baumkataster zurückgehalten", "Höhe unmöglich")
    send(city, "Zweite Nachricht", "Text")

    assert len(mails(city)) == 2
    listed = page(city).text
    assert 0 < listed.index("Zweite Nachricht") < listed.index("Baumkataster zurückgehalten")
    shown = page(city, f"/mail/{mails(city)[0].name}").text
    assert "Höhe unmöglich" in shown and "bereitschaft@example.org" in shown


def test_markup_in_a_mail_is_shown_and_never_run(city: SampleCity) -> None:
    send(city, "<script>alert(1)</script>", "<b>fett</b>", '<img src="https://example.org/x.png"><script>2</script>">')

    answer = page(city, f"/mail/{mails(city)[0].name}")
    assert "<script>" not in answer.text + page(city).text
    assert "&lt;b&gt;fett&lt;/b&gt;" in answer.text
    assert '<iframe sandbox title="' in answer.text and 'srcdoc="&lt;img src=&#34;https' in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_a_mail_in_an_unknown_charset_is_shown(city: SampleCity) -> None:
    with smtplib.SMTP("127.0.0.1", city.ports.smtp, timeout=60) as server:
        server.sendmail("a@example.org", ["b@example.org"], b"Content-Type: text/plain; charset=klingon\r\n\r\nHallo")
    assert "Hallo" in page(city, f"/mail/{mails(city)[0].name}").text


@pytest.mark.parametrize(
    "header",
    [
        b"To: a@",
        b"To: <a@b",
        b"To: =?klingon?q?a?= <a@b>",
        b"Subject: =?klingon?b?????=",
        b"Date: heute Nacht",
        b"Date: Mon, 99 Nov 2026 99:99:99 +9999",
        b"From: \xff\xfe",
        b"Message-ID: <",
        b"Cc: ,;:<>@",
        b"Content-Type: ;;; charset*=x",
    ],
)
def test_a_mail_with_a_header_that_is_none_hides_no_other(city: SampleCity, header: bytes) -> None:
    send(city, "Eine gute Nachricht", "Text")
    mail = header + b"\r\nX-Probe: 1\r\n\r\nHallo\r\n"
    with smtplib.SMTP("127.0.0.1", city.ports.smtp, timeout=60) as server:
        server.sendmail("a@example.org", ["b@example.org"], mail)
    assert "Eine gute Nachricht" in page(city).text
    assert "Hallo" in page(city, f"/mail/{mails(city)[1].name}").text


def test_only_mails_are_shown(city: SampleCity) -> None:
    for path in ("/mail/..%2F..%2Fsamplecity%2Fstate.json", "/mail/20260101.eml", "/mail/", "/x"):
        answer = page(city, path)
        assert answer.status_code == 404 and "first_day" not in answer.text
