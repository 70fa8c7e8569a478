"""One-time links are sent by mail: invitations, new passwords and the end of a second factor; nothing shows who has a login."""

import asyncio
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pyotp
import pytest

from db.global_ids import make_id
from db.pools import Database
from domain.access.one_time_links import PURPOSE
from domain.access.secret_keys import SecretKeys
from domain.clock import Clock, now
from jobs.one_time_links import LinkMailer, forget_links, send_links
from server.app import ServerOptions
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from server.settings import read_settings
from server.stores import open_files, open_link_mailer
from storage.files import Files
from tests.mail.smtp_server import HOST, RecordingSmtpServer, recording_smtp_server
from tests.support.api.accounts import ACCEPT
from tests.support.api.mutations import answered
from tests.support.api.sign_in_attempts import WRONG, Account, add_account, token_of, try_to_sign_in
from tests.support.client import Client, serving
from tests.support.databases import PASSWORD, copied, rows

PUBLIC = "https://billing.example"
NEW = "a new password for it"
ASK = "mutation ($input: RequestPasswordResetInput!) { requestPasswordReset(input: $input) { isRequested } }"
RESET = "mutation ($input: ResetPasswordInput!) { resetPassword(input: $input) { isChanged errors { path message } } }"
REMOVE = """mutation ($input: RemoveLostSecondFactorInput!) {
    removeLostSecondFactor(input: $input) { isChanged errors { path message } } }"""
NOT_VALID = "This link is not valid any more: ask for a new one"
# The answers to a request and its limits do not depend on the clock of the worker.
LATER = timedelta(minutes=3)


@dataclass
class Mailing:
    """A server that sends links by mail, the worker's part of it, and the mail server that receives them."""

    address: DatabaseUrls
    client: Client
    files: Files
    mail_server: RecordingSmtpServer

    def send(self, clock: Clock = now) -> int:
        """Send what is due, as the worker does."""
        mailer = LinkMailer(self.files.keys.newest(PURPOSE), PUBLIC, self.mail_server.server)

        async def run() -> int:
            async with Database(self.address.login) as database:
                return await send_links(database, clock, mailer)

        return asyncio.run(run())

    def link_to(self, email: str) -> str:
        """The link in the last message to an e-mail."""
        texts = [text for to, text in self.mail_server.texts() if to == (email,)]
        (found,) = re.findall(r"https://\S+", texts[-1])
        return str(found)

    def ask(self, email: str, source: str | None = None) -> Any:
        headers = {"x-forwarded-for": source} if source else {}
        sent = {"query": ASK, "variables": {"input": {"email": email}}}
        headers["content-type"] = "application/json"
        return self.client.http.post(self.client.url, content=json.dumps(sent), headers=headers)

    def reset(self, token: str, password: str = NEW) -> Any:
        return self.client.read(RESET, input={"token": token, "password": password})["resetPassword"]

    def account(self, **values: Any) -> Account:
        return add_account(self.address, **values)

    def signs_in(self, email: str, password: str, code: str | None = None) -> str | None:
        return token_of(try_to_sign_in(self.client, email, password, code=code))


@pytest.fixture(scope="module")
def address(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[DatabaseUrls]:
    with copied(postgres_server, template_database) as copy:
        yield copy


@pytest.fixture(scope="module")
def mailing(address: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailing]:
    files = open_files(read_settings({"BILLING_HOME": str(tmp_path_factory.mktemp("home"))}))
    running = ServerOptions(sends_mail=True)
    with (
        recording_smtp_server() as mail_server,
        serving(address, files=files, running=running) as url,
        Client(url) as client,
    ):
        yield Mailing(address, client, files, mail_server)


def token(link: str) -> str:
    return link.partition("#")[2]


def test_an_invitation_is_mailed_and_not_shown(mailing: Mailing) -> None:
    email = f"{uuid4().hex}@person.example"
    admin = mailing.client.signed_in("admin@demo.example", PASSWORD)
    made = answered(admin, "createUser", "invitationUrl", email=email, name="Pat", role="BILLING")
    assert (made["errors"], made["invitationUrl"]) == ([], None)
    mailing.send()
    link = mailing.link_to(email)
    assert link.startswith(f"{PUBLIC}/invitation#")
    _, message = next(one for one in mailing.mail_server.taken if one[0] == (email,))
    assert (str(message["Subject"]), str(message["To"])) == ("Invitation to Demo Injury Clinic", email)
    accepted = mailing.client.read(ACCEPT, input={"token": token(link), "password": NEW})["acceptInvitation"]
    assert accepted == {"email": email, "clinicName": "Demo Injury Clinic", "errors": []}
    assert mailing.signs_in(email, NEW)
    (login,) = rows(mailing.address, "select email_verified_at from logins where email = $1", email)
    assert login["email_verified_at"]


def test_a_message_is_sent_once_and_again_after_a_failure(mailing: Mailing) -> None:
    known = mailing.account()
    mailing.send()
    mailing.ask(known.email)
    mailing.mail_server.at_data.append("451 Try again")
    before = len(mailing.mail_server.taken)
    assert mailing.send() == 1
    assert mailing.send() == 0
    assert mailing.send(lambda: datetime.now(UTC) + LATER) == 1
    assert mailing.send(lambda: datetime.now(UTC) + 2 * LATER) == 0
    assert len(mailing.mail_server.taken) == before + 1


def test_a_forgotten_password_is_replaced_by_a_link_that_works_once_and_ends_all_sessions(mailing: Mailing) -> None:
    known = mailing.account()
    session = mailing.signs_in(known.email, PASSWORD)
    mailing.ask(known.email.upper())
    mailing.send()
    link = mailing.link_to(known.email)
    assert link.startswith(f"{PUBLIC}/password-reset#")
    assert mailing.reset(token(link), "short")["errors"][0]["path"] == ["input", "password"]
    assert mailing.reset(token(link)) == {"isChanged": True, "errors": []}
    assert Client(mailing.client.url, session).post("{ viewer { email } }").status_code == 401
    assert mailing.signs_in(known.email, PASSWORD) is None
    assert mailing.signs_in(known.email, NEW)
    assert mailing.reset(token(link))["errors"][0]["message"] == NOT_VALID
    recorded = "select count(*) from audit_events where user_id = $1 and operation = 'resetPassword'"
    deadline = time.monotonic() + 20
    while rows(mailing.address, recorded, known.id)[0][0] != 1:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_link_of_another_kind_sets_no_password(mailing: Mailing) -> None:
    known = mailing.account()
    admin = mailing.client.signed_in("admin@demo.example", PASSWORD)
    answered(admin, "resetSecondFactor", "isRequested", userId=make_id("User", known.id))
    mailing.send()
    link = mailing.link_to(known.email)
    assert link.startswith(f"{PUBLIC}/second-factor-reset#")
    assert mailing.reset(token(link))["errors"][0]["message"] == NOT_VALID


def test_all_links_to_an_e_mail_end_with_the_first_that_is_used_and_with_the_hour(mailing: Mailing) -> None:
    known = mailing.account()
    links = []
    for _ in range(2):
        mailing.ask(known.email)
        mailing.send()
        links.append(token(mailing.link_to(known.email)))
    assert mailing.reset(links[0])["isChanged"]
    assert mailing.reset(links[1])["errors"][0]["message"] == NOT_VALID
    mailing.ask(known.email)
    mailing.send()
    rows(mailing.address, "update reset_links set expires_at = now() where email = $1", known.email)
    assert mailing.reset(token(mailing.link_to(known.email)))["errors"][0]["message"] == NOT_VALID


def test_asking_is_answered_and_recorded_the_same_for_every_e_mail(mailing: Mailing) -> None:
    known, unknown = mailing.account().email, f"{uuid4().hex}@demo.example"
    answers = [mailing.ask(email) for email in (known, unknown)]
    assert answers[0].content == answers[1].content
    assert answers[0].json()["data"]["requestPasswordReset"] == {"isRequested": True}
    kept = rows(mailing.address, "select email from reset_links where email = any($1)", [known, unknown])
    assert {row["email"] for row in kept} == {known, unknown}
    mailing.send()
    assert [to for to, _ in mailing.mail_server.texts() if to in ((known,), (unknown,))] == [(known,)]
    assert mailing.send(lambda: datetime.now(UTC) + LATER) == 0


@pytest.mark.parametrize("email", ["", "no address", "x" * 300, "a\x00b@c.example"])
def test_asking_for_what_is_no_e_mail_sends_nothing(mailing: Mailing, email: str) -> None:
    before = rows(mailing.address, "select count(*) from logins")[0][0]
    assert mailing.ask(email).json()["data"]["requestPasswordReset"] == {"isRequested": True}
    assert rows(mailing.address, "select count(*) from logins")[0][0] == before


def test_five_links_an_hour_are_sent_to_one_e_mail(mailing: Mailing) -> None:
    known = mailing.account()
    answers = {mailing.ask(known.email, f"192.0.2.{number}").content for number in range(7)}
    assert len(answers) == 1
    assert rows(mailing.address, "select count(*) from reset_links where email = $1", known.email)[0][0] == 5


def test_fifty_links_an_hour_are_asked_for_from_one_address_and_others_go_on(mailing: Mailing) -> None:
    emails = [f"{uuid4().hex}@demo.example" for _ in range(53)]
    for email in emails:
        mailing.ask(email, "198.51.100.7")
    count = "select count(*) from reset_links where email = any($1)"
    assert rows(mailing.address, count, emails)[0][0] == 50
    mailing.ask(emails[-1], "198.51.100.8")
    assert rows(mailing.address, count, emails)[0][0] == 51


def test_links_take_nothing_from_the_lockout_of_sign_in(mailing: Mailing) -> None:
    known = mailing.account()
    for _ in range(10):
        mailing.ask(known.email)
    assert mailing.signs_in(known.email, PASSWORD)


def test_a_new_password_keeps_the_second_factor(mailing: Mailing) -> None:
    known = mailing.account()
    secret = protect(mailing, known)
    mailing.ask(known.email)
    mailing.send()
    assert mailing.reset(token(mailing.link_to(known.email)))["isChanged"]
    assert mailing.signs_in(known.email, NEW) is None
    assert mailing.signs_in(known.email, NEW, pyotp.TOTP(secret).now())


def test_a_new_password_is_that_of_all_logins_of_the_e_mail(mailing: Mailing) -> None:
    """Whoever made another login of the e-mail keeps no password that its owner wants to end."""
    known = mailing.account(is_for_one_clinic=True)
    rows(
        mailing.address, "insert into logins (id, email, password_hash) select gen_random_uuid(), $1, 'x'", known.email
    )
    session = token_of(try_to_sign_in(mailing.client, known.email, clinic="demo"))
    assert session
    mailing.ask(known.email)
    mailing.send()
    assert mailing.reset(token(mailing.link_to(known.email)))["isChanged"]
    assert token_of(try_to_sign_in(mailing.client, known.email, clinic="demo")) is None
    assert token_of(try_to_sign_in(mailing.client, known.email, NEW, clinic="demo"))
    assert Client(mailing.client.url, session).post("{ viewer { email } }").status_code == 401


def test_a_login_of_the_identity_provider_alone_gets_no_password(mailing: Mailing) -> None:
    known = mailing.account()
    rows(mailing.address, "update logins set password_hash = null, oidc_subject = 'subject' where id = $1", known.id)
    mailing.ask(known.email)
    mailing.send()
    assert [to for to, _ in mailing.mail_server.texts() if to == (known.email,)] == []


def test_an_address_that_no_header_can_carry_does_not_stop_other_links(mailing: Mailing) -> None:
    poison, known = mailing.account(email=f"d\u00f6c{uuid4().hex}@demo.example"), mailing.account()
    mailing.ask(poison.email)
    mailing.ask(known.email)
    mailing.send()
    assert mailing.link_to(known.email)
    assert mailing.send(lambda: datetime.now(UTC) + LATER) == 0


def test_all_spellings_of_a_domain_share_the_limit_of_links(mailing: Mailing) -> None:
    known = mailing.account()
    local = known.email.partition("@")[0]
    for domain in ("demo.example", "\uff44\uff45\uff4d\uff4f.example", "demo\u3002example", "DEMO.example"):
        for number in range(3):
            mailing.ask(f"{local}@{domain}", f"203.0.113.{number}")
    assert rows(mailing.address, "select count(*) from reset_links where email = $1", known.email)[0][0] == 5


def protect(mailing: Mailing, account: Account) -> str:
    own = Client(mailing.client.url, mailing.signs_in(account.email, PASSWORD))
    enrol = "mutation ($i: PasswordInput!) { enrolSecondFactor(input: $i) { secret } }"
    secret = str(own.read(enrol, i={"password": PASSWORD})["enrolSecondFactor"]["secret"])
    confirm = "mutation ($i: ConfirmSecondFactorInput!) { confirmSecondFactor(input: $i) { errors { message } } }"
    step_before = pyotp.TOTP(secret).at(datetime.now(UTC) - timedelta(seconds=30))
    assert own.read(confirm, i={"code": step_before})["confirmSecondFactor"]["errors"] == []
    return secret


def test_a_lost_second_factor_is_removed_by_link_and_password(mailing: Mailing) -> None:
    known = mailing.account()
    protect(mailing, known)
    admin = mailing.client.signed_in("admin@demo.example", PASSWORD)
    made = answered(admin, "resetSecondFactor", "isRequested", userId=make_id("User", known.id))
    assert made == {"isRequested": True, "errors": []}
    assert mailing.signs_in(known.email, PASSWORD) is None
    mailing.send()
    sent = {"token": token(mailing.link_to(known.email))}
    for password, is_right in ((WRONG, False), (PASSWORD, True)):
        removed = mailing.client.read(REMOVE, input={**sent, "password": password})["removeLostSecondFactor"]
        assert removed["isChanged"] is is_right
    assert mailing.signs_in(known.email, PASSWORD)
    again = mailing.client.read(REMOVE, input={**sent, "password": PASSWORD})["removeLostSecondFactor"]
    assert again["errors"][0]["message"] == NOT_VALID


def test_a_second_factor_is_reset_for_joined_accounts_only_and_five_times_an_hour(mailing: Mailing) -> None:
    admin, known = mailing.client.signed_in("admin@demo.example", PASSWORD), mailing.account()
    waiting, _ = invited_account_by_mail(admin)
    for user_id, message in (
        (waiting, "This account has not joined yet"),
        (make_id("User", uuid4()), "There is no such user"),
    ):
        answer = answered(admin, "resetSecondFactor", "isRequested", userId=user_id)
        assert [error["message"] for error in answer["errors"]] == [message]
    asked = [answered(admin, "resetSecondFactor", "isRequested", userId=make_id("User", known.id)) for _ in range(6)]
    assert [answer["isRequested"] for answer in asked] == [True] * 5 + [False]
    again = [answered(admin, "inviteUserAgain", "invitationUrl", userId=waiting)["errors"] for _ in range(6)]
    assert [bool(errors) for errors in again] == [False] * 4 + [True] * 2


def invited_account_by_mail(admin: Client) -> tuple[str, str]:
    """The id and the e-mail of an account that waits for its invitation to be accepted."""
    email = f"{uuid4().hex}@person.example"
    user = answered(admin, "createUser", "user { id }", email=email, name="Pat", role="BILLING")["user"]
    return user["id"], email


def test_expired_links_are_forgotten(mailing: Mailing) -> None:
    known = mailing.account()
    mailing.ask(known.email)

    async def run(clock: Clock) -> int:
        async with Database(mailing.address.login) as database:
            return await forget_links(database, clock)

    assert asyncio.run(run(lambda: datetime.now(UTC) - timedelta(days=1))) == 0
    assert asyncio.run(run(lambda: datetime.now(UTC) + timedelta(days=2))) > 0
    assert rows(mailing.address, "select count(*) from reset_links")[0][0] == 0


@pytest.mark.parametrize(
    ("settings", "sends"),
    [
        ({}, False),
        ({"BILLING_PUBLIC_URL": PUBLIC}, False),
        ({"BILLING_SMTP_HOST": HOST, "BILLING_MAIL_FROM": "billing@clinic.example"}, False),
        (
            {"BILLING_SMTP_HOST": HOST, "BILLING_MAIL_FROM": "billing@clinic.example", "BILLING_PUBLIC_URL": PUBLIC},
            True,
        ),
    ],
)
def test_links_are_mailed_with_a_mail_server_and_a_public_url(
    settings: dict[str, str], sends: bool, tmp_path: Any
) -> None:
    read = read_settings({**settings, "BILLING_HOME": str(tmp_path)})
    assert (open_link_mailer(read, SecretKeys(b"a key of this test")) is not None) is sends
