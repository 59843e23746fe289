"""The object store in S3, from the settings."""

from contextlib import AsyncExitStack

from domain.errors import StorageBusy
from jobs.workspace import Workspace
from server.settings import NotReady, Settings, SettingsError, variable
from storage import keys
from storage.presign import Credentials
from storage.s3 import S3Store
from storage.s3_client import Refused
from storage.s3_location import S3Location


async def open_store(settings: Settings, stack: AsyncExitStack) -> S3Store:
    """Raises `NotReady` when the bucket does not answer, or not to us."""
    location = _location(settings)
    workspace = Workspace(settings.data_dir / "work")
    stack.callback(workspace.close)
    folder = stack.enter_context(workspace.folder())
    try:
        store = await S3Store.open(location, folder)
    except ValueError as failure:
        raise NotReady(
            f"{failure}. Set {variable('s3_access_key')} and {variable('s3_secret_key')}."
        ) from failure
    stack.push_async_callback(store.close)
    try:
        async for _ in store.list(keys.SOURCES):
            break
    except (StorageBusy, Refused, FileNotFoundError) as failure:
        raise NotReady(
            f"The bucket {location.bucket} cannot be used ({failure}). Check"
            f" {variable('storage_url')}, {variable('s3_endpoint')} and its keys."
        ) from failure
    return store


def _location(settings: Settings) -> S3Location:
    bucket, prefix = settings.bucket
    secret = settings.s3_secret_key
    if bool(settings.s3_access_key) != bool(secret):
        raise SettingsError(
            f"{variable('s3_access_key')} and {variable('s3_secret_key')} are set together."
        )
    credentials = None
    if settings.s3_access_key and secret:
        credentials = Credentials(settings.s3_access_key, secret.get_secret_value())
    return S3Location(
        bucket,
        region=settings.s3_region,
        prefix=f"{prefix}/" if prefix else "",
        endpoint=settings.s3_endpoint,
        public_endpoint=settings.s3_public_endpoint,
        credentials=credentials,
    )
