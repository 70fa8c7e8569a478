"""The GraphiQL page at the API's URL, its assets, and the Content Security Policy that restricts both to their own origin."""

from collections.abc import Mapping
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

FOLDER = Path(__file__).with_name("ide")

# Only the page's own files are allowed: no inline script or style, no eval, no other host, no framing.
POLICY: Mapping[str, str] = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",  # GraphiQL's style sheet draws its squiggles from data URLs.
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
CONTENT_SECURITY_POLICY = "; ".join(f"{directive} {sources}" for directive, sources in POLICY.items())

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}

# An asset's name changes with its content, so a browser may cache it for a year; the page must be revalidated each time.
FOR_EVER = "public, max-age=31536000, immutable"
EACH_TIME = "no-cache"

MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

PAGE = (FOLDER / "index.html").read_bytes()
ASSETS = {path.name: path.read_bytes() for path in (FOLDER / "assets").iterdir() if path.suffix in MEDIA_TYPES}


def page() -> Response:
    """Answer 200 with the GraphiQL page as text/html; the caller decides who gets it (a GET that accepts text/html)."""
    headers = {**HEADERS, "Cache-Control": EACH_TIME, "Vary": "Accept"}
    return Response(PAGE, media_type="text/html", headers=headers)


async def asset(request: Request) -> Response:
    """Answer 200 with one of the page's assets; raises HTTPException 404 for an unknown name."""
    name = request.path_params["name"]
    if name not in ASSETS:
        raise HTTPException(404)
    return Response(
        ASSETS[name], media_type=MEDIA_TYPES[Path(name).suffix], headers={**HEADERS, "Cache-Control": FOR_EVER}
    )


# The page refers to its assets by relative URLs, `/ide` beside `/graphql`, so that a proxy may add any prefix.
ROUTES = [Route("/ide/{name}", asset, methods=["GET"])]
