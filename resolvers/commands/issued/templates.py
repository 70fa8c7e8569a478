"""The clinic's texts of documents: each change is saved as a new version."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from domain.documents.kinds import DocumentKind
from domain.documents.texts import check_texts
from domain.errors import InvalidInput
from domain.ids import new_id
from domain.texts import NOTE, Text, optional_text
from resolvers.commands.unit_of_work import UnitOfWork

_SAVING = "select pg_advisory_xact_lock(hashtextextended($1::text || $2, 0))"
_NEWEST = """select id, version, texts::text as texts from document_templates where clinic_id = $1 and kind = $2
    order by version desc limit 1"""


async def save(work: UnitOfWork) -> UUID:
    """Save a new version of the texts of a kind, which later documents use."""
    kind = work.inputs["kind"]
    try:
        texts = _checked(kind, work.inputs["texts"])
    except InvalidInput as error:
        raise error.at("texts") from error
    # Concurrent saves are serialised: the second saves the version after the first's.
    await work.connection.execute(_SAVING, str(work.clinic_id), f"document {kind}")
    newest = await work.one(_NEWEST, kind.value)
    identity, writes = new_id(work.moment), work.writes()
    writes.insert(
        "document_templates",
        id=identity,
        recorded_at=work.moment,
        kind=kind.value,
        version=newest["version"] + 1 if newest else 1,
        texts=[{"name": name, "text": text} for name, text in sorted(texts.items())],
        created_by=work.user_id,
    )
    await writes.run(work.connection)
    return identity


def _checked(kind: DocumentKind, given: Sequence[Mapping[str, str]]) -> Mapping[str, str]:
    """The given texts by name; InvalidInput for one that a document of the kind cannot have."""
    # Nothing may stand where a default text would: a blank text is one, too.
    texts = {one["name"]: optional_text(one, "text", Text(NOTE.longest, lines=True)) or "" for one in given}
    if len(texts) != len(given):
        raise InvalidInput("A text is given twice")
    check_texts(kind, texts)
    return texts
