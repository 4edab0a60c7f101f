"""The login node's files, keys and commands. A check is a function and its row in CHECKS."""

from __future__ import annotations

import os
import shlex
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterable, Sequence

from mini_slurm.cli.admin.shims import SHIMS
from mini_slurm.cli.admin.stop import running_controller
from mini_slurm.cli.doctor.findings import GIB, Said, amount, error, note, ok, warning
from mini_slurm.cli.doctor.keys import key_files, ssh_agent
from mini_slurm.clusters.detect import detect
from mini_slurm.clusters.there import find, is_ours
from mini_slurm.config.paths import DATABASE, database_exists, fleet_file, jobs_folder, state_folder
from mini_slurm.controller import autostart
from mini_slurm.errors import StateError
from mini_slurm.model.cluster_entry import ClusterEntry
from mini_slurm.model.cluster_types import CLUSTER_TYPES
from mini_slurm.model.fleet import Fleet

LITTLE = GIB // 4  # bytes
AT_ONCE = 10  # logins that sshd lets begin at a time: MaxStartups


def fleet_path(fleet: Fleet) -> Iterable[Said]:
    """Which file counts, and who may change it."""
    path = fleet_file()
    if path is None:
        yield note("there is no fleet file: the fleet is this machine", "mini-slurm add HOST makes one")
        return
    status = os.stat(path)
    if status.st_mode & stat.S_IWOTH or status.st_uid not in (0, os.geteuid()):
        yield warning(
            f"{path} can be changed by others, who could have your jobs run on their machines", f"chmod go-w {path}"
        )
    yield ok(f"{path}: {len(fleet.machines)} machines, {len(fleet.partitions)} partitions")


def state(fleet: Fleet) -> Iterable[Said]:
    """Where the jobs are kept."""
    try:
        folder = state_folder(create=False)
    except StateError as fault:
        yield error(fault.lines[0], fault.hint)
        return
    free = _free(folder)
    if free < LITTLE:
        yield error(
            f"the state folder {folder} has {amount(free)} free", "make room, or export MINI_SLURM_STATE=FOLDER"
        )
    jobs = jobs_folder(folder, fleet)
    if _free(jobs) < LITTLE:
        yield error(
            f"the jobs' folders {jobs} have {amount(_free(jobs))} free", "make room, or set jobs_dir in [fleet]"
        )
    yield from _database(folder)
    reports = [name for name in _names(folder) if name.startswith("crash-")]
    if reports:
        last = os.path.join(folder, max(reports))
        yield warning(
            f"mini_slurm failed {len(reports)} times; the last report is {last}", f"send it in, and rm {last}"
        )
    yield ok(f"{folder} has {amount(free)} free")


def _database(folder: str) -> Iterable[Said]:
    if not database_exists(folder):
        return
    path = os.path.join(folder, DATABASE)
    try:
        db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
        try:
            (said,) = db.execute("PRAGMA quick_check(1)").fetchone()
        finally:
            db.close()
    except sqlite3.Error as fault:
        said = str(fault)
    if said != "ok":
        yield error(
            f"{path} is damaged: {said}", "mini-slurm stop, then put back a copy of it, or move the state folder away"
        )


def _free(path: str) -> int:
    while not os.path.exists(path):
        path = os.path.dirname(path)
    disk = os.statvfs(path)
    return disk.f_bavail * disk.f_frsize


def _names(folder: str) -> list[str]:
    return os.listdir(folder) if os.path.isdir(folder) else []


def controller(fleet: Fleet) -> Iterable[Said]:
    """The process that looks after the jobs."""
    folder = state_folder(create=False)
    pid = running_controller(folder) if os.path.isdir(folder) else None
    yield ok(
        f"the controller runs (pid {pid}); its log is {folder}/{autostart.LOG}" if pid else "no controller runs now"
    )


def jump_hosts(fleet: Fleet) -> Iterable[Said]:
    """Many machines behind one host meet its sshd's limit of logins under way."""
    names = [entry.jump_host for entry in fleet.machines.values() if entry.jump_host]
    for name in dict.fromkeys(names):
        if names.count(name) > AT_ONCE:
            yield note(
                f"{names.count(name)} machines are reached through {name}, whose sshd lets {AT_ONCE} logins begin at a"
                " time; the others are tried again",
                f"set MaxStartups {2 * names.count(name)} in sshd_config of {name}",
            )


def shims(fleet: Fleet) -> Iterable[Said]:
    """What Slurm's names lead to."""
    paths = {name: shutil.which(name) for name in SHIMS}
    ours = [name for name, path in paths.items() if path and is_ours(path)]
    real = [path for path in paths.values() if path and not is_ours(path)]
    if ours and real:
        others = ", ".join(os.path.basename(path) for path in real[:3])
        yield error(
            f"Slurm's names lead to two systems: {', '.join(ours[:3])} to mini_slurm, {others} to another",
            "mini-slurm shims DIR again, and put that folder first on PATH",
        )
    elif ours:
        missing = [name for name in SHIMS if name not in ours]
        if missing:
            yield warning(f"{', '.join(missing)} has no link", "mini-slurm shims DIR again")
        yield ok(f"Slurm's names lead to mini_slurm, in {os.path.dirname(str(paths[ours[0]]))}")
    else:
        yield _without_shims(real)


def _without_shims(real: Sequence[str]) -> Said:
    hidden = next((folder for folder in os.get_exec_path() if _has_shims(folder)), None)
    if hidden is not None:
        return warning(
            f"the links to mini_slurm in {hidden} come after a real Slurm in {os.path.dirname(real[0])} on PATH",
            f"export PATH={shlex.quote(hidden)}:$PATH",
        )
    return note(
        "tools made for Slurm do not find mini_slurm" + (": PATH leads to a real Slurm" if real else ""),
        "mini-slurm shims DIR, and put that folder first on PATH",
    )


def _has_shims(folder: str) -> bool:
    return any(is_ours(path) for name in SHIMS if (path := shutil.which(name, path=folder)))


def installation(fleet: Fleet) -> Iterable[Said]:
    """Our own commands."""
    missing = [name for name in SHIMS.values() if shutil.which(name) is None]
    if missing:
        yield warning(f"{', '.join(missing[:3])} is not on PATH", "put the folder of mini-slurm on PATH")


def real_systems(fleet: Fleet) -> Iterable[Said]:
    """Other systems that jobs could go to."""
    here = detect()
    if here is not None and not any(entry.host is None for entry in fleet.clusters.values()):
        yield note(
            f"a real {here.type} is in reach of this machine",
            f'write type = "{here.type}" in [clusters.{here.name}] of the fleet file, then msbatch -M {here.name}',
        )
    for entry in fleet.clusters.values():
        yield from _commands_here(entry)


def _commands_here(entry: ClusterEntry) -> Iterable[Said]:
    if entry.host is not None:
        return  # it is asked by ssh
    command = CLUSTER_TYPES[entry.type].submit
    path = find(command, entry.folder)
    if path is None:
        yield error(
            f"cluster {entry.name}: there is no {command} {f'in {entry.folder}' if entry.folder else 'on PATH'}",
            f"correct folder in [clusters.{entry.name}]",
        )
    else:
        yield ok(f"cluster {entry.name}: {path}")


# To add one: a function, and its row.
CHECKS: tuple[tuple[str, Callable[[Fleet], Iterable[Said]]], ...] = (
    ("fleet file", fleet_path), ("state", state), ("controller", controller), ("keys", key_files), ("keys", ssh_agent),
    ("jump hosts", jump_hosts), ("shims", shims), ("commands", installation), ("clusters", real_systems),
)  # fmt: skip


def judge(fleet: Fleet) -> Iterable[tuple[str, Said]]:
    """All findings, each with its check's name; a check that cannot be made says why."""
    for name, check in CHECKS:
        try:
            yield from [(name, said) for said in check(fleet)]
        except (OSError, StateError) as fault:
            yield name, note(f"could not be looked at: {fault}")
