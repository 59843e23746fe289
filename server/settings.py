"""Settings from the environment and `.env`. Only this module reads them."""

import os
import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from domain import trash
from domain.lists import MAX_ROWS
from domain.uploads import GIB, UploadLimits

PREFIX = "REELGRAPH_"
API_KEY_FILE = "api-key"
DEFAULT_PORT = 8000
MAX_PORT = 65535
MAX_BYTES = 2**53 - 1
"""The largest number of bytes that the API can say."""

NAMES = {"database_url": "DATABASE_URL", "DATABASE_URL": "DATABASE_URL"}
"""The one variable that goes by its usual name, as settings and as pydantic's errors call it."""


class SettingsError(Exception):
    """A setting cannot be used; the message names it and says what would do."""


class NotReady(Exception):
    """Something that the product stands on is missing; the message says what to do."""


def checked_address(address: str | None) -> str | None:
    """The address, if there is one. Raises `ValueError` when it is none."""
    if address:
        split_address(address)
    return address or None


def split_address(address: str) -> tuple[str, int]:
    """The host and the port of "host:port" or "[::1]:port". Raises `ValueError`."""
    found = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^:\[\]]+)):([0-9]{1,5})", address)
    if found is None or int(found[3]) > MAX_PORT:
        raise ValueError(f'"{address}" is no host:port, such as 127.0.0.1:9100')
    return found[1] or found[2], int(found[3])


def default_data_dir() -> Path:
    """Root's own home is closed to the account that PostgreSQL runs as; /var/lib is not."""
    if os.geteuid() == 0:
        return Path("/var/lib/reelgraph")
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "reelgraph"


def state_dir() -> Path:
    """Where programs keep state by the XDG Base Directory Specification."""
    base = Path(os.environ.get("XDG_STATE_HOME", ""))
    if not base.is_absolute():
        base = Path.home() / ".local" / "state"
    return base / "reelgraph"


class _Environment(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        populate_by_name=True,
    )

    data_dir: Annotated[
        Path,
        Field(description="Folder of the embedded database, of stored files and of the API key."),
    ] = Field(default_factory=default_data_dir)

    @field_validator("data_dir", mode="after")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()


Kind = TypeVar("Kind", bound=_Environment)


class Settings(_Environment):
    """What a server or a worker needs to know."""

    host: Annotated[str, Field(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[
        int, Field(ge=0, le=MAX_PORT, description="Port to listen on; 0: any free.")
    ] = DEFAULT_PORT
    public_url: Annotated[
        str | None,
        Field(
            pattern=r"^https?://[^/]+$",
            description="Scheme and host in the links we give out; empty: the request's own.",
        ),
    ] = None
    trusted_proxies: Annotated[
        str,
        Field(
            description="Addresses and networks of proxies whose X-Forwarded-For is believed, such"
            " as 10.0.0.0/8,::1.",
        ),
    ] = "127.0.0.1,::1"
    database_url: Annotated[
        str | None,
        Field(
            validation_alias="DATABASE_URL",
            pattern="^postgres(ql)?://",
            description="postgresql:// URL; empty: an embedded PostgreSQL in the data folder.",
        ),
    ] = None
    storage_url: Annotated[
        str | None,
        Field(
            description="file:///folder or s3://bucket/prefix of stored files; empty: `storage` in"
            " the data folder.",
        ),
    ] = None
    s3_endpoint: Annotated[
        str | None,
        Field(pattern=r"^https?://", description="URL of the S3 server; empty: Amazon's."),
    ] = None
    s3_public_endpoint: Annotated[
        str | None,
        Field(
            pattern=r"^https?://",
            description="URL under which clients reach the S3 server; empty: the same.",
        ),
    ] = None
    s3_region: Annotated[str, Field(description="Region of the bucket.")] = "us-east-1"
    s3_access_key: Annotated[
        str | None,
        Field(description="Access key of the S3 server; empty: as the AWS tools find it."),
    ] = None
    s3_secret_key: Annotated[SecretStr | None, Field(description="Its secret key.")] = None
    max_file_size: Annotated[
        int, Field(ge=1, le=MAX_BYTES, description="Most bytes of an uploaded file.")
    ] = UploadLimits.file_size
    max_small_file_size: Annotated[
        int,
        Field(ge=1, le=GIB, description="Most bytes of a file in the body of a GraphQL request."),
    ] = UploadLimits.small_file_size
    max_open_uploads: Annotated[
        int, Field(ge=1, description="Most upload sessions of one account that wait for bytes.")
    ] = UploadLimits.open_sessions
    upload_session_hours: Annotated[
        int, Field(ge=1, le=24 * 30, description="Hours that an upload session takes chunks.")
    ] = UploadLimits.session_hours
    storage_quota: Annotated[
        int | None,
        Field(ge=0, description="Most bytes that one account's files may have; empty: no end."),
    ] = UploadLimits.storage_quota
    trash_days: Annotated[
        int, Field(ge=1, le=3_650, description="Days that deleted videos can be restored.")
    ] = trash.DAYS
    possession_ranges: Annotated[
        int,
        Field(
            ge=8,
            le=256,
            description="Pieces of 64 KiB that an instant upload must show; more find smaller"
            " holes.",
        ),
    ] = UploadLimits.possession_ranges
    readable_share_passwords: Annotated[
        bool,
        Field(
            description="Whether passwords of shared videos are kept so that owners can read them."
        ),
    ] = False
    fetch_ports: Annotated[
        str,
        Field(
            pattern=r"^[0-9]{1,5}(,[0-9]{1,5})*$",
            description="Ports of servers that files are fetched from, separated by commas.",
        ),
    ] = "80,443,8080,8443"
    fetch_networks: Annotated[
        str | None,
        Field(
            description="Private networks that files may be fetched from, such as"
            " 10.1.0.0/16,fd00::/8; empty: none.",
        ),
    ] = None
    fetch_bytes_per_second: Annotated[
        int | None, Field(ge=1, description="How fast each file is fetched; empty: no limit.")
    ] = None
    max_fetch_rows: Annotated[
        int, Field(ge=1, le=MAX_ROWS, description="Most URLs of one fetch.")
    ] = MAX_ROWS
    ffmpeg: Annotated[
        str | None, Field(description="Path of ffmpeg; empty: the one that is installed with us.")
    ] = None
    ffmpeg_threads: Annotated[
        int | None, Field(ge=1, description="Threads of each ffmpeg; empty: one per core.")
    ] = None
    database_pool: Annotated[
        int,
        Field(
            ge=2,
            le=100,
            description="Most database connections of each of two pools: to read, and to write.",
        ),
    ] = 10
    operation_timeout: Annotated[
        float, Field(gt=0, le=300, description="Seconds that a query or a mutation may take.")
    ] = 10
    json_in_sql: Annotated[
        bool,
        Field(description="Whether PostgreSQL writes answers as JSON."),
    ] = True
    worker_queues: Annotated[
        str | None,
        Field(
            description="Queues that a worker takes jobs from, such as transcode,clip; empty: all."
        ),
    ] = None
    worker_concurrency: Annotated[
        str | None,
        Field(
            description="Jobs that a worker runs at once: 2 of each queue, or"
            " transcode=2,first_play=1; empty: 2 of intake and of fetch, 1 of each other."
        ),
    ] = None
    worker_address: Annotated[
        str | None,
        Field(
            description="host:port where `reelgraph worker` answers /healthz and /metrics; empty:"
            " nowhere."
        ),
    ] = None
    metrics_address: Annotated[
        str | None,
        Field(
            description="host:port where `reelgraph serve` answers /metrics, which tell of all"
            " accounts; empty: nowhere."
        ),
    ] = None
    log_format: Annotated[
        Literal["text", "json"], Field(description="How log lines look: text or json.")
    ] = "text"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="Least level to log.")
    ] = "info"

    @field_validator("storage_url", mode="after")
    @classmethod
    def _known_store(cls, value: str | None) -> str | None:
        if value and not re.match(r"file:///|s3://[^/]", value):
            raise ValueError("only file:///folder and s3://bucket/prefix are possible")
        return value

    @field_validator("fetch_networks", "trusted_proxies", mode="after")
    @classmethod
    def _known_networks(cls, value: str | None) -> str | None:
        for each in _parts(value):
            ip_network(each)
        return value

    @property
    def outbound_ports(self) -> frozenset[int]:
        return frozenset(map(int, self.fetch_ports.split(",")))

    @property
    def outbound_networks(self) -> list[str]:
        return _parts(self.fetch_networks)

    @field_validator("worker_address", "metrics_address", mode="after")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        return checked_address(value)

    @property
    def upload_limits(self) -> UploadLimits:
        return UploadLimits(
            file_size=self.max_file_size,
            small_file_size=self.max_small_file_size,
            open_sessions=self.max_open_uploads,
            session_hours=self.upload_session_hours,
            storage_quota=self.storage_quota,
            possession_ranges=self.possession_ranges,
        )

    @property
    def storage_dir(self) -> Path | None:
        """Where files are stored; None when they are not on this machine."""
        if self.storage_url is None:
            return self.data_dir / "storage"
        scheme, _, rest = self.storage_url.partition("://")
        return Path(rest) if scheme == "file" else None

    @property
    def bucket(self) -> tuple[str, str]:
        """The S3 bucket of stored files, and the prefix of their keys in it."""
        name, _, prefix = (self.storage_url or "").removeprefix("s3://").partition("/")
        return name, prefix.rstrip("/")


class ClientSettings(_Environment):
    """What the command line needs to know as a client of the API."""

    url: Annotated[
        str,
        Field(pattern=r"^https?://", description="For `reelgraph upload`: the server to talk to."),
    ] = f"http://127.0.0.1:{DEFAULT_PORT}"
    api_key: Annotated[
        str | None,
        Field(
            description="For `reelgraph upload`: your API key; empty: the first start's, if it was"
            " on this machine."
        ),
    ] = None

    @property
    def key(self) -> str:
        """The API key. Raises `SettingsError` when there is none."""
        if self.api_key:
            return self.api_key
        path = self.data_dir / API_KEY_FILE
        try:
            return path.read_text().strip()
        except OSError as failure:
            raise SettingsError(
                f"No API key: set {PREFIX}API_KEY, or run as the user who started the server here"
                f" ({path}: {failure.strerror})."
            ) from None


def load() -> Settings:
    """Raises `SettingsError`."""
    return _checked(Settings)


def load_client() -> ClientSettings:
    """Raises `SettingsError`."""
    return _checked(ClientSettings)


def variables() -> list[tuple[str, str, str]]:
    """Name, default and meaning of every setting there is."""
    fields = {**Settings.model_fields, **ClientSettings.model_fields}
    return [
        (variable(name), _default(field), field.description or "") for name, field in fields.items()
    ]


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return NAMES.get(name, f"{PREFIX}{name.upper()}")


def _parts(text: str | None) -> list[str]:
    """What commas separate."""
    return [part.strip() for part in text.split(",")] if text else []


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True, validated_data={})
    return "" if value is None else str(value)


def _checked(kind: type[Kind]) -> Kind:
    try:
        return kind()
    except ValidationError as failure:
        sentences = [
            f"{variable(str(error['loc'][0]))}: {error['msg'].removeprefix('Value error, ')}."
            for error in failure.errors()
        ]
        raise SettingsError("\n".join(sentences)) from None
