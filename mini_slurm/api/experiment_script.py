"""The batch script of an experiment: set-up commands, a Ray cluster over the job's nodes, and the experiment on it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mini_slurm.api import experiment_task
from mini_slurm.errors import BadUsage, Refused

FIRST_PORT, LAST_PORT = 10000, 32000  # of the blocks; above them Linux takes ports for outgoing connections
BLOCK = 200  # ports of a job, or more where it has many CPUs
OWN_PORTS = 10  # of a block: Ray's own, before those of its workers
PIECE = 100_000  # bytes; Linux allows 128 KiB in one argument
END = "END_OF_PROGRAM"
LARGEST_ORDER = 1_500_000  # bytes of all pieces; Linux allows about 2 MB in all arguments


@dataclass
class SlurmConfig:
    """What an experiment's job asks for. Raises BadUsage for values that cannot stand in a script.

    cpus_per_task, gpus_per_task: of each node. mem_per_cpu, time_limit: as sbatch takes them.
    setup_commands: lines for the shell, before all else. timeout_seconds: how long the experiment itself may take.
    ray_port, min_worker_port, max_worker_port: None chooses a block of ports of the job's own.
    """

    partition: str | None = "gpu"
    nodes: int = 4
    cpus_per_task: int = 8
    gpus_per_task: int = 1
    time_limit: str = "08:00:00"
    mem_per_cpu: str = "4GB"
    setup_commands: list[str] = field(default_factory=list)
    timeout_seconds: float = 28800
    job_name: str = "experiment"
    exclusive: bool = True
    ray_port: int | None = None
    min_worker_port: int | None = None
    max_worker_port: int | None = None
    python: str = "python"

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, str) and not value.isprintable():
                raise BadUsage(f"{name} cannot hold control characters: {value!r}")
        for name in ("nodes", "cpus_per_task", "gpus_per_task"):
            _check_number(name, getattr(self, name), 0 if name == "gpus_per_task" else 1, 10**6)
        for name in ("ray_port", "min_worker_port", "max_worker_port"):
            if getattr(self, name) is not None:
                _check_number(name, getattr(self, name), 1, 65535)
        if (self.min_worker_port is None) != (self.max_worker_port is None):
            raise BadUsage("min_worker_port and max_worker_port go together", hint="give both, or none of them")
        if self.timeout_seconds <= 0:
            raise BadUsage(f"timeout_seconds must be above 0, not {self.timeout_seconds}")


def _check_number(name: str, value: object, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise BadUsage(f"{name} must be a whole number from {least} to {most}, not {value!r}")


@dataclass(frozen=True)
class Order:
    """One experiment: the function `module:name`, and how it is called."""

    name: str
    run_id: str
    function: str
    config: dict[str, Any]
    keywords: bool
    seconds: float

    def pieces(self) -> list[str]:
        """As JSON, in pieces that a command line can hold. Raises Refused when it is too large for one."""
        try:
            text = json.dumps(vars(self))
        except (TypeError, ValueError) as error:
            raise Refused(f"the configuration of {self.run_id} is not JSON: {error}") from error
        if len(text) > LARGEST_ORDER:
            hint = "write large values to a file, and give the experiment its path"
            raise Refused(f"the configuration of {self.run_id} has {len(text)} bytes, too many for a job", hint=hint)
        return [text[place : place + PIECE] for place in range(0, len(text), PIECE)]


def write_script(config: SlurmConfig, order: Order, folder: Path) -> str:
    """The whole script; `folder`: where the output goes, as RUN_ID.out and RUN_ID.err."""
    program = Path(experiment_task.__file__).read_text().rstrip("\n")
    command = f'{shlex.quote(config.python)} -u -c "$program" {shlex.join(order.pieces())}'
    return "\n".join(
        [
            "#!/bin/bash",
            *(f"#SBATCH {directive}" for directive in _directives(config, order.run_id, folder)),
            "",
            "# Environment setup (from setup_commands)",
            *config.setup_commands,
            "",
            f"# What calls {order.function}, and prints its result as {order.name}_RESULT:{{...}}",
            f"program=$(cat << '{END}'",
            program,
            END,
            ")",
            "",
            *on_cluster(config, command),
            "",
        ]
    )


def on_cluster(config: SlurmConfig, command: str) -> list[str]:
    """Lines that start a Ray cluster over the nodes of a job, and a command of the shell on its head."""
    gpus = '"${SLURM_GPUS_PER_TASK}"' if config.gpus_per_task else "0"
    return [
        *_HEAD,
        *_ports(config),
        "ip_head=$head_node:$ray_port",
        "export ip_head",
        "",
        "# Start Ray cluster using symmetric-run",
        'srun --nodes="$SLURM_JOB_NUM_NODES" --ntasks="$SLURM_JOB_NUM_NODES" \\',
        "    ray symmetric-run \\",
        '    --address "$ip_head" \\',
        '    --min-nodes "$SLURM_JOB_NUM_NODES" \\',
        '    --num-cpus="${SLURM_CPUS_PER_TASK}" \\',
        f"    --num-gpus={gpus} \\",
        '    --min-worker-port="$min_worker_port" \\',
        '    --max-worker-port="$max_worker_port" \\',
        "    -- \\",
        f"    {command}",
    ]


def _directives(config: SlurmConfig, run_id: str, folder: Path) -> Iterator[str]:
    place = str(folder / run_id).replace("%", "%%")
    yield f"--job-name={shlex.quote(f'{config.job_name}-{run_id}')}"
    yield f"--nodes={config.nodes}"
    if config.exclusive:
        yield "--exclusive"
    yield "--tasks-per-node=1"
    yield f"--cpus-per-task={config.cpus_per_task}"
    if config.gpus_per_task:
        yield f"--gpus-per-task={config.gpus_per_task}"
    yield f"--mem-per-cpu={shlex.quote(config.mem_per_cpu)}"
    yield f"--time={shlex.quote(config.time_limit)}"
    if config.partition:
        yield f"--partition={shlex.quote(config.partition)}"
    yield f"--output={shlex.quote(place + '.out')}"
    yield f"--error={shlex.quote(place + '.err')}"


# A node's name need not be known to the other machines; this script runs on the first of them, which has an address.
_HEAD = """\
# Get head node IP for Ray cluster
nodes=$(scontrol show hostnames "$SLURM_JOB_NODELIST")
nodes_array=($nodes)
head_node=${nodes_array[0]}
getent hosts "$head_node" > /dev/null || head_node=$(hostname -I | cut -d' ' -f1)
""".splitlines()


def _ports(config: SlurmConfig) -> list[str]:
    """Where the cluster's ports come from: what was given, else a block by user and job that nobody uses yet."""
    lines = []
    if config.ray_port is None or config.min_worker_port is None:
        size = max(BLOCK, OWN_PORTS + 1 + 2 * config.cpus_per_task)
        count = (LAST_PORT - FIRST_PORT) // size
        lines = [
            "# Ports of this job alone: a block by user and job, or the next one where somebody listens already",
            f"block=$(((UID * 31 + SLURM_JOB_ID) % {count}))",
            f"""while (: < "/dev/tcp/127.0.0.1/$(({FIRST_PORT} + block * {size}))") 2> /dev/null; do""",
            f"    block=$(((block + 1) % {count}))",
            "done",
        ]
        lines.append(f"first_port=$(({FIRST_PORT} + block * {size}))")
    lines.append(f"ray_port={'$first_port' if config.ray_port is None else config.ray_port}")
    if config.min_worker_port is None:
        lines.append(f"min_worker_port=$((first_port + {OWN_PORTS}))")
        lines.append(f"max_worker_port=$((first_port + {size - 1}))")
    else:
        lines.append(f"min_worker_port={config.min_worker_port}")
        lines.append(f"max_worker_port={config.max_worker_port}")
    return lines
