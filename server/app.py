"""Decides which paths the server answers."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from db.pools import Database
from db.security import STAFF_LOGIN
from schema.whole import role_schemas
from server import ide
from server.announcements import Announcements
from server.downloads import Downloads
from server.executing import Engine
from server.files import Files
from server.graphql_http import GraphQLOverHTTP
from server.graphql_ws import GraphQLOverWebSocket
from server.links import roles_with
from server.oidc import OpenIdSessions
from server.oidc_keys import KeyTimes
from server.oidc_tokens import Provider
from server.own_account import OwnAccount
from server.passwords import Passwords
from server.sessions import Sessions, SessionTimes
from server.sign_in import SignIns
from server.uploads import Uploads

PATH = "/graphql"


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
    dsn_of: Callable[[str], str],
    times: SessionTimes,
    files: Files,
    *,
    passwords: Passwords | None = None,
    provider: Provider | None = None,
    key_times: KeyTimes | None = None,
) -> Starlette:
    """The ASGI application over the files and the database whose address for a login `dsn_of` gives.

    Tokens of an identity provider are accepted when there is one.
    """
    database, schemas = Database(dsn_of), role_schemas()
    sessions = OpenIdSessions(database, times, provider, key_times) if provider else Sessions(database, times)
    announcements = Announcements(dsn_of(STAFF_LOGIN), sessions.forget)
    passwords = passwords or Passwords()
    sign_ins = SignIns(database, sessions, files.link_key, passwords=passwords)
    account = OwnAccount(database, sessions.forget, sign_ins, passwords, times)
    engine = Engine(schemas)
    http = GraphQLOverHTTP(
        engine, database, sessions, files=files, changes=announcements, account=account, sign_ins=sign_ins
    )
    uploads = Uploads(files, database, sessions, roles_with(schemas, "Mutation", "createUpload"))
    downloads = Downloads(files, database, sessions, roles_with(schemas, "Cheque", "documentUrl"))
    routes = [
        WebSocketRoute(PATH, GraphQLOverWebSocket(http)),
        Route("/uploads/{id}", uploads),
        Route("/documents/{id}", downloads),
        Route("/", _home),
        *ide.ROUTES,
    ]
    return _App(http, routes=routes, lifespan=_lifespan(database, announcements))


def _lifespan(
    database: Database, announcements: Announcements
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with database, announcements:
            yield

    return lifespan
