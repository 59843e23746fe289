"""What a program that reads a stranger's file may see of this system: next to nothing.

The protections themselves are in media/launch.py, which the program is started by.
"""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LAUNCHER: Final = Path(__file__).with_name("launch.py")

PROGRAMS: Final = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store")
"""Where systems keep their programs and libraries, and no data."""
OURS: Final = tuple(
    Path(prefix, name)
    for prefix in sorted({sys.prefix, sys.base_prefix})
    for name in ("lib", "lib64", "pyvenv.cfg")
)
"""What this interpreter runs, ffmpeg from a package included. Data may lie beside it."""
NEEDED: Final = (
    *("/etc/ld.so.cache", "/dev/null", "/dev/zero", "/dev/urandom"),
    "/sys/devices/system/cpu/online",  # how many threads to start
)


@dataclass(frozen=True, slots=True)
class Abilities:
    """Which protections this system has."""

    files: bool
    """Programs open only the files that were named for them."""
    network: bool
    """Programs reach nothing by a network, not even this machine."""

    def missing(self) -> list[str]:
        """A sentence for each protection that there is not."""
        sentences = {
            "Programs that read uploads can read other files: the kernel has no Landlock.": (
                self.files
            ),
            "Programs that read uploads can use the network: neither a network namespace nor"
            " a filter of system calls can be made.": self.network,
        }
        return [sentence for sentence, there in sentences.items() if not there]


def abilities() -> Abilities:
    """Try them, in a process of its own. Takes some 20 ms."""
    command = [sys.executable, "-I", "-S", str(LAUNCHER), "abilities"]
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return Abilities(
        files="landlock" in found,
        network="namespace" in found or "filter" in found,
    )


def grants(program: str, *, reads: Sequence[Path], writes: Sequence[Path]) -> list[str]:
    """The launcher's arguments for a program that may use these files and folders, and its own.

    The program is an absolute path. Beside `bin`, a `lib` is taken for its own, too.
    """
    own = Path(program)
    libraries = [own.parent.with_name("lib")] if own.parent.name == "bin" else []
    by_kind = {"-x": [*PROGRAMS, *OURS, own, *libraries], "-r": [*NEEDED, *reads], "-w": writes}
    return [word for kind, paths in by_kind.items() for path in paths for word in (kind, str(path))]


def find(program: str) -> str:
    """Where a program is, as an absolute path; unchanged when there is none."""
    found = shutil.which(program)
    return str(Path(found).absolute()) if found else program
