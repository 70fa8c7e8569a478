"""Invoices: how they are created and priced, and how long their lines can be replaced."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from db.global_ids import make_id
from server.database_urls import DatabaseUrls
from tests.support.api.mutations import LINE, NEW, answered, done, refused
from tests.support.api.records import Found, changed_by, today, uuid_of
from tests.support.client import Client
from tests.support.databases import rows


def test_a_new_invoice_awaits_submission_with_the_next_number_of_the_year(
    billing: Client, address: DatabaseUrls, draft: dict[str, Any]
) -> None:
    first = done(billing, "createInvoice", NEW, **{**draft, "lines": [{"code": "RAY-RIBS"}]})
    second = done(billing, "createInvoice", NEW, **draft)
    year, count = second["number"].split("-")[1:]
    assert (first["number"], int(year)) == (f"INV-{year}-{int(count) - 1:06d}", today().year)
    (counter,) = rows(
        address,
        "select last_number from invoice_counters join clinics using (clinic_id) where short_name = 'demo' and year = $1",
        int(year),
    )
    assert counter["last_number"] == int(count)
    shown = {name: second[name] for name in ("status", "version", "createdOn", "serviceDate", "submittedOn", "balance")}
    assert shown == {
        "status": "PENDING_INVOICE",
        "version": 1,
        "createdOn": today().isoformat(),
        "serviceDate": "2026-03-02",
        "submittedOn": None,
        "balance": "26.90",
    }
    assert second["history"] == [
        {
            "transition": "create_invoice",
            "fromStatus": None,
            "toStatus": "PENDING_INVOICE",
            "by": {"name": "Bill Ingfield"},
            "changes": [{"field": "billedAmount", "before": None, "after": "26.90"}],
        }
    ]


def test_lines_are_priced_as_the_demo_clinic_priced_the_same_ones(
    admin: Client, address: DatabaseUrls, draft: dict[str, Any]
) -> None:
    """The demo clinic prices with code of its own: two implementations agree on some two hundred lines of every source but overrides."""
    invoices = rows(
        address,
        """select i.id, i.payer_id, i.facility_id, i.service_date, i.billed_amount from invoices i
        where exists (select from encounters e where e.id = i.encounter_id) and i.status <> 'void'
            and not exists (select from invoice_lines l where l.invoice_id = i.id and l.price_source = 'override')
            and not exists (select from invoice_events v where v.invoice_id = i.id and v.transition = 'change_payer')
            and not exists (select from payers p where p.id = i.payer_id and p.patient_id is not null)
        order by md5(i.id::text) limit 120""",
    )
    kept = """select code, units, bilateral, unit_price, amount, price_source, price_rate, geographic_factor, bilateral_factor
        from invoice_lines where invoice_id = $1 order by position"""
    sources = set()
    for old in invoices:
        lines = rows(address, kept, old["id"])
        inputs = {
            "payerId": make_id("Payer", old["payer_id"]),
            "facilityId": make_id("Facility", old["facility_id"]),
            "serviceDate": old["service_date"].isoformat(),
            "lines": [{"code": line["code"], "units": line["units"], "bilateral": line["bilateral"]} for line in lines],
            "confirmReason": "Treatment of other cases",
        }
        new = done(admin, "createInvoice", NEW, **{**draft, **inputs})
        assert new["billedAmount"] == str(old["billed_amount"])
        again = rows(address, kept, uuid_of(new["id"]))
        assert [tuple(line) for line in again] == [tuple(line) for line in lines]
        sources |= {line["price_source"] for line in again}
    assert sources >= {"payer_rate", "facility_schedule", "clinic_schedule", "base_price"}


def test_a_price_set_by_hand_keeps_its_reason_on_the_line(billing: Client, found: Found, draft: dict[str, Any]) -> None:
    line = {"code": "L1830", "units": 3, "bilateral": True, "overridePrice": "33.35", "overrideReason": "Agreed before"}
    made = done(billing, "createInvoice", NEW, **{**draft, "facilityId": found.own["Facility"], "lines": [LINE, line]})
    second = made["lines"][1]
    assert (second["unitPrice"], second["amount"]) == ("33.35", "200.10")
    assert second["priceTrace"] == {
        "source": "OVERRIDE",
        "rate": "33.35",
        "geographicFactor": "1.0000",
        "bilateralFactor": "2.0",
        "overrideReason": "Agreed before",
    }


REFUSED_LINES: dict[str, tuple[dict[str, Any], str, str]] = {
    "an unknown code": ({"code": "NONE-SUCH"}, "code", "There is no such code"),
    "no units": ({"code": "A4556", "units": 0}, "units", "Units are 1 to 999"),
    "too many units": ({"code": "A4556", "units": 1000}, "units", "Units are 1 to 999"),
    "both sides of what has one": ({"code": "A4556", "bilateral": True}, "bilateral", "A4556 cannot be billed"),
    "a price below nothing": (
        {"code": "A4556", "overridePrice": "-0.01", "overrideReason": "Why not"},
        "overridePrice",
        "A price must not be negative",
    ),
    "a price without reason": ({"code": "A4556", "overridePrice": "5.00"}, "overrideReason", "needs a reason"),
    "a price with a blank reason": (
        {"code": "A4556", "overridePrice": "5.00", "overrideReason": " "},
        "overrideReason",
        "needs a reason",
    ),
    "a reason without price": (
        {"code": "A4556", "overrideReason": "Why not"},
        "overridePrice",
        "An override reason needs",
    ),
    "more than a line can bill": (
        {"code": "A4556", "units": 2, "overridePrice": "9999999999.99", "overrideReason": "Why not"},
        "",
        "more than a line can bill",
    ),
}


@pytest.mark.parametrize("case_name", REFUSED_LINES)
def test_a_line_that_cannot_be_billed_is_refused_with_its_path_and_nothing_is_written(
    billing: Client, address: DatabaseUrls, draft: dict[str, Any], case_name: str
) -> None:
    line, field, words = REFUSED_LINES[case_name]
    errors: list[Any] = []
    draft["lines"] = [LINE, line]
    assert changed_by(address, lambda: errors.append(refused(billing, "createInvoice", NEW, **draft))) == set()
    path = ["input", "lines", "1", *([field] if field else [])]
    assert (errors[0]["code"], errors[0]["path"]) == ("INVALID_INPUT", path)
    assert errors[0]["message"].startswith("Line 2: ")
    assert words in errors[0]["message"]


def test_a_code_is_billed_only_on_the_days_on_which_it_is_valid(
    billing: Client, address: DatabaseUrls, draft: dict[str, Any]
) -> None:
    clinic = "(select clinic_id from clinics where short_name = 'demo')"
    for price, active, days in ((10, True, "'2026-01-09', '2026-03-02'"), (20, True, "'2026-03-02', null")):
        rows(
            address,
            f"""insert into cpt_codes (clinic_id, id, code, label, base_price, active, valid_from, valid_to)
            values ({clinic}, gen_random_uuid(), 'SHORT-LIVED', 'A short-lived thing', {price}, {active}, {days})""",
        )
    draft["lines"] = [{"code": "SHORT-LIVED"}]
    assert refused(billing, "createInvoice", NEW, **{**draft, "serviceDate": "2026-01-08"})["path"][1] == "lines"
    prices = [
        done(billing, "createInvoice", NEW, **{**draft, "serviceDate": day})["billedAmount"]
        for day in ("2026-01-09", "2026-03-01", "2026-03-02")
    ]
    assert prices == ["10.00", "10.00", "20.00"]
    rows(address, "update cpt_codes set active = false where code = 'SHORT-LIVED'")
    assert refused(billing, "createInvoice", NEW, **draft)["path"] == ["input", "lines", "0", "code"]


def test_the_billed_visit_sets_physician_and_facility(billing: Client, address: DatabaseUrls, found: Found) -> None:
    visit = rows(
        address,
        """select e.*, p.id as payer_id from encounters e join cases c on c.id = e.case_id and c.status = 'open'
        join payers p on p.clinic_id = e.clinic_id where p.kind = 'insurance' and e.invoice_id is null order by e.id, p.id limit 1""",
    )[0]
    ids = {name: make_id(name.title(), visit[f"{name}_id"]) for name in ("case", "payer", "physician", "facility")}
    inputs = {"encounterId": make_id("Encounter", visit["id"]), "serviceDate": visit["service_date"].isoformat()}
    inputs |= {"caseId": ids["case"], "payerId": ids["payer"], "lines": [LINE]}
    made = done(billing, "createInvoice", NEW, **inputs)
    assert (made["physician"], made["facility"]) == ({"id": ids["physician"]}, {"id": ids["facility"]})
    assert made["encounter"] == {"id": inputs["encounterId"]}
    contradictions = {
        "physicianId": make_id("Physician", uuid4()),
        "serviceDate": "2020-01-01",
        "caseId": found.own["Case"],
    }
    for name, value in contradictions.items():
        if value != inputs.get(name):
            assert refused(billing, "createInvoice", NEW, **{**inputs, name: value})["path"] == ["input", name]


def test_a_settled_case_takes_no_new_invoice(billing: Client, address: DatabaseUrls, draft: dict[str, Any]) -> None:
    settled = rows(address, "select id from cases where status = 'settled' limit 1")[0]["id"]
    draft["caseId"] = make_id("Case", settled)
    errors: list[Any] = []
    assert changed_by(address, lambda: errors.append(refused(billing, "createInvoice", NEW, **draft))) == set()
    assert (errors[0]["code"], errors[0]["path"]) == ("CONFLICT", ["input", "caseId"])


def test_future_treatment_is_not_billed(billing: Client, draft: dict[str, Any]) -> None:
    tomorrow = (today() + timedelta(days=1)).isoformat()
    assert refused(billing, "createInvoice", NEW, **{**draft, "serviceDate": tomorrow})["path"] == [
        "input",
        "serviceDate",
    ]
    assert done(billing, "createInvoice", NEW, **{**draft, "serviceDate": today().isoformat()})["number"]


def test_the_same_key_creates_one_invoice(billing: Client, draft: dict[str, Any]) -> None:
    key = f"key {uuid4()}"
    first, second = (done(billing, "createInvoice", NEW, **draft, idempotencyKey=key) for _ in range(2))
    assert second == first
    other = refused(billing, "createInvoice", NEW, **{**draft, "lines": []}, idempotencyKey=key)
    assert (other["code"], other["path"]) == ("CONFLICT", ["input", "idempotencyKey"])
    third = done(billing, "createInvoice", NEW, **draft, idempotencyKey=f"{key} again")
    assert int(third["number"][-6:]) == int(first["number"][-6:]) + 1


def test_a_refused_creation_uses_up_no_idempotency_key_and_no_number(billing: Client, draft: dict[str, Any]) -> None:
    key = f"key {uuid4()}"
    before = done(billing, "createInvoice", NEW, **draft)
    refused(billing, "createInvoice", NEW, **{**draft, "lines": [{"code": "NONE-SUCH"}]}, idempotencyKey=key)
    after = done(billing, "createInvoice", NEW, **draft, idempotencyKey=key)
    assert int(after["number"][-6:]) == int(before["number"][-6:]) + 1


def test_lines_are_replaced_until_the_invoice_is_submitted_the_first_time(billing: Client, invoice: Any) -> None:
    identity = invoice["id"]
    changed = done(billing, "replaceInvoiceLines", NEW, invoiceId=identity, lines=[{"code": "E0114"}], version=1)
    assert (changed["billedAmount"], changed["version"]) == ("67.20", 2)
    assert changed["history"][-1]["changes"] == [
        {"field": "billedAmount", "before": "26.90", "after": "67.20"},
        {"field": "lines", "before": "2 of A4556", "after": "1 of E0114"},
    ]
    done(billing, "submitInvoice", NEW, invoiceId=identity, submittedOn=today().isoformat(), method="MAIL")
    error = refused(billing, "replaceInvoiceLines", NEW, invoiceId=identity, lines=[LINE])
    assert (error["code"], error["currentStatus"]) == ("ILLEGAL_TRANSITION", "PENDING_INVOICE")
    assert error["message"].startswith("The lines are fixed since the invoice was submitted")
    assert "accept_in_full" in error["legalNow"]
    done(billing, "recordDenial", NEW, invoiceId=identity, deniedOn=today().isoformat(), reasonCode="CO-16")
    assert (
        refused(billing, "replaceInvoiceLines", NEW, invoiceId=identity, lines=[LINE])["code"] == "ILLEGAL_TRANSITION"
    )


def test_lines_are_not_replaced_during_a_negotiation(billing: Client, invoice: Any, address: DatabaseUrls) -> None:
    identity = invoice["id"]
    done(billing, "submitInvoice", NEW, invoiceId=identity, submittedOn=today().isoformat(), method="FAX")
    done(billing, "requestReduction", NEW, invoiceId=identity, amount="20.00")
    errors: list[Any] = []

    def replace() -> None:
        errors.append(refused(billing, "replaceInvoiceLines", NEW, invoiceId=identity, lines=[]))

    assert changed_by(address, replace) == set()
    assert (errors[0]["code"], errors[0]["currentStatus"]) == ("ILLEGAL_TRANSITION", "PENDING_REDUCTION")


def test_an_outdated_version_replaces_no_lines(billing: Client, invoice: Any, address: DatabaseUrls) -> None:
    done(billing, "replaceInvoiceLines", NEW, invoiceId=invoice["id"], lines=[LINE], version=1)
    errors: list[Any] = []

    def replace() -> None:
        errors.append(refused(billing, "replaceInvoiceLines", NEW, invoiceId=invoice["id"], lines=[], version=1))

    assert changed_by(address, replace) == set()
    assert (errors[0]["code"], errors[0]["__typename"]) == ("STALE_VERSION", "StaleVersion")


def test_a_refusal_names_the_error_and_returns_no_record(billing: Client, found: Found, draft: dict[str, Any]) -> None:
    answer = answered(billing, "createInvoice", NEW, **{**draft, "payerId": found.unknown("Payer")})
    assert answer["invoice"] is None
    assert answer["errors"] == [
        {
            "__typename": "NotFound",
            "message": "There is no such payer",
            "code": "NOT_FOUND",
            "path": ["input", "payerId"],
        }
    ]


def test_an_invoice_bills_all_its_lines_or_none_within_its_largest_amount(
    billing: Client, draft: dict[str, Any]
) -> None:
    huge = {"code": "A4556", "overridePrice": "9999999999.99", "overrideReason": "Why not"}
    assert refused(billing, "createInvoice", NEW, **{**draft, "lines": [huge, huge]})["path"] == ["input", "lines"]
    assert refused(billing, "createInvoice", NEW, **{**draft, "lines": [LINE] * 201})["path"] == ["input", "lines"]
    assert len(done(billing, "createInvoice", NEW, **{**draft, "lines": [LINE] * 200})["lines"]) == 200
    without = {name: value for name, value in draft.items() if name != "lines"}
    assert refused(billing, "createInvoice", NEW, **without)["path"] == ["input", "lines"]
    assert done(billing, "createInvoice", NEW, **{**draft, "lines": []})["billedAmount"] == "0.00"


def test_every_law_of_the_records_holds_for_created_invoices(
    billing: Client, address: DatabaseUrls, invoice: Any
) -> None:
    """The sums that the database stores are those of the lines, to the cent."""
    wrong = rows(
        address,
        """select i.number from invoices i left join (select invoice_id, sum(amount) as amount from invoice_lines group by 1) l
        on l.invoice_id = i.id where i.clinic_id = (select clinic_id from clinics where short_name = 'demo')
        and i.billed_amount <> coalesce(l.amount, 0)""",
    )
    assert (Decimal(invoice["billedAmount"]), wrong) == (Decimal("26.90"), [])
