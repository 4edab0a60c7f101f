"""What an agent reports of its machine and of attempts there, as the store and the core have it."""

from __future__ import annotations

import json

from mini_slurm.controller import trust
from mini_slurm.model.arrays import format_tasks
from mini_slurm.model.foreign_use import format_uses
from mini_slurm.model.machine import Machine
from mini_slurm.model.resources import format_gpus
from mini_slurm.protocol.messages import Ended, Outside, Started, Welcome
from mini_slurm.scheduler.events import AttemptEnded, AttemptStarted


def machine(name: str, message: Welcome, now: float) -> Machine:
    """A machine that has just been connected."""
    gpus: dict[str, int] = {}
    for gpu in message.gpus:
        kind = str(gpu.get("type", ""))
        gpus[kind] = gpus.get(kind, 0) + 1
    return Machine(
        name=name,
        state="UP",
        cpus=message.cpus,
        memory=message.memory,
        gpus=format_gpus(gpus),
        gpu_details=json.dumps(message.gpus),
        boot_id=trust.text(message.boot_id),
        hostname=trust.text(message.hostname),
        python=trust.text(message.python),
        contacted=now,
        architecture=trust.text(message.architecture),
        system=trust.text(message.system),
        boot_time=trust.moment(now, message.boot_age),
        agent_time=trust.moment(now, message.agent_age),
        load=max(message.load, 0.0),
        free_memory=max(message.free_memory, 0),
        limits=_limits(message),
    )


def _limits(message: Welcome) -> str:
    """How a machine holds jobs to what they asked for, as model/machine.py has it."""
    told = {"memory": message.memory_limit, "cpus": message.cpu_limit, "gpus": message.gpu_limit}
    return json.dumps({kind: trust.text(how) for kind, how in told.items()} if message.memory_limit else {})


def use(message: Outside, now: float) -> dict[str, str]:
    """The columns of a machine that say who uses it besides jobs, and which jobs hold GPUs without using them."""
    idle = {attempt.split(".")[1]: trust.moment(now, age) for attempt, age in message.idle.items()}
    return {
        "outside": format_uses(trust.uses(message, now)),
        "blocked_gpus": format_gpus(message.blocked),
        "idle_gpus": json.dumps(idle),
    }


def started(machine: str, message: Started, now: float) -> AttemptStarted:
    """An attempt runs."""
    cpus, gpus = format_tasks(sorted(message.cpu_ids)), trust.text(",".join(message.gpu_ids))
    return AttemptStarted(machine, message.attempt, trust.moment(now, message.age), cpus, gpus)


def ended(machine: str, message: Ended, now: float) -> AttemptEnded:
    """An attempt is over."""
    return AttemptEnded(
        machine,
        message.attempt,
        trust.moment(now, message.age),
        message.cause,
        message.exit_code,
        message.exit_signal,
        message.max_rss,
        message.user_seconds,
        message.system_seconds,
        message.gpu_memory,
        message.gpu_utilization,
    )
