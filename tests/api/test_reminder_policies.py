"""Staff decide what payers are reminded of and in which words; what cannot be filled in or cannot be sent is refused as it is saved."""

from typing import Any

import pytest

from domain.people import Role
from server.addresses import Address
from tests.api.records import Found
from tests.api.steps import done, refused
from tests.client import Client
from tests.conftest import SignIn
from tests.databases import rows

TEMPLATE = "reminderTemplate { id name version subject body createdBy { name } }"
POLICY = """reminderPolicy { id name active payerKind facility { id } billingLead { name } levels { level afterDays inStatus
    template { id version } recipient recipientAddress copyTo copyAddress minimumBalance repeatDays repeatTimes } }"""
GOOD = {
    "name": "Kind words",
    "subject": "Invoice{% if invoice_count > 1 %}s{% endif %} of {{ clinic }}",
    "body": "{{ invoices }}",
}


def level(found: Found, **said: Any) -> dict[str, Any]:
    named = {"reminderTemplateId": found.own["ReminderTemplate"], "recipient": "PAYER"}
    return {"afterDays": 30, "inStatus": "PENDING_INVOICE", **named, **said}


def policy(found: Found, *levels: dict[str, Any], **said: Any) -> dict[str, Any]:
    return {"name": "Ours", "active": False, "levels": list(levels or [level(found)]), **said}


def test_a_clinic_can_remind_on_its_first_day(billing: Client) -> None:
    asked = """{ reminderTemplates { name version } reminderPolicies { name active billingLead { name }
        levels { level afterDays inStatus copyTo repeatDays repeatTimes template { name } } } }"""
    read = billing.read(asked)
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


def test_a_change_of_a_template_is_a_version_that_its_levels_use_at_once(billing: Client, found: Found) -> None:
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
    # Whoever names the older version gets the newest.
    named = level(found, reminderTemplateId=first["id"])
    again = done(
        billing, "saveReminderPolicy", POLICY, **policy(found, named, reminderPolicyId=made["id"], name="Versions")
    )
    assert again["levels"][0]["template"] == {"id": second["id"], "version": 2}


def test_a_policy_is_saved_whole_and_what_it_says_is_read_back(billing: Client, found: Found, sign_in: SignIn) -> None:
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
    # Another one for the same would leave it open which counts.
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
    ("said", "field"),
    [
        ({"afterDays": -1}, "afterDays"),
        ({"afterDays": 3_651}, "afterDays"),
        ({"inStatus": "PAID"}, "inStatus"),
        ({"recipient": "ADDRESS"}, "recipientAddress"),
        ({"recipientAddress": "a@b.example"}, "recipientAddress"),
        ({"recipient": "ADDRESS", "recipientAddress": "nobody"}, "recipientAddress"),
        ({"recipient": "ADDRESS", "recipientAddress": "a@b.example\r\nBcc: c@d.example"}, "recipientAddress"),
        ({"copyTo": "ADDRESS"}, "copyAddress"),
        ({"repeatTimes": 1}, "repeatDays"),
        ({"repeatDays": 0}, "repeatDays"),
        ({"repeatDays": 1, "repeatTimes": 366}, "repeatTimes"),
        ({"minimumBalance": "-0.01"}, "minimumBalance"),
    ],
)
def test_a_level_that_makes_no_sense_is_refused_at_its_place(
    address: Address, billing: Client, found: Found, said: dict[str, Any], field: str
) -> None:
    before = rows(address, "select * from reminder_levels order by id")
    levels = level(found, inStatus="PENDING_CHEQUE"), level(found, **said)
    error = refused(billing, "saveReminderPolicy", POLICY, **policy(found, *levels, name="Refused"))
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "levels", "1", field])
    assert rows(address, "select * from reminder_levels order by id") == before


def test_a_policy_that_makes_no_sense_is_refused(address: Address, billing: Client, found: Found) -> None:
    lead = level(found, recipient="BILLING_LEAD")
    analyst = found.own["User"]
    for said, path in (
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
        error = refused(billing, "saveReminderPolicy", POLICY, **said)
        assert error["path"] == ["input", *path], said
    assert rows(address, "select 1 from reminder_policies where name = 'Ours'") == []


@pytest.mark.parametrize("role", [Role.PHYSICIAN, Role.ATTORNEY, Role.ANALYST, None])
def test_nobody_else_learns_that_payers_are_reminded(sign_in: SignIn, nobody: Client, role: Role | None) -> None:
    client = sign_in(role) if role else nobody
    for name in ("reminderTemplates { id }", "reminderPolicies { id }"):
        assert client.refusals(f"{{ {name} }}") == [f"Cannot query field '{name.split()[0]}' on type 'Query'."]
