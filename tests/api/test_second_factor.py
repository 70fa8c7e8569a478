"""Decides how billing staff protect an account by one-time codes, and how little a stolen password is worth then."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest

from db.identity import make_id
from domain.ids import new_id
from domain.people import Role
from server.addresses import Address
from server.embedded import EmbeddedPostgres
from server.files import Files, open_files
from server.settings import read_settings
from tests.api.doors import WRONG, Account, CountedPasswords, add_account, token_of, try_to_sign_in
from tests.client import Client, serving
from tests.databases import PASSWORD, copied, rows
from tests.other_clinic import add_other_clinic

ENROL = (
    "mutation ($i: PasswordInput!) { enrolSecondFactor(input: $i) { secret otpauthUrl errors { code path message } } }"
)
_CHANGE = "mutation ($i: {}!) {{ {}(input: $i) {{ isChanged errors {{ __typename path message }} }} }}"
CONFIRM = _CHANGE.format("ConfirmSecondFactorInput", "confirmSecondFactor")
REMOVE = _CHANGE.format("PasswordInput", "removeSecondFactor")
RESET = _CHANGE.format("ResetSecondFactorInput", "resetSecondFactor")
MUTATIONS = ("enrolSecondFactor", "confirmSecondFactor", "removeSecondFactor", "resetSecondFactor")


@pytest.fixture(scope="module")
def address(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[Address]:
    with copied(postgres_server, template_database) as copy:
        add_other_clinic(copy)
        yield copy


@pytest.fixture(scope="module")
def files() -> Iterator[Files]:
    with TemporaryDirectory() as home:
        yield open_files(read_settings({"BILLING_HOME": home}))


@pytest.fixture(scope="module")
def server_url(address: Address, files: Files) -> Iterator[str]:
    with serving(address, files=files, passwords=CountedPasswords()) as url:
        yield url


@dataclass
class Protected:
    """Somebody whose account asks for a code."""

    account: Account
    client: Client
    secret: str
    nobody: Client
    address: Address

    def code(self, steps_away: int = 0) -> str:
        """A code that was not used yet."""
        rows(self.address, "update second_factors set last_step = null where user_id = $1", self.account.id)
        return pyotp.TOTP(self.secret).at(datetime.now(UTC) + timedelta(seconds=30 * steps_away))

    def wrong_code(self) -> str:
        """One of those that are good at no time near now."""
        near = {pyotp.TOTP(self.secret).at(datetime.now(UTC) + timedelta(seconds=30 * n)) for n in range(-3, 4)}
        return next(code for code in map("{:06}".format, range(20)) if code not in near)

    def tries(self, code: str | None = None, password: str = PASSWORD) -> Any:
        response = try_to_sign_in(self.nobody, self.account.email, password, code=code)
        return response.json()["data"]["signIn"]

    def gets_in(self, code: str | None = None) -> bool:
        return self.tries(code)["token"] is not None


def signed_in(nobody: Client, account: Account) -> Client:
    return Client(nobody.url, token_of(try_to_sign_in(nobody, account.email)))


@pytest.fixture
def somebody(address: Address) -> Account:
    return add_account(address, role="billing")


@pytest.fixture
def protected(nobody: Client, address: Address, somebody: Account) -> Iterator[Protected]:
    with signed_in(nobody, somebody) as client:
        enrolled = client.read(ENROL, i={"password": PASSWORD})["enrolSecondFactor"]
        made = Protected(somebody, client, enrolled["secret"], nobody, address)
        assert client.read(CONFIRM, i={"code": made.code()})["confirmSecondFactor"] == {"isChanged": True, "errors": []}
        yield made


def asked(path: list[str], message: str) -> dict[str, Any]:
    refusal = {"__typename": "InvalidInput", "code": "INVALID_INPUT", "path": path, "message": message}
    return {"token": None, "expiresAt": None, "viewer": None, "errors": [refusal]}


NEEDED = asked(["input", "secondFactorCode"], "The code of the second factor is needed")
WRONG_CODE = asked(["input", "secondFactorCode"], "The code is wrong, or it was used already")
REFUSED = asked(["input"], "The e-mail or the password is wrong")


def test_until_it_is_confirmed_a_second_factor_is_not_asked_for(nobody: Client, somebody: Account) -> None:
    with signed_in(nobody, somebody) as client:
        first, second = (client.read(ENROL, i={"password": PASSWORD})["enrolSecondFactor"] for _ in range(2))
        assert first["secret"] != second["secret"]
        url = urlsplit(second["otpauthUrl"])
        assert (url.scheme, url.netloc, parse_qs(url.query)["secret"]) == ("otpauth", "totp", [second["secret"]])
        assert token_of(try_to_sign_in(nobody, somebody.email))
        # The first secret was replaced.
        old = client.read(CONFIRM, i={"code": pyotp.TOTP(first["secret"]).now()})["confirmSecondFactor"]
        assert (old["isChanged"], old["errors"][0]["path"]) == (False, ["input", "code"])
        assert token_of(try_to_sign_in(nobody, somebody.email))


def test_once_it_is_confirmed_signing_in_takes_password_and_code(protected: Protected) -> None:
    assert protected.tries() == NEEDED
    assert protected.tries(protected.wrong_code()) == WRONG_CODE
    answer = protected.tries(protected.code())
    assert (answer["errors"], answer["viewer"]["email"]) == ([], protected.account.email)


def test_nobody_learns_of_a_second_factor_without_the_password(protected: Protected) -> None:
    for code in (None, protected.code(), protected.wrong_code()):
        assert protected.tries(code, WRONG) == REFUSED


def test_a_code_is_good_once(protected: Protected) -> None:
    code = protected.code()
    assert protected.gets_in(code)
    assert protected.tries(code) == WRONG_CODE
    # Nor may the one that confirmed it be used again.
    rows(protected.address, "delete from second_factors where user_id = $1", protected.account.id)
    secret = protected.client.read(ENROL, i={"password": PASSWORD})["enrolSecondFactor"]["secret"]
    first = pyotp.TOTP(secret).now()
    assert protected.client.read(CONFIRM, i={"code": first})["confirmSecondFactor"]["isChanged"]
    assert not protected.gets_in(first)


def test_of_many_who_use_one_code_at_once_one_gets_in(protected: Protected) -> None:
    code = protected.code()
    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(lambda _: protected.gets_in(code), range(8))) == 1


@pytest.mark.parametrize(("steps_away", "is_good"), [(-3, False), (-1, True), (1, True), (3, False)])
def test_a_clock_may_be_half_a_minute_off(protected: Protected, steps_away: int, is_good: bool) -> None:
    # Half a minute may pass while this is asked: then the answer of the other edge is right, too.
    for attempt in range(2):
        if protected.gets_in(protected.code(steps_away)) is is_good:
            break
        assert attempt == 0


def test_ten_wrong_codes_lock_and_asking_for_the_code_in_between_forgives_none(protected: Protected) -> None:
    for _ in range(10):
        assert protected.tries() == NEEDED
        assert protected.tries(protected.wrong_code()) == WRONG_CODE
    assert protected.tries(protected.code()) == REFUSED
    assert protected.tries() == REFUSED


def test_being_asked_for_the_code_is_no_failure(protected: Protected) -> None:
    for _ in range(15):
        assert protected.tries() == NEEDED
    assert protected.gets_in(protected.code())


def test_the_secret_is_not_to_be_read_in_the_database_nor_moved_to_another_account(
    protected: Protected, address: Address, nobody: Client
) -> None:
    [(kept, whole)] = rows(
        address, "select secret, f::text from second_factors f where user_id = $1", protected.account.id
    )
    assert protected.secret not in whole
    assert protected.secret.encode() not in kept
    thief = add_account(address, role="billing")
    rows(
        address,
        """insert into second_factors (clinic_id, id, user_id, secret, confirmed_at)
        select clinic_id, gen_random_uuid(), $2, secret, confirmed_at from second_factors where user_id = $1""",
        protected.account.id,
        thief.id,
    )
    code = pyotp.TOTP(protected.secret).now()
    assert token_of(try_to_sign_in(nobody, thief.email, code=code)) is None


def test_with_another_key_of_the_server_a_code_opens_nothing(protected: Protected, address: Address) -> None:
    with serving(address, passwords=CountedPasswords()) as url, Client(url) as client:
        answer = try_to_sign_in(client, protected.account.email, code=protected.code()).json()["data"]["signIn"]
    assert answer == WRONG_CODE


def test_enrolling_twice_is_refused_and_the_first_secret_stays(protected: Protected) -> None:
    answer = protected.client.read(ENROL, i={"password": PASSWORD})["enrolSecondFactor"]
    assert (answer["secret"], answer["otpauthUrl"], answer["errors"][0]["code"]) == (None, None, "CONFLICT")
    assert protected.gets_in(protected.code())


def test_removing_takes_the_password(protected: Protected) -> None:
    refused = protected.client.read(REMOVE, i={"password": WRONG})["removeSecondFactor"]
    assert (refused["isChanged"], refused["errors"][0]["path"]) == (False, ["input", "password"])
    assert protected.tries() == NEEDED
    assert protected.client.read(REMOVE, i={"password": PASSWORD})["removeSecondFactor"]["isChanged"]
    assert protected.gets_in()
    again = protected.client.read(REMOVE, i={"password": PASSWORD})["removeSecondFactor"]
    assert again["errors"][0]["__typename"] == "NotFound"


@pytest.mark.parametrize("mutation", [ENROL, REMOVE], ids=["enrol", "remove"])
def test_a_stolen_session_guesses_no_more_passwords_than_anybody(protected: Protected, mutation: str) -> None:
    for _ in range(10):
        protected.client.read(mutation, i={"password": WRONG})
    [answer] = protected.client.read(mutation, i={"password": PASSWORD}).values()
    assert answer["errors"][0]["message"] == "The password is wrong"
    assert protected.tries() == REFUSED


def test_without_enrolling_there_is_nothing_to_confirm(nobody: Client, somebody: Account) -> None:
    with signed_in(nobody, somebody) as client:
        answer = client.read(CONFIRM, i={"code": "123456"})["confirmSecondFactor"]
    assert (answer["isChanged"], answer["errors"][0]["__typename"]) == (False, "InvalidInput")


def demo_admin(nobody: Client) -> Client:
    return Client(nobody.url, token_of(try_to_sign_in(nobody, "admin@demo.clinic", clinic="demo")))


def test_an_administrator_resets_a_lost_second_factor_of_the_own_clinic_alone(
    protected: Protected, nobody: Client
) -> None:
    elsewhere = Client(nobody.url, token_of(try_to_sign_in(nobody, "admin@demo.clinic", clinic="other")))
    given = {"userId": make_id("User", protected.account.id)}
    with demo_admin(nobody) as admin, elsewhere:
        foreign = elsewhere.read(RESET, i=given)["resetSecondFactor"]
        unknown = elsewhere.read(RESET, i={"userId": make_id("User", new_id())})["resetSecondFactor"]
        nonsense = admin.read(RESET, i={"userId": "nobody"})["resetSecondFactor"]
        assert foreign == unknown == nonsense
        assert (foreign["isChanged"], foreign["errors"][0]["__typename"]) == (False, "NotFound")
        assert protected.tries() == NEEDED
        assert admin.read(RESET, i=given)["resetSecondFactor"] == {"isChanged": True, "errors": []}
    assert protected.gets_in()


@pytest.mark.parametrize("role", [Role.PHYSICIAN, Role.ATTORNEY, Role.ANALYST])
def test_second_factors_are_for_billing_staff(nobody: Client, role: Role) -> None:
    with Client(nobody.url, token_of(try_to_sign_in(nobody, f"{role}@demo.clinic", clinic="demo"))) as client:
        for client_or_nobody in (client, nobody):
            for mutation in MUTATIONS:
                [said] = client_or_nobody.refusals(f"mutation {{ {mutation} {{ __typename }} }}")
                assert said == f"Cannot query field '{mutation}' on type 'Mutation'."


def test_billing_staff_reset_nobody_s_second_factor(nobody: Client, protected: Protected) -> None:
    said = protected.client.refusals("mutation { resetSecondFactor { __typename } }")
    assert said == ["Cannot query field 'resetSecondFactor' on type 'Mutation'."]
    assert protected.tries() == NEEDED


def test_who_becomes_an_analyst_is_still_asked_for_the_code(protected: Protected, address: Address) -> None:
    rows(address, "update users set role = 'analyst' where id = $1", protected.account.id)
    assert protected.tries() == NEEDED
    assert protected.gets_in(protected.code())


def test_signed_in_sessions_go_on(protected: Protected) -> None:
    assert protected.client.read("{ viewer { role } }") == {"viewer": {"role": "BILLING"}}
