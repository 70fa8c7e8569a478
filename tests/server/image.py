"""Decides how the steps of the Dockerfile are tried without an engine: its own commands, run in order below one clean folder.

What is absolute in it (/opt, /build, /var/lib) stands for folders below that one, shared by all stages. The base image's Python is
whatever runs the tests; accounts are not made, since that would be done to this machine.
"""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

_ROOTS = re.compile(r"(?<![\w./-])/(?=(?:opt|build|var/lib)\b)")
_TRIED_BY_AN_ENGINE_ALONE = ("useradd",)
_NO_STEPS = ("FROM", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD")
_PATIENCE_SECONDS = 600


@dataclass
class Image:
    """What the steps leave: a folder, the variables that a process is given, and the last word of each other instruction."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    folder: Path = Path("/")
    said: dict[str, str] = field(default_factory=dict)

    def below(self, text: str) -> str:
        """Absolute paths of the image as paths below its folder."""
        return _ROOTS.sub(f"{self.root}/", text)

    def command(self) -> list[str]:
        """What a container runs when nothing else is asked for, with its program looked up as the image does."""
        return self._found([*json.loads(self.said["ENTRYPOINT"]), *json.loads(self.said["CMD"])])

    def health(self, port: int) -> list[str]:
        """How the image finds out whether its process is well, for a process on another port."""
        words = self._found(json.loads(self.said["HEALTHCHECK"].partition("CMD ")[2]))
        return [word.replace(":8000/", f":{port}/") for word in words]

    def _found(self, command: list[str]) -> list[str]:
        found = shutil.which(command[0], path=self.environment["PATH"])
        assert found, f"{command[0]} is not in the image"
        return [found, *command[1:]]


def instructions(dockerfile: str) -> list[tuple[str, str]]:
    """Each instruction and what it says, lines joined, comments left out."""
    lines = "\n".join(line for line in dockerfile.splitlines() if not line.startswith("#"))
    joined = re.sub(r"\\\n\s*", "", lines)
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in joined.splitlines() if line.strip()]


def build(project: Path, root: Path) -> Image:
    """Run every step; RuntimeError with the output of one that fails."""
    image = Image(root, {"PATH": os.environ["PATH"], "HOME": str(root)}, root)
    for name, said in instructions((project / "Dockerfile").read_text(encoding="utf-8")):
        if name in _NO_STEPS:
            image.said[name] = said
        elif name == "ENV":
            _set(image, said)
        elif name == "WORKDIR":
            image.folder = Path(image.below(said))
            image.folder.mkdir(parents=True)
        elif name == "COPY":
            _copy(image, project, said)
        else:
            assert name == "RUN", name
            _run(image, said)
    return image


def _set(image: Image, said: str) -> None:
    for name, value in re.findall(r"(\w+)=(\S+)", said):
        image.environment[name] = image.below(value).replace("$PATH", image.environment["PATH"])


def _copy(image: Image, project: Path, said: str) -> None:
    if said.startswith("--from="):
        return
    *sources, target = said.split()
    for source in sources:
        found, to = project / source, image.folder / target
        if found.is_dir():
            shutil.copytree(found, to, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(found, to)


def _run(image: Image, said: str) -> None:
    if said.startswith(_TRIED_BY_AN_ENGINE_ALONE):
        return
    done = subprocess.run(
        ["/bin/sh", "-ec", image.below(said)],
        cwd=image.folder,
        # How this machine reaches packages is its own affair.
        env={**os.environ, **image.environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_PATIENCE_SECONDS,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{said}\n{done.stdout}{done.stderr}")
