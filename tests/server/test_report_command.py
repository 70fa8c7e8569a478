"""Decides that the picture of aging says what the figures say, is whole by itself, and that no name in it is a program."""

from pathlib import Path
from xml.etree import ElementTree as ET

from server.addresses import Address
from tests.client import Client, serving
from tests.databases import rows
from tests.server.test_cli import billing, done

_HOSTILE = "<script>alert(1)</script> $\\frac{ & Sons"


def _texts(svg: str) -> list[str]:
    return [part.text or "" for part in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]  # noqa: S314 (our own)


def test_the_picture_shows_the_figures_of_the_day(own_address: Address, tmp_path: Path) -> None:
    rows(own_address, "update payers set name = $1 where kind = 'insurance'", _HOSTILE)
    for name in ("then.svg", "then.html"):
        assert "as of 2026-06-01" in done(
            own_address, "report", "aging", "--as-of", "2026-06-01", "--out", str(tmp_path / name)
        )
    drawn = (tmp_path / "then.svg").read_text(encoding="utf-8")
    with serving(own_address) as url, Client(url).signed_in("billing@demo.clinic") as client:
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


def test_what_cannot_be_drawn_is_refused_in_a_sentence(own_address: Address, tmp_path: Path) -> None:
    for words, said in (
        (("--out", str(tmp_path / "a.pdf")), ".svg or .html"),
        (("--out", str(tmp_path / "a.svg"), "--as-of", "2099-01-01"), "has passed"),
        (("--out", str(tmp_path / "a.svg"), "--clinic", "nowhere"), "names no clinic"),
    ):
        result = billing(own_address, "report", "aging", *words)
        assert result.exit_code != 0
        assert said in result.output
    assert not list(tmp_path.iterdir())
