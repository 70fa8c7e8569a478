"""Decides that a subscriber hears of a change of what the role sees, and not a sound of anything else."""

from uuid import UUID

import pytest

from db.tables import metadata
from domain.people import Role
from resolvers.changes import names_seen
from schema.whole import role_schemas
from server.addresses import Address
from tests.db.rights import WRITTEN_BY_HAND, words
from tests.hearing import Hears, Listen, Stock
from tests.permissions.side_doors.lists import WALLED
from tests.subscriber import announce

# What a change may be announced as: the columns of invoices, and the tables beside them.
NAMES = {column.name for column in metadata.tables["invoices"].c} | set(metadata.tables)


# What reports add up, and of which nobody is shown a single one; of the rest, these roles are shown none.
_ADDED_UP = {"first_submitted_on", "invoice_states", "known_from"}
_ADDED_UP_FOR = {
    Role.PHYSICIAN: {"encounter_id"},
    Role.ANALYST: {
        *("encounter_id", "submitted_on", "agreed_on", "fully_paid_on"),
        *("denials", "encounters", "encounter_exams"),
    },
}


def audible(role: Role) -> set[str]:
    """What the table written by hand lets a role hear of; the keys of one's own steps are looked up, and seen by nobody."""
    columns = words(WRITTEN_BY_HAND[role])
    silent = {"idempotency_keys", *_ADDED_UP, *_ADDED_UP_FOR.get(role, ())}
    return {*columns, *columns["invoices"]} - silent


@pytest.mark.parametrize("role", list(Role))
def test_a_role_listens_to_what_it_sees_and_to_nothing_else(role: Role) -> None:
    # What staff look up for their steps is read, and not seen.
    unseen = set() if role in WALLED else audible(role) - names_seen(role_schemas()[role], role)
    assert names_seen(role_schemas()[role], role) & NAMES == (audible(role) - unseen) & NAMES
    assert unseen <= {"agreed_on", "submission_method", *metadata.tables}


@pytest.mark.parametrize("role", WALLED)
def test_of_everything_that_can_change_a_subscriber_hears_what_the_role_sees(
    address: Address, listen: Listen, stock: Stock, hears: Hears, role: Role
) -> None:
    invoice: UUID = stock.invoice("pending_invoice", submitted=True)
    hidden, visible = sorted(NAMES - audible(role)), sorted(NAMES & audible(role))
    assert {"floor_amount", "reduction_offers", "internal_notes", "version"} <= set(hidden)
    with listen(role.value) as subscriber:
        for name in hidden:
            announce(address, invoice, name)
        announce(address, invoice, *hidden)
        assert hears(subscriber) == [[]]
    with listen(role.value) as subscriber:
        for name in visible:
            announce(address, invoice, name, *hidden)
            assert subscriber.heard()["number"] == stock.number(invoice), name
