"""Builds the ASGI application: its routes, their dependencies, and the lifespan of what they share."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphql import GraphQLSchema
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from db.audit.log_writer import AuditLogWriter
from db.notifications import Notifications
from db.pools import Database
from db.security.policies import STAFF_LOGIN
from domain.access.people import Role
from identity.login_commands import LoginCommands
from identity.oidc.provider import KeyTimes, Provider
from identity.passwords import Passwords
from identity.sessions import Sessions, SessionTimes
from limits.admission import AdmissionControl
from schema.whole import role_schemas
from server.database_urls import DatabaseUrls
from server.execution.graphql_executor import GraphQLExecutor
from server.execution.operation_monitor import OperationMonitor
from server.execution.trusted_documents import TrustedDocuments, trusted_in
from server.http import ide, link_pages
from server.http.apps import DemoAccounts, WebApp, manifest_of
from server.http.files.downloads import Downloads
from server.http.files.export_downloads import ExportDownloads
from server.http.files.issued_downloads import IssuedDownloads
from server.http.files.signed_links import roles_with
from server.http.files.uploads import Uploads
from server.http.graphql import GraphQLOverHTTP
from server.http.health import Readiness, healthz
from server.http.metrics import MetricsPage
from server.http.origins import Origins
from server.http.websocket import GraphQLOverWebSocket
from storage.files import Files

if TYPE_CHECKING:
    from observability.tracing import Spans

PATH = "/graphql"


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Server options of a process: rate limit, trusted documents, metrics, traces, mailed one-time links, other origins, web apps."""

    requests_per_minute: int = 0
    trusted_documents: str = ""
    metrics_token: str = ""
    otlp_endpoint: str = ""
    sends_mail: bool = False
    allowed_origins: frozenset[str] = frozenset()
    apps: frozenset[str] = frozenset({"console"})
    demo: DemoAccounts | None = None


def _home(apps: frozenset[str]) -> Route:
    """The address without a path leads to the console, and to GraphiQL where that is not served."""

    async def home(request: Request) -> Response:
        return RedirectResponse("/console/" if "console" in apps else PATH)

    return Route("/", home)


class _App(Starlette):
    """Starlette, except for the one path of nearly every request, which is answered without routing and middleware."""

    def __init__(self, http: GraphQLOverHTTP, allowed_origins: frozenset[str], public_url: str, **options: Any) -> None:
        super().__init__(**options)
        self._http = http
        self._origins = Origins(self._routed, allowed_origins, public_url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._origins(scope, receive, send)

    async def _routed(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == PATH:
            await self._http(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def build_app(
    address: DatabaseUrls,
    times: SessionTimes,
    files: Files,
    *,
    passwords: Passwords | None = None,
    provider: Provider | None = None,
    key_times: KeyTimes | None = None,
    is_audited: bool = True,
    running: ServerOptions = ServerOptions(),
) -> Starlette:
    """The ASGI application over the files and the database.

    Tokens of an identity provider are accepted when `provider` is set. Only a benchmark that measures the cost of the audit log
    sets `is_audited` to False.
    """
    spans = _spans(running.otlp_endpoint)
    watch = OperationMonitor(AdmissionControl(running.requests_per_minute), spans)
    database, schemas = address.database(spans.statement if spans else None, files.hints()), role_schemas()
    trusted = _trusted(running, schemas) if running.trusted_documents else None
    sessions = _with_provider(database, times, provider, key_times) if provider else Sessions(database, times)
    announcements, trail = _announcements(address, database, sessions), AuditLogWriter(database)
    logins = LoginCommands(
        database, sessions, files.keys, passwords=passwords, times=times, sends_mail=running.sends_mail
    )
    http = GraphQLOverHTTP(
        GraphQLExecutor(schemas, watch, trusted),
        database,
        sessions,
        files=files,
        changes=announcements,
        logins=logins,
        keep=trail.keep if is_audited else None,
    )
    routes = [
        WebSocketRoute(PATH, GraphQLOverWebSocket(http)),
        *_signed_urls(files, database, sessions, schemas),
        _home(running.apps),
        Route("/healthz", healthz),
        Route("/readyz", Readiness(database, files).readyz),
        Route("/metrics", MetricsPage(watch, running.metrics_token, database, trail).metrics),
        *ide.ROUTES,
        *link_pages.ROUTES,
        *(route for name in sorted(running.apps) for route in WebApp(name, running.demo).routes),
    ]
    lifespan = _lifespan(*((spans,) if spans else ()), database, trail, announcements)
    return _App(http, running.allowed_origins, files.public_url, routes=routes, lifespan=lifespan)


def _trusted(running: ServerOptions, schemas: Mapping[Role | None, GraphQLSchema]) -> TrustedDocuments:
    """The operator's documents, and those of the apps that are served."""
    manifests = [manifest for name in sorted(running.apps) if (manifest := manifest_of(name))]
    return trusted_in(running.trusted_documents, schemas, manifests)


def _signed_urls(
    files: Files, database: Database, sessions: Sessions, schemas: Mapping[Role | None, GraphQLSchema]
) -> list[Route]:
    """The routes of files, which are authorised by signed URLs alone."""
    uploads = Uploads(files, database, sessions, roles_with(schemas, "Mutation", "createUpload"))
    downloads = Downloads(files, database, sessions, roles_with(schemas, "Cheque", "documentUrl"))
    issued = IssuedDownloads(files, database, sessions, roles_with(schemas, "IssuedDocument", "downloadUrl"))
    exported = ExportDownloads(files, database, sessions, roles_with(schemas, "Export", "downloadUrl"), schemas)
    return [
        Route("/uploads/{id}", uploads),
        Route("/documents/{id}", downloads),
        Route("/issued/{id}", issued),
        Route("/exports/{id}", exported),
    ]


def _announcements(address: DatabaseUrls, database: Database, sessions: Sessions) -> Notifications:
    return Notifications(address.login(STAFF_LOGIN), database.hints, sessions, database.wrote)


def _spans(endpoint: str) -> "Spans | None":
    if not endpoint:
        return None
    # Imported only with a collector: the libraries would be a tenth of all modules that a start loads.
    from observability.tracing import exporting_to  # noqa: PLC0415

    return exporting_to(endpoint)


def _with_provider(database: Database, times: SessionTimes, provider: Provider, key_times: KeyTimes | None) -> Sessions:
    # Imported only with a provider: its libraries are a sixth of all modules that a start loads.
    from identity.oidc.sessions import OpenIdSessions  # noqa: PLC0415

    return OpenIdSessions(database, times, provider, key_times)


def _lifespan(*parts: AbstractAsyncContextManager[Any]) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as opened:
            for part in parts:
                await opened.enter_async_context(part)
            yield

    return lifespan
