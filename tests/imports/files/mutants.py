"""Makes ordinary workbooks and changes their bytes, elements and attributes at random."""

import io
import random
import re
import zipfile
from collections.abc import Callable
from datetime import date
from decimal import Decimal

from openpyxl import Workbook

HEADER = ["code", "label", "base_price", "bilateral_policy", "valid_from", "valid_to"]
SHEET, _BOOK = "xl/worksheets/sheet1.xml", "xl/_rels/workbook.xml.rels"
_MAIN = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_SHARED = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
Random = random.Random
_TAG = re.compile(rb"<[A-Za-z][^<>]*>")
_ATTRIBUTE = re.compile(rb'\s([A-Za-z:]+)="([^"]*)"')
_NUMBERS = [
    b"4294967296",
    b"-1",
    b"1048576",
    b"1048577",
    b"99999999999999999999",
    b"NaN",
    b"inf",
    b"1e400",
    b"0x10",
    b"",
    b"a1",
    b"XFD1048576",
]
_TEXTS = [
    b"&lol;",
    b"&#0;",
    b"&#x41;",
    b"]]>",
    b"<![CDATA[x]]>",
    b"_x0000_",
    b"_xD800_",
    b"\xff\xfe",
    b"<!-- -->",
    b"<?pi?>",
]
_DOCTYPE = b'<!DOCTYPE x [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;">]>'


def ordinary(rng: Random) -> bytes:
    """A random ordinary workbook: texts shared or inline, dates, amounts, a merged range, a formula."""
    book = Workbook(write_only=rng.random() < 0.3)
    sheet = book.active or book.create_sheet()
    sheet.append(HEADER)
    for number in range(rng.randrange(1, 40)):
        price = rng.choice([42.75, Decimal("1450.00"), 7, "33.35"])
        day = rng.choice([date(2026, 1, 1), "2026-01-01"])
        sheet.append([f"L{9000 + number}", rng.choice(["Collar", "  Brace", "é&<"]), price, "DOUBLE", day, None])
    if rng.random() < 0.1:
        sheet.append(["L1", "Collar", rng.choice(["=1+1", True, "#N/A"]), "DOUBLE", date(2026, 1, 1), None])
    if not book.write_only and rng.random() < 0.1:
        sheet.merge_cells("A2:B3")
    file = io.BytesIO()
    book.save(file)
    return shared(file.getvalue()) if rng.random() < 0.5 else file.getvalue()


def shared(data: bytes) -> bytes:
    """The workbook with its texts in the shared strings part, as spreadsheet programs write them and openpyxl does not."""
    parts, texts = parts_of(data), list[bytes]()

    def move_text(found: re.Match[bytes]) -> bytes:
        texts.append(b"<si>%s</si>" % found[1])
        return b't="s"><v>%d</v>' % (len(texts) - 1)

    parts[SHEET] = re.sub(rb't="inlineStr"><is>(.*?)</is>', move_text, parts[SHEET])
    parts["xl/sharedStrings.xml"] = b'<sst xmlns="%s">%s</sst>' % (_MAIN, b"".join(texts))
    relation = (
        b'<Relationship Type="%s/sharedStrings" Target="sharedStrings.xml" Id="texts"/></Relationships>' % _RELATIONS
    )
    parts[_BOOK] = parts[_BOOK].replace(b"</Relationships>", relation)
    kind = b'<Override PartName="/xl/sharedStrings.xml" ContentType="%s"/></Types>' % _SHARED
    parts["[Content_Types].xml"] = parts["[Content_Types].xml"].replace(b"</Types>", kind)
    return zipped([*parts.items()])


def parts_of(data: bytes) -> dict[str, bytes]:
    """The parts of a workbook."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(parts: list[tuple[str, bytes]]) -> bytes:
    """A ZIP archive of parts, several of which may have the same name."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts:
            archive.writestr(name, part)
    return file.getvalue()


def mutant(rng: Random) -> bytes:
    """A random workbook with a few mutations."""
    data = ordinary(rng)
    if rng.random() < 0.2:
        return _flipped(rng, data)
    parts = parts_of(data)
    for _ in range(rng.choice([1, 1, 2, 4])):
        name = rng.choice([*parts, SHEET, SHEET])
        parts[name] = rng.choice(MUTATIONS)(rng, parts[name])
    named_parts = list(parts.items())
    if rng.random() < 0.1:
        named_parts.append(rng.choice(named_parts))
    if rng.random() < 0.1:
        named_parts.remove(rng.choice(named_parts))
    return zipped(named_parts)


def _flipped(rng: Random, data: bytes) -> bytes:
    flipped = bytearray(data)
    for _ in range(rng.randrange(1, 30)):
        flipped[rng.randrange(len(flipped))] = rng.randrange(256)
    return bytes(flipped[: rng.randrange(len(flipped))] if rng.random() < 0.2 else flipped)


def _in_a_tag(change: Callable[[Random, bytes], bytes]) -> Callable[[Random, bytes], bytes]:
    def changed(rng: Random, part: bytes) -> bytes:
        found = list(_TAG.finditer(part))
        if not found:
            return part
        probability = rng.choice([1 / len(found), 1 / len(found), 0.3])
        return _TAG.sub(lambda tag: change(rng, tag[0]) if rng.random() < probability else tag[0], part)

    return changed


def _in_an_attribute(make: Callable[[Random, bytes, bytes], bytes]) -> Callable[[Random, bytes], bytes]:
    return _in_a_tag(lambda rng, tag: _ATTRIBUTE.sub(lambda found: make(rng, found[1], found[2]), tag))


def _spliced(rng: Random, part: bytes, inserted: bytes) -> bytes:
    place = rng.choice([0, len(part), *(tag.end() for tag in _TAG.finditer(part))])
    return part[:place] + inserted + part[place:]


def _moved(rng: Random, part: bytes) -> bytes:
    tags = list(_TAG.finditer(part))
    if not tags:
        return part
    tag = rng.choice(tags)
    end = min(len(part), tag.start() + rng.randrange(1, 300))
    return _spliced(rng, part[: tag.start()] + part[end:], part[tag.start() : end])


MUTATIONS: list[Callable[[Random, bytes], bytes]] = [
    _in_an_attribute(lambda rng, name, value: b""),
    _in_an_attribute(lambda rng, name, value: b' %s="%s" %s="%s"' % (name, value, name, value)),
    _in_an_attribute(lambda rng, name, value: b' %s%s="%s"' % (name, name, value)),
    _in_an_attribute(lambda rng, name, value: b' %s="%s"' % (name, rng.choice(_NUMBERS))),
    _in_an_attribute(lambda rng, name, value: b' %s="%s"' % (name, value.lower())),
    _in_an_attribute(lambda rng, name, value: b' %s="%s"' % (name, value * rng.choice([2, 100_000]))),
    _in_a_tag(lambda rng, tag: rng.choice([b"", tag + tag, tag[:1] + b"x" + tag[1:], tag[:-1] + b"/>"])),
    lambda rng, part: _spliced(rng, part, rng.choice(_TEXTS)),
    lambda rng, part: _spliced(rng, part, b"<a>" * rng.choice([70, 100_000])),
    lambda rng, part: _spliced(rng, part, b"<%s/>" % (b"n" * 10_000_000)),
    lambda rng, part: _spliced(rng, part, b"x" * rng.choice([40_000, 30_000_000])),
    lambda rng, part: _spliced(rng, part, b'<mergeCell ref="A1:XFD1048576"/>' * rng.choice([500, 200_000])),
    lambda rng, part: part.replace(b"<sheetData>", b"<sheetData>" + b"<row><c/></row>" * 1_000_000, 1),
    lambda rng, part: part.replace(b"</sheetData>", b'<row r="1048576"/>' + b"<row/>" * 5 + b"</sheetData>", 1),
    lambda rng, part: re.sub(rb"<v>[^<]*</v>", lambda old: b"<v>%s</v>" % rng.choice([*_NUMBERS, old[0][3:-4]]), part),
    lambda rng, part: part.replace(b"?>", b"?>" + _DOCTYPE, 1),
    lambda rng, part: part.replace(b"UTF-8", rng.choice([b"UTF-16", b"latin-1", b"x"])),
    lambda rng, part: part.decode(errors="replace").encode("utf-16"),
    lambda rng, part: part[: rng.randrange(len(part))] if part else part,
    lambda rng, part: b" " * 20_000_000 + part,
    _moved,
]  # fmt: skip
