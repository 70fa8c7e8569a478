"""Decides how the code list is read."""

from sqlalchemy import Text, and_, or_

from db import tables
from db.identity import id_expression
from db.row import Row
from db.views.base import Choice, Expression, Order, View, amounts, name_of, plain
from db.views.parties import starts_with

_SORTED_TEXT = Text(collation="C")


def _valid_on(c: Row, day: Expression) -> Expression:
    return and_(c.valid_from <= day, or_(c.valid_to.is_(None), c.valid_to > day))


CPT_CODE = View(
    tables.cpt_codes,
    {
        "id": lambda c: id_expression("CptCode", c.id),
        **plain("code", "label", "active", "valid_from", "valid_to"),
        **amounts("base_price"),
        "bilateralPolicy": name_of("bilateral_policy"),
    },
    {
        "code": Choice(lambda c, prefix: starts_with(c.code, prefix), _SORTED_TEXT),
        "activeOnly": Choice(lambda c, wanted: c.active if wanted else c.id.is_not(None)),
    },
    order=Order(lambda c: c.code, _SORTED_TEXT),
    listed_as="cptCodes",
)
