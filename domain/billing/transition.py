"""A row of the transition table: what a transition needs, permits and does."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.access.people import Role
from domain.billing.invoices import InvoiceStatus
from domain.billing.outcomes import Effect

STAFF = frozenset({Role.ADMIN, Role.BILLING})


@dataclass(frozen=True, slots=True)
class Allocation:
    """The part of a cheque that pays one invoice, in US dollars."""

    invoice_id: UUID
    amount: Decimal


@dataclass(frozen=True, slots=True)
class WantedLine:
    """A line to be billed: code, units, one side or both, and optionally an override price with its reason."""

    code: str
    units: int = 1
    bilateral: bool = False
    override_price: Decimal | None = None
    override_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a transition: a type of the standard library, an enum of the domain, or a list of allocations.

    A UUID is sent as a global id, a Decimal is an amount in US dollars. `label` is the caption of a form's field.

    `least`, `most` and `default` are names of facts of the record, or of values that a form offers, in db/fields/forms/facts.py,
    which has them in SQL. `choices` is the name of the records among which a form chooses, and `without` are values that it does not
    offer. `required_where` is a fact with which an optional input must be given.
    """

    name: str
    type_: type
    label: str
    description: str
    is_required: bool = True
    is_list: bool = False
    least: str | None = None
    most: str | None = None
    default: str | None = None
    choices: str | None = None
    without: tuple[str, ...] = ()
    required_where: str | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of TRANSITIONS: start and end states, effect, inputs, guards and permitted roles.

    `label` is the caption of a button, `description` says what the mutation does, `input_description` what its input is.
    `record` is the kind of record that the mutation changes: an invoice, whose id every such transition takes, or a cheque or case
    with several invoices. `admin_start` are states from which only an admin may start it, `staff_guards` are guards that bind
    everybody but an admin. `needs` are records or facts without which no input is valid, so that a form is not offered: names in
    domain/billing/effects/form_needs.py; the mutation refuses such an input by itself.
    """

    name: str
    label: str
    description: str
    input_description: str
    start: tuple[InvoiceStatus, ...]
    end: tuple[InvoiceStatus, ...]
    effect: Effect
    inputs: tuple[Input, ...] = ()
    guards: tuple[str, ...] = ()
    roles: frozenset[Role] = STAFF
    admin_start: tuple[InvoiceStatus, ...] = ()
    staff_guards: tuple[str, ...] = ()
    record: str = "invoice"
    # Whether its guards or its effect need the facts behind the amounts.
    reads_facts: bool = True
    # Where the end depends on the start and the amounts: every (from, to) that is possible.
    moves: tuple[tuple[InvoiceStatus, InvoiceStatus], ...] = ()
    needs: tuple[str, ...] = ()

    def ends(self, status: InvoiceStatus) -> tuple[InvoiceStatus, ...]:
        """The statuses in which it may leave an invoice that has a status."""
        return tuple(end for start, end in self.moves if start is status) if self.moves else self.end

    @property
    def required(self) -> tuple[str, ...]:
        """The names of the inputs that must be given."""
        return tuple(one.name for one in self.inputs if one.is_required)

    def guards_for(self, role: Role | None) -> tuple[str, ...]:
        """The names of the guards that bind a role (None: the worker)."""
        return self.guards if role in (Role.ADMIN, None) else (*self.guards, *self.staff_guards)

    def starts(self, status: InvoiceStatus, role: Role | None) -> bool:
        """Whether a role may start it from a state (None: the worker, which may start every transition)."""
        if role is None:
            return status in (*self.start, *self.admin_start)
        return role in self.roles and (status in self.start or (role is Role.ADMIN and status in self.admin_start))


def reason_input(description: str) -> Input:
    """The required reason of a step."""
    return Input("reason", str, "Reason", description)


def optional_input(name: str, type_: type, label: str, description: str, **form: Any) -> Input:
    """An input that may be left out; `form` are its bounds, default and choices."""
    return Input(name, type_, label, description, is_required=False, **form)
