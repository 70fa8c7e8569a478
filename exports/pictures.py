"""The aging chart of a clinic: one page with bars by age and by payer, and two trends."""

from collections.abc import Mapping, Sequence
from datetime import date
from html import escape
from io import StringIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# From likely to be paid to hardly ever paid; the colours also differ in brightness, for readers with a colour vision
# deficiency.
COLOURS = ("#2a9d8f", "#8ab17d", "#e9c46a", "#f4a261", "#d1495b")
_INK, _PALE = "#22313f", "#d7dde2"
_SHOWN_PAYERS = 10
_LONGEST_NAME = 34
_SIZE = (11.7, 8.3)
Report = Mapping[str, Any]


def aging_svg(clinic: str, report: Report) -> str:
    """The page as SVG. `report` is the API's response to `aging`, `agingByPayer` and `analytics { trend }`."""
    # Importing the library takes a second, and the server never draws.
    from matplotlib import rc_context  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    # Text stays text, and the same figures give the same bytes.
    with rc_context(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "aging",
            "text.parse_math": False,
            "font.family": "sans-serif",
            "font.size": 9,
        }
    ):
        page = Figure(figsize=_SIZE, layout="constrained")
        page.suptitle(
            _title(clinic, report["aging"]) + "\n", color=_INK, fontsize=15, fontweight="bold", x=0.02, ha="left"
        )
        halves: Any = page.subfigures(2, 1, height_ratios=(1.1, 1))
        above, below = halves
        ages, payers = above.subplots(1, 2, width_ratios=(1, 1.2))
        collected, days = below.subplots(1, 2)
        _draw_ages(ages, report["aging"]["buckets"])
        _draw_payers(payers, report["agingByPayer"])
        _draw_trends(collected, days, report["analytics"]["trend"])
        return _written(page)


def aging_html(clinic: str, report: Report) -> str:
    """The page as self-contained HTML: the chart, and its figures as a table for screen readers."""
    rows = "".join(
        f"<tr><th scope=row>{_ages_of(bucket)}</th><td>{bucket['invoiceCount']:,}</td><td>{_dollars(bucket['outstanding'])}</td></tr>"
        for bucket in report["aging"]["buckets"]
    )
    title = escape(_title(clinic, report["aging"]))
    picture = aging_svg(clinic, report).partition("<svg")
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>body {{ font: 15px/1.5 sans-serif; color: {_INK}; max-width: 70rem; margin: 2rem auto }} svg {{ width: 100%; height: auto }}
td, th {{ text-align: right; padding: 0.2rem 1.5rem 0.2rem 0 }} th[scope=row] {{ text-align: left }}</style>
<svg role="img" aria-label="{title}"{picture[2]}
<table><caption>{title}</caption><tr><th></th><th>Invoices</th><th>Outstanding</th></tr>{rows}</table></html>
"""


def _title(clinic: str, aging: Report) -> str:
    return f"{clinic}: {_dollars(aging['outstanding'])} outstanding as of {aging['asOf']}, {aging['invoiceCount']:,} invoices"


def _dollars(amount: str) -> str:
    return f"${float(amount):,.0f}"


def _ages_of(bucket: Report) -> str:
    return f"{bucket['fromDays']}–{bucket['toDays']} days" if bucket["toDays"] else f"{bucket['fromDays']} days or more"  # noqa: RUF001


def _draw_ages(axes: "Axes", buckets: Sequence[Report]) -> None:
    amounts = [float(bucket["outstanding"]) for bucket in buckets]
    bars = axes.bar(
        [_ages_of(bucket).replace(" days", "\ndays") for bucket in buckets], amounts, color=COLOURS, width=0.72
    )
    words = [f"{_dollars(bucket['outstanding'])}\n{bucket['invoiceCount']:,} invoices" for bucket in buckets]
    axes.bar_label(bars, words, padding=3, color=_INK, fontsize=8)
    axes.margins(y=0.18)
    _plain(axes, "Outstanding by age")
    axes.yaxis.set_visible(False)
    axes.spines["left"].set_visible(False)


def _draw_payers(axes: "Axes", payers: Sequence[Report]) -> None:
    most = sorted(payers, key=lambda row: float(row["outstanding"]), reverse=True)[:_SHOWN_PAYERS][::-1]
    names, left = [_short(row["payer"]["name"]) for row in most], [0.0] * len(most)
    # Two payers may have the same name: each has a position of its own.
    places = range(len(most))
    for number, colour in enumerate(COLOURS):
        widths = [float(row["buckets"][number]["outstanding"]) for row in most]
        axes.barh(places, widths, left=left, color=colour, height=0.7)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    for place, (row, end) in enumerate(zip(most, left, strict=True)):
        took = row["medianDaysToPay"]
        words = f"  {_dollars(row['outstanding'])}" + (f", pays in {took:g} days" if took is not None else "")
        axes.text(end, place, words, va="center", color=_INK, fontsize=8)
    axes.set_yticks(places, names)
    axes.margins(x=0.3)
    _plain(
        axes,
        f"Who owes most, coloured by age{'' if len(payers) <= _SHOWN_PAYERS else f' (the first {_SHOWN_PAYERS} of {len(payers)})'}",
    )
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)


def _short(name: str | None) -> str:
    name = name or "A patient"
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _draw_trends(collected: "Axes", days: "Axes", trend: Sequence[Report]) -> None:
    months: Any = [date.fromisoformat(month["month"]) for month in trend]
    shares: Any = [_percent(month["collectionRate"]["value"]) for month in trend]
    collected.plot(months, shares, color=COLOURS[0], marker="o", ms=4)
    collected.set_ylim(0, 105)
    collected.yaxis.set_major_formatter(lambda share, _: f"{share:.0f} %")
    _plain(collected, "Collection rate, by month of creation")
    days.bar(months, [month["daysInAr"]["median"] or 0 for month in trend], width=20, color=COLOURS[2])
    _plain(days, "Median days until fully paid, by month of creation")
    for axes in (collected, days):
        axes.tick_params(axis="x", rotation=30)
        axes.grid(axis="y", color=_PALE, linewidth=0.7)
        axes.set_axisbelow(True)


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _plain(axes: "Axes", title: str) -> None:
    axes.set_title(title, loc="left", color=_INK, fontsize=11, fontweight="bold")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(colors=_INK, length=0)


def _written(page: "Figure") -> str:
    text = StringIO()
    page.savefig(text, format="svg", metadata={"Date": None, "Title": "Aging"})
    return text.getvalue()
