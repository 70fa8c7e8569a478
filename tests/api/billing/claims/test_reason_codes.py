"""The clinic's own list of reason codes: created, imported, retired, and what it means for adjustments and denials."""

from collections.abc import Iterator
from typing import Any

import pytest

from domain.access.people import Role
from tests.api.records.test_imports import IMPORT
from tests.conftest import SignIn
from tests.support.api.mutations import done, refused
from tests.support.api.records import nothing_changes
from tests.support.api.scans import sent
from tests.support.api.scenarios import INVOICE, TODAY, Clinic
from tests.support.client import Client
from tests.support.databases import rows

CODE = "reasonCode { id code group label active }"
LIST = "query ($f: ReasonCodeFilter) { reasonCodes(filter: $f, first: 100) { nodes { id code group label active } } }"
IN_USE = "select code from reason_codes where active order by code"


@pytest.fixture(autouse=True)
def the_list_is_empty_again(clinic: Clinic) -> Iterator[None]:
    yield
    rows(clinic.address, "update reason_codes set active = false")


def _codes(client: Client, **of: Any) -> list[Any]:
    found: list[Any] = client.read(LIST, f=of)["reasonCodes"]["nodes"]
    return found


def _new(clinic: Clinic, code: str, **more: Any) -> Any:
    return done(clinic.billing, "createReasonCode", CODE, code=code, label="Our words", **more)


def test_without_a_code_in_use_every_code_is_accepted_and_with_one_only_that_one(clinic: Clinic) -> None:
    invoice = clinic.submitted("1000.00")
    denial: dict[str, Any] = {"invoiceId": invoice, "deniedOn": TODAY}
    adjustment: dict[str, Any] = {"invoiceId": invoice, "group": "CO", "amount": "1.00"}
    done(clinic.billing, "recordAdjustment", "invoice { id }", **adjustment, reasonCode="whatever")
    code = _new(clinic, "zz-7", group="CO")
    assert (code["code"], code["group"], code["active"]) == ("ZZ-7", "CO", True)
    for name, values in (("recordDenial", denial), ("recordAdjustment", adjustment)):
        with nothing_changes(clinic.address):
            error = refused(clinic.billing, name, INVOICE, **values, reasonCode="whatever")
        assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "reasonCode"])
        assert "WHATEVER is not in the clinic's list" in error["message"]
        assert "createReasonCode" in error["message"]
    done(clinic.billing, "recordAdjustment", "invoice { id }", **adjustment, reasonCode=" zz-7")
    done(clinic.billing, "recordDenial", "invoice { id }", **denial, reasonCode="ZZ-7")
    # The last code in use is retired: there is no list any more.
    done(clinic.billing, "retireReasonCode", CODE, reasonCodeId=code["id"])
    done(clinic.billing, "recordAdjustment", "invoice { id }", **adjustment, reasonCode="whatever")


def test_a_retired_code_is_refused_until_it_is_in_use_again(clinic: Clinic) -> None:
    invoice = clinic.submitted("1000.00")
    code, _ = _new(clinic, "ZZ-8"), _new(clinic, "ZZ-9")
    done(clinic.billing, "retireReasonCode", CODE, reasonCodeId=code["id"])
    values: dict[str, Any] = {"invoiceId": invoice, "deniedOn": TODAY, "reasonCode": "ZZ-8"}
    assert refused(clinic.billing, "recordDenial", INVOICE, **values)["path"] == ["input", "reasonCode"]
    assert refused(clinic.billing, "retireReasonCode", CODE, reasonCodeId=code["id"])["code"] == "CONFLICT"
    found = done(
        clinic.billing, "updateReasonCode", CODE, reasonCodeId=code["id"], active=True, group="PI", label="Other"
    )
    assert (found["active"], found["group"], found["label"]) == (True, "PI", "Other")
    done(clinic.billing, "recordDenial", "invoice { id }", **values)
    assert refused(clinic.billing, "createReasonCode", CODE, code="zz-8", label="Again")["code"] == "CONFLICT"


def test_the_list_is_found_by_the_start_of_a_code_and_by_use(clinic: Clinic) -> None:
    codes = [_new(clinic, code)["code"] for code in ("YY-1", "YY-2")]
    assert [one["code"] for one in _codes(clinic.billing, code="yy-")] == codes
    done(clinic.billing, "retireReasonCode", CODE, reasonCodeId=_codes(clinic.billing, code="YY-2")[0]["id"])
    assert [one["code"] for one in _codes(clinic.billing, code="YY-", activeOnly=True)] == ["YY-1"]


def test_a_list_is_imported_and_again_with_changes(clinic: Clinic) -> None:
    def imported(text: str) -> Any:
        document = sent(clinic.billing, text.encode(), fileName="reasons.csv", contentType="text/csv")
        values = {"kind": "REASON_CODES", "documentId": document}
        return clinic.billing.read(IMPORT, input=values)["importRecords"]

    answer = imported("code,group,label\nxx-1,co,By contract\n45,,Above the fee\nXX-2,OA,Other\n")
    assert answer["errors"] == []
    assert (answer["report"]["added"], answer["report"]["changed"]) == (2, 1)
    assert [row["code"] for row in rows(clinic.address, IN_USE)] == ["XX-1", "XX-2"]
    answer = imported("code,group,label\nXX-1,CO,By contract\nXX-2,,Otherwise\n")
    assert (answer["report"]["changed"], answer["report"]["unchanged"]) == (1, 1)
    broken = imported("code,group,label\nXX-3,XX,What\n,CO,Nothing\nXX-1,CO,\n")["report"]
    assert (broken["written"], broken["badRows"]) == (False, 3)
    assert [(one["line"], one["column"]) for one in broken["badCells"]] == [(2, "group"), (3, "code"), (4, "label")]


@pytest.mark.parametrize("role", [Role.PHYSICIAN, Role.ATTORNEY, Role.ANALYST])
def test_only_billing_staff_know_the_list(sign_in: SignIn, role: Role) -> None:
    client = sign_in(role)
    assert "errors" in client.ask("{ reasonCodes { nodes { code } } }")
    assert "errors" in client.ask('mutation { createReasonCode(input: {code: "A", label: "B"}) { reasonCode { id } } }')
