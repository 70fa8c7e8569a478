"""Previews, imports and saved mappings over HTTP, as documents with short names."""

import hashlib
from typing import Any

from domain.documents.uploads import CSV, XLSX
from tests.support.api.scans import sent
from tests.support.client import Client

CONTENT_TYPES = {"CSV": CSV, "XLSX": XLSX}
MAPPING = """mapping { headerRow ignoresOtherColumns columns { column format constant sources { name position }
    values { source value } } skipWhereBlank { name position } skipTotalsIn { name position } encoding delimiter sheet
    onlyWhere { source { name position } values } }"""
REPORT = "rows added changed unchanged badRows badCells { line column value: cellValue reason } written: isWritten"
PREVIEW = f"""mutation ($input: ImportPreviewInput!) {{ importPreview(input: $input) {{ errors {{ message code path }} preview {{
    kind fileSha256 encoding delimiter sheets sheet {MAPPING} questions {{ column reason example formats unknownValues }}
    missingColumns otherColumns skippedRows skippedLines rowCount controlTotals {{ column valueCount total }}
    firstRows {{ line cells {{ column source value: cellValue readAs }} }} report: importReport {{ {REPORT} }} }} }} }}"""
IMPORT = f"""mutation ($input: ImportRecordsInput!) {{ importRecords(input: $input) {{
    report: importReport {{ {REPORT} }} errors {{ message code path }} }} }}"""
SAVED = f"id kind name version changedBy {MAPPING}"
SAVE = f"""mutation ($input: SaveImportMappingInput!) {{ saveImportMapping(input: $input) {{
    importMapping {{ {SAVED} }} errors {{ message code path __typename }} }} }}"""
DELETE = """mutation ($input: DeleteImportMappingInput!) { deleteImportMapping(input: $input) {
    importMapping { id } errors { message code path } } }"""
LIST = f"query ($kind: ImportKind) {{ importMappings(kind: $kind) {{ {SAVED} }} }}"


def uploaded(client: Client, text: str) -> str:
    """The id of an uploaded CSV file."""
    return sent(client, text.encode(), fileName="list.csv", contentType=CSV)


def sha256(text: str) -> str:
    """The hash by which an import names the previewed file."""
    return hashlib.sha256(text.encode()).hexdigest()


def previewed(client: Client, document_id: str, kind: str, **more: Any) -> Any:
    """The payload of a preview."""
    return client.read(PREVIEW, input={"kind": kind, "documentId": document_id, **more})["importPreview"]


def imported(client: Client, document_id: str, kind: str, **more: Any) -> Any:
    """The payload of an import."""
    return client.read(IMPORT, input={"kind": kind, "documentId": document_id, **more})["importRecords"]


def imported_invoices(client: Client, body: bytes, form: str) -> Any:
    """The payload of an import of a file of invoices, in one of the formats of an export."""
    file = sent(client, body, fileName=f"invoices.{form.lower()}", contentType=CONTENT_TYPES[form])
    return imported(client, file, "INVOICES")


def saved(client: Client, kind: str, name: str, mapping: Any, **more: Any) -> Any:
    """The payload of saving a mapping."""
    return client.read(SAVE, input={"kind": kind, "name": name, "mapping": mapping, **more})["saveImportMapping"]


def column(name: str, source: str | None = None, **more: Any) -> dict[str, Any]:
    """A column of a mapping."""
    return {"column": name, **({"sources": [{"name": source}]} if source else {}), **more}
