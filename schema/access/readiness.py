"""The GraphQL types of a clinic's readiness: what is missing before it does something for the first time."""

from collections.abc import Collection

import strawberry

from domain.records.readiness import GAPS, missing_by_step
from permissions.classes import output_field
from schema.records.enums import ReadinessGap, ReadinessStep

_RULE = "administration"


@strawberry.type(description="Something that the clinic lacks, and what mends it.")
class MissingRecord:
    code: ReadinessGap = output_field(_RULE, "What is missing.")
    message: str = output_field(_RULE, "The same as a sentence.")
    mended_by: str = output_field(_RULE, "The mutations and commands that mend it.")


@strawberry.type(description="Whether the clinic has what it needs to do something for the first time.")
class Readiness:
    step: ReadinessStep = output_field(_RULE, "What it does for the first time.")
    is_ready: bool = output_field(_RULE, "Whether nothing is missing.")
    missing: list[MissingRecord] = output_field(_RULE, "What is missing, in the order in which to mend it.")


def present_readiness(gaps: Collection[ReadinessGap]) -> list[Readiness]:
    """A clinic's gaps as the API presents them."""
    return [
        Readiness(
            step=step,
            is_ready=not missing,
            missing=[MissingRecord(code=gap, message=GAPS[gap].message, mended_by=GAPS[gap].where) for gap in missing],
        )
        for step, missing in missing_by_step(gaps)
    ]
