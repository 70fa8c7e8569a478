"""The descriptions of the parts of a postal address, and the inputs that set them."""

from schema.record_mutations import RecordField

_PARTS = {
    "line1": "the street and number, or the post office box",
    "line2": "the second line, such as a suite",
    "city": "the city",
    "state": "the state, by its two letters",
    "postal_code": "the ZIP code, five digits or five and four",
}


def described(prefix: str, of: str) -> dict[str, str]:
    """The descriptions of the columns of an address, such as those of "the postal address"."""
    return {f"{prefix}_{part}": f"{of}: {text}." for part, text in _PARTS.items()}


ADDRESS = described("address", "The postal address")
ADDRESS_INPUTS = tuple(RecordField(name, str, text) for name, text in ADDRESS.items())
