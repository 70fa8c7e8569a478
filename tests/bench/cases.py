"""The measured cases: the queries, the role of each, and their targets."""

from dataclasses import dataclass

from domain.access.people import Role

SCALARS = (
    "id number status version createdOn serviceDate submittedOn paidOn billedAmount agreedAmount receivedAmount balance"
)
RELATED = (
    "patient { id name } payer { id name } physician { id name } facility { id name } "
    "lines { position cptCode label units amount }"
)
# The part of the same selection that an attorney's schema has.
SEEN_BY_ATTORNEYS = (
    "id number status createdOn serviceDate billedAmount patient { id name } payer { id name } "
    "physician { id name } facility { id name } lines { cptCode label units bilateral amount }"
)


@dataclass(frozen=True)
class Case:
    """One query over HTTP. `of_limit` is its target, as a share of the limit's throughput, at any concurrency."""

    name: str
    meaning: str
    role: Role
    query: str
    of_limit: float
    root: str = "invoices"
    has_id: bool = False


CASES = {
    case.name: case
    for case in (
        Case(
            "a",
            "page of 50 invoices: 12 scalars, patient, payer, physician, facility, lines",
            Role.BILLING,
            f"query Page {{ invoices(first: 50) {{ nodes {{ {SCALARS} {RELATED} }} }} }}",
            0.85,
        ),
        Case(
            "b",
            "one invoice by its id (another one each time), same selection",
            Role.BILLING,
            f"query One($id: ID!) {{ invoice(id: $id) {{ {SCALARS} {RELATED} }} }}",
            0.65,
            root="invoice",
            has_id=True,
        ),
        Case(
            "c",
            "500 invoices, 12 scalars",
            Role.BILLING,
            f"query Many {{ invoices(first: 500) {{ nodes {{ {SCALARS} }} }} }}",
            0.85,
        ),
        Case(
            "d",
            "page of 50 invoices as attorney: everything of the above that an attorney sees",
            Role.ATTORNEY,
            f"query Mine {{ invoices(first: 50) {{ nodes {{ {SEEN_BY_ATTORNEYS} }} }} }}",
            0.9,
        ),
    )
}
TIMES_TEXTBOOK = 15.0
P50_GROWTH_AT_MOST = 1.5
# The target of both locks: how much they may add to the processor time of case (a).
LOCKS_AT_MOST = 0.10
CONCURRENCIES = (1, 16)
