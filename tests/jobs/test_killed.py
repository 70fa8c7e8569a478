"""Decides what a killed server leaves behind: each step happened whole or not at all, and sending it again is safe."""

from pathlib import Path

import pytest

from server.database_urls import DatabaseUrls
from tests.faults.killed_server import AT_ONCE, kill_repeatedly


def test_ten_steps_during_which_the_server_is_killed_happen_whole_or_not_at_all(
    own_address: DatabaseUrls, tmp_path: Path
) -> None:
    (before,) = kill_repeatedly(own_address, tmp_path, rounds=1).answered
    assert before <= AT_ONCE


@pytest.mark.prove
def test_a_hundred_steps_during_which_the_server_is_killed_happen_whole_or_not_at_all(
    own_address: DatabaseUrls, tmp_path: Path
) -> None:
    before = kill_repeatedly(own_address, tmp_path, rounds=10).answered
    # Some were answered before the kill and some were not, or the kill would not have come in the middle.
    assert 0 < sum(before) < 10 * AT_ONCE
