"""With which keys machines are logged in to: their files, and the ssh agents of this shell and of the controller."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable

from mini_slurm.cli.admin.stop import running_controller
from mini_slurm.cli.doctor.findings import Said, note, ok, warning
from mini_slurm.config.paths import state_folder
from mini_slurm.links.ssh_errors import DEFAULT_KEYS, add_key, has_passphrase
from mini_slurm.model.fleet import Fleet

ASK_FOR_KEYS = b"\0\0\0\1\x0b"  # SSH_AGENTC_REQUEST_IDENTITIES
KEYS = 12  # SSH_AGENT_IDENTITIES_ANSWER
SOCKET = "SSH_AUTH_SOCK"


def key_files(fleet: Fleet) -> Iterable[Said]:
    """Are there keys, and can they be used?"""
    path = os.environ.get(SOCKET)
    held = _keys_of(path) if path else 0
    files = _files(fleet)
    for file in files:
        if os.stat(file).st_mode & 0o077:
            yield warning(f"{file} can be read by others, and ssh does not use it then", f"chmod 600 {file}")
        if has_passphrase(file) and not held:
            fix = add_key(file, has_agent=held is not None and bool(path))
            yield warning(f"{file} has a passphrase, and nobody is there to ask for it", fix)
    if not files and not held and _goes_out(fleet):
        yield note("there is no key in ~/.ssh and none in an ssh agent", "ssh-keygen -t ed25519, then ssh-copy-id HOST")


def ssh_agent(fleet: Fleet) -> Iterable[Said]:
    """Which keys a login has from an agent, and whether the controller has the same."""
    path = os.environ.get(SOCKET)
    held = _keys_of(path) if path else 0
    if path and held is None:
        yield warning(f"the ssh agent at {path} does not answer", f"unset {SOCKET}, or eval $(ssh-agent)")
    elif held:
        yield ok(f"the ssh agent holds {held} keys")
        if _goes_out(fleet):
            yield from _of_controller(str(path))


def _of_controller(path: str) -> Iterable[Said]:
    """It keeps the environment of the command that started it, which may have been long ago and elsewhere."""
    pid = running_controller(state_folder(create=False))
    its = _variable(pid, SOCKET) if pid else path
    if its == path or (its and _keys_of(its)):
        return
    what = f"uses the ssh agent at {its}, which has no keys" if its else "was started without this ssh agent"
    yield warning(
        f"the controller (pid {pid}) {what}: it may not log in where you can",
        "mini-slurm stop: jobs go on, and the next command starts it with this one",
    )


def _variable(pid: int, name: str) -> str:
    """Of a process's first environment; "" where it has none."""
    with open(f"/proc/{pid}/environ", "rb") as file:
        values = dict(line.partition(b"=")[::2] for line in file.read().split(b"\0"))
    return os.fsdecode(values.get(name.encode(), b""))


def _files(fleet: Fleet) -> list[str]:
    named = {os.path.expanduser(entry.identity_file): None for entry in fleet.machines.values() if entry.identity_file}
    usual = {os.path.expanduser(f"~/.ssh/{name}"): None for name in DEFAULT_KEYS}
    return [path for path in {**usual, **named} if os.path.exists(path)]


def _goes_out(fleet: Fleet) -> bool:
    return any(not entry.local for entry in fleet.machines.values())


def _keys_of(path: str) -> int | None:
    """How many keys an ssh agent holds; None: it does not answer."""
    try:
        with socket.socket(socket.AF_UNIX) as agent:
            agent.settimeout(2)
            agent.connect(path)
            agent.sendall(ASK_FOR_KEYS)
            head = b""
            while len(head) < 9 and (data := agent.recv(9 - len(head))):
                head += data
    except OSError:
        return None
    return int.from_bytes(head[5:9], "big") if len(head) == 9 and head[4] == KEYS else None
