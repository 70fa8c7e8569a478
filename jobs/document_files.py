"""The job that draws the files of issued documents that were not drawn within the call that issued them."""

import logging
from uuid import UUID

from db.pools import Database
from resolvers.commands.issued.files import Press, draw_file
from resolvers.commands.issuing.issue import DRAWER
from storage.files import Files

logger = logging.getLogger("billing.worker")


async def draw_named(database: Database, files: Files, payload: bytes | None) -> int:
    """Draw the file of the document that a job names; returns its number of pages."""
    clinic_id, identity = map(UUID, (payload or b"").decode().split())
    pages = await draw_file(Press(database, files.store, DRAWER), clinic_id, identity)
    what = f"{pages} pages" if pages else "nothing to draw: its file is there, or it could not be drawn"
    logger.info("document %s of clinic %s: %s", identity, clinic_id, what)
    return pages
