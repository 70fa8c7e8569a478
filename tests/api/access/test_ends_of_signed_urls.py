"""A signed URL of every kind ends with its session, with a new password, with another role, and with the account or its person."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from db.global_ids import make_id
from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.storage.stores import Folder
from tests.support.api.accounts import Account, change, new_account, new_token
from tests.support.api.mutations import done
from tests.support.api.scans import PDF, cheque_for, created, waiting
from tests.support.client import Client
from tests.support.databases import PASSWORD, rows
from tests.support.files.export_files import Bureau, bureau_over, uuid_of

NEW = "another passphrase"
_CHANGE = "mutation ($i: ChangePasswordInput!) { changePassword(input: $i) { changed errors { message } } }"
_READY = "mutation { exportInvoices(input: {format: CSV}) { export { downloadUrl } errors { message } } }"
_RECORD = "mutation ($input: RecordChequeInput!) { recordCheque(input: $input) { cheque { documentUrl } errors { message } } }"


@pytest.fixture
def bureau(own_address: DatabaseUrls, tmp_path: Path) -> Iterator[Bureau]:
    with bureau_over(own_address, Folder(tmp_path)) as found:
        yield found


def exported(client: Client) -> str:
    payload = client.read(_READY)["exportInvoices"]
    assert payload["errors"] == []
    return str(payload["export"]["downloadUrl"])


def scanned(client: Client) -> str:
    """The URL of a scan that a mutation has used."""
    upload = created(client, byteSize=len(PDF))
    assert httpx.put(upload["uploadUrl"], content=PDF).status_code == 201
    cheque = client.read(_RECORD, input=cheque_for(waiting(client), upload["id"]))["recordCheque"]
    return str(cheque["cheque"]["documentUrl"])


def awaited(client: Client) -> str:
    return str(created(client)["uploadUrl"])


# Kind of URL → how a client gets one, and how it is used.
KINDS: dict[str, tuple[Callable[[Client], str], Callable[[str], httpx.Response]]] = {
    "exports": (exported, httpx.get),
    "documents": (scanned, httpx.get),
    "uploads": (awaited, lambda url: httpx.put(url, content=PDF)),
}


def statuses(urls: dict[str, str]) -> dict[str, int]:
    return {kind: KINDS[kind][1](url).status_code for kind, url in urls.items()}


def sign_out(bureau: Bureau, account: Account, client: Client) -> None:
    client.read("mutation { signOut { signedOut } }")


def end_elsewhere(bureau: Bureau, account: Account, client: Client) -> None:
    sessions = client.read("{ viewer { sessions { id isCurrent } } }")["viewer"]["sessions"]
    [own] = [session["id"] for session in sessions if session["isCurrent"]]
    done_ = bureau.people[Role.ADMIN].read(
        "mutation ($i: RevokeSessionInput!) { revokeSession(input: $i) { errors { message } } }", i={"sessionId": own}
    )
    assert done_["revokeSession"]["errors"] == []


def new_password(bureau: Bureau, account: Account, client: Client) -> None:
    changed = client.read(_CHANGE, i={"oldPassword": PASSWORD, "newPassword": NEW})["changePassword"]
    assert changed["changed"]


def another_e_mail(bureau: Bureau, account: Account, client: Client) -> None:
    change(bureau.people[Role.ADMIN], account, email=f"other.{account.email}")


def deactivated(bureau: Bureau, account: Account, client: Client) -> None:
    change(bureau.people[Role.ADMIN], account, active=False)


def another_role(bureau: Bureau, account: Account, client: Client) -> None:
    change(bureau.people[Role.ADMIN], account, role="ADMIN")


def by_sql(statement: str) -> Callable[[Bureau, Account, Client], None]:
    def end(bureau: Bureau, account: Account, client: Client) -> None:
        rows(bureau.address, statement, uuid_of(account.id))

    return end


ENDS: dict[str, Callable[[Bureau, Account, Client], None]] = {
    "signed out": sign_out,
    "ended by an administrator": end_elsewhere,
    "new password": new_password,
    "another e-mail": another_e_mail,
    "deactivated": deactivated,
    "another role": another_role,
    # What no session is told of, because it was changed in the tables.
    "session expired": by_sql("update sessions set expires_at = now() where user_id = $1"),
    "session idle": by_sql("update sessions set last_used_at = now() - interval '31 minutes' where user_id = $1"),
    "session deleted": by_sql("delete from sessions where user_id = $1"),
    "password in the table": by_sql(
        """update logins set password_hash = password_hash || ' ' where id in (select login_id from memberships where user_id = $1)"""
    ),
    "role in the table": by_sql("update users set role = 'admin' where id = $1"),
    "account in the table": by_sql("update users set active = false where id = $1"),
}


@pytest.mark.parametrize("end", ENDS)
def test_signed_urls_of_every_kind_end(bureau: Bureau, end: str) -> None:
    account = new_account(bureau.people[Role.ADMIN])
    with Client(bureau.url) as anonymous, anonymous.signed_in(account.email) as client:
        urls = {kind: make(client) for kind, (make, _) in KINDS.items()}
        used = {**urls, "uploads": awaited(client)}
        other = exported(bureau.people[Role.BILLING])
        assert statuses(used) == {"exports": 200, "documents": 200, "uploads": 201}
        ENDS[end](bureau, account, client)
    assert statuses(urls) == dict.fromkeys(KINDS, 403)
    assert httpx.get(other).status_code == 200


def test_a_new_password_ends_the_urls_of_the_session_that_goes_on_and_it_gets_new_ones(bureau: Bureau) -> None:
    account = new_account(bureau.people[Role.ADMIN])
    with Client(bureau.url) as anonymous, anonymous.signed_in(account.email) as client:
        before = exported(client)
        new_password(bureau, account, client)
        assert httpx.get(before).status_code == 403
        assert httpx.get(exported(client)).status_code == 200


def test_the_urls_of_an_api_token_end_when_it_is_revoked(bureau: Bureau) -> None:
    admin = bureau.people[Role.ADMIN]
    account = new_account(admin, "ANALYST")
    token, record = new_token(admin, account, expiresInDays=3)
    with Client(bureau.url, token) as client:
        url = exported(client)
        assert httpx.get(url).status_code == 200
        done(admin, "revokeApiToken", "apiToken { id }", apiTokenId=record["id"])
        assert httpx.get(url).status_code == 403


RETIRED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "attorney": ("attorneys", "retireAttorney", {}),
    "physician": ("physicians", "retirePhysician", {}),
}


@pytest.mark.parametrize("person", RETIRED)
def test_retiring_the_record_of_a_person_ends_all_access_of_its_users(bureau: Bureau, person: str) -> None:
    role = Role(person)
    mine, others = bureau.people[role], bureau.people[Role.BILLING]
    url = exported(mine)
    assert httpx.get(url).status_code == 200
    identity = rows(bureau.address, f"select {person}_id as id from users where email = $1", f"{person}@demo.example")[
        0
    ]["id"]
    done(
        bureau.people[Role.ADMIN],
        RETIRED[person][1],
        f"{person} {{ id }}",
        **{f"{person}Id": make_id(person.capitalize(), identity)},
    )
    assert mine.post("{ viewer { id } }").status_code == 401
    assert httpx.get(url).status_code == 403
    with Client(bureau.url) as anonymous:
        payload = anonymous.read(
            "mutation ($i: SignInInput!) { signIn(input: $i) { token errors { message } } }",
            i={"email": f"{person}@demo.example", "password": PASSWORD},
        )["signIn"]
    assert payload["token"] is None
    assert others.post("{ viewer { id } }").status_code == 200
