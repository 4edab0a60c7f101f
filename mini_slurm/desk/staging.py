"""--stage-in, --stage-out, --snapshot of a submission: what they mean here and now, kept with the job."""

from __future__ import annotations

import os

from mini_slurm.desk import submission
from mini_slurm.errors import Refused
from mini_slurm.model.staging import Input, Plan, Result, inside, to_text, within
from mini_slurm.staging.snapshot import Snapshots

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mini_slurm.model.job import Job
    from mini_slurm.options.collect import Values

    Note = Callable[[int, int], None]


def attach(jobs: Sequence[Job], values: Sequence[Values], state: str, note: Note) -> None:
    """Note what the job, or each part of a heterogeneous one, wants brought, and take its snapshot. Raises Refused."""
    if submission.SENT:
        raise Refused("--stage-in, --stage-out and --snapshot are not for jobs that jobs submit: name them at login")
    base = os.path.realpath(submission.working_folder())
    root, snapshot = base, ""
    kinds = {str(one.of["snapshot"]) for one in values if one.of.get("snapshot")}
    if len(kinds) > 1:
        raise Refused("--snapshot: the parts of a job have one folder: name the same for all, git or dir")
    for kind in kinds:
        root, snapshot = _snapshot(state, base, kind, note)
    for job, one in zip(jobs, values, strict=True):
        job.stage = to_text(_plan(one, base, root, snapshot if one.of.get("snapshot") else ""))


def _plan(values: Values, base: str, root: str, snapshot: str) -> Plan:
    """What one part's options say. Raises Refused."""
    at = within(base, root) or ""
    stage_in, stage_out = values.of.get("stage_in", ()), values.of.get("stage_out", ())
    assert isinstance(stage_in, tuple) and isinstance(stage_out, tuple)
    inputs = tuple(_input(path, dest, base, at) for path, dest in stage_in)
    results = tuple(_result(pattern, dest, base, at) for pattern, dest in stage_out)
    return Plan(root, inputs, results, snapshot)


def _input(given: str, dest: str | None, base: str, at: str) -> Input:
    """A file or folder that has to be there now; what is in it counts when the job starts. Raises Refused."""
    path = os.path.normpath(os.path.join(base, given))
    try:
        os.stat(path)
    except OSError as error:
        raise Refused(f"--stage-in: {given}: {error.strerror}") from None
    if dest is None:
        below = within(path, base)
        dest = os.path.basename(path) if below is None else below
    elif dest.endswith("/") or not dest:
        dest += os.path.basename(path)
    place = inside(f"{at}/{dest}".lstrip("/"))
    if not place and not os.path.isdir(path):
        raise Refused(f"--stage-in: {given}: give it a name, as in {given}:NAME")
    return Input(path, place)


def _result(pattern: str, dest: str | None, base: str, at: str) -> Result:
    place = f"{at}/{pattern}".lstrip("/")
    return Result(place, "" if dest is None else os.path.join(base, dest))


def _snapshot(state: str, base: str, kind: str, note: Note) -> tuple[str, str]:
    """Take it; the folder that it is of, and its name. Raises Refused."""
    try:
        name, root = Snapshots(state).take(base, kind, note)
    except OSError as error:
        raise Refused(f"--snapshot: {os.fsdecode(error.filename or state)}: {error.strerror or error}") from None
    return root, name
