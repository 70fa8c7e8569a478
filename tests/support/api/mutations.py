"""Sends a mutation with one input; returns its record or its refusals."""

from typing import Any

from tests.support.client import Client

NEW = """invoice { id number status version createdOn serviceDate submittedOn billedAmount receivedAmount balance case { id }
    payer { id } physician { id } facility { id } encounter { id } negotiation { floorAmount targetAmount } internalNotes { body }
    hold { reason } history { transition fromStatus toStatus by { name } changes { field before after } }
    lines { position cptCode label units bilateral unitPrice amount
        priceTrace { source rate geographicFactor bilateralFactor overrideReason } } }"""
CASE = (
    "case { id number status openedOn dateOfInjury attorney { id } representations { attorney { id } fromOn untilOn } }"
)
HOLD = "hold { id untilOn reason releasedAt placedBy { name } }"
REMINDER = """reminder { id status targetDate subject notes outcome closedAt createdAt assignee { name } createdBy { name }
    invoice { id history { transition changes { field before after } } } }"""
LINE = {"code": "A4556", "units": 2}
_ERRORS = "errors { __typename message code path ... on IllegalTransition { currentStatus transition legalNow } }"


def document(name: str, selection: str) -> str:
    """The document of a mutation, with its record and its errors."""
    fields = f"{selection} {_ERRORS}"
    return f"mutation ($input: {name[0].upper()}{name[1:]}Input!) {{ {name}(input: $input) {{ {fields} }} }}"


def answered(client: Client, name: str, selection: str, /, **values: Any) -> Any:
    """The payload of a mutation: its record and its errors; fails when the document itself is refused."""
    return client.read(document(name, selection), input=values)[name]


def done(client: Client, name: str, selection: str, /, **values: Any) -> Any:
    """The record of a mutation; fails when it is refused."""
    answer = answered(client, name, selection, **values)
    assert answer["errors"] == [], answer
    return answer[selection.split(maxsplit=1)[0]]


def refused(client: Client, name: str, selection: str, /, **values: Any) -> Any:
    """The one error of a refused mutation; fails when it is not refused."""
    answer = answered(client, name, selection, **values)
    assert answer[selection.split(maxsplit=1)[0]] is None, answer
    (error,) = answer["errors"]
    return error
