"""The length limits of stored texts: a text at the limit is accepted, a longer one is refused and not echoed."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLScalarType,
    get_named_type,
    get_nullable_type,
    is_required_input_field,
)

from domain.access.people import Role
from schema.whole import role_schemas
from server.database_urls import DatabaseUrls
from tests.support.api.mutations import CASE, NEW, done, refused
from tests.support.api.records import Found, nothing_changes
from tests.support.api.scenarios import CHEQUE, INVOICE, TODAY, Clinic
from tests.support.client import Client

WHOLE = role_schemas()[Role.ADMIN]
MUTATIONS = WHOLE.mutation_type.fields if WHOLE.mutation_type else {}
# With quotes and braces around every other character, a request with the longest still fits the body limit.
LENGTHS = [100_000, pytest.param(1_000_000, marks=pytest.mark.prove)]
GOOD: dict[str, Any] = {"String": "Some words", "Int": 1, "Boolean": True, "Money": "1.00", "Date": TODAY}
# The kinds of the records that inputs call by what they are to each other.
_NAMED_OTHERWISE = {
    "Surviving": "OtherPayer",
    "Merged": "Payer",
    "ToInvoice": "Invoice",
    "Allocation": "ChequeAllocation",
    "Claim": "RemittanceClaim",
    "Payment": "RemittancePayment",
    "Line": "InvoiceLine",
    "Request": "RecoupmentRequest",
    "IssuedUpload": "IssuedDocument",
    "Statement": "IssuedDocument",
    "Supersedes": "IssuedDocument",
}
Path = tuple[str, ...]


def places(of: GraphQLInputType, path: Path = ()) -> Iterator[Path]:
    """Every path in an input where a client may send a text, the elements of lists included."""
    named = get_named_type(of)
    if isinstance(named, GraphQLInputObjectType):
        for name, item in named.fields.items():
            yield from places(item.type, (*path, name))
    elif isinstance(named, GraphQLScalarType) and named.name not in ("Int", "Boolean", "Float"):
        yield path


def filled(name: str, of: GraphQLInputType, found: Found, place: Path | None, text: str) -> Any:
    """The required fields of an input, with a text at one path."""
    named, value = get_named_type(of), text
    if place:
        assert isinstance(named, GraphQLInputObjectType)
    if isinstance(named, GraphQLInputObjectType):
        value = _object(named, found, place, text)
    elif isinstance(named, GraphQLEnumType):
        value = next(iter(named.values))
    elif place is None:
        value = _id(name, found) if named.name == "ID" else GOOD[named.name]
    return [value] if isinstance(get_nullable_type(of), GraphQLList) else value


def _object(of: GraphQLInputObjectType, found: Found, place: Path | None, text: str) -> Any:
    return {
        name: filled(name, item.type, found, place[1:] if place and name == place[0] else None, text)
        for name, item in of.fields.items()
        if is_required_input_field(item) or (place and name == place[0])
    }


def _id(name: str, found: Found) -> str:
    stem = name.removesuffix("s").removesuffix("Id")
    kind = f"{stem[0].upper()}{stem[1:]}".replace("Document", "Upload").replace("Mapping", "ImportMapping")
    kind = _NAMED_OTHERWISE.get(kind, kind)
    return found.own.get(kind) or found.unknown(kind)


def takers() -> list[str]:
    """The mutations that take a text."""
    return [name for name, field in MUTATIONS.items() if any(list(places(item.type)) for item in field.args.values())]


# Its answer is the same for every text, and it changes nothing for what is no e-mail.
SAYS_NOTHING = {"requestPasswordReset"}


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("name", takers())
def test_a_hundred_thousand_characters_are_refused_in_every_text_of_a_mutation_and_not_echoed(
    address: DatabaseUrls, admin: Client, found: Found, name: str, length: int
) -> None:
    arguments = MUTATIONS[name].args
    taken = ", ".join(f"${key}: {item.type}" for key, item in arguments.items())
    passed = ", ".join(f"{key}: ${key}" for key in arguments)
    document = f"mutation ({taken}) {{ {name}({passed}) {{ __typename {_errors(name)} }} }}"
    with nothing_changes(address):
        for place in (place for key, item in arguments.items() for place in places(item.type, (key,))):
            inputs = {
                key: filled(key, item.type, found, place[1:] if key == place[0] else None, "x" * length)
                for key, item in arguments.items()
            }
            response = admin.post(document, **inputs)
            answer = response.json()
            assert answer.get("errors") or answer["data"][name].get("errors") or name in SAYS_NOTHING, place
            assert (response.status_code in (200, 400), "INTERNAL_ERROR" in response.text) == (True, False), place
            assert len(response.content) < 10_000, place


def _errors(name: str) -> str:
    payload: Any = get_named_type(MUTATIONS[name].type)
    return "errors { code path message }" if "errors" in getattr(payload, "fields", {}) else ""


Give = Callable[[Clinic, str], dict[str, Any]]


def _of(made: Callable[[Clinic], str], field: str, **more: Any) -> Give:
    """The input of a mutation of an invoice that was made for it, with a text in a field."""
    return lambda clinic, text: {"invoiceId": made(clinic), **more, field: text}


def _negotiated(clinic: Clinic) -> str:
    identity = clinic.submitted()
    clinic.step("requestReduction", identity, amount="500.00")
    return identity


def _cheque(clinic: Clinic, text: str) -> dict[str, Any]:
    return clinic.cheque_of("5.00", {}, clinic.admin, number=text)


def _case(clinic: Clinic, text: str) -> dict[str, Any]:
    return {"patientId": clinic.found.own["Patient"], "dateOfInjury": "2026-01-05", "number": text}


def _payer(clinic: Clinic, text: str) -> dict[str, Any]:
    other = done(clinic.billing, "createPayer", "payer { id }", name=f"Payer {uuid4()}", kind="INSURANCE")
    return {"invoiceId": clinic.submitted(), "payerId": other["id"], "reason": text}


# Mutation and field → its payload's selection, the longest text, and a function that makes a valid input.
LIMITS: dict[tuple[str, str], tuple[str, int, Give]] = {
    ("requestReduction", "reason"): (INVOICE, 2_000, _of(Clinic.submitted, "reason", amount="1.00")),
    ("counterReduction", "note"): (INVOICE, 2_000, _of(_negotiated, "note", party="CLINIC", amount="9.00")),
    ("declineReduction", "reason"): (INVOICE, 2_000, _of(_negotiated, "reason")),
    ("reopenReduction", "reason"): (INVOICE, 2_000, _of(Clinic.agreed, "reason")),
    ("recordDenial", "reasonCode"): (INVOICE, 200, _of(Clinic.submitted, "reasonCode", deniedOn=TODAY)),
    ("recordDenial", "note"): (INVOICE, 10_000, _of(Clinic.submitted, "note", deniedOn=TODAY, reasonCode="X")),
    ("changePayer", "reason"): (INVOICE, 2_000, _payer),
    ("voidInvoice", "reason"): (INVOICE, 2_000, _of(Clinic.submitted, "reason")),
    ("writeOffInvoice", "reason"): (INVOICE, 2_000, _of(Clinic.submitted, "reason")),
    ("addInternalNote", "body"): (NEW, 10_000, _of(Clinic.submitted, "body")),
    ("placeHold", "reason"): ("hold { reason }", 2_000, _of(Clinic.submitted, "reason", untilOn="2035-01-01")),
    ("recordCheque", "number"): (CHEQUE, 200, _cheque),
    ("createCase", "number"): (CASE, 40, _case),
}


@pytest.mark.parametrize(("step", "field"), LIMITS)
def test_a_text_is_stored_up_to_its_limit_and_one_character_more_refuses_the_whole_input(
    clinic: Clinic, step: str, field: str
) -> None:
    selection, longest, give = LIMITS[step, field]
    inputs = give(clinic, "é" * longest)
    with nothing_changes(clinic.address):
        error = refused(clinic.admin, step, selection, **{**inputs, field: "é" * (longest + 1)})
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", field])
    assert error["message"] == f"This has at most {longest:,} characters"
    # Codes are stored in capital letters.
    assert "é" * longest in str(done(clinic.admin, step, selection, **inputs)).lower()


@pytest.mark.parametrize("field", ["reason", "reasonCode", "number"])
def test_a_required_text_cannot_be_blank(clinic: Clinic, field: str) -> None:
    for (step, name), (selection, _, give) in LIMITS.items():
        if name == field and (step, name) not in {("requestReduction", "reason"), ("createCase", "number")}:
            inputs = give(clinic, "x")
            for blank in ("", " \n "):
                error = refused(clinic.admin, step, selection, **{**inputs, field: blank})
                assert (error["path"], error["message"]) == (["input", field], "This cannot be left blank"), step
