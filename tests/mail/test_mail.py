"""A letter is handed to a real SMTP server, encrypted where it is to be; what the server says of it decides what happens next."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

import server.mail
from exports.messages import Answer, Letter, compose
from exports.templates import Words
from server.mail import Outbox, SmtpServer
from server.settings import SettingError, read_settings
from tests.mail.post_office import (
    HOST,
    PASSWORD,
    SENDER,
    USER,
    Certificate,
    PostOffice,
    certificate,
    plain,
    post_office,
)

ANN, BOB = "ann@firm.example", "bob@clinic.example"
MOMENT = datetime(2026, 6, 30, 12, tzinfo=UTC)
WORDS = Words("Open invoices", "Good day,\n\nCase <1>, invoice INV-2026-000001\nCase 2 — naïve\n.\nend")


def letter(*recipients: str, identity: UUID | None = None) -> Letter:
    identity, recipients = identity or uuid4(), recipients or (ANN,)
    return Letter(identity, recipients, compose(WORDS, identity, SENDER, "Demo, Clinic", recipients, MOMENT))


def sent(mail: SmtpServer | Outbox, one: Letter) -> Answer:
    return asyncio.run(mail.send(one))


@pytest.fixture
def office() -> Iterator[PostOffice]:
    with post_office() as opened:
        yield opened


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("certificate"))


def test_a_letter_arrives_as_text_and_as_html_with_headers_that_programs_understand(office: PostOffice) -> None:
    one = letter(ANN, BOB)
    assert sent(office.server, one) == Answer(frozenset({ANN, BOB}))
    ((recipients, taken),) = office.taken
    assert recipients == (ANN, BOB)
    headers = {name: str(taken[name]) for name in ("From", "To", "Cc", "Subject", "Message-ID", "Auto-Submitted")}
    assert headers == {
        "From": '"Demo, Clinic" <billing@clinic.example>',
        "To": ANN,
        "Cc": BOB,
        "Subject": "Open invoices",
        "Message-ID": f"<{one.id}@clinic.example>",
        "Auto-Submitted": "auto-generated",
    }
    assert taken["Date"].datetime == MOMENT
    assert plain(taken) == WORDS.body
    page = taken.get_body(("html",))
    assert page is not None
    assert "Case &lt;1&gt;, invoice INV-2026-000001<br>" in page.get_content()


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_letter_goes_encrypted_and_in_the_clinics_name(shown: Certificate, security: str) -> None:
    how: dict[str, Any] = {"ssl_context": shown.of_server(), "auth_require_tls": False} if security == "tls" else {}
    if security == "starttls":
        how = {"tls_context": shown.of_server(), "require_starttls": True}
    office = PostOffice()
    with post_office(auth_required=True, authenticator=office.authenticate, **how) as opened:
        known = {"hostname": HOST, "port": opened.port, "username": USER, "password": PASSWORD}
        assert sent(SmtpServer(SENDER, security, tls_context=shown.trusted(), **known), letter()).accepted == {ANN}
        assert (office.signed_in, len(opened.taken)) == ([USER], 1)
        # Whoever shows a certificate that nobody vouches for gets nothing.
        strange = sent(SmtpServer(SENDER, security, **known), letter())
        assert (strange.is_unreachable, set(strange.delayed), len(opened.taken)) == (True, {ANN}, 1)
        wrong = sent(SmtpServer(SENDER, security, tls_context=shown.trusted(), **{**known, "password": "no"}), letter())
        assert (wrong.is_unreachable, set(wrong.delayed), len(opened.taken)) == (True, {ANN}, 1)


def test_a_server_that_does_not_encrypt_gets_nothing_where_it_has_to(office: PostOffice) -> None:
    answer = sent(SmtpServer(SENDER, "starttls", hostname=HOST, port=office.port), letter())
    assert (answer.is_unreachable, set(answer.delayed), office.taken) == (True, {ANN}, [])


@pytest.mark.parametrize("code", [450, 451, 550, 554])
def test_each_recipient_gets_an_answer_of_its_own(office: PostOffice, code: int) -> None:
    office.at_rcpt[BOB] = f"{code} No\tsuch luck"
    answer = sent(office.server, letter(ANN, BOB))
    told = {BOB: f"{code} No such luck"}
    assert answer == Answer(frozenset({ANN}), told if code > 500 else {}, told if code < 500 else {})
    assert [recipients for recipients, _ in office.taken] == [(ANN,)]
    alone = sent(office.server, letter(BOB))
    assert (alone.accepted, {**alone.refused, **alone.delayed}) == (frozenset(), told)


@pytest.mark.parametrize("code", [451, 452, 552, 554])
def test_what_the_server_says_of_the_content_is_said_of_every_recipient(office: PostOffice, code: int) -> None:
    office.at_data = [f"{code} Not like this"]
    told = dict.fromkeys((ANN, BOB), f"{code} Not like this")
    answer = sent(office.server, letter(ANN, BOB))
    assert answer == Answer(refused=told if code > 500 else {}, delayed=told if code < 500 else {})


def test_a_connection_that_is_cut_after_the_content_leaves_it_to_another_attempt_under_the_same_name(
    office: PostOffice,
) -> None:
    office.at_data, one = ["cut"], letter()
    cut = sent(office.server, one)
    assert (cut.accepted, set(cut.delayed), cut.is_unreachable) == (frozenset(), {ANN}, False)
    assert sent(office.server, one).accepted == {ANN}
    assert {str(taken["Message-ID"]) for _, taken in office.taken} == {f"<{one.id}@clinic.example>"}


def test_a_server_that_says_nothing_in_time_is_asked_again_later(
    office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server.mail, "_PATIENCE_SECONDS", 0.3)
    office.at_data = ["slow"]
    answer = sent(office.server, letter())
    assert answer == Answer(delayed={ANN: "The mail server did not answer in time"})


def test_a_server_that_is_not_there_is_unreachable() -> None:
    with post_office() as office:
        closed = office.server
    assert sent(closed, letter()) == Answer(delayed={ANN: "The mail server cannot be reached"}, is_unreachable=True)


@pytest.mark.parametrize(
    "address", ["jürgen@firm.example", "two words@firm.example", "a@b\r\nBcc: c@d.example", "", "@"]
)
def test_an_address_that_no_header_holds_is_refused_before_anything_is_sent(office: PostOffice, address: str) -> None:
    try:
        one = letter(address)
    except ValueError:
        return
    assert set(sent(office.server, one).refused) == {address}
    assert office.taken == []


def test_without_a_mail_server_letters_are_put_into_a_folder_once_each(tmp_path: Path) -> None:
    outbox, one = Outbox(tmp_path / "outbox", SENDER), letter(ANN, BOB)
    for _ in range(2):
        assert sent(outbox, one) == Answer(frozenset({ANN, BOB}))
    (file,) = (tmp_path / "outbox").iterdir()
    assert (file.name, file.stat().st_mode & 0o777) == (f"{one.id}.eml", 0o600)
    kept = message_from_bytes(file.read_bytes(), policy=default)
    assert (str(kept["To"]), plain(kept)) == (ANN, WORDS.body)


def test_what_an_operator_sets_decides_where_letters_go(tmp_path: Path) -> None:
    assert isinstance(server.mail.open_mail(read_settings({"BILLING_HOME": str(tmp_path)})), Outbox)
    said = {"BILLING_SMTP_HOST": "mail.example", "BILLING_MAIL_FROM": SENDER}
    assert isinstance(server.mail.open_mail(read_settings(said)), SmtpServer)
    for wrong in (
        {"BILLING_SMTP_HOST": "mail.example"},
        {"BILLING_SMTP_SECURITY": "ssl"},
        {"BILLING_MAIL_FROM": "x"},
        {"BILLING_MAIL_FROM": "a@b\r\nBcc: c@d"},
    ):
        with pytest.raises(SettingError):
            read_settings(wrong)
