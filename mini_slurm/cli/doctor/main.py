"""`mini-slurm doctor`: look at the login node, ask all machines at once, and tell what was found."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from mini_slurm.cli.doctor import here, machines, pairs, show, twins
from mini_slurm.cli.doctor.findings import ERROR, LEVELS, WARNING, Finding, Said, error, ok
from mini_slurm.cli.doctor.subject import Subject
from mini_slurm.config.cache import embedded_fleet
from mini_slurm.config.fleet import read_fleet
from mini_slurm.config.paths import fleet_file
from mini_slurm.errors import FleetError, Refused
from mini_slurm.links.checkup import Checkup, Patient, Plan, examine
from mini_slurm.model.cluster_entry import ClusterEntry
from mini_slurm.model.cluster_types import CLUSTER_TYPES
from mini_slurm.model.fleet import Fleet, MachineEntry
from mini_slurm.model.hostlist import expand

LOGIN_NODE = "(login node)"
USAGE = 2  # exit status of a wrong command line


class Wanted(NamedTuple):
    """The options."""

    machines: tuple[str, ...] = ()  # hostlists; none: all
    json: bool = False
    strict: bool = False
    everything: bool = False
    timeout: float = 30.0  # seconds


class Round(NamedTuple):
    """Everybody who is asked, in the order of the answers."""

    machines: Sequence[MachineEntry]
    login: MachineEntry | None  # the login node, where no machine of the fleet is it
    clusters: Sequence[ClusterEntry]  # on login nodes of their own

    def patients(self) -> list[Patient]:
        """As links take them."""
        name = socket.gethostname()
        fleet = [Patient(entry, (entry.name, name) if entry.local else (entry.name,)) for entry in self.machines]
        login = [Patient(self.login, (name,), has_agent=False)] if self.login else []
        others = [Patient(entry.login, (), has_agent=False, programs=entry.folder) for entry in self.clusters]
        return [*fleet, *login, *others]


def doctor(wanted: Wanted) -> int:
    """Print what was found. Exit status 1 where something does not work, or, strictly, does not work well."""
    try:
        path = fleet_file()
        fleet = read_fleet(path) if path else embedded_fleet()
    except FleetError as fault:
        found = [Finding(ERROR, "", "fleet file", line, fault.hint or "correct the file") for line in fault.lines]
        return tell(found, wanted, {})
    around = _around(fleet, wanted)
    with _token() as token:
        plan = Plan(pairs.RANGES, token, wanted.timeout, fleet.ssh_config)
        checkups = examine(around.patients(), plan)
    found = [Finding(said.level, "", name, said.text, said.fix) for name, said in here.judge(fleet)]
    found += _judged(around, checkups)
    found += twins.findings({entry.name: one for entry, one in zip(around.machines, checkups, strict=False)})
    found += pairs.findings(_pairs(around, checkups), fleet.node_names == "address", _login_name(around))
    facts = {patient.entry.name: dict(one.facts) for patient, one in zip(around.patients(), checkups, strict=True)}
    return tell(found, wanted, facts)


def _around(fleet: Fleet, wanted: Wanted) -> Round:
    """Who is asked. Raises Refused."""
    try:
        names = [name for text in wanted.machines for name in expand(text)]
    except ValueError as fault:
        raise Refused(f"not a hostlist: {fault}", exit_code=USAGE) from None
    names = [fleet.node_name(name) for name in names]
    unknown = [name for name in names if name not in fleet.machines and name not in fleet.clusters]
    if unknown:
        raise Refused(f"{unknown[0]} is no machine of the fleet", hint="msinfo -N lists them", exit_code=USAGE)
    chosen = [entry for name, entry in fleet.machines.items() if not names or name in names]
    login = None if any(entry.local for entry in chosen) else MachineEntry(LOGIN_NODE, LOGIN_NODE, local=True)
    clusters = [entry for name, entry in fleet.clusters.items() if entry.host and (not names or name in names)]
    return Round(chosen, login, clusters)


@contextlib.contextmanager
def _token() -> Iterator[tuple[str, str]]:
    """A file at home, by which machines tell whether they see the same files; its path and text, empty without one."""
    path, text = (
        os.path.join(os.path.expanduser("~"), f".mini_slurm-doctor-{secrets.token_hex(4)}"),
        secrets.token_hex(8),
    )
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "w") as file:
            file.write(text)
    except OSError:
        yield "", ""
        return
    try:
        yield path, text
    finally:
        with contextlib.suppress(OSError):
            os.unlink(path)


def _judged(around: Round, checkups: Sequence[Checkup]) -> list[Finding]:
    rest = iter(checkups)
    found = []
    for entry in around.machines:
        subject = Subject(entry, next(rest), is_login=entry.local)
        found += _findings(entry.name, machines.judge(subject))
    if around.login:
        subject = Subject(around.login, next(rest), is_login=True, runs_jobs=False)
        found += _findings("", machines.judge(subject, machines.OF_LOGIN_NODE))
    for cluster in around.clusters:
        subject = Subject(cluster.login, next(rest), runs_jobs=False)
        said = [*machines.judge(subject, machines.OF_CLUSTERS), *_commands(cluster, subject.found)]
        found += _findings(cluster.name, said)
    return found


def _findings(where: str, said: Iterable[tuple[str, Said]]) -> list[Finding]:
    return [Finding(one.level, where, name, one.text, one.fix) for name, one in said]


def _commands(cluster: ClusterEntry, found: Checkup) -> Iterable[tuple[str, Said]]:
    """Are the commands of a cluster on its login node?"""
    if not found.facts:
        return
    command = CLUSTER_TYPES[cluster.type].submit
    path = found.facts.get("others", {}).get("commands", {}).get(command)
    place = f"in {cluster.folder}" if cluster.folder else "on the PATH of logins without a terminal"
    fix = f"set folder in [clusters.{cluster.name}]"
    yield "clusters", ok(path) if path else error(f"there is no {command} {place}", fix)


def _pairs(around: Round, checkups: Sequence[Checkup]) -> Iterator[pairs.Pair]:
    names = [entry.name for entry in around.machines] + ([_login_name(around)] if around.login else [])
    for name, found in zip(names, checkups, strict=False):
        for one in found.reached:
            if one["name"] != name:
                yield pairs.Pair(name, one["name"], one)


def _login_name(around: Round) -> str:
    """By which the machines look for it; nothing where it is a machine itself."""
    return socket.gethostname() if around.login else ""


def tell(found: Sequence[Finding], wanted: Wanted, facts: Mapping[str, object]) -> int:
    """Show them, the worst first. The exit status."""
    ordered = sorted(found, key=lambda one: -LEVELS.index(one.level))
    if wanted.json:
        show.document(ordered, facts)
    else:
        show.table(ordered, wanted.everything)
    bad = (ERROR, WARNING) if wanted.strict else (ERROR,)
    return int(any(one.level in bad for one in found))
