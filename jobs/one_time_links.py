"""Sends one-time links by mail: invitations, and links to a new password or to the end of a second factor."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from db.pools import Database
from domain.access.one_time_links import LINK_LIFETIMES, LinkKind, one_time_url
from domain.clock import Clock
from exports.messages import Letterhead, compose, letterhead_of, with_signature
from exports.templates import Words
from storage.letters import DeliveryResult, EmailMessage, MailServer

# Each attempt is a lease: another worker tries the same link again after this time, until it was sent or is no longer valid.
_LEASE = timedelta(minutes=2)
_AT_ONCE = 20
# What the letterhead of a clinic is made of.
_LETTERHEAD = "c.name, c.address, c.phone, c.sender_name, c.sender_address, c.reply_to"
_CLAIM_INVITATIONS = f"""update invitations i set next_attempt_at = $1::timestamptz + $2::interval
    from clinics c, (select clinic_id, id from invitations where is_mailed and sent_at is null and accepted_at is null
        and revoked_at is null and expires_at > $1 and next_attempt_at <= $1 order by next_attempt_at limit $3
        for update skip locked) due
    where i.clinic_id = due.clinic_id and i.id = due.id and c.clinic_id = i.clinic_id
    returning i.clinic_id, i.id, i.email, {_LETTERHEAD}"""
# A request for an e-mail without a login sends nothing, and counts as sent.
_CLAIM_RESETS = f"""update reset_links r set next_attempt_at = $1::timestamptz + $2::interval
    from (select id, asked_in_clinic_id from reset_links where sent_at is null and used_at is null and expires_at > $1
        and next_attempt_at <= $1 order by next_attempt_at limit $3 for update skip locked) due
        left join clinics c on c.clinic_id = due.asked_in_clinic_id
    where r.id = due.id returning r.id, r.email, r.kind, {_LETTERHEAD}, exists (select from logins l where l.email = r.email
        and (l.password_hash is not null or l.oidc_subject is null)) as has_login"""
_INVITATION_SENT = "update invitations set sent_at = $3 where clinic_id = $1 and id = $2"
_RESET_SENT = "update reset_links set sent_at = $2 where id = $1"
_FORGET = "delete from reset_links where expires_at < $1"
_SUBJECTS = {
    LinkKind.INVITATION: "Invitation to {clinic}",
    LinkKind.PASSWORD_RESET: "Your new password",
    LinkKind.SECOND_FACTOR_RESET: "Your second factor",
}
_TEXTS = {
    LinkKind.INVITATION: "{clinic} invites you to its billing system. With this link you choose your password, or use the one that you "
    "have here already:",
    LinkKind.PASSWORD_RESET: "Someone asked for a new password for this e-mail. With this link you choose it:",
    LinkKind.SECOND_FACTOR_RESET: "An administrator asked for the end of the second factor with which you sign in. With this link and "
    "your password you remove it:",
}
_ENDING = "It is valid for {hours} {unit} and works once. If you did not expect this message, you need not do anything."


@dataclass(frozen=True, slots=True)
class LinkMailer:
    """How links are made and sent: the key of their tokens, the server's public URL, and the mail server."""

    key: bytes
    public_url: str
    mail: MailServer


@dataclass(frozen=True, slots=True)
class _Claimed:
    kind: LinkKind
    ids: Sequence[UUID]
    email: str
    letterhead: Letterhead
    clinic: str = ""


async def send_links(database: Database, clock: Clock, mailer: LinkMailer) -> int:
    """Send all links that are due; returns how many were tried. Safe to run in several workers at once."""
    tried, moment = 0, clock()
    while True:
        async with database.signing_in() as connection:
            claimed, is_last = await _claim(connection, moment, mailer.mail.sender)
        for link in claimed:
            answer = await _send(mailer, link, moment)
            tried += 1
            # An address that is refused for good gets no second message; the administrator sees an invitation that is not accepted.
            if answer.accepted or answer.refused:
                await _record(database, link, clock())
            if answer.is_unreachable:
                return tried
        if is_last:
            return tried


async def forget_links(database: Database, clock: Clock) -> int:
    """Delete reset links that have expired; returns how many."""
    async with database.signing_in() as connection:
        return int((await connection.execute(_FORGET, clock())).split()[-1])


async def _claim(connection: asyncpg.Connection, moment: datetime, sender: str) -> tuple[list[_Claimed], bool]:
    """Some of the links that are due, and whether there are no more."""
    invitations = await connection.fetch(_CLAIM_INVITATIONS, moment, _LEASE, _AT_ONCE)
    found = [
        _Claimed(
            LinkKind.INVITATION,
            (row["clinic_id"], row["id"]),
            row["email"],
            letterhead_of(dict(row), sender),
            row["name"],
        )
        for row in invitations
    ]
    resets = await connection.fetch(_CLAIM_RESETS, moment, _LEASE, _AT_ONCE)
    for row in resets:
        if row["has_login"]:
            # A link that was asked for outside of any clinic is from the server.
            letterhead = letterhead_of(dict(row), sender) if row["name"] else Letterhead(sender, "", sender)
            found.append(_Claimed(LinkKind(row["kind"]), (row["id"],), row["email"], letterhead))
        else:
            await connection.execute(_RESET_SENT, row["id"], moment)
    return found, max(len(invitations), len(resets)) < _AT_ONCE


async def _send(mailer: LinkMailer, link: _Claimed, moment: datetime) -> DeliveryResult:
    try:
        letter = _letter(mailer, link, moment)
    except ValueError:
        # An address of older data that no header can carry.
        return DeliveryResult(refused={link.email: "This e-mail address is not valid"})
    return await mailer.mail.send(letter)


def _letter(mailer: LinkMailer, link: _Claimed, moment: datetime) -> EmailMessage:
    hours = LINK_LIFETIMES[link.kind] // timedelta(hours=1)
    url = one_time_url(mailer.public_url, link.kind, mailer.key, *link.ids)
    ending = _ENDING.format(hours=hours, unit="hour" if hours == 1 else "hours")
    body = f"{_TEXTS[link.kind].format(clinic=link.clinic)}\n\n{url}\n\n{ending}"
    words, identity = Words(_SUBJECTS[link.kind].format(clinic=link.clinic), body, url), link.ids[-1]
    head = link.letterhead
    content = compose(
        with_signature(words, head),
        identity,
        head.sender,
        head.sender_name,
        (link.email,),
        moment,
        reply_to=head.reply_to,
    )
    return EmailMessage(identity, (link.email,), content, head.sender)


async def _record(database: Database, link: _Claimed, moment: datetime) -> None:
    sent = _INVITATION_SENT if link.kind is LinkKind.INVITATION else _RESET_SENT
    async with database.signing_in() as connection:
        await connection.execute(sent, *link.ids, moment)
