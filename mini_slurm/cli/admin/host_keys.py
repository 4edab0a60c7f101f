"""Asking whether a machine's host key is to be trusted, in ssh's words."""

from __future__ import annotations

import asyncio

from mini_slurm.errors import Refused
from mini_slurm.links.known_hosts import HostKey, remember
from mini_slurm.links.ssh_route import scan_host_key
from mini_slurm.model.fleet import MachineEntry

NAMES = {"ssh-ed25519": "ED25519", "ssh-rsa": "RSA"}
ANSWERS = 10  # that are waited for: a program's, such as yes(1)'s, may never end


def trust(entry: MachineEntry, ssh_config: str | None, fingerprints: tuple[str, ...], *, ask: bool) -> None:
    """See to it that the machine's key is known; a new one is shown and asked for. Raises Refused, Unreachable."""
    key = asyncio.run(scan_host_key(entry, ssh_config=ssh_config))
    if fingerprints and key.fingerprint not in fingerprints:
        raise Refused(
            f"{entry.name}: its host key is {key.fingerprint}, not the one that --fingerprint names",
            hint="somebody may be listening in: ask who looks after the machine",
        )
    if key.state == "known":
        return
    if key.state == "changed":
        raise Refused(
            f"{entry.name}: its host key is {key.fingerprint}, and {key.path} has another one for it",
            hint="somebody may be listening in, or the machine was set up anew: find out, then ssh-keygen -R "
            + key.line.split()[0],
        )
    if ask and not _says_yes(entry, key):
        raise Refused(f"{entry.name}: its host key was not accepted")
    remember(key)


def _says_yes(entry: MachineEntry, key: HostKey) -> bool:
    """As ssh asks: yes, no, or the fingerprint itself."""
    kind = NAMES.get(key.kind, "ECDSA")
    print(f"The authenticity of host '{entry.host}' can't be established.")
    print(f"{kind} key fingerprint is {key.fingerprint}.")
    question = "Are you sure you want to continue connecting (yes/no/[fingerprint])? "
    for _ in range(ANSWERS):
        try:
            answer = input(question).strip()
        except EOFError:
            print()
            return False
        if answer == key.fingerprint or answer.lower() == "yes":
            return True
        if answer.lower() == "no":
            return False
        question = "Please type 'yes', 'no' or the fingerprint: "
    print()
    return False
