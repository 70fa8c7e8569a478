"""Where the segments of a transaction set 835 (005010X221A1) may stand."""

from enum import Enum, auto


class Place(Enum):
    """The part of a transaction set in which reading is."""

    BEGINNING = auto()
    HEADER = auto()
    PAYER = auto()
    PAYEE = auto()
    # LX: the heading of claims.
    HEADING = auto()
    CLAIM = auto()
    LINE = auto()
    SUMMARY = auto()


_BEGINNING, _HEADER, _PAYER, _PAYEE, _HEADING, _CLAIM, _LINE, _SUMMARY = Place
# The claims have ended, or there are none.
_CLAIMS = (_HEADING, _CLAIM, _LINE)

# Segment → where it may stand; segments of other names are skipped.
PLACES: dict[str, frozenset[Place]] = {
    name: frozenset(places)
    for name, places in {
        "BPR": (_BEGINNING,),
        "NTE": (_HEADER,),
        "TRN": (_HEADER,),
        "CUR": (_HEADER,),
        "N1": (_HEADER, _PAYER),
        "N3": (_PAYER, _PAYEE),
        "N4": (_PAYER, _PAYEE),
        "RDM": (_PAYEE,),
        "PER": (_PAYER, _PAYEE, _CLAIM),
        "REF": (_HEADER, _PAYER, _PAYEE, _CLAIM, _LINE),
        "DTM": (_HEADER, _CLAIM, _LINE),
        "LX": (_PAYEE, *_CLAIMS),
        "TS3": (_HEADING,),
        "TS2": (_HEADING,),
        "CLP": _CLAIMS,
        "NM1": (_CLAIM,),
        "MIA": (_CLAIM,),
        "MOA": (_CLAIM,),
        "AMT": (_CLAIM, _LINE),
        "QTY": (_CLAIM, _LINE),
        "CAS": (_CLAIM, _LINE),
        "SVC": (_CLAIM, _LINE),
        "LQ": (_LINE,),
        "PLB": (_PAYEE, *_CLAIMS, _SUMMARY),
    }.items()
}
