"""The kinds of records that can be imported: for each kind its columns, their readers, and the key that finds a record again.

A new kind is a new row of one of these modules; reading, validating, comparing and writing are the same for all.
"""

from domain.imports import ImportKind
from imports.kinds import cases, parties, prices
from imports.shapes import Kind

KINDS: dict[ImportKind, Kind] = {kind.name: kind for kind in (*prices.KINDS, *parties.KINDS, *cases.KINDS)}
