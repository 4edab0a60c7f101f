"""A notice of a job's event, as those who get it see it: a JSON document, environment variables, and a mail's text."""

from __future__ import annotations

from collections.abc import Callable

from mini_slurm.model.job import Job
from mini_slurm.model.notices import TITLES
from mini_slurm.model.patterns import error_path, output_path


def document(job: Job, event: str, subject: str, cluster: str, now: float) -> dict[str, object]:
    """What a webhook or a program gets, JSON. Moments are seconds since the epoch; null: not known, or not yet."""
    fields = (
        *("job_id", "array_job_id", "array_task_id", "name", "user", "account", "partition", "qos", "comment"),
        *("submit_time", "start_time", "end_time", "time_limit", "node_list", "exit_code", "exit_signal", "restarts"),
        *("work_dir", "reason"),
    )
    about = {field: getattr(job, field) for field in fields} | {"state": job.state.name}
    return {"event": event, "subject": subject, "cluster": cluster, "time": now, "job": about}


def variables(job: Job, event: str, cluster: str) -> dict[str, str]:
    """The environment variables that Slurm gives its MailProg."""
    given: dict[str, object] = {
        "SLURM_CLUSTER_NAME": cluster,
        "SLURM_JOBID": job.job_id,
        "SLURM_JOB_ID": job.job_id,
        "SLURM_JOB_NAME": job.name,
        "SLURM_JOB_USER": job.user,
        "SLURM_JOB_UID": job.uid,
        "SLURM_JOB_GROUP": job.group_name,
        "SLURM_JOB_GID": job.gid,
        "SLURM_JOB_ACCOUNT": job.account,
        "SLURM_JOB_PARTITION": job.partition,
        "SLURM_JOB_NODELIST": job.node_list,
        "SLURM_JOB_NUM_NODES": job.nodes,
        "SLURM_JOB_RESTART_COUNT": job.restarts,
        "SLURM_JOB_WORK_DIR": job.work_dir,
        "SLURM_JOB_COMMENT": job.comment,
        "SLURM_JOB_STATE": job.state.name,
        "SLURM_JOB_MAIL_TYPE": TITLES[event],
        "SLURM_ARRAY_JOB_ID": job.array_job_id if job.array_task_id is not None else None,
        "SLURM_ARRAY_TASK_ID": job.array_task_id,
    }
    if event in ("END", "FAIL"):
        given["SLURM_JOB_EXIT_CODE"] = job.exit_code << 8 | job.exit_signal
        given["SLURM_JOB_EXIT_CODE2"] = f"{job.exit_code}:{job.exit_signal}"
        given["SLURM_JOB_EXIT_CODE_MAX"] = job.exit_code
    return {name: str(value) for name, value in given.items() if value is not None and "\0" not in str(value)}


def text(job: Job, subject: str, cluster: str, moment: Callable[[float], str]) -> str:
    """What stands in a mail; Slurm's have no text. `moment` shows one."""

    def shown(when: float | None) -> str:
        return "-" if when is None else moment(when)

    rows = [
        ("Job", f"{job.display_id} {job.name}"),
        ("Cluster", cluster),
        ("State", job.state.name),
        ("Exit code", f"{job.exit_code}:{job.exit_signal}"),
        ("Machines", job.node_list or "-"),
        ("Submitted", shown(job.submit_time)),
        ("Started", shown(job.start_time)),
        ("Ended", shown(job.end_time)),
        ("Folder", job.work_dir),
    ]
    if job.is_batch and job.array_tasks is None:
        rows += [("Output", output_path(job)), ("Errors", error_path(job))]
    return "\n".join([subject, "", *(f"{name:10} {value}" for name, value in rows)]) + "\n"
