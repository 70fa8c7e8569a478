"""The normal form of texts that identify a record, for storing, comparing and searching them."""

import re
import unicodedata

# Characters that display nothing, besides those of the category Cf: joiners, fillers and variation selectors.
_INVISIBLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]")
# Characters that are typed for an apostrophe or a hyphen.
_APOSTROPHES = "`\u00b4\u02b9\u02bb\u02bc\u02bd\u2018\u2019\u201b\u2032\uff07"
_HYPHENS = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
_TYPED_ALIKE = str.maketrans({**dict.fromkeys(_APOSTROPHES, "'"), **dict.fromkeys(_HYPHENS, "-")})
# Letters with a stroke or a ligature, which Unicode does not decompose.
_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "\u0131": "i", "ħ": "h"}
)
_NATIONAL_DIGITS, _COUNTRY_CODE = 10, "1"
# The prefix that ISO/IEC 7812 gives to health identifiers of the United States: the check digit of an NPI is computed over it, too.
_NPI_PREFIX = "80840"
_NPI_DIGITS = 10


def clean_text(text: str) -> str:
    r"""A text of one line as it is stored: composed (NFC), single spaces, no invisible characters; control characters stay.

    >>> clean_text(" MRN-000005\u00a0 ")
    'MRN-000005'
    """
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip(" ")
    kept = "".join(letter for letter in _INVISIBLE.sub("", text) if unicodedata.category(letter) != "Cf")
    spaced = "".join(" " if unicodedata.category(letter) == "Zs" else letter for letter in kept)
    return re.sub(" {2,}", " ", unicodedata.normalize("NFC", spaced)).strip()


def normal_key(text: str) -> str:
    r"""The key under which a text is unique and is found: clean, without case and accents, one kind of apostrophe and hyphen.

    >>> normal_key("Esm\u00e9  O\u2019Neil")
    "esme o'neil"
    """
    if text.isascii() and text.isprintable():
        return " ".join(text.replace("`", "'").lower().split())
    # A letter may decompose only after it is folded, and the other way round.
    folded = unicodedata.normalize("NFKD", clean_text(text).translate(_TYPED_ALIKE)).casefold()
    letters = unicodedata.normalize("NFKD", folded).translate(_LETTERS)
    bare = "".join(letter for letter in letters if unicodedata.category(letter) != "Mn")
    return " ".join(unicodedata.normalize("NFC", bare).translate(_TYPED_ALIKE).split())


def code_form(text: str) -> str:
    """A code, or the number of an invoice or a cheque, as it is stored and found: clean, in capital letters.

    >>> code_form(" zx101")
    'ZX101'
    """
    # Compatibility characters may decompose into others that are typed for an apostrophe or a hyphen.
    composed = unicodedata.normalize("NFKC", clean_text(text).translate(_TYPED_ALIKE)).translate(_TYPED_ALIKE)
    return clean_text(composed.upper())


def phone_key(phone: str) -> str | None:
    """The digits by which a telephone number is found, without the country code of North America; None if there are none.

    >>> phone_key("+1 (555) 123-4567")
    '5551234567'
    """
    digits = "".join(letter for letter in unicodedata.normalize("NFKC", phone) if letter in "0123456789")
    if len(digits) == _NATIONAL_DIGITS + 1:
        digits = digits.removeprefix(_COUNTRY_CODE)
    return digits or None


def npi_form(text: str) -> str:
    """An NPI as it is stored: ten ASCII digits; ValueError for any other text, or where the check digit is wrong.

    >>> npi_form(" 1234567893 ")
    '1234567893'
    """
    found = code_form(text)
    if not re.fullmatch(f"[0-9]{{{_NPI_DIGITS}}}", found) or check_digit(found[:-1]) != found[-1]:
        raise ValueError("no National Provider Identifier")
    return found


def check_digit(digits: str) -> str:
    """The last digit of the NPI that begins with these nine digits: the Luhn check digit over 80840 and them.

    >>> check_digit("123456789")
    '3'
    """
    doubled = [
        sum(divmod(int(digit) * (2 - place % 2), 10)) for place, digit in enumerate(reversed(_NPI_PREFIX + digits))
    ]
    return str(-sum(doubled) % 10)


def name_fragments(*names: str) -> list[str]:
    """The keys that a prefix search of a person or firm matches: the whole name, the name from each word on, and last name first.

    A name with hyphens is also found with spaces in their place, and one with apostrophes also without them.

    >>> name_fragments("Mary Ann", "Smith")
    ['mary ann smith', 'ann smith', 'smith', 'smith mary ann']
    """
    whole = normal_key(" ".join(names))
    if not whole:
        return []
    spellings = [whole, whole.replace("-", " "), whole.replace("'", ""), whole.replace("-", " ").replace("'", "")]
    return list(dict.fromkeys(part for spelling in dict.fromkeys(spellings) for part in _fragments(spelling)))


def _fragments(name: str) -> list[str]:
    rests = [name[begin.end() :] for begin in re.finditer("[ -]", name)]
    words = name.split()
    return [name, *(rest for rest in rests if rest and rest[0] != " "), " ".join(words[-1:] + words[:-1])]
