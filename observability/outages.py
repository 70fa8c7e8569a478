"""Outages of what a process depends on: each is one line in the log when it begins, and one when it is over."""

import errno
import logging
from time import monotonic

import asyncpg

logger = logging.getLogger("billing.outages")
DATABASE, MAIL_SERVER, FILE_STORE = "database", "mail server", "file store"
REPORT_MAILBOX = "mailbox of delivery reports"
OUTAGES = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
)
# Failures of this machine, which say nothing of a server.
_OWN = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.EACCES})


def is_outage(failure: BaseException | None) -> bool:
    """Whether the cause of a failure is that the database cannot be reached, or that its connection was lost."""
    if isinstance(failure, BaseExceptionGroup):
        return all(map(is_outage, failure.exceptions))
    if isinstance(failure, OSError) and failure.errno in _OWN:
        return False
    # asyncpg's answer to a call on a connection that it has lost.
    is_lost = isinstance(failure, asyncpg.InterfaceError) and "clos" in str(failure)
    return isinstance(failure, OUTAGES) or is_lost


class Outages:
    """The outages that a process has noticed; its tasks share them, so that each is logged once."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def began(self, what: str, failure: BaseException | str) -> None:
        """Something cannot be reached: logged, unless that is known."""
        if what not in self._since:
            self._since[what] = monotonic()
            cause = failure if isinstance(failure, str) else type(failure).__name__
            logger.warning("the %s cannot be reached (%s); it is tried again until it is back", what, cause)

    def ended(self, what: str) -> None:
        """Something was reached: logged, if it could not be before."""
        since = self._since.pop(what, None)
        if since is not None:
            logger.warning("the %s is back after %.0f s", what, monotonic() - since)


# Of this process.
SEEN = Outages()


class WithoutOutages(logging.Filter):
    """Leaves out what libraries log of an outage, which has its own line."""

    def filter(self, record: logging.LogRecord) -> bool:
        """False for a record of an outage of the database."""
        is_ours = record.name.partition(".")[0] == "billing"
        return is_ours or not (record.exc_info and is_outage(record.exc_info[1]))
