"""Experiments on a Ray cluster that a job starts on its nodes: one job an experiment, and its result as one line.

The interface is that of runners which submit with sbatch and `ray symmetric-run` (Ray 2.49 or newer). Ray has to be
installed where the jobs run; mini_slurm has not.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import sys
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from mini_slurm.api.client import Client
from mini_slurm.api.experiment_script import Order, SlurmConfig, write_script
from mini_slurm.api.faults import spoken
from mini_slurm.api.info import JobInfo
from mini_slurm.api.job import Job
from mini_slurm.api.results import NoResult, find_result
from mini_slurm.errors import BadUsage, MiniSlurmError, Refused
from mini_slurm.model.states import JobState

RUN_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
FUNCTION = re.compile(r".+:[A-Za-z_][A-Za-z0-9_.]*")
RESULT_NAME = "EXPERIMENT"  # what stands before _RESULT: in the line that a job of ours prints
ENOUGH = 1000  # bytes of standard error that a failure is explained with


@dataclass(frozen=True)
class SlurmSpawnedTask:
    """A submitted experiment: its own id, and its job's number."""

    run_id: str
    job_id: str


@dataclass
class ExperimentResult:
    """What became of an experiment. status: "completed" or "failed"; error_message says why it failed.

    output: all that the result line held; duration_seconds: of the experiment, else of its job.
    """

    run_id: str
    config: dict[str, Any]
    metrics: dict[str, Any] = field(default_factory=dict)
    checkpoint_path: str | None = None
    status: str = "failed"
    error_message: str | None = None
    duration_seconds: float = 0.0
    output: dict[str, Any] = field(default_factory=dict)


class SlurmRunner:
    """Runs experiments as jobs (sbatch), each on its own Ray cluster.

    entry_point: the function that an experiment is, called with its configuration: itself, "package.module:name" or
    "file.py:name". Without it each configuration names its own as `_target_: package.module.name`, which is called with
    the other entries as keywords. output_dir: for outputs and for what is known of each run; the default is
    ./slurm_outputs. result_name: what stands before `_RESULT:`; None takes any name.
    """

    @spoken()
    def __init__(
        self,
        slurm_config: SlurmConfig | None = None,
        output_dir: str | os.PathLike[str] | None = None,
        *,
        entry_point: str | Callable[[dict[str, Any]], Any] | None = None,
        result_name: str | None = None,
        client: Client | None = None,
    ) -> None:
        self.slurm_config = slurm_config or SlurmConfig()
        self.output_dir = Path(output_dir or "slurm_outputs")
        self.entry_point = entry_point if entry_point is None or isinstance(entry_point, str) else _named(entry_point)
        self.result_name = result_name
        self.client = client or Client()

    @spoken()
    def spawn_experiment(self, config: Any, timeout_seconds: float | None = None) -> SlurmSpawnedTask:
        """Submit an experiment and go on (sbatch).

        config: a mapping, a dataclass or an OmegaConf object; its `run_id` names the run, else one is made up.
        timeout_seconds: how long the experiment itself may take; default: the SlurmConfig's.
        Raises Refused where a run of that id is not over, or as Client.submit does.
        """
        plain = _plain(config)
        run_id = str(plain.get("run_id") or uuid.uuid4().hex[:12])
        if not RUN_ID.fullmatch(run_id):
            raise BadUsage(f"run_id {run_id!r} cannot name files", hint="use letters, digits, and . _ - within it")
        order = self._order(plain, run_id, timeout_seconds or self.slurm_config.timeout_seconds)
        script = write_script(self.slurm_config, order, self.output_dir)
        self._make_way(run_id)
        job = self.client.submit(script=script)
        self._write(f"{run_id}.sbatch", script)
        self._write(f"{run_id}.json", json.dumps({"run_id": run_id, "job_id": job.id, "config": plain}))
        return SlurmSpawnedTask(run_id, job.id)

    def run_experiment(self, config: Any, timeout_seconds: float | None = None) -> ExperimentResult:
        """Submit an experiment and wait for its end (`sbatch --wait`).

        timeout_seconds: how long the experiment itself may take. Raises as spawn_experiment does.
        """
        return self.get_result(self.spawn_experiment(config, timeout_seconds))

    def spawn_sweep(self, configs: Iterable[Any], timeout_seconds: float | None = None) -> list[SlurmSpawnedTask]:
        """Submit several experiments, each as a job of its own, and go on (`sbatch`).

        timeout_seconds: how long each of them may take. Raises as spawn_experiment does.
        """
        return [self.spawn_experiment(config, timeout_seconds) for config in configs]

    @spoken()
    def run_sweep(
        self, configs: Sequence[Any], parallelism: int | None = None, timeout_seconds: float | None = None
    ) -> list[ExperimentResult]:
        """Run several experiments, and wait for all; the results are in the order of the configurations.

        parallelism: how many may be submitted at a time; None: all. One that is refused has failed, the others run.
        timeout_seconds: how long each of them may take. Raises BadUsage, StateError.
        """
        if parallelism is not None and parallelism < 1:
            raise BadUsage(f"parallelism must be at least 1, not {parallelism}")
        results: dict[int, ExperimentResult] = {}
        waiting = list(enumerate(configs))[::-1]
        running: dict[str, tuple[int, SlurmSpawnedTask]] = {}
        while waiting or running:
            while waiting and len(running) < (parallelism or len(configs)):
                number, config = waiting.pop()
                try:
                    spawned = self.spawn_experiment(config, timeout_seconds)
                    running[spawned.job_id] = (number, spawned)
                except MiniSlurmError as error:
                    results[number] = ExperimentResult("", _plain(config), error_message=str(error))
            for info in self._next_ended(list(running)):
                number, spawned = running.pop(info.id)
                results[number] = self._result(spawned.run_id, info)
        return [results[number] for number in sorted(results)]

    def _next_ended(self, running: Iterable[str]) -> list[JobInfo]:
        """The job that ends first; none if there are none."""
        return list(islice(self.client.as_completed(running), 1))

    @spoken()
    def get_status(self, run_id: str) -> str:
        """What a run does now: "pending", "running", "completed", "failed"; "unknown" if it is none of output_dir.

        From its job's state (`squeue`, `sacct`). Raises StateError.
        """
        known = self._known(run_id)
        if known is None:
            return "unknown"
        state = self.client.job(known["job_id"]).state
        if not state.is_over:
            return "running" if state in (JobState.RUNNING, JobState.COMPLETING, JobState.SUSPENDED) else "pending"
        return "completed" if state is JobState.COMPLETED else "failed"

    @spoken()
    def get_result(
        self, spawned: SlurmSpawnedTask | str, config: Any = None, timeout: float | None = None
    ) -> ExperimentResult:
        """Wait for a run's end, and read its result. `config` is not needed: it is known since the submission.

        timeout: seconds to wait. Raises WaitTimeout when they pass, BadUsage for a run that is none of output_dir.
        """
        run_id = spawned if isinstance(spawned, str) else spawned.run_id
        return self._result(run_id, self._job(run_id).wait(timeout))

    @spoken()
    def cancel(self, run_id: str) -> bool:
        """End a run (`scancel`); whether there was something to end. Raises Refused, StateError."""
        if self.get_status(run_id) not in ("pending", "running"):
            return False
        self._job(run_id).cancel()
        return True

    # --- a run's own files

    def _known(self, run_id: str) -> dict[str, Any] | None:
        try:
            known: dict[str, Any] = json.loads((self.output_dir / f"{run_id}.json").read_bytes())
        except FileNotFoundError:
            return None
        return known

    def _job(self, run_id: str) -> Job:
        known = self._known(run_id)
        if known is None:
            raise BadUsage(f"no run {run_id} was submitted from {self.output_dir}")
        return self.client.job(known["job_id"])

    def _make_way(self, run_id: str) -> None:
        """Nothing of an earlier run of that id may be taken for this one's."""
        if self.get_status(run_id) in ("pending", "running"):
            raise Refused(f"run {run_id} is not over yet", hint="wait for it, cancel it, or use another run_id")
        self.output_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        for suffix in ("out", "err", "json"):
            (self.output_dir / f"{run_id}.{suffix}").unlink(missing_ok=True)

    def _write(self, name: str, text: str) -> None:
        """Configurations may hold secrets: nobody else reads them."""
        new = self.output_dir / f".{name}.new"
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
        new.replace(self.output_dir / name)

    # --- orders and results

    def _order(self, config: dict[str, Any], run_id: str, seconds: float) -> Order:
        target = config.get("_target_")
        function = self.entry_point or ":".join(str(target or "").rpartition(".")[::2])
        if not FUNCTION.fullmatch(function):
            hint = 'give SlurmRunner entry_point="module:function", or the configuration _target_: module.function'
            raise BadUsage(f"{function or 'nothing'!r} is no function that an experiment could call", hint=hint)
        if self.entry_point:
            return Order(self.result_name or RESULT_NAME, run_id, function, config, False, seconds)
        keywords = {key: value for key, value in config.items() if key not in ("_target_", "run_id")}
        return Order(self.result_name or RESULT_NAME, run_id, function, keywords, True, seconds)

    def _result(self, run_id: str, info: JobInfo) -> ExperimentResult:
        """What the output says, else how the job ended."""
        known = self._known(run_id) or {}
        seconds = info.elapsed.total_seconds() if info.elapsed else 0.0
        result = ExperimentResult(run_id, known.get("config", {}), duration_seconds=seconds)
        try:
            output = find_result(self.output_dir / f"{run_id}.out", self.result_name)
        except NoResult as error:
            reason = [_ended(info), str(error), _tail(self.output_dir / f"{run_id}.err")]
            result.error_message = "\n".join(part for part in reason if part)
            return result
        result.output = output
        metrics = output.get("metrics")
        result.metrics = metrics if isinstance(metrics, dict) else {}
        result.status = str(output.get("status") or "completed")
        result.checkpoint_path = output.get("checkpoint_path") or output.get("checkpoint_uri")
        result.error_message = output.get("error_message")
        if isinstance(output.get("duration_seconds"), int | float):
            result.duration_seconds = float(output["duration_seconds"])
        return result


def _named(function: Callable[..., Any]) -> str:
    """Where a job finds a function that was given itself. Raises BadUsage for one that only this process has."""
    module, name = getattr(function, "__module__", ""), getattr(function, "__qualname__", "<nameless>")
    if "<" in name:
        raise BadUsage(f"{name} is no function that a job could import", hint="define it at the top of a module")
    if module == "__main__":
        file = getattr(sys.modules["__main__"], "__file__", None)
        if not file:
            raise BadUsage(f"{name} is in no file that a job could import", hint="define it in a module")
        return f"{os.path.abspath(file)}:{name}"
    return f"{module}:{name}"


def _plain(config: Any) -> dict[str, Any]:
    """A configuration as a dictionary. Raises BadUsage for what is none."""
    omegaconf = sys.modules.get("omegaconf")  # whoever has such an object has imported it
    if omegaconf is not None and omegaconf.OmegaConf.is_config(config):
        config = omegaconf.OmegaConf.to_container(config, resolve=True)
    elif dataclasses.is_dataclass(config) and not isinstance(config, type):
        config = dataclasses.asdict(config)
    if not isinstance(config, Mapping):
        raise BadUsage(f"a configuration is a mapping, not {type(config).__name__}")
    return dict(config)


def _ended(info: JobInfo) -> str:
    """How a job ended, in a sentence."""
    words = {
        JobState.TIMEOUT: f"reached its time limit of {info.time_limit}",
        JobState.CANCELLED: "was cancelled",
        JobState.NODE_FAIL: "lost one of its nodes",
        JobState.OUT_OF_MEMORY: "used more memory than it had asked for",
        JobState.COMPLETED: "ended well",
    }
    status = f"signal {info.signal}" if info.signal else f"exit status {info.exit_code}"
    return f"job {info.id} {words.get(info.state, f'ended as {info.state.name} with {status}')}"


def _tail(path: Path) -> str:
    """The end of a file, from the beginning of a line where there is one; "" if there is none."""
    try:
        with open(path, "rb") as file:
            file.seek(max(os.fstat(file.fileno()).st_size - ENOUGH, 0))
            text = file.read(ENOUGH).decode(errors="replace").strip()
    except OSError:
        return ""
    return f"its standard error ends with:\n{text}" if text else ""
