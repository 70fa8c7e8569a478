"""The SQL of signed URLs: PostgreSQL signs each row with keys from the request, so that Python signs nothing per row."""

from sqlalchemy import LargeBinary, Text, func, literal_column

from db.global_ids import id_expression
from db.row import Expression, Row


def link(row: Row, kind: str, type_name: str, identity: Expression) -> Expression:
    """The signed URL of a record's file, null where there is none; domain/access/signed_urls.py defines the signature."""
    scope = row.scope
    inner, outer = (scope.brought(f"{kind}_{pad}", LargeBinary()) for pad in ("inner", "outer"))
    digest = func.sha256(outer.op("||")(func.sha256(inner.op("||")(func.uuid_send(identity)))))
    signature = func.translate(func.encode(digest, "base64"), "+/=", "-_")
    path = _text(f"/{kind}/") + id_expression(type_name, identity)
    token = _text("?token=") + scope.brought(f"{kind}_token", Text()) + _text("&signature=")
    return scope.brought("base_url", Text()) + path + token + signature


def _text(constant: str) -> Expression:
    return literal_column(f"'{constant}'::text", Text())
