"""A submission without the world around it: the words of a command line, a script and variables to a job."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from mini_slurm.model.job import Job
from mini_slurm.options import collect
from mini_slurm.options.collect import Values
from mini_slurm.options.describe import make_job
from mini_slurm.options.grammar import parse
from mini_slurm.options.script import script_settings
from mini_slurm.options.settle import settle
from mini_slurm.options.table import OPTIONS

NONE: Mapping[str, str] = {}
HOSTS = "node1,node2,node1"


def gather(
    line: str = "", *, script: str = "", environment: Mapping[str, str] = NONE, told: list[str] | None = None
) -> Values:
    """What was asked for, not settled yet; what the user is told goes to `told`."""
    tell = ([] if told is None else told).append
    values = Values(lambda option, text: 60.0, tell, tell)
    text = f"#!/bin/sh\n#SBATCH {script}\n".encode()
    values.take(script_settings("sbatch", "job.sh", text, OPTIONS, tell), collect.SCRIPT)
    values.take_environment(environment)
    values.take(parse("sbatch", shlex.split(line), OPTIONS, permute=False)[0], collect.COMMAND_LINE)
    return values


def settled(
    line: str = "", *, script: str = "", environment: Mapping[str, str] = NONE, told: list[str] | None = None
) -> Values:
    """What was asked for, brought together; every file of machines holds HOSTS."""
    values = gather(line, script=script, environment=environment, told=told)
    settle(values, lambda path, count: HOSTS)
    return values


def described(line: str = "", *, script: str = "", environment: Mapping[str, str] = NONE) -> Job:
    """The job that comes of it."""
    return make_job(settled(line, script=script, environment=environment))
