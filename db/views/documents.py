"""Decides how an announced file is read."""

from db import tables
from db.identity import id_expression
from db.links import link
from db.views.base import View, plain

UPLOAD = View(
    tables.documents,
    {
        "id": lambda d: id_expression("Upload", d.id),
        "uploadUrl": lambda d: link(d, "uploads", "Upload", d.id),
        **plain("expires_at"),
    },
)
