"""By the id and the natural key of a merged record every role is told what it is told by that of the one that stays; and not before or afterwards."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.api.merges.test_reads import pairs
from tests.storage.stores import Folder
from tests.support.files.export_files import Bureau, bureau_over, wait_for_lapses
from tests.support.merged_ids import answered_by, exported_by, questions, unchanged_by_import
from tests.support.merges import merge, part

__all__ = ["pairs"]
Answers = list[tuple[str, Any]]


@dataclass(frozen=True)
class Told:
    """What a role was told by the id of the merged record and by that of the one that stays: before, during and after the merge."""

    before: tuple[Answers, Answers]
    during: tuple[Answers, Answers]
    after: tuple[Answers, Answers]


@pytest.fixture(scope="module")
def bureau(address: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bureau]:
    with bureau_over(address, Folder(tmp_path_factory.mktemp("home"))) as found:
        wait_for_lapses(address)
        yield found


@pytest.fixture(scope="module")
def stories(bureau: Bureau, address: DatabaseUrls, pairs: list[tuple[str, str]]) -> dict[tuple[Role, str], Told]:
    """What each role was told of each pair."""
    found: dict[tuple[Role, str], Told] = {}
    for pair in pairs:
        more: dict[str, Any] = {} if pair is pairs[0] else {"confirmDifferentAttorneys": True}
        times = [_told(bureau, pair)]
        made = merge(bureau.people[Role.ADMIN], *pair, **more)
        times.append(_told(bureau, pair, with_files=True))
        assert unchanged_by_import(address, *pair) == [(0, 0, 1, 0)] * 2
        part(bureau.people[Role.ADMIN], made["id"])
        times.append(_told(bureau, pair))
        found |= {(role, pair[0]): Told(*(time[role] for time in times)) for role in Role}
    return found


def _told(bureau: Bureau, pair: tuple[str, str], *, with_files: bool = False) -> dict[Role, tuple[Answers, Answers]]:
    found = {}
    for role, client in bureau.people.items():
        old, new = (answered_by(client, role, one) for one in pair)
        if with_files:
            old, new = (
                [*told, ("file", exported_by(bureau, role, one))] for told, one in zip((old, new), pair, strict=True)
            )
        found[role] = (old, new)
    return found


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("place", range(2))
def test_every_question_and_file_by_the_old_id_answers_as_by_the_new_one(
    stories: dict[tuple[Role, str], Told], pairs: list[tuple[str, str]], role: Role, place: int
) -> None:
    old, new = stories[role, pairs[place][0]].during
    assert old
    for (name, of_old), (_, of_new) in zip(old, new, strict=True):
        assert of_old == of_new, name


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("place", range(2))
def test_a_list_of_a_merged_record_has_what_the_lists_of_both_had(
    stories: dict[tuple[Role, str], Told], pairs: list[tuple[str, str]], role: Role, place: int
) -> None:
    told = stories[role, pairs[place][0]]
    counted = 0
    for of_old, of_new, merged in zip(*told.before, told.during[0], strict=False):
        totals = [_total(answer) for answer in (of_old, of_new, merged)]
        if None not in totals and merged[0] not in ("agingByPayerPage", "payers", "patients", "auditTrail"):
            assert sum(totals[:2]) == totals[2], merged[0]  # type: ignore[arg-type]
            counted += 1
    assert counted


def _total(answer: tuple[str, Any]) -> int | None:
    name, found = answer
    inner = found.get(name) if isinstance(found, dict) else None
    return inner.get("totalCount") if isinstance(inner, dict) else None


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("place", range(2))
def test_after_the_undoing_both_ids_answer_as_before(
    stories: dict[tuple[Role, str], Told], pairs: list[tuple[str, str]], role: Role, place: int
) -> None:
    told = stories[role, pairs[place][0]]
    for before, after in zip(told.before, told.after, strict=True):
        for (name, was), (_, now) in zip(before, after, strict=True):
            assert now == was, name


def test_staff_and_attorneys_have_the_questions_that_are_meant() -> None:
    asked = {
        (role, kind): {name for name, _ in questions(role, kind)} for role in Role for kind in ("Patient", "Payer")
    }
    assert asked[Role.ADMIN, "Payer"] >= {
        "payer",
        "node",
        "invoices",
        "cheques",
        "aging",
        "agingByPayer",
    }
    assert asked[Role.ADMIN, "Patient"] >= {"patient", "node", "invoices", "cases", "encounters"}
    assert asked[Role.ATTORNEY, "Patient"] >= {"patient", "node", "invoices", "cases"}
    assert asked[Role.ANALYST, "Payer"] >= {"node", "invoices", "aging"}
