"""Trusted documents: the operator's folder of documents or manifests, requested by name or hash; with it, no others are executed."""

import json
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from graphql import GraphQLSchema, OperationDefinitionNode, parse

from domain.access.people import Role
from domain.errors import RefusedRequest
from server.execution.document_cache import DocumentCache
from server.execution.requests import GraphQLRequest
from server.settings import SettingError

_HASH = "sha256:"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9:_-]{0,99}")
_APOLLO = "apollo-persisted-query-manifest"


class TrustedDocuments:
    """The trusted documents of a folder: one operation in each, with the fragments that it needs."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._names = {text: name for name, text in texts.items()}
        hashed = {_HASH + sha256(text.encode()).hexdigest(): text for text in texts.values()}
        self._texts = {**texts, **hashed, **{text: text for text in texts.values()}}

    def name_of(self, text: str) -> str | None:
        """The name of a trusted document; None for any other text."""
        return self._names.get(text)

    def text_of(self, request: GraphQLRequest) -> str:
        """The trusted document that a request names by id or hash, or sends as text; RefusedRequest for any other."""
        by_hash = self._texts.get(_HASH + request.persisted_hash) if request.persisted_hash else None
        if by_hash is not None:
            return by_hash
        if request.persisted_hash and request.query is None:
            # Clients of Apollo and urql know these words, and send the text as well.
            raise RefusedRequest(400, "PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND")
        meant = request.query if request.document_id is None else request.document_id
        text = self._texts.get(meant) if isinstance(meant, str) else None
        if text is None:
            raise RefusedRequest(
                400,
                "This server only executes trusted documents; an app that is older than the list has to be reloaded",
                "DOCUMENT_NOT_LISTED",
            )
        return text


def trusted_in(
    named: str, schemas: Mapping[Role | None, GraphQLSchema], manifests: Sequence[Path] = ()
) -> TrustedDocuments:
    """Load the documents of a folder and of further manifests; SettingError names the first one that is not valid for any role."""
    folder = Path(named)
    if not folder.is_dir():
        raise _wrong(f"{folder} is not a folder")
    documents, texts = DocumentCache(schemas), dict[str, str]()
    for path in sorted(folder.glob("*.graphql")):
        texts[path.stem] = _checked(path.name, path.stem, path.read_text(encoding="utf-8"), documents, schemas)
    for path in (*sorted(folder.glob("*.json")), *manifests):
        for name, text in _manifest(path).items():
            texts[name] = _checked(f"{path.name}, {name}", name, text, documents, schemas)
    if not texts:
        raise _wrong(f"there is no *.graphql file and no manifest (*.json) in {folder}")
    return TrustedDocuments(texts)


def _manifest(path: Path) -> Mapping[str, str]:
    """The documents of a manifest by their ids: a map, as GraphQL Code Generator and Relay write it, or Apollo's list of operations."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, dict) and found.get("format") == _APOLLO:
            found = {operation["id"]: operation["body"] for operation in found["operations"]}
    except (ValueError, KeyError, TypeError):
        found = None
    if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
        raise _wrong(f"{path.name}: a manifest is a map from ids to documents, or Apollo's ({_APOLLO})")
    return found


def _checked(
    place: str, name: str, text: str, documents: DocumentCache, schemas: Mapping[Role | None, GraphQLSchema]
) -> str:
    if not _NAME.fullmatch(name):
        raise _wrong(f"{place}: a name has at most 100 letters, digits, colons, - and _")
    found = [documents.prepare(role, text) for role in schemas]
    if all(prepared.errors for prepared in found):
        raise _wrong(f"{place}: {found[0].errors[0].message}")
    operations = [part for part in parse(text).definitions if isinstance(part, OperationDefinitionNode)]
    if len(operations) != 1:
        raise _wrong(f"{place}: a document must have exactly one operation")
    return text


def _wrong(words: str) -> SettingError:
    return SettingError(f"BILLING_TRUSTED_DOCUMENTS is wrong: {words}")
