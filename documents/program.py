"""The child process that draws: reads requests from standard input, writes PDFs to standard output, opens nothing else."""

import json
import os
import resource
import struct
import sys
from pathlib import Path
from typing import IO, Any

import typst

# Of address space: forty pages of rows take 0.9 GiB of it, a third of which is never touched.
MOST_MEMORY = 1536 * 1024 * 1024
_HERE = Path(__file__).parent
# Standard input, output and error are the only descriptors that there may be.
_DESCRIPTORS = 3
LENGTH = struct.Struct(">I")
# A folder that cannot exist: no package is found, none is fetched, and no file can be kept.
_NOWHERE = "/dev/null/none"
# A letter of each font.
_EVERY_FONT = """#set text(font: ("Noto Sans", "Noto Sans Arabic", "Noto Sans SC", "Noto Sans KR"), fallback: false)
a *a* \u0628 *\u0628* \u4e00 \uac00"""


def main() -> None:
    """Draw until standard input ends."""
    seconds = int(sys.argv[1])
    compiler = _compiler()
    templates = {path.stem: path.read_bytes() for path in (_HERE / "templates").glob("*.typ")}
    _limit()
    with os.fdopen(0, "rb") as requests, os.fdopen(1, "wb") as answers:
        while head := requests.read(LENGTH.size):
            _limit_time(seconds)
            request = json.loads(requests.read(LENGTH.unpack(head)[0]))
            # An empty answer: it could not be drawn.
            try:
                pdf = _drawn(compiler, templates, request)
            except (typst.TypstError, MemoryError):
                pdf = b""
            _answer(answers, pdf)


def _compiler() -> typst.Compiler:
    """A compiler that knows the packaged fonts, all of them read: afterwards it opens no file."""
    known = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[_HERE / "fonts"])
    compiler = typst.Compiler(
        b"", "/", known, ignore_system_fonts=True, package_path=_NOWHERE, package_cache_path=_NOWHERE
    )
    compiler.compile(_EVERY_FONT.encode(), format="pdf", sys_inputs={}, timestamp=0)
    return compiler


def _limit() -> None:
    """From here on: no more memory than this, no file, no socket, no core."""
    for what, bound in (
        (resource.RLIMIT_AS, MOST_MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, _DESCRIPTORS),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (bound, bound))


def _limit_time(seconds: int) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    bound = int(used.ru_utime + used.ru_stime) + 1 + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (bound, resource.RLIM_INFINITY))


def _drawn(compiler: typst.Compiler, templates: dict[str, bytes], request: dict[str, Any]) -> bytes:
    """The PDF: PDF/UA-1, or tagged alone where a text cannot be, such as one with a mark that no letter carries."""
    try:
        return _compiled(compiler, templates, request, ["ua-1"])
    except typst.TypstError:
        return _compiled(compiler, templates, request, [])


def _compiled(
    compiler: typst.Compiler, templates: dict[str, bytes], request: dict[str, Any], standards: list[Any]
) -> bytes:
    drawn = compiler.compile(
        templates["letter"] + templates[request["template"]],
        format="pdf",
        sys_inputs={"data": json.dumps(request["data"])},
        pdf_standards=standards,
        timestamp=int(request["moment"]),
    )
    assert isinstance(drawn, bytes)
    return drawn


def _answer(answers: IO[bytes], pdf: bytes) -> None:
    answers.write(LENGTH.pack(len(pdf)) + pdf)
    answers.flush()


if __name__ == "__main__":
    main()
