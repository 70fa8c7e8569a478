"""The rows of an export of payments add up: those of a payment to its amount, those of a deposit to its total."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from db.global_ids import make_id
from domain.access.people import Role
from server.embedded.postgres import EmbeddedPostgres
from tests.storage.stores import Folder
from tests.support.databases import copied, rows
from tests.support.files.export_files import Bureau, bureau_over

_COLUMNS = [
    "kind",
    "amount",
    "effectiveOn",
    "cheque.number",
    "cheque.method",
    "cheque.amount",
    "invoice.number",
    "refund.payee",
]
_DEPOSIT = "query ($id: ID!) { node(id: $id) { ... on Deposit { total paymentCount cheques { id amount } } } }"
_TOTAL = "query ($id: ID!) { export(id: $id) { receivedTotal rowCount filter } }"
# A deposit whose payment was refunded in part and returned; and one of which a payment was returned.
_REFUNDED = "select deposit_id from cheques where number = 'ADVANCE-1'"
_RETURNED = "select deposit_id from cheques where returned_on is not null and deposit_id is not null limit 1"


@pytest.fixture(scope="module")
def bureau(
    postgres_server: EmbeddedPostgres, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bureau]:
    with copied(postgres_server, template_database) as address:
        # A payment that is returned after its deposit and its refund.
        rows(
            address,
            """update cheques set returned_on = '2026-06-29', return_kind = 'stopped', returned_at = now()
            where id = (select cheque_id from refunds r join cheques c on c.id = r.cheque_id
                where c.number = 'ADVANCE-1' limit 1) returning id""",
        )
        with bureau_over(address, Folder(tmp_path_factory.mktemp("home"))) as found:
            yield found


def total(found: list[dict[str, str]]) -> Decimal:
    return sum((Decimal(row["Amount"]) for row in found), Decimal("0.00"))


@pytest.mark.parametrize("deposit", [_REFUNDED, _RETURNED])
def test_the_rows_of_a_deposit_add_up_to_it_and_so_do_its_control_totals(bureau: Bureau, deposit: str) -> None:
    [(identity,)] = rows(bureau.address, deposit)
    chosen = {"depositId": make_id("Deposit", identity), "columns": _COLUMNS}
    found = bureau.rows(Role.BILLING, "exportPayments", **chosen)
    stated = bureau.people[Role.BILLING].read(_DEPOSIT, id=chosen["depositId"])["node"]
    assert total(found) == Decimal(stated["total"])
    export = bureau.ready(Role.BILLING, "exportPayments", **chosen)
    control = bureau.people[Role.BILLING].read(_TOTAL, id=export["id"])["export"]
    assert (control["receivedTotal"], control["rowCount"]) == (stated["total"], len(found))
    assert "RETURNED" in {row["Kind"] for row in found}


def test_the_rows_of_each_payment_add_up_to_its_amount(bureau: Bureau) -> None:
    found = bureau.rows(Role.BILLING, "exportPayments", columns=_COLUMNS)
    by_payment = defaultdict[tuple[str, str], list[dict[str, str]]](list)
    for row in found:
        by_payment[row["Cheque number"], row["Cheque amount"]].append(row)
    assert {amount: total(of_one) for (_, amount), of_one in by_payment.items()} == {
        amount: Decimal(amount) for _, amount in by_payment
    }
    # Of a payment that was typed wrong, the right one is in the file.
    money = """select count(*), sum(amount) from cheques where (held_from is null or released_at is not null)
        and return_kind is distinct from 'corrected'"""
    [(count, amount)] = rows(bureau.address, money)
    assert (len(by_payment), total(found)) == (count, amount)
    assert {row["Kind"] for row in found} == {
        *("ALLOCATION", "REVERSAL", "REFUND", "REFUND_RETURNED", "PROVIDER_ADJUSTMENT", "UNAPPLIED", "RETURNED")
    }
    assert {row["Refunded to"] != "" for row in found if row["Kind"] == "REFUND"} == {True}


def test_a_held_cheque_is_in_no_file(bureau: Bureau) -> None:
    [(number,), *_] = rows(bureau.address, "select number from cheques where held_from is not null")
    assert number not in {row["Cheque number"] for row in bureau.rows(Role.BILLING, "exportPayments")}


@pytest.mark.parametrize("condition", [{"onHold": False}, {"status": ["PAID"]}, {"billedMin": "1.00"}])
def test_a_filter_of_invoices_leaves_out_what_pays_none(bureau: Bureau, condition: dict[str, Any]) -> None:
    found = bureau.rows(Role.BILLING, "exportPayments", filter=condition)
    assert found
    assert {row["Kind"] for row in found} <= {"ALLOCATION", "REVERSAL"}


def test_an_unknown_deposit_is_refused_like_one_of_another_clinic(bureau: Bureau) -> None:
    rows(
        bureau.address,
        """with other as (insert into clinics (clinic_id, short_name, name) values (gen_random_uuid(), 'other', 'Other')
        returning clinic_id) insert into deposits (clinic_id, id, bank_account, deposited_on)
        select clinic_id, gen_random_uuid(), 'Theirs', '2026-06-01' from other""",
    )
    [(foreign,)] = rows(bureau.address, "select id from deposits where bank_account = 'Theirs'")
    [(invoice,)] = rows(bureau.address, "select id from invoices limit 1")
    for identity in (make_id("Deposit", foreign), make_id("Deposit", invoice)):
        payload = bureau.ask(Role.BILLING, "exportPayments", depositId=identity)
        assert payload["export"] is None
        assert [(error["code"], error["path"]) for error in payload["errors"]] == [
            ("NOT_FOUND", ["input", "depositId"])
        ]
