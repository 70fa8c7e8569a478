"""Records, returns, deposits and refunds payments over HTTP."""

from datetime import timedelta
from itertools import count
from typing import Any

from tests.support.api.mutations import answered, done
from tests.support.api.records import today
from tests.support.api.scenarios import TODAY, Clinic, allocations
from tests.support.client import Client

CHEQUE = """cheque { id method number bank status amount unappliedAmount chequeDate receivedOn heldFrom depositedOn clearedOn
    returnedOn returnKind isBounced documentUrl deposit { id total } replaces { id } replacedBy { id }
    refunds { amount payee reason refundedOn method refundedBy { name } documentUrl } }"""
WARNED = f"{CHEQUE} warnings {{ code message path amount }}"
DEPOSIT = """deposit { id bankAccount depositedOn paymentCount total recordedBy { name }
    cheques { id status receivedOn depositedOn } }"""
_numbers = count(1)


def day(days: int) -> str:
    """A day so many days from today, in the clinic."""
    return (today() + timedelta(days=days)).isoformat()


def electronic(
    clinic: Clinic, amount: str = "100.00", parts: dict[str, str] | None = None, **values: Any
) -> dict[str, Any]:
    """The input of an ACH payment without document."""
    known = {"payerId": clinic.payer, "method": "ACH", "number": f"trace-{next(_numbers)}", "amount": amount}
    return {**known, "chequeDate": TODAY, "receivedOn": TODAY, "allocations": allocations(parts or {}), **values}


def paid(clinic: Clinic, amount: str = "100.00", parts: dict[str, str] | None = None, **values: Any) -> Any:
    """An ACH payment."""
    return done(clinic.billing, "recordCheque", CHEQUE, **electronic(clinic, amount, parts, **values))


def paper(clinic: Clinic, **values: Any) -> Any:
    """A paper cheque of 100.00 without allocations."""
    return done(clinic.billing, "recordCheque", CHEQUE, **clinic.cheque_of("100.00", {}, **values))


def warnings(client: Client, name: str, **values: Any) -> list[Any]:
    """The warnings of a change that was made."""
    answer = answered(client, name, WARNED, **values)
    assert answer["errors"] == [], answer
    found: list[Any] = answer["warnings"]
    return found


def returned(clinic: Clinic, cheque: str, **values: Any) -> Any:
    """The payment, returned today."""
    inputs = {"chequeId": cheque, "returnedOn": TODAY, "reason": "The bank says so", **values}
    return done(clinic.billing, "returnCheque", CHEQUE, **inputs)


def deposited(clinic: Clinic, *cheques: str, on: str = TODAY) -> Any:
    """A deposit of some payments."""
    inputs = {"bankAccount": "Operating account", "depositedOn": on, "chequeIds": list(cheques)}
    return done(clinic.billing, "createDeposit", DEPOSIT, **inputs)


def refund_of(cheque: str, amount: str, **values: Any) -> dict[str, Any]:
    """The input of a refund."""
    told = {"payee": "Acme Mutual", "reason": "Paid twice", "refundedOn": TODAY, "method": "PAPER"}
    return {"chequeId": cheque, "amount": amount, **told, **values}


def refunded(clinic: Clinic, cheque: str, amount: str, **values: Any) -> Any:
    """The payment after a refund by an administrator."""
    return done(clinic.admin, "refundCheque", CHEQUE, **refund_of(cheque, amount, **values))


def look(client: Client, cheque: str) -> Any:
    """The payment as it is now; None when it is not in reach."""
    selection = CHEQUE.removeprefix("cheque ")
    return client.read(f"query ($id: ID!) {{ node(id: $id) {{ ... on Cheque {selection} }} }}", id=cheque)["node"]


def items(client: Client, cheque: str, on: str = TODAY) -> list[tuple[str, str, str]]:
    """The action items of a payment: kind, day and subject."""
    query = """query ($on: Date) { actionItems(asOf: $on, first: 500) {
        nodes { kind dueOn subject cheque { id } invoice { id } } } }"""
    found = client.read(query, on=on)["actionItems"]["nodes"]
    mine = [item for item in found if item["cheque"] and item["cheque"]["id"] == cheque and item["invoice"] is None]
    return [(item["kind"], item["dueOn"], item["subject"]) for item in mine]
