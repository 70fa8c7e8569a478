"""A fork of the fork server is a process of its own: with its own settings and arguments, and an end that the test is told."""

import signal
import subprocess

import pytest

from server.database_urls import DatabaseUrls
from tests.support.processes import billing, completed

NOWHERE = DatabaseUrls("postgresql://nowhere.invalid/none")
EXPLAIN = ("explain", "attorney", "Invoice.balance")


def test_a_command_has_the_exit_code_and_the_output_of_its_own_arguments() -> None:
    explained, unknown = completed(NOWHERE, *EXPLAIN), completed(NOWHERE, "unknown")
    assert (explained.returncode, unknown.returncode) == (0, 2)
    assert "Invoice.balance" in explained.stdout
    assert "No such command" in unknown.stdout


def test_a_setting_is_that_of_one_process() -> None:
    refused = completed(NOWHERE, "serve", BILLING_PORT="none")
    assert refused.returncode == 1
    assert "BILLING_PORT" in refused.stdout
    assert "BILLING_PORT" not in completed(NOWHERE, "serve").stdout


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 0), (signal.SIGKILL, -9)])
def test_a_signal_ends_a_process_and_no_other(own_address: DatabaseUrls, number: int, code: int) -> None:
    with billing(own_address, "worker") as one, billing(own_address, "worker") as other:
        assert one.popen.pid != other.popen.pid
        with pytest.raises(subprocess.TimeoutExpired):
            one.popen.wait(0.01)
        one.popen.send_signal(number)
        assert one.popen.wait(15) == one.popen.poll() == code
        assert other.popen.poll() is None
    assert other.popen.poll() == -signal.SIGKILL
