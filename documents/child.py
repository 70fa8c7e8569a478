"""The child process that draws one document: contents in, PDF out, with bounded time and memory, without packages or network."""

import json
import resource
import sys
from pathlib import Path

_FOLDER = Path(__file__).parent / "templates"
_BYTES, _SECONDS = 1024 * 1024 * 1024, 20
_PAGE, _PAGES = b"/Type/Page", b"/Type/Pages"


def main() -> None:
    """Read the contents from standard input, and write the number of pages in four bytes, then the PDF, to standard output."""
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (_BYTES, _BYTES))
    import typst  # noqa: PLC0415 (under the limits)

    asked = json.load(sys.stdin)
    inputs = {"contents": asked["contents"], "preview": "true" if asked["preview"] else "false"}
    # Only the fonts that come with the library: a PDF is the same on every machine. Packages would be loaded by an import alone.
    pdf = typst.compile(
        str(_FOLDER / "document.typ"), root=str(_FOLDER), ignore_system_fonts=True, sys_inputs=inputs, format="pdf"
    )
    whole = pdf.replace(b"/Type /Page", _PAGE)
    pages = whole.count(_PAGE) - whole.count(_PAGES)
    sys.stdout.buffer.write(pages.to_bytes(4, "big") + pdf)


if __name__ == "__main__":
    main()
