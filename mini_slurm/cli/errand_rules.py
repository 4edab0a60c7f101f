"""What a job may have done for it: look at everything, act on itself; more only with submit_from_jobs = true."""

from __future__ import annotations

import re

from mini_slurm.errors import Refused
from mini_slurm.options.grammar import parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LOOKING = ("sacct", "sdiag", "sinfo", "sprio", "squeue", "sreport", "sshare", "sstat")
HELP = frozenset({"help", "usage", "version"})
OF_SCANCEL = HELP | {"batch", "ctld", "full", "hurry", "quiet", "signal", "verbose"}
SHOWING = ("completing", "errnostr", "errnumstr", "help", "ping", "version")
ON_ITSELF = ("hold", "holdu", "uhold", "release", "requeue", "requeuehold", "suspend", "resume", "wait_job")
FILES = ("hostnames", "hostlist", "hostlistsorted")  # these may read files; a job has them answered where it runs
ELSEWHERE = "SLURM_CLUSTERS"  # a variable that has a command speak to other clusters, where numbers are other jobs'
ADVICE = "submit_from_jobs = true in the fleet file allows it"


def check(order: dict[str, Any], words: list[str]) -> None:
    """Raises Refused when this is not a job's to ask for."""
    program = order["program"]
    if order["may_submit"] or program in LOOKING:
        return
    if program == "scancel":
        _check_scancel(order, words)
    elif program == "scontrol":
        _check_scontrol(order, words)
    elif program != "sacctmgr" or words[:1] not in (["show"], ["list"]):
        what = "submit jobs" if program == "sbatch" else f"use {program}"
        raise Refused(f"a job may not {what} here: {ADVICE}")


def _check_scancel(order: dict[str, Any], arguments: list[str]) -> None:
    from mini_slurm.options.scancel import OPTIONS

    given, words = parse("scancel", arguments, OPTIONS, permute=True, exit_code=1)
    fields = {setting.option.field for setting in given}
    if not fields <= OF_SCANCEL or ELSEWHERE in order["environment"]:
        raise Refused(f"a job may cancel nothing but itself here: {ADVICE}")
    _check_own(order, words)


def _check_scontrol(order: dict[str, Any], arguments: list[str]) -> None:
    from mini_slurm.cli.control.verbs import ENTITIES, VERBS, find
    from mini_slurm.options.scontrol import OPTIONS

    given, words = parse("scontrol", arguments, OPTIONS, permute=True, exit_code=1)
    fields = {setting.option.field for setting in given}
    verb = find(words[0], VERBS) if words else None
    entity = find(words[1].partition("=")[0], ENTITIES) if len(words) > 1 else None
    if (
        verb is not None
        and verb.name in ON_ITSELF
        and "cluster" not in fields
        and ELSEWHERE not in order["environment"]
    ):
        _check_own(order, words[1:])
    elif verb is not None and verb.name == "show":
        if entity is not None and entity.name in FILES:
            raise Refused(f"`show {entity.name}` is answered on the machine")
    elif (verb is None or verb.name not in SHOWING) and not HELP & fields:
        raise Refused(f"a job may use scontrol on nothing but itself here: {ADVICE}")


def _check_own(order: dict[str, Any], words: list[str]) -> None:
    """Do these words name the job itself, or its steps, and nothing else? Raises Refused."""
    own = {str(order["job_id"])}
    if order["array_job_id"] is not None:
        own.discard(str(order["array_job_id"]))  # that would be the whole array
        own.add(f"{order['array_job_id']}_{order['array_task_id']}")
    for word in words:
        for part in re.sub(r"^job(id)?=", "", word, flags=re.IGNORECASE).split(","):
            if part.partition(".")[0] not in own:
                raise Refused(f"{part} is not this job, which may act on nothing but itself here: {ADVICE}")
