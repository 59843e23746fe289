"""Become another program, under limits, and never outlive the process that asked for it.

Run by path, with the interpreter's `-I -S`, by `media.process`; it imports nothing of ours:

    launch.py PARENT NICE MEMORY CPU_S FILE_SIZE PROGRAM ARGUMENT...

Unlike a `preexec_fn`, this runs after the fork's `exec`, so no lock of the parent's threads
can be held here.
"""

import ctypes
import os
import resource
import signal
import sys

PR_SET_PDEATHSIG = 1
OPEN_FILES = 256


def main(arguments: list[str]) -> None:
    parent, nice, memory, cpu_s, file_size = map(int, arguments[:5])
    if sys.platform == "linux":
        # Kept across exec. It follows the thread that started us: the event loop's.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above could notice
        sys.exit(1)
    os.nice(nice)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    command = arguments[5:]
    os.execvp(command[0], command)  # noqa: S606 - no shell is what we want


if __name__ == "__main__":
    main(sys.argv[1:])
