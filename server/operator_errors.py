"""The base of errors that an operator can correct: their message is one sentence, shown without a stack trace."""


class OperatorError(Exception):
    """What is wrong with the settings or with the machine, and what to do."""
