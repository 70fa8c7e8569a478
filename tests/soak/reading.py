"""The queries of each role in the soak test: lists, nested pages, one record, aging, analytics and searches."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from domain.access.people import Role
from tests.bench.cases import RELATED, SCALARS, SEEN_BY_ATTORNEYS
from tests.support.client import Client

Variables = Callable[[Random, list[str]], dict[str, Any]]
_BUCKETS = ("DAYS_0_30", "DAYS_31_60", "DAYS_61_90", "DAYS_91_120", "DAYS_121_PLUS")
_STATUSES = ("PENDING_INVOICE", "PENDING_REDUCTION", "PENDING_CHEQUE", "CHEQUE_RECEIVED", "PAID")
_BEGINNINGS = ("a", "be", "g", "ol", "Vel", "INV-2026", "m", "CASE", "th", "2025")
_DAYS = ("2026-03-31", "2026-05-31", "2026-06-30", "2026-07-31")
_FIGURES = "invoiceCount billed received collectionRate { value } daysInAr { mean median } arDays"
_OPEN = "outstanding invoiceCount buckets { bucket invoiceCount outstanding }"


def _nothing(rng: Random, readable_ids: list[str]) -> dict[str, Any]:
    return {}


def _one(rng: Random, readable_ids: list[str]) -> dict[str, Any]:
    return {"id": rng.choice(readable_ids)}


def _status(rng: Random, readable_ids: list[str]) -> dict[str, Any]:
    return {"filter": {"status": rng.sample(_STATUSES, 2)}}


def _bucket(rng: Random, readable_ids: list[str]) -> dict[str, Any]:
    return {"filter": {"agingBucket": [rng.choice(_BUCKETS)]}}


def _search(rng: Random, readable_ids: list[str]) -> dict[str, Any]:
    return {"filter": {"search": rng.choice(_BEGINNINGS)}}


def _day(rng: Random, readable_ids: list[str]) -> dict[str, Any]:
    return {"asOf": rng.choice((None, *_DAYS))}


def _period(rng: Random, readable_ids: list[str]) -> dict[str, Any]:
    return {"filter": {"from": "2025-01-01", "to": rng.choice(_DAYS)}}


@dataclass(frozen=True)
class Reading:
    """A document that some roles send, and its variables."""

    roles: tuple[Role, ...]
    document: str
    variables: Variables = _nothing


_STAFF = (Role.ADMIN, Role.BILLING)
_FIGURED = (*_STAFF, Role.ANALYST)
_NAMED = (*_STAFF, Role.PHYSICIAN, Role.ATTORNEY)
_LIST = "query List($filter: InvoiceFilter) { invoices(first: 50, filter: $filter) { totalCount nodes { id number status %s } } }"
READINGS = (
    Reading((Role.PHYSICIAN, Role.ATTORNEY), _LIST % "billedAmount", _status),
    Reading(_FIGURED, _LIST % "balance ageDays agingBucket", _bucket),
    Reading(_STAFF, f"query Nested {{ invoices(first: 50) {{ nodes {{ {SCALARS} {RELATED} }} }} }}"),
    Reading(
        (Role.ATTORNEY, Role.PHYSICIAN), f"query Nested {{ invoices(first: 50) {{ nodes {{ {SEEN_BY_ATTORNEYS} }} }} }}"
    ),
    Reading(
        _STAFF,
        """query Cases { cases(first: 20) { nodes { number status patient { name } attorney { name }
            invoices(first: 5) { totalCount nodes { number status balance payer { name } history { transition at } } } } } }""",
    ),
    Reading(_STAFF, f"query One($id: ID!) {{ invoice(id: $id) {{ {SCALARS} {RELATED} }} }}", _one),
    Reading(
        (Role.PHYSICIAN, Role.ATTORNEY, Role.ANALYST),
        "query One($id: ID!) { invoice(id: $id) { id number status billedAmount payer { name } } }",
        _one,
    ),
    Reading(
        _NAMED,
        "query Search($filter: InvoiceFilter) { invoices(first: 20, filter: $filter) { totalCount nodes { id number } } }",
        _search,
    ),
    Reading(_FIGURED, f"query Aging($asOf: Date) {{ aging(asOf: $asOf) {{ {_OPEN} }} }}", _day),
    Reading(
        _FIGURED,
        f"query AgingByPayer($asOf: Date) {{ agingByPayer(asOf: $asOf) {{ payer {{ name }} {_OPEN.split(maxsplit=1)[0]} }} }}",
        _day,
    ),
    Reading(
        _FIGURED,
        f"query Analytics($filter: AnalyticsFilter!) {{ analytics(filter: $filter) {{ {_FIGURES} }} }}",
        _period,
    ),
    Reading(
        (Role.PHYSICIAN,),
        "query Analytics($filter: AnalyticsFilter!) { analytics(filter: $filter) { physicianProductivity { invoiceCount } } }",
        _period,
    ),
    Reading(
        _STAFF,
        "query ActionItems { actionItems(first: 20) { totalCount nodes { kind dueOn subject invoice { number } } } }",
    ),
    Reading(tuple(Role), "query Viewer { viewer { id name role } }"),
)
_IDS = "query Ids { invoices(first: 200) { nodes { id } } }"


def find_readable_ids(client: Client) -> list[str]:
    """The ids of the invoices that the client's user can read."""
    return [node["id"] for node in client.read(_IDS)["invoices"]["nodes"]]


def read(client: Client, role: Role, readable_ids: list[str], rng: Random) -> None:
    """Send a random query of the role."""
    chosen = rng.choice([reading for reading in READINGS if role in reading.roles])
    client.read(chosen.document, **chosen.variables(rng, readable_ids))
