"""Reminder policies (dunning schedules): staff save levels and templates; what cannot be filled in or sent is refused when saved."""

from typing import Any

import pytest

from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.conftest import SignIn
from tests.support.api.mutations import done, refused
from tests.support.api.records import Found
from tests.support.client import Client
from tests.support.databases import rows

TEMPLATE = "reminderTemplate { id name version subject body createdBy { name } }"
POLICY = """reminderPolicy { id name active payerKind facility { id } billingLead { name } levels { level afterDays inStatus
    template { id version } recipient recipientAddress copyTo copyAddress minimumBalance repeatDays repeatTimes } }"""
GOOD = {
    "name": "Kind words",
    "subject": "Invoice{% if invoice_count > 1 %}s{% endif %} of {{ clinic }}",
    "body": "{{ invoices }}",
}


def level(found: Found, **changes: Any) -> dict[str, Any]:
    named = {"reminderTemplateId": found.own["ReminderTemplate"], "recipient": "PAYER"}
    return {"afterDays": 30, "inStatus": "PENDING_INVOICE", **named, **changes}


def policy(found: Found, *levels: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"name": "Ours", "active": False, "levels": list(levels or [level(found)]), **changes}


def test_the_standard_policy_and_its_templates_exist_from_the_start(billing: Client) -> None:
    query = """{ reminderTemplates { name version } reminderPolicies { name active billingLead { name }
        levels { level afterDays inStatus copyTo repeatDays repeatTimes template { name } } } }"""
    read = billing.read(query)
    assert {one["name"] for one in read["reminderTemplates"]} >= {
        "First reminder",
        "Second reminder",
        "Third reminder",
        "Agreed payment",
    }
    (standard,) = (one for one in read["reminderPolicies"] if one["name"] == "Standard")
    assert (standard["active"], standard["billingLead"]) == (True, {"name": "Ada Minster"})
    assert [(one["afterDays"], one["inStatus"], one["copyTo"]) for one in standard["levels"]] == [
        (30, "PENDING_INVOICE", None),
        (60, "PENDING_INVOICE", None),
        (90, "PENDING_INVOICE", "BILLING_LEAD"),
        (30, "PENDING_CHEQUE", None),
    ]


def test_a_changed_template_is_a_new_version_that_its_levels_use_at_once(billing: Client, found: Found) -> None:
    first = done(billing, "saveReminderTemplate", TEMPLATE, **GOOD)
    assert (first["version"], first["createdBy"]) == (1, {"name": "Bill Ingfield"})
    made = done(
        billing,
        "saveReminderPolicy",
        POLICY,
        **policy(found, level(found, reminderTemplateId=first["id"]), name="Versions"),
    )
    assert done(billing, "saveReminderTemplate", TEMPLATE, **GOOD)["id"] == first["id"]
    second = done(billing, "saveReminderTemplate", TEMPLATE, **{**GOOD, "body": "Now: {{ invoices }}"})
    assert second["version"] == 2
    read = billing.read("{ reminderTemplates { id name } reminderPolicies { id levels { template { id } } } }")
    assert [one["id"] for one in read["reminderTemplates"] if one["name"] == GOOD["name"]] == [second["id"]]
    assert {"id": made["id"], "levels": [{"template": {"id": second["id"]}}]} in read["reminderPolicies"]
    # A policy that names the older version gets the newest.
    named = level(found, reminderTemplateId=first["id"])
    again = done(
        billing, "saveReminderPolicy", POLICY, **policy(found, named, reminderPolicyId=made["id"], name="Versions")
    )
    assert again["levels"][0]["template"] == {"id": second["id"], "version": 2}


def test_a_policy_is_saved_as_a_whole_and_read_back(billing: Client, found: Found, sign_in: SignIn) -> None:
    lead = sign_in(Role.ADMIN).read("{ viewer { id } }")["viewer"]["id"]
    levels = [
        level(found, minimumBalance="250.00", repeatDays=7, repeatTimes=2),
        level(found, afterDays=60, recipient="ADDRESS", recipientAddress="desk@firm.example", copyTo="BILLING_LEAD"),
        level(
            found,
            inStatus="PENDING_CHEQUE",
            afterDays=0,
            recipient="ATTORNEY",
            copyTo="ADDRESS",
            copyAddress="a@b.example",
        ),
    ]
    for_whom = {"payerKind": "INSURANCE", "facilityId": found.own["Facility"], "billingLeadId": lead, "active": True}
    made = done(billing, "saveReminderPolicy", POLICY, **policy(found, *levels, name="Insurers", **for_whom))
    assert (made["payerKind"], made["facility"]["id"], made["billingLead"]) == (
        "INSURANCE",
        found.own["Facility"],
        {"name": "Ada Minster"},
    )
    assert [(one["level"], one["afterDays"], one["inStatus"]) for one in made["levels"]] == [
        (1, 30, "PENDING_INVOICE"),
        (2, 60, "PENDING_INVOICE"),
        (3, 0, "PENDING_CHEQUE"),
    ]
    assert [(one["minimumBalance"], one["repeatDays"], one["repeatTimes"]) for one in made["levels"][:2]] == [
        ("250.00", 7, 2),
        (None, None, 0),
    ]
    assert made["levels"][2]["copyAddress"] == "a@b.example"
    # A second policy for the same payers would make it ambiguous which one applies.
    error = refused(billing, "saveReminderPolicy", POLICY, **policy(found, name="Rival", **for_whom))
    assert (error["code"], error["path"]) == ("CONFLICT", ["input", "active"])
    error = refused(billing, "saveReminderPolicy", POLICY, **policy(found, name="Insurers"))
    assert (error["code"], error["path"]) == ("CONFLICT", ["input", "name"])
    smaller = done(billing, "saveReminderPolicy", POLICY, **policy(found, reminderPolicyId=made["id"], name="Insurers"))
    assert (smaller["id"], smaller["active"], smaller["payerKind"], len(smaller["levels"])) == (
        made["id"],
        False,
        None,
        1,
    )


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"afterDays": -1}, "afterDays"),
        ({"afterDays": 3_651}, "afterDays"),
        ({"inStatus": "PAID"}, "inStatus"),
        ({"recipient": "ADDRESS"}, "recipientAddress"),
        ({"recipientAddress": "a@b.example"}, "recipientAddress"),
        ({"recipient": "ADDRESS", "recipientAddress": "nowhere"}, "recipientAddress"),
        ({"recipient": "ADDRESS", "recipientAddress": "a@b.example\r\nBcc: c@d.example"}, "recipientAddress"),
        ({"copyTo": "ADDRESS"}, "copyAddress"),
        ({"repeatTimes": 1}, "repeatDays"),
        ({"repeatDays": 0}, "repeatDays"),
        ({"repeatDays": 1, "repeatTimes": 366}, "repeatTimes"),
        ({"minimumBalance": "-0.01"}, "minimumBalance"),
    ],
)
def test_an_invalid_level_is_refused_with_its_path(
    address: DatabaseUrls, billing: Client, found: Found, changes: dict[str, Any], field: str
) -> None:
    before = rows(address, "select * from reminder_levels order by id")
    levels = level(found, inStatus="PENDING_CHEQUE"), level(found, **changes)
    error = refused(billing, "saveReminderPolicy", POLICY, **policy(found, *levels, name="Refused"))
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "levels", "1", field])
    assert rows(address, "select * from reminder_levels order by id") == before


def test_an_invalid_policy_is_refused(address: DatabaseUrls, billing: Client, found: Found) -> None:
    lead = level(found, recipient="BILLING_LEAD")
    analyst = found.own["User"]
    for invalid, path in (
        (policy(found, level(found), level(found)), ["levels", "1", "afterDays"]),
        ({**policy(found), "levels": []}, ["levels"]),
        ({**policy(found), "levels": [level(found, afterDays=day) for day in range(21)]}, ["levels"]),
        (policy(found, lead), ["billingLeadId"]),
        (policy(found, lead, billingLeadId=analyst), ["billingLeadId"]),
        (policy(found, billingLeadId=found.foreign["User"]), ["billingLeadId"]),
        (policy(found, facilityId=found.foreign["Facility"]), ["facilityId"]),
        (policy(found, reminderPolicyId=found.foreign["ReminderPolicy"]), ["reminderPolicyId"]),
        (
            policy(found, level(found, reminderTemplateId=found.foreign["ReminderTemplate"])),
            ["levels", "0", "reminderTemplateId"],
        ),
        (policy(found, name=" "), ["name"]),
    ):
        error = refused(billing, "saveReminderPolicy", POLICY, **invalid)
        assert error["path"] == ["input", *path], invalid
    assert rows(address, "select 1 from reminder_policies where name = 'Ours'") == []


@pytest.mark.parametrize("role", [Role.PHYSICIAN, Role.ATTORNEY, Role.ANALYST, None])
def test_other_roles_cannot_see_reminder_policies(sign_in: SignIn, anonymous: Client, role: Role | None) -> None:
    client = sign_in(role) if role else anonymous
    for name in ("reminderTemplates { id }", "reminderPolicies { id }"):
        assert client.refusals(f"{{ {name} }}") == [f"Cannot query field '{name.split()[0]}' on type 'Query'."]
