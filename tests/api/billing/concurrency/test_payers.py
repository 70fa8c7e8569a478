"""A payer that is chosen while it is retired, or made another person, is not both: one of the two commands waits for the other."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from tests.support.api.mutations import NEW, answered, done
from tests.support.api.records import uuid_of
from tests.support.api.scenarios import CHEQUE, Clinic, broken_laws, line

PAYER = "payer { id kind active }"
_WAITING = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"


@pytest.fixture
def payer(clinic: Clinic) -> str:
    identity: str = done(clinic.billing, "createPayer", PAYER, name=f"Mutual {uuid4()}", kind="INSURANCE")["id"]
    return identity


def codes(answers: list[Any]) -> list[str]:
    """The code of the error of each answer; an empty one for success."""
    return [answer["errors"][0]["code"] if answer["errors"] else "" for answer in answers]


def both(*commands: Any) -> list[Any]:
    """The answers to commands that begin at once."""
    with ThreadPoolExecutor(len(commands)) as crowd:
        return [found.result() for found in [crowd.submit(command) for command in commands]]


@pytest.mark.parametrize("attempt", range(12))
def test_a_payer_is_either_retired_or_gets_an_invoice(clinic: Clinic, payer: str, attempt: int) -> None:
    draft = {"caseId": clinic.case(), "payerId": payer, "serviceDate": "2026-03-02", "confirmDuplicate": True}
    commands = [
        lambda: answered(clinic.billing, "createInvoice", NEW, lines=[line("10.00")], **draft),
        lambda: answered(clinic.billing, "retirePayer", PAYER, payerId=payer),
    ]
    found = codes(both(*(commands if attempt % 2 else commands[::-1])))
    assert sorted(found) == ["", "CONFLICT"]
    assert broken_laws(clinic.address) == ()


@pytest.mark.parametrize("attempt", range(12))
def test_a_payer_either_pays_or_becomes_another_one(clinic: Clinic, payer: str, attempt: int) -> None:
    invoice = clinic.submitted("100.00")
    clinic.step("changePayer", clinic.invoice("1.00"), payerId=payer, reason="Its payer")
    clinic.step("transferBalance", invoice, payerId=payer, reason="OTHER", note="Its payer", keepAgreement=False)
    cheque = clinic.cheque_of("40.00", {invoice: "40.00"}, payerId=payer)
    clinic.step("submitInvoice", invoice, submittedOn=cheque["receivedOn"], method="MAIL")
    commands = [
        lambda: answered(clinic.billing, "recordCheque", CHEQUE, **cheque),
        lambda: answered(clinic.billing, "updatePayer", PAYER, payerId=payer, kind="ATTORNEY"),
    ]
    paid, changed = both(*commands)
    assert paid["errors"] == []
    kind = clinic.billing.read("query ($id: ID!) { payer(id: $id) { kind } }", id=payer)["payer"]["kind"]
    assert kind == ("INSURANCE" if changed["errors"] else "ATTORNEY")
    assert broken_laws(clinic.address) == ()


def test_a_change_of_the_kind_waits_for_a_coverage_that_is_being_added_and_is_refused_then(
    clinic: Clinic, payer: str
) -> None:
    """The coverage is written, but not committed: whether the payer has one cannot be seen before."""
    case = clinic.case()
    loop = asyncio.new_event_loop()

    async def add_and_change() -> tuple[Any, bool]:
        connection = await asyncpg.connect(clinic.address.owner)
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(
            """insert into coverages (clinic_id, id, case_id, payer_id, kind, priority, status, balance_billing)
                select clinic_id, gen_random_uuid(), $2, id, 'pip', 1, 'unverified', 'allowed' from payers where id = $1""",
            uuid_of(payer),
            uuid_of(case),
        )
        change = asyncio.to_thread(
            answered,
            clinic.billing,
            "updatePayer",
            PAYER,
            payerId=payer,
            kind="PATIENT",
            patientId=clinic.found.own["Patient"],
        )
        pending = asyncio.ensure_future(change)
        waited = False
        for _ in range(200):
            waited = waited or await connection.fetchval(_WAITING) > 0
            if waited or pending.done():
                break
            await asyncio.sleep(0.02)
        await transaction.commit()
        await connection.close()
        return await pending, waited

    answer, waited = loop.run_until_complete(add_and_change())
    loop.close()
    assert (codes([answer]), waited) == (["CONFLICT"], True)
