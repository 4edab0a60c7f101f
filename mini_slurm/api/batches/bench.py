"""Data processing in batches: a job for each script, each file, each symbol."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from mini_slurm.api.batches.scheduler import CONFIG, SLURMDistributedScheduler
from mini_slurm.api.faults import WaitTimeout, spoken
from mini_slurm.errors import BadUsage, Refused

ANALYSES = "scripts"  # folder of the scripts of analyses that job_templates does not name
CALL = """\
#!/usr/bin/env python3
import importlib, operator, sys
operator.attrgetter({name!r})(importlib.import_module({module!r}))(sys.argv[1])
"""


class DataBenchSLURM:
    """Jobs that process data, on the fleet of `config_path` (see SLURMDistributedScheduler).

    `job_templates`: the script of each type of analysis; it gets the symbol as its argument. What is not named there
    is scripts/TYPE.py or scripts/TYPE.sh.
    """

    def __init__(self, config_path: str = CONFIG) -> None:
        self.scheduler = SLURMDistributedScheduler(config_path)
        self.job_templates: dict[str, str] = {}

    def submit_data_processing_job(
        self,
        script_path: str,
        partition: str = "compute",
        cpus: int = 1,
        memory: str = "4G",
        time_limit: str = "1:00:00",
        **options: Any,
    ) -> int:
        """Submit a script (`sbatch`), of the shell or of Python; the job's number.

        `memory` and `time_limit` as Slurm writes them; `options`: more of sbatch's, `_` for `-`. Raises BadUsage,
        Refused.
        """
        given = {"partition": partition, "cpus_per_task": cpus, "mem": memory, "time": time_limit}
        return self.scheduler.sbatch(script_path, **given, **options)

    def submit_batch_processing(
        self,
        data_files: Sequence[str],
        processor: str | Callable[[str], object],
        partition: str = "compute",
        cpus_per_job: int = 1,
        memory_per_job: str = "4G",
        **options: Any,
    ) -> list[int]:
        """Submit a job for each file (`sbatch`); their numbers.

        `processor`: a script that gets the file's path as its argument, or a function of a module. Raises BadUsage,
        Refused.
        """
        given = {"partition": partition, "cpus_per_task": cpus_per_job, "mem": memory_per_job, **options}
        if callable(processor):
            return [self._call(processor, path, given) for path in data_files]
        return [
            self.scheduler.sbatch(processor, path, **{"job_name": f"process_{Path(path).stem}", **given})
            for path in data_files
        ]

    @spoken()
    def _call(self, function: Callable[[str], object], path: str, options: dict[str, Any]) -> int:
        module, name = function.__module__, function.__qualname__
        if module == "__main__" or "<" in name:
            raise BadUsage(f"{name} has no module that a job could import it from", hint="put it into one")
        return self.scheduler.submit(
            CALL.format(name=name, module=module), path, **{"job_name": f"process_{Path(path).stem}", **options}
        )

    def submit_parallel_analysis(
        self,
        symbols: Sequence[str],
        analysis_type: str = "backtest",
        partition: str = "compute",
        cpus_per_job: int = 2,
        memory_per_job: str = "8G",
        **options: Any,
    ) -> list[int]:
        """Submit a job for each symbol (`sbatch`); their numbers.

        Each is named TYPE_SYMBOL, and also finds the two as $ANALYSIS_TYPE and $SYMBOL. Raises BadUsage, Refused.
        """
        script = self._script_of(analysis_type)
        given = {"partition": partition, "cpus_per_task": cpus_per_job, "mem": memory_per_job, **options}
        return [
            self.scheduler.sbatch(
                script,
                symbol,
                variables={"SYMBOL": symbol, "ANALYSIS_TYPE": analysis_type},
                **{"job_name": f"{analysis_type}_{symbol}", **given},
            )
            for symbol in symbols
        ]

    @spoken()
    def _script_of(self, analysis_type: str) -> str:
        known = self.job_templates.get(analysis_type)
        usual = [os.path.join(ANALYSES, f"{analysis_type}{ending}") for ending in (".py", ".sh")]
        for path in [known] if known else usual:
            if os.path.exists(path):
                return path
        raise Refused(
            f"there is no script for the analysis {analysis_type}: {known or ' or '.join(usual)}",
            hint="write one, or name it: bench.job_templates[TYPE] = PATH",
        )

    def wait_for_jobs(self, job_ids: Iterable[int], timeout: float | None = None) -> dict[int, bool]:
        """Wait for the end of all of these; has each ended well? Not those that there are not.

        `timeout`: seconds for all; what has not ended then has not ended well. Raises StateError.
        """
        wanted = list(job_ids)
        results = dict.fromkeys(wanted, False)
        jobs = [job for job in map(self.scheduler.find, wanted) if job is not None]
        try:
            for info in self.scheduler.client.as_completed(jobs, timeout):
                results[int(info.id)] = info.has_succeeded
        except WaitTimeout:
            pass
        return results

    def get_job_status(self, job_id: int) -> dict[str, Any]:
        """What is known of a job (`sacct -j`); its status is NOT_FOUND where there is none of this number.

        Moments are ISO 8601, times D-HH:MM:SS. Raises StateError.
        """
        job = self.scheduler.job(job_id)
        if job is None:
            return {"job_id": job_id, "name": "", "status": "NOT_FOUND", "assigned_machine": None}
        names = ("job_id", "name", "status", "assigned_machine", "start_time", "end_time", "time_used", "exit_code")
        return {name: getattr(job, name) for name in (*names, "stdout_path", "stderr_path")}

    def get_cluster_status(self) -> dict[str, Any]:
        """Partitions and machines (`sinfo`), as SLURMDistributedScheduler.sinfo() has them. Raises as that does."""
        return self.scheduler.sinfo()
