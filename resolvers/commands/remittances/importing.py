"""Imports a remittance file: read in a child process, matched and stored in one transaction, or rolled back for a dry run."""

import asyncio
from typing import Any
from uuid import UUID

from strawberry import Info

from domain.documents.uploads import REMITTANCES
from domain.errors import DomainError, InvalidInput
from domain.remittances.statuses import RemittanceOrigin
from imports.x12.child import read_remittances
from imports.x12.remittance_file import RemittanceFile
from resolvers.commands.documents import consume, read_own
from resolvers.commands.inputs import read_inputs
from resolvers.commands.remittances.storing import NewRemittance, store
from resolvers.commands.unit_of_work import CommandResult, UnitOfWork, run_command
from resolvers.context import RequestContext

_FILE = ("upload_id",)


async def import_remittance(info: Info, input_: Any) -> CommandResult:
    """Import a remittance file, once per idempotency key; a dry run does the same, and rolls back."""
    try:
        inputs = read_inputs(input_, info.context.today)
        file = await _read(info.context, inputs["upload_id"])
    except DomainError as refusal:
        info.context.audit.is_refused = True
        return CommandResult(None, (refusal,))

    async def act(work: UnitOfWork) -> UUID:
        work.is_dry_run = bool(work.inputs.get("dry_run"))
        work.inputs = {**work.inputs, "document_id": work.inputs["upload_id"]}
        await _consume(work)
        problems = [str(one) for one in file.problems]
        if file.problem_count > len(problems):
            problems.append(f"{file.problem_count - len(problems):,} more")
        new = NewRemittance(
            RemittanceOrigin.FILE, file.payments, inputs["upload_id"], work.inputs.get("payer_id"), problems
        )
        return await store(work, new)

    return await run_command(info, "import_remittance", input_, act)


async def _consume(work: UnitOfWork) -> None:
    try:
        await consume(work, REMITTANCES)
    except InvalidInput as refusal:
        refusal.path = _FILE
        raise


async def _read(context: RequestContext, identity: UUID) -> RemittanceFile:
    """The remittance file that the viewer has uploaded; it is read in a thread, so that the event loop is not blocked."""
    words = "This file is no remittance: upload an X12 835 file as application/edi-x12"
    data, _ = await read_own(context, identity, REMITTANCES, words, _FILE)
    file = await asyncio.to_thread(read_remittances, data)
    if not file.payments:
        words = f": {file.problems[0]}" if file.problems else ""
        raise InvalidInput(f"The file has no payment that can be read{words}", _FILE)
    return file
