"""Settings from the environment and `.env`."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from server import cli, settings
from server.settings import ClientSettings, Settings, SettingsError, default_data_dir


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No variable is set, and there is no `.env`; returns the working directory."""
    for name, _, _ in settings.variables():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_everything_has_a_default() -> None:
    assert settings.load().model_dump() == {
        "data_dir": default_data_dir(),
        "host": "127.0.0.1",
        "port": 8000,
        "public_url": None,
        "trusted_proxies": "127.0.0.1,::1",
        "database_url": None,
        "storage_url": None,
        "s3_endpoint": None,
        "s3_public_endpoint": None,
        "s3_region": "us-east-1",
        "s3_access_key": None,
        "s3_secret_key": None,
        "max_file_size": 256 * 2**30,
        "max_small_file_size": 64 * 2**20,
        "max_open_uploads": 100,
        "upload_session_hours": 24,
        "storage_quota": None,
        "trash_days": 30,
        "possession_ranges": 16,
        "readable_share_passwords": False,
        "fetch_ports": "80,443,8080,8443",
        "fetch_networks": None,
        "fetch_bytes_per_second": None,
        "max_fetch_rows": 1000,
        "ffmpeg": None,
        "ffmpeg_threads": None,
        "database_pool": 10,
        "operation_timeout": 10.0,
        "json_in_sql": True,
        "worker_queues": None,
        "worker_concurrency": None,
        "worker_address": None,
        "metrics_address": None,
        "log_format": "text",
        "log_level": "info",
    }
    assert settings.load_client().model_dump() == {
        "data_dir": default_data_dir(),
        "url": "http://127.0.0.1:8000",
        "api_key": None,
    }


READ: dict[str, tuple[str, object]] = {
    "REELGRAPH_DATA_DIR": ("/srv/reelgraph", Path("/srv/reelgraph")),
    "REELGRAPH_HOST": ("0.0.0.0", "0.0.0.0"),  # noqa: S104  (only read, never listened on)
    "REELGRAPH_PORT": ("8080", 8080),
    "REELGRAPH_PUBLIC_URL": ("https://video.example", "https://video.example"),
    "REELGRAPH_TRUSTED_PROXIES": ("10.0.0.1,fd00::/8", "10.0.0.1,fd00::/8"),
    "DATABASE_URL": ("postgresql://u:p@db/name", "postgresql://u:p@db/name"),
    "REELGRAPH_STORAGE_URL": ("file:///srv/files", "file:///srv/files"),
    "REELGRAPH_S3_ENDPOINT": ("http://store:9000", "http://store:9000"),
    "REELGRAPH_S3_PUBLIC_ENDPOINT": ("https://s3.example", "https://s3.example"),
    "REELGRAPH_S3_REGION": ("eu-central-1", "eu-central-1"),
    "REELGRAPH_S3_ACCESS_KEY": ("somebody", "somebody"),
    "REELGRAPH_S3_SECRET_KEY": ("hidden", SecretStr("hidden")),
    "REELGRAPH_MAX_FILE_SIZE": ("1000000", 1_000_000),
    "REELGRAPH_MAX_SMALL_FILE_SIZE": ("1000", 1_000),
    "REELGRAPH_MAX_OPEN_UPLOADS": ("5", 5),
    "REELGRAPH_UPLOAD_SESSION_HOURS": ("48", 48),
    "REELGRAPH_STORAGE_QUOTA": ("0", 0),
    "REELGRAPH_TRASH_DAYS": ("7", 7),
    "REELGRAPH_POSSESSION_RANGES": ("32", 32),
    "REELGRAPH_READABLE_SHARE_PASSWORDS": ("true", True),
    "REELGRAPH_FETCH_PORTS": ("443,8000", "443,8000"),
    "REELGRAPH_FETCH_NETWORKS": ("10.1.0.0/16,fd00::/8", "10.1.0.0/16,fd00::/8"),
    "REELGRAPH_FETCH_BYTES_PER_SECOND": ("1000000", 1_000_000),
    "REELGRAPH_MAX_FETCH_ROWS": ("50", 50),
    "REELGRAPH_FFMPEG": ("/opt/ffmpeg", "/opt/ffmpeg"),
    "REELGRAPH_FFMPEG_THREADS": ("3", 3),
    "REELGRAPH_DATABASE_POOL": ("20", 20),
    "REELGRAPH_OPERATION_TIMEOUT": ("2.5", 2.5),
    "REELGRAPH_JSON_IN_SQL": ("false", False),
    "REELGRAPH_WORKER_QUEUES": ("transcode,clip", "transcode,clip"),
    "REELGRAPH_WORKER_CONCURRENCY": ("transcode=2", "transcode=2"),
    "REELGRAPH_WORKER_ADDRESS": ("10.0.0.1:9100", "10.0.0.1:9100"),
    "REELGRAPH_METRICS_ADDRESS": ("[::1]:9101", "[::1]:9101"),
    "REELGRAPH_LOG_FORMAT": ("json", "json"),
    "REELGRAPH_LOG_LEVEL": ("debug", "debug"),
    "REELGRAPH_URL": ("https://video.example", "https://video.example"),
    "REELGRAPH_API_KEY": ("rg_x", "rg_x"),
}


def test_every_variable_is_covered_here() -> None:
    assert {name for name, _, _ in settings.variables()} == set(READ)


def value_of(name: str) -> object:
    """What the setting of this variable is now."""
    for kind, current in ((Settings, settings.load()), (ClientSettings, settings.load_client())):
        for field in kind.model_fields:
            if settings.variable(field) == name:
                return getattr(current, field)
    raise KeyError(name)


@pytest.mark.parametrize("name", READ)
def test_a_variable_is_read(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, value = READ[name]
    monkeypatch.setenv(name, text)
    assert value_of(name) == value


@pytest.mark.parametrize("name", READ)
def test_an_empty_variable_is_as_good_as_none(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    default = value_of(name)
    monkeypatch.setenv(name, "")
    assert value_of(name) == default


def test_the_working_directory_may_have_an_env_file(
    no_settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (no_settings / ".env").write_text(
        "REELGRAPH_PORT=8080\nREELGRAPH_HOST=::1\nREELGRAPH_FFMPEG=\nSOMETHING_ELSE=1\n"
    )
    monkeypatch.setenv("REELGRAPH_HOST", "127.0.0.2")
    current = settings.load()
    assert (current.port, current.host, current.ffmpeg) == (8080, "127.0.0.2", None)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1:9100", ("127.0.0.1", 9100)),
        ("worker.example:0", ("worker.example", 0)),
        ("[::1]:65535", ("::1", 65535)),
    ],
)
def test_an_address_is_a_host_and_a_port(address: str, expected: tuple[str, int]) -> None:
    assert settings.split_address(address) == expected


@pytest.mark.parametrize("address", ["", "9100", ":9100", "a:", "a:65536", "::1:9100", "[x]:1"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"is no host:port, such as 127\.0\.0\.1:9100$"):
        settings.split_address(address)


def test_the_data_folder_is_absolute(no_settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELGRAPH_DATA_DIR", "data")
    assert settings.load().data_dir == no_settings / "data"
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.setenv("REELGRAPH_DATA_DIR", "~/data")
    assert settings.load().data_dir == Path("/home/somebody/data")


BAD = [
    ("REELGRAPH_WORKER_ADDRESS", "9100"),
    ("REELGRAPH_METRICS_ADDRESS", "::1:9100"),
    ("REELGRAPH_PORT", "many"),
    ("REELGRAPH_PORT", "65536"),
    ("REELGRAPH_PUBLIC_URL", "video.example"),
    ("REELGRAPH_PUBLIC_URL", "https://video.example/"),
    ("DATABASE_URL", "mysql://x/y"),
    ("REELGRAPH_S3_ENDPOINT", "store:9000"),
    ("REELGRAPH_S3_PUBLIC_ENDPOINT", "s3.example"),
    ("REELGRAPH_MAX_FILE_SIZE", "9007199254740992"),
    ("REELGRAPH_MAX_SMALL_FILE_SIZE", "0"),
    ("REELGRAPH_MAX_OPEN_UPLOADS", "0"),
    ("REELGRAPH_UPLOAD_SESSION_HOURS", "721"),
    ("REELGRAPH_STORAGE_QUOTA", "-1"),
    ("REELGRAPH_TRASH_DAYS", "0"),
    ("REELGRAPH_POSSESSION_RANGES", "7"),
    ("REELGRAPH_FETCH_PORTS", "http"),
    ("REELGRAPH_FETCH_NETWORKS", "10.0.0.0/99"),
    ("REELGRAPH_TRUSTED_PROXIES", "proxy.example"),
    ("REELGRAPH_FETCH_BYTES_PER_SECOND", "0"),
    ("REELGRAPH_MAX_FETCH_ROWS", "1001"),
    ("REELGRAPH_FFMPEG_THREADS", "0"),
    ("REELGRAPH_DATABASE_POOL", "1"),
    ("REELGRAPH_LOG_FORMAT", "xml"),
    ("REELGRAPH_LOG_LEVEL", "INFO!"),
    ("REELGRAPH_URL", "localhost:8000"),
]


@pytest.mark.parametrize(("name", "text"), BAD)
def test_a_bad_value_is_an_error_that_names_the_variable(
    name: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, text)
    with pytest.raises(SettingsError) as failure:
        value_of(name)
    (sentence,) = str(failure.value).splitlines()
    assert sentence.startswith(f"{name}: ")
    assert sentence.endswith(".")


def test_networks_may_have_spaces_between_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.load().outbound_networks == []
    monkeypatch.setenv("REELGRAPH_FETCH_NETWORKS", "10.1.0.0/16, fd00::/8")
    assert settings.load().outbound_networks == ["10.1.0.0/16", "fd00::/8"]


def test_every_bad_value_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELGRAPH_PORT", "many")
    monkeypatch.setenv("REELGRAPH_LOG_LEVEL", "loud")
    with pytest.raises(SettingsError) as failure:
        settings.load()
    names = [line.partition(":")[0] for line in str(failure.value).splitlines()]
    assert names == ["REELGRAPH_PORT", "REELGRAPH_LOG_LEVEL"]


def test_files_are_stored_in_the_data_folder_or_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELGRAPH_DATA_DIR", "/srv/reelgraph")
    assert settings.load().storage_dir == Path("/srv/reelgraph/storage")
    monkeypatch.setenv("REELGRAPH_STORAGE_URL", "file:///srv/files")
    assert settings.load().storage_dir == Path("/srv/files")
    monkeypatch.setenv("REELGRAPH_STORAGE_URL", "s3://films/of/ours/")
    current = settings.load()
    assert (current.storage_dir, current.bucket) == (None, ("films", "of/ours"))


@pytest.mark.parametrize("url", ["s3://", "s3:///of", "/srv/files", "file://srv/files", "file:"])
def test_a_store_that_we_do_not_have_is_named(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELGRAPH_STORAGE_URL", url)
    with pytest.raises(SettingsError) as failure:
        settings.load()
    assert str(failure.value) == (
        "REELGRAPH_STORAGE_URL: only file:///folder and s3://bucket/prefix are possible."
    )


def test_the_api_key_is_the_settings_or_the_first_starts(
    no_settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REELGRAPH_DATA_DIR", str(no_settings))
    (no_settings / "api-key").write_text("rg_first\n")
    assert settings.load_client().key == "rg_first"
    monkeypatch.setenv("REELGRAPH_API_KEY", "rg_mine")
    assert settings.load_client().key == "rg_mine"


def test_without_an_api_key_the_error_says_how_to_give_one(
    no_settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REELGRAPH_DATA_DIR", str(no_settings))
    with pytest.raises(SettingsError) as failure:
        _ = settings.load_client().key
    assert str(failure.value) == (
        "No API key: set REELGRAPH_API_KEY, or run as the user who started the server here"
        f" ({no_settings}/api-key: No such file or directory)."
    )


def test_the_command_lists_every_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    assert cli.main(["settings"]) == 0
    title, *lines = capsys.readouterr().out.splitlines()
    assert title.split() == ["Variable", "Default", "Meaning"]
    for line, (name, default, meaning) in zip(lines, settings.variables(), strict=True):
        assert line.split() == [name, *default.split(), *meaning.split()]


def test_the_data_folder_of_a_user_follows_the_desktops_convention(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert default_data_dir() == Path("/home/somebody/.local/share/reelgraph")
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert default_data_dir() == Path("/data/reelgraph")


def test_the_data_folder_of_root_is_open_to_the_databases_account(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert default_data_dir() == Path("/var/lib/reelgraph")
