"""Records uploaded documents of a case: letters of protection, W-9 forms, explanations of benefits and the like."""

from uuid import UUID

from domain.days import not_later
from domain.documents.kinds import UploadedDocumentKind
from domain.errors import NotFound
from domain.texts import NAME, required_text
from resolvers.commands.documents import consume
from resolvers.commands.issued.writing import insert_uploaded
from resolvers.commands.unit_of_work import UnitOfWork

_CASE = "select id from cases where clinic_id = $1 and id = $2"


async def record(work: UnitOfWork) -> UUID:
    """Record an uploaded document of a case; its upload is used up."""
    inputs = work.inputs
    correspondent = required_text(inputs, "correspondent", NAME)
    day = not_later(inputs["dated_on"], work.today, "dated_on")
    if await work.one(_CASE, inputs["case_id"]) is None:
        raise NotFound("There is no such case", ("case_id",))
    await consume(work)
    writes, kind = work.writes(), UploadedDocumentKind(inputs["kind"])
    identity, _ = await insert_uploaded(work, writes, kind, inputs["case_id"], correspondent, day, [])
    work.remember(writes, identity)
    await writes.run(work.connection)
    return identity
