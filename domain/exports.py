"""The kinds, formats and states of exports, and their limits and retention."""

from datetime import date, timedelta
from enum import StrEnum

from domain.documents.uploads import CSV, XLSX

ZIP = "application/zip"


class ExportKind(StrEnum):
    """The records that an export contains."""

    INVOICES = "invoices"
    PAYMENTS = "payments"
    ADJUSTMENTS = "adjustments"
    QUICKBOOKS_INVOICES = "quickbooks_invoices"


class ExportFormat(StrEnum):
    """The file format of an export."""

    CSV = "csv"
    XLSX = "xlsx"
    # A set of CSV files.
    ZIP = "zip"


class ExportStatus(StrEnum):
    """The status of an export."""

    QUEUED = "queued"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"
    EXPIRED = "expired"


CONTENT_TYPES = {ExportFormat.CSV: f"{CSV}; charset=utf-8", ExportFormat.XLSX: XLSX, ExportFormat.ZIP: ZIP}
# The kinds of one file, and their formats; an export for QuickBooks is a set of files.
SINGLE_FILES = (ExportFormat.CSV, ExportFormat.XLSX)
# The states of unfinished exports; every other status is final.
UNDER_WAY = frozenset({ExportStatus.QUEUED, ExportStatus.RUNNING})
KEPT_FOR = timedelta(days=7)
# The maximum number of attempts to build an export; an attempt ended by a crash of the worker counts as well.
MOST_ATTEMPTS = 5
# How many unfinished exports a user may have at once.
MOST_UNDER_WAY = 5
# In characters of JSON: a filter names a few hundred records at most, and a few words.
LONGEST_FILTER = 50_000
CANCELLED = "The export was cancelled"
GIVEN_UP = "The export could not be built: request it again, and contact the server's administrator if that fails too"
NOT_ALLOWED = "The user who requested the export no longer has access to it"


def file_name(kind: ExportKind, export_format: ExportFormat, day: date) -> str:
    """The name of an export's file: its kind, and the clinic's calendar day of the request."""
    return f"{kind.value.replace('_', '-')}-{day.isoformat()}.{export_format}"
