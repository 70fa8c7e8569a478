"""The retention of images: what invoices were before a change is erased after minutes, when every subscriber has decided by it."""

from datetime import timedelta

from db.notifications import IMAGES_KEPT_SECONDS
from db.pools import Database

# By the clock of the database, as they are recorded. A subscriber that is late by half of that has ended.
_ERASE = "delete from invoice_images where clinic_id = $1 and recorded_at < clock_timestamp() - $2::interval"
_KEPT = timedelta(seconds=2 * IMAGES_KEPT_SECONDS)


async def erase_invoice_images(database: Database) -> int:
    """Erase the old images of every clinic; returns how many. A job of the worker, safe to run in several workers at once."""
    erased = 0
    for clinic_id, *_ in await database.clinics():
        async with database.working(clinic_id) as connection:
            erased += int((await connection.execute(_ERASE, clinic_id, _KEPT)).split()[-1])
    return erased
