"""Work lists: each is the invoices of its filter, counted and summed up in one statement, and tells other roles nothing."""

from typing import Any

import pytest

from domain.access.people import Role
from domain.reports.worklists import WorklistName
from tests.api.reads.test_sums import LEDGER, read_all, total
from tests.conftest import SignIn
from tests.support.api.scenarios import Clinic
from tests.support.databases import rows

LISTS = "{ worklists { name count billed balance } }"


def listed(answer: Any) -> dict[str, Any]:
    """The work lists of an answer by name."""
    return {one["name"]: one for one in answer["worklists"]}


@pytest.mark.parametrize("name", WorklistName)
def test_a_work_list_has_the_invoices_of_its_filter(sign_in: SignIn, name: WorklistName) -> None:
    biller = sign_in(Role.BILLING)
    found = listed(biller.read(LISTS))
    assert list(found) == [one.name for one in WorklistName]
    sums, invoices = read_all(biller, LEDGER, "balance", worklist=name.name)
    assert found[name.name] == {
        "name": name.name,
        "count": len(invoices),
        "billed": sums["billed"],
        "balance": total(invoices, "balance"),
    }


def test_an_invoice_is_on_the_list_of_what_is_to_be_done_with_it(clinic: Clinic) -> None:
    def lists_of(invoice: str) -> set[str]:
        number = clinic.look(invoice)["number"]
        query = "query ($filter: InvoiceFilter) { invoices(filter: $filter) { nodes { number } } }"
        filters = {one.name: {"worklist": one.name, "search": number} for one in WorklistName}
        return {
            name for name, filter_ in filters.items() if clinic.billing.read(query, filter=filter_)["invoices"]["nodes"]
        }

    invoice = clinic.invoice()
    assert lists_of(invoice) == {"UNSUBMITTED"}
    submitted = clinic.submitted()
    assert lists_of(submitted) == set()
    number = clinic.look(submitted)["number"]
    rows(clinic.address, "update invoices set updated_at = now() - interval '32 days' where number = $1", number)
    assert lists_of(submitted) == {"STALE"}


@pytest.mark.parametrize("role", [Role.ATTORNEY, Role.PHYSICIAN, Role.ANALYST])
def test_other_roles_have_no_work_lists(sign_in: SignIn, role: Role) -> None:
    client = sign_in(role)
    assert "Cannot query field 'worklists'" in client.refusals(LISTS)[0]
    assert "worklist" in client.refusals("{ invoices(filter: {worklist: STALE}) { totalCount } }")[0]
