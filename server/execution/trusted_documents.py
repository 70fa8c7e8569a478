"""Trusted documents: the operator's folder of documents, requested by name or hash; with it, no others are executed."""

import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from graphql import GraphQLSchema, OperationDefinitionNode, parse

from domain.access.people import Role
from domain.errors import RefusedRequest
from server.execution.document_cache import DocumentCache
from server.execution.requests import GraphQLRequest
from server.settings import SettingError

_HASH = "sha256:"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,99}")


class TrustedDocuments:
    """The trusted documents of a folder: one `name.graphql` per operation, with the fragments that it needs."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._names = {text: name for name, text in texts.items()}
        hashed = {_HASH + sha256(text.encode()).hexdigest(): text for text in texts.values()}
        self._texts = {**texts, **hashed, **{text: text for text in texts.values()}}

    def name_of(self, text: str) -> str | None:
        """The name of a trusted document; None for any other text."""
        return self._names.get(text)

    def text_of(self, request: GraphQLRequest) -> str:
        """The trusted document that a request names by id or hash, or sends as text; RefusedRequest for any other."""
        meant = request.query if request.document_id is None else request.document_id
        text = self._texts.get(meant) if isinstance(meant, str) else None
        if text is None:
            raise RefusedRequest(400, "This server only executes trusted documents", "DOCUMENT_NOT_LISTED")
        return text


def trusted_in(named: str, schemas: Mapping[Role | None, GraphQLSchema]) -> TrustedDocuments:
    """Load the documents of a folder; SettingError names the first file that is not valid for any role."""
    folder = Path(named)
    if not folder.is_dir():
        raise _wrong(f"{folder} is not a folder")
    documents, texts = DocumentCache(schemas), {}
    for path in sorted(folder.glob("*.graphql")):
        texts[path.stem] = _read(path, documents, schemas)
    if not texts:
        raise _wrong(f"there is no *.graphql file in {folder}")
    return TrustedDocuments(texts)


def _read(path: Path, documents: DocumentCache, schemas: Mapping[Role | None, GraphQLSchema]) -> str:
    if not _NAME.fullmatch(path.stem):
        raise _wrong(f"{path.name}: a name must begin with a letter and have only letters, digits, - and _")
    text = path.read_text(encoding="utf-8")
    found = [documents.prepare(role, text) for role in schemas]
    if all(prepared.errors for prepared in found):
        raise _wrong(f"{path.name}: {found[0].errors[0].message}")
    operations = [part for part in parse(text).definitions if isinstance(part, OperationDefinitionNode)]
    if len(operations) != 1:
        raise _wrong(f"{path.name}: a file must have exactly one operation")
    return text


def _wrong(words: str) -> SettingError:
    return SettingError(f"BILLING_TRUSTED_DOCUMENTS is wrong: {words}")
