import asyncio, resource, time
from datetime import UTC, datetime
import asyncpg
from domain.clinics import clinic_day
from domain.documents import CSV
from domain.imports import ImportKind
from imports.checking import check_file
from imports.kinds import KINDS
from imports.run_import import bring_in
from imports.target import Target

_OPENING = "Invoice number,Case number,Patient name,Billed amount,Status,Payer,Created on,Service date,Submitted on,Agreed amount,Received amount,Balance\n"
_STATES = (*(("PENDING_INVOICE", "", "", "", "900.00"),) * 2, *(("PENDING_INVOICE", "2025-03-04", "", "", "900.00"),) * 3,
    ("PENDING_REDUCTION", "2025-03-04", "", "", "900.00"), ("PENDING_CHEQUE", "2025-03-04", "900.00", "", "900.00"),
    ("PENDING_CHEQUE", "2025-03-04", "700.00", "", "700.00"), ("PENDING_CHEQUE", "2025-03-04", "700.00", "150.25", "549.75"),
    ("CHEQUE_RECEIVED", "2025-03-04", "650.00", "650.00", "0.00"))
def _opening(place):
    case, (status, sent, agreed, received, balance) = place % 20_000, _STATES[place % len(_STATES)]
    begin = f"OLD-{place},H-{case},Hana Proven {case},900.00,{status},Proven Mutual {place % 50}"
    return f"{begin},2025-03-03,2025-02-28,{sent},{agreed},{received},{balance}\n"

def cpu():
    a, b = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return a.ru_utime + a.ru_stime + b.ru_utime + b.ru_stime

def test_bench(own_address):
    people = "mrn,first_name,last_name\n" + "".join(f"H-{n},Hana,Proven {n}\n" for n in range(20_000))
    payers = "name,kind\n" + "".join(f"Proven Mutual {n},INSURANCE\n" for n in range(50))
    cases = "number,patient_mrn,date_of_injury,opened_on\n" + "".join(f"H-{n},H-{n},2025-01-05,2025-01-09\n" for n in range(20_000))
    codes = "code,label,base_price,valid_from\n" + "".join(f"P{n},Proven,1.00,2026-01-01\n" for n in range(50_000))
    invoices = _OPENING + "".join(_opening(n) for n in range(100_000))
    async def one(kind, text, write=True):
        connection = await asyncpg.connect(own_address.owner)
        (clinic, zone), = await connection.fetch("select clinic_id, time_zone from clinics where short_name = 'demo'")
        began = cpu()
        checked = check_file(KINDS[kind], text.encode(), CSV)
        middle = cpu()
        transaction, moment = connection.transaction(), datetime.now(UTC)
        await transaction.start()
        report = await bring_in(Target(connection, clinic, moment, clinic_day(moment, zone)), checked)
        ended = cpu()
        assert not report.bad_rows, report
        await (transaction.commit() if write else transaction.rollback())
        await connection.close()
        return middle - began, ended - middle
    for kind, text in ((ImportKind.PATIENTS, people), (ImportKind.PAYERS, payers), (ImportKind.CASES, cases)):
        asyncio.run(one(kind, text))
    for kind, text in ((ImportKind.CODES, codes), (ImportKind.INVOICES, invoices)):
        a, b = asyncio.run(one(kind, text, False))
        print(f"\nFIG {kind} check {a:.2f} write {b:.2f}")
