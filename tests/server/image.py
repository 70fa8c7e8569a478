"""Runs the commands of the Dockerfile in order below an empty folder, so that they are tested without a container engine.

Absolute paths (/opt, /build, /var/lib) are folders below that one, shared by all stages. The Python of the base image is the one that
runs the tests; accounts are not created, since that would change this host.
"""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

_ROOTS = re.compile(r"(?<![\w./-])/(?=(?:opt|build|var/lib)\b)")
_NEEDS_AN_ENGINE = ("useradd",)
_NOT_RUN = ("FROM", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD")
_TIMEOUT_SECONDS = 600


@dataclass
class Image:
    """The result of the build: a folder, the environment of a process, and the last value of each other instruction."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    folder: Path = Path("/")
    arguments: dict[str, str] = field(default_factory=dict)

    def below(self, text: str) -> str:
        """The text with absolute paths of the image as paths below its folder."""
        return _ROOTS.sub(f"{self.root}/", text)

    def command(self) -> list[str]:
        """The default command of a container, with its program looked up in the PATH of the image."""
        return self._found([*json.loads(self.arguments["ENTRYPOINT"]), *json.loads(self.arguments["CMD"])])

    def health(self, port: int) -> list[str]:
        """The health check command of the image, for a process on another port."""
        command = self._found(json.loads(self.arguments["HEALTHCHECK"].partition("CMD ")[2]))
        return [word.replace(":8000/", f":{port}/") for word in command]

    def _found(self, command: list[str]) -> list[str]:
        found = shutil.which(command[0], path=self.environment["PATH"])
        assert found, f"{command[0]} is not in the image"
        return [found, *command[1:]]


def instructions(dockerfile: str) -> list[tuple[str, str]]:
    """Each instruction with its arguments, lines joined, comments left out."""
    lines = "\n".join(line for line in dockerfile.splitlines() if not line.startswith("#"))
    joined = re.sub(r"\\\n\s*", "", lines)
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in joined.splitlines() if line.strip()]


def build(project: Path, root: Path) -> Image:
    """Run every instruction; raises RuntimeError with the output of one that fails."""
    image = Image(root, {"PATH": os.environ["PATH"], "HOME": str(root)}, root)
    for name, arguments in instructions((project / "Dockerfile").read_text(encoding="utf-8")):
        if name in _NOT_RUN:
            image.arguments[name] = arguments
        elif name == "ENV":
            _set(image, arguments)
        elif name == "WORKDIR":
            image.folder = Path(image.below(arguments))
            image.folder.mkdir(parents=True, exist_ok=True)
        elif name == "COPY":
            _copy(image, project, arguments)
        else:
            assert name == "RUN", name
            _run(image, arguments)
    return image


def _set(image: Image, arguments: str) -> None:
    for name, value in re.findall(r"(\w+)=(\S+)", arguments):
        image.environment[name] = image.below(value).replace("$PATH", image.environment["PATH"])


def _copy(image: Image, project: Path, arguments: str) -> None:
    if arguments.startswith("--from="):
        return
    *sources, target = arguments.split()
    for source in sources:
        found, to = project / source, image.folder / target
        if found.is_dir():
            shutil.copytree(found, to, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
        else:
            shutil.copy(found, to)


def _run(image: Image, arguments: str) -> None:
    if arguments.startswith(_NEEDS_AN_ENGINE):
        return
    process = subprocess.run(
        ["/bin/sh", "-ec", image.below(arguments)],
        cwd=image.folder,
        # The variables by which this host reaches package registries are kept.
        env={**os.environ, **image.environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )
    if process.returncode:
        raise RuntimeError(f"{arguments}\n{process.stdout}{process.stderr}")
