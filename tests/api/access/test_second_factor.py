"""The second factor: people protect their logins by one-time codes, without which a stolen password does not sign in."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest

from db.global_ids import make_id
from domain.access.people import Role
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from server.settings import read_settings
from server.stores import open_files
from storage.files import Files
from tests.support.api.sign_in_attempts import WRONG, Account, CountedPasswords, add_account, token_of, try_to_sign_in
from tests.support.client import Client, serving
from tests.support.databases import PASSWORD, copied, rows
from tests.support.other_clinic import add_other_clinic

ENROL = (
    "mutation ($i: PasswordInput!) { enrolSecondFactor(input: $i) { secret otpauthUrl errors { code path message } } }"
)
_CHANGE = "mutation ($i: {}!) {{ {}(input: $i) {{ isChanged errors {{ __typename path message }} }} }}"
CONFIRM = """mutation ($i: ConfirmSecondFactorInput!) {
    confirmSecondFactor(input: $i) { recoveryCodes errors { __typename path message } } }"""
REMOVE = _CHANGE.format("PasswordInput", "removeSecondFactor")
RESET = """mutation ($i: ResetSecondFactorInput!) {
    resetSecondFactor(input: $i) { isRequested errors { __typename path message } } }"""
OWN = ("enrolSecondFactor", "confirmSecondFactor", "removeSecondFactor", "renewRecoveryCodes")
CHANGED = {"isChanged": True, "errors": []}


@pytest.fixture(scope="module")
def address(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[DatabaseUrls]:
    with copied(postgres_server, template_database) as copy:
        add_other_clinic(copy)
        yield copy


@pytest.fixture(scope="module")
def files() -> Iterator[Files]:
    with TemporaryDirectory() as home:
        yield open_files(read_settings({"BILLING_HOME": home}))


@pytest.fixture(scope="module")
def server_url(address: DatabaseUrls, files: Files) -> Iterator[str]:
    with serving(address, files=files, passwords=CountedPasswords()) as url:
        yield url


@dataclass
class Protected:
    """A user whose account requires a code at sign-in."""

    account: Account
    client: Client
    secret: str
    anonymous: Client
    address: DatabaseUrls

    def code(self, steps_away: int = 0) -> str:
        """A code that was not used yet."""
        rows(self.address, "update login_second_factors set last_step = null where login_id = $1", self.account.id)
        return pyotp.TOTP(self.secret).at(datetime.now(UTC) + timedelta(seconds=30 * steps_away))

    def wrong_code(self) -> str:
        """A code that is valid at no time near now."""
        near = {pyotp.TOTP(self.secret).at(datetime.now(UTC) + timedelta(seconds=30 * n)) for n in range(-3, 4)}
        return next(code for code in map("{:06}".format, range(20)) if code not in near)

    def sign_in(self, code: str | None = None, password: str = PASSWORD) -> Any:
        response = try_to_sign_in(self.anonymous, self.account.email, password, code=code)
        return response.json()["data"]["signIn"]

    def can_sign_in(self, code: str | None = None) -> bool:
        return self.sign_in(code)["token"] is not None


def signed_in(anonymous: Client, account: Account) -> Client:
    return Client(anonymous.url, token_of(try_to_sign_in(anonymous, account.email)))


@pytest.fixture
def account(address: DatabaseUrls) -> Account:
    return add_account(address, role="billing")


@pytest.fixture
def protected(anonymous: Client, address: DatabaseUrls, account: Account) -> Iterator[Protected]:
    with signed_in(anonymous, account) as client:
        enrolled = client.read(ENROL, i={"password": PASSWORD})["enrolSecondFactor"]
        made = Protected(account, client, enrolled["secret"], anonymous, address)
        confirmed = client.read(CONFIRM, i={"code": made.code()})["confirmSecondFactor"]
        assert (len(set(confirmed["recoveryCodes"])), confirmed["errors"]) == (10, [])
        yield made


def refused_sign_in(path: list[str], message: str) -> dict[str, Any]:
    refusal = {"__typename": "InvalidInput", "code": "INVALID_INPUT", "path": path, "message": message}
    return {"token": None, "expiresAt": None, "viewer": None, "errors": [refusal]}


NEEDED = refused_sign_in(["input", "secondFactorCode"], "The code of the second factor is needed")
WRONG_CODE = refused_sign_in(["input", "secondFactorCode"], "The code is wrong, or it was used already")
REFUSED = refused_sign_in(["input"], "The e-mail or the password is wrong")


def test_an_unconfirmed_second_factor_is_not_required(anonymous: Client, account: Account) -> None:
    with signed_in(anonymous, account) as client:
        first, second = (client.read(ENROL, i={"password": PASSWORD})["enrolSecondFactor"] for _ in range(2))
        assert first["secret"] != second["secret"]
        url = urlsplit(second["otpauthUrl"])
        assert (url.scheme, url.netloc, parse_qs(url.query)["secret"]) == ("otpauth", "totp", [second["secret"]])
        assert token_of(try_to_sign_in(anonymous, account.email))
        # The first secret was replaced.
        old = client.read(CONFIRM, i={"code": pyotp.TOTP(first["secret"]).now()})["confirmSecondFactor"]
        assert (old["recoveryCodes"], old["errors"][0]["path"]) == ([], ["input", "code"])
        assert token_of(try_to_sign_in(anonymous, account.email))


def test_a_confirmed_second_factor_requires_password_and_code(protected: Protected) -> None:
    assert protected.sign_in() == NEEDED
    assert protected.sign_in(protected.wrong_code()) == WRONG_CODE
    answer = protected.sign_in(protected.code())
    assert (answer["errors"], answer["viewer"]["email"]) == ([], protected.account.email)


def test_without_the_password_a_sign_in_does_not_show_that_there_is_a_second_factor(protected: Protected) -> None:
    for code in (None, protected.code(), protected.wrong_code()):
        assert protected.sign_in(code, WRONG) == REFUSED


def test_a_code_is_accepted_once(protected: Protected) -> None:
    code = protected.code()
    assert protected.can_sign_in(code)
    assert protected.sign_in(code) == WRONG_CODE
    # Nor can the code that confirmed the factor be used again.
    assert protected.client.read(REMOVE, i={"password": PASSWORD})["removeSecondFactor"] == CHANGED
    secret = protected.client.read(ENROL, i={"password": PASSWORD})["enrolSecondFactor"]["secret"]
    first = pyotp.TOTP(secret).now()
    assert protected.client.read(CONFIRM, i={"code": first})["confirmSecondFactor"]["recoveryCodes"]
    assert not protected.can_sign_in(first)


def test_of_concurrent_sign_ins_with_one_code_one_succeeds(protected: Protected) -> None:
    code = protected.code()
    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(lambda _: protected.can_sign_in(code), range(8))) == 1


@pytest.mark.parametrize(("steps_away", "is_good"), [(-3, False), (-1, True), (1, True), (3, False)])
def test_a_clock_may_be_thirty_seconds_off(protected: Protected, steps_away: int, is_good: bool) -> None:
    # Thirty seconds may pass during the request: then the answer of the neighbouring step is right, too.
    for attempt in range(2):
        if protected.can_sign_in(protected.code(steps_away)) is is_good:
            break
        assert attempt == 0


def test_ten_wrong_codes_lock_and_a_request_for_the_code_in_between_clears_none(protected: Protected) -> None:
    for _ in range(10):
        assert protected.sign_in() == NEEDED
        assert protected.sign_in(protected.wrong_code()) == WRONG_CODE
    assert protected.sign_in(protected.code()) == REFUSED
    assert protected.sign_in() == REFUSED


def test_a_request_for_the_code_is_no_failure(protected: Protected) -> None:
    for _ in range(15):
        assert protected.sign_in() == NEEDED
    assert protected.can_sign_in(protected.code())


def test_the_secret_is_encrypted_in_the_database_and_bound_to_its_login(
    protected: Protected, address: DatabaseUrls, anonymous: Client
) -> None:
    [(kept, whole)] = rows(
        address, "select secret, f::text from login_second_factors f where login_id = $1", protected.account.id
    )
    assert protected.secret not in whole
    assert protected.secret.encode() not in kept
    thief = add_account(address, role="billing")
    rows(
        address,
        """insert into login_second_factors (login_id, secret, bound_clinic_id, confirmed_at)
        select $2, secret, bound_clinic_id, confirmed_at from login_second_factors where login_id = $1""",
        protected.account.id,
        thief.id,
    )
    code = pyotp.TOTP(protected.secret).now()
    assert token_of(try_to_sign_in(anonymous, thief.email, code=code)) is None
    assert protected.can_sign_in(protected.code())


def test_with_another_server_key_no_code_is_accepted(protected: Protected, address: DatabaseUrls) -> None:
    with serving(address, passwords=CountedPasswords()) as url, Client(url) as client:
        answer = try_to_sign_in(client, protected.account.email, code=protected.code()).json()["data"]["signIn"]
    assert answer == WRONG_CODE


def test_enrolling_twice_is_refused_and_the_first_secret_stays(protected: Protected) -> None:
    answer = protected.client.read(ENROL, i={"password": PASSWORD})["enrolSecondFactor"]
    assert (answer["secret"], answer["otpauthUrl"], answer["errors"][0]["code"]) == (None, None, "CONFLICT")
    assert protected.can_sign_in(protected.code())


def test_removing_a_second_factor_requires_the_password(protected: Protected) -> None:
    refused = protected.client.read(REMOVE, i={"password": WRONG})["removeSecondFactor"]
    assert (refused["isChanged"], refused["errors"][0]["path"]) == (False, ["input", "password"])
    assert protected.sign_in() == NEEDED
    assert protected.client.read(REMOVE, i={"password": PASSWORD})["removeSecondFactor"]["isChanged"]
    assert protected.can_sign_in()
    again = protected.client.read(REMOVE, i={"password": PASSWORD})["removeSecondFactor"]
    assert again["errors"][0]["__typename"] == "NotFound"


@pytest.mark.parametrize("mutation", [ENROL, REMOVE], ids=["enrol", "remove"])
def test_a_stolen_session_guesses_no_more_passwords_than_an_anonymous_caller(
    protected: Protected, mutation: str
) -> None:
    for _ in range(10):
        protected.client.read(mutation, i={"password": WRONG})
    [answer] = protected.client.read(mutation, i={"password": PASSWORD}).values()
    assert answer["errors"][0]["message"] == "The password is wrong"
    assert protected.sign_in() == REFUSED


def test_without_enrolment_there_is_nothing_to_confirm(anonymous: Client, account: Account) -> None:
    with signed_in(anonymous, account) as client:
        answer = client.read(CONFIRM, i={"code": "123456"})["confirmSecondFactor"]
    assert (answer["recoveryCodes"], answer["errors"][0]["__typename"]) == ([], "InvalidInput")


def demo_admin(anonymous: Client) -> Client:
    return Client(anonymous.url, token_of(try_to_sign_in(anonymous, "admin@demo.example", clinic="demo")))


def test_without_a_mail_server_no_administrator_ends_a_second_factor(protected: Protected, anonymous: Client) -> None:
    """A shown link would let an administrator who knows the password end what protects it in other clinics."""
    with demo_admin(anonymous) as admin:
        asked = admin.read(RESET, i={"userId": make_id("User", protected.account.id)})["resetSecondFactor"]
    assert (asked["isRequested"], [error["__typename"] for error in asked["errors"]]) == (False, ["Conflict"])
    assert protected.sign_in() == NEEDED
    assert rows(protected.address, "select from reset_links where email = $1", protected.account.email) == []


@pytest.mark.parametrize("role", [Role.PHYSICIAN, Role.ATTORNEY, Role.ANALYST, Role.BILLING])
def test_administrators_alone_reset_second_factors_and_choose_who_needs_one(anonymous: Client, role: Role) -> None:
    with Client(anonymous.url, token_of(try_to_sign_in(anonymous, f"{role}@demo.example", clinic="demo"))) as client:
        for caller in (client, anonymous):
            for mutation in ("resetSecondFactor", "setSecondFactorRoles"):
                [message] = caller.refusals(f"mutation {{ {mutation} {{ __typename }} }}")
                assert message == f"Cannot query field '{mutation}' on type 'Mutation'."


def test_an_anonymous_caller_has_no_second_factor(anonymous: Client) -> None:
    for mutation in OWN:
        [message] = anonymous.refusals(f"mutation {{ {mutation} {{ __typename }} }}")
        assert message == f"Cannot query field '{mutation}' on type 'Mutation'."


@pytest.mark.parametrize("role", list(Role))
def test_every_role_protects_its_login(anonymous: Client, address: DatabaseUrls, role: Role) -> None:
    [(user_id, email)] = rows(
        address,
        """select u.id, u.email from users u join clinics c using (clinic_id) where c.short_name = 'demo' and u.role = $1
        order by u.recorded_at, u.id limit 1""",
        role,
    )
    person = Account(user_id, email)
    with signed_in(anonymous, person) as client:
        secret = client.read(ENROL, i={"password": PASSWORD})["enrolSecondFactor"]["secret"]
        guarded = Protected(person, client, secret, anonymous, address)
        assert client.read(CONFIRM, i={"code": guarded.code()})["confirmSecondFactor"]["errors"] == []
        assert guarded.sign_in() == NEEDED
        assert guarded.can_sign_in(guarded.code())
        again = client.read(ENROL, i={"password": PASSWORD})["enrolSecondFactor"]
        assert [error["code"] for error in again["errors"]] == ["CONFLICT"]
        assert client.read(REMOVE, i={"password": PASSWORD})["removeSecondFactor"] == CHANGED
        assert guarded.can_sign_in()


def test_billing_staff_cannot_reset_a_second_factor(anonymous: Client, protected: Protected) -> None:
    messages = protected.client.refusals("mutation { resetSecondFactor { __typename } }")
    assert messages == ["Cannot query field 'resetSecondFactor' on type 'Mutation'."]
    assert protected.sign_in() == NEEDED


def test_a_user_who_becomes_an_analyst_still_needs_the_code(protected: Protected, address: DatabaseUrls) -> None:
    rows(address, "update users set role = 'analyst' where id = $1", protected.account.id)
    assert protected.sign_in() == NEEDED
    assert protected.can_sign_in(protected.code())


def test_sessions_survive_the_enrolment_of_a_second_factor(protected: Protected) -> None:
    assert protected.client.read("{ viewer { role } }") == {"viewer": {"role": "BILLING"}}
