"""Issues documents over HTTP, and reads what was drawn."""

from io import BytesIO
from typing import Any

import httpx
from pypdf import PdfReader

from tests.support.api.mutations import done
from tests.support.api.scenarios import Clinic
from tests.support.client import Client

DOCUMENT = """issuedDocument { id kind number origin status fileStatus recipient asOf goodThrough statedAmount dataHash sha256 byteSize
    pageCount downloadUrl issuedAt isFinal state case { id } invoices { invoice { id } statedAmount } supersedes { id }
    supersededBy { id } issuedBy { name } withdrawnBy { name } withdrawalReason template { version } statement { id }
    executedOn servedOn
    deliveries { id method deliveredAt recipient attorney { id } firm { id } trackingNumber proofUrl recordedBy { name } } }"""


def issue(clinic: Clinic, kind: str, client: Client | None = None, **values: Any) -> Any:
    """A document that billing staff issued."""
    return done(client or clinic.billing, "issueDocument", DOCUMENT, kind=kind, **values)


def document(client: Client, identity: str) -> Any:
    """A document as a client sees it; None if it is out of reach."""
    fields = DOCUMENT.removeprefix("issuedDocument ")
    return client.read(f"query ($id: ID!) {{ node(id: $id) {{ ... on IssuedDocument {fields} }} }}", id=identity)[
        "node"
    ]


def downloaded(url: str) -> httpx.Response:
    """The response to a download."""
    return httpx.get(url, timeout=30)


def text_of(pdf: bytes) -> str:
    """The text of a PDF, all pages."""
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages)
