"""A change of the secret key, from the first restart to the last: links and second factors work, and then the old key is gone."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pyotp
import pytest

from domain.access.secret_keys import SecretKeys
from server.database_urls import DatabaseUrls
from server.secret_keys import read_keys
from server.settings import SettingError, read_settings
from tests.support.client import Client
from tests.support.databases import PASSWORD, rows
from tests.support.processes import billing, completed

OLD, NEW = "the key of the first years, with a comma", "the key of the years that follow it"
OLD_LISTED = f'["{OLD}"]'
_ENROL = "mutation ($i: PasswordInput!) { enrolSecondFactor(input: $i) { secret errors { message } } }"
_CONFIRM = (
    "mutation ($i: ConfirmSecondFactorInput!) { confirmSecondFactor(input: $i) { recoveryCodes errors { message } } }"
)
_EXPORT = "mutation { exportInvoices(input: {format: CSV}) { export { downloadUrl } errors { message } } }"
_SIGN_IN = "mutation ($i: SignInInput!) { signIn(input: $i) { token errors { message } } }"


def at(url: str, link: str) -> str:
    """A link on the server that runs now: each restart listens on another port."""
    return urlsplit(link)._replace(netloc=urlsplit(url).netloc).geturl()


def exported(client: Client) -> str:
    return str(client.read(_EXPORT)["exportInvoices"]["export"]["downloadUrl"])


def token_by_code(address: DatabaseUrls, url: str, secret: str) -> Any:
    """The token of a sign-in with a code, null where the code is refused."""
    rows(address, "update login_second_factors set last_step = null")
    given = {"email": "billing@demo.example", "password": PASSWORD, "secondFactorCode": pyotp.TOTP(secret).now()}
    with Client(url) as anonymous:
        return anonymous.read(_SIGN_IN, i=given)["signIn"]["token"]


def test_links_and_second_factors_outlive_a_change_of_the_key_until_the_old_one_is_taken_away(
    own_address: DatabaseUrls, tmp_path: Path
) -> None:
    home = str(tmp_path)
    with (
        billing(own_address, "serve", at_home=home, BILLING_SECRET_KEY=OLD) as server,
        Client(server.url) as anonymous,
        anonymous.signed_in("billing@demo.example") as client,
    ):
        secret = client.read(_ENROL, i={"password": PASSWORD})["enrolSecondFactor"]["secret"]
        code = pyotp.TOTP(secret).at(datetime.now(UTC))
        assert client.read(_CONFIRM, i={"code": code})["confirmSecondFactor"]["recoveryCodes"]
        link = exported(client)
        assert httpx.get(link).status_code == 200
    wrong = completed(own_address, "serve", BILLING_HOME=home, BILLING_SECRET_KEY=NEW)
    assert (wrong.returncode, len(wrong.stdout.splitlines())) == (1, 1)
    assert wrong.stdout.startswith("Error: BILLING_SECRET_KEY is wrong: the second factors in the database (1) were")
    both = {"BILLING_SECRET_KEY": NEW, "BILLING_OLD_SECRET_KEYS": OLD_LISTED}
    with billing(own_address, "serve", at_home=home, log=None, **both) as server:
        assert httpx.get(at(server.url, link)).status_code == 200
        assert token_by_code(own_address, server.url, secret)
        # The command runs beside the server.
        for found in ("1 re-encrypted, 0 were", "0 re-encrypted, 1 were"):
            rotated = completed(own_address, "rotate-keys", BILLING_HOME=home, **both)
            assert rotated.returncode == 0
            first, last = rotated.stdout.splitlines()
            assert first.startswith(f"second factors: {found} encrypted with the newest key, 0 cannot be read")
            assert (
                last == "No stored secret needs an old key any more; links that they have signed end within 60 minutes."
            )
        assert token_by_code(own_address, server.url, secret)
    with billing(own_address, "serve", at_home=home, BILLING_SECRET_KEY=NEW) as server:
        token = token_by_code(own_address, server.url, secret)
        refused = httpx.get(at(server.url, link))
        assert refused.status_code == 403
        assert refused.json()["errors"][0]["message"] == "There is no file at this URL, or the URL has expired"
        with Client(server.url, token) as client:
            assert httpx.get(exported(client)).status_code == 200


def test_the_command_says_what_no_key_can_read(own_address: DatabaseUrls, tmp_path: Path) -> None:
    rows(
        own_address,
        "insert into login_second_factors (login_id, secret) select id, sha256('other') from logins where email = 'admin@demo.example'",
    )
    found = completed(own_address, "rotate-keys", BILLING_HOME=str(tmp_path), BILLING_SECRET_KEY=NEW)
    assert found.returncode == 1
    first, last = found.stdout.splitlines()
    assert first.endswith(
        "0 re-encrypted, 0 were encrypted with the newest key, 1 cannot be read with any of the keys."
    )
    assert last.startswith(
        "There are no old keys. What cannot be read was encrypted with a key that is not among these"
    )


def keys_of(home: Path, **settings: str) -> SecretKeys:
    return read_keys(read_settings({"BILLING_HOME": str(home), **settings}))


@pytest.mark.parametrize(
    ("value", "old"),
    [
        ("", ()),
        (f"{'a' * 32}, {'b' * 32},", ("a" * 32, "b" * 32)),
        (OLD_LISTED, (OLD,)),
        # The current key is not an old one.
        (f"{NEW},{'a' * 32},{'a' * 32}", ("a" * 32,)),
    ],
)
def test_old_keys_are_a_list(tmp_path: Path, value: str, old: tuple[str, ...]) -> None:
    found = keys_of(tmp_path, BILLING_SECRET_KEY=NEW, BILLING_OLD_SECRET_KEYS=value)
    assert found == SecretKeys(NEW.encode(), tuple(key.encode() for key in old))


@pytest.mark.parametrize("value", [OLD, "short", f"{'a' * 32},short", '["short"]', f'["{"a" * 32}"', "[1]", "[[]]"])
def test_wrong_old_keys_stop_the_start_and_are_not_shown(value: str) -> None:
    with pytest.raises(SettingError, match="BILLING_OLD_SECRET_KEYS is wrong: expected keys of at least 32") as refusal:
        read_settings({"BILLING_OLD_SECRET_KEYS": value})
    assert value not in str(refusal.value)


def test_the_home_folder_keeps_its_old_keys_beside_its_key(tmp_path: Path) -> None:
    first = keys_of(tmp_path).current
    (tmp_path / "secret-key").rename(tmp_path / "old-secret-keys")
    second = keys_of(tmp_path)
    assert second.current != first
    assert second.old == (first,)
    assert keys_of(tmp_path) == second


@pytest.mark.parametrize(
    ("name", "content"), [("secret-key", b""), ("secret-key", b"\xff" * 32), ("old-secret-keys", b"short\n")]
)
def test_a_file_that_holds_no_key_stops_the_start_with_its_name(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SettingError, match=f"{name} is wrong"):
        keys_of(tmp_path)


def test_a_folder_in_the_place_of_the_key_stops_the_start_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "secret-key").mkdir()
    with pytest.raises(SettingError, match="secret-key is wrong: it cannot be read"):
        keys_of(tmp_path)
