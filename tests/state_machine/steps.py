"""One step of a user: what is sent, and what becomes known to all users when it succeeds."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from domain.billing.transitions import TRANSITIONS
from tests.state_machine.world import Payment, World
from tests.support.api.scenarios import SCAN

# Mutations of administrators alone.
ADMIN_ONLY = frozenset(
    {
        *("void_invoice", "write_off_invoice", "reverse_write_off", "reopen_case"),
        *("refund_cheque", "return_refund", "cover_refund", "give_up_refund"),
        *("merge_payers", "undo_merge"),
    }
)
# The record that a mutation returns, if it is not an invoice.
RECORDS = {
    **dict.fromkeys(
        (
            *("record_cheque", "allocate_cheque", "return_cheque", "clear_cheque"),
            *("correct_cheque", "move_allocation"),
            *("refund_cheque", "return_refund", "cover_refund", "give_up_refund"),
        ),
        "cheque",
    ),
    **dict.fromkeys(("record_recoupment_request", "answer_recoupment_request"), "recoupmentRequest"),
    "post_remittance": "remittance",
    **dict.fromkeys(("settle_case", "close_case", "reopen_case", "create_case", "update_case"), "case"),
    **dict.fromkeys(("assign_attorney", "cancel_attorney_change", "transfer_from_former_firm"), "case"),
    **dict.fromkeys(("add_coverage", "update_coverage", "verify_coverage", "close_coverage"), "coverage"),
    **dict.fromkeys(("record_encounter", "update_encounter", "cancel_encounter"), "encounter"),
    **dict.fromkeys(("create_deposit", "deposit_cheques"), "deposit"),
    **dict.fromkeys(("schedule_reminder", "complete_reminder"), "reminder"),
    **dict.fromkeys(("merge_payers", "undo_merge"), "merge"),
    **dict.fromkeys(("appeal_denial", "close_denial"), "denial"),
}
TRANSITION_NAMES = tuple(row.name for row in TRANSITIONS)
# Made by the rules themselves, as money comes or a day passes.
AUTOMATIC = tuple(row.name for row in TRANSITIONS if not row.roles)


@dataclass
class Step:
    """A mutation with its input; `known` is called with the id of its record when it succeeds."""

    name: str
    inputs: dict[str, Any]
    is_admin: bool = False
    known: Callable[[str], None] = lambda identity: None
    key: str = ""
    # The outcome: the id of the record, or the code of the refusal.
    record: str | None = None
    refusal: str | None = None
    # How many claims of a remittance were answered as posted.
    posted: int = 0
    attempts: int = 0
    seconds: float = 0.0
    refusals: list[str] = field(default_factory=list)

    @property
    def mutation(self) -> str:
        """The name in the API."""
        first, *rest = self.name.split("_")
        return first + "".join(word.capitalize() for word in rest)

    @property
    def returned(self) -> str:
        """The name of the record in the payload."""
        return RECORDS.get(self.name, "invoice")

    @property
    def document(self) -> str:
        """The GraphQL document."""
        figures = "id postedCount" if self.returned == "remittance" else "id"
        selection = f"{self.returned} {{ {figures} }} errors {{ code message path }}"
        name = f"{self.mutation[0].upper()}{self.mutation[1:]}"
        return f"mutation {name}($input: {name}Input!) {{ {self.mutation}(input: $input) {{ {selection} }} }}"


def remember_payment(world: World, payment: Payment, invoices: list[str]) -> None:
    """Let all users know of a payment."""
    with world.lock:
        world.cheques = [*world.cheques[-60:], payment]
        for invoice in invoices:
            world.paid_by[invoice].append(payment)


def replace_payment(world: World, wrong: str, right: Payment) -> None:
    """Let all users know of the payment that takes the place of one which was typed wrong."""

    def replaced(payments: list[Payment]) -> list[Payment]:
        return [right if one.id == wrong else one for one in payments]

    with world.lock:
        world.cheques = replaced(world.cheques)
        for invoice, payments in list(world.paid_by.items()):
            world.paid_by[invoice] = replaced(payments)


def announced_scan() -> dict[str, Any]:
    """The input that announces the upload of a scan."""
    return {"fileName": "scan.pdf", "contentType": "application/pdf", "byteSize": len(SCAN)}


def remittance_upload(data: bytes) -> dict[str, Any]:
    """The input that announces the upload of a remittance file."""
    return {"fileName": "remittance.835", "contentType": "application/edi-x12", "byteSize": len(data)}


def weighted(random: Random, names: list[str], world: World) -> str:
    """One of some steps; those that succeeded seldom are preferred."""
    return random.choices(names, [1 / (1 + world.done[name]) for name in names])[0]
