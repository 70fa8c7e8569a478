"""The signed URL of a file works exactly for the roles that see the field that returns it."""

import re
from pathlib import Path

import pytest
from graphql import GraphQLObjectType

from domain.access.people import Role
from domain.access.signed_urls import LIFETIMES
from schema.whole import role_schemas
from server.http.files.signed_links import roles_with
from tests.house.source import PROJECT
from tests.permissions.published import committed

# Kind of signed URL → the field that returns it.
RETURNED_BY = {
    "documents": "Cheque.documentUrl",
    "issued": "IssuedDocument.downloadUrl",
    "uploads": "Upload.uploadUrl",
    "exports": "Export.downloadUrl",
}
# Fields that return URLs of the same kind, to the same roles.
LIKE = {
    "Coverage.letterUrl": "documents",
    "Coverage.closingLetterUrl": "documents",
    "DenialEvent.documentUrl": "documents",
    "DocumentDelivery.proofUrl": "documents",
    "RecoupmentAnswer.documentUrl": "documents",
    "RecoupmentRequest.documentUrl": "documents",
    "Remittance.documentUrl": "documents",
    "Refund.documentUrl": "documents",
    "Responsibility.documentUrl": "documents",
}
# The URI that an authenticator app reads from a picture leads to no file; one-time links lead to a page, which asks for a password.
OTPAUTH = {"EnrolSecondFactorPayload.otpauthUrl", "SecondFactorEnrolment.otpauthUrl"}
# How many documents there are of each kind, and no document.
COUNTED = {"Analytics.documentsByKind"}
# Documents that were delivered to the own law firm.
DELIVERED = {"Case.documents", "IssuedDocument.downloadUrl", "Query.issuedDocuments"}
ONE_TIME_LINKS = {"UserPayload.invitationUrl"}
# The server's routes find the roles that may open a URL by the declaration of a field, not by a list of their own.
_DECLARATION = re.compile(r'roles_with\(schemas, "(\w+)", "(\w+)"\)')


def test_every_kind_of_signed_url_is_returned_by_a_field() -> None:
    assert set(RETURNED_BY) == set(LIFETIMES)
    urls = {name for name in committed(Role.ADMIN) if re.fullmatch(r"\w+\.\w*[uU]rl", name)}
    assert urls == {*RETURNED_BY.values(), *LIKE, *OTPAUTH, *ONE_TIME_LINKS}
    for role in Role:
        assert all((name in committed(role)) == (RETURNED_BY[kind] in committed(role)) for name, kind in LIKE.items())


@pytest.mark.parametrize("kind", RETURNED_BY)
def test_a_signed_url_is_accepted_from_the_roles_that_see_its_field(kind: str) -> None:
    roles = {role for role in Role if RETURNED_BY[kind] in committed(role)}
    accepted = {
        frozenset(roles_with(role_schemas(), *declaration))
        for declaration in declarations_of_the_server()
        if kind_of(declaration) == kind
    }
    assert accepted == {frozenset(roles)}
    others = {"exports": set(Role), "issued": {Role.ADMIN, Role.BILLING, Role.ATTORNEY}}
    assert roles == others.get(kind, {Role.ADMIN, Role.BILLING})


def declarations_of_the_server() -> list[tuple[str, str]]:
    """The declarations that the server's routes use."""
    found = _DECLARATION.findall(Path(PROJECT / "server" / "app.py").read_text(encoding="utf-8"))
    assert len(found) == len(RETURNED_BY)
    return found


def kind_of(declaration: tuple[str, str]) -> str:
    """The kind of signed URL that a declaration is about; an announced file is sent to the URL in the mutation's payload."""
    kinds = {
        ("Mutation", "createUpload"): "uploads",
        ("Export", "downloadUrl"): "exports",
        ("IssuedDocument", "downloadUrl"): "issued",
    }
    return kinds.get(declaration, "documents")


@pytest.mark.parametrize("role", [Role.PHYSICIAN, Role.ATTORNEY, Role.ANALYST])
def test_the_schema_of_a_role_without_documents_has_no_field_of_them(role: Role) -> None:
    for named in role_schemas()[role].type_map.values():
        if isinstance(named, GraphQLObjectType) and not named.name.startswith("__") and named.name != "Export":
            found = {name for name in named.fields if re.search("url|document|upload|scan", name, re.IGNORECASE)}
            allowed = {Role.ATTORNEY: DELIVERED, Role.ANALYST: COUNTED}.get(role, set())
            assert {f"{named.name}.{name}" for name in found} <= OTPAUTH | allowed


@pytest.mark.parametrize("role", [None, *(role for role in Role if role is not Role.ADMIN)])
def test_only_administrators_are_shown_one_time_links(role: Role | None) -> None:
    assert not ONE_TIME_LINKS & committed(role)
