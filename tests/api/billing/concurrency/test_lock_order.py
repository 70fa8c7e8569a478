"""Commands that meet at the same rows take their locks in one order: none of them is ended by PostgreSQL as a deadlock."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import asyncpg

from tests.api.billing.test_encounters import TREE, VISIT
from tests.support.api.mutations import answered, done
from tests.support.api.records import uuid_of
from tests.support.api.scenarios import CHEQUE, INVOICE, Clinic, broken_laws, line
from tests.support.databases import rows

_WAITING = """select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"""
_TREATING = "select p.physician_id from treating_physicians p where p.case_id = $1 order by 1"
_ATTEMPTS, _PAUSE_SECONDS = 200, 0.05
Request = Callable[[], Any]


def _while_inserts_wait(clinic: Clinic, table: str, *requests: Request) -> list[Any]:
    """Send requests while nothing can be inserted into a table; their answers."""
    return _while_locked(clinic, f"lock table {table} in share row exclusive mode", *requests)


def _while_locked(clinic: Clinic, statement: str, *requests: Request) -> list[Any]:
    """Send requests, each once the one before is answered or waits for a lock, while a statement holds its locks; their answers."""

    async def run(threads: ThreadPoolExecutor) -> list[Future[Any]]:
        connection, watching = [await asyncpg.connect(clinic.address.owner) for _ in range(2)]
        sent = []
        async with connection.transaction():
            await connection.execute(statement)
            for number, request in enumerate(requests, 1):
                sent.append(threads.submit(request))
                for _ in range(_ATTEMPTS):
                    if sent[-1].done() or await watching.fetchval(_WAITING) >= number:
                        break
                    await asyncio.sleep(_PAUSE_SECONDS)
                else:
                    raise AssertionError(f"request {number} is neither answered nor does it wait")
        await connection.close()
        await watching.close()
        return sent

    with ThreadPoolExecutor(len(requests)) as threads:
        return [one.result() for one in asyncio.run(run(threads))]


def _outcomes(answers: list[Any]) -> list[str]:
    return [answer["errors"][0]["code"] if answer["errors"] else "done" for answer in answers]


def _visit_of(clinic: Clinic, case: str, physician: str) -> dict[str, Any]:
    main = next(one for one in clinic.billing.read(TREE)["examTypes"] if one["name"] == "X-ray")
    sub = next(one for one in main["subExams"] if one["code"] == "RAY-RIBS")
    exams = [{"examTypeId": one["id"]} for one in (main, sub)]
    return {"caseId": case, "physicianId": physician, "serviceDate": "2026-03-02", "exams": exams}


def _visit(clinic: Clinic, case: str, physician: str) -> dict[str, Any]:
    found: dict[str, Any] = done(clinic.billing, "recordEncounter", VISIT, **_visit_of(clinic, case, physician))
    return found


def _physicians(clinic: Clinic) -> tuple[str, str]:
    nodes = clinic.billing.read("{ physicians(first: 2) { nodes { id } } }")["physicians"]["nodes"]
    return nodes[0]["id"], nodes[1]["id"]


def test_a_visit_whose_physician_is_corrected_while_it_is_billed(clinic: Clinic) -> None:
    case, (first, second) = clinic.case(), _physicians(clinic)
    visit = _visit(clinic, case, first)
    bill = {"caseId": case, "payerId": clinic.payer, "serviceDate": "2026-03-02", "encounterId": visit["id"]}
    answers = _while_inserts_wait(
        clinic,
        "treating_physicians",
        lambda: answered(clinic.billing, "updateEncounter", VISIT, encounterId=visit["id"], physicianId=second),
        lambda: answered(clinic.billing, "createInvoice", INVOICE, **bill, confirmDuplicate=True),
    )
    assert _outcomes(answers) == ["done", "done"]


def test_a_physician_with_a_visit_that_is_recorded_while_another_is_corrected_treats_in_the_case(
    clinic: Clinic,
) -> None:
    case, (first, second) = clinic.case(), _physicians(clinic)
    visit = _visit(clinic, case, first)
    answers = _while_inserts_wait(
        clinic,
        "encounter_exams",
        lambda: answered(clinic.billing, "recordEncounter", VISIT, **_visit_of(clinic, case, first)),
        lambda: answered(clinic.billing, "updateEncounter", VISIT, encounterId=visit["id"], physicianId=second),
    )
    assert _outcomes(answers) == ["done", "done"]
    treating = [row["physician_id"] for row in rows(clinic.address, _TREATING, uuid_of(case))]
    assert treating == sorted(map(uuid_of, (first, second)))


def test_a_payment_for_an_invoice_that_replaces_the_returned_one_while_the_invoice_is_replaced(clinic: Clinic) -> None:
    invoice = clinic.submitted("100.00")
    returned = clinic.pays("10.00", {invoice: "10.00"})
    clinic.bounces(returned["id"])
    cheque = clinic.cheque_of("20.00", {invoice: "20.00"}, replacesId=returned["id"])
    lines = {"lines": [line("80.00")], "reason": "Wrong", "confirmDuplicate": True}
    answers = _while_inserts_wait(
        clinic,
        "cheques",
        lambda: answered(clinic.billing, "recordCheque", CHEQUE, **cheque),
        lambda: answered(clinic.admin, "replaceInvoice", INVOICE, invoiceId=invoice, **lines),
    )
    assert _outcomes(answers) == ["done", "CONFLICT"]


def test_an_invoice_whose_payer_changes_while_it_is_replaced_is_replaced_by_one_of_the_new_payer(
    clinic: Clinic,
) -> None:
    invoice = clinic.submitted("100.00")
    payer = clinic.another_payer(clinic.look(invoice))
    lines = {"lines": [line("80.00")], "reason": "Wrong", "confirmDuplicate": True}
    answers = _while_locked(
        clinic,
        f"select from invoices where id = '{uuid_of(invoice)}' for update",
        lambda: answered(clinic.billing, "changePayer", INVOICE, invoiceId=invoice, payerId=payer, reason="Wrong"),
        lambda: answered(clinic.billing, "replaceInvoice", INVOICE, invoiceId=invoice, **lines),
    )
    assert _outcomes(answers) == ["done", "done"]
    assert answers[1]["invoice"]["payer"]["id"] == payer
    assert broken_laws(clinic.address) == ()
