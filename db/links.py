"""Decides the SQL of a signed link: what a request brings signs each row, so that nothing is signed per row in Python."""

from sqlalchemy import LargeBinary, Text, func, literal_column

from db.identity import id_expression
from db.row import Expression, Row


def link(row: Row, kind: str, type_name: str, identity: Expression) -> Expression:
    """The address of the file that belongs to a record, null where there is none; domain/links.py says how it is signed."""
    scope = row.scope
    inner, outer = (scope.brought(f"{kind}_{pad}", LargeBinary()) for pad in ("inner", "outer"))
    digest = func.sha256(outer.op("||")(func.sha256(inner.op("||")(func.uuid_send(identity)))))
    signature = func.translate(func.encode(digest, "base64"), "+/=", "-_")
    path = _text(f"/{kind}/") + id_expression(type_name, identity)
    token = _text("?token=") + scope.brought(f"{kind}_token", Text()) + _text("&signature=")
    return scope.brought("base_url", Text()) + path + token + signature


def _text(constant: str) -> Expression:
    return literal_column(f"'{constant}'::text", Text())
