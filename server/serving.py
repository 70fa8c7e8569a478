"""The life cycle of a server or worker process: database, migrations, demo, HTTP, jobs, and graceful shutdown."""

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, closing, contextmanager, nullcontext
from datetime import timedelta

import uvicorn
import uvloop
from starlette.types import ASGIApp

from identity.sessions import SessionTimes
from jobs.worker import working
from observability.logs import configure_logs
from server.app import ServerOptions, build_app
from server.database_urls import DatabaseUrls, opened, prepare
from server.demo import DEMO_USERS, has_only_demo, prepare_demo
from server.execution.requests import LARGEST_BODY
from server.http.apps import DemoAccounts
from server.http.header_timeout import BoundedProtocol
from server.identity_provider import provider_of
from server.secret_keys import check_keys
from server.settings import SettingError, Settings
from server.stores import open_files, open_link_mailer, open_mail, open_report_mailbox
from storage.files import Files

logger = logging.getLogger("billing.server")
_GRACE_SECONDS = 30
_DEMO_SENDS = (
    "BILLING_SMTP_HOST is set: this demo sends its mail to %s, but only to addresses of reserved domains such as demo.example; "
    "messages to real addresses are not sent"
)
# Twice the largest document, so that one slightly too large gets an error message; a much larger message closes the connection.
_LARGEST_MESSAGE = 2 * LARGEST_BODY


class _AnnouncingServer(uvicorn.Server):
    """uvicorn's server, which prints one line when it is ready, and shuts down gracefully."""

    def __init__(self, config: uvicorn.Config, ready: str) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        # When two servers bind one port at the same time, the second one gets the error only here.
        with _taken("the port"):
            await super().startup(sockets)
        # Objects that live as long as the process are excluded from garbage collection.
        gc.collect()
        gc.freeze()
        print(self._ready, flush=True)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle SIGINT and SIGTERM here, because uvicorn would raise them again after its shutdown, before jobs are finished."""
        _on_stop_signal(lambda: self.handle_exit(signal.SIGTERM, None))
        yield


def _on_stop_signal(end: Callable[[], None]) -> None:
    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, end)


def serve(settings: Settings, *, demo: bool, worker: bool) -> None:
    """Serve until SIGINT or SIGTERM."""
    with asyncio.Runner(loop_factory=_loop) as runner:
        runner.run(_serve(settings, demo=demo, worker=worker))


def work(settings: Settings) -> None:
    """Run background jobs until SIGINT or SIGTERM."""
    with asyncio.Runner(loop_factory=_loop) as runner:
        runner.run(_work(settings))


def _loop() -> asyncio.AbstractEventLoop:
    return uvloop.new_event_loop()


async def _work(settings: Settings) -> None:
    configure_logs(settings.log_level)
    stop = asyncio.Event()
    _on_stop_signal(stop.set)
    async with opened(settings) as address:
        await prepare(settings, address)
        async with _worker_of(address, settings, open_files(settings)):
            print("ready to work", flush=True)
            await stop.wait()


async def _serve(settings: Settings, *, demo: bool, worker: bool) -> None:
    with closing(_listen(settings)) as listening:
        await _serve_on(listening, settings, demo=demo, worker=worker)


async def _serve_on(listening: socket.socket, settings: Settings, *, demo: bool, worker: bool) -> None:
    configure_logs(settings.log_level)
    # Before the database is started: a wrong file of keys is an error of its own.
    files = open_files(settings)
    async with opened(settings) as address:
        await prepare(settings, address)
        async with address.database() as database:
            await check_keys(database, files.keys)
        url = f"http://{settings.host}:{listening.getsockname()[1]}/graphql"
        accounts = None
        if demo:
            if settings.smtp_host:
                logger.warning(_DEMO_SENDS, settings.smtp_host)
            summary, password = await prepare_demo(address, settings)
            print(_welcome(url, summary, password), flush=True)
            if await has_only_demo(address):
                accounts = DemoAccounts(DEMO_USERS, password)
        async with _worker_of(address, settings, files, demo=demo) if worker else nullcontext():
            await _run(address, settings, files, listening, url, accounts)


def _listen(settings: Settings) -> socket.socket:
    """Bind the port before anything else is started; it accepts connections only when the server is ready."""
    listening = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    with _taken(f"{settings.host} port {settings.port}"):
        listening.bind((settings.host, settings.port))
    return listening


@contextmanager
def _taken(where: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        words = f"BILLING_HOST and BILLING_PORT are wrong: the server cannot listen on {where}: {error.strerror}"
        raise SettingError(words) from error


def _worker_of(
    address: DatabaseUrls, settings: Settings, files: Files, *, demo: bool = False
) -> AbstractAsyncContextManager[None]:
    mail, links = open_mail(settings, demo=demo), open_link_mailer(settings, files.keys, demo=demo)
    return working(address.login, files, mail, links=links, reports=open_report_mailbox(settings))


async def _run(
    address: DatabaseUrls,
    settings: Settings,
    files: Files,
    listening: socket.socket,
    url: str,
    accounts: DemoAccounts | None,
) -> None:
    idle, absolute = timedelta(minutes=settings.session_idle_minutes), timedelta(hours=settings.session_hours)
    times = SessionTimes(idle, absolute, timedelta(days=settings.api_token_days))
    running = ServerOptions(
        settings.requests_per_minute,
        settings.trusted_documents,
        settings.metrics_token,
        settings.otlp_endpoint,
        sends_mail=open_link_mailer(settings, files.keys) is not None,
        allowed_origins=settings.allowed_origins,
        apps=settings.apps,
        demo=accounts,
    )
    app = build_app(address, times, files, provider=provider_of(settings), running=running)
    config = configured(app, trusted_proxies=settings.trusted_proxies)
    await _AnnouncingServer(config, f"ready {url}").serve(sockets=[listening])


def configured(app: ASGIApp, *, trusted_proxies: str = "") -> uvicorn.Config:
    """The configuration of uvicorn for HTTP and WebSocket, and which proxies are trusted to name the client."""
    return uvicorn.Config(
        app,
        http=BoundedProtocol,
        ws="websockets-sansio",
        ws_max_size=_LARGEST_MESSAGE,
        # Without trusted proxies, X-Forwarded headers are ignored.
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=trusted_proxies,
        access_log=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


def _welcome(url: str, summary: str, password: str) -> str:
    users = "\n".join(f"  {user}" for user in DEMO_USERS)
    return f"""
{summary}

Sign in as one of
{users}
with the password {password}

In a browser: {url.removesuffix("/graphql")}/console/, and GraphiQL at {url}
With curl:
  TOKEN=$(curl -s {url} -H 'content-type: application/json' \\
    -d '{{"query":"mutation {{ signIn(input: {{email: \\"billing@demo.example\\", password: \\"{password}\\"}}) {{ token }} }}"}}' | cut -d'"' -f8)
  curl -s {url} -H 'content-type: application/json' -H "authorization: Bearer $TOKEN" \\
    -d '{{"query":"{{ invoices(first: 2) {{ totalCount nodes {{ number status billedAmount patient {{ name }} payer {{ name }} }} }} }}"}}'
"""
