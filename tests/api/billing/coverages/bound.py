"""An invoice under a coverage that forbids balance billing, for tests of the steps that could move it."""

from dataclasses import dataclass
from itertools import count
from typing import Any

from tests.support.api.mutations import answered, done
from tests.support.api.scenarios import Clinic
from tests.support.client import Client

MOVED = "invoice { id payer { id } responsibilities { payer { id } coverage { id } reason note } }"
COVERAGE = "coverage { id version status balanceBilling history { action changes { field before after } } }"
WHY = "The contract with the plan has ended"
_names = count(1)


def new_payer(billing: Client, kind: str = "INSURANCE", **values: Any) -> str:
    """The id of a new payer."""
    name = f"Balance {kind} {next(_names)}"
    made: str = done(billing, "createPayer", "payer { id }", name=name, kind=kind, **values)["id"]
    return made


@dataclass
class Bound:
    """An invoice that is billed to a payer whose coverage forbids balance billing; `other` is another coverage of this payer."""

    clinic: Clinic
    case: str
    invoice: str
    payer: str
    coverage: str
    other: str
    firm: str

    def cover(self, kind: str, payer: str | None = None, **values: Any) -> str:
        """The id of one more coverage of the case."""
        new = {"caseId": self.case, "payerId": payer or self.payer, "kind": kind, **values}
        made: str = done(self.clinic.billing, "addCoverage", COVERAGE, **new)["id"]
        return made

    def transfer(self, client: Client | None = None, reason: str = "OTHER", **values: Any) -> Any:
        """The answer to a transfer, to the firm by default."""
        to = values if {"payerId", "coverageId"} & set(values) else {"payerId": self.firm, **values}
        return answered(
            client or self.clinic.billing, "transferBalance", MOVED, invoiceId=self.invoice, reason=reason, **to
        )

    def owner(self) -> tuple[str, str | None]:
        """The present payer, and the coverage under which it owes."""
        query = "query ($id: ID!) { invoice(id: $id) { responsibilities { payer { id } coverage { id } } } }"
        last = self.clinic.billing.read(query, id=self.invoice)["invoice"]["responsibilities"][-1]
        return last["payer"]["id"], last["coverage"] and last["coverage"]["id"]


def billed_under_health_insurance(clinic: Clinic) -> Bound:
    """A submitted invoice of 1,000.00 in a case of its own."""
    case, payer = clinic.case(), new_payer(clinic.billing)
    own = Clinic(clinic.billing, clinic.admin, clinic.found, clinic.address)
    own.payer = payer
    invoice = own.submitted("1000.00", case)
    made = Bound(own, case, invoice, payer, "", "", new_payer(clinic.billing, "ATTORNEY"))
    made.coverage, made.other = made.cover("HEALTH"), made.cover("MEDPAY")
    return made
