"""The aging chart shows the figures of the API, is a self-contained SVG file, and escapes all names."""

from pathlib import Path
from xml.etree import ElementTree as ET

from server.database_urls import DatabaseUrls
from tests.server.commands.test_cli import billing, done
from tests.support.client import Client, serving
from tests.support.databases import rows

_HOSTILE = "<script>alert(1)</script> $\\frac{ & Sons"


def _texts(svg: str) -> list[str]:
    return [part.text or "" for part in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]  # noqa: S314 (our own)


def test_the_aging_chart_shows_the_figures_of_the_day(own_address: DatabaseUrls, tmp_path: Path) -> None:
    rows(own_address, "update payers set name = $1 where kind = 'insurance'", _HOSTILE)
    for name in ("then.svg", "then.html"):
        assert "as of 2026-06-01" in done(
            own_address, "report", "aging", "--as-of", "2026-06-01", "--out", str(tmp_path / name)
        )
    drawn = (tmp_path / "then.svg").read_text(encoding="utf-8")
    with serving(own_address) as url, Client(url).signed_in("billing@demo.example") as client:
        aging = client.read('{ aging(asOf: "2026-06-01") { outstanding buckets { invoiceCount outstanding } } }')[
            "aging"
        ]
    texts = " ".join(_texts(drawn))
    for bucket in aging["buckets"]:
        assert f"${float(bucket['outstanding']):,.0f}" in texts
        assert f"{bucket['invoiceCount']:,} invoices" in texts
    assert _HOSTILE[:20] in texts
    page = (tmp_path / "then.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "src=" not in page
    assert f"${float(aging['outstanding']):,.0f} outstanding as of 2026-06-01" in page


def test_an_invalid_chart_request_is_refused_with_a_message(own_address: DatabaseUrls, tmp_path: Path) -> None:
    for arguments, message in (
        (("--out", str(tmp_path / "a.pdf")), ".svg or .html"),
        (("--out", str(tmp_path / "a.svg"), "--as-of", "2099-01-01"), "must not be in the future"),
        (("--out", str(tmp_path / "a.svg"), "--clinic", "nowhere"), "no clinic with this short name"),
    ):
        result = billing(own_address, "report", "aging", *arguments)
        assert result.exit_code != 0
        assert message in result.output
    assert not list(tmp_path.iterdir())
