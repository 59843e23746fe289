"""Become another program, confined and under limits, and never outlive who asked for it.

Run by path, with the interpreter's `-I -S`, by `media.process`; it imports nothing of ours:

    launch.py PARENT NICE MEMORY CPU_S FILE_SIZE [-r|-x|-w PATH]... -- PROGRAM ARGUMENT...
    launch.py abilities

The program may read below each `-r`, run programs as well below `-x`, and write below `-w`;
it has no network. A protection that the system lacks is left out. `abilities` prints the names
of those that it has.

Unlike a `preexec_fn`, this runs after the fork's `exec`, so no lock of the parent's threads
can be held here.
"""

import ctypes
import os
import resource
import signal
import stat
import struct
import sys

OPEN_FILES = 256

PR_SET_PDEATHSIG = 1
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_NO_NEW_PRIVS = 38
SECCOMP_MODE_FILTER = 2
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000

CAPABILITIES = 64
KEPT_CAPABILITIES = (1, 2)
"""To open files whatever their mode says: root's files may belong to somebody else."""

# https://docs.kernel.org/userspace-api/landlock.html
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
ASK_VERSION = 1
PATH_BENEATH = 1
EXECUTE, WRITE_FILE, READ_FILE, READ_DIRECTORY = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REMOVE_FILE, MAKE_DIRECTORY, MAKE_FILE = 1 << 5, 1 << 7, 1 << 8
TRUNCATE = 1 << 14
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE
"""What can be said of a file that is no folder."""
READ = READ_FILE | READ_DIRECTORY
# No links: our own process will read what it finds there, and would follow them anywhere.
WRITE = WRITE_FILE | TRUNCATE | REMOVE_FILE | MAKE_FILE | MAKE_DIRECTORY
RIGHTS = {"-r": READ, "-x": READ | EXECUTE, "-w": READ | WRITE}
FILE_RIGHTS = ((1, (1 << 13) - 1), (2, 1 << 13), (3, TRUNCATE), (5, 1 << 15))
"""The rights to files, by the version that brought them. What is not granted is refused."""
NETWORK_VERSION, NETWORK_RIGHTS = 4, 0b11
SCOPE_VERSION, SCOPES = 6, 0b11
"""Abstract sockets and signals, to processes that are not confined."""

SOCKET_CALLS = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
"""For each machine: its number in AUDIT_ARCH_*, and that of its `socket` call."""
IO_URING_SETUP = 425
FOREIGN_CALLS = 0x40000000
"""From here on, x86-64 counts its calls once more for another ABI."""

libc = ctypes.CDLL(None, use_errno=True)


def main(arguments: list[str]) -> None:
    if arguments == ["abilities"]:
        print(*abilities())  # noqa: T201 - the reply
        return
    parent, nice, memory, cpu_s, file_size = map(int, arguments[:5])
    end = arguments.index("--")
    grants, command = arguments[5:end], arguments[end + 1 :]
    if sys.platform == "linux":
        without_network()
        # Kept across exec, but not across a change of credentials. It follows the thread that
        # started us: the event loop's.
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above could notice
        sys.exit(1)
    os.nice(nice)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    # Both at once means SIGKILL. To SIGXCPU, ffmpeg would listen, and end as if asked to.
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        without_privileges()
        without_sockets()
        within(list(zip(grants[::2], grants[1::2], strict=True)))
    os.execvp(command[0], command)  # noqa: S606 - no shell is what we want


def abilities() -> list[str]:
    """Protect this process, and name the ways in which that succeeded."""
    if sys.platform != "linux":
        return []
    namespace = without_network()
    without_privileges()
    found = {"namespace": namespace, "filter": without_sockets(), "landlock": within([])}
    return [name for name, there in found.items() if there]


def without_network() -> bool:
    """Move to an empty network; who may not do so may do it as the root of a new user space."""
    return libc.unshare(CLONE_NEWNET) == 0 or libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0


def without_privileges() -> None:
    """Let no program that is run from here gain any, nor root keep what ffmpeg does not need."""
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    for capability in range(CAPABILITIES):
        if capability not in KEPT_CAPABILITIES:
            libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


def without_sockets() -> bool:
    """Refuse to make one, by any of the ways that the machine has."""
    arch, socket = SOCKET_CALLS.get(os.uname().machine, (0, 0))
    if not arch or sys.maxsize < 1 << 32:
        return False
    load, jump_equal, jump_from, reply = 0x20, 0x15, 0x35, 0x06
    allow, refuse, kill = 0x7FFF0000, 0x00050000 | 13, 0x80000000
    steps = (
        (load, 0, 0, 4),  # the machine that the call is for
        (jump_equal, 0, 6, arch),
        (load, 0, 0, 0),  # the number of the call
        (jump_from, 2, 0, FOREIGN_CALLS),
        (jump_equal, 1, 0, socket),
        (jump_equal, 0, 1, IO_URING_SETUP),  # its rings could make a socket, too
        (reply, 0, 0, refuse),
        (reply, 0, 0, allow),
        (reply, 0, 0, kill),
    )
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = struct.pack("@HP", len(steps), ctypes.addressof(code))
    return libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0) == 0


def within(grants: list[tuple[str, str]]) -> bool:
    """Refuse every file but those granted; a path that is not there grants nothing."""
    version = libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ASK_VERSION)
    if version < 1:
        return False
    handled = sum(rights for since, rights in FILE_RIGHTS if version >= since)
    network = NETWORK_RIGHTS if version >= NETWORK_VERSION else 0
    scopes = SCOPES if version >= SCOPE_VERSION else 0
    wanted = struct.pack("=QQQ", handled, network, scopes)
    rules = libc.syscall(CREATE_RULESET, wanted, ctypes.c_size_t(len(wanted)), 0)
    if rules < 0:
        return False
    for kind, path in grants:
        grant(rules, path, RIGHTS[kind] & handled)
    confined = libc.syscall(RESTRICT_SELF, rules, 0) == 0
    os.close(rules)
    return confined


def grant(rules: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    if not stat.S_ISDIR(os.fstat(place).st_mode):
        rights &= OF_FILES
    libc.syscall(ADD_RULE, rules, PATH_BENEATH, struct.pack("=Qi", rights, place), 0)
    os.close(place)


if __name__ == "__main__":
    main(sys.argv[1:])
