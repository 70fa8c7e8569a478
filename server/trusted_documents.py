"""Decides which documents may run where an operator lists them: those of a folder, by name or by hash, and no others."""

import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from graphql import GraphQLSchema, OperationDefinitionNode, parse

from domain.people import Role
from server.documents import Documents
from server.requests import GraphQLRequest, RefusedRequest
from server.settings import SettingError

_HASH = "sha256:"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,99}")


class TrustedDocuments:
    """The documents of a folder; one `name.graphql` for each operation, with the fragments that it needs."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._names = {text: name for name, text in texts.items()}
        hashed = {_HASH + sha256(text.encode()).hexdigest(): text for text in texts.values()}
        self._texts = {**texts, **hashed, **{text: text for text in texts.values()}}

    def name_of(self, text: str) -> str | None:
        """What a listed document is called."""
        return self._names.get(text)

    def text_of(self, request: GraphQLRequest) -> str:
        """The listed document that a request means by its id or its hash, or sends whole; RefusedRequest for any other."""
        meant = request.query if request.document_id is None else request.document_id
        text = self._texts.get(meant) if isinstance(meant, str) else None
        if text is None:
            raise RefusedRequest(400, "Only documents that are listed here run", "DOCUMENT_NOT_LISTED")
        return text


def trusted_in(named: str, schemas: Mapping[Role | None, GraphQLSchema]) -> TrustedDocuments:
    """The documents of a folder; SettingError names the first file that nobody could run."""
    folder = Path(named)
    if not folder.is_dir():
        raise _wrong(f"{folder} is no folder")
    documents, texts = Documents(schemas), {}
    for path in sorted(folder.glob("*.graphql")):
        texts[path.stem] = _read(path, documents, schemas)
    if not texts:
        raise _wrong(f"there is no *.graphql in {folder}")
    return TrustedDocuments(texts)


def _read(path: Path, documents: Documents, schemas: Mapping[Role | None, GraphQLSchema]) -> str:
    if not _NAME.fullmatch(path.stem):
        raise _wrong(f"{path.name}: a name has letters, digits, - and _, and begins with a letter")
    text = path.read_text(encoding="utf-8")
    found = [documents.prepare(role, text) for role in schemas]
    if all(prepared.errors for prepared in found):
        raise _wrong(f"{path.name}: {found[0].errors[0].message}")
    operations = [part for part in parse(text).definitions if isinstance(part, OperationDefinitionNode)]
    if len(operations) != 1:
        raise _wrong(f"{path.name}: a file has one operation")
    return text


def _wrong(words: str) -> SettingError:
    return SettingError(f"BILLING_TRUSTED_DOCUMENTS is wrong: {words}")
