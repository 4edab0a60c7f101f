"""A sweep on its way to its jobs, and back: one script with everything pickled in it, and results in its output.

So nothing has to be shared between the machines but what the user's function itself reads and writes.
"""

from __future__ import annotations

import base64
import logging
import pickle
import shlex
import sys
import textwrap
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cloudpickle
from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus

from mini_slurm.api.client import Client
from mini_slurm.api.experiment_script import SlurmConfig, on_cluster
from mini_slurm.api.faults import JobFailed
from mini_slurm.api.hydra_job import RESULT, START
from mini_slurm.api.info import JobInfo
from mini_slurm.api.results import NoResult, find_result
from mini_slurm.errors import BadUsage

END = "END_OF_SWEEP"
ENOUGH = 1000  # bytes of standard error that a failure is explained with

log = logging.getLogger(__name__)


def run(settings: dict[str, Any], order: dict[str, Any]) -> Sequence[JobReturn]:
    """Submit a sweep and wait for it; an interrupt cancels it. Raises as Client.submit does."""
    if not settings["use_slurm"]:
        raise BadUsage("this launcher always uses jobs", hint="hydra/launcher=basic runs on this machine")
    folder = Path(str(settings["slurm_folder"]))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    count = len(order["overrides"])
    options = {"output": _path(folder, count, "out"), "error": _path(folder, count, "err"), **_options(settings, count)}
    client = Client()
    job = client.submit(script=script(settings, order), **options)
    log.info("Submitted batch job %s, output in %s", job.id, folder)
    try:
        infos = [task.wait() for task in job.tasks]
    except BaseException:
        job.cancel()
        raise
    return [result(info, overrides) for info, overrides in zip(infos, order["overrides"], strict=True)]


def _path(folder: Path, count: int, suffix: str) -> str:
    """Where an output goes; the folder may have any name."""
    return str(folder.absolute()).replace("%", "%%") + ("/%A_%a." if count > 1 else "/%j.") + suffix


def _options(settings: dict[str, Any], count: int) -> dict[str, Any]:
    """What sbatch is given: the settings' names are its options', after `slurm_`."""
    names = ("partition", "nodes", "cpus_per_task", "time_limit", "mem_per_cpu", "job_name")
    options = {name: settings[f"slurm_{name}"] for name in names}
    options["time"] = options.pop("time_limit")
    options["ntasks_per_node"] = 1
    if settings["slurm_gpus_per_task"]:
        options["gpus_per_task"] = settings["slurm_gpus_per_task"]
    if settings["use_ray"]:
        options["exclusive"] = True
    if count > 1:
        limit = settings["slurm_array_parallelism"]
        options["array"] = f"0-{count - 1}" + (f"%{limit}" if limit else "")
    return {**options, **(settings["slurm_options"] or {})}


def script(settings: dict[str, Any], order: dict[str, Any]) -> str:
    """The batch script of all points."""
    packed = zlib.compress(cloudpickle.dumps({**order, "singletons": Singleton.get_state()}))
    words = [settings["python"] or sys.executable, "-u", "-c", START]
    numbers = [str(settings["timeout_seconds"] or 0), *sys.path[:1]]
    command = f'{shlex.join(words)} "$sweep" {shlex.join(numbers)}'
    if settings["use_ray"]:
        fields = ("nodes", "cpus_per_task", "gpus_per_task")
        command = "\n".join(on_cluster(SlurmConfig(**{name: settings[f"slurm_{name}"] for name in fields}), command))
    return "\n".join(
        [
            "#!/bin/bash",
            *settings["slurm_setup_commands"],
            "sweep=$(mktemp)",
            "trap 'rm -f \"$sweep\"' EXIT",
            f"cat > \"$sweep\" << '{END}'",
            *textwrap.wrap(base64.b64encode(packed).decode(), 120),
            END,
            command,
            "",
        ]
    )


def result(info: JobInfo, overrides: list[str]) -> JobReturn:
    """What a point has sent back, else a failure that says how its job ended."""
    try:
        found = pickle.loads(base64.b64decode(find_result(info.stdout, RESULT)["pickle"]))
        if isinstance(found, JobReturn):
            return found
        reason = "its result is none of Hydra's"
    except (NoResult, KeyError, ValueError, pickle.PickleError, AttributeError, ImportError) as error:
        reason = str(error)
    failed = JobReturn(overrides=overrides, status=JobStatus.FAILED)
    failed.return_value = JobFailed(*_explain(info, reason), info=info)
    return failed


def _explain(info: JobInfo, reason: str) -> Iterator[str]:
    status = f"signal {info.signal}" if info.signal else f"exit status {info.exit_code}"
    yield f"job {info.id} ended as {info.state.name} with {status}: {reason}"
    try:
        with open(info.stderr, "rb") as file:
            file.seek(max(file.seek(0, 2) - ENOUGH, 0))
            yield from file.read().decode(errors="replace").splitlines()
    except OSError:
        return
