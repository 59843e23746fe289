"""Builds everything from settings, once per process. The only place that does."""

import asyncio
import logging
import os
import shutil
import socket
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from db import accounts, migrate
from db.bus import EventBus
from db.embedded import EmbeddedPostgres, EmbeddedPostgresError
from db.locks import Locks
from db.reader import Reader
from db.session import Database
from db.standings import Standings
from domain.passwords import Seal
from domain.tokens import Signer
from jobs import worker
from jobs.lanes import Lane, LanesError, choose
from jobs.queue import QUEUES, Queue
from jobs.runs import Tools
from jobs.workspace import Workspace
from media import sandbox
from media.passes import Encoder
from outbound.addresses import Addresses
from outbound.client import Client
from resolvers.accounts import create_owner
from resolvers.context import FetchRules, Services
from resolvers.gate import Gate
from resolvers.passwords import Passwords
from resolvers.viewers import Viewers
from server.settings import API_KEY_FILE, NotReady, Settings, SettingsError, variable
from storage.base import ObjectStore
from storage.local import LocalStore

log = logging.getLogger(__name__)

SPARE_CONNECTIONS = 4
"""Of the queue, beside those with which its lanes listen."""


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncGenerator[str]:
    """The URL of a database with the current tables, served as long as the block lasts."""
    async with AsyncExitStack() as stack:
        if settings.database_url:
            url = settings.database_url
        else:
            url = await stack.enter_async_context(_embedded(settings.data_dir / "postgres"))
        try:
            await asyncio.to_thread(migrate.upgrade, url)
        except migrate.Unreachable as failure:
            raise NotReady(
                f"The database is not reachable ({failure}). Check {variable('database_url')}."
            ) from failure
        yield url


@asynccontextmanager
async def _embedded(home: Path) -> AsyncGenerator[str]:
    server = EmbeddedPostgres(home)
    try:
        await asyncio.to_thread(server.start)
        await asyncio.to_thread(server.ensure_database)
    except EmbeddedPostgresError as failure:
        raise NotReady(str(failure)) from failure
    try:
        yield server.url()
    finally:
        await asyncio.to_thread(server.stop)


@asynccontextmanager
async def open_services(settings: Settings, database_url: str) -> AsyncGenerator[Services]:
    """What requests and jobs share, until the block ends."""
    async with AsyncExitStack() as stack:
        store = await open_store(settings, stack)
        db = Database(database_url, pool_size=settings.database_pool)
        stack.push_async_callback(db.close)
        reader = Reader(database_url, size=settings.database_pool)
        stack.push_async_callback(reader.close)
        bus = EventBus(database_url)
        stack.push_async_callback(bus.close)
        await bus.open()
        gate = Gate(Standings(database_url), bus)
        stack.push_async_callback(gate.close)
        locks = Locks(database_url)
        stack.push_async_callback(locks.close)
        queue = Queue(database_url, pool_size=len(QUEUES) + SPARE_CONNECTIONS)
        await stack.enter_async_context(queue.app.open_async())
        async with db.write() as session:
            secret = await accounts.signing_secret(session)
        seal = Seal(Signer(secret, "share password").derive(b"seal"))
        passwords = Passwords(seal, readable=settings.readable_share_passwords)
        stack.callback(passwords.close)
        yield Services(
            db=db,
            reader=reader,
            store=store,
            queue=queue,
            bus=bus,
            locks=locks,
            upload_links=Signer(secret, "upload"),
            playback_links=Signer(secret, "playback"),
            export_links=Signer(secret, "export"),
            challenges=Signer(secret, "possession"),
            passwords=passwords,
            limits=settings.upload_limits,
            fetch_rules=FetchRules(
                settings.outbound_ports,
                Addresses(settings.outbound_networks),
                settings.max_fetch_rows,
            ),
            viewers=Viewers(db),
            gate=gate,
            json_in_sql=settings.json_in_sql,
            trash_days=settings.trash_days,
        )


@asynccontextmanager
async def open_tools(settings: Settings, services: Services) -> AsyncGenerator[Tools]:
    """What the jobs of a worker need beyond the services."""
    async with AsyncExitStack() as stack:
        workspace = Workspace(settings.data_dir / "work")
        stack.callback(workspace.close)
        addresses = Addresses(settings.outbound_networks)
        client = Client(addresses=addresses, ports=settings.outbound_ports)
        await stack.enter_async_context(client)
        worker.prepare(services.queue)
        yield Tools(
            db=services.db,
            store=services.store,
            queue=services.queue,
            bus=services.bus,
            locks=services.locks,
            client=client,
            bytes_per_s=settings.fetch_bytes_per_second,
            encoder=Encoder(find_ffmpeg(settings), threads=settings.ffmpeg_threads),
            workspace=workspace,
            limits=services.limits,
            trash_days=services.trash_days,
            worker=f"{socket.gethostname()}:{os.getpid()}",
        )


async def is_isolated() -> bool:
    """Whether programs that read uploads see no other file and no network; warns if they may."""
    missing = (await asyncio.to_thread(sandbox.abilities)).missing()
    if missing:
        log.warning("%s", " ".join(missing))
    return not missing


def choose_lanes(settings: Settings) -> Sequence[Lane]:
    """What the settings say of a worker. Raises `SettingsError`."""
    try:
        return choose(
            worker.LANES, queues=settings.worker_queues, concurrency=settings.worker_concurrency
        )
    except LanesError as mistake:
        both = f"{variable('worker_queues')} and {variable('worker_concurrency')}"
        raise SettingsError(f"{both} do not fit: {mistake}") from None


async def open_store(settings: Settings, stack: AsyncExitStack) -> ObjectStore:
    """Where the files are, until `stack` ends. Raises `NotReady` when it cannot be used."""
    folder = settings.storage_dir
    if folder is None:
        # The libraries of S3 take a second to load: only where they are needed.
        return await import_module("server.s3").open_store(settings, stack)
    try:
        store = LocalStore(folder)
    except OSError as failure:
        raise NotReady(
            f"{folder} cannot be written ({failure.strerror}). Check"
            f" {variable('data_dir')} and {variable('storage_url')}."
        ) from failure
    stack.push_async_callback(store.close)
    return store


def open_data_dir(settings: Settings) -> None:
    """Make the data folder. The embedded database's account must be able to pass through it."""
    folder = settings.data_dir
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o755 if os.geteuid() == 0 else 0o700)
        probe = folder / f".write-test-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as failure:
        raise NotReady(
            f"{folder} cannot be written ({failure.strerror}). Check {variable('data_dir')}."
        ) from failure


async def open_house(settings: Settings, db: Database) -> Path | None:
    """On the very first start make the owner; returns the file that holds the API key.

    None when the owner was made elsewhere, or the key has been taken away.
    """
    path = settings.data_dir / API_KEY_FILE
    api_key = await create_owner(db)
    if api_key is not None:
        await asyncio.to_thread(_write_secret, path, api_key)
    return path if path.exists() else None


def _write_secret(path: Path, secret: str) -> None:
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secret + "\n")
    draft.replace(path)


def find_ffmpeg(settings: Settings) -> str:
    """The ffmpeg to run: the setting's, the one installed with us, or PATH's."""
    if settings.ffmpeg:
        found = shutil.which(settings.ffmpeg)
        if found is None:
            raise SettingsError(f"{variable('ffmpeg')}: {settings.ffmpeg} is no program.")
        return found
    if find_spec("imageio_ffmpeg"):
        return str(import_module("imageio_ffmpeg").get_ffmpeg_exe())
    found = shutil.which("ffmpeg")
    if found is None:
        raise SettingsError(f"There is no ffmpeg: install one, or set {variable('ffmpeg')}.")
    return found
