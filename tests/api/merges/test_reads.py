"""Every list of the API reads a merged patient or payer as the one that stays, for each role, and as before when it is undone."""

from typing import Any

import pytest

from db.global_ids import make_id
from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.conftest import SignIn
from tests.support.client import Client
from tests.support.databases import rows
from tests.support.merges import answers, as_ids, merge, part, parties_in

_DEMO = "(select clinic_id from clinics where short_name = 'demo')"


@pytest.fixture(scope="module")
def pairs(address: DatabaseUrls) -> list[tuple[str, str]]:
    """Two payers, and two patients of whom the demo clinic's attorney represents one: the merged one first."""
    insurers = rows(
        address,
        f"""select p.id from payers p join invoices i on i.clinic_id = p.clinic_id and i.payer_id = p.id
        where p.clinic_id = {_DEMO} and p.kind = 'insurance' group by p.id order by count(*) desc, p.id limit 2""",
    )
    own, other = (
        rows(
            address,
            f"""select c.patient_id as id from cases c join invoices i on i.clinic_id = c.clinic_id and i.case_id = c.id
            where c.clinic_id = {_DEMO} and c.attorney_id is not null
            and (c.attorney_id = (select attorney_id from users where email = 'attorney@demo.example')) = $1
            and i.status <> 'void' order by c.id limit 1""",
            is_own,
        )[0]["id"]
        for is_own in (True, False)
    )
    payers = [make_id("Payer", row["id"]) for row in insurers]
    return [(payers[0], payers[1]), (make_id("Patient", own), make_id("Patient", other))]


# Subjects name payers.
_TO_DO = "{ actionItems(first: 500) { nodes { id kind dueOn invoice { id } cheque { id } encounter { id } } } }"


def _lasting(answer: Any) -> list[Any]:
    return [one for one in answer["actionItems"]["nodes"] if not one["kind"].startswith("COVERAGE_")]


@pytest.fixture(scope="module")
def stories(
    sign_in: SignIn, admin: Client, pairs: list[tuple[str, str]]
) -> dict[Role, tuple[list[tuple[str, Any]], ...]]:
    """For each role what the lists answered before, during and after the merges of both pairs."""
    before = {role: answers(sign_in(role), role) for role in Role}
    to_do = admin.read(_TO_DO)
    made = [merge(admin, *pair, confirmDifferentAttorneys=True) for pair in pairs[1:]]
    made += [merge(admin, *pair) for pair in pairs[:1]]
    during = {role: answers(sign_in(role), role) for role in Role}
    # In a case in which both payers cover, what remains of the coverages is added up.
    assert _lasting(admin.read(_TO_DO)) == _lasting(to_do)
    for one in made:
        part(admin, one["id"])
    after = {role: answers(sign_in(role), role) for role in Role}
    assert admin.read(_TO_DO) == to_do
    return {role: (before[role], during[role], after[role]) for role in Role}


@pytest.mark.parametrize("role", Role)
def test_each_list_has_the_surviving_record_in_the_place_of_the_merged_one(
    stories: dict[Role, Any], pairs: list[tuple[str, str]], role: Role
) -> None:
    before, during, _ = stories[role]
    assert before
    same = dict(pairs)
    for (name, was), (_, now) in zip(before, during, strict=True):
        expected, found = as_ids(was["nodes"], same), as_ids(now["nodes"], {})
        if name in ("patients", "payers"):
            # The surviving record stands at its own place in the order.
            expected, found = sorted(expected), sorted(found)
            assert now["totalCount"] == len(found)
        assert found == expected, name
        names = {(one["id"], one.get("name")) for one in parties_in(now)}
        assert not {one for one, _ in names} & set(same), name


@pytest.mark.parametrize("role", Role)
def test_a_record_has_one_name_wherever_it_is_read(stories: dict[Role, Any], role: Role) -> None:
    _, during, _ = stories[role]
    for name in ("name", "email", "phone", "mrn", "birthDate"):
        values: dict[str, set[Any]] = {}
        for _, answer in during:
            for one in parties_in(answer):
                if name in one:
                    values.setdefault(one["id"], set()).add(one[name])
        assert all(len(found) == 1 for found in values.values()), name


@pytest.mark.parametrize("role", Role)
def test_what_is_undone_answers_as_before(stories: dict[Role, Any], role: Role) -> None:
    before, _, after = stories[role]
    assert after == before
