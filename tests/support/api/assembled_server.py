"""Assembles a server from its own parts for tests that need another clock, database or schema."""

import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from tempfile import TemporaryDirectory
from typing import Any

import uvicorn
from graphql import GraphQLSchema
from starlette.applications import Starlette
from starlette.routing import Route

from db.pools import Database
from domain.access.people import Role
from domain.clock import Clock, now
from identity.sessions import Sessions
from schema.whole import role_schemas
from server.execution.graphql_executor import GraphQLExecutor
from server.http.files.signed_links import roles_with
from server.http.files.uploads import Uploads
from server.http.graphql import GraphQLOverHTTP
from server.settings import read_settings
from server.stores import open_files

_PATIENCE_SECONDS = 20


def assembled(
    database: Database, *, clock: Clock = now, schemas: Mapping[Role | None, GraphQLSchema] | None = None
) -> Starlette:
    """The server's application over a database, with the clock and the schemas of the test."""
    home = TemporaryDirectory()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with database:
            with home:
                yield

    files = open_files(read_settings({"BILLING_HOME": home.name}))
    schemas, sessions = schemas or role_schemas(), Sessions(database)
    http = GraphQLOverHTTP(GraphQLExecutor(schemas), database, sessions, files=files, clock=clock)
    uploads = Uploads(files, database, sessions, roles_with(role_schemas(), "Mutation", "createUpload"), clock)
    return Starlette(routes=[Route("/graphql", http), Route("/uploads/{id}", uploads)], lifespan=lifespan)


@contextmanager
def served(app: Any) -> Iterator[str]:
    """The URL of an application, served by a real server in a thread of its own, stopped at the end."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not server.started:
            assert thread.is_alive(), "the server ended while it was starting"
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/graphql"
    finally:
        server.should_exit = True
        thread.join(_PATIENCE_SECONDS)
        listening.close()
