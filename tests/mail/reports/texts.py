"""Delivery reports as mail servers write them, in words of our own: the standard library's, and the shapes of common servers."""

from collections.abc import Callable
from email.message import EmailMessage, Message
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from uuid import UUID, uuid4

DOMAIN = "clinic.example"


def plain_report(
    message_id: UUID,
    recipient: str,
    action: str = "failed",
    status: str = "5.1.1",
    *,
    own_id: str | None = None,
    original: str = "",
) -> bytes:
    """A report as the standard library writes it, with the headers of the original; `original` is the recipient as it was given."""
    report = MIMEMultipart("report", report_type="delivery-status")
    report["From"], report["Subject"] = "MAILER-DAEMON@relay.example", "About your message"
    report["Message-ID"] = own_id or f"<{uuid4()}@relay.example>"
    report.attach(MIMEText("Your message is described below.\n"))
    told = MIMEBase("message", "delivery-status")
    server, about = Message(), Message()
    server["Reporting-MTA"] = "dns; relay.example"
    if original:
        about["Original-Recipient"] = f"rfc822;{original}"
    about["Final-Recipient"], about["Action"] = f"rfc822; {recipient}", action
    if status:
        about["Status"] = status
    told.set_payload([server, about])
    report.attach(told)
    headers = EmailMessage()
    headers["Message-ID"] = f"<{message_id}@{DOMAIN}>"
    headers["Subject"] = "Open invoices"
    returned = MIMEText(headers.as_string(), "rfc822-headers")
    report.attach(returned)
    return report.as_bytes()


def _lines(*lines: str) -> bytes:
    return "\r\n".join(lines).encode()


def _postfix(message_id: UUID, recipient: str) -> bytes:
    return _lines(
        "From: MAILER-DAEMON@mx.relay.example (Mail delivery)",
        "Subject: Not delivered",
        "Message-Id: <4YyX@mx.relay.example>",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="77AA.1/mx.relay.example"',
        "",
        "A message in parts.",
        "",
        "--77AA.1/mx.relay.example",
        "Content-Description: Words",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        "It did not arrive.",
        "",
        "--77AA.1/mx.relay.example",
        "Content-Description: Report",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns; mx.relay.example",
        "X-Postfix-Queue-ID: 77AA",
        "",
        f"Final-Recipient: rfc822; {recipient}",
        f"Original-Recipient: rfc822;{recipient}",
        "Action: failed",
        "Status: 5.1.1",
        "Remote-MTA: dns; mail.firm.example",
        "Diagnostic-Code: smtp; 550 5.1.1 <somebody> nobody of",
        "    that name",
        "",
        "--77AA.1/mx.relay.example",
        "Content-Description: Message",
        "Content-Type: message/rfc822",
        "",
        "Received: from app (app [192.0.2.1])",
        f"Message-ID: <{message_id}@{DOMAIN}>",
        "Content-Type: multipart/alternative; boundary=inner",
        "",
        "--inner",
        "",
        "text",
        "--inner--",
        "",
        "--77AA.1/mx.relay.example--",
        "",
    )


def _exim(message_id: UUID, recipient: str) -> bytes:
    return _lines(
        "Auto-Submitted: auto-replied",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=1700-eximdsn-9",
        "Message-Id: <E1x@mail.host.example>",
        "",
        "--1700-eximdsn-9",
        "Content-type: text/plain; charset=us-ascii",
        "",
        "One address has failed.",
        "",
        "--1700-eximdsn-9",
        "Content-type: message/delivery-status",
        "",
        "Reporting-MTA: dns; mail.host.example",
        "",
        "Action: failed",
        f"Final-Recipient: rfc822;{recipient.upper()}",
        "Status: 5.0.0",
        "Diagnostic-Code: smtp; 550 closed",
        "",
        "--1700-eximdsn-9",
        "Content-type: text/rfc822-headers",
        "",
        "Return-path: <reports@clinic.example>",
        f"Message-Id: <{message_id}@{DOMAIN}>",
        "",
        "--1700-eximdsn-9--",
        "",
    )


def _exchange(message_id: UUID, recipient: str) -> bytes:
    return _lines(
        "Content-Type: multipart/report; report-type=delivery-status;",
        '\tboundary="_000_ab-cd_"',
        "Message-ID: <77@outlook.firm.example>",
        f"In-Reply-To: <{message_id}@{DOMAIN}>",
        "",
        "--_000_ab-cd_",
        'Content-Type: multipart/alternative; differences=Content-Type; boundary="_001_ab-cd_"',
        "",
        "--_001_ab-cd_",
        'Content-Type: text/html; charset="us-ascii"',
        "Content-Transfer-Encoding: quoted-printable",
        "",
        "<p>Not delivered =E2=80=93 sorry</p>",
        "--_001_ab-cd_--",
        "",
        "--_000_ab-cd_",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns;SRV01.firm.example",
        "Received-From-MTA: dns;app.clinic.example",
        "Arrival-Date: Tue, 30 Jun 2026 10:00:00 +0000",
        "",
        f"Final-Recipient: rfc822;{recipient}",
        "Action: failed",
        "Status: 5.2.2",
        "Diagnostic-Code: smtp;554 5.2.2 mailbox full",
        "X-Display-Name: Somebody",
        "",
        "",
        "--_000_ab-cd_--",
        "",
    )


def _gmail(message_id: UUID, recipient: str) -> bytes:
    return _lines(
        'Content-Type: multipart/report; boundary="0000000000005c"; report-type=delivery-status',
        "To: reports@clinic.example",
        "Message-ID: <6a@mail.gmail.example>",
        "",
        "--0000000000005c",
        'Content-Type: multipart/related; boundary="0000000000005d"',
        "",
        "--0000000000005d",
        'Content-Type: text/plain; charset="UTF-8"',
        "Content-Transfer-Encoding: base64",
        "",
        "Tm90IGRlbGl2ZXJlZA==",
        "--0000000000005d--",
        "--0000000000005c",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns; googlemail.example",
        "Arrival-Date: Tue, 30 Jun 2026 03:00:00 -0700 (PDT)",
        "X-Original-Message-ID: <elsewhere@mail.gmail.example>",
        "",
        f"Final-Recipient: rfc822; {recipient}",
        "Action: failed",
        "Status: 5.4.1 (no route)",
        "Last-Attempt-Date: Tue, 30 Jun 2026 03:00:01 -0700 (PDT)",
        "",
        "--0000000000005c",
        "Content-Type: message/rfc822",
        "",
        f"MESSAGE-ID: <{message_id}@{DOMAIN}>",
        "Subject: Open invoices",
        "",
        "text",
        "--0000000000005c--",
    )


# Server → its report about a message, with the status code that it names.
SHAPES: dict[str, tuple[Callable[[UUID, str], bytes], str]] = {
    "Postfix": (_postfix, "5.1.1"),
    "Exim": (_exim, "5.0.0"),
    "Exchange": (_exchange, "5.2.2"),
    "Gmail": (_gmail, "5.4.1"),
}
