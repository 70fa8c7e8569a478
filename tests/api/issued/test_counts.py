"""Numbers of issued documents by kind: equal to those that are counted by hand, and told to analysts without any document."""

from datetime import timedelta
from typing import Any

import pytest

from domain.access.people import Role
from tests.api.issued.issuing import DOCUMENT, issue
from tests.conftest import SignIn
from tests.support.api.mutations import done
from tests.support.api.records import today
from tests.support.api.scenarios import TODAY, Clinic
from tests.support.client import Client
from tests.support.databases import rows

QUERY = """query ($of: AnalyticsFilter!, $asOf: Date) { analytics(filter: $of, asOf: $asOf) {
    documentsByKind { kind issued withdrawn delivered } } }"""
# Issued in the period, and of these withdrawn and delivered before a moment.
_BY_HAND = """select kind, count(*) as issued, count(*) filter (where withdrawn_at < $3::text::timestamptz) as withdrawn,
        count(*) filter (where id in (select document_id from document_deliveries where recorded_at < $3::text::timestamptz)) as delivered
    from issued_documents d join clinics c using (clinic_id) where c.short_name = 'demo'
        and (issued_at at time zone c.time_zone)::date between $1::text::date and $2::text::date and d.recorded_at < $3::text::timestamptz
    group by kind order by kind"""
_END = """select (($1::text::date + 1)::timestamp at time zone time_zone)::text as at from clinics where short_name = 'demo'"""
ALL = ("2020-01-01", "2030-12-31")


def counted(client: Client, first: str, last: str, **more: Any) -> list[dict[str, Any]]:
    """The numbers of a period as a client is told them."""
    variables = {name: value for name, value in more.items() if name == "asOf"}
    of = {"from": first, "to": last, **{name: value for name, value in more.items() if name != "asOf"}}
    found: list[dict[str, Any]] = client.read(QUERY, of=of, **variables)["analytics"]["documentsByKind"]
    return found


def by_hand(clinic: Clinic, first: str, last: str, day: str) -> list[dict[str, Any]]:
    """The same from the rows, as they were at the end of a day."""
    [[end]] = rows(clinic.address, _END, day)
    return [dict(row) for row in rows(clinic.address, _BY_HAND, first, last, end)]


@pytest.fixture
def issued(clinic: Clinic) -> Clinic:
    """A clinic with documents of today, of which one is withdrawn and one delivered twice."""
    case = clinic.case()
    invoice = clinic.invoice("100.00", case)
    first, second, _ = (issue(clinic, "INVOICE", invoiceIds=[invoice]) for _ in range(3))
    for method in ("FAX", "HAND"):
        values = {"issuedDocumentId": first["id"], "method": method, "recipient": "The payer"}
        done(clinic.billing, "deliverDocument", DOCUMENT, **values)
    done(clinic.billing, "withdrawDocument", DOCUMENT, issuedDocumentId=second["id"], reason="Wrong lines")
    issue(clinic, "ITEMISED_STATEMENT", caseId=case)
    return clinic


def test_the_numbers_are_those_that_are_counted_by_hand(issued: Clinic) -> None:
    yesterday = (today() - timedelta(days=1)).isoformat()
    for first, last in (ALL, (TODAY, TODAY), ("2020-01-01", yesterday), ("2019-01-01", "2019-12-31")):
        told = counted(issued.billing, first, last)
        assert told == by_hand(issued, first, last, "2030-12-31") == counted(issued.admin, first, last)
    [bills] = [one for one in counted(issued.billing, TODAY, TODAY) if one["kind"] == "INVOICE"]
    assert bills["issued"] >= 3
    assert bills["delivered"] < bills["issued"]
    assert bills["withdrawn"] >= 1
    assert counted(issued.billing, "2019-01-01", "2019-12-31") == []


def test_a_past_day_knows_what_was_recorded_by_its_end(issued: Clinic) -> None:
    yesterday = (today() - timedelta(days=1)).isoformat()
    told = counted(issued.billing, *ALL, asOf=yesterday)
    assert told == by_hand(issued, *ALL, yesterday) != counted(issued.billing, *ALL)


def test_analysts_are_told_the_numbers_of_whole_months_and_no_document(issued: Clinic, sign_in: SignIn) -> None:
    analyst = sign_in(Role.ANALYST)
    last_month = (today().replace(day=1) - timedelta(days=1)).isoformat()
    told = counted(analyst, *ALL)
    assert told == by_hand(issued, *ALL, last_month) == counted(issued.billing, *ALL, asOf=last_month)
    assert told
    for part in ({"from": "2020-01-02", "to": ALL[1]}, {"from": ALL[0], "to": "2026-06-29"}):
        assert "day of a month" in str(analyst.ask(QUERY, of=part)["errors"])
    assert analyst.refusals("{ issuedDocuments(first: 1) { nodes { id } } }")


def test_a_filter_of_parties_does_not_choose_documents(issued: Clinic, sign_in: SignIn) -> None:
    for client in (issued.billing, sign_in(Role.ANALYST)):
        answer = client.ask(QUERY, of={"from": ALL[0], "to": ALL[1], "payerId": [issued.payer]})
        assert "must not be given together with documentsByKind" in str(answer["errors"])


@pytest.mark.parametrize("role", [Role.PHYSICIAN, Role.ATTORNEY])
def test_other_roles_have_no_such_numbers(sign_in: SignIn, role: Role) -> None:
    query = '{ analytics(filter: {from: "2020-01-01", to: "2030-12-31"}) { documentsByKind { issued } } }'
    assert sign_in(role).refusals(query)
