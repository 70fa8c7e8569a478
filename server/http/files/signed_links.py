"""Access by signed URL: for the session it was issued to, while that lasts and the account, its password and its role are the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from graphql import GraphQLObjectType, GraphQLSchema
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from db.global_ids import TAGS, read_id
from db.pools import Database
from domain.access.people import Role
from domain.access.signed_urls import bearer_of
from domain.audit import AuditEvent
from domain.clock import Clock, now
from domain.errors import UNAVAILABLE, RefusedRequest
from identity.sessions import Sessions
from permissions.viewers import Viewer
from resolvers.audit_record import AuditRecord
from server.execution.graphql_executor import public_error
from storage.blobs import StorageError
from storage.files import Files

_ALWAYS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True)
class FollowedUrl:
    """A valid signed URL: its user, its record, and the moment and id of the request."""

    viewer: Viewer
    type_name: str
    identity: UUID
    moment: datetime
    request_id: str

    def event(self, operation: str) -> AuditEvent:
        """The event of this request for the audit log."""
        audit = AuditRecord([operation], entities=[TAGS[self.type_name].encode() + self.identity.bytes])
        return audit.event(self.viewer, self.moment, self.request_id)


class SignedFiles:
    """An ASGI application whose requests are authorised by a signed URL alone; every refusal is JSON."""

    # The one message for every invalid URL of this kind, so that it reveals neither the cause nor whether a record exists.
    kind: str
    not_good: str
    # The type of the record that the URL names.
    type_name = "Upload"

    def __init__(
        self, files: Files, database: Database, sessions: Sessions, roles: frozenset[Role], clock: Clock = now
    ) -> None:
        self.files, self.database = files, database
        self._sessions, self._roles, self._clock = sessions, roles, clock

    async def answer(self, request: Request) -> Response:
        """The response to a request, or RefusedRequest."""
        raise NotImplementedError

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
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
            response = _failure(503, "The file storage cannot be reached: try again", extensions, {})
        except Exception as failure:  # noqa: BLE001 (of an unexpected error, the client gets only the request id)
            message, extensions = public_error(failure, request_id)
            response = _failure(503 if extensions["code"] == UNAVAILABLE else 500, message, extensions, {})
        response.headers.update({**_ALWAYS, "X-Request-Id": request_id})
        await response(scope, receive, send)

    async def follow(self, request: Request) -> FollowedUrl:
        """Verify the signed URL of a request; RefusedRequest (403) for every kind of invalid URL."""
        moment, identity = self._clock(), self._identity(request.path_params["id"])
        token, signature = (request.query_params.get(name, "") for name in ("token", "signature"))
        bearer = bearer_of(self.files.link_keys, self.kind, token, signature, identity, moment) if identity else None
        viewer = await self._sessions.find_by_link(bearer) if bearer else None
        if identity is None or viewer is None or viewer.role not in self._roles:
            raise self.refused()
        return FollowedUrl(viewer, self.type_name, identity, moment, request.scope["request_id"])

    def _identity(self, text: str) -> UUID | None:
        found = read_id(text)
        return found[1] if found and found[0] == self.type_name else None

    def refused(self) -> RefusedRequest:
        """The one refusal of an invalid URL."""
        return RefusedRequest(403, self.not_good, "FORBIDDEN")


def _failure(status: int, message: str, extensions: Mapping[str, str], headers: Mapping[str, str]) -> Response:
    # Outages of storage and database are temporary: the client is told when to retry.
    extra = {**headers, "Retry-After": "1"} if status == 503 else headers  # noqa: PLR2004
    return JSONResponse({"errors": [{"message": message, "extensions": extensions}]}, status, extra)


def roles_with(schemas: Mapping[Role | None, GraphQLSchema], type_name: str, field: str) -> frozenset[Role]:
    """The roles whose schema has a field: access to a file follows the permission of the field that issues its URL."""
    found = ((role, schema.get_type(type_name)) for role, schema in schemas.items() if role)
    return frozenset(role for role, named in found if isinstance(named, GraphQLObjectType) and field in named.fields)
