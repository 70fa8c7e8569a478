"""Decides which paths the server answers."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from db.pools import Database
from db.security import STAFF_LOGIN
from schema.whole import role_schemas
from server import ide
from server.addresses import Address
from server.admission import Admission
from server.announcements import Announcements
from server.downloads import Downloads
from server.executing import Engine
from server.export_downloads import ExportDownloads
from server.files import Files
from server.graphql_http import GraphQLOverHTTP
from server.graphql_ws import GraphQLOverWebSocket
from server.health import Readiness, healthz
from server.links import roles_with
from server.metrics_page import MetricsPage
from server.oidc_provider import KeyTimes, Provider
from server.own_account import OwnAccount
from server.passwords import Passwords
from server.sessions import Sessions, SessionTimes
from server.sign_in import SignIns
from server.trail import TrailOfReads
from server.trusted_documents import trusted_in
from server.uploads import Uploads
from server.watching import Watch

if TYPE_CHECKING:
    from server.spans import Spans

PATH = "/graphql"


@dataclass(frozen=True, slots=True)
class Running:
    """How a process is run: how much it takes on, which documents, and who may watch."""

    requests_per_minute: int = 0
    trusted_documents: str = ""
    metrics_token: str = ""
    otlp_endpoint: str = ""


async def _home(request: Request) -> Response:
    return RedirectResponse(PATH)


class _App(Starlette):
    """Starlette, but for the one path that nearly every request takes: it is answered without routing and middleware."""

    def __init__(self, http: GraphQLOverHTTP, **options: Any) -> None:
        super().__init__(**options)
        self._http = http

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == PATH:
            await self._http(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def build_app(
    address: Address,
    times: SessionTimes,
    files: Files,
    *,
    passwords: Passwords | None = None,
    provider: Provider | None = None,
    key_times: KeyTimes | None = None,
    is_audited: bool = True,
    running: Running = Running(),
) -> Starlette:
    """The ASGI application over the files and the database.

    Tokens of an identity provider are accepted when there is one. Only a benchmark, which wants to know what the audit trail
    costs, has reads not audited.
    """
    spans = _spans(running.otlp_endpoint)
    watch = Watch(Admission(running.requests_per_minute), spans)
    database, schemas = address.database(spans.statement if spans else None), role_schemas()
    trusted = trusted_in(running.trusted_documents, schemas) if running.trusted_documents else None
    sessions = _with_provider(database, times, provider, key_times) if provider else Sessions(database, times)
    announcements, trail = _announcements(address, database, sessions), TrailOfReads(database)
    passwords = passwords or Passwords()
    sign_ins = SignIns(database, sessions, files.link_key, passwords=passwords)
    http = GraphQLOverHTTP(
        Engine(schemas, watch, trusted),
        database,
        sessions,
        files=files,
        changes=announcements,
        account=OwnAccount(database, sessions.forget, sign_ins, passwords, times),
        sign_ins=sign_ins,
        keep=trail.keep if is_audited else None,
    )
    uploads = Uploads(files, database, sessions, roles_with(schemas, "Mutation", "createUpload"))
    downloads = Downloads(files, database, sessions, roles_with(schemas, "Cheque", "documentUrl"))
    exported = ExportDownloads(files, database, sessions, roles_with(schemas, "Export", "downloadUrl"), schemas)
    routes = [
        WebSocketRoute(PATH, GraphQLOverWebSocket(http)),
        Route("/uploads/{id}", uploads),
        Route("/documents/{id}", downloads),
        Route("/exports/{id}", exported),
        Route("/", _home),
        Route("/healthz", healthz),
        Route("/readyz", Readiness(database, files).readyz),
        Route("/metrics", MetricsPage(watch, running.metrics_token, database, trail).metrics),
        *ide.ROUTES,
    ]
    return _App(http, routes=routes, lifespan=_lifespan(*((spans,) if spans else ()), database, trail, announcements))


def _announcements(address: Address, database: Database, sessions: Sessions) -> Announcements:
    return Announcements(address.login(STAFF_LOGIN), sessions.forget, database.wrote)


def _spans(endpoint: str) -> "Spans | None":
    if not endpoint:
        return None
    # Only where there is a collector: the libraries would be a tenth of everything that a start has to load.
    from server.spans import exporting_to  # noqa: PLC0415

    return exporting_to(endpoint)


def _with_provider(database: Database, times: SessionTimes, provider: Provider, key_times: KeyTimes | None) -> Sessions:
    # Only where there is a provider: what it takes is a sixth of everything that a start has to load.
    from server.oidc import OpenIdSessions  # noqa: PLC0415

    return OpenIdSessions(database, times, provider, key_times)


def _lifespan(*parts: AbstractAsyncContextManager[Any]) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as opened:
            for part in parts:
                await opened.enter_async_context(part)
            yield

    return lifespan
