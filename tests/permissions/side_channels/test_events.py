"""A subscriber gets events of changes that the role may see, and of no others."""

from uuid import UUID

import pytest

from db.tables import metadata
from domain.access.people import Role
from resolvers.changes import names_seen
from schema.whole import role_schemas
from server.database_urls import DatabaseUrls
from tests.db.rights.rights import STAFF_COLUMNS, WRITTEN_BY_HAND, column_sets
from tests.permissions.side_channels.lists import RESTRICTED
from tests.support.subscriber import announce
from tests.support.subscriptions import InvoicePool, Listen, Received

# What a notification can name: the columns of invoices, and the tables beside them.
NAMES = {column.name for column in metadata.tables["invoices"].c} | set(metadata.tables)


# What reports aggregate and of which no role sees single values; of what stands below, these roles see no single values.
_AGGREGATED = {"encounter_states", "invoice_states", "restated_states", "known_from"}
_AGGREGATED_FOR = {
    # The correction of a visit adds to its history and reads the id back; only billing staff see the history.
    Role.PHYSICIAN: {"encounter_id", "encounter_events"},
    # Read by downloads alone.
    Role.ANALYST: {"export_records"},
}


def visible_changes(role: Role) -> set[str]:
    """What the handwritten table lets a role get events of; the idempotency keys of a user are looked up, and shown to no role."""
    columns = column_sets(WRITTEN_BY_HAND[role])
    no_events = {"idempotency_keys", "invoice_selections", *_AGGREGATED, *_AGGREGATED_FOR.get(role, ())}
    return {*columns, *columns["invoices"]} - no_events


@pytest.mark.parametrize("role", list(Role))
def test_a_role_gets_events_of_what_it_sees_and_of_nothing_else(role: Role) -> None:
    # What staff's mutations look up is read, and not shown: of invoices, the columns after the bar, and the day of an agreement.
    unseen = set() if role in RESTRICTED else visible_changes(role) - names_seen(role_schemas()[role], role)
    assert names_seen(role_schemas()[role], role) & NAMES == (visible_changes(role) - unseen) & NAMES
    looked_up = STAFF_COLUMNS["invoices"].partition("|")[2].split()
    assert unseen <= {"agreed_on", *looked_up, *metadata.tables}


@pytest.mark.parametrize("role", RESTRICTED)
def test_of_all_changes_a_subscriber_gets_events_of_those_that_the_role_sees(
    address: DatabaseUrls, listen: Listen, invoice_pool: InvoicePool, received: Received, role: Role
) -> None:
    invoice: UUID = invoice_pool.invoice("pending_invoice", submitted=True)
    hidden, visible = sorted(NAMES - visible_changes(role)), sorted(NAMES & visible_changes(role))
    assert {"floor_amount", "reduction_offers", "internal_notes", "version"} <= set(hidden)
    with listen(role.value) as subscriber:
        for name in hidden:
            announce(address, invoice, name)
        announce(address, invoice, *hidden)
        assert received(subscriber) == [[]]
    with listen(role.value) as subscriber:
        for name in visible:
            announce(address, invoice, name, *hidden)
            assert subscriber.next_result()["number"] == invoice_pool.number(invoice), name
