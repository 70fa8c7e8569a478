"""Messages are delivered to a real SMTP server, encrypted where configured, and the answers of the server decide the result."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

import storage.mail
from exports.messages import compose
from exports.templates import Words
from server.settings import SettingError, read_settings
from server.stores import open_mail
from storage.letters import DeliveryResult, EmailMessage, MailServer
from storage.mail import DemoMail, Outbox, SmtpServer
from tests.mail.smtp_server import (
    HOST,
    PASSWORD,
    SENDER,
    USER,
    Certificate,
    RecordingSmtpServer,
    certificate,
    plain,
    recording_smtp_server,
)

ANN, BOB = "ann@firm.example", "bob@clinic.example"
MOMENT = datetime(2026, 6, 30, 12, tzinfo=UTC)
WORDS = Words("Open invoices", "Good day,\n\nCase <1>, invoice INV-2026-000001\nCase 2 — naïve\n.\nend")


def mail_message(*recipients: str, identity: UUID | None = None) -> EmailMessage:
    identity, recipients = identity or uuid4(), recipients or (ANN,)
    return EmailMessage(identity, recipients, compose(WORDS, identity, SENDER, "Demo, Clinic", recipients, MOMENT))


def sent(mail: MailServer, message: EmailMessage) -> DeliveryResult:
    return asyncio.run(mail.send(message))


@pytest.fixture
def mail_server() -> Iterator[RecordingSmtpServer]:
    with recording_smtp_server() as server:
        yield server


@pytest.fixture(scope="module")
def certificate_file(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("certificate"))


def test_no_character_of_a_message_controls_the_screen_or_turns_the_direction_of_others() -> None:
    words = Words("Open \u202einvoices\x07", "A\x1b[31m\u202eB\u202c\r\nC\tD\x07 \u2067E\u2069 محمد")
    message = message_from_bytes(compose(words, uuid4(), SENDER, "Clinic", (ANN,), MOMENT), policy=default)
    assert message["Subject"] == "Open invoices"
    text, page = (part.get_content().replace("\r\n", "\n") for part in message.iter_parts())
    assert text == "A[31mB\nC\tD E محمد\n"
    assert "<p>A[31mB<br>\nC\tD E محمد</p>" in page


def test_a_message_arrives_as_text_and_as_html_with_standard_headers(mail_server: RecordingSmtpServer) -> None:
    message = mail_message(ANN, BOB)
    assert sent(mail_server.server, message) == DeliveryResult(frozenset({ANN, BOB}))
    ((recipients, taken),) = mail_server.taken
    assert recipients == (ANN, BOB)
    headers = {name: str(taken[name]) for name in ("From", "To", "Cc", "Subject", "Message-ID", "Auto-Submitted")}
    assert headers == {
        "From": '"Demo, Clinic" <billing@clinic.example>',
        "To": ANN,
        "Cc": BOB,
        "Subject": "Open invoices",
        "Message-ID": f"<{message.id}@clinic.example>",
        "Auto-Submitted": "auto-generated",
    }
    assert str(taken["Reply-To"]) == SENDER
    assert taken["Date"].datetime == MOMENT
    assert plain(taken) == WORDS.body
    page = taken.get_body(("html",))
    assert page is not None
    assert "Case &lt;1&gt;, invoice INV-2026-000001<br>" in page.get_content()


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_message_is_sent_encrypted_and_authenticated_as_the_clinic(
    certificate_file: Certificate, security: str
) -> None:
    options: dict[str, Any] = (
        {"ssl_context": certificate_file.of_server(), "auth_require_tls": False} if security == "tls" else {}
    )
    if security == "starttls":
        options = {"tls_context": certificate_file.of_server(), "require_starttls": True}
    mail_server = RecordingSmtpServer()
    with recording_smtp_server(auth_required=True, authenticator=mail_server.authenticate, **options) as server:
        connection = {"hostname": HOST, "port": server.port, "username": USER, "password": PASSWORD}
        assert sent(
            SmtpServer(SENDER, security, tls_context=certificate_file.trusted(), **connection), mail_message()
        ).accepted == {ANN}
        assert (mail_server.signed_in, len(server.taken)) == ([USER], 1)
        # A server with an untrusted certificate gets no message.
        untrusted = sent(SmtpServer(SENDER, security, **connection), mail_message())
        assert (untrusted.is_unreachable, set(untrusted.delayed), len(server.taken)) == (True, {ANN}, 1)
        unauthenticated = sent(
            SmtpServer(SENDER, security, tls_context=certificate_file.trusted(), **{**connection, "password": "no"}),
            mail_message(),
        )
        assert (unauthenticated.is_unreachable, set(unauthenticated.delayed), len(server.taken)) == (True, {ANN}, 1)


def test_a_server_without_encryption_gets_no_message_where_encryption_is_required(
    mail_server: RecordingSmtpServer,
) -> None:
    answer = sent(SmtpServer(SENDER, "starttls", hostname=HOST, port=mail_server.port), mail_message())
    assert (answer.is_unreachable, set(answer.delayed), mail_server.taken) == (True, {ANN}, [])


@pytest.mark.parametrize("code", [450, 451, 550, 554])
def test_each_recipient_has_its_own_result(mail_server: RecordingSmtpServer, code: int) -> None:
    mail_server.at_rcpt[BOB] = f"{code} No\tsuch luck"
    answer = sent(mail_server.server, mail_message(ANN, BOB))
    failures = {BOB: f"{code} No such luck"}
    assert answer == DeliveryResult(frozenset({ANN}), failures if code > 500 else {}, failures if code < 500 else {})
    assert [recipients for recipients, _ in mail_server.taken] == [(ANN,)]
    alone = sent(mail_server.server, mail_message(BOB))
    assert (alone.accepted, {**alone.refused, **alone.delayed}) == (frozenset(), failures)


@pytest.mark.parametrize("code", [451, 452, 552, 554])
def test_an_answer_to_the_content_is_the_result_of_every_recipient(mail_server: RecordingSmtpServer, code: int) -> None:
    mail_server.at_data = [f"{code} Not like this"]
    failures = dict.fromkeys((ANN, BOB), f"{code} Not like this")
    answer = sent(mail_server.server, mail_message(ANN, BOB))
    assert answer == DeliveryResult(refused=failures if code > 500 else {}, delayed=failures if code < 500 else {})


def test_after_a_connection_cut_the_next_attempt_has_the_same_message_id(
    mail_server: RecordingSmtpServer,
) -> None:
    mail_server.at_data, message = ["cut"], mail_message()
    cut = sent(mail_server.server, message)
    assert (cut.accepted, set(cut.delayed), cut.is_unreachable) == (frozenset(), {ANN}, False)
    assert sent(mail_server.server, message).accepted == {ANN}
    assert {str(taken["Message-ID"]) for _, taken in mail_server.taken} == {f"<{message.id}@clinic.example>"}


def test_a_timeout_of_the_server_delays_the_message(
    mail_server: RecordingSmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage.mail, "_PATIENCE_SECONDS", 0.3)
    mail_server.at_data = ["slow"]
    answer = sent(mail_server.server, mail_message())
    assert answer == DeliveryResult(delayed={ANN: "The mail server did not answer in time"})


def test_a_server_that_does_not_listen_is_unreachable() -> None:
    with recording_smtp_server() as mail_server:
        closed = mail_server.server
    assert sent(closed, mail_message()) == DeliveryResult(
        delayed={ANN: "The mail server cannot be reached"}, is_unreachable=True
    )


@pytest.mark.parametrize(
    "address", ["jürgen@firm.example", "two words@firm.example", "a@b\r\nBcc: c@d.example", "", "@"]
)
def test_an_address_that_cannot_stand_in_a_header_is_refused_before_sending(
    mail_server: RecordingSmtpServer, address: str
) -> None:
    try:
        message = mail_message(address)
    except ValueError:
        return
    assert set(sent(mail_server.server, message).refused) == {address}
    assert mail_server.taken == []


def test_without_a_mail_server_each_message_is_written_to_a_folder_once(tmp_path: Path) -> None:
    outbox, message = Outbox(tmp_path / "outbox", SENDER), mail_message(ANN, BOB)
    for _ in range(2):
        assert sent(outbox, message) == DeliveryResult(frozenset({ANN, BOB}))
    (file,) = (tmp_path / "outbox").iterdir()
    assert (file.name, file.stat().st_mode & 0o777) == (f"{message.id}.eml", 0o600)
    kept = message_from_bytes(file.read_bytes(), policy=default)
    assert (str(kept["To"]), plain(kept)) == (ANN, WORDS.body)


def test_the_settings_decide_between_mail_server_and_folder(tmp_path: Path) -> None:
    assert isinstance(open_mail(read_settings({"BILLING_HOME": str(tmp_path)})), Outbox)
    settings = {"BILLING_SMTP_HOST": "mail.example", "BILLING_MAIL_FROM": SENDER}
    assert isinstance(open_mail(read_settings(settings)), SmtpServer)
    for wrong in (
        {"BILLING_SMTP_HOST": "mail.example"},
        {"BILLING_SMTP_SECURITY": "ssl"},
        {"BILLING_MAIL_FROM": "x"},
        {"BILLING_MAIL_FROM": "a@b\r\nBcc: c@d"},
    ):
        with pytest.raises(SettingError):
            read_settings(wrong)


def test_a_demo_sends_nothing_to_real_addresses(mail_server: RecordingSmtpServer) -> None:
    real = ("ann@firm.com", "bob@example.com.evil.net", "eve@notexample")
    invented = ("ann@demo.example", "bob@a.test", "eve@example.com", "x@EXAMPLE")
    answer = sent(DemoMail(mail_server.server), mail_message(*real, *invented))
    assert (answer.accepted, set(answer.delayed), answer.refused) == (frozenset(invented), set(real), {})
    assert [recipients for recipients, _ in mail_server.taken] == [invented]
    assert set(sent(DemoMail(mail_server.server), mail_message(*real)).delayed) == set(real)
    assert len(mail_server.taken) == 1


def test_a_link_of_our_own_can_be_followed_and_no_other_text_is_markup() -> None:
    url = "https://billing.example/accept-invitation#a&b"
    words = Words("Welcome", f"<a href='https://evil.example'>\n\n{url}\n\nuntil tomorrow", url)
    message = message_from_bytes(compose(words, uuid4(), SENDER, "Clinic", (ANN,), MOMENT), policy=default)
    text, page = (part.get_content() for part in message.iter_parts())
    assert '<a href="https://billing.example/accept-invitation#a&amp;b">' in page
    assert "&lt;a href=" in page
    assert url in text
