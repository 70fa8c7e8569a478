"""What was restored of money that a payer took back is an allocation to the release before, and is found again by the next one."""

import asyncio
from contextlib import ExitStack

from db.migrate import migrate
from domain.access.people import Role
from server.database_urls import DatabaseUrls, bring_up_to_date
from tests.api.remittances.test_returns import taken_back
from tests.support.api.records import find_records
from tests.support.api.scenarios import Clinic, broken_laws
from tests.support.client import Client, serving
from tests.support.databases import rows

_BEFORE = "0036"
_ROWS = "select id, amount, reverses_id, reversal_kind from cheque_allocations order by id"
_UNKNOWN = "select count(*) from cheque_allocations where amount > 0 and reversal_kind = 'returned'"
_SUMS = "select invoice_id, cheque_id, sum(amount) from cheque_allocations group by 1, 2 order by 1, 2"


def test_down_and_up_again_keeps_what_was_taken_back_and_restored(own_address: DatabaseUrls) -> None:
    with ExitStack() as stack:
        anonymous = stack.enter_context(Client(stack.enter_context(serving(own_address))))
        billing, admin = (anonymous.signed_in(f"{role.value}@demo.example") for role in (Role.BILLING, Role.ADMIN))
        clinic = Clinic(billing, admin, find_records(own_address), own_address)
        earlier, later, corrected = (taken_back(clinic) for _ in range(3))
        earlier.returned(earlier.earlier)
        later.returned(later.later)
        corrected.earlier = corrected.corrected(corrected.earlier, number="RIGHT-1")
        corrected.returned(corrected.earlier)
    before, sums = (rows(own_address, query) for query in (_ROWS, _SUMS))
    assert rows(own_address, _UNKNOWN)[0][0] == 3
    asyncio.run(migrate(own_address.owner, revision=_BEFORE))
    assert rows(own_address, _UNKNOWN)[0][0] == 0
    assert rows(own_address, _SUMS) == sums
    asyncio.run(bring_up_to_date(own_address))
    assert rows(own_address, _ROWS) == before
    assert broken_laws(own_address) == ()
