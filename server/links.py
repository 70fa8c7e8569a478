"""Decides who gets through a signed link: the user it was made for, while the account and the role still allow it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from graphql import GraphQLObjectType, GraphQLSchema
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from db.identity import TAGS, read_id
from db.pools import Database
from domain.audit import AuditEvent
from domain.links import bearer_of
from domain.people import Role
from permissions.viewers import Viewer
from resolvers.context import Clock, now
from resolvers.trail import Trail
from server.executing import UNAVAILABLE, told
from server.files import Files
from server.requests import RefusedRequest
from server.sessions import Sessions
from server.storage import StorageError

_ALWAYS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True)
class Followed:
    """A link that was followed: by whom, to which record, when."""

    viewer: Viewer
    type_name: str
    identity: UUID
    moment: datetime
    request_id: str

    def event(self, operation: str) -> AuditEvent:
        """What the audit trail keeps of it."""
        trail = Trail([operation], entities=[TAGS[self.type_name].encode() + self.identity.bytes])
        return trail.event(self.viewer, self.moment, self.request_id)


class LinkedFiles:
    """An ASGI application whose requests are allowed by a signed link alone; every refusal is JSON."""

    # What a link of this kind that is not good is answered with, whatever is wrong with it and whatever there is behind it.
    kind: str
    not_good: str
    # The type of the record that a link leads to.
    type_name = "Upload"

    def __init__(
        self, files: Files, database: Database, sessions: Sessions, roles: frozenset[Role], clock: Clock = now
    ) -> None:
        self.files, self.database = files, database
        self._sessions, self._roles, self._clock = sessions, roles, clock

    async def answer(self, request: Request) -> Response:
        """The answer to a request, or RefusedRequest."""
        raise NotImplementedError

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever it is."""
        request_id = uuid4().hex
        try:
            scope["request_id"] = request_id
            response = await self.answer(Request(scope, receive))
        except RefusedRequest as refused:
            response = _failure(refused.status, refused.message, {"code": refused.code}, refused.headers)
        except ClientDisconnect:
            return
        except StorageError:
            extensions = {"code": UNAVAILABLE, "requestId": request_id}
            response = _failure(503, "Files cannot be reached: try again", extensions, {})
        except Exception as failure:  # noqa: BLE001 (whatever it is, the client is told no more than a request id)
            message, extensions = told(failure, request_id)
            response = _failure(503 if extensions["code"] == UNAVAILABLE else 500, message, extensions, {})
        response.headers.update({**_ALWAYS, "X-Request-Id": request_id})
        await response(scope, receive, send)

    async def follow(self, request: Request) -> Followed:
        """Who follows the link of a request, and to what; refuses with 403 whatever is wrong with it."""
        moment, identity = self._clock(), self._identity(request.path_params["id"])
        token, signature = (request.query_params.get(name, "") for name in ("token", "signature"))
        bearer = bearer_of(self.files.link_key, self.kind, token, signature, identity, moment) if identity else None
        viewer = await self._sessions.find_user(bearer.clinic_id, bearer.user_id) if bearer else None
        if identity is None or viewer is None or viewer.role not in self._roles:
            raise self.refused()
        return Followed(viewer, self.type_name, identity, moment, request.scope["request_id"])

    def _identity(self, text: str) -> UUID | None:
        found = read_id(text)
        return found[1] if found and found[0] == self.type_name else None

    def refused(self) -> RefusedRequest:
        """The one refusal of a link that is not good."""
        return RefusedRequest(403, self.not_good, "FORBIDDEN")


def _failure(status: int, message: str, extensions: Mapping[str, str], headers: Mapping[str, str]) -> Response:
    # Storage and database come back: whoever is told that they are gone is told when to ask again.
    extra = {**headers, "Retry-After": "1"} if status == 503 else headers  # noqa: PLR2004
    return JSONResponse({"errors": [{"message": message, "extensions": extensions}]}, status, extra)


def roles_with(schemas: Mapping[Role | None, GraphQLSchema], type_name: str, field: str) -> frozenset[Role]:
    """The roles whose schema has a field: what is behind a link follows the declaration of the field that gives it."""
    found = ((role, schema.get_type(type_name)) for role, schema in schemas.items() if role)
    return frozenset(role for role, named in found if isinstance(named, GraphQLObjectType) and field in named.fields)
