"""Compiles what a change of an invoice is to a subscriber: whether it matched the filter before and after one transaction, in reach."""

from functools import cached_property
from typing import Any

from sqlalchemy import Uuid, and_, exists, func, literal_column, select
from sqlalchemy.sql.selectable import Select

from db import tables
from db.fields.base import Expression, Pages, View
from db.fields.billing.invoice_images import IMAGE, taken_before
from db.row import Row
from db.security.reach import reach_of
from resolvers.compiler.compile import Compiler
from resolvers.compiler.pages import Page
from resolvers.compiler.plans import id_reader
from resolvers.compiler.refusals import refuse
from resolvers.compiler.selection import SelectedField


class _ImagePage(Page):
    """The filter of a list of invoices, over images of them."""

    @cached_property
    def view(self) -> View:
        """The view of images, which has the same filters."""
        return IMAGE


def matches(compiler: Compiler, asked: SelectedField) -> Select[Any]:
    """A query for whether the invoice matched `before` the transaction and `after` it, and whether it is `reached` now.

    After a transaction an invoice is what the next one finds: the next image, or, if there is none, the invoice as it is. Where no
    image is in the viewer's reach, the invoice was not in the list before, or nothing has changed that filters and row rules read:
    then what matches afterwards is an event that leaves nothing.
    """
    scope, binder = compiler.scope, compiler.binder
    change = binder.argument(asked, ("change",), Uuid())
    identity = binder.argument(asked, ("id",), Uuid(), id_reader("id", "Invoice"))
    arguments = compiler.selector.arguments(asked)
    if (arguments.get("filter") or {}).get("worklist") is not None:
        raise refuse(
            "filter.worklist", "A work list cannot be followed, since the day decides it: read it again instead"
        )
    images, invoices = (kind(compiler, Pages("Invoice"), asked, None, arguments) for kind in (_ImagePage, Page))
    before, own, later = (scope.row(IMAGE.table) for _ in range(3))
    invoice, reached = (scope.row(tables.invoices) for _ in range(2))

    def there(row: Row, *conditions: Expression) -> Expression:
        return exists(select(literal_column("1")).select_from(row.source).where(*conditions))

    def of_invoice(row: Row) -> list[Expression]:
        return [row.clinic_id == scope.clinic_id, row.id == identity, *reach_of(row)]

    first = select(own.position).select_from(own.source).where(*taken_before(own, change, identity)).scalar_subquery()
    following = [*of_invoice(later), later.position > first]
    matched_later = and_(literal_column("true"), *images.narrowed(later))
    next_ = select(func.coalesce(matched_later, literal_column("false"))).select_from(later.source)
    next_ = next_.where(*following).order_by(later.position).limit(literal_column("1"))
    now = there(invoice, *of_invoice(invoice), *invoices.narrowed(invoice))
    was = [*taken_before(before, change, identity), before.existed, *reach_of(before), *images.narrowed(before)]
    return select(
        there(before, *was).label("before"),
        func.coalesce(next_.scalar_subquery(), now).label("after"),
        there(reached, *of_invoice(reached)).label("reached"),
    )
