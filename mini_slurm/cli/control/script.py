"""`scontrol write batch_script JOB [FILE]`."""

from __future__ import annotations

import os
import sys

from mini_slurm.cli import common, listing
from mini_slurm.options.script import of_part
from mini_slurm.store import queries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.cli.control.session import Session

NOT_TO_BE_HAD = "job script retrieval failed: "


def write(session: Session, verb: str, words: list[str]) -> None:
    """Write a job's script to a file, `-` for standard output; what goes wrong leaves the exit status alone."""
    what = words[0].lower()
    if len(what) >= 5 and "batch_script".startswith(what):
        if len(words) > 3:
            session.fail(f"too many arguments for keyword:{verb}")
        elif len(words) > 1:
            _write_script(session, words[1], words[2] if len(words) > 2 else None)
    elif what == "config":
        session.fail(f"there is no slurm.conf to write: the fleet is described in {session.fleet.path or 'no file'}")
    else:
        session.fail(f"invalid write argument:{words[0]}")


def _write_script(session: Session, word: str, path: str | None) -> None:
    digits = word[: len(word) - len(word.lstrip("0123456789"))]
    number = int(digits[:9] or 0)
    script = _script(session, number)
    if script is None:
        common.say(NOT_TO_BE_HAD + "Invalid job id specified")
        return
    if path == "-":
        common.tell("")
        sys.stdout.buffer.write(script)
        return
    path = path or f"slurm-{number}.sh"
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666), "wb") as file:
            file.write(script)
    except OSError as error:
        common.say(f"failed to open file `{path}`: {error.strerror}")
        return
    if not session.quiet:
        listing.show([f"batch script for job {number} written to {path}"])


def _script(session: Session, number: int) -> bytes | None:
    where = queries.Where()
    where.jobs([number])
    where.states(None, session.view().now)
    jobs = queries.select_jobs(session.db, ("job_id", "script", "het_job_id", "het_offset"), where)
    if jobs and jobs[0].het_offset and jobs[0].het_job_id:
        whole = _script(session, jobs[0].het_job_id)
        return None if whole is None else of_part(whole, jobs[0].het_offset)
    digest = jobs[0].script if jobs else ""
    return queries.content(session.db, digest) if digest else None
