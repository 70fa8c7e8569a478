"""Writes docs/performance.md from the kept results: the figures, and which targets are reached and which are not."""

from collections.abc import Callable, Iterator

from tests.bench.cases import CASES, CONCURRENCIES, LOCKS_AT_MOST, P50_GROWTH_AT_MOST, TIMES_TEXTBOOK
from tests.bench.clinics import ROOT, SIZES
from tests.bench.comparisons import LIMIT, OURS, TEXTBOOK, UNLOCKED, Comparison
from tests.bench.measurements.auditing import AUDITED, MORE_AT_MOST, NOT_AUDITED
from tests.bench.measurements.memory import GROWTH_AT_MOST, Memory
from tests.bench.measurements.peers import TIMES
from tests.bench.measurements.quoting import CASE as QUOTE
from tests.bench.measurements.quoting import P50_AT_MOST as QUOTED_P50_AT_MOST
from tests.bench.measurements.submitting import CASE as TRANSITION
from tests.bench.measurements.submitting import P50_AT_MOST, PER_SECOND_AT_LEAST
from tests.bench.records import Part
from tests.bench.rounds import Figures

PAGE = ROOT / "docs" / "performance.md"
_HEAD = f"""# Performance

Written by `make bench` and `make bench-peers`; do not edit. Over HTTP on this one machine, where the load client, the server and
PostgreSQL share the processor, on a demo clinic of {SIZES.large:,} invoices. Servers are measured in turn, round after round, and
throughput and times are medians of the rounds; absolute figures depend on the machine, shares and factors are comparable.
"CPU" is processor time per request in µs, over all rounds: of the server process, and of PostgreSQL; where other programs disturb
a run, it is more reliable than the clock.

- **limit**: a bare ASGI application with hand-written SQL under the same uvicorn settings, which enters the database by the same
  role and settings, answers the same JSON, and has neither GraphQL nor sessions.
- **textbook**: Strawberry as its documentation shows it: ORM objects, DataLoaders, a permission class per field, Strawberry's own view.
"""
_COLUMNS = "| clients | server | requests/s | p50 ms | p99 ms | CPU | CPU of PostgreSQL | {} |\n|--:|---|--:|--:|--:|--:|--:|---|"


def page(parts: dict[str, Part]) -> str:
    """The text of the page; it names the parts without a kept record."""
    sections = [_HEAD]
    if missing := [name for name in WRITERS if name not in parts]:
        sections.append(f"**Not measured yet: {', '.join(missing)}.**")
    sections += [section(name, parts[name]) for name in WRITERS if name in parts]
    return "\n\n".join(one.strip() for one in sections) + "\n"


def section(name: str, part: Part) -> str:
    """The section of one part."""
    return "\n".join(["", *WRITERS[name](part), "", _facts(part), ""])


def _facts(part: Part) -> str:
    facts = part.facts
    where = f"{facts['processor']}, {facts['cores']} cores, {facts['memory']}, {facts['system']}"
    rounds = f" Rounds: {facts['rounds']}." if "rounds" in facts else ""
    return f"<sub>Measured on {facts['day']} at {facts['commit']} on {where}.{rounds} {facts['versions']}.</sub>"


def _row(connections: int, name: str, figures: Figures, verdict: str = "") -> str:
    shown = f"{figures.per_second:,.0f} | {figures.p50:.2f} | {figures.p99:.2f} | {figures.cpu:,.0f}"
    return f"| {connections} | {name} | {shown} | {figures.database_cpu:,.0f} | {verdict} |"


def _verdict(reached: float, wanted: float, text: str) -> str:
    """A figure against its target; a missed target is bold, so that readers notice it."""
    return f"{text}: reached" if reached >= wanted else f"**{text}: falls short**"


def _share(comparison: Comparison) -> str:
    ours, limit = comparison.figures[OURS], comparison.figures[LIMIT]
    share, wanted = ours.per_second / limit.per_second, CASES[comparison.case].of_limit
    by_work = f"{limit.work / ours.work:.2f} by processor time" if ours.work else "processor time unknown"
    verdicts = [_verdict(share, wanted, f"{share:.2f} of the limit ({by_work}), target {wanted:.2f}")]
    if TEXTBOOK in comparison.figures:
        times = comparison.figures[OURS].per_second / comparison.figures[TEXTBOOK].per_second
        text = f"{times:.1f} times the textbook"
        # The target against the textbook is for the page of case (a).
        is_target = comparison.case == "a"
        verdicts.append(
            _verdict(times, TIMES_TEXTBOOK, f"{text}, target {TIMES_TEXTBOOK:.0f} times") if is_target else text
        )
    return "; ".join(verdicts)


def _cases(part: Part) -> Iterator[str]:
    yield "## Against the limit and the textbook"
    for name, case in CASES.items():
        comparisons = [comparison for comparison in part.comparisons if comparison.case == name]
        if not comparisons:
            continue
        yield f"\n**({name})** {case.meaning}\n\n{_COLUMNS.format('against the targets')}"
        for comparison in comparisons:
            for server, figures in comparison.figures.items():
                yield _row(comparison.connections, server, figures, _share(comparison) if server == OURS else "")


def _transition(part: Part) -> Iterator[str]:
    yield f"## A transition\n\n**({TRANSITION.name})** {TRANSITION.meaning}. The limit is here one call of a hand-written PL/pgSQL function that"
    yield "locks, checks, writes the invoice, its history, the notification and the event of the audit log, and answers the same JSON, in"
    yield "a transaction like the server's.\n"
    yield _COLUMNS.format("against the targets")
    for comparison in part.comparisons:
        for server, figures in comparison.figures.items():
            yield _row(comparison.connections, server, figures, _times_by_hand(comparison) if server == OURS else "")


def _quote(part: Part) -> Iterator[str]:
    yield f"## A quote\n\n**({QUOTE.name})** {QUOTE.meaning}. The limit is here one hand-written statement that finds the prices,"
    yield "applies them and answers the same JSON, in a transaction like the server's.\n"
    yield _COLUMNS.format("against the target")
    for comparison in part.comparisons:
        for server, figures in comparison.figures.items():
            verdict = _times_of_p50(comparison, QUOTED_P50_AT_MOST) if server == OURS else ""
            yield _row(comparison.connections, server, figures, verdict)


def _times_of_p50(comparison: Comparison, at_most: float) -> str:
    ours, limit = comparison.figures[OURS], comparison.figures[LIMIT]
    times = ours.p50 / limit.p50
    by_work = f"{ours.work / limit.work:.2f} by processor time" if limit.work else "processor time unknown"
    return _verdict(-times, -at_most, f"{times:.2f} times the limit's p50 ({by_work}), at most {at_most:g} times")


def _times_by_hand(comparison: Comparison) -> str:
    ours, verdicts = comparison.figures[OURS], [_times_of_p50(comparison, P50_AT_MOST)]
    if comparison.connections == max(CONCURRENCIES):
        reached = f"{ours.per_second:,.0f} per second, at least {PER_SECOND_AT_LEAST}"
        verdicts.append(_verdict(ours.per_second, PER_SECOND_AT_LEAST, reached))
    return "; ".join(verdicts)


def _auditing(part: Part) -> Iterator[str]:
    yield "## The audit log\n\nThe same server with and without it, in turn; it may add 5 % at most to case (a). Events are written in batches,"
    yield "so that most of their cost is PostgreSQL's, beside the requests.\n"
    yield _COLUMNS.format("more than without")
    for comparison in part.comparisons:
        for server, figures in comparison.figures.items():
            yield _row(
                comparison.connections,
                f"({comparison.case}) {server}",
                figures,
                _more(comparison) if server == AUDITED else "",
            )


def _more(comparison: Comparison) -> str:
    audited, bare = comparison.figures[AUDITED], comparison.figures[NOT_AUDITED]
    more, by_work = audited.p50 / bare.p50 - 1, audited.work / bare.work - 1 if bare.work else 0.0
    text = f"{more:+.1%} of p50, {by_work:+.1%} of processor time"
    # The target is for the page of case (a); processor time is hardly affected by other load on the machine.
    is_target = comparison.case == "a"
    return _verdict(-by_work, -MORE_AT_MOST, f"{text}, at most {MORE_AT_MOST:.0%}") if is_target else text


def _growth(part: Part) -> Iterator[str]:
    yield f"## {SIZES.small:,} and {SIZES.large:,} invoices\n"
    yield f"Case (a) on a small and a large clinic: p50 may grow by {P50_GROWTH_AT_MOST} times at most.\n"
    yield _COLUMNS.format("growth of p50")
    for comparison in part.comparisons:
        small, large = comparison.figures["small"], comparison.figures["large"]
        growth = large.p50 / small.p50
        by_work = f"{large.work / small.work:.2f} by processor time" if small.work else "processor time unknown"
        text = f"{growth:.2f} times ({by_work}), at most {P50_GROWTH_AT_MOST} times"
        verdict = _verdict(-growth, -P50_GROWTH_AT_MOST, text)
        yield _row(comparison.connections, f"{SIZES.small:,} invoices", small)
        yield _row(comparison.connections, f"{SIZES.large:,} invoices", large, verdict)


def _locks(part: Part) -> Iterator[str]:
    yield "## What the two locks cost\n\nCase (a) against the same server with the whole schema for every role, no guards, no conditions of reach,"
    yield "and the owner's connections without role and row-level security: only the benchmark can start this server.\n"
    yield _COLUMNS.format("cost of both locks")
    for comparison in part.comparisons:
        for server, figures in comparison.figures.items():
            yield _row(comparison.connections, server, figures, _cost_of_locks(comparison) if server == OURS else "")


def _cost_of_locks(comparison: Comparison) -> str:
    locked, unlocked = comparison.figures[OURS], comparison.figures[UNLOCKED]
    by_clock = locked.p50 / unlocked.p50 - 1
    cost = locked.work / unlocked.work - 1 if unlocked.work else by_clock
    text = f"{cost:+.1%} of processor time ({by_clock:+.1%} of p50), at most {LOCKS_AT_MOST:+.0%}"
    return _verdict(-cost, -LOCKS_AT_MOST, text)


def _peers(part: Part) -> Iterator[str]:
    yield "## Against servers on Node.js\n"
    yield "Case (a), each in its own naming, on the same database, each with a pool of 8 connections. PostGraphile (Amber preset,"
    yield "grafserv) sets role and claims per request; Mercurius (JIT, one batched loader per relation) once per connection, which"
    yield "spares it a transaction. Both have ids of their own format.\n"
    if part.failure:
        yield f"**Not measured: {part.failure}**"
        return
    yield _COLUMNS.format("our server against it")
    for comparison in part.comparisons:
        for server, figures in comparison.figures.items():
            yield _row(comparison.connections, server, figures, _times(comparison, server))


def _times(comparison: Comparison, server: str) -> str:
    if server not in TIMES:
        return ""
    ours, peer = comparison.figures[OURS], comparison.figures[server]
    times, wanted = ours.per_second / peer.per_second, TIMES[server][comparison.connections]
    by_work = f"{peer.work / ours.work:.2f} by processor time" if ours.work else "processor time unknown"
    return _verdict(times, wanted, f"{times:.2f} times ({by_work}), target {wanted:g} times")


def _memory(part: Part) -> Iterator[str]:
    assert part.memory
    memory: Memory = part.memory
    passes = ", ".join(f"{held:.0f}" for held in memory.after_passes)
    growth = memory.growth()
    text = f"{growth:+.1%} at the farthest, at most ± {GROWTH_AT_MOST:.0%}"
    yield f"## Memory\n\n{SIZES.requests:,} requests with {SIZES.documents:,} distinct documents in passes over all of them, 16 clients."
    yield f"Memory of the server: {memory.at_start:.0f} MiB before the first request; after each pass, in MiB: {passes}.\n"
    yield _verdict(-abs(growth), -GROWTH_AT_MOST, f"After the first pass {text}") + "."


def _floor(part: Part) -> Iterator[str]:
    yield "## What measuring costs\n\nThe load client and uvicorn with an endpoint that does nothing: no server of this kind can be faster.\n"
    yield _COLUMNS.format("")
    for comparison in part.comparisons:
        for server, figures in comparison.figures.items():
            yield _row(comparison.connections, server, figures)


def _files(part: Part) -> Iterator[str]:
    yield "## Files\n\nAll in turn. The worker is a process of its own at nice 10; a bare COPY has the same columns and is read and dropped.\n"
    yield part.table


def _reports(part: Part) -> Iterator[str]:
    yield "## Reports\n\nEach over HTTP, in turn with hand-written SQL statements, which enter the database as the server does.\n"
    yield part.table


WRITERS: dict[str, Callable[[Part], Iterator[str]]] = {
    "floor": _floor,
    "cases": _cases,
    "transition": _transition,
    "auditing": _auditing,
    "quote": _quote,
    "growth": _growth,
    "locks": _locks,
    "peers": _peers,
    "memory": _memory,
    "figures": _reports,
    "files": _files,
}
