"""An app that knows no mutation: it fills the forms of actions from what the API says of them, and sends them."""

from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from typing import Any

from tests.support.api.records import today
from tests.support.api.scenarios import Clinic
from tests.support.client import Client

_INPUT = "name kind isRequired isList isFromContext default minimum maximum choices { value label } choicesFrom accepts"
FORM = f"""name mutation label isAllowed blockedBy {{ code message total records {{ id }} }} warnings {{ code message }}
    inputs {{ {_INPUT} label fields {{ {_INPUT} fields {{ {_INPUT} }} }} }}"""
_ERRORS = "errors { __typename code message path }"
_CENT = Decimal("0.01")
_numbers = count(1)


class NothingToChooseError(Exception):
    """A required field has nothing to choose from."""


@dataclass
class FormUser:
    """Somebody who fills in forms: by the default, the first choice, or the least that is accepted."""

    clinic: Clinic
    client: Client

    def sends(self, action: Any, context: dict[str, Any], **other: Any) -> list[Any]:
        """The errors of an action that is sent with the inputs that it asks for; `other` are values instead of them."""
        inputs = self.filled(action["inputs"], context) | other
        name = action["mutation"]
        document = f"mutation ($input: {name[0].upper()}{name[1:]}Input!) {{ {name}(input: $input) {{ {_ERRORS} }} }}"
        found: list[Any] = self.client.read(document, input=inputs)[name]["errors"]
        return found

    def filled(self, inputs: list[Any], context: dict[str, Any]) -> dict[str, Any]:
        """The values of the fields that are required or that the record gives."""
        wanted = (one for one in inputs if one["isRequired"] or (one["isFromContext"] and one["name"] in context))
        return {one["name"]: self._value(one, context) for one in wanted}

    def _value(self, one: Any, context: dict[str, Any]) -> Any:
        value = self._one_value(one, context)
        return [value] if one["isList"] else value

    def _one_value(self, one: Any, context: dict[str, Any]) -> Any:
        if one["isFromContext"]:
            return context[one["name"]]
        if one["kind"] == "OBJECT":
            return self.filled(one["fields"], context)
        if one["kind"] == "UPLOAD":
            return self.clinic.upload(self.client)
        offered = [one["default"], *(choice["value"] for choice in one["choices"]), one["maximum"], one["minimum"]]
        for text in offered:
            if text is not None:
                return _parsed(one["kind"], text)
        if one["kind"] == "RECORD" or one["choicesFrom"] == "cptCodes":
            return self._found(one["choicesFrom"], context)
        return _any_of_kind(one["kind"])

    def _found(self, root: str | None, context: dict[str, Any]) -> str:
        """A record that the root field finds, other than that of the context."""
        if root is None:
            raise NothingToChooseError
        key = "code" if root == "cptCodes" else "id"
        nodes = self.client.read(f"{{ {root}(first: 20) {{ nodes {{ {key} }} }} }}")[root]["nodes"]
        return next(str(node[key]) for node in nodes if node[key] not in context.values())


def _parsed(kind: str, text: str) -> Any:
    return {"BOOLEAN": text == "true", "INTEGER": int(text) if kind == "INTEGER" else 0}.get(kind, text)


def _any_of_kind(kind: str) -> Any:
    values = {"DATE": today().isoformat(), "AMOUNT": "1.00", "INTEGER": 1, "BOOLEAN": True}
    return values.get(kind, f"Form {next(_numbers)}")


def beyond(one: Any) -> list[str]:
    """Values of an amount just outside its bounds."""
    least = [str(Decimal(one["minimum"]) - _CENT)] if one["minimum"] else []
    return least + ([str(Decimal(one["maximum"]) + _CENT)] if one["maximum"] else [])
