"""Each change of CONTRIBUTING's table, made in a copy of the tree as the page says: it works, and a forgotten file is named."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.database_urls import DatabaseUrls
from tests.drills.tree import Edit, Tree, files_by_hand
from tests.support.client import Client
from tests.support.databases import rows

INVOICE_SCHEMA, INVOICE_FIELDS = "schema/billing/invoices.py", "db/fields/billing/invoices.py"
_SERVICE_DATE = '    service_date: date = output_field("existence", "The day of service.")\n'
_VOID = """    Transition(
        "void_invoice",
"""
_DRAWN = "void_invoice        {0}   .   .   {0}     .     .   .\n"
_NEGOTIATED = """    Transition(
        "void_negotiated",
        "Void",
        "Void an invoice whose reduction is being negotiated.",
        "The invoice to void.",
        (S.PENDING_REDUCTION,),
        (S.VOID,),
        closing.void,
        (reason_input("Why the invoice was issued in error."),),
        ("nothing_received",),
        _ADMIN,
    ),
"""


@dataclass(frozen=True)
class Drill:
    """A change of the table: its row there, the edits by hand, what is then seen over HTTP, and who names a forgotten file.

    `forgotten` maps a file to the check that fails without its edits, and to words of its message.
    """

    change: str
    edits: tuple[Edit, ...]
    is_seen: Callable[[Client, DatabaseUrls], None]
    forgotten: dict[str, tuple[str, str]]
    revision: str = ""
    # Whether grants, policies or the lifecycle guard change, so that a server does not start before `billing migrate`.
    changes_rights: bool = False


def _hidden(anonymous: Client, address: DatabaseUrls) -> None:
    names = {
        role: {field["name"] for field in anonymous.signed_in(f"{role}@demo.example").read(_FIELDS)["__type"]["fields"]}
        for role in ("billing", "attorney")
    }
    assert names["billing"] - names["attorney"] >= {"serviceDate"}
    assert "billedAmount" in names["attorney"]
    refusal = anonymous.signed_in("attorney@demo.example").ask("{ invoices { nodes { serviceDate } } }")
    assert "Cannot query field 'serviceDate'" in refusal["errors"][0]["message"]


_FIELDS = '{ __type(name: "Invoice") { fields { name } } }'


def _computed(anonymous: Client, address: DatabaseUrls) -> None:
    found = anonymous.signed_in("attorney@demo.example").read("{ invoices { nodes { billedAmount isLarge } } }")
    nodes = found["invoices"]["nodes"]
    assert [node["isLarge"] for node in nodes] == [float(node["billedAmount"]) > 500 for node in nodes]
    assert {True, False} == {node["isLarge"] for node in nodes}


def _stored(anonymous: Client, address: DatabaseUrls) -> None:
    rows(address, "update patients set preferred_language = 'Spanish'")
    physician = anonymous.signed_in("physician@demo.example")
    found = physician.read("{ invoices(first: 1) { nodes { patient { preferredLanguage } } } }")
    assert found["invoices"]["nodes"][0]["patient"]["preferredLanguage"] == "Spanish"
    attorney = anonymous.signed_in("attorney@demo.example")
    refusal = attorney.ask("{ invoices(first: 1) { nodes { patient { preferredLanguage } } } }")
    assert "Cannot query field 'preferredLanguage'" in refusal["errors"][0]["message"]


def _filtered(anonymous: Client, address: DatabaseUrls) -> None:
    billing = anonymous.signed_in("billing@demo.example")
    query = '{ invoices(filter: {submittedFrom: "2026-05-01"}, first: 500) { totalCount nodes { submittedOn } } }'
    found = billing.read(query)["invoices"]
    (expected,) = rows(address, "select count(*) from invoices where submitted_on >= '2026-05-01'")[0]
    assert found["totalCount"] == expected > 0
    assert all(node["submittedOn"] >= "2026-05-01" for node in found["nodes"])
    # Attorneys do not see the field, so that they cannot filter by it.
    assert "submittedFrom" in anonymous.signed_in("attorney@demo.example").ask(query)["errors"][0]["message"]


def _transition(anonymous: Client, address: DatabaseUrls) -> None:
    admin, billing = (anonymous.signed_in(f"{role}@demo.example") for role in ("admin", "billing"))
    invoice = admin.read(
        "{ invoices(filter: {status: [PENDING_REDUCTION]}, first: 50) { nodes { id receivedAmount } } }"
    )
    identity = next(one["id"] for one in invoice["invoices"]["nodes"] if one["receivedAmount"] == "0.00")
    mutation = """mutation ($input: VoidNegotiatedInput!) { voidNegotiated(input: $input) {
        invoice { status history { transition toStatus } } errors { message } } }"""
    done = admin.read(mutation, input={"invoiceId": identity, "reason": "Twice"})["voidNegotiated"]
    assert (done["errors"], done["invoice"]["status"]) == ([], "VOID")
    assert done["invoice"]["history"][-1] == {"transition": "void_negotiated", "toStatus": "VOID"}
    assert (
        "VoidNegotiatedInput"
        in billing.ask(mutation, input={"invoiceId": identity, "reason": "x"})["errors"][0]["message"]
    )


def _exported(anonymous: Client, address: DatabaseUrls) -> None:
    billing = anonymous.signed_in("billing@demo.example")
    query = """mutation ($input: ExportInvoicesInput!) { exportInvoices(input: $input) {
        export { status downloadUrl } errors { message } } }"""
    asked = {"format": "CSV", "columns": ["number", "case.openedOn"], "filter": {"status": ["PENDING_INVOICE"]}}
    done = billing.read(query, input=asked)["exportInvoices"]
    assert done["errors"] == []
    text = httpx.get(done["export"]["downloadUrl"]).text
    table = list(csv.reader(io.StringIO(text.lstrip("\ufeff"))))
    opened = {row["number"]: row["opened_on"].isoformat() for row in rows(address, _OPENED)}
    assert table[0] == ["Invoice number", "Case opened on"]
    assert dict(table[1:]) == opened != {}


_OPENED = """select i.number, c.opened_on from invoices i join cases c on c.id = i.case_id where i.status = 'pending_invoice'"""
_SQUARE = "tests/domain/test_transitions.py"
_HOUSE = "tests/house/test_fields.py"

DRILLS = (
    Drill(
        "hide a field from a role, or show it",
        (Edit(INVOICE_SCHEMA, _SERVICE_DATE, _SERVICE_DATE.replace("existence", "contact")),),
        _hidden,
        {},
        changes_rights=True,
    ),
    Drill(
        "add a computed field",
        (
            Edit(
                INVOICE_SCHEMA,
                _SERVICE_DATE,
                _SERVICE_DATE
                + '    is_large: bool = output_field("existence", "Whether more than 500 US dollars are billed.")\n',
            ),
            Edit(
                INVOICE_FIELDS,
                '        "ageDays": age_days,\n',
                '        "ageDays": age_days,\n        "isLarge": lambda i: i.billed_amount > literal(500, literal_execute=True),\n',
            ),
        ),
        _computed,
        {
            INVOICE_SCHEMA: (_HOUSE, "Invoice: publish these expressions as fields of Invoice in schema/"),
            INVOICE_FIELDS: (_HOUSE, "Invoice: give these fields an expression in the View of Invoice in db/fields/"),
        },
    ),
    Drill(
        "add a stored field",
        (
            Edit(
                "schema/billing/patients.py",
                '    active: bool = output_field("staff", "Whether new cases can be opened for the patient.")\n',
                '    active: bool = output_field("staff", "Whether new cases can be opened for the patient.")\n'
                '    preferred_language: str | None = output_field("contact", "The language that the patient prefers.")\n',
            ),
            Edit(
                "db/fields/parties.py",
                '"mrn", "birth_date", "phone"',
                '"mrn", "birth_date", "preferred_language", "phone"',
            ),
            Edit(
                "db/tables/parties.py",
                '    Column("birth_date", Date),\n',
                '    Column("birth_date", Date),\n    Column("preferred_language", Text),\n',
            ),
        ),
        _stored,
        {
            "schema/billing/patients.py": (
                _HOUSE,
                "Patient: publish these expressions as fields of Patient in schema/",
            ),
            "db/fields/parties.py": (
                _HOUSE,
                "Patient: give these fields an expression in the View of Patient in db/fields/",
            ),
            "db/tables/parties.py": (
                _HOUSE,
                "the table patients has no column preferred_language: add it in db/tables/",
            ),
        },
        revision="patients have a preferred language",
        changes_rights=True,
    ),
    Drill(
        "add a filter or an order",
        (
            Edit(
                INVOICE_SCHEMA,
                "    billed_min: Decimal | None = input_field(\n",
                '    submitted_from: date | None = input_field(("Invoice.submittedOn",), "Only invoices submitted on or after this day.")\n'
                "    billed_min: Decimal | None = input_field(\n",
            ),
            Edit(
                INVOICE_FIELDS,
                '    "billedMin": Filter(',
                '    "submittedFrom": Filter(lambda i, day: i.submitted_on >= day, Date()),\n    "billedMin": Filter(',
            ),
        ),
        _filtered,
        {
            INVOICE_SCHEMA: (_HOUSE, "Invoice: publish these filters in the input of Invoice in schema/"),
            INVOICE_FIELDS: (_HOUSE, "Invoice: give these keys a Filter in the View of Invoice in db/fields/"),
        },
    ),
    Drill(
        "add a transition of an invoice, of known guards and effects",
        (
            Edit("domain/billing/transitions.py", _VOID, _NEGOTIATED + _VOID),
            Edit(
                _SQUARE, _DRAWN.format("V"), "void_negotiated     .   V   .   .     .     .   .\n" + _DRAWN.format("V")
            ),
            Edit(
                _SQUARE, _DRAWN.format("."), "void_negotiated     .   .   .   .     .     .   .\n" + _DRAWN.format(".")
            ),
            Edit(
                _SQUARE,
                "void_invoice        nothing_received\n",
                "void_negotiated     nothing_received\nvoid_invoice        nothing_received\n",
            ),
            Edit(_SQUARE, "void_invoice        reason\n", "void_negotiated     reason\nvoid_invoice        reason\n"),
        ),
        _transition,
        {
            "domain/billing/transitions.py": (_SQUARE, "draw each transition of the table"),
            _SQUARE: (_SQUARE, "draw each transition of the table"),
        },
    ),
    Drill(
        "add an export column",
        (
            Edit(
                "exports/columns.py",
                '    _date("Date of injury", "case.dateOfInjury", default=False),\n',
                '    _date("Case opened on", "case.openedOn", default=False),\n'
                '    _date("Date of injury", "case.dateOfInjury", default=False),\n',
            ),
        ),
        _exported,
        {},
    ),
)
# The cheapest two are among all tests; the others take minutes together.
_CHEAP = ("hide a field from a role, or show it", "add a transition of an invoice, of known guards and effects")


def _named(drill: Drill) -> Any:
    return pytest.param(drill, id=drill.change, marks=() if drill.change in _CHEAP else pytest.mark.prove)


@pytest.mark.parametrize("drill", [_named(drill) for drill in DRILLS])
def test_a_change_works_in_as_many_files_as_the_page_says(
    drill: Drill, own_address: DatabaseUrls, tmp_path: Path
) -> None:
    assert len({edit.path for edit in drill.edits}) == files_by_hand(drill.change)
    tree = Tree.into(tmp_path)
    migrations = _migrations(tree)
    tree.edit(drill.edits)
    _finish(tree, drill.revision)
    assert len(_migrations(tree) - migrations) == bool(drill.revision)
    if drill.changes_rights:
        refused = tree.billing(own_address, "serve")
        assert "The database at DATABASE_URL is not up to date: run `billing migrate` first" in refused.stdout
    migrated = tree.billing(own_address, "migrate")
    assert migrated.returncode == 0, migrated.stdout
    with tree.serve(own_address) as served, Client(served.url) as anonymous:
        drill.is_seen(anonymous, own_address)
    checked = tree.run("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/house/test_fields.py", _SQUARE)
    assert checked.returncode == 0, checked.stdout


def _finish(tree: Tree, revision: str) -> None:
    """The commands that the page names after the edits: `make revision` and `make snapshots`."""
    program = "import sys; sys.path.append('tools'); import revision; revision.main(' '.join(sys.argv[1:]))"
    for command in ([("-c", program, revision)] if revision else []) + [("-m", "schema.pages.snapshots")]:
        ran = tree.run(*command)
        assert ran.returncode == 0, ran.stdout


def _migrations(tree: Tree) -> set[str]:
    return {path.name for path in (tree.folder / "db" / "migrations" / "versions").glob("*.py")}


def _forgettable(drills: Sequence[Drill]) -> list[Any]:
    return [
        pytest.param(
            drill, path, id=f"{drill.change}: {path}", marks=() if drill.change in _CHEAP else pytest.mark.prove
        )
        for drill in drills
        for path in drill.forgotten
    ]


@pytest.mark.parametrize(("drill", "path"), _forgettable(DRILLS))
def test_a_forgotten_file_is_named_by_a_check(drill: Drill, path: str, tmp_path: Path) -> None:
    tree = Tree.into(tmp_path)
    tree.edit([edit for edit in drill.edits if edit.path != path])
    check, words = drill.forgotten[path]
    ran = tree.run("-m", "pytest", "-q", "-p", "no:cacheprovider", check)
    assert ran.returncode != 0, "nothing reports that the file was forgotten"
    assert words in ran.stdout
