"""The drawer of the tests of documents."""

from collections.abc import Iterator

import pytest

from documents.drawing import Drawer


@pytest.fixture(scope="session")
def drawer() -> Iterator[Drawer]:
    """A drawer that the tests share."""
    found = Drawer()
    yield found
    found.close()
