"""Each backend in turn, empty."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from storage.base import ObjectStore, UploadRef
from storage.local import LocalStore
from storage.s3 import S3Store
from tests.support import s3


class Services:
    """S3 servers, each with a store that has one client for the run; made when first asked for."""

    def __init__(self, stack: AsyncExitStack, folders: pytest.TempPathFactory) -> None:
        self._stack = stack
        self._folders = folders
        self._running: dict[str, tuple[s3.S3Server, S3Store]] = {}

    async def get(self, name: str) -> tuple[s3.S3Server, S3Store]:
        """The store is empty."""
        if name not in self._running:
            folder = self._folders.mktemp(name)
            server = self._stack.enter_context(s3.SERVERS[name](folder))
            store = await S3Store.open(server.location, folder / "workspace")
            self._stack.push_async_callback(store.close)
            self._running[name] = server, store
        server, store = self._running[name]
        await empty(store)
        return server, store


async def empty(store: S3Store) -> None:
    for upload in [one async for one in store.uploads()]:
        await store.abort(UploadRef(upload.key or "", 0, 0, upload.token))
    await store.delete([one.key async for one in store.list("")])


@pytest.fixture(scope="session")
async def s3_services(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Services]:
    async with AsyncExitStack() as stack:
        yield Services(stack, tmp_path_factory)


@pytest.fixture(params=["local", *s3.SERVERS])
def backend(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
async def store(backend: str, s3_services: Services, tmp_path: Path) -> AsyncGenerator[ObjectStore]:
    if backend == "local":
        local = LocalStore(tmp_path / "store")
        yield local
        await local.close()
    else:
        _, store = await s3_services.get(backend)
        yield store


@pytest.fixture(params=list(s3.SERVERS))
async def service(
    request: pytest.FixtureRequest, s3_services: Services
) -> tuple[s3.S3Server, S3Store]:
    return await s3_services.get(request.param)


@pytest.fixture
def server(service: tuple[s3.S3Server, S3Store]) -> s3.S3Server:
    return service[0]
