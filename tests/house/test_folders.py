"""No folder has more than sixteen files, so that a file is easy to find."""

from collections import Counter
from statistics import median

from tests.house.source import LAYERS, files, name

MEDIAN, MOST = 10, 16
SIZES = Counter(name(path.parent) for path in files(*LAYERS, "tests") if path.name != "__init__.py")


def test_no_folder_has_more_than_sixteen_files() -> None:
    assert {folder: count for folder, count in SIZES.items() if count > MOST} == {}, (
        "move some of these files into a folder of their subject, in every layer alike"
    )


def test_half_of_all_folders_have_at_most_ten_files() -> None:
    assert median(SIZES.values()) <= MEDIAN
