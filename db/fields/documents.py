"""The SQL of uploads: files for which an upload URL was requested."""

from db import tables
from db.fields.base import View, plain
from db.global_ids import id_expression
from db.signed_urls import link

UPLOAD = View(
    tables.documents,
    {
        "id": lambda d: id_expression("Upload", d.id),
        "uploadUrl": lambda d: link(d, "uploads", "Upload", d.id),
        **plain("expires_at"),
    },
)
