"""The child program that reads one remittance from standard input, within limits, and writes its payments to standard output."""

import sys

from imports.sandbox.program import run
from imports.x12.envelopes import read_parts
from imports.x12.messages import encoded, messages_of


def main(seconds: str) -> None:
    """Read the file; its payments and problems are written as messages."""
    run(int(seconds), lambda file: messages_of(read_parts(file)), encoded)


if __name__ == "__main__":
    main(*sys.argv[1:])
