"""Decides that a file's address opens for whoever sees the field that gives it, and that no field gives one to others."""

import re
from pathlib import Path

import pytest
from graphql import GraphQLObjectType

from domain.links import LIFETIMES
from domain.people import Role
from schema.whole import role_schemas
from server.links import roles_with
from tests.house.source import PROJECT
from tests.permissions.published import committed

# Kind of link → the field that gives it.
GIVEN_BY = {"documents": "Cheque.documentUrl", "uploads": "Upload.uploadUrl", "exports": "Export.downloadUrl"}
# Everybody has files of what they see; the clinic's own are billing staff's alone.
FILES_OF_EVERYBODY = ("exports",)
# Where the server asks who may follow a link: by the declaration of a field, and by no list of its own.
_ASKED = re.compile(r'roles_with\(schemas, "(\w+)", "(\w+)"\)')


def test_every_kind_of_link_is_given_by_a_field() -> None:
    assert set(GIVEN_BY) == set(LIFETIMES)
    urls = {name for name in committed(Role.ADMIN) if re.fullmatch(r"\w+\.\w*[uU]rl", name)}
    # What an authenticator app reads from a picture leads to no file.
    assert urls == {*GIVEN_BY.values(), "EnrolSecondFactorPayload.otpauthUrl"}


@pytest.mark.parametrize("kind", GIVEN_BY)
def test_a_link_is_followed_by_the_roles_that_are_given_it(kind: str) -> None:
    given = {role for role in Role if GIVEN_BY[kind] in committed(role)}
    followed = {
        frozenset(roles_with(role_schemas(), *asked)) for asked in asked_by_the_server() if kind_of(asked) == kind
    }
    assert followed == {frozenset(given)}
    assert given == (set(Role) if kind in FILES_OF_EVERYBODY else {Role.ADMIN, Role.BILLING})


def asked_by_the_server() -> list[tuple[str, str]]:
    """The declarations that the server's routes follow."""
    found = _ASKED.findall(Path(PROJECT / "server" / "app.py").read_text(encoding="utf-8"))
    assert len(found) == len(GIVEN_BY)
    return found


def kind_of(asked: tuple[str, str]) -> str:
    """Which kind of link a declaration is about; a file that is announced is sent to an address of the mutation's answer."""
    return {("Mutation", "createUpload"): "uploads", ("Export", "downloadUrl"): "exports"}.get(asked, "documents")


@pytest.mark.parametrize("role", [Role.PHYSICIAN, Role.ATTORNEY, Role.ANALYST])
def test_whoever_is_given_no_other_link_has_no_word_of_the_clinic_s_files_in_the_schema(role: Role) -> None:
    for named in role_schemas()[role].type_map.values():
        if isinstance(named, GraphQLObjectType) and not named.name.startswith("__") and named.name != "Export":
            assert not [name for name in named.fields if re.search("url|document|upload|scan", name, re.IGNORECASE)]
