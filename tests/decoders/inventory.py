"""Every decoder of what clients, commands and database logins send: its limits, what an invalid input gets, and its test."""

from dataclasses import dataclass

from db import global_ids, notifications, sealed_hints
from domain.access import tokens as bearer_tokens
from domain.documents.uploads import LARGEST_BYTES
from domain.imports import LARGEST_UNPACKED, MOST_COLUMNS, MOST_ROWS
from domain.records.logos import LARGEST_LOGO, LARGEST_SIDE
from domain.reminders import delivery_reports
from domain.texts import NOTE
from exports import templates
from identity.oidc import keys as oidc_keys
from identity.oidc import tokens as oidc_tokens
from imports.files import csv_sheets
from imports.mapping import mappings
from imports.sandbox import program
from imports.synthea import csv_rows
from imports.x12 import quota
from imports.x12.segments import LONGEST_SEGMENT, MOST_SEGMENTS
from limits.query_cost import LIMITS
from resolvers.compiler import cursors
from server import serving
from server.execution.requests import LARGEST_BODY
from server.http import header_timeout, requests, websocket
from server.http.files import uploads
from storage import report_mailbox

KIB, MIB = 1024, 1024 * 1024


@dataclass(frozen=True)
class Decoder:
    """A decoder: what it reads and where, its limits in words, the answer to an invalid input, and the module of its tests."""

    reads: str
    module: str
    limits: str
    refusal: str
    tests: str


DECODERS = (
    Decoder(
        "HTTP: request line and headers",
        "server/http/header_timeout.py",
        f"{header_timeout._LONGEST_HEAD // KIB} KiB, {header_timeout._HEAD_SECONDS:.0f} s",
        "400, 431, or the connection is closed",
        "test_http_requests",
    ),
    Decoder(
        "Accept, Content-Type, Content-Length, Host",
        "server/http/requests.py",
        "those of the headers",
        "406, 415, 413; another host than one gets no URL",
        "test_http_requests",
    ),
    Decoder(
        "body of GraphQL over HTTP (JSON)",
        "server/http/requests.py",
        f"{LARGEST_BODY // MIB} MiB, {requests._BODY_SECONDS:.0f} s; depth 1,024 (orjson)",
        "400, 408, 413",
        "test_http_requests",
    ),
    Decoder(
        "GraphQL document",
        "limits/query_cost.py",
        f"{LIMITS['tokens']:,} tokens, depth {LIMITS['depth']}, {LIMITS['nested selections']} nested selections, "
        f"{LIMITS['expanded fields']:,} fields",
        "an error of the request, `OVER_BUDGET`",
        "test_http_requests",
    ),
    Decoder(
        "name or hash of a trusted document",
        "server/execution/trusted_documents.py",
        "those of the body; compared as a whole",
        "400 `DOCUMENT_NOT_LISTED`",
        "test_http_requests",
    ),
    Decoder(
        "frame of graphql-transport-ws (JSON)",
        "server/http/websocket.py",
        f"{serving._LARGEST_MESSAGE // MIB} MiB; depth 1,000, numbers of 4,300 digits (Python); {websocket._OPERATIONS_AT_ONCE} operations at once, "
        f"ids of {websocket._LONGEST_ID} characters",
        "the connection is closed with 4400; 1009 for a longer one",
        "test_websocket_frames",
    ),
    Decoder(
        "bearer token of a session or a program",
        "domain/access/tokens.py",
        f"exactly {bearer_tokens._TEXT_LENGTH} characters",
        "401; WebSocket: 4403",
        "test_tokens",
    ),
    Decoder(
        "one-time link (invitation, new password)",
        "domain/access/one_time_links.py",
        "exactly the characters of its kind: 86 or 64",
        "an error at `token`",
        "test_tokens",
    ),
    Decoder(
        "token of an identity provider (JWT)",
        "identity/oidc/tokens.py",
        f"{oidc_tokens._LARGEST_TOKEN // KIB} KiB; texts of {oidc_tokens._LONGEST_TEXT} characters",
        "401; WebSocket: 4403",
        "test_tokens",
    ),
    Decoder(
        "discovery and keys of an identity provider",
        "identity/oidc/keys.py",
        f"{oidc_keys._LARGEST_ANSWER // KIB} KiB, {oidc_keys._MOST_KEYS} keys, {oidc_keys._LONGEST_SECONDS:.0f} s",
        "a warning in the log; the keys before stay",
        "test_oidc_keys",
    ),
    Decoder("bearer token of /metrics", "server/http/metrics.py", "those of the headers", "401", "test_tokens"),
    Decoder(
        "global id",
        "db/global_ids.py",
        f"exactly {global_ids._TEXT_LENGTH} characters, in one spelling",
        "`BAD_USER_INPUT` at its argument",
        "test_variables",
    ),
    Decoder(
        "cursor",
        "resolvers/compiler/cursors.py",
        f"{cursors._LONGEST:,} characters; numbers of 15 digits",
        "`BAD_USER_INPUT` at its argument",
        "test_cursors",
    ),
    Decoder(
        "amount, day, time, enum value, input object",
        "schema/scalars.py",
        "those of the body; each by a pattern",
        "400 or `BAD_USER_INPUT` at its argument, the value not repeated",
        "test_variables",
    ),
    Decoder(
        "signed URL (id, token, signature)",
        "domain/access/signed_urls.py",
        "those of the headers; one spelling",
        "403, the same for every cause",
        "test_signed_links",
    ),
    Decoder(
        "Range, If-Range, If-None-Match",
        "server/http/files/byte_ranges.py",
        "one range, numbers of 18 digits",
        "the whole file, or 416",
        "test_signed_links",
    ),
    Decoder(
        "uploaded file",
        "server/http/files/uploads.py",
        f"the announced length, at most {LARGEST_BYTES // MIB} MiB; {uploads._LONGEST_SECONDS} s",
        "400, 408, 415; nothing is stored",
        "test_signed_links",
    ),
    Decoder(
        "logo (PNG)",
        "storage/logos.py",
        f"{LARGEST_LOGO:,} bytes, {LARGEST_SIDE:,} pixels wide and high",
        "an error of the input at `logoId`",
        "test_logos",
    ),
    Decoder(
        "reminder template",
        "exports/templates.py",
        f"depth {templates._DEEPEST}; {NOTE.longest:,} characters",
        "an error of the input with its line",
        "test_templates",
    ),
    Decoder(
        "delivery report (RFC 3464)",
        "domain/reminders/delivery_reports.py",
        f"{delivery_reports.MOST_BYTES // KIB} KiB, {delivery_reports._MOST_PARTS} parts, {delivery_reports.MOST_RECIPIENTS} recipients, "
        f"headers of {delivery_reports._LARGEST_HEAD // KIB} KiB",
        "ignored, and counted in the log",
        "test_delivery_reports",
    ),
    Decoder(
        "mailbox of delivery reports (IMAP)",
        "storage/report_mailbox.py",
        f"{report_mailbox._MOST_BYTES // MIB} MiB, {report_mailbox._LONGEST_SECONDS:.0f} s; {report_mailbox._MOST_REPORTS} reports of a run",
        "a line in the log; tried again after a minute",
        "test_report_mailbox",
    ),
    Decoder(
        "import file (CSV)",
        "imports/files/csv_sheets.py",
        f"{LARGEST_UNPACKED // MIB} MiB, {MOST_ROWS:,} rows, {MOST_COLUMNS} columns, rows of {csv_sheets._LONGEST_ROW // MIB} MiB; "
        f"a child process of {program.MOST_MEMORY // MIB} MiB",
        "a report with line, column and reason",
        "test_files_and_notifications",
    ),
    Decoder(
        "import file (XLSX)",
        "imports/files/workbooks.py",
        f"{LARGEST_UNPACKED // MIB} MiB unpacked, {MOST_ROWS:,} rows, {MOST_COLUMNS} columns; a child process of {program.MOST_MEMORY // MIB} MiB",
        "a report with line, column and reason",
        "test_files_and_notifications",
    ),
    Decoder(
        "remittance (X12 835)",
        "imports/x12/envelopes.py",
        f"{MOST_SEGMENTS:,} segments of {LONGEST_SEGMENT:,} characters, {quota.MOST_PAYMENTS:,} transaction sets, {quota.MOST_CLAIMS:,} claims, "
        f"{quota.MOST_LINES:,} lines, {quota.MOST_ADJUSTMENTS:,} adjustments; a child process of {program.MOST_MEMORY // MIB} MiB",
        "a problem with segment, element and reason",
        "test_remittances",
    ),
    Decoder(
        "mapping of a file to import (input, saved, JSON file)",
        "imports/mapping/mappings.py",
        f"a JSON file of 1 MiB; {MOST_COLUMNS} columns, {mappings.MOST_VALUES} values of a column, "
        f"texts of {mappings.LONGEST_TEXT} characters",
        "an error of the input at its place",
        "test_mappings",
    ),
    Decoder(
        "Synthea's files",
        "imports/synthea/csv_rows.py",
        f"lines of {csv_rows._LONGEST_LINE // MIB} MiB",
        "the command ends with file, line, column and reason",
        "test_files_and_notifications",
    ),
    Decoder(
        "head of the audit log (`--head`)",
        "server/audit.py",
        "18 digits, 64 hexadecimal digits",
        "the command ends with a sentence",
        "test_files_and_notifications",
    ),
    Decoder(
        "settings",
        "server/setting_values.py",
        "whole numbers of 10 digits; each by a pattern",
        "the start ends with name and what is expected",
        "test_files_and_notifications",
    ),
    Decoder(
        "notification (any login of the database)",
        "db/sealed_hints.py",
        f"8,000 bytes (PostgreSQL); sealed by the server, {sealed_hints._WINDOW_SECONDS / 60:.0f} minutes, once; "
        f"a queue of {notifications.LARGEST_QUEUE:,}",
        "ignored; a warning in the log now and then",
        "test_files_and_notifications",
    ),
)


def row(decoder: Decoder) -> str:
    """The row of a decoder on the page."""
    return f"| {decoder.reads} | `{decoder.module}` | {decoder.limits} | {decoder.refusal} |"
