"""Ordinary accounts for a test's run: made when it begins, gone with all their processes when it ends."""

from __future__ import annotations

import grp
import os
import pwd
import re
import shutil
import subprocess
from pathlib import Path

from tests.fleet import processes

MARK = "mini_slurm test of process "  # the comment field of an account, and whose run it serves
PATH = "/usr/sbin:/sbin:/usr/bin:/bin"
NUMBERS = range(2000, 9000)  # uid and gid are one number of four digits, as on the cluster of the recordings
LETTERS = "abcdefghijklmnopqrstuvwxyz"
LIMIT = 30  # seconds for one of the programs


def missing() -> str:
    """Why no account can be made here; empty when all is there."""
    if os.geteuid() != 0:
        return "accounts can be made by root only"
    for program in ("useradd", "userdel", "groupadd", "runuser"):
        if not shutil.which(program, path=PATH):
            return f"{program} is not installed (Debian: apt install passwd util-linux)"
    return ""


def make(stem: str = "conf") -> pwd.struct_passwd:
    """A new account with a home of its own: the stem and a letter. Accounts that a dead run left behind are removed."""
    for entry in pwd.getpwall():
        if (owner := _run_of(entry)) is not None and not processes.alive(owner):
            remove(entry.pw_name)
    taken = {entry.pw_name for entry in pwd.getpwall()} | {entry.gr_name for entry in grp.getgrall()}
    for login in (stem + letter for letter in LETTERS):
        if login not in taken and _add(login):
            return pwd.getpwnam(login)
    raise RuntimeError(f"no account {stem}a to {stem}z could be made: see /etc/passwd and /etc/group")


def remove(login: str) -> None:
    """Take away an account that make() made, and all that it owns at home; its processes end first."""
    entry = pwd.getpwnam(login)
    assert _run_of(entry) is not None, f"{login} is not an account of the tests"
    while left := _processes_of(entry.pw_uid):
        processes.kill(left)
    _run("userdel", "--force", login)  # ... which removes the group of this name
    shutil.rmtree(entry.pw_dir, ignore_errors=True)


def _add(login: str) -> bool:
    used = {entry.pw_uid for entry in pwd.getpwall()} | {entry.gr_gid for entry in grp.getgrall()}
    number = str(next(number for number in NUMBERS if number not in used))
    if not _run("groupadd", "--gid", number, login):
        return False
    words = ["--uid", number, "--gid", number, "--create-home", "--shell", "/bin/bash"]
    # No password, but not locked: sshd refuses locked accounts.
    return _run("useradd", *words, "--comment", f"{MARK}{os.getpid()}", "--password", "*", login)


def _run(program: str, *words: str) -> bool:
    environment = {**os.environ, "PATH": PATH}
    done = subprocess.run([program, *words], env=environment, capture_output=True, text=True, timeout=LIMIT)
    return done.returncode == 0


def _run_of(entry: pwd.struct_passwd) -> int | None:
    """The process that the account was made for; None when it is no account of the tests."""
    found = re.fullmatch(re.escape(MARK) + r"(\d+)", entry.pw_gecos)
    return int(found[1]) if found else None


def _processes_of(uid: int) -> list[processes.Process]:
    found = []
    for process in processes.everything().values():
        try:
            if Path(f"/proc/{process.pid}").stat().st_uid == uid:
                found.append(process)
        except OSError:
            continue  # it is gone
    return found
