"""What qstat -f prints of jobs, read into ours."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence

from mini_slurm.model.foreign import ZERO, ForeignJob
from mini_slurm.model.hostlist import compress
from mini_slurm.model.states import JobState

NUMBER = re.compile(r"(\d+)(?:\[(\d*)\])?")
STATES = {
    "Q": JobState.PENDING, "H": JobState.PENDING, "W": JobState.PENDING, "T": JobState.PENDING, "M": JobState.PENDING,
    "R": JobState.RUNNING, "B": JobState.RUNNING, "S": JobState.SUSPENDED, "U": JobState.SUSPENDED,
    "E": JobState.COMPLETING, "X": JobState.COMPLETED, "F": JobState.COMPLETED,
}  # fmt: skip
ALONE = re.compile(r"(\d+)-(\d+):2")  # how one task is written as a range
SIZES = {"b": 1 / 1024, "kb": 1, "mb": 1024, "gb": 1024**2, "tb": 1024**3, "w": 8 / 1024, "kw": 8}
DELETED = "91"  # substate
KILLED = 256  # Exit_status of what PBS itself signalled: this and the signal
TERMINATED = KILLED + 15
TIMEOUT, MEMORY, MOM_LOST = (-29, -28), (-27, -26), (-4, -5, -6, -3, -11, -14)
NOTED = """\
Job Id: {id}
    job_state = F
    substate = {substate}
    Exit_status = {code}
    obittime = {end}
    Variable_List = MINI_SLURM_TAG={tag}
"""
ROUNDED = 1  # seconds that moments of PBS may be too late
TAG = "MINI_SLURM_TAG="


def jobs(output: bytes) -> Iterator[tuple[str, dict[str, str]]]:
    """Each job's name and attributes. A long value is folded: the next line begins with a tab."""
    attributes: dict[str, str] = {}
    name = last = ""
    for line in output.decode("utf-8", "backslashreplace").split("\n"):
        if line.startswith("Job Id: "):
            if name:
                yield name, attributes
            name, attributes, last = line.removeprefix("Job Id: ").strip(), {}, ""
        elif line.startswith("\t") and last:
            attributes[last] += line[1:]
        elif line.startswith("    ") and " = " in line:
            last, _, value = line.strip(" ").partition(" = ")
            attributes[last] = value
    if name:
        yield name, attributes


def number(name: str) -> int:
    """The job's number, the array's for a task."""
    found = NUMBER.match(name)
    return (int(found[1]) or ZERO) if found else 0


def read(name: str, given: dict[str, str], known: ForeignJob | None) -> ForeignJob:
    """The job, with what was known of it."""
    job = ForeignJob(**(known.__dict__ if known is not None else {}))
    job.foreign_id = name
    found = NUMBER.match(name)
    job.job_id = number(name)
    if found and found[2] is not None:
        job.array_job_id = job.job_id
        job.array_task_id = int(found[2]) if found[2] else None
        job.array_tasks = None if found[2] else _remaining(given)
    job.user = given.get("Job_Owner", "").partition("@")[0] or job.user
    job.name = job.name if known is not None and known.name else given.get("Job_Name", "")
    job.partition = given.get("queue", job.partition)
    job.account = given.get("Account_Name", job.account)
    if not job.tag:
        job.tag = tag(given)
    job.submit_time = job.submit_time or moment(given.get("ctime")) or 0.0
    job.eligible_time = moment(given.get("etime")) or job.eligible_time
    if "Resource_List.walltime" in given:
        job.time_limit = seconds(given["Resource_List.walltime"])
    job.restarts = max(int(given.get("run_count", 0)) - 1, 0)
    _read_place(job, given)
    _read_state(job, given)
    return job


def tag(given: dict[str, str]) -> str:
    """The tag of a job that was submitted from here; "": it was not."""
    return next((word.removeprefix(TAG) for word in _variables(given) if word.startswith(TAG)), "")


def _variables(given: dict[str, str]) -> list[str]:
    return re.split(r"(?<!\\),", given.get("Variable_List", ""))


def _remaining(given: dict[str, str]) -> str | None:
    """The tasks that have no record of their own yet."""
    left = given.get("array_indices_remaining", "-")
    alone = ALONE.fullmatch(left)
    if alone and int(alone[2]) == int(alone[1]) + 1:
        return alone[1]
    return None if left == "-" else left


def has_no_room(given: dict[str, str]) -> bool:
    """Does this array run as many tasks as it may at a time?"""
    most = given.get("max_run_subjobs", "")
    running = re.search(r"Running:(\d+)", given.get("array_state_count", ""))
    return most.isdigit() and running is not None and int(running[1]) >= int(most)


def _read_place(job: ForeignJob, given: dict[str, str]) -> None:
    hosts = dict.fromkeys(part.partition("/")[0] for part in given.get("exec_host", "").split("+") if part)
    if hosts:
        job.node_list, job.node = compress([*hosts]), next(iter(hosts))
    job.nodes = int(given.get("Resource_List.nodect", job.nodes) or 1)
    # a task that has not begun has the moment at which its array did
    is_waiting = STATES.get(given.get("job_state", "Q")) is JobState.PENDING
    began = (
        None
        if is_waiting or (job.array_task_id is not None and not hosts)
        else given.get("stime") or given.get("start_time")
    )
    if began and given.get("stime"):
        job.alloc_cpus = int(given.get("Resource_List.ncpus", 0))
        job.alloc_memory = kibibytes(given.get("Resource_List.mem", "0kb")) // 1024
    job.start_time = moment(began)
    job.max_rss = kibibytes(given.get("resources_used.mem", "0kb"))
    job.user_seconds = float(seconds(given.get("resources_used.cput", "0")))


def _read_state(job: ForeignJob, given: dict[str, str]) -> None:
    letter = given.get("job_state", "Q")
    job.state = STATES.get(letter, JobState.PENDING)
    job.reason, job.priority = "None", 1
    job.end_time = job.outcome = None  # of a job in state E the end is told later: why it was ended, and its exit code
    if job.state is JobState.PENDING:
        job.reason, job.priority = _reason(given, letter)
    elif letter in "XF":
        _read_end(job, given)


def _reason(given: dict[str, str], letter: str) -> tuple[str, int]:
    if letter == "W":
        return "BeginTime", 1
    if letter == "H":
        return _holder(given.get("Hold_Types", ""), "depend" in given)
    if given.get("comment", "").startswith("Can Never Run"):
        return "PartitionConfig", 1
    return ("Resources" if "Not Running" in given.get("comment", "") else "Priority"), 1


def _holder(holds: str, waits: bool) -> tuple[str, int]:
    """`u`: the user; `o`: an operator; `s`: the system, for a dependency, or after too many runs that failed."""
    if holds == "s" and waits:
        return "Dependency", 1
    return ("JobHeldAdmin" if {*holds} & {*"os"} else "JobHeldUser"), 0


def _read_end(job: ForeignJob, given: dict[str, str]) -> None:
    """PBS's own word on the end: a code, or why it was ended."""
    job.end_time = moment(given.get("obittime") or given.get("comp_time") or given.get("mtime"))
    job.exit_code = job.exit_signal = 0
    code = given.get("Exit_status")
    if code is None:  # it never ran: deleted, or its dependency was never met
        job.state = JobState.CANCELLED
        return
    comment = given.get("comment", "")
    deleted = given.get("substate") == DELETED or "terminated by" in comment
    # older versions signal a job that has used up its time as they signal one that is deleted
    late = "exceeded resource walltime" in comment or (int(code) == TERMINATED and not deleted and has_used_up(given))
    end(job, int(code), deleted, late)


def has_used_up(given: dict[str, str]) -> bool:
    """Did it run for as long as it may?"""
    used, limit = (given.get(f"{kind}.walltime") for kind in ("resources_used", "Resource_List"))
    return used is not None and limit is not None and seconds(used) >= seconds(limit)


def end(job: ForeignJob, code: int, is_deleted: bool, is_late: bool = False) -> None:
    """State and exit code for an Exit_status."""
    if code in TIMEOUT or (is_late and not is_deleted):
        job.state = JobState.TIMEOUT
    elif code in MEMORY:
        job.state = JobState.OUT_OF_MEMORY
    elif is_deleted:
        job.state = JobState.CANCELLED
    elif code in MOM_LOST:
        job.state = JobState.NODE_FAIL
    elif code == 0:
        job.state = JobState.COMPLETED
    else:
        job.state = JobState.FAILED
        signal = code - KILLED if code > KILLED else 0
        job.exit_code, job.exit_signal = (0, signal) if signal else (code & 0xFF if code > 0 else 1, 0)
    if code > KILLED and job.state is JobState.CANCELLED:
        job.exit_signal = code - KILLED
    job.reason = "NonZeroExitCode" if job.state is JobState.FAILED else "None"


def moment(text: str | None) -> float | None:
    """`Sun Nov 22 05:00:20 2026`, in local time, or seconds since the epoch."""
    if not text:
        return None
    if text.isdigit():  # as Torque's XML has it
        return float(text)
    try:
        return time.mktime(time.strptime(text))
    except ValueError:
        return None


def seconds(text: str) -> int:
    """[[HH:]MM:]SS."""
    total = 0
    for part in text.split(":"):
        total = total * 60 + (int(part) if part.isdigit() else 0)
    return total


def kibibytes(text: str) -> int:
    """A size as PBS writes it."""
    digits = text.rstrip("bkmgtw")
    return int(int(digits) * SIZES.get(text[len(digits) :], 1)) if digits.isdigit() else 0


def before(name: str, known: Mapping[str, ForeignJob]) -> ForeignJob | None:
    """What was known of the job of this name; of a task that was never seen, what was known of its array."""
    found = NUMBER.match(name)
    array = known.get(re.sub(r"\[\d+\]", "[]", name))
    if name in known or array is None or array.array_tasks is None or not found or not found[2]:
        return known.get(name)
    task = {"foreign_id": name, "array_task_id": int(found[2]), "array_tasks": None}
    return ForeignJob(**{**array.__dict__, **task})


def accounted(told: Sequence[dict[str, object]], known: Mapping[str, ForeignJob]) -> list[ForeignJob]:
    """Ends that the wrappers wrote down: by PBS's names, with exit code and moments."""
    found = []
    for line in told:
        one = before(str(line.get("id")), known)
        if one is None:
            continue
        job = ForeignJob(**one.__dict__)
        code, signal = _number(line, "code"), _number(line, "signal")
        job.start_time, job.end_time = float(_number(line, "start")), float(_number(line, "end"))
        job.exit_code, job.exit_signal = code, signal
        job.node_list = str(line["nodes"]) if line.get("nodes") else job.node_list
        job.restarts = max(_number(line, "runs") - 1, job.restarts)
        was_ended = bool(line.get("ended"))
        began = min(job.start_time, one.start_time or job.start_time)  # PBS counts from before the wrapper's start
        is_late = job.time_limit is not None and job.end_time - began >= job.time_limit - ROUNDED
        if was_ended:
            job.state = JobState.TIMEOUT if is_late and job.cancelled_by is None else JobState.CANCELLED
        else:
            job.state = JobState.COMPLETED if not code and not signal else JobState.FAILED
        job.reason = "NonZeroExitCode" if job.state is JobState.FAILED else "None"
        found.append(job)
    return found


def _number(line: dict[str, object], name: str) -> int:
    value = line.get(name)
    return int(value) if isinstance(value, int | float) else 0
