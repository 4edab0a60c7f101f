"""Names of output files: the patterns of --output, --error and --input (sbatch(1), FILENAME PATTERN)."""

from __future__ import annotations

import re

from mini_slurm.model.job import Job

NO_TASK = 2**32 - 2  # what Slurm prints for %a in a job that is no array task
ESCAPED = re.compile(r"\\(.?)")
SYMBOL = re.compile(r"%(\d*)([%A-Za-z])", re.ASCII)
WIDEST = 10
DEFAULT, DEFAULT_OF_TASK = "slurm-%j.out", "slurm-%A_%a.out"


def output_path(job: Job) -> str:
    """Where standard output goes: an absolute path."""
    default = DEFAULT if job.array_job_id is None else DEFAULT_OF_TASK
    return absolute(file_name(default if job.std_out is None else job.std_out, job), job)


def error_path(job: Job) -> str:
    """Where standard error goes: an absolute path, the one of standard output when nothing else was said."""
    return absolute(file_name(job.std_err, job), job) if job.std_err is not None else output_path(job)


def input_path(job: Job) -> str:
    """Where standard input comes from: an absolute path."""
    return absolute(file_name(job.std_in, job), job) if job.std_in is not None else "/dev/null"


def shown_path(pattern: str, job: Job) -> str:
    """A file as listings name it, which know fewer symbols than the job: the others stay as they are."""
    filled = {"%A": job.array_job_id or job.job_id, "%a": _number("a", job), "%j": job.job_id, "%u": job.user}
    for symbol, text in {**filled, "%x": job.name}.items():
        pattern = pattern.replace(symbol, str(text))
    return absolute(pattern, job)


def shown_output(job: Job) -> str:
    """Where standard output goes, as listings say it."""
    default = DEFAULT if job.array_job_id is None else DEFAULT_OF_TASK
    return shown_path(default if job.std_out is None else job.std_out, job)


def shown_error(job: Job) -> str:
    """Where standard error goes, as listings say it."""
    return shown_path(job.std_err, job) if job.std_err is not None else shown_output(job)


def shown_input(job: Job) -> str:
    """Where standard input comes from, as listings say it."""
    return shown_path(job.std_in, job) if job.std_in is not None else "/dev/null"


def absolute(path: str, job: Job) -> str:
    """A path of the job: relative ones start in its working directory."""
    return path if path.startswith("/") else f"{job.work_dir}/{path}"


def file_name(pattern: str, job: Job) -> str:
    """The pattern with its symbols filled in for a batch script; a backslash anywhere turns them all off."""
    if "\\" in pattern:
        return ESCAPED.sub(r"\1", pattern)
    return SYMBOL.sub(lambda found: _fill(found, job), pattern)


def _fill(found: re.Match[str], job: Job) -> str:
    width, symbol = min(int(found[1] or 0), WIDEST), found[2]
    if symbol == "%":
        return found[0] if found[1] else "%"
    if (number := _number(symbol, job)) is not None:
        return f"{number:0{width}}"
    text = {"N": (job.node or "").partition(".")[0], "s": "batch", "u": job.user, "x": job.name}
    return text.get(symbol, found[0])


def _number(symbol: str, job: Job) -> int | None:
    if symbol == "A":
        return job.array_job_id or job.job_id
    if symbol == "a":
        return NO_TASK if job.array_task_id is None else job.array_task_id
    if symbol in "Jj":
        return job.job_id
    return 0 if symbol in "nt" else None
