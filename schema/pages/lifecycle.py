"""The generated page docs/lifecycle.md and its diagram: the life cycle of an invoice, from the domain's transition table."""

from collections import defaultdict
from html import escape

from domain.api_names import camel
from domain.billing.invoices import GUARDS, InvoiceStatus
from domain.billing.next_steps import Need, step_for
from domain.billing.transition import Transition
from domain.billing.transitions import TRANSITIONS

S = InvoiceStatus
# The position of each status: the five of the normal flow in a row, the two exits below.
_PLACES = {
    S.PENDING_INVOICE: (130, 190),
    S.PENDING_REDUCTION: (430, 60),
    S.PENDING_CHEQUE: (730, 190),
    S.CHEQUE_RECEIVED: (1050, 190),
    S.PAID: (1330, 190),
    S.VOID: (130, 430),
    S.WRITTEN_OFF: (580, 430),
}
_WIDTH, _HEIGHT = 170, 46
# How far an arrow bends to the left of its direction, and the position of its label along it.
_BENDS: dict[tuple[InvoiceStatus, InvoiceStatus], tuple[float, float]] = {
    (S.PENDING_INVOICE, S.PENDING_REDUCTION): (26, 0.5),
    (S.PENDING_REDUCTION, S.PENDING_INVOICE): (26, 0.5),
    (S.PENDING_REDUCTION, S.PENDING_CHEQUE): (26, 0.5),
    (S.PENDING_CHEQUE, S.PENDING_REDUCTION): (26, 0.5),
    (S.PENDING_CHEQUE, S.CHEQUE_RECEIVED): (24, 0.5),
    (S.CHEQUE_RECEIVED, S.PENDING_CHEQUE): (24, 0.5),
    (S.CHEQUE_RECEIVED, S.PAID): (24, 0.5),
    (S.PAID, S.CHEQUE_RECEIVED): (24, 0.5),
    (S.PAID, S.PENDING_CHEQUE): (120, 0.5),
}


def arrows() -> dict[tuple[InvoiceStatus, InvoiceStatus], list[str]]:
    """The transitions between each pair of statuses."""
    found: dict[tuple[InvoiceStatus, InvoiceStatus], list[str]] = defaultdict(list)
    for row in TRANSITIONS:
        for start in (*row.start, *row.admin_start):
            for end in row.ends(start):
                found[start, end].append(row.name)
    return dict(found)


def page() -> str:
    """The page in Markdown."""
    rows = "\n".join(_row(row) for row in TRANSITIONS)
    steps = "\n".join(
        f"| {status} | {' | '.join(step_for(status, need) for need in Need)} |" for status in InvoiceStatus
    )
    return f"""# The life cycle of an invoice

Generated from `domain/billing/transitions.py` by `make snapshots`; a test fails when this page is stale.

![Statuses and transitions](lifecycle.svg)

| transition | from | to | needs | refused when | roles |
|---|---|---|---|---|---|
{rows}

## Which step helps

| | {" | ".join(need.value for need in Need)} |
|---|{"---|" * len(Need)}
{steps}

A transition that does not start from the current status, or whose guard fails, returns `IllegalTransition` with the transitions
that are possible now. The database rejects every change of status that is not a transition, and every change of the history.
"""


def _row(row: Transition) -> str:
    starts = [*row.start, *(f"{status} (admin)" for status in row.admin_start)]
    refusals = [_words_of(name) for name in row.guards]
    refusals += [f"{_words_of(name)} (an admin may)" for name in row.staff_guards]
    guards = "; ".join(refusals)
    roles = ", ".join(sorted(row.roles)) or "the worker"
    cells = (f"`{row.name}`", ", ".join(starts), ", ".join(row.end), ", ".join(map(camel, row.required)), guards, roles)
    return f"| {' | '.join(cell or '-' for cell in cells)} |"


def _words_of(name: str) -> str:
    return GUARDS[name].words.replace("above ${}, ", "above ")


def diagram() -> str:
    """The diagram as SVG."""
    parts = [_arrow(start, end, names) for (start, end), names in arrows().items() if start != end]
    parts += [_state(status) for status in InvoiceStatus]
    parts += [_loop(start, names) for (start, end), names in arrows().items() if start == end]
    return _FRAME.format(parts="\n".join(parts))


def _state(status: InvoiceStatus) -> str:
    x, y = _PLACES[status]
    kind = "exit" if status in (S.VOID, S.WRITTEN_OFF) else "state"
    return (
        f'<rect class="{kind}" x="{x - _WIDTH / 2}" y="{y - _HEIGHT / 2}" width="{_WIDTH}" height="{_HEIGHT}" rx="9"/>'
        f'<text class="name" x="{x}" y="{y + 5}">{escape(status)}</text>'
    )


def _loop(status: InvoiceStatus, names: list[str]) -> str:
    """The label of transitions that keep the status."""
    x, y = _PLACES[status]
    up = status is not S.PENDING_INVOICE
    lines = [f"↻ {name}" for name in names]
    first = y - _HEIGHT / 2 - 8 - 14 * (len(lines) - 1) if up else y + _HEIGHT / 2 + 18
    shift = {S.PENDING_INVOICE: -62, S.PENDING_CHEQUE: 40}.get(status, 0)
    return _words(lines, x + shift, first, "loop")


def _arrow(start: InvoiceStatus, end: InvoiceStatus, names: list[str]) -> str:
    (x1, y1), (x2, y2) = _PLACES[start], _PLACES[end]
    bend, place = _BENDS.get((start, end), (0, 0.5))
    length = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5
    nx, ny = (y2 - y1) / length, -(x2 - x1) / length
    cx, cy = (x1 + x2) / 2 + 2 * bend * nx, (y1 + y2) / 2 + 2 * bend * ny
    sx, sy = _edge(x1, y1, cx, cy)
    ex, ey = _edge(x2, y2, cx, cy)
    tx = (1 - place) ** 2 * sx + 2 * place * (1 - place) * cx + place**2 * ex
    ty = (1 - place) ** 2 * sy + 2 * place * (1 - place) * cy + place**2 * ey
    above = ny < 0
    first = ty - 6 - 14 * (len(names) - 1) if above else ty + 16
    path = f'<path d="M{sx:.0f},{sy:.0f} Q{cx:.0f},{cy:.0f} {ex:.0f},{ey:.0f}"/>'
    return path + _words(names, tx, first, "step")


def _edge(x: float, y: float, towards_x: float, towards_y: float) -> tuple[float, float]:
    """The point where the line from the centre of a status box crosses its edge."""
    dx, dy = towards_x - x, towards_y - y
    scale = min(
        (_WIDTH / 2 + 3) / abs(dx) if dx else float("inf"),
        (_HEIGHT / 2 + 3) / abs(dy) if dy else float("inf"),
    )
    return x + dx * scale, y + dy * scale


def _words(lines: list[str], x: float, y: float, kind: str) -> str:
    return "".join(
        f'<text class="{kind}" x="{x:.0f}" y="{y + 14 * place:.0f}">{escape(line)}</text>'
        for place, line in enumerate(lines)
    )


_FRAME = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="-30 -20 1480 500" font-family="sans-serif" font-size="12">
<style>
rect {{ stroke: #33536b; stroke-width: 1.5; }} .state {{ fill: #e3eef6; }} .exit {{ fill: #f3e3e0; }}
path {{ fill: none; stroke: #5b6b77; stroke-width: 1.3; marker-end: url(#tip); }}
text {{ text-anchor: middle; fill: #22303a; }} .name {{ font-weight: bold; font-size: 14px; }}
.step, .loop {{ paint-order: stroke; stroke: #fff; stroke-width: 4px; }} .loop {{ fill: #6a5a2a; }}
</style>
<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">
<path d="M0,0 L8,4 L0,8 z" style="fill:#5b6b77;stroke:none;marker-end:none"/></marker></defs>
<rect x="-30" y="-20" width="1480" height="500" style="fill:#fff;stroke:none"/>
{parts}
</svg>
"""
