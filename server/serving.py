"""Decides how a process lives that serves, works or both: database, migrations, demo, HTTP, jobs, and a clean end."""

import asyncio
import gc
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from datetime import timedelta

import uvicorn
import uvloop
from starlette.types import ASGIApp

from server.addresses import Address, bring_up_to_date, opened
from server.app import Running, build_app
from server.demo import DEMO_USERS, prepare_demo
from server.files import open_files
from server.logs import configure_logs
from server.mail import open_mail
from server.oidc_provider import provider_of
from server.protocol import BoundedProtocol
from server.requests import LARGEST_BODY
from server.sessions import SessionTimes
from server.settings import SettingError, Settings
from server.worker import working

_GRACE_SECONDS = 30
# A document that is too large is told so, with some room for how it is packed; what is larger by far ends the connection.
_LARGEST_MESSAGE = 2 * LARGEST_BODY


class _Announcing(uvicorn.Server):
    """uvicorn's server, which says in one line when it is ready, and ends in an orderly way."""

    def __init__(self, config: uvicorn.Config, ready: str) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        # Of two servers that took one port at once, the second one hears of it only now.
        with _taken("the port"):
            await super().startup(sockets)
        # What lives as long as the process need not be looked at by every collection of garbage.
        gc.collect()
        gc.freeze()
        print(self._ready, flush=True)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End by the signals that tell a process to; uvicorn itself raises them again afterwards, before jobs are finished."""
        _when_told(lambda: self.handle_exit(signal.SIGTERM, None))
        yield


def _when_told(end: Callable[[], None]) -> None:
    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, end)


def serve(settings: Settings, *, demo: bool, worker: bool) -> None:
    """Serve until SIGINT or SIGTERM."""
    with asyncio.Runner(loop_factory=_loop) as runner:
        runner.run(_serve(settings, demo=demo, worker=worker))


def work(settings: Settings) -> None:
    """Do background jobs until SIGINT or SIGTERM."""
    with asyncio.Runner(loop_factory=_loop) as runner:
        runner.run(_work(settings))


def _loop() -> asyncio.AbstractEventLoop:
    return uvloop.new_event_loop()


async def _work(settings: Settings) -> None:
    configure_logs(settings.log_level)
    told = asyncio.Event()
    _when_told(told.set)
    async with opened(settings) as address:
        await bring_up_to_date(address)
        async with working(address.login, open_files(settings), open_mail(settings)):
            print("ready to work", flush=True)
            await told.wait()


async def _serve(settings: Settings, *, demo: bool, worker: bool) -> None:
    with closing(_listen(settings)) as listening:
        await _serve_on(listening, settings, demo=demo, worker=worker)


async def _serve_on(listening: socket.socket, settings: Settings, *, demo: bool, worker: bool) -> None:
    configure_logs(settings.log_level)
    async with opened(settings) as address:
        await bring_up_to_date(address)
        url = f"http://{settings.host}:{listening.getsockname()[1]}/graphql"
        if demo:
            summary, password = await prepare_demo(address, settings)
            print(_welcome(url, summary, password), flush=True)
        async with working(address.login, open_files(settings), open_mail(settings)) if worker else nullcontext():
            await _run(address, settings, listening, url)


def _listen(settings: Settings) -> socket.socket:
    """The port, taken before anything else is begun; nobody is kept waiting on it until the server is ready."""
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
        words = f"BILLING_HOST and BILLING_PORT are wrong: nothing can listen on {where}: {error.strerror}"
        raise SettingError(words) from error


async def _run(address: Address, settings: Settings, listening: socket.socket, url: str) -> None:
    idle, absolute = timedelta(minutes=settings.session_idle_minutes), timedelta(hours=settings.session_hours)
    times = SessionTimes(idle, absolute, timedelta(days=settings.api_token_days))
    running = Running(
        settings.requests_per_minute, settings.trusted_documents, settings.metrics_token, settings.otlp_endpoint
    )
    app = build_app(address, times, open_files(settings), provider=provider_of(settings), running=running)
    config = configured(app, trusted_proxies=settings.trusted_proxies)
    await _Announcing(config, f"ready {url}").serve(sockets=[listening])


def configured(app: ASGIApp, *, trusted_proxies: str = "") -> uvicorn.Config:
    """How HTTP and WebSocket are served, and which proxies are believed about who asks."""
    return uvicorn.Config(
        app,
        http=BoundedProtocol,
        ws="websockets-sansio",
        ws_max_size=_LARGEST_MESSAGE,
        # Without proxies that are named, nobody is believed to speak for somebody else.
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

In a browser: {url}
With curl:
  TOKEN=$(curl -s {url} -H 'content-type: application/json' \\
    -d '{{"query":"mutation {{ signIn(input: {{email: \\"billing@demo.clinic\\", password: \\"{password}\\"}}) {{ token }} }}"}}' | cut -d'"' -f8)
  curl -s {url} -H 'content-type: application/json' -H "authorization: Bearer $TOKEN" \\
    -d '{{"query":"{{ invoices(first: 2) {{ totalCount nodes {{ number status billedAmount patient {{ name }} payer {{ name }} }} }} }}"}}'
"""
