"""Message templates: the allowed syntax, and rendering them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from domain.errors import InvalidInput
from domain.reminders.reminders import NUMBER_VARIABLES, TEXT_VARIABLES

_ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
_VARIABLES = {**TEXT_VARIABLES, **NUMBER_VARIABLES}
# Text, variables, and conditions on a number: no loops, no attribute access, no calls.
_KNOWN = (nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.Name, nodes.Compare, nodes.Operand)
# Rendering nests as deeply as validation, in a process that may have a smaller stack.
_DEEPEST = 40
_LONGEST_WORDS = 200
_TOO_DEEP = "this is nested too deeply, or a number is too long"


@dataclass(frozen=True, slots=True)
class Listed:
    """An invoice as a message lists it."""

    case_number: str
    invoice_number: str
    balance: Decimal
    days: int


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a message: the template and its invoices."""

    subject: str
    body: str
    recipient: str
    invoices: Sequence[Listed]


@dataclass(frozen=True, slots=True)
class Words:
    """A rendered message: a subject of one line, and a body of paragraphs, in which `link` is an address of our own to follow."""

    subject: str
    body: str
    link: str = ""


def check_template(texts: Mapping[str, str]) -> None:
    """Check that every text is a valid template; InvalidInput names the text, the line and the error."""
    for name, text in texts.items():
        try:
            found = _wrong(_ENVIRONMENT.parse(text))
        except TemplateSyntaxError as error:
            found = (error.lineno, _short(f"{error.message}"))
        except (RecursionError, ValueError):
            # Thousands of brackets, or a number of thousands of digits.
            found = (1, _TOO_DEEP)
        if found:
            raise InvalidInput(f"Line {found[0]}: {found[1]}", (name,))


def _wrong(node: nodes.Node, depth: int = 0) -> tuple[int, str] | None:
    """The line of the first disallowed expression in a template, and the reason."""
    if depth > _DEEPEST:
        return getattr(node, "lineno", 1), _TOO_DEEP
    if isinstance(node, nodes.Name) and node.name not in _VARIABLES:
        return (
            node.lineno,
            f"{_short(node.name)} is not a variable; known variables are {', '.join(sorted(_VARIABLES))}",
        )
    if isinstance(node, nodes.Compare) and not _is_of_numbers(node):
        return node.lineno, f"a comparison must be of one of {', '.join(NUMBER_VARIABLES)} with a number"
    if isinstance(node, nodes.Const) and not isinstance(node.value, int):
        return node.lineno, "a text stands outside of the brackets"
    if not isinstance(node, (*_KNOWN, nodes.Const)):
        named = getattr(node, "attr", None) or getattr(node, "name", None)
        what = f"{type(node).__name__} {_short(named)}" if isinstance(named, str) else type(node).__name__
        return node.lineno, f"a template has no {what}; only variables, and if with a number"
    return next((found for child in node.iter_child_nodes() if (found := _wrong(child, depth + 1))), None)


def _short(words: str) -> str:
    """Words that quote the template, which may be as long as the template itself."""
    return words if len(words) <= _LONGEST_WORDS else f"{words[:_LONGEST_WORDS]}…"


def _is_of_numbers(compared: nodes.Compare) -> bool:
    left, operands = compared.expr, compared.ops
    return (
        isinstance(left, nodes.Name)
        and left.name in NUMBER_VARIABLES
        and len(operands) == 1
        and operands[0].op not in ("in", "notin")
        and isinstance(operands[0].expr, nodes.Const)
    )


def fill_in(sections: Sequence[Section], clinic: str, today: date) -> Words:
    """Render one message from all sections, the first of which gives its subject; ValueError for a template that was not validated."""
    try:
        filled = [_filled(section, clinic, today) for section in sections]
    except TemplateError as error:
        raise ValueError("the template cannot be rendered") from error
    return Words(filled[0].subject, f"\n\n{'-' * 40}\n\n".join(words.body for words in filled))


def _filled(section: Section, clinic: str, today: date) -> Words:
    known = {
        "clinic": clinic,
        "recipient": section.recipient,
        "invoices": "\n".join(map(_line, section.invoices)),
        "invoices_with_balances": "\n".join(f"{_line(one)}: ${one.balance:,.2f}" for one in section.invoices),
        "total_balance": f"${sum(one.balance for one in section.invoices):,.2f}",
        "today": f"{today:%B} {today.day}, {today.year}",
        "invoice_count": len(section.invoices),
        "oldest_days": max(one.days for one in section.invoices),
    }
    subject, body = (_ENVIRONMENT.from_string(text).render(known) for text in (section.subject, section.body))
    # A subject stays one line even if a name contains line breaks.
    return Words(" ".join(subject.split()), body)


def _line(one: Listed) -> str:
    return f"Case {one.case_number}, invoice {one.invoice_number}"
