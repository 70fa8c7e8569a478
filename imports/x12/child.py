"""Reads electronic remittances (X12 005010X221A1 835): what a payer pays, for which claims and lines, and why less than was billed."""

from collections.abc import Iterator
from contextlib import closing
from io import BytesIO

from domain.remittances.remittance import RemittedPayment
from imports.sandbox.sandboxes import Sandbox
from imports.sheets import SheetError
from imports.x12.envelopes import Part, read_parts
from imports.x12.messages import parts_of
from imports.x12.remittance_file import MOST_PROBLEMS, RemittanceFile, RemittanceProblem

# Seconds of CPU time: a MiB takes about one.
SANDBOX = Sandbox("imports.x12.reading", "ask the payer for it again, or for several files", 20, 3, 60, 15)


def read_remittances(data: bytes) -> RemittanceFile:
    """The payments and problems of a file, read by a child process within its limits; nothing is raised for any file."""
    with closing(SANDBOX.read(data)) as messages:
        return _collected(parts_of(messages))


def read_in_process(data: bytes) -> RemittanceFile:
    """The same without a child process, for trusted files."""
    return _collected(read_parts(BytesIO(data)))


def _collected(parts: Iterator[Part]) -> RemittanceFile:
    payments, problems, count = list[RemittedPayment](), list[RemittanceProblem](), 0
    try:
        for part in parts:
            if isinstance(part, RemittedPayment):
                payments.append(part)
            else:
                count += 1
                # Problems beyond the limit are not kept, whatever their number.
                problems += [part] if count <= MOST_PROBLEMS else []
    except SheetError as error:
        count += 1
        # This one says from where nothing is read.
        problems = [*problems[: MOST_PROBLEMS - 1], RemittanceProblem(error.line, None, error.reason)]
    return RemittanceFile(tuple(payments), tuple(problems), count)
