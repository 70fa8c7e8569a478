"""Examples of the contents of documents: one of each kind, long ones, and ones in other scripts."""

from datetime import date, timedelta
from decimal import Decimal
from io import BytesIO

from domain.documents.bills import (
    GoodFaithEstimate,
    Invoice,
    ItemisedStatement,
    PatientStatement,
    StatementInvoice,
    StatementLine,
)
from domain.documents.contents import Contents
from domain.documents.kinds import DocumentKind
from domain.documents.letters import (
    BillingAffidavit,
    LienNotice,
    LienRelease,
    LienRule,
    OpenInvoice,
    PayoffLetter,
    ReleasedInvoice,
)
from domain.documents.parts import (
    CaseFacts,
    Facility,
    InvoiceFigures,
    Letterhead,
    PayerAmount,
    Physician,
    Recipient,
    ServiceLine,
)
from domain.documents.texts import ESTIMATE_NOTICES

TODAY = date(2026, 12, 1)
LETTERHEAD = Letterhead(
    name="Riverside Injury Clinic, PLLC",
    physical_address=("100 River Road", "Suite 200", "Austin, TX 78701"),
    remit_address=("PO Box 4000", "Austin, TX 78702"),
    phone="(555) 010-0100",
    fax="(555) 010-0101",
    email="billing@demo.example",
    tin="12-3456789",
    npi="1234567893",
    taxonomy="208100000X",
)
BARE = Letterhead("Riverside Injury Clinic, PLLC")
FIRM = Recipient("Harper & Stone, LLP", ("Attn. Jordan Stone", "20 Court Street", "Austin, TX 78703"))
CASE = CaseFacts("CASE-000042", "Alex Morgan", date(1985, 5, 17), date(2026, 2, 3), "HS-2026-118")
FACILITY = Facility("Riverside Imaging", ("102 River Road", "Austin, TX 78701"), "1245319599", "22")
PHYSICIAN = Physician("Dr. Sam Rivera", "1003000126", "208100000X", "Q1234", "TX")
# So many lines of an invoice take forty pages.
FORTY_PAGES = 1_870


def money(cents: int) -> Decimal:
    """So many cents."""
    return Decimal(cents).scaleb(-2)


def lines(count: int) -> tuple[ServiceLine, ...]:
    """Services of different prices."""
    return tuple(
        ServiceLine(
            TODAY - timedelta(days=200 - place % 90),
            f"ZX{100 + place % 7}",
            ("Examination of the neck", "Treatment by hand, each 15 minutes", "Pictures of the lower back")[place % 3],
            money(5_104 + 1_237 * (place % 11)),
            1 + place % 3,
            ("XU",) if place % 4 == 0 else (),
        )
        for place in range(count)
    )


def invoice(count: int = 6, letterhead: Letterhead = LETTERHEAD, recipient: Recipient = FIRM) -> Invoice:
    """An invoice of so many lines, a part of which is paid."""
    rows = lines(count)
    charged = sum((line.charge for line in rows), money(0))
    return Invoice(
        letterhead=letterhead,
        recipient=recipient,
        number="BILL-000108",
        invoice="RIV-2026-000108",
        issued_on=TODAY,
        case=CASE,
        lines=rows,
        charged=charged,
        payable=charged - money(12_000),
        paid=money(10_000),
        adjusted=money(2_000),
        due_on=TODAY + timedelta(days=30),
        facility=FACILITY,
        physician=PHYSICIAN,
    )


def _statement_line(line: ServiceLine, place: int) -> StatementLine:
    paid = (PayerAmount("Lone Star Auto Insurance", money(2_000)),) if place % 2 else ()
    adjusted = money(500) if place % 3 == 0 else money(0)
    balance = line.charge - adjusted - sum((one.amount for one in paid), money(0))
    return StatementLine(
        line.service_on, line.code, line.description, line.charge, balance, paid, adjusted, line.units, line.modifiers
    )


def statement(invoices: int = 2, each: int = 4) -> ItemisedStatement:
    """A statement of so many invoices of so many lines."""
    told = []
    for number in range(invoices):
        rows = tuple(_statement_line(line, place) for place, line in enumerate(lines(each)))
        told.append(
            StatementInvoice(
                InvoiceFigures(
                    f"RIV-{100 + number:06}",
                    rows[0].service_on,
                    sum((row.charge for row in rows), money(0)),
                    sum((row.paid for row in rows), money(0)),
                    sum((row.adjusted for row in rows), money(0)),
                    sum((row.balance for row in rows), money(0)),
                ),
                rows,
            )
        )
    paid = sum((one.figures.paid for one in told), money(0))
    return ItemisedStatement(
        letterhead=LETTERHEAD,
        recipient=FIRM,
        number="ST-000007",
        issued_on=TODAY,
        case=CASE,
        as_of=date(2026, 10, 31),
        invoices=tuple(told),
        billed=sum((one.figures.billed for one in told), money(0)),
        paid=paid,
        adjusted=sum((one.figures.adjusted for one in told), money(0)),
        payable=sum((one.figures.payable for one in told), money(0)),
        payments=(PayerAmount("Lone Star Auto Insurance", paid),),
        is_restated=True,
        facility=FACILITY,
        physician=PHYSICIAN,
    )


PAYOFF = PayoffLetter(
    letterhead=LETTERHEAD,
    recipient=FIRM,
    number="PO-000003",
    issued_on=TODAY,
    case=CASE,
    good_through=date(2026, 12, 28),
    invoices=(
        OpenInvoice("RIV-000101", date(2026, 4, 2), money(145_104), money(145_104)),
        OpenInvoice("RIV-000102", date(2026, 5, 9), money(127_500), money(150_000), is_negotiated=True),
    ),
    total=money(272_604),
    payable=money(272_604),
    unapplied=money(10_000),
    unbilled_visits=2,
)
FIGURES = (
    InvoiceFigures("RIV-000101", date(2026, 4, 2), money(145_104), money(20_000), money(5_104), money(120_000)),
    InvoiceFigures("RIV-000102", date(2026, 5, 9), money(150_000), money(0), money(22_500), money(127_500)),
)
LIEN_NOTICE = LienNotice(
    letterhead=LETTERHEAD,
    recipient=FIRM,
    number="LN-000002",
    issued_on=TODAY,
    case=CASE,
    state="Texas",
    invoices=PAYOFF.invoices,
    amount=money(272_604),
    liable_parties=("Casey Driver, 4 Side Street, Austin, TX 78704", "Lone Star Auto Insurance"),
    rules=(LienRule("When", "An example of a rule of the state.", "Example Code § 1.001", date(2026, 6, 1)),),
)
LIEN_RELEASE = LienRelease(
    letterhead=LETTERHEAD,
    recipient=FIRM,
    number="LR-000001",
    issued_on=TODAY,
    case=CASE,
    state="Texas",
    invoices=(
        ReleasedInvoice("RIV-000101", date(2026, 4, 2), money(145_104), "Paid"),
        ReleasedInvoice("RIV-000102", date(2026, 5, 9), money(150_000), "Written off"),
    ),
    billed=money(295_104),
    notice_number="LN-000002",
    notice_on=date(2026, 6, 1),
)
AFFIDAVIT = BillingAffidavit(
    letterhead=LETTERHEAD,
    recipient=FIRM,
    number="BA-000001",
    issued_on=TODAY,
    case=CASE,
    as_of=TODAY,
    invoices=FIGURES,
    affiant="Robin Clerk",
    county="Travis",
    statement="ST-000007",
    billed=money(295_104),
    paid=money(20_000),
    adjusted=money(27_604),
    payable=money(247_500),
)
PATIENT_STATEMENT = PatientStatement(
    letterhead=LETTERHEAD,
    recipient=Recipient("Alex Morgan", ("7 Home Lane", "Austin, TX 78705")),
    number="PS-000011",
    issued_on=TODAY,
    case=CASE,
    invoices=FIGURES,
    due_on=date(2026, 12, 31),
    billed=money(295_104),
    paid=money(20_000),
    adjusted=money(27_604),
    payable=money(247_500),
)
ESTIMATE = GoodFaithEstimate(
    letterhead=LETTERHEAD,
    recipient=Recipient("Alex Morgan", ("7 Home Lane", "Austin, TX 78705")),
    number="GF-000005",
    issued_on=TODAY,
    patient="Alex Morgan",
    lines=lines(4),
    total=sum((line.charge for line in lines(4)), money(0)),
    expected_on=date(2026, 12, 15),
    diagnoses=("S13.4XXA",),
    notices=ESTIMATE_NOTICES,
    born_on=date(1985, 5, 17),
    facility=FACILITY,
    physician=PHYSICIAN,
)
EXAMPLES: dict[DocumentKind, Contents] = {
    DocumentKind.INVOICE: invoice(),
    DocumentKind.ITEMISED_STATEMENT: statement(),
    DocumentKind.PAYOFF_LETTER: PAYOFF,
    DocumentKind.LIEN_NOTICE: LIEN_NOTICE,
    DocumentKind.LIEN_RELEASE: LIEN_RELEASE,
    DocumentKind.BILLING_AFFIDAVIT: AFFIDAVIT,
    DocumentKind.PATIENT_STATEMENT: PATIENT_STATEMENT,
    DocumentKind.GOOD_FAITH_ESTIMATE: ESTIMATE,
}
NAMES = {
    "latin": "Zoë Dvořák-Núñez, Łódź & Søn",
    "cyrillic": "Клиника «Днепр», Олексій Їжакевич",
    "arabic": "عيادة النهر للإصابات (12) TX",
    "cjk": "河畔診所 리버사이드 クリニック 中文",
}


def in_script(name: str) -> Invoice:
    """An invoice of a clinic, for a recipient, of services whose names are in another script."""
    letterhead = Letterhead(name, (f"1 {name}", "Austin, TX 78701"), phone="(555) 010-0100")
    found = invoice(3, letterhead, Recipient(name, (name, "Austin, TX 78703")))
    rows = tuple(
        ServiceLine(line.service_on, line.code, name, line.charge, line.units, line.modifiers) for line in found.lines
    )
    return Invoice(
        letterhead,
        found.recipient,
        found.number,
        TODAY,
        CaseFacts("CASE-000042", name),
        rows,
        found.charged,
        found.charged,
    )


def logo() -> bytes:
    """A logo: a ring in a wide picture."""
    from PIL import Image, ImageDraw  # noqa: PLC0415 (few tests draw one)

    picture = Image.new("RGB", (240, 120), "white")
    ImageDraw.Draw(picture).ellipse((70, 10, 170, 110), outline="#2a9d8f", width=16)
    file = BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()
