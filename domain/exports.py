"""Decides which files can be asked for, what becomes of one, and how long it is kept."""

from datetime import date, timedelta
from enum import StrEnum

from domain.documents import CSV, XLSX


class ExportKind(StrEnum):
    """What the rows of a file are."""

    INVOICES = "invoices"
    PAYMENTS = "payments"
    ADJUSTMENTS = "adjustments"
    QUICKBOOKS_INVOICES = "quickbooks_invoices"


class ExportFormat(StrEnum):
    """How a file is written."""

    CSV = "csv"
    XLSX = "xlsx"


class ExportStatus(StrEnum):
    """What has become of a file that was asked for."""

    QUEUED = "queued"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"
    EXPIRED = "expired"


CONTENT_TYPES = {ExportFormat.CSV: f"{CSV}; charset=utf-8", ExportFormat.XLSX: XLSX}
# Files that are waited for or worked on; there is no end to be expected of any other.
UNDER_WAY = frozenset({ExportStatus.QUEUED, ExportStatus.RUNNING})
KEPT_FOR = timedelta(days=7)
# How often it is tried to build a file, whatever ended the attempt: a mistake, or the worker itself.
MOST_ATTEMPTS = 5
# How many files somebody may have under way at once.
MOST_UNDER_WAY = 5
# A filter names a few hundred records at most, and a few words.
LONGEST_FILTER = 50_000
CANCELLED = "It was cancelled"
GIVEN_UP = "It could not be built: ask for it again, and tell whoever runs the server if that fails, too"
NOT_ALLOWED = "Who asked for it may not have it any more"


def file_name(kind: ExportKind, export_format: ExportFormat, day: date) -> str:
    """What a file is called: what is in it, and the day in the clinic on which it was asked for."""
    return f"{kind.value.replace('_', '-')}-{day.isoformat()}.{export_format}"
