"""A person with accounts in several clinics signs in once; the clinic is asked for only after the password is proven."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pyotp
import pytest

from db.global_ids import make_id
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.support.api.accounts import accept
from tests.support.api.mutations import answered
from tests.support.api.sign_in_attempts import WRONG, add_account, token_of, try_to_sign_in
from tests.support.client import Client, serving
from tests.support.databases import PASSWORD, copied, rows
from tests.support.other_clinic import OTHER, add_other_clinic

SIGN_IN = """mutation ($input: SignInInput!) { signIn(input: $input) { token viewer { clinic { shortName } }
    clinics { shortName name } enrolment { secret } recoveryCodes errors { path message } } }"""
SWITCH = """mutation ($input: SwitchClinicInput!) { switchClinic(input: $input) { token expiresAt
    viewer { role clinic { shortName } } errors { __typename path message } } }"""
JOIN = "mutation ($input: JoinLoginsInput!) { joinLogins(input: $input) { joined errors { path message } } }"
SECOND_FACTOR = "{ viewer { secondFactor { isActive recoveryCodesLeft } } }"
MEMBERSHIPS = "{ viewer { memberships { role clinic { shortName } } } }"
REFUSED = "The e-mail or the password is wrong"
ANOTHER = "the password of the other clinic"


@pytest.fixture(scope="module")
def address(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[DatabaseUrls]:
    with copied(postgres_server, template_database) as copy:
        add_other_clinic(copy)
        yield copy


@pytest.fixture(scope="module")
def server_url(address: DatabaseUrls) -> Iterator[str]:
    with serving(address) as url:
        yield url


def signed_in(client: Client, email: str, password: str = PASSWORD, **values: Any) -> Any:
    return client.read(SIGN_IN, input={"email": email, "password": password, **values})["signIn"]


def own_change(client: Client, name: str, selection: str, input_type: str = "PasswordInput", **values: Any) -> Any:
    """The payload of a mutation that every role has."""
    document = f"mutation ($input: {input_type}!) {{ {name}(input: $input) {{ {selection} errors {{ message }} }} }}"
    return client.read(document, input=values)[name]


def as_admin_of(client: Client, clinic: str) -> Client:
    token = token_of(try_to_sign_in(client, "admin@demo.example", clinic=clinic))
    return Client(client.url, token)


def in_both(client: Client, address: DatabaseUrls) -> str:
    """The e-mail of a person with an account in each of the two clinics, and one login."""
    known = add_account(address, role="billing")
    invited = answered(
        as_admin_of(client, OTHER), "createUser", "invitationUrl", email=known.email, name="Pat", role="ADMIN"
    )
    accept(client, invited["invitationUrl"])
    return known.email


def in_each(client: Client, address: DatabaseUrls) -> str:
    """The e-mail of a person with an account and a password of its own in each clinic, as older databases have them."""
    email = f"{uuid4().hex}@demo.example"
    add_account(address, role="billing", email=email, is_for_one_clinic=True)
    add_account(address, role="admin", clinic=OTHER, email=email, password=ANOTHER, is_for_one_clinic=True)
    return email


def test_the_clinic_is_asked_for_after_the_password(anonymous: Client, address: DatabaseUrls) -> None:
    email = in_both(anonymous, address)
    wrong = signed_in(anonymous, email, WRONG)
    assert (wrong["clinics"], [error["message"] for error in wrong["errors"]]) == ([], [REFUSED])
    asked = signed_in(anonymous, email)
    assert asked["token"] is None
    assert {clinic["shortName"] for clinic in asked["clinics"]} == {"demo", OTHER}
    assert [error["path"] for error in asked["errors"]] == [["input", "clinic"]]
    for clinic in ("demo", OTHER):
        assert signed_in(anonymous, email, clinic=clinic)["viewer"]["clinic"]["shortName"] == clinic


def test_asking_for_the_clinic_is_no_failure_and_uses_up_no_code(anonymous: Client, address: DatabaseUrls) -> None:
    email = in_both(anonymous, address)
    secret = protect(anonymous, email)
    code = pyotp.TOTP(secret).now()
    for _ in range(11):
        assert signed_in(anonymous, email, secondFactorCode=code)["clinics"]
    assert signed_in(anonymous, email, secondFactorCode=code, clinic=OTHER)["token"]
    assert signed_in(anonymous, email, secondFactorCode=code, clinic="demo")["token"] is None


def protect(client: Client, email: str, password: str = PASSWORD, clinic: str = "demo") -> str:
    """The secret of a new second factor, of which no code counts as used."""
    own = Client(client.url, signed_in(client, email, password, clinic=clinic)["token"])
    secret = str(own_change(own, "enrolSecondFactor", "secret", password=password)["secret"])
    confirmed = own_change(
        own,
        "confirmSecondFactor",
        "recoveryCodes",
        "ConfirmSecondFactorInput",
        code=pyotp.TOTP(secret).at(_a_step_ago()),
    )
    assert len(confirmed["recoveryCodes"]) == 10, confirmed
    return secret


def _a_step_ago() -> datetime:
    return datetime.now(UTC) - timedelta(seconds=30)


def test_without_the_second_factor_the_clinics_are_not_told(anonymous: Client, address: DatabaseUrls) -> None:
    email = in_both(anonymous, address)
    protect(anonymous, email)
    asked = signed_in(anonymous, email)
    assert asked["clinics"] == []
    assert [error["path"] for error in asked["errors"]] == [["input", "secondFactorCode"]]


def test_a_clinic_without_an_account_is_refused_after_the_password_only(
    anonymous: Client, address: DatabaseUrls
) -> None:
    known = add_account(address)
    for clinic in (OTHER, "unknown"):
        right, wrong = (
            signed_in(anonymous, known.email, clinic=clinic),
            signed_in(anonymous, known.email, WRONG, clinic=clinic),
        )
        assert [error["message"] for error in right["errors"]] == ["There is no account in this clinic"]
        assert [error["message"] for error in wrong["errors"]] == [REFUSED]


def test_the_person_goes_on_in_another_clinic_without_a_password(anonymous: Client, address: DatabaseUrls) -> None:
    email = in_both(anonymous, address)
    own = Client(anonymous.url, signed_in(anonymous, email, clinic="demo")["token"])
    expected = [("BILLING", "demo"), ("ADMIN", OTHER)]
    found = own.read(MEMBERSHIPS)["viewer"]["memberships"]
    assert sorted((one["role"], one["clinic"]["shortName"]) for one in found) == sorted(expected)
    switched = own.read(SWITCH, input={"clinic": OTHER})["switchClinic"]
    assert switched["viewer"] == {"role": "ADMIN", "clinic": {"shortName": OTHER}}
    with Client(anonymous.url, switched["token"]) as there:
        assert there.read("{ users(first: 1) { totalCount } }")["users"]["totalCount"]
    assert own.read("{ viewer { role } }")["viewer"]["role"] == "BILLING"
    ends = rows(
        address, "select distinct expires_at from sessions s join users u on u.id = s.user_id where u.email = $1", email
    )
    assert len(ends) == 1


@pytest.mark.parametrize("clinic", [OTHER, "unknown", "", "\x00"])
def test_nobody_switches_to_a_clinic_without_an_account(anonymous: Client, address: DatabaseUrls, clinic: str) -> None:
    known = add_account(address)
    own = Client(anonymous.url, signed_in(anonymous, known.email)["token"])
    (error,) = own.read(SWITCH, input={"clinic": clinic})["switchClinic"]["errors"]
    assert error["message"] == "There is no account in this clinic"


def test_a_deactivated_account_is_neither_chosen_nor_switched_to(anonymous: Client, address: DatabaseUrls) -> None:
    email = in_both(anonymous, address)
    own = Client(anonymous.url, signed_in(anonymous, email, clinic="demo")["token"])
    rows(address, "update users set active = false where email = $1 and role = 'admin'", email)
    assert signed_in(anonymous, email)["viewer"]["clinic"]["shortName"] == "demo"
    assert own.read(SWITCH, input={"clinic": OTHER})["switchClinic"]["token"] is None


def test_a_new_password_ends_the_other_sessions_in_every_clinic(anonymous: Client, address: DatabaseUrls) -> None:
    email = in_both(anonymous, address)
    here, there = (Client(anonymous.url, signed_in(anonymous, email, clinic=one)["token"]) for one in ("demo", OTHER))
    changed = answered(here, "changePassword", "changed", oldPassword=PASSWORD, newPassword=ANOTHER)
    assert changed["changed"], changed
    assert here.read("{ viewer { email } }")["viewer"]["email"] == email
    assert there.post("{ viewer { email } }").status_code == 401
    recorded = """select distinct e.clinic_id from audit_events e join users u on u.id = e.user_id
        where u.email = $1 and e.operation = 'changePassword'"""
    deadline = time.monotonic() + 20
    while len(rows(address, recorded, email)) != 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_administrator_of_one_clinic_changes_nothing_in_another(anonymous: Client, address: DatabaseUrls) -> None:
    """A changed e-mail takes the account from the login, and nothing else."""
    email = in_both(anonymous, address)
    other_admin = as_admin_of(anonymous, OTHER)
    (user,) = rows(address, "select id from users where email = $1 and role = 'admin'", email)
    answered(other_admin, "updateUser", "user { email }", userId=make_id("User", user["id"]), email=f"x{email}")
    assert signed_in(anonymous, email)["viewer"]["clinic"]["shortName"] == "demo"
    assert signed_in(anonymous, f"x{email}")["token"] is None


def test_logins_for_one_clinic_each_are_meant_by_their_clinic(anonymous: Client, address: DatabaseUrls) -> None:
    email = in_each(anonymous, address)
    assert [error["message"] for error in signed_in(anonymous, email)["errors"]] == [REFUSED]
    assert signed_in(anonymous, email, clinic="demo")["token"]
    assert signed_in(anonymous, email, ANOTHER, clinic=OTHER)["token"]
    assert signed_in(anonymous, email, ANOTHER, clinic="demo")["token"] is None


def test_a_person_joins_two_logins_by_proving_both_passwords(anonymous: Client, address: DatabaseUrls) -> None:
    email = in_each(anonymous, address)
    own = Client(anonymous.url, signed_in(anonymous, email, clinic="demo")["token"])
    inputs = {"password": PASSWORD, "otherClinic": OTHER, "otherPassword": ANOTHER}
    for wrong, path in (({"password": WRONG}, "password"), ({"otherPassword": WRONG}, "otherPassword")):
        (error,) = own.read(JOIN, input=inputs | wrong)["joinLogins"]["errors"]
        assert error["path"] == ["input", path]
    assert own.read(JOIN, input=inputs)["joinLogins"] == {"joined": True, "errors": []}
    assert {clinic["shortName"] for clinic in signed_in(anonymous, email)["clinics"]} == {"demo", OTHER}
    assert signed_in(anonymous, email, ANOTHER, clinic=OTHER)["token"] is None
    (again,) = own.read(JOIN, input=inputs | {"otherPassword": PASSWORD})["joinLogins"]["errors"]
    assert again["path"] == ["input", "otherClinic"]


def test_joining_keeps_the_second_factor_of_either_login(anonymous: Client, address: DatabaseUrls) -> None:
    email = in_each(anonymous, address)
    secret = protect(anonymous, email, ANOTHER, OTHER)
    own = Client(anonymous.url, signed_in(anonymous, email, clinic="demo")["token"])
    inputs = {"password": PASSWORD, "otherClinic": OTHER, "otherPassword": ANOTHER}
    (missing,) = own.read(JOIN, input=inputs)["joinLogins"]["errors"]
    assert missing["path"] == ["input", "secondFactorCode"]
    code = pyotp.TOTP(secret).now()
    assert own.read(JOIN, input={**inputs, "secondFactorCode": code})["joinLogins"]["joined"]
    assert own.read(SECOND_FACTOR)["viewer"]["secondFactor"] == {"isActive": True, "recoveryCodesLeft": 0}
    assert signed_in(anonymous, email, clinic="demo")["token"] is None


def test_wrong_codes_at_joining_are_counted(anonymous: Client, address: DatabaseUrls) -> None:
    email = in_each(anonymous, address)
    secret = protect(anonymous, email, ANOTHER, OTHER)
    own = Client(anonymous.url, signed_in(anonymous, email, clinic="demo")["token"])
    inputs = {"password": PASSWORD, "otherClinic": OTHER, "otherPassword": ANOTHER, "secondFactorCode": "000000"}
    for _ in range(10):
        assert own.read(JOIN, input=inputs)["joinLogins"]["joined"] is False
    right = {**inputs, "secondFactorCode": pyotp.TOTP(secret).now()}
    assert own.read(JOIN, input=right)["joinLogins"]["joined"] is False


def test_a_clinic_asks_for_a_second_factor_at_the_next_sign_in(anonymous: Client, address: DatabaseUrls) -> None:
    email = in_both(anonymous, address)
    demo_admin = as_admin_of(anonymous, "demo")
    here = Client(anonymous.url, signed_in(anonymous, email, clinic="demo")["token"])
    try:
        assert answered(demo_admin, "setSecondFactorRoles", "isChanged", roles=["BILLING"])["isChanged"]
        assert demo_admin.read("{ viewer { secondFactorRoles } }")["viewer"]["secondFactorRoles"] == ["BILLING"]
        # It is asked for by this clinic alone, and ends no session.
        assert signed_in(anonymous, email, clinic=OTHER)["token"]
        assert here.read("{ viewer { email } }")["viewer"]["email"] == email
        there = Client(anonymous.url, signed_in(anonymous, email, clinic=OTHER)["token"])
        assert there.read(SWITCH, input={"clinic": "demo"})["switchClinic"]["token"] is None
        asked = signed_in(anonymous, email, clinic="demo")
        assert asked["token"] is None
        secret = asked["enrolment"]["secret"]
        assert signed_in(anonymous, email, clinic="demo", secondFactorCode="000000")["token"] is None
        begun = signed_in(anonymous, email, clinic="demo", secondFactorCode=pyotp.TOTP(secret).now())
        assert begun["token"]
        assert len(begun["recoveryCodes"]) == 10
        own = Client(anonymous.url, begun["token"])
        kept = own_change(own, "removeSecondFactor", "isChanged", password=PASSWORD)
        assert [error["message"] for error in kept["errors"]] == ["A second factor is needed in: Demo Injury Clinic"]
        # The other clinic has the same login: it needs the code, too. A recovery code serves once.
        code = begun["recoveryCodes"][0].lower().replace("-", " ")
        assert signed_in(anonymous, email, clinic=OTHER)["token"] is None
        assert signed_in(anonymous, email, clinic=OTHER, secondFactorCode=code)["token"]
        assert signed_in(anonymous, email, clinic=OTHER, secondFactorCode=code)["token"] is None
        assert own.read(SECOND_FACTOR)["viewer"]["secondFactor"] == {"isActive": True, "recoveryCodesLeft": 9}
    finally:
        answered(demo_admin, "setSecondFactorRoles", "isChanged", roles=[])
    assert own_change(own, "removeSecondFactor", "isChanged", password=PASSWORD)["isChanged"]


def test_wrong_recovery_codes_count_as_failures(anonymous: Client, address: DatabaseUrls) -> None:
    known = add_account(address)
    protect(anonymous, known.email)
    for _ in range(10):
        assert signed_in(anonymous, known.email, secondFactorCode="AAAA-AAAA-AAAA-AAAA")["token"] is None
    (error,) = signed_in(anonymous, known.email)["errors"]
    assert error["message"] == REFUSED
