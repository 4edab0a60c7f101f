"""A scope of the user's service manager for this process: what is in it outlives the login that it came from.

A login by SSH, cron or the console is a scope of logind's. Where logind.conf says KillUserProcesses=yes, that one is
emptied at logout, whatever else is said; and no cgroups may be made in it. A scope of the user's own has neither fault
as long as his service manager lives, which takes lingering. See systemd-run(1), logind.conf(5), loginctl(1).
"""

import os
import pwd
import re
import time
from typing import List

OWN_NAME = re.compile(r"/mini_slurm-[a-z]+-\d+\.scope(/|$)")  # in the path of a cgroup that `enter` has made
BOOTED = "/run/systemd/system"  # is there where systemd runs the machine
LINGERING = "/var/lib/systemd/linger"
RUNTIME = "/run/user"
PATIENCE = 5.0  # seconds for an answer, and for systemd to move us
PAUSE = 0.005  # seconds between two looks
FORGETFUL = (255, 256)  # versions whose logind may end a manager at the last logout all the same: systemd's issue 43361
MANAGER = ("org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager")
LOGIND = ("org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager")


def enter(what: str, pid: int = 0) -> None:
    """Move a process (0: this one) to a scope of its own, called after `what` it is. Raises OSError: why not."""
    pid = pid or os.getpid()
    if OWN_NAME.search(_cgroups(pid)):
        return
    if not os.path.isdir(BOOTED):
        raise OSError("systemd does not run this machine")
    _check_lingering()
    unit = f"mini_slurm-{what}-{pid}.scope"
    properties = [
        *("PIDs", "au", "1", str(pid)),
        *("Delegate", "b", "true"),  # cgroups may be made in it; and it is not ended when the kernel kills a job in it
        *("TasksMax", "t", str((1 << 64) - 1)),  # the user's limits hold, as in a login
        *("CollectMode", "s", "inactive-or-failed"),
    ]
    _ask("call", *MANAGER, "StartTransientUnit", "ssa(sv)a(sa(sv))", unit, "fail", "4", *properties, "0")
    deadline = time.monotonic() + PATIENCE
    while unit not in _cgroups(pid):
        if time.monotonic() > deadline:
            raise OSError(f"systemd has not made {unit}")
        time.sleep(PAUSE)


def _cgroups(pid: int) -> str:
    with open(f"/proc/{pid}/cgroup", errors="surrogateescape") as file:
        return file.read()


def _check_lingering() -> None:
    """Does the user's service manager stay when he logs out? Raises OSError."""
    if not os.path.exists(f"{LINGERING}/{pwd.getpwuid(os.geteuid()).pw_name}"):
        raise OSError("without lingering the user's service manager ends at logout (loginctl enable-linger)")
    version = int(_run(["busctl", "--version"]).split()[1].partition(".")[0])
    if version in FORGETFUL and _ask("get-property", *LOGIND, "KillUserProcesses", bus="--system").strip() != "b true":
        raise OSError(f"systemd {version} may end the user's service manager at logout, and leaves logins alone")


def _ask(*words: str, bus: str = "--user") -> str:
    return _run(["busctl", bus, *words])


def _run(words: List[str]) -> str:
    """What busctl(1) prints. Raises OSError, with what it says instead."""
    import subprocess  # for nobody else in an agent, whose memory counts

    environment = {**os.environ, "XDG_RUNTIME_DIR": f"{RUNTIME}/{os.geteuid()}", "LC_ALL": "C"}
    environment.pop("DBUS_SESSION_BUS_ADDRESS", None)  # of a desktop, perhaps: another manager's
    quiet = subprocess.DEVNULL
    try:
        done = subprocess.run(words, env=environment, stdin=quiet, capture_output=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise OSError(f"busctl has not answered within {PATIENCE:g} s") from None
    if done.returncode:
        raise OSError(done.stderr.decode(errors="replace").strip() or f"busctl ended with {done.returncode}")
    return done.stdout.decode(errors="replace")
