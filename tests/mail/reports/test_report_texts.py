"""Delivery reports of common mail servers are understood, and what is no report of a failure is none."""

from uuid import UUID, uuid4

import pytest

from domain.reminders.delivery_reports import MOST_BYTES, MOST_RECIPIENTS, FailedRecipient, read_report
from tests.mail.reports.texts import SHAPES, plain_report

MESSAGE, ANN = UUID("0f8fad5b-d9cb-469f-a165-70867728950e"), "ann@firm.example"


@pytest.mark.parametrize("server", SHAPES)
def test_the_report_of_a_mail_server_names_message_recipient_and_status(server: str) -> None:
    write, status = SHAPES[server]
    report = read_report(write(MESSAGE, ANN))
    assert report is not None
    assert report.message_id == MESSAGE
    assert [(failure.addresses, failure.status) for failure in report.failures] == [(frozenset({ANN}), status)]


@pytest.mark.parametrize("action", ["delayed", "relayed", "delivered", "expanded", "unknown"])
def test_only_a_failure_is_one(action: str) -> None:
    report = read_report(plain_report(MESSAGE, ANN, action))
    assert report is not None
    assert (report.message_id, report.failures) == (MESSAGE, ())


def test_the_original_recipient_counts_too_also_where_its_encoding_was_left_in_place() -> None:
    report = read_report(plain_report(MESSAGE, "forwarded@else.example", original="ann+2Bbills@firm.example"))
    assert report is not None
    assert report.failures[0].addresses >= {"forwarded@else.example", "ann+bills@firm.example"}


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("5.1.1", "The address does not exist (5.1.1): correct the address, or put it on the suppression list"),
        (
            "5.1.2",
            "The domain of the address takes no mail (5.1.2): correct the address, or put it on the suppression list",
        ),
        (
            "5.1.10",
            "The domain of the address takes no mail (5.1.10): correct the address, or put it on the suppression list",
        ),
        ("5.1.8", "The recipient's mail server refuses the sender (5.1.8)"),
        ("5.2.1", "The mailbox is disabled (5.2.1)"),
        ("4.2.2", "The mailbox is full (4.2.2)"),
        ("5.3.4", "The message is too large (5.3.4)"),
        ("4.4.7", "The recipient's mail server could not take the message in time (4.4.7)"),
        ("5.7.1", "The recipient's mail server refuses the message (5.7.1)"),
        ("5.0.0", "The message could not be delivered (5.0.0)"),
        ("", "The message could not be delivered"),
    ],
)
def test_a_reason_is_in_our_own_words_with_the_code(status: str, reason: str) -> None:
    assert FailedRecipient(frozenset({ANN}), status).reason == reason


def test_without_a_status_the_code_of_the_servers_answer_counts() -> None:
    raw = plain_report(MESSAGE, ANN, status="").replace(
        b"Action: failed", b"Action: failed\nDiagnostic-Code: smtp; 550-5.7.26 no"
    )
    report = read_report(raw)
    assert report is not None
    assert report.failures[0].status == "5.7.26"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"From: ann@firm.example\n\nPlease call me.\n",
        plain_report(MESSAGE, ANN).replace(b"multipart/report", b"multipart/mixed"),
        plain_report(MESSAGE, ANN).replace(b"message/delivery-status", b"message/disposition-notification"),
        plain_report(MESSAGE, ANN).replace(str(MESSAGE).encode(), b"somebody-elses-id"),
        plain_report(MESSAGE, ANN).replace(b"boundary=", b"border="),
        plain_report(MESSAGE, ANN).replace(b"boundary=", b"x=" + b'";' * 900 + b"; boundary="),
        b"\n".join([b"Content-Type: multipart/report; boundary=a", *[b"--a\n\n"] * 100_000]),
    ],
)
def test_what_is_no_report_about_a_message_of_ours_is_none(content: bytes) -> None:
    assert read_report(content) is None


def test_a_report_is_read_up_to_its_limits() -> None:
    whole = plain_report(MESSAGE, ANN)
    again = read_report(whole + b"x" * (2 * MOST_BYTES))
    assert again is not None
    many = b"\n\nFinal-Recipient: rfc822; b@firm.example\nAction: failed\nStatus: 5.1.1"
    report = read_report(whole.replace(b"Status: 5.1.1", b"Status: 5.1.1" + many * 500, 1))
    assert report is not None
    assert 1 < len(report.failures) <= MOST_RECIPIENTS


def test_the_key_of_a_report_is_that_of_its_content() -> None:
    keys = [
        read_report(plain_report(message, who, status=status, own_id=own))
        for message, who, status, own in (
            (MESSAGE, ANN, "5.1.1", "<a@relay.example>"),
            (MESSAGE, ANN, "5.1.1", "<b@relay.example>"),
            (MESSAGE, "bob@firm.example", "5.1.1", "<a@relay.example>"),
            (uuid4(), ANN, "5.1.1", "<a@relay.example>"),
        )
    ]
    again = read_report(plain_report(MESSAGE, ANN, own_id="<a@relay.example>"))
    assert len({report.key for report in keys if report}) == len(keys)
    assert again is not None
    assert keys[0] is not None
    assert again.key == keys[0].key
