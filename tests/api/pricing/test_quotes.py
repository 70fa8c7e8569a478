"""A quote prices lines as an invoice would: from the first source that exists, on the day of service, with its reasons."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from db.global_ids import make_id
from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.conftest import SignIn
from tests.support.api.mutations import LINE, NEW, done
from tests.support.api.records import Found
from tests.support.api.wire_capture import Wire, captured_statements
from tests.support.client import Client, serving
from tests.support.databases import rows

TRACE = "trace { source rate geographicFactor bilateralFactor overrideReason schedule validFrom validTo }"
QUOTE = f"""query ($input: PriceQuoteInput!) {{ priceQuote(input: $input) {{
    quote {{ total lines {{ code label units bilateral unitPrice amount {TRACE} }} }}
    errors {{ __typename message code path }} }} }}"""
TOTAL = (
    "query ($input: PriceQuoteInput!) { priceQuote(input: $input) { quote { total } errors { message code path } } }"
)
CLINIC = "(select clinic_id from clinics where short_name = 'demo')"
DAY = "2026-03-02"


@pytest.fixture(scope="module")
def captured(address: DatabaseUrls) -> Iterator[tuple[Wire, str]]:
    with captured_statements(address) as (through, wire), serving(through) as url:
        yield wire, url


@pytest.fixture(scope="module")
def server_url(captured: tuple[Wire, str]) -> str:
    return captured[1]


@pytest.fixture(scope="module")
def place(address: DatabaseUrls) -> str:
    """A facility whose geographic factor is 1.0432."""
    identity = uuid4()
    rows(
        address,
        f"insert into facilities (clinic_id, id, name, geographic_factor) values ({CLINIC}, $1, 'Worked', 1.0432)",
        identity,
    )
    return make_id("Facility", identity)


@pytest.fixture(scope="module")
def codes(admin: Client) -> None:
    """The codes of the worked examples."""
    for code, price, policy in (
        ("WORKED-HALF", "33.35", "ONE_AND_A_HALF"),
        ("WORKED-TWICE", "100.00", "DOUBLE"),
        ("WORKED-ONCE", "20.00", "NOT_ALLOWED"),
    ):
        inputs = {"code": code, "label": "Worked", "basePrice": price, "bilateralPolicy": policy}
        done(admin, "createCptCode", "cptCode { id }", **inputs, validFrom="2020-01-01")


def quoted(client: Client, payer: str, *lines: dict[str, Any], on: str = DAY, **more: Any) -> Any:
    """The quote for some lines; fails when there is none."""
    answer = client.read(QUOTE, input={"payerId": payer, "serviceDate": on, "lines": list(lines), **more})["priceQuote"]
    assert answer["errors"] == [], answer
    return answer["quote"]


def unquoted(client: Client, payer: str, *lines: dict[str, Any], **more: Any) -> Any:
    """The refusal of a quote."""
    answer = client.read(QUOTE, input={"payerId": payer, "serviceDate": DAY, "lines": list(lines), **more})[
        "priceQuote"
    ]
    assert answer["quote"] is None
    (error,) = answer["errors"]
    return error


@pytest.mark.usefixtures("codes")
def test_the_worked_prices_of_the_specification(billing: Client, found: Found, place: str) -> None:
    half = quoted(billing, found.own["Payer"], {"code": "WORKED-HALF", "bilateral": True})
    assert (half["lines"][0]["unitPrice"], half["total"]) == ("33.35", "50.03")
    twice = {"code": "WORKED-TWICE", "bilateral": True, "units": 2}
    quote = quoted(billing, found.own["Payer"], twice, facilityId=place)
    assert (quote["lines"][0]["unitPrice"], quote["total"]) == ("104.32", "417.28")
    assert quote["lines"][0]["trace"] == {
        "source": "BASE_PRICE",
        "rate": "100.00",
        "geographicFactor": "1.0432",
        "bilateralFactor": "2.0",
        "overrideReason": None,
        "schedule": None,
        "validFrom": "2020-01-01",
        "validTo": None,
    }


@pytest.mark.usefixtures("codes")
def test_the_flag_for_both_sides_changes_the_total(billing: Client, found: Found) -> None:
    totals = {
        (code, both): quoted(billing, found.own["Payer"], {"code": code, "bilateral": both})["total"]
        for code in ("WORKED-TWICE", "WORKED-HALF")
        for both in (False, True)
    }
    assert list(totals.values()) == ["100.00", "200.00", "33.35", "50.03"]
    error = unquoted(billing, found.own["Payer"], LINE, {"code": "WORKED-ONCE", "bilateral": True})
    assert error == {
        "__typename": "InvalidInput",
        "message": "Line 2: WORKED-ONCE cannot be billed for both sides",
        "code": "INVALID_INPUT",
        "path": ["input", "lines", "1", "bilateral"],
    }


REFUSED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "an unknown code": ({"code": "NONE-SUCH"}, ["code"]),
    "no units": ({"code": "A4556", "units": 0}, ["units"]),
    "too many units": ({"code": "A4556", "units": 1000}, ["units"]),
    "a price below nothing": ({"code": "A4556", "overridePrice": "-0.01", "overrideReason": "Why"}, ["overridePrice"]),
    "a price without reason": ({"code": "A4556", "overridePrice": "1.00"}, ["overrideReason"]),
    "what cannot be stored": ({"code": "A\x00"}, ["code"]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_line_that_cannot_be_priced_is_named(billing: Client, found: Found, name: str) -> None:
    line, path = REFUSED[name]
    error = unquoted(billing, found.own["Payer"], LINE, line)
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "lines", "1", *path])


def test_a_code_is_quoted_only_on_the_days_of_its_validity(billing: Client, found: Found) -> None:
    error = unquoted(billing, found.own["Payer"], LINE, serviceDate="1999-01-01")
    assert error["path"] == ["input", "lines", "0", "code"]
    assert "valid on the service date" in error["message"]


@pytest.mark.parametrize("field", ["payerId", "facilityId"])
def test_a_foreign_payer_or_facility_is_not_found(billing: Client, found: Found, field: str) -> None:
    kind = field.removesuffix("Id").title()
    payer = found.own["Payer"]
    errors = [
        unquoted(billing, payer, LINE, **{field: identity}) for identity in (found.foreign[kind], found.unknown(kind))
    ]
    assert errors[0] == errors[1]
    assert (errors[0]["code"], errors[0]["path"]) == ("NOT_FOUND", ["input", field])
    assert unquoted(billing, payer, LINE, **{field: "nothing"})["code"] == "INVALID_INPUT"


def test_an_override_shows_its_reason(billing: Client, found: Found) -> None:
    line = {"code": "A4556", "overridePrice": "9.99", "overrideReason": "Agreed on the telephone"}
    trace = quoted(billing, found.own["Payer"], line)["lines"][0]["trace"]
    assert (trace["source"], trace["rate"], trace["overrideReason"]) == ("OVERRIDE", "9.99", "Agreed on the telephone")


def test_a_new_price_changes_no_invoice_and_no_quote_for_a_day_before(
    admin: Client, billing: Client, draft: dict[str, Any], found: Found
) -> None:
    inputs = {"label": "Changing", "basePrice": "10.00", "validFrom": "2020-01-01"}
    code = done(admin, "createCptCode", "cptCode { id }", code="CHANGING", **inputs)
    lines = [{"code": "CHANGING"}]
    invoice = done(billing, "createInvoice", NEW, **{**draft, "lines": lines})
    changed = {"cptCodeId": code["id"], "basePrice": "12.00"}
    done(admin, "updateCptCode", "cptCode { id }", **changed, effectiveFrom="2026-05-01")
    for day, price in (("2026-04-30", "10.00"), ("2026-05-01", "12.00"), (DAY, "10.00")):
        assert quoted(billing, found.own["Payer"], *lines, on=day)["total"] == price
    # The same for a fee schedule of the payer from a day on.
    rates = {"validFrom": "2026-04-01", "rates": [{"code": "CHANGING", "rate": "8.00"}]}
    done(admin, "createFeeSchedule", "feeSchedule { id }", name="Later", payerId=found.own["Payer"], **rates)
    for day, price in (("2026-03-31", "10.00"), ("2026-04-01", "8.00")):
        assert quoted(billing, found.own["Payer"], *lines, on=day)["total"] == price
    read = billing.read(
        "query ($id: ID!) { invoice(id: $id) { billedAmount lines { priceTrace { source rate } } } }", id=invoice["id"]
    )["invoice"]
    assert read == {"billedAmount": "10.00", "lines": [{"priceTrace": {"source": "BASE_PRICE", "rate": "10.00"}}]}


def test_an_invoice_stores_the_source_of_each_price(
    billing: Client, draft: dict[str, Any], admin: Client, found: Found
) -> None:
    rates = {"validFrom": "2026-01-01", "validTo": "2026-12-31", "rates": [{"code": "E0114", "rate": "50.00"}]}
    schedule = done(
        admin, "createFeeSchedule", "feeSchedule { id }", name="Crutches", payerId=found.own["Payer"], **rates
    )
    lines = [{"code": "E0114"}, {"code": "A4556", "overridePrice": "1.00", "overrideReason": "Agreed"}]
    quote = quoted(billing, draft["payerId"], *lines)
    selection = f"invoice {{ id lines {{ {TRACE.replace('trace', 'priceTrace')} }} }}"
    invoice = done(billing, "createInvoice", selection, **{**draft, "lines": lines})
    done(
        admin,
        "updateFeeSchedule",
        "feeSchedule { id }",
        feeScheduleId=schedule["id"],
        name="Other",
        removedCodes=["E0114"],
    )
    query = f"query ($id: ID!) {{ {selection.replace('invoice', 'invoice(id: $id)', 1)} }}"
    kept = billing.read(query, id=invoice["id"])["invoice"]
    assert kept == invoice
    assert [line["priceTrace"] for line in kept["lines"]] == [line["trace"] for line in quote["lines"]]
    assert kept["lines"][0]["priceTrace"]["schedule"] == "Crutches"
    assert kept["lines"][0]["priceTrace"]["validTo"] == "2026-12-31"


def test_a_quote_writes_nothing_and_is_one_statement_for_any_number_of_lines(
    captured: tuple[Wire, str], billing: Client, sign_in: SignIn, found: Found
) -> None:
    wire, lines = captured[0], [dict(LINE) for _ in range(20)]
    quoted(billing, found.own["Payer"], *lines)
    wire.executed.clear()
    quoted(billing, found.own["Payer"], *lines, facilityId=found.own["Facility"])
    assert [len(statements) for statements in wire.transactions()] == [1]
    begun = [statement for _, statement in wire.executed if "set local role clinic_billing" in statement]
    assert [statement.partition(";")[0] for statement in begun] == ["begin read only"]
    # For a physician, a first statement checks as the physician whether payer and facility are in reach.
    physician = sign_in(Role.PHYSICIAN)
    payer = physician.read("{ invoices(first: 1) { nodes { payer { id } } } }")["invoices"]["nodes"][0]["payer"]["id"]
    inputs = {"payerId": payer, "serviceDate": DAY, "lines": lines}
    physician.read(TOTAL, input=inputs)
    wire.executed.clear()
    assert physician.read(TOTAL, input=inputs)["priceQuote"]["errors"] == []
    assert [len(statements) for statements in wire.transactions()] == [1, 1]


def test_a_code_is_billed_as_it_is_quoted_in_any_spelling(
    billing: Client, draft: dict[str, Any], address: DatabaseUrls
) -> None:
    """A code that an earlier release stored in small letters keeps its own price."""
    for code, price in (("zq302", "10.00"), ("ZQ302", "20.00"), ("zq303", "30.00")):
        columns = "clinic_id, id, code, label, base_price, valid_from"
        insert = f"insert into cpt_codes ({columns}) values ({CLINIC}, $1, $2, 'A', $3::text::numeric, '2021-01-01')"
        rows(address, insert, uuid4(), code, price)
    for typed, price in (
        ("zq302", "10.00"),
        ("ZQ302", "20.00"),
        ("Zq302", "20.00"),
        ("zq303", "30.00"),
        ("a4556", "13.45"),
    ):
        assert quoted(billing, draft["payerId"], {"code": typed})["total"] == price
        lines = [{"code": typed}]
        assert done(billing, "createInvoice", "invoice { billedAmount }", **{**draft, "lines": lines}) == {
            "billedAmount": price
        }


# Permissions: billing staff see everything, a physician the total, others nothing (tests/api/billing/test_encounters.py).


def test_a_physician_sees_the_same_total_and_none_of_its_parts(
    sign_in: SignIn, billing: Client, address: DatabaseUrls
) -> None:
    physician = sign_in(Role.PHYSICIAN)
    node = physician.read("{ invoices(first: 1) { nodes { payer { id } facility { id } } } }")["invoices"]["nodes"][0]
    inputs = {"facilityId": node["facility"]["id"], "serviceDate": DAY, "lines": [LINE, {"code": "SCAN-NECK"}]}
    total = physician.read(TOTAL, input={**inputs, "payerId": node["payer"]["id"]})["priceQuote"]["quote"]["total"]
    assert (
        total == billing.read(TOTAL, input={**inputs, "payerId": node["payer"]["id"]})["priceQuote"]["quote"]["total"]
    )
    refusals = physician.refusals(QUOTE, input={**inputs, "payerId": node["payer"]["id"]})
    assert any("Cannot query field 'lines' on type 'PriceQuote'" in words for words in refusals)
    by_hand = [{**LINE, "overridePrice": "1.00", "overrideReason": "Mine"}]
    refusals = physician.refusals(TOTAL, input={**inputs, "payerId": node["payer"]["id"], "lines": by_hand})
    assert "unknown field 'overridePrice'" in refusals[0]
    [[me]] = rows(address, "select physician_id from users where email = 'physician@demo.example'")
    query = f"select id from payers where clinic_id = {CLINIC} and id not in (select payer_id from invoices where physician_id = $1)"
    payers = [rows(address, query, me)[0]["id"], uuid4()]
    answers = [physician.read(TOTAL, input={**inputs, "payerId": make_id("Payer", payer)}) for payer in payers]
    assert answers[0] == answers[1]
    assert answers[0]["priceQuote"]["errors"][0]["code"] == "NOT_FOUND"
