"""Which machines reach which, by name and port."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from mini_slurm.cli.doctor.findings import ERROR, OK, WARNING, Finding
from mini_slurm.model.hostlist import compress, natural

ANY = "any"
# Ports of what tools on several machines listen at; 0, 0: what the kernel gives to programs that ask for any.
RANGES = (
    (ANY, 0, 0),
    ("Lightning", 15000, 24999),
    ("torchrun", 29400, 29599),
    ("JAX", 61440, 65535),
    ("Ray", 6379, 6479),
)
MOST = 4  # findings that a trouble of many pairs is split into
ANY_PORT = "any port"
OPEN = "open these ports between the machines"
NAMES = 'give the names to /etc/hosts or the name server there, or write node_names = "address" in [fleet]'
ADDRESSES = "correct `address` or `host` of the machines in the fleet file"
LOGIN_NAME = (
    "give this login node's name to /etc/hosts or the name server there; tools that wait here for words of jobs\
 (Dask, parsl, jupyterhub) need it, or are told an address of it"
)
USERS = {ANY: "MPI, Dask, parsl, jupyterhub"}


class Pair(NamedTuple):
    """One machine that looked for another."""

    machine: str
    other: str
    found: Mapping[str, Any]  # as agent/checkup.py says it


def findings(pairs: Iterable[Pair], by_address: bool, login: str = "") -> list[Finding]:
    """What is wrong, told once for all machines that it is wrong with.

    `by_address`: as node_names says; `login`: the login node's name, where it is no machine of the fleet.
    """
    pairs = list(pairs)
    troubles: dict[tuple[str, str, str], dict[str, list[str]]] = {}
    for pair in pairs:
        for level, what, fix in _troubles(pair, by_address, pair.other == login):
            troubles.setdefault((level, what, fix), {}).setdefault(pair.other, []).append(pair.machine)
    found = [_told(*key, group) for key, others in troubles.items() for group in _groups(others)]
    if pairs and not found:
        found = [Finding(OK, "", "network", f"all machines reach each other by name ({len(pairs)} pairs)")]
    return found


def _groups(others: dict[str, list[str]]) -> list[dict[str, list[str]]]:
    """Split by cause: machines that do not find each other, and others that the same machines do not find."""
    if _count(others) == _all(others):
        return [others]
    around: dict[frozenset[str], list[str]] = {}
    for other, machines in others.items():
        around.setdefault(frozenset([other, *machines]), []).append(other)
    mutual = {other for members, found in around.items() for other in found if members == frozenset(found)}
    groups: dict[frozenset[str], dict[str, list[str]]] = {}
    for other, machines in others.items():
        groups.setdefault(frozenset(machines) | ({other} if other in mutual else set()), {})[other] = machines
    return list(groups.values()) if len(groups) <= MOST else [others]


def _count(others: Mapping[str, Sequence[str]]) -> int:
    return sum(map(len, others.values()))


def _all(others: Mapping[str, Sequence[str]]) -> int:
    """How many pairs they would be if all of the machines were in trouble with all of the others."""
    machines = {name for names in others.values() for name in names}
    return len(machines) * len(others) - len(machines & set(others))


def _troubles(pair: Pair, by_address: bool, is_login: bool) -> Iterable[tuple[str, str, str]]:
    """Level, what and how to mend it."""
    found = pair.found
    if not found["addresses"]:
        why = found.get("fault", "the name server does not answer in time")
        fix = ADDRESSES if by_address else NAMES
        if is_login:
            fix = LOGIN_NAME
        yield WARNING, f"{{others}} cannot be looked up on {{machines}}: {why}", fix
        return
    unanswered = {name: why for name, why in found["ports"].items() if why}
    if len(unanswered) == len(found["ports"]) and len(set(unanswered.values())) == 1:
        yield _unreached(pair, next(iter(unanswered.values())), ANY_PORT)
        return
    for name, why in unanswered.items():
        first, last = next((first, last) for key, first, last in RANGES if key == name)
        ports = f"ports {first}-{last} ({name})" if first else f"the usual range of ports ({USERS[name]})"
        yield _unreached(pair, why, ports)


def _unreached(pair: Pair, why: str, ports: str) -> tuple[str, str, str]:
    if why == "another machine answers":
        where = ", ".join(pair.found["addresses"])
        fix = "correct /etc/hosts there: a machine's name must lead to it and not to 127.0.0.1 or another machine"
        return ERROR, f"{{others}} leads to another machine on {{machines}} ({where})", fix
    fix = "see that no firewall, route or wrong address is between them" if ports == ANY_PORT else OPEN
    return WARNING, f"{{reach}} at {ports}: {why}", fix


def _told(level: str, what: str, fix: str, others: Mapping[str, Sequence[str]]) -> Finding:
    """One line, the pairs written as hostlists where all of the one meet all of the other, and counted where not."""
    machines = sorted({name for names in others.values() for name in names}, key=natural)
    ours, theirs = compress(machines), compress(sorted(others, key=natural))
    count = _count(others)
    verb = "does" if len(machines) == 1 else "do"
    reach = f"{ours} do not reach each other" if ours == theirs else f"{ours} {verb} not reach {theirs}"
    text = what.format(machines=ours, others=theirs, reach=reach)
    if count != _all(others):
        pairs = [f"{one}->{other}" for other, names in others.items() for one in names]
        text += f" ({count} pairs: {', '.join(pairs[:6])}{', ...' if count > 6 else ''})"
    return Finding(level, ours, "network", text, fix)
