"""What `scontrol show job` tells of the options that few jobs are submitted with: the last lines of a job."""

from __future__ import annotations

from mini_slurm.model.gres import prefixed
from mini_slurm.model.patterns import shown_error, shown_input, shown_output
from mini_slurm.model.request import SHOWN, extra, open_preference, used_features
from mini_slurm.model.units import format_elapsed, parse_duration
from mini_slurm.output import tres
from mini_slurm.output.job_fields import command_line
from mini_slurm.output.values import NULL, gres

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.model.job import Job
    from mini_slurm.output.records import Line, RecordView, Value

MAIL_TYPES = (
    "ARRAY_TASKS", "INVALID_DEPEND", "BEGIN", "END", "FAIL", "REQUEUE", "STAGE_OUT",
    "TIME_LIMIT_50", "TIME_LIMIT_80", "TIME_LIMIT_90", "TIME_LIMIT",
)  # fmt: skip
ALL_MAIL = frozenset({"INVALID_DEPEND", "BEGIN", "END", "FAIL", "REQUEUE", "STAGE_OUT"})

GOVERNORS = ("Conservative", "OnDemand", "Performance", "PowerSave", "SchedUtil", "UserSpace")


def layout(job: Job, view: RecordView) -> str:
    """Boards, sockets, cores and threads that were asked for."""
    _, cores, threads = tres.layout(job)
    return f"0:0:{cores}:{threads}"


def tasks_per(job: Job, view: RecordView) -> str:
    """Tasks on a node, board, socket and core."""
    options = extra(job)
    return ":".join(
        (
            str(job.ntasks_per_node or 0),
            "0",
            options.get("ntasks-per-socket", "*"),
            options.get("ntasks-per-core", "*"),
        )
    )


def core_spec(job: Job, view: RecordView) -> str | None:
    """Cores kept for the system, unless it is threads."""
    options = extra(job)
    return None if "thread-spec" in options else options.get("core-spec", "*")


def _features(job: Job) -> str:
    used = used_features(job)
    return NULL if used is None else used


def _option(name: str) -> Value:
    """An option's value as it was given; nothing when it was not."""
    return lambda job, view: extra(job).get(name)


def _gpu_option(name: str) -> Value:
    """An option that says something of each GPU."""
    return lambda job, view: tres.per_gpu(job, name)


def _told(name: str, value: Value) -> Line:
    """A line that shows what scontrol update was told in words that change nothing, if it was."""
    return ((name, lambda job, view: extra(job).get(SHOWN + name, value(job, view))),)


def _of_gpus(name: str) -> Value:
    """What was said of GPUs in general."""
    return lambda job, view: f"gpu:{text}" if (text := extra(job).get(name)) else None


NEVER = 2**32 - 1  # seconds: no delay is longer


def _delay(job: Job) -> str:
    text = extra(job).get("delay-boot")
    seconds = parse_duration(text) if text else 0
    return "UNLIMITED" if seconds >= NEVER else format_elapsed(seconds)


def _switches(job: Job, view: RecordView) -> str | None:
    count, _, longest = extra(job).get("switches", "0").partition("@")
    if count == "0":
        return None
    return f"{count}@{format_elapsed(parse_duration(longest) if longest else 0)}"


def _bound(job: Job, view: RecordView) -> str | None:
    """Are GPUs handed out by where they are?"""
    flags = extra(job).get("gres-flags", "").lower()
    return {"enforce-binding": "Yes", "disable-binding": "No"}.get(flags)


def _frequency(job: Job) -> dict[str, str]:
    """The CPU frequency that was asked for: its bounds, and who governs it; the line begins with what there is."""
    text = extra(job).get("cpu-freq", "")
    if text in GOVERNORS:
        return {"Governor": text}
    span, _, governor = text.partition(":")
    least, dash, most = span.partition("-")
    found = {"CPU_min_freq": least, "CPU_max_freq": most} if dash else {"CPU_max_freq": least}
    last = list(found)[-1]
    return {**found, "Governor": governor} if governor else {**found, last: f"{found[last]} "} if text else {}


def _frequency_part(name: str) -> Value:
    return lambda job, view: _frequency(job).get(name)


def _mail_user(job: Job, view: RecordView) -> str | None:
    return (extra(job).get("mail-user") or job.user) if _mail_type(job, view) else None


def _mail_type(job: Job, view: RecordView) -> str | None:
    wanted = {word.strip().upper() for word in extra(job).get("mail-type", "").split(",")}
    if "ALL" in wanted:
        wanted |= ALL_MAIL
    if "NONE" in wanted:
        return None
    return ",".join(name for name in MAIL_TYPES if name in wanted) or None


def _kill_on_invalid(job: Job) -> str | None:
    """What becomes of a job whose dependency can never be met, where the user said so."""
    text = extra(job).get("kill-on-invalid-dep", "").lower()
    return "Yes" if text in ("yes", "y") else "No" if text in ("no", "n") else None


# fmt: off
LINES = (
    (("Features", lambda job, view: _features(job)),
     ("DelayBoot", lambda job, view: _delay(job))),
    (("ClusterFeatures", _option("cluster-constraint")),),
    (("Prefer", lambda job, view: open_preference(job)),),
    (("Reservation", lambda job, view: job.reservation),),
    (("OverSubscribe", lambda job, view: tres.sharing(job)),
     ("Contiguous", lambda job, view: str(int("contiguous" in extra(job)))),
     ("Licenses", lambda job, view: NULL if job.licenses is None else job.licenses),
     ("Network", lambda job, view: extra(job).get("network", NULL))),
    (("Command", lambda job, view: command_line(job)),),
    (("WorkDir", lambda job, view: job.work_dir),),
    (("AdminComment", _option("admin-comment")),),
    (("Comment", lambda job, view: None if job.comment is None else f"{job.comment} "),),
    (("StdErr", lambda job, view: shown_error(job) if job.is_batch else None),),
    (("StdIn", lambda job, view: shown_input(job) if job.is_batch else None),),
    (("StdOut", lambda job, view: shown_output(job) if job.is_batch else None),),
    (("Switches", _switches),),
    (("BurstBuffer", _option("bb")),),
    tuple((name, _frequency_part(name)) for name in ("CPU_min_freq", "CPU_max_freq", "Governor")),
    (("Power", lambda job, view: "LEVEL" if "power" in extra(job) else ""),),
    (("GresEnforceBind", _bound),),
    (("KillOInInvalidDependent", lambda job, view: _kill_on_invalid(job)),),
    (("SpreadJob", lambda job, view: "Yes" if "spread-job" in extra(job) else None),),
    _told("CpusPerTres", _gpu_option("cpus-per-gpu")),
    _told("MemPerTres", _gpu_option("mem-per-gpu")),
    (("TresBind", _of_gpus("gpu-bind")),),
    (("TresFreq", _of_gpus("gpu-freq")),),
    _told("TresPerJob", lambda job, view: gres(prefixed(job.gpus or ""))),
    _told("TresPerNode", lambda job, view: gres(job.gres)),
    _told("TresPerSocket", _gpu_option("gpus-per-socket")),
    _told("TresPerTask", _gpu_option("gpus-per-task")),
    (("MailUser", _mail_user), ("MailType", _mail_type)),
    (("NtasksPerTRES", _option("ntasks-per-gpu")),),
    (("Container", _option("container")),),
)
# fmt: on
