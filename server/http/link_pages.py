"""The pages of one-time links and of forgotten passwords; their scripts send the token of the fragment by POST to the API."""

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.access.one_time_links import LinkKind
from server.http.ide import EACH_TIME, HEADERS, MEDIA_TYPES

_FOLDER = Path(__file__).with_name("link_pages")
_FILES = {path.name: path.read_bytes() for path in _FOLDER.iterdir()}
# Nothing of the page is kept by a browser that others may use, too.
_HEADERS = {**HEADERS, "Cache-Control": "no-store"}


async def _page(request: Request) -> Response:
    return Response(_FILES["page.html"], media_type="text/html", headers=_HEADERS)


async def _asset(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _FILES or Path(name).suffix not in MEDIA_TYPES:
        raise HTTPException(404)
    headers = {**HEADERS, "Cache-Control": EACH_TIME}
    return Response(_FILES[name], media_type=MEDIA_TYPES[Path(name).suffix], headers=headers)


PATHS = (*LinkKind, "forgotten-password")
ROUTES = [
    *(Route(f"/{path}", _page, methods=["GET"]) for path in PATHS),
    Route("/link-pages/{name}", _asset, methods=["GET"]),
]
