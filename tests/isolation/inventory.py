"""Every counter, limit, cache, key and link of the product: by what it is kept apart, how one party moves it, and how it is read."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from db.notifications import Notifications, invoice_changed
from db.replica import Replica
from db.sealed_hints import Hints
from domain.access.people import Role
from domain.errors import RequestError
from domain.exports import MOST_UNDER_WAY
from domain.records.bulk_steps import MOST_SELECTED
from identity.sessions import Sessions
from identity.sign_in_queue import LARGEST_QUEUE_OF_ONE_ADDRESS, SignInQueue
from limits.admission import LARGEST_CONNECTIONS, AdmissionControl
from tests.isolation.parties import Parties, Party
from tests.support.api.scans import CREATE, announced
from tests.support.databases import rows

_VIEWER = "{ viewer { id } }"
_EXPORT = "mutation { exportInvoices(input: {format: CSV}) { export { id } errors { code } } }"
_ASK = "mutation ($email: String!) { requestPasswordReset(input: {email: $email}) { isRequested } }"
_LINKS = "select count(*) from reset_links where email = $1"
_REQUESTED = """insert into exports (clinic_id, id, requested_by, role, kind, format, status, file_name, row_count, created_at)
    values ($1, gen_random_uuid(), $2, 'billing', 'invoices', 'csv', 'queued', 'invoices.csv', 7, now())"""
_SELECT = "mutation { selectInvoices(input: {}) { selection { token } } }"
_USE = "mutation ($input: AddInternalNotesInput!) { addInternalNotes(input: $input) { errors { code } } }"
_NOTE = {"body": "Of a selection", "idempotencyKey": "of a selection"}
_IDS = "{ invoices(first: 5) { nodes { id } } }"
SECOND_TOKEN, COLLEAGUE, STRANGER = "second_token", "colleague", "stranger"


@dataclass(frozen=True)
class Store:
    """Something that one party moves: `moved` tells whether it has been moved for a party.

    `apart` names the parties for which it must not be moved; for the others it is the same by intent, such as a user's limit
    for two tokens of that user.
    """

    name: str
    key: str
    move: Callable[[Parties], None]
    moved: Callable[[Parties, Party], bool]
    apart: tuple[str, ...] = (COLLEAGUE, STRANGER)
    # The rate limit of the server; 0: none.
    requests_per_minute: int = 0


def _send(count: int, query: str = _VIEWER) -> Callable[[Parties], None]:
    def move(all_parties: Parties) -> None:
        for _ in range(count):
            all_parties.first.client.post(query)

    return move


def _is_limited(all_parties: Parties, party: Party) -> bool:
    return party.client.post(_VIEWER).status_code == 429


def _new_document(party: Party, number: int) -> int:
    return party.client.post(f"{_VIEWER} #{number}{party.user_id}{'x' * 20_000}").status_code


def _send_documents(all_parties: Parties) -> None:
    # The limit refills while they are sent, and a slow machine sends few a second: as many as it takes, up to a bound.
    assert any(_new_document(all_parties.first, number) == 429 for number in range(200))


def _flood(all_parties: Parties) -> None:
    for _ in range(60):
        all_parties.first.anonymous(_VIEWER)


def _fail_sign_ins(all_parties: Parties) -> None:
    for _ in range(10):
        all_parties.first.sign_in("a wrong password")


def _ask_for_links(all_parties: Parties) -> None:
    for _ in range(6):
        all_parties.first.anonymous(_ASK, email=all_parties.first.email)


def _gets_no_link(all_parties: Parties, party: Party) -> bool:
    before = rows(all_parties.address, _LINKS, party.email)[0][0]
    party.anonymous(_ASK, email=party.email)
    return bool(rows(all_parties.address, _LINKS, party.email)[0][0] == before)


def _announce(all_parties: Parties) -> None:
    all_parties.notes["id"] = _upload_id(all_parties.first)


def _upload_id(party: Party) -> Any:
    given = announced() | {"idempotencyKey": "the same key"}
    return party.client.read(CREATE, input=given)["createUpload"]["upload"]["id"]


def _select(all_parties: Parties) -> None:
    made = all_parties.first.client.read(_SELECT)["selectInvoices"]["selection"]
    all_parties.notes["token"] = made["token"]


def _has_selection(all_parties: Parties, party: Party) -> bool:
    # Beyond its end, a selection has no invoice with which a step could be taken.
    given = {"token": all_parties.notes.get("token", "none"), "skip": MOST_SELECTED, **_NOTE}
    return bool(party.client.read(_USE, input=given)["addInternalNotes"]["errors"] == [])


def _request_exports(all_parties: Parties) -> None:
    # As the mutation does, which then waits for a worker.
    first = all_parties.first
    for _ in range(MOST_UNDER_WAY):
        rows(all_parties.address, _REQUESTED, first.clinic_id, first.user_id)


def _export_is_refused(all_parties: Parties, party: Party) -> bool:
    return bool(party.client.read(_EXPORT)["exportInvoices"]["errors"])


def _read_ids(all_parties: Parties) -> None:
    all_parties.notes["ids"] = _ids(all_parties.first)


def _ids(party: Party) -> set[str]:
    return {node["id"] for node in party.client.read(_IDS)["invoices"]["nodes"]}


def _sign_out(all_parties: Parties) -> None:
    all_parties.first.client.read("mutation { signOut { signedOut } }")


def _is_shut_out(all_parties: Parties, party: Party) -> bool:
    return party.client.post(_VIEWER).status_code == 401


def _make_link(all_parties: Parties) -> None:
    upload = all_parties.first.client.read(CREATE, input=announced())["createUpload"]["upload"]
    all_parties.notes["url"] = upload["uploadUrl"]


def _link_is_theirs(all_parties: Parties, party: Party) -> bool:
    """Whether the signature of the first party's link is that of the party's own link to the same record."""
    own = party.client.read(CREATE, input=announced())["createUpload"]["upload"]["uploadUrl"]
    return bool(_token(own)[:43] == _token(all_parties.notes.get("url", ""))[:43])


def _token(url: str) -> str:
    return url.partition("token=")[2].partition("&")[0]


# What is kept in memory alone is asked without a server.


def _memory(all_parties: Parties, make: Callable[[], Any]) -> Any:
    return all_parties.notes.setdefault("memory", make())


def _takes_slots(limit: int, name: str) -> tuple[Callable[[Parties], None], Callable[[Parties, Party], bool]]:
    def move(all_parties: Parties) -> None:
        control = _memory(all_parties, AdmissionControl)
        held = all_parties.notes.setdefault("held", ExitStack())
        for _ in range(limit):
            held.enter_context(getattr(control, name)(all_parties.first.address))

    def moved(all_parties: Parties, party: Party) -> bool:
        return _refuses(lambda: getattr(_memory(all_parties, AdmissionControl), name)(party.address))

    return move, moved


def _refuses(slot: Callable[[], Any]) -> bool:
    try:
        with slot():
            return False
    except RequestError:
        return True


def _queue(all_parties: Parties) -> None:
    limit = _memory(all_parties, SignInQueue)._limit
    held = all_parties.notes.setdefault("held", ExitStack())
    for _ in range(LARGEST_QUEUE_OF_ONE_ADDRESS):
        held.enter_context(limit.slot(all_parties.first.address))


def _queue_is_full(all_parties: Parties, party: Party) -> bool:
    return _refuses(lambda: _memory(all_parties, SignInQueue)._limit.slot(party.address))


def _take_turns(all_parties: Parties) -> None:
    all_parties.notes["busy"] = all_parties.first.user_id


def _waits(all_parties: Parties, party: Party) -> bool:
    """Whether a request of the party waits while the first user's requests take all of that user's turns."""

    async def tried() -> bool:
        control = AdmissionControl()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(8 if "busy" in all_parties.notes else 0):
                tasks.create_task(_hold(control, all_parties.notes["busy"]))
            await asyncio.sleep(0.02)
            try:
                async with asyncio.timeout(0.1), control.turn(party.user_id):
                    return False
            except TimeoutError:
                return True

    return asyncio.run(tried())


async def _hold(control: AdmissionControl, user: UUID) -> None:
    async with control.turn(user):
        await asyncio.sleep(0.3)


def _write(all_parties: Parties) -> None:
    _memory(all_parties, _replica).wrote(all_parties.first.clinic_id)


def _replica() -> Replica:
    made = Replica("", None)  # type: ignore[arg-type]
    made._is_fresh = True
    return made


def _reads_the_primary(all_parties: Parties, party: Party) -> bool:
    return _memory(all_parties, _replica).pool(Role.BILLING, party.clinic_id) is None


def _notify(all_parties: Parties) -> None:
    all_parties.notes["clinic"] = all_parties.first.clinic_id


def _hears(all_parties: Parties, party: Party) -> bool:
    async def heard() -> bool:
        hints = Hints(b"the key of the servers")
        notifications = Notifications("", hints, Sessions(None))  # type: ignore[arg-type]
        notifications._is_listening.set()
        async with notifications._subscribed(party.clinic_id, frozenset({"status"})) as changes:
            if "clinic" in all_parties.notes:
                payload = invoice_changed(hints, all_parties.notes["clinic"], UUID(int=1), ["status"])
                notifications._pass_on(None, 0, "invoice_changed", payload)
            try:
                async with asyncio.timeout(0.05):
                    return (await anext(changes)).invoice_id == UUID(int=1)
            except TimeoutError:
                return False

    return asyncio.run(heard())


EVERYBODY = (SECOND_TOKEN, COLLEAGUE, STRANGER)
STORES = (
    Store("rate limit of a user", "user", _send(40), _is_limited, requests_per_minute=20),
    Store(
        "rate limit of new documents",
        "user, or address without one",
        _send_documents,
        lambda _, party: _new_document(party, 999) == 429,
        requests_per_minute=6_000,
    ),
    Store(
        "rate limit of an address",
        "network of the address",
        _flood,
        lambda _, party: party.anonymous(_VIEWER).status_code == 429,
        requests_per_minute=3,
    ),
    Store(
        "lockout of sign-ins",
        "keyed hash of e-mail and network",
        _fail_sign_ins,
        lambda _, party: party.sign_in() is None,
    ),
    Store(
        "links to a new password",
        "keyed hash of the e-mail, and of the network",
        _ask_for_links,
        _gets_no_link,
        # The other clinic's user has the same e-mail.
        (COLLEAGUE,),
    ),
    Store("session, and the cache of sessions", "hash of the token", _sign_out, _is_shut_out, EVERYBODY),
    Store(
        "idempotency key",
        "clinic, user and key",
        _announce,
        lambda all_parties, party: _upload_id(party) == all_parties.notes.get("id"),
    ),
    Store("selection of invoices", "clinic, user and token", _select, _has_selection),
    Store("exports in progress", "clinic and user", _request_exports, _export_is_refused),
    Store(
        "document cache and plan cache",
        "role and document; rows by parameters",
        _read_ids,
        lambda all_parties, party: bool(_ids(party) & all_parties.notes.get("ids", set())),
        (STRANGER,),
    ),
    Store("signed link", "clinic and user in the signed token", _make_link, _link_is_theirs),
    Store("bodies being received", "network of the address", *_takes_slots(384, "body_slot")),
    Store("requests being answered", "network of the address", *_takes_slots(192, "request_slot")),
    Store("open WebSockets", "network of the address", *_takes_slots(LARGEST_CONNECTIONS * 3 // 4, "connection_slot")),
    Store("queue of sign-ins", "keyed hash of the network", _queue, _queue_is_full),
    Store("turns of a user", "user", _take_turns, _waits),
    Store("writes that the replica has not replayed", "clinic", _write, _reads_the_primary, (STRANGER,)),
    Store("notifications", "clinic", _notify, _hears, (STRANGER,)),
)

# Where the code constructs something that outlives a request → how many times, and the store above or why it needs none.
CONSTRUCTED = {
    "identity/sessions.py": (1, "session, and the cache of sessions"),
    "identity/oidc/sessions.py": (1, "the same, by hash of the provider's token: tests/api/access/oidc/test_oidc.py"),
    "identity/sign_in_queue.py": (2, "queue of sign-ins; its locks by keyed hash of e-mail and network"),
    "limits/admission.py": (7, "rate limits, slots and turns; the network of an address is a pure function"),
    "server/execution/document_cache.py": (1, "document cache and plan cache"),
    "resolvers/compiler/reading.py": (1, "document cache and plan cache"),
    "db/replica.py": (1, "writes that the replica has not replayed"),
    "db/notifications.py": (1, "notifications"),
    "server/http/compression.py": (1, "a pure function of a header"),
    "server/http/requests.py": (2, "pure functions of a header"),
    "resolvers/explain_access.py": (1, "a pure function of role and coordinate"),
    "resolvers/changes.py": (2, "pure functions of the schema"),
    "resolvers/commands/auditing.py": (1, "a pure function of schema and coordinate"),
    "db/write_batch.py": (2, "pure functions of table and columns"),
    "db/reminders/working_days.py": (1, "a pure function of a year"),
    "db/audit/events.py": (1, "a pure function of the code"),
    "imports/history/rows.py": (1, "a pure function of its arguments"),
    "documents/shown.py": (1, "a pure function of the packaged fonts"),
    "exports/xlsx_files.py": (1, "a pure function of the code"),
    "permissions/classes.py": (1, "a pure function of a rule"),
    "schema/whole.py": (2, "the schemas, which are the code's"),
    "domain/access/secret_keys.py": (1, "a pure function of key and purpose"),
    "domain/api_names.py": (2, "pure functions of a name"),
}
