"""The folders that jobs use on a machine, judged: room, rights, and what kind of file system they lie on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mini_slurm.cli.doctor.findings import GIB, Said, amount, error, note, ok, warning
from mini_slurm.cli.doctor.subject import Facts, Subject
from mini_slurm.config.paths import NETWORK_TYPES

ROOM = 1 * GIB  # bytes of a disk that jobs should find
LITTLE = 64 << 20  # bytes: less is as good as nothing
FILES = 1024  # that can still be made


def spool(subject: Subject, facts: Facts) -> Iterable[Said]:
    """Where the agent keeps scripts and output."""
    place = facts["folders"]["spool"]
    path, other = place["path"], "or export MINI_SLURM_SPOOL=FOLDER at the top of ~/.bashrc there"
    if place["exists"] and (place["link"] or place["uid"] != facts["system"]["uid"] or place["mode"] & 0o077):
        yield error(f"the spool {path} is a link, somebody else's or open to others", f"remove it there, {other}")
    if place["read_only"] or not place["writable"]:
        yield error(f"the spool {path} cannot be written to", f"mount it writable, {other}")
    if place["noexec"]:
        yield error(
            f"the spool {path} lies on a disk mounted noexec: jobs cannot use srun and the other commands", other[3:]
        )
    if place["type"] in NETWORK_TYPES:
        yield warning(f"the spool {path} lies on a network file system ({place['type']})", other[3:])
    yield from _room("spool", place, other)


def _room(name: str, place: Mapping[str, Any], fix: str) -> Iterable[Said]:
    where = f"the {name} {place['path']} has {amount(place['free'])} free of {amount(place['size'])}"
    if place["free"] < LITTLE or (place["files_free"] is not None and place["files_free"] < FILES):
        files = "" if place["free"] < LITTLE else f", but only {place['files_free']} files can still be made"
        yield error(where + files, f"make room there, {fix}")
    elif place["free"] < ROOM:
        yield warning(where, f"make room there, {fix}")
    else:
        yield ok(f"{where} ({place['type']})")


def folders(subject: Subject, facts: Facts) -> Iterable[Said]:
    """What jobs write to besides."""
    for name in ("tmp", "shm"):
        place = facts["folders"][name]
        if not place["exists"] or not place["writable"]:
            yield warning(f"{place['path']} cannot be written to", f"chmod 1777 {place['path']} there, as root")
        elif place["free"] < LITTLE:
            yield warning(f"{place['path']} has {amount(place['free'])} free", f"make room in {place['path']} there")
        elif place["noexec"] and name == "tmp":
            yield note(
                f"{place['path']} is mounted noexec: compilers' tests, pip and others that run programs there fail",
                "export TMPDIR=FOLDER in such jobs, or have it mounted without noexec",
            )
    claims = facts["folders"]["claims"]
    if claims["exists"] and (claims["link"] or not claims["mode"] & 0o1000):
        yield error(f"{claims['path']} is a link, or not sticky", f"as root there: chmod 1777 {claims['path']}")
    yield from _home(facts["folders"]["home"], facts["system"]["user"])


def _home(home: Mapping[str, Any], user: str) -> Iterable[Said]:
    path = home["path"]
    if home["read_only"]:
        yield warning(f"the home {path} is mounted read-only", "have it mounted writable there")
    elif not home["writable"]:
        yield warning(
            f"the home {path} cannot be written to by {user}", f"as root there: chown {user} {path}; chmod u+rwx {path}"
        )
    elif home["free"] < LITTLE:
        yield warning(f"the home {path} has {amount(home['free'])} free", "make room there")
    if home["noexec"]:
        yield warning(
            f"the home {path} is mounted noexec: programs that lie there, as in a venv, cannot be started",
            "have it mounted without noexec there, or install them elsewhere",
        )


def shared_home(subject: Subject, facts: Facts) -> Iterable[Said]:
    """Many tools put their files where they think that all machines see them."""
    if subject.is_login or subject.entry.local:
        return
    if facts["common"]:
        yield ok("files of the login node's home are seen there")
    else:
        yield note(
            "files of the login node's home are not seen there; scripts and output travel, but tools that keep their"
            " own files (submitit, Snakemake, Dask, ...) need a common folder",
            "mount one on all machines, as by NFS, where such tools are used",
        )
