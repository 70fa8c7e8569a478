"""The names of columns and rows of a sheet, and the maximum size of a sheet in any spreadsheet."""

from itertools import islice, product
from string import ascii_uppercase

LAST_ROW, LAST_COLUMN = 1_048_576, 16_384
_LETTERS = (letters for count in (1, 2, 3) for letters in product(ascii_uppercase, repeat=count))
# The number of each column, counted from 1, by its capital letters.
COLUMNS = {"".join(letters): number for number, letters in enumerate(islice(_LETTERS, LAST_COLUMN), 1)}
LETTERS = {number: letters for letters, number in COLUMNS.items()}
