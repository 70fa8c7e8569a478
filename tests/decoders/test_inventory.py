"""The page of decoders lists each with the limits of the code, and each has its test."""

import re

from tests.decoders.fuzzing import LONGEST_SECONDS, MANY, MOST_MEMORY_BYTES
from tests.decoders.inventory import DECODERS, row
from tests.house.source import PROJECT, files, name

PAGE = (PROJECT / "docs" / "decoders.md").read_text(encoding="utf-8")
# What decodes bytes or text that may come from outside of the process.
_DECODES = re.compile(
    r"b64decode\(|fromhex\(|[a-z]+json\.loads\(|json\.loads\(|headers\.get\(|query_params|csv\.reader|ParserCreate|ZipFile\(file\)|Image\.open\(|Segments\(file\)"
)
# Modules that decode what this process, its child, or PostgreSQL has written, or that belong to a row of the inventory.
_NO_DECODERS = {
    "server/http/apps.py": "the documents of an app, which its build has written",
    "server/embedded/watchdog.py": "the order that its own starter has written",
    "server/commands/reports.py": "an answer of our own executor",
    "imports/files/messages.py": "the options of an import, which its parent process has written",
    "imports/sandbox/sandboxes.py": "the messages of the child process",
    "imports/files/csv_text.py": "the first lines of import file (CSV)",
    "imports/files/xml_parts.py": "a part of import file (XLSX)",
    "resolvers/commands/billing/quotes.py": "JSON that PostgreSQL has written",
    "resolvers/commands/remittances/rows.py": "JSON that PostgreSQL has written",
    "resolvers/commands/issued/gathering.py": "JSON that PostgreSQL has written",
    "resolvers/commands/issued/writing.py": "JSON that PostgreSQL has written",
    "resolvers/commands/issued/files.py": "JSON that our own mutation has stored, and a hash of our own",
    "domain/documents/frozen.py": "contents that our own mutation has frozen",
    "imports/demo/issued/documents.py": "JSON that PostgreSQL has written",
    "resolvers/commands/merges/merging.py": "JSON that PostgreSQL has written",
    "db/ledger/facts.py": "JSON that PostgreSQL has written",
    "resolvers/commands/billing/pricing.py": "JSON that PostgreSQL has written",
    "resolvers/commands/records/import_mappings.py": "a mapping that our own mutation has stored",
    "server/commands/import_mappings.py": "passes the JSON file of a mapping on to the decoder",
    "resolvers/compiler/export_statements.py": "a request that our own mutation has stored",
    "exports/quickbooks/zip_files.py": "rows that PostgreSQL has written",
    "db/security/policy_version.py": "a file of this package",
    "server/http/graphql.py": "passes headers on to the decoders",
    "server/http/compression.py": "Accept-Encoding, which only chooses between two encodings",
    "server/http/origins.py": "Origin, compared as a whole",
    "server/http/files/downloads.py": "If-None-Match, compared as a whole",
    "server/http/files/export_downloads.py": "passes headers on to the decoders",
    "server/http/files/signed_links.py": "passes the query string on to the decoders",
}


def test_the_page_lists_every_decoder_with_its_limits() -> None:
    listed = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| what")]
    assert listed == [row(decoder) for decoder in DECODERS], "write the rows of DECODERS into docs/decoders.md"
    assert f"{LONGEST_SECONDS:.0f} seconds" in PAGE
    assert f"{MOST_MEMORY_BYTES // 1024**2} MiB" in PAGE
    assert f"{MANY:,}" in PAGE


def test_each_decoder_has_a_module_and_a_test() -> None:
    tests = {path.stem for path in files("tests")}
    for decoder in DECODERS:
        assert (PROJECT / decoder.module).exists(), decoder.module
        assert decoder.tests in tests, decoder


def test_a_module_that_decodes_is_in_the_inventory() -> None:
    known = {decoder.module for decoder in DECODERS}
    imports = ("imports/files", "imports/sandbox", "imports/x12")
    layers = ("server", "identity", "resolvers", "db", "domain", "limits", "exports", *imports, "storage")
    decoding = {name(path) for path in files(*layers) if _DECODES.search(path.read_text(encoding="utf-8"))}
    assert decoding - known - set(_NO_DECODERS) == set(), "add a row for this decoder to DECODERS, and fuzz it"


def test_every_reason_for_a_module_that_is_no_decoder_is_about_a_module_that_exists() -> None:
    assert {module for module in _NO_DECODERS if not (PROJECT / module).exists()} == set()
