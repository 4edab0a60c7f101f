"""Slurm's five commands as methods, on the fleet that config/fleet_config.json describes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from mini_slurm.api.batches import fleet
from mini_slurm.api.client import Client
from mini_slurm.api.faults import UnknownJob, spoken
from mini_slurm.api.info import JobInfo, NodeInfo
from mini_slurm.api.job import Job
from mini_slurm.config import json_fleet
from mini_slurm.errors import Refused
from mini_slurm.model.units import format_elapsed
from mini_slurm.options.script import directives

CONFIG = "config/fleet_config.json"
OUTPUT = "data/slurm_output"  # in the current folder: a folder for each job
PYTHON = "#!/usr/bin/env python3\n"
NOTHING: Mapping[str, str] = {}
BUSY = ("allocated", "mixed")


@dataclass
class SLURMJob:
    """A job, in the words of Slurm's commands. Moments are ISO 8601, "" for those that have not come."""

    job_id: int
    name: str
    user: str
    status: str  # PENDING, RUNNING, COMPLETED, FAILED, CANCELLED, TIMEOUT ...
    time_limit: str  # D-HH:MM:SS, or UNLIMITED
    time_used: str  # D-HH:MM:SS
    partition: str
    nodes: int
    cpus: int
    memory: str  # of all machines together: "4096M"
    command: str  # the script's path
    submit_time: str
    start_time: str
    end_time: str
    exit_code: int | None  # None: it is not over
    node_list: str
    priority: int
    qos: str
    dependency: str | None  # what is still to be met
    assigned_machine: str | None  # the machine of its script
    stdout_path: str
    stderr_path: str


class SLURMDistributedScheduler:
    """Jobs on the machines of `config_path`, or of the fleet that the commands use, where there is no such file.

    What a job writes lies in data/slurm_output/JOBID/stdout.txt and stderr.txt under the current folder.
    Raises Refused for a file that is wrong, FleetError, StateError.
    """

    @spoken()
    def __init__(self, config_path: str = CONFIG) -> None:
        self.config_path = Path(config_path)
        fleet.use(self.config_path)
        self.client = Client()

    # --- submitting

    @spoken()
    def sbatch(self, script_path: str, *arguments: str, **options: Any) -> int:
        """Submit a script (`sbatch`); the job's number.

        `options`: sbatch's long options, `_` for `-`; they win over #SBATCH lines. A Python script needs no first
        line that says so; it finds modules beside it and in the current folder. The script travels with the job, so
        its machine need not see it. Raises BadUsage, Refused.
        """
        text = _read(script_path)
        if script_path.endswith(".py") and not text.startswith("#!"):
            text = PYTHON + text
        if not _says(text, "--job-name", "-J"):
            options.setdefault("job_name", Path(script_path).stem)
        return self.submit(text, *arguments, folder=os.path.dirname(os.path.abspath(script_path)), **options)

    @spoken()
    def submit(
        self, text: str, *arguments: str, folder: str = "", variables: Mapping[str, str] = NOTHING, **options: Any
    ) -> int:
        """Submit the text of a script (`sbatch`); the job's number.

        `folder`: where modules of a Python script lie; `variables`: more of its environment. Raises BadUsage, Refused.
        """
        is_array = options.get("array") is not None or _says(text, "--array", "-a")
        for stream, option in (("stdout", "output"), ("stderr", "error")):
            name = f"%A/{stream}_%a" if is_array else f"%j/{stream}"
            options.setdefault(option, f"{OUTPUT}/{name}.txt")
        added = dict(variables)
        if "python" in text.partition("\n")[0]:
            added["PYTHONPATH"] = _search_path(folder)
        if added:
            options.setdefault("export", added)
        job = self.client.submit(*arguments, script=text.encode(errors="surrogateescape"), **options)
        (Path(OUTPUT) / job.id).mkdir(parents=True, exist_ok=True)
        return job.number

    # --- looking

    def squeue(self, **options: Any) -> list[SLURMJob]:
        """The jobs that have not ended (`squeue`); `options` as of Client.jobs(). Raises BadUsage, StateError."""
        return [told(info) for info in self.client.jobs(**options)]

    def sacct(self, **options: Any) -> list[SLURMJob]:
        """The jobs that have ended (`sacct`); `options` as of Client.jobs(). Raises BadUsage, StateError."""
        return [told(info) for info in self.client.jobs(ended=True, **options) if info.is_over]

    def sinfo(self) -> dict[str, Any]:
        """Partitions and machines (`sinfo`), each by its name; memory in GiB. Raises FleetError, StateError."""
        nodes = {node.name: node for node in self.client.nodes()}
        jobs = Counter(name for info in self.client.jobs() for name in info.nodes)
        hosts = self._hosts()
        return {
            "partitions": {
                one.name: {
                    "avail": one.state.lower(),
                    "timelimit": _time(one.max_time),
                    "nodes": len(one.nodes),
                    "state": _together([nodes[name].state for name in one.nodes if name in nodes]),
                    "nodelist": ",".join(one.nodes),
                }
                for one in self.client.partitions()
            },
            "machines": {name: _machine(node, jobs[name], hosts.get(name, {})) for name, node in nodes.items()},
            "timestamp": datetime.now().isoformat(),
        }

    def job(self, job_id: int) -> SLURMJob | None:
        """One job; None where there is none of this number. Raises StateError."""
        job = self.find(job_id)
        return None if job is None else told(job.info())

    def find(self, job_id: int) -> Job | None:
        """The same as the client has it. Raises StateError."""
        try:
            return self.client.job(job_id)
        except UnknownJob:
            return None

    # --- ending

    def scancel(self, job_id: int) -> bool:
        """End a job (`scancel`). False: there is none, or it has ended. Raises Refused for somebody else's."""
        job = self.find(job_id)
        if job is None or job.state.is_over:
            return False
        job.cancel()
        return True

    def _hosts(self) -> dict[str, dict[str, Any]]:
        """Names and addresses, as far as they are written."""
        return json_fleet.read(str(self.config_path)) if self.config_path.exists() else {}


def told(info: JobInfo) -> SLURMJob:
    """What the client tells of a job, in the words of the commands."""
    return SLURMJob(
        job_id=info.number,
        name=info.name,
        user=info.user,
        status=info.state.name,
        time_limit=_time(info.time_limit),
        time_used=_time(info.elapsed),
        partition=info.partition,
        nodes=len(info.nodes),
        cpus=info.cpus,
        memory=f"{info.memory}M",
        command=info.command or "",
        submit_time=info.submit_time.isoformat(),
        start_time=info.start_time.isoformat() if info.start_time else "",
        end_time=info.end_time.isoformat() if info.end_time else "",
        exit_code=info.exit_code,
        node_list=info.node_list,
        priority=info.priority,
        qos=info.qos or "",
        dependency=info.dependency,
        assigned_machine=info.nodes[0] if info.nodes else None,
        stdout_path=str(info.stdout),
        stderr_path=str(info.stderr),
    )


def _machine(node: NodeInfo, jobs: int, table: dict[str, Any]) -> dict[str, Any]:
    return {
        "hostname": table.get("hostname") or node.name,
        "ip": table.get("ip") or "",
        "cpus": node.cpus,
        "memory_gb": node.memory // 1024,
        "gpu_available": bool(node.gpus),
        "status": "OFFLINE" if not node.is_up else "BUSY" if node.state in BUSY else "ONLINE",
        "current_jobs": jobs,
    }


def _together(states: list[str]) -> str:
    """One word for the machines of a partition."""
    return states[0] if len(set(states)) == 1 else "mixed" if states else "n/a"


def _time(span: timedelta | None) -> str:
    return "UNLIMITED" if span is None else format_elapsed(int(span.total_seconds()))


def _read(script_path: str) -> str:
    try:
        return Path(script_path).read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise Refused(f"{script_path}: {error.strerror}", hint="look at the path") from None


def _says(text: str, *options: str) -> bool:
    """Does one of the script's #SBATCH lines have one of these options?"""
    lines = [line for _, line in directives(text.encode(errors="surrogateescape"))]
    return any(word.startswith(options) for line in lines for word in line)


def _search_path(folder: str) -> str:
    """Where the script's own modules are: beside it, in the current folder, and where they were looked for anyhow."""
    folders = [folder, os.getcwd(), os.environ.get("PYTHONPATH", "")]
    return os.pathsep.join(dict.fromkeys(filter(None, folders)))
