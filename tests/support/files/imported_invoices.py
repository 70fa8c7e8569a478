"""Uploads a file of invoices and imports it, over HTTP."""

from typing import Any

import httpx

from tests.support.client import Client

CONTENT_TYPES = {"CSV": "text/csv", "XLSX": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
_UPLOAD = "mutation ($input: CreateUploadInput!) { createUpload(input: $input) { upload { id uploadUrl } errors { message } } }"
_IMPORT = """mutation ($input: ImportRecordsInput!) { importRecords(input: $input) {
    importReport { rows added changed unchanged badRows badCells { line column reason } isWritten } errors { message } } }"""


def imported(client: Client, body: bytes, form: str) -> Any:
    """The payload of an import of invoices."""
    upload_input = {"fileName": f"invoices.{form.lower()}", "contentType": CONTENT_TYPES[form], "byteSize": len(body)}
    upload = client.read(_UPLOAD, input=upload_input)["createUpload"]["upload"]
    assert httpx.put(upload["uploadUrl"], content=body).status_code == 201
    return client.read(_IMPORT, input={"kind": "INVOICES", "documentId": upload["id"]})["importRecords"]
