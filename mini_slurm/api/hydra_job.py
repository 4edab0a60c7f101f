"""One point of a sweep, in its job: what the sweep pickled is run by Hydra, and what became of it is printed."""

from __future__ import annotations

import base64
import json
import os
import pickle
import signal
import sys
import zlib
from pathlib import Path
from typing import Any

RESULT = "HYDRA"  # what stands before _RESULT: in the line with the pickled result
START = "from mini_slurm.api.hydra_job import main; main()"


def main() -> None:
    """Arguments: the file with the sweep, seconds (0: any number), and where the program's modules are."""
    path, seconds, *folders = sys.argv[1:]
    sys.path[:0] = folders
    order = pickle.loads(zlib.decompress(base64.b64decode(Path(path).read_bytes())))
    _begin_clock(float(seconds))
    found = _run(order, int(os.environ.get("SLURM_ARRAY_TASK_ID", 0)))
    signal.setitimer(signal.ITIMER_REAL, 0)
    packed = base64.b64encode(_pickled(found)).decode()
    sys.stderr.flush()
    sys.stdout.write(f"\n{RESULT}_RESULT:{json.dumps({'pickle': packed})}\n")
    sys.stdout.flush()
    sys.exit(int(found.status.name != "COMPLETED"))


def _begin_clock(seconds: float) -> None:
    def ring(number: int, frame: Any) -> None:
        raise TimeoutError(f"the job took longer than {seconds:g} seconds")

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _run(order: dict[str, Any], index: int) -> Any:
    """What Hydra makes of one point: a JobReturn, also where the function raised something."""
    from hydra.core.singleton import Singleton
    from hydra.core.utils import run_job, setup_globals
    from omegaconf import open_dict

    Singleton.set_state(order["singletons"])
    setup_globals()
    context = order["hydra_context"]
    config = context.config_loader.load_sweep_config(order["config"], order["overrides"][index])
    with open_dict(config):
        config.hydra.job.id = _job_id()
        config.hydra.job.num = order["first"] + index
    return run_job(
        hydra_context=context,
        task_function=order["task_function"],
        config=config,
        job_dir_key="hydra.sweep.dir",
        job_subdir_key="hydra.sweep.subdir",
    )


def _job_id() -> str:
    if "SLURM_ARRAY_JOB_ID" in os.environ:
        return "{SLURM_ARRAY_JOB_ID}_{SLURM_ARRAY_TASK_ID}".format_map(os.environ)
    return os.environ["SLURM_JOB_ID"]


def _pickled(found: Any) -> bytes:
    """What cannot be pickled becomes an error that says so."""
    import cloudpickle
    from hydra.core.utils import JobStatus

    try:
        packed: bytes = cloudpickle.dumps(found)
        pickle.loads(packed)
    except Exception as error:
        found.status = JobStatus.FAILED
        found.return_value = RuntimeError(f"what the function returned cannot be sent back: {error}")
        packed = cloudpickle.dumps(found)
    return packed
