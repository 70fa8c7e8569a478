"""Price lists: only administrators keep codes, exams and fee schedules, and no two prices are valid on one day."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.conftest import SignIn
from tests.support.api.mutations import answered, done, refused
from tests.support.api.records import Found, changed_by
from tests.support.client import Client
from tests.support.databases import rows

CODE = "cptCode { id code label basePrice bilateralPolicy validFrom validTo active }"
EXAM = "examType { id name code selectionRule position active parent { id } }"
SCHEDULE = "feeSchedule { id name payer { id } facility { id } validFrom validTo rates { nodes { code rate } } }"
CLINIC = "(select clinic_id from clinics where short_name = 'demo')"


def a_code(admin: Client, **inputs: Any) -> Any:
    full = {"code": f"NEW-{uuid4()}", "label": "A new code", "basePrice": "10.00", "validFrom": "2024-01-01"}
    return done(admin, "createCptCode", CODE, **{**full, **inputs})


def validities(client: Client, code: str) -> list[tuple[str, str, str | None]]:
    """The prices of a code, with the first day and the day after the last of each."""
    query = "query ($c: String) { cptCodes(filter: {code: $c}) { nodes { basePrice validFrom validTo } } }"
    nodes = client.read(query, c=code)["cptCodes"]["nodes"]
    return sorted((node["validFrom"], node["basePrice"], node["validTo"]) for node in nodes)


# Codes.


def test_a_code_is_stored_as_entered_and_doubled_for_both_sides_by_default(admin: Client) -> None:
    code = a_code(admin)
    assert code == {
        "id": code["id"],
        "code": code["code"],
        "label": "A new code",
        "basePrice": "10.00",
        "bilateralPolicy": "DOUBLE",
        "validFrom": "2024-01-01",
        "validTo": None,
        "active": True,
    }
    assert a_code(admin, bilateralPolicy="NOT_ALLOWED", validTo="2025-01-01")["bilateralPolicy"] == "NOT_ALLOWED"


def test_a_code_may_have_consecutive_validities_and_no_overlapping_ones(admin: Client, address: DatabaseUrls) -> None:
    code = a_code(admin, validTo="2025-01-01")
    later = a_code(admin, code=code["code"], basePrice="11.00", validFrom="2025-01-01")
    errors: list[Any] = []

    def attempt() -> None:
        inputs = {"code": code["code"], "label": "Again", "basePrice": "1.00"}
        days = ({"validFrom": "2024-06-01"}, {"validFrom": "2020-01-01", "validTo": "2024-01-02"})
        errors.extend(refused(admin, "createCptCode", CODE, **inputs, **validity) for validity in days)
        errors.append(refused(admin, "updateCptCode", CODE, cptCodeId=later["id"], validFrom="2024-12-31"))
        errors.append(refused(admin, "updateCptCode", CODE, cptCodeId=code["id"], validTo=None))

    assert changed_by(address, attempt) == set()
    assert {(error["code"], error["path"][1]) for error in errors} == {("CONFLICT", "validFrom")}


def test_a_new_price_is_valid_from_a_given_day_and_by_default_from_today(admin: Client) -> None:
    code = a_code(admin)
    done(admin, "updateCptCode", CODE, cptCodeId=code["id"], basePrice="12.00", effectiveFrom="2025-03-01")
    expected: list[tuple[str, str, str | None]] = [("2024-01-01", "10.00", "2025-03-01"), ("2025-03-01", "12.00", None)]
    assert validities(admin, code["code"]) == expected
    # The same price again changes nothing, and neither does another label.
    done(admin, "updateCptCode", CODE, cptCodeId=code["id"], basePrice="12.00", label="Otherwise called")
    assert validities(admin, code["code"]) == expected
    # On the first day of its validity, a price is corrected.
    done(admin, "updateCptCode", CODE, cptCodeId=code["id"], basePrice="12.50", effectiveFrom="2025-03-01")
    assert validities(admin, code["code"])[1] == ("2025-03-01", "12.50", None)
    now = done(admin, "updateCptCode", CODE, cptCodeId=code["id"], basePrice="13.00")
    assert [price for _, price, _ in validities(admin, code["code"])] == ["10.00", "12.50", "13.00"]
    assert (now["id"], now["basePrice"], now["validTo"]) == (code["id"], "13.00", None)
    error = refused(admin, "updateCptCode", CODE, cptCodeId=code["id"], basePrice="1.00", effectiveFrom="2020-01-01")
    assert error["path"] == ["input", "effectiveFrom"]


def test_a_retired_code_stays_in_the_list_and_can_be_reactivated(admin: Client) -> None:
    code = a_code(admin)
    assert done(admin, "retireCptCode", CODE, cptCodeId=code["id"]) == {**code, "active": False}
    assert refused(admin, "retireCptCode", CODE, cptCodeId=code["id"])["code"] == "CONFLICT"
    query = "query ($f: CptCodeFilter) { cptCodes(filter: $f) { totalCount } }"
    for only, count in ((True, 0), (False, 1)):
        assert admin.read(query, f={"code": code["code"], "activeOnly": only})["cptCodes"]["totalCount"] == count
    assert done(admin, "updateCptCode", CODE, cptCodeId=code["id"], active=True) == code
    for day, count in (("2023-12-31", 0), ("2024-01-01", 1)):
        assert admin.read(query, f={"code": code["code"], "validOn": day})["cptCodes"]["totalCount"] == count


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("code", value) for value in ("", "A B", "X" * 51, "A\x00")),
        *(("label", value) for value in ("", " ", "X" * 201, "A\nB")),
        ("basePrice", "-0.01"),
        ("validTo", "2024-01-01"),
        ("validTo", "2023-12-31"),
    ],
)
def test_an_invalid_code_is_refused_with_its_field(admin: Client, field: str, value: str) -> None:
    full = {"code": f"NEW-{uuid4()}", "label": "New", "basePrice": "1.00", "validFrom": "2024-01-01"}
    error = refused(admin, "createCptCode", CODE, **{**full, field: value})
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", field])


# Exams.


def test_an_exam_joins_the_tree_with_its_sub_exams(admin: Client) -> None:
    main = done(admin, "createExamType", EXAM, name="Sleep study", selectionRule="AT_LEAST_ONE", position=99)
    assert (main["code"], main["selectionRule"], main["parent"]) == (None, "AT_LEAST_ONE", None)
    part = done(admin, "createExamType", EXAM, name="At home", parentId=main["id"], code="LETTER")
    assert part["parent"] == {"id": main["id"]}
    tree = admin.read("{ examTypes { name subExams { name } } }")["examTypes"]
    assert tree[-1] == {"name": "Sleep study", "subExams": [{"name": "At home"}]}
    for inputs, path in (
        ({"parentId": main["id"]}, "code"),
        ({"parentId": part["id"], "code": "LETTER"}, "parentId"),
        ({"code": "NONE-SUCH"}, "code"),
        ({"position": -1}, "position"),
    ):
        error = refused(admin, "createExamType", EXAM, name="Wrong", **inputs)
        assert error["path"] == ["input", path]
    assert refused(admin, "updateExamType", EXAM, examTypeId=part["id"], code=None)["path"] == ["input", "code"]
    assert done(admin, "updateExamType", EXAM, examTypeId=main["id"], code="REPORT")["code"] == "REPORT"
    done(admin, "retireExamType", EXAM, examTypeId=main["id"])
    assert "Sleep study" not in str(admin.read("{ examTypes { name } }"))
    assert "Sleep study" in str(admin.read("{ examTypes(activeOnly: false) { name } }"))


def test_a_retired_sub_exam_is_listed_on_request(admin: Client) -> None:
    main = done(admin, "createExamType", EXAM, name="Hearing")
    part = done(admin, "createExamType", EXAM, name="One ear", parentId=main["id"], code="LETTER")
    done(admin, "retireExamType", EXAM, examTypeId=part["id"])
    query = "query ($id: ID!) { node(id: $id) { ... on ExamType { a: subExams { name } b: subExams(activeOnly: false) { name } } } }"
    assert admin.read(query, id=main["id"])["node"] == {"a": [], "b": [{"name": "One ear"}]}


# Fee schedules.


def a_schedule(admin: Client, **inputs: Any) -> Any:
    full = {"name": "New rates", "validFrom": "2024-01-01"}
    return done(admin, "createFeeSchedule", SCHEDULE, **{**full, **inputs})


def test_a_schedule_is_stored_as_entered_with_its_payer_and_facility(admin: Client, found: Found) -> None:
    code = a_code(admin)["code"]
    for target in ({}, {"payerId": found.own["Payer"]}, {"facilityId": found.own["Facility"]}):
        made = a_schedule(admin, **target, rates=[{"code": code, "rate": "7.50"}])
        assert made["rates"]["nodes"] == [{"code": code, "rate": "7.50"}]
        assert (made["payer"] or {}).get("id") == target.get("payerId")
        assert (made["facility"] or {}).get("id") == target.get("facilityId")
        listed = admin.read("query ($p: ID) { feeSchedules(payerId: $p) { id } }", p=target.get("payerId"))[
            "feeSchedules"
        ]
        assert {"id": made["id"]} in listed
    for kind, field in (("Payer", "payerId"), ("Facility", "facilityId")):
        errors = [
            refused(admin, "createFeeSchedule", SCHEDULE, name="X", validFrom="2024-01-01", **{field: identity})
            for identity in (found.foreign[kind], found.unknown(kind))
        ]
        assert errors[0] == errors[1]
        assert (errors[0]["code"], errors[0]["path"]) == ("NOT_FOUND", ["input", field])


def test_two_schedules_of_a_payer_may_overlap_except_for_the_same_code(
    admin: Client, found: Found, address: DatabaseUrls
) -> None:
    one, other = a_code(admin)["code"], a_code(admin)["code"]
    payer = {"payerId": found.own["Payer"]}
    first = a_schedule(admin, **payer, validTo="2025-01-01", rates=[{"code": one, "rate": "1.00"}])
    second = a_schedule(admin, **payer, validFrom="2024-06-01", rates=[{"code": other, "rate": "2.00"}])
    a_schedule(admin, **payer, validFrom="2025-01-01", rates=[{"code": one, "rate": "3.00"}])
    a_schedule(admin, facilityId=found.own["Facility"], rates=[{"code": one, "rate": "4.00"}])
    errors: list[Any] = []

    def attempt() -> None:
        again = {"name": "Again", "validFrom": "2024-12-31", "validTo": "2025-01-01", **payer}
        rates = [{"code": one, "rate": "9.00"}]
        errors.append(refused(admin, "createFeeSchedule", SCHEDULE, **again, rates=rates))
        added = {"feeScheduleId": second["id"], "rates": rates, "effectiveFrom": "2024-06-01"}
        errors.append(refused(admin, "updateFeeSchedule", SCHEDULE, **added))
        errors.append(refused(admin, "updateFeeSchedule", SCHEDULE, feeScheduleId=first["id"], validTo="2025-01-02"))

    assert changed_by(address, attempt) == set()
    assert {error["code"] for error in errors} == {"CONFLICT"}
    assert all(error["message"].startswith(one) for error in errors)


def test_changed_rates_are_valid_from_a_day_and_earlier_days_keep_the_old_ones(admin: Client, found: Found) -> None:
    kept, changed, gone, new = (a_code(admin)["code"] for _ in range(4))
    rates = [{"code": code, "rate": "1.00"} for code in (kept, changed, gone)]
    made = a_schedule(admin, payerId=found.own["Payer"], name=f"Split {uuid4()}", rates=rates)
    inputs = {"rates": [{"code": changed, "rate": "2.00"}, {"code": new, "rate": "3.00"}], "removedCodes": [gone]}
    now = done(admin, "updateFeeSchedule", SCHEDULE, feeScheduleId=made["id"], **inputs, effectiveFrom="2025-01-01")
    assert {rate["code"]: rate["rate"] for rate in now["rates"]["nodes"]} == {
        kept: "1.00",
        changed: "2.00",
        new: "3.00",
    }
    assert (now["id"], now["validFrom"]) == (made["id"], "2025-01-01")
    query = "{ feeSchedules { name validFrom validTo rates { nodes { code rate } } } }"
    (before,) = [
        one
        for one in admin.read(query)["feeSchedules"]
        if one["name"] == made["name"] and one["validFrom"] == "2024-01-01"
    ]
    assert before["validTo"] == "2025-01-01"
    assert {rate["code"]: rate["rate"] for rate in before["rates"]["nodes"]} == dict.fromkeys(
        (kept, changed, gone), "1.00"
    )


def test_a_retired_schedule_ends_today_and_a_future_one_is_never_valid(admin: Client) -> None:
    current, coming = a_schedule(admin), a_schedule(admin, validFrom="2035-01-01")
    for one in (current, coming):
        ended = done(admin, "retireFeeSchedule", SCHEDULE, feeScheduleId=one["id"])
        assert ended["validTo"] == max(ended["validTo"], one["validFrom"])
        assert refused(admin, "retireFeeSchedule", SCHEDULE, feeScheduleId=one["id"])["code"] == "CONFLICT"
    assert ended["validTo"] == "2035-01-01"


@pytest.mark.parametrize(
    ("rates", "path"),
    [
        ([{"code": "A4556", "rate": "-1.00"}], ["rates", "0", "rate"]),
        ([{"code": "A4556", "rate": "1.00"}, {"code": "A4556", "rate": "2.00"}], ["rates", "1", "code"]),
        ([{"code": "A4556", "rate": "1.00"}, {"code": "NONE-SUCH", "rate": "2.00"}], ["rates", "1", "code"]),
        ([{"code": "A4556", "rate": "1.00"}] * 1_001, ["rates"]),
    ],
)
def test_an_invalid_rate_is_refused_with_its_path(admin: Client, rates: list[dict[str, str]], path: list[str]) -> None:
    error = refused(admin, "createFeeSchedule", SCHEDULE, name="Wrong", validFrom="2024-01-01", rates=rates)
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", *path])


# The database refuses overlapping prices from every role, also from concurrent transactions.


def test_of_eight_concurrent_creations_of_a_code_one_succeeds(admin: Client, address: DatabaseUrls) -> None:
    code = f"RACE-{uuid4()}".upper()
    days = [f"2024-01-{day:02d}" for day in range(1, 9)]
    with ThreadPoolExecutor(len(days)) as people:
        inputs = {"code": code, "label": "Raced", "basePrice": "1.00"}
        answers = list(people.map(lambda day: answered(admin, "createCptCode", CODE, **inputs, validFrom=day), days))
    assert sum(answer["cptCode"] is not None for answer in answers) == 1
    assert [list(row) for row in rows(address, "select count(*)::int from cpt_codes where code = $1", code)] == [[1]]


def test_of_eight_concurrent_creations_of_a_fee_schedule_one_succeeds(admin: Client, found: Found) -> None:
    rates = [{"code": a_code(admin)["code"], "rate": "1.00"}]
    inputs = {"name": "Raced", "payerId": found.own["Payer"], "rates": rates}
    days = [f"2024-01-{day:02d}" for day in range(1, 9)]
    with ThreadPoolExecutor(len(days)) as people:
        answers = list(
            people.map(lambda day: answered(admin, "createFeeSchedule", SCHEDULE, **inputs, validFrom=day), days)
        )
    assert sum(answer["feeSchedule"] is not None for answer in answers) == 1


@pytest.mark.parametrize(
    "statement",
    [
        f"""insert into cpt_codes (clinic_id, id, code, label, base_price, valid_from)
            select {CLINIC}, gen_random_uuid(), 'A4556', 'Twice', 1, '2026-01-01'""",
        "update cpt_codes set code = 'A4556', valid_from = '2026-01-01' where code = 'L0120'",
        """insert into fee_schedule_rates (clinic_id, id, fee_schedule_id, code, rate) select clinic_id, gen_random_uuid(),
            (select id from fee_schedules where name = 'Clinic schedule, raised'), 'A4556', 1 from fee_schedules
            where name = 'Clinic schedule' union all select clinic_id, gen_random_uuid(), id, 'A4556', 1 from twice""",
        "update fee_schedules set valid_from = '2020-01-01' where name = 'Clinic schedule, raised'",
        "update fee_schedules set payer_id = null where name = 'Negotiated'",
    ],
)
def test_the_database_refuses_two_prices_for_a_day_even_from_its_owner(
    own_address: DatabaseUrls, statement: str
) -> None:
    async def attempt() -> None:
        connection = await asyncpg.connect(own_address.owner)
        try:
            await connection.execute("begin")
            await connection.execute(
                f"""create temporary table twice as with made as (insert into fee_schedules (clinic_id, id, name, valid_from)
                values ({CLINIC}, gen_random_uuid(), 'Twice', '2026-01-01') returning clinic_id, id) select * from made"""
                if "twice" in statement
                else "select 1"
            )
            await connection.execute(statement)
        finally:
            await connection.close()

    with pytest.raises(asyncpg.ExclusionViolationError, match=r"valid twice on the same day"):
        asyncio.run(attempt())


# Permissions.

STEPS = ("CptCode", "ExamType", "FeeSchedule")


@pytest.mark.parametrize("role", [None, Role.BILLING, Role.PHYSICIAN, Role.ATTORNEY, Role.ANALYST])
def test_only_administrators_have_these_mutations(anonymous: Client, sign_in: SignIn, role: Role | None) -> None:
    client = anonymous if role is None else sign_in(role)
    for noun in STEPS:
        for verb in ("create", "update", "retire"):
            messages = client.refusals(f"mutation {{ {verb}{noun}(input: {{}}) {{ errors {{ message }} }} }}")
            expected = f"Cannot query field '{verb}{noun}' on type 'Mutation'."
            assert expected in messages, messages


def test_an_administrator_finds_no_price_list_of_another_clinic(admin: Client, address: DatabaseUrls) -> None:
    foreign = {"cptCodeId": "CptCode", "examTypeId": "ExamType", "feeScheduleId": "FeeSchedule"}
    errors: list[Any] = []

    def attempt() -> None:
        for field, noun in foreign.items():
            selection = {"CptCode": CODE, "ExamType": EXAM, "FeeSchedule": SCHEDULE}[noun]
            errors.extend(
                refused(admin, f"{verb}{noun}", selection, **{field: Found({}, {}).unknown(noun)})
                for verb in ("update", "retire")
            )

    assert changed_by(address, attempt) == set()
    assert {error["code"] for error in errors} == {"NOT_FOUND"}


def test_one_idempotency_key_creates_a_code_an_exam_and_a_schedule_once(admin: Client) -> None:
    code = {"code": f"ONCE-{uuid4()}", "label": "Once", "basePrice": "1.00", "validFrom": "2024-01-01"}
    for name, selection, inputs in (
        ("createCptCode", CODE, code),
        ("createExamType", EXAM, {"name": "Once"}),
        ("createFeeSchedule", SCHEDULE, {"name": "Once", "validFrom": "2024-01-01"}),
    ):
        key = {"idempotencyKey": f"{name} {uuid4()}"}
        assert done(admin, name, selection, **inputs, **key) == done(admin, name, selection, **inputs, **key)
