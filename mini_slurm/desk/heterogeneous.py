"""What is said of the parts of a heterogeneous job, on the command line and in the script."""

from __future__ import annotations

from mini_slurm.desk.submission import Script
from mini_slurm.errors import Refused
from mini_slurm.model.job import Job
from mini_slurm.options.grammar import Setting
from mini_slurm.options.script import INHERITED, script_words
from mini_slurm.options.table import JobOption


def complete(given: list[list[Setting]], script: Script) -> list[list[Setting]]:
    """The settings of every part, with those that the parts before it hand on.

    There are as many parts as the command line or the script has, whichever has more.
    """
    count = max(len(given), len(script_words(script.name, script.data, *[lambda line: None] * 2)))
    return handed_on([*given, *[[]] * (count - len(given))])


def read_first(given: list[list[Setting]]) -> list[Setting]:
    """What counts for all parts, but least: sbatch first reads its command line as if there were no parts."""
    read = [setting for part in given for setting in part if setting.option.long in INHERITED]
    return [setting for setting in read if isinstance(setting.option, JobOption) and not setting.option.adds]


def handed_on(given: list[list[Setting]]) -> list[list[Setting]]:
    """The settings of every part, with those that the parts before it hand on."""
    found: list[list[Setting]] = []
    inherited: list[Setting] = []
    for part in given:
        found.append([*inherited, *part])
        inherited += [setting for setting in part if setting.option.long in INHERITED]
    return found


def check(parts: list[Job]) -> None:
    """Whether the parts can be one job. Whoever holds one of them holds it, and it waits for what they wait for.

    Raises Refused.
    """
    if any(part.array_tasks is not None for part in parts):
        raise Refused(
            "Batch job submission failed: Invalid job array specification",
            hint="a heterogeneous job cannot be an array: submit one for each task",
        )
    if not all(part.priority for part in parts):
        for part in parts:
            part.priority, part.reason = 0, "JobHeldUser"
    parts[0].dependency = ",".join(dict.fromkeys(part.dependency for part in parts if part.dependency)) or None
    for part in parts[1:]:
        part.dependency = None
