"""Issues and previews documents: what they say is read in the transaction, and drawn after it from what was frozen."""

import base64
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from strawberry import Info

from documents.drawing import Drawer
from domain.documents.kinds import DocumentKind
from domain.errors import Conflict, InvalidInput
from domain.issuing.documents import MOST_LINES_IN_THE_CALL
from resolvers.commands.issued.files import Press, draw, draw_file
from resolvers.commands.issued.writing import NO_NUMBER, Draft, insert_drawn, lock_standing
from resolvers.commands.issuing.drafts import DRAFTS
from resolvers.commands.unit_of_work import CommandResult, UnitOfWork, run_command

# One for the process: its child process stays, and is warm.
DRAWER = Drawer()
_LOGO = "select logo from clinics where clinic_id = $1"


@dataclass(frozen=True, slots=True)
class Preview:
    """A drawn preview: the file in Base64, its pages, and the amount that it states."""

    pdf: str
    pages: int
    amount: Decimal | None


async def issue(info: Info, input_: Any) -> CommandResult:
    """Issue a document; a short one has its file with the response."""
    lines: list[int] = []

    async def run(work: UnitOfWork) -> UUID:
        draft = await _drafted(work)
        lines.append(draft.line_count)
        return await _insert(work, draft)

    done = await run_command(info, "issue_document", input_, run)
    if done.record is None or not lines or lines[0] > MOST_LINES_IN_THE_CALL:
        return done
    context = info.context
    if context.store is not None:
        await draw_file(Press(context.database, context.store, DRAWER), context.viewer.clinic_id, done.record)
    # The file has become ready after the transaction read the document.
    return CommandResult(done.record, done.errors, warnings=done.warnings)


async def _drafted(work: UnitOfWork) -> Draft:
    """The draft of the document that the input asks for; InvalidInput names the data that it needs and does not have."""
    draft, missing = await DRAFTS[DocumentKind(work.inputs["kind"])](work)
    if draft is None:
        raise InvalidInput("This document needs data that is missing: " + "; ".join(missing), ("kind",))
    return draft


async def _insert(work: UnitOfWork, draft: Draft) -> UUID:
    superseded = work.inputs.get("supersedes_id")
    if superseded is not None:
        before = await lock_standing(work, superseded, "supersedes_id")
        if (before["kind"], before["case_id"]) != (draft.kind.value, draft.case_id):
            raise Conflict("A document supersedes one of the same kind and case", ("supersedes_id",))
    writes = work.writes()
    identity, _ = await insert_drawn(work, writes, draft, superseded)
    work.remember(writes, identity)
    await writes.run(work.connection)
    return identity


async def preview(info: Info, input_: Any) -> tuple[CommandResult, Preview | None]:
    """Draw a document that is not issued."""
    found: list[tuple[Draft, bytes | None]] = []

    async def run(work: UnitOfWork) -> UUID:
        draft = await _drafted(work)
        found.append((draft, (await work.one(_LOGO))["logo"]))
        return draft.case_id

    done = await run_command(info, "preview_document", input_, run)
    if not found or done.record is None:
        return done, None
    draft, logo = found[0]
    drawn = await draw(DRAWER, draft.contents(NO_NUMBER), draft.texts, logo=logo, is_preview=True)
    return done, Preview(base64.b64encode(drawn.pdf).decode(), drawn.pages, draft.stated_amount)
