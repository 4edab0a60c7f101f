"""LSF, experimental: written after its manual and read against answers like those in it; no LSF has been asked yet."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence

from mini_slurm.clusters import pbs_options
from mini_slurm.clusters.asked import refuse_others
from mini_slurm.clusters.base import SUBMISSION, Answer, Call, Goal, Order, Site, Unanswered
from mini_slurm.clusters.pbs import wrapper
from mini_slurm.errors import Refused
from mini_slurm.model.cluster_entry import ClusterEntry
from mini_slurm.model.foreign import ForeignJob
from mini_slurm.model.hostlist import compress
from mini_slurm.model.states import JobState

SUBMITTED = re.compile(rb"^Job <(\d+)> is submitted to (?:default )?queue <[^>]*>", re.MULTILINE)
NOTHING = (b"No unfinished job found", b"No job found", b"is not found", b"No matching job found")
TAG = "mini_slurm:"  # begins the job's description
FIELDS = ("jobid", "jobindex", "stat", "user", "queue", "job_name", "job_description", "exec_host", "exit_code",
          "exit_reason", "submit_time", "start_time", "finish_time", "runtimelimit")  # fmt: skip
STATES = {
    "PEND": JobState.PENDING, "WAIT": JobState.PENDING, "PROV": JobState.PENDING, "PSUSP": JobState.PENDING,
    "RUN": JobState.RUNNING, "UNKWN": JobState.RUNNING, "USUSP": JobState.SUSPENDED, "SSUSP": JobState.SUSPENDED,
    "DONE": JobState.COMPLETED, "EXIT": JobState.FAILED, "ZOMBI": JobState.NODE_FAIL,
}  # fmt: skip
REASONS = {"TERM_RUNLIMIT": JobState.TIMEOUT, "TERM_MEMLIMIT": JobState.OUT_OF_MEMORY, "TERM_OWNER": JobState.CANCELLED,
           "TERM_ADMIN": JobState.CANCELLED, "TERM_FORCE_OWNER": JobState.CANCELLED}  # fmt: skip
KINDS = {"afterok": "done({})", "afternotok": "exit({})", "afterany": "ended({})", "after": "started({})"}
VERBS = {"hold": "bstop", "uhold": "bstop", "release": "bresume", "suspend": "bstop", "resume": "bresume",
         "requeue": "brequeue"}  # fmt: skip
# -m names hosts of which LSF takes some, and priorities are the queue's where the site does not say otherwise
NO_WORDS = frozenset({"required_nodes", "nodefile", "nice"})
# The wrapper looks for what PBS sets.
SURROUNDINGS = """\
index = os.environ.get("LSB_JOBINDEX", "0")
os.environ["PBS_JOBID"] = os.environ["LSB_JOBID"] + ("" if index == "0" else f"[{index}]")
os.environ["PBS_QUEUE"], os.environ["PBS_O_HOST"] = os.environ.get("LSB_QUEUE", ""), os.environ.get("LSB_SUB_HOST", "")
os.environ["PBS_NODEFILE"] = os.environ.get("LSB_DJOB_HOSTFILE", "")
"""


class Lsf:
    """An LSF whose commands can be called."""

    native = False

    def __init__(self, entry: ClusterEntry) -> None:
        self.entry = entry

    def submission(self, order: Order, *, remote: bool) -> Call:
        """bsub with the options translated; it gets the wrapper as the command's standard input. Raises Refused."""
        job = order.job
        words = ["bsub", *self.entry.options, "-Jd", TAG + job.tag, "-o", os.devnull, "-e", os.devnull]
        words += translate(job, order.asked, order.others)
        export = [name.upper() for name in (job.export or "ALL").split(",")]
        words += [] if "ALL" in export else ["-env", "none"]
        brought = pbs_options.variables(job.export or "ALL", {} if remote or "ALL" in export else os.environ)
        # the file of hosts has a line for each slot, and a CPU is a slot
        text = wrapper(order, self.entry.folder, job.cpus_per_task or 1, brought)
        head, mark, last = text.rpartition(b"\n\nmain(")
        script = head + b"\n\n" + SURROUNDINGS.encode() + mark + last
        return Call(tuple(words), script, folder=job.work_dir, patience=SUBMISSION, once=job.tag)

    def read_submission(self, answer: Answer) -> str | None:
        """`Job <123> is submitted to queue <normal>.`"""
        found = SUBMITTED.search(answer.out) if answer.code == 0 else None
        return found[1].decode() if found else None

    def is_unclear(self, answer: Answer) -> bool:
        """Was it killed, or did it end well without a number?"""
        return answer.code <= 0 or b"timed out" in answer.err

    def find(self, jobs: Sequence[ForeignJob]) -> Call:
        """All jobs of this user."""
        return self.states(())

    def name(self, job: ForeignJob) -> str:
        """The number, which an array and its tasks share."""
        return job.foreign_id.partition("[")[0]

    def states(self, jobs: Sequence[ForeignJob] | None) -> Call:
        """One bjobs for all."""
        whose = ("-u", "all") if jobs is None else ()
        return Call(("bjobs", "-a", "-noheader", *whose, "-o", f"{' '.join(FIELDS)} delimiter='|'"))

    def read_states(self, answer: Answer, known: Sequence[ForeignJob]) -> list[ForeignJob]:
        """Every job that LSF still knows."""
        if answer.code and not any(word in answer.err for word in NOTHING):
            lines = answer.err.decode(errors="replace").strip().splitlines()
            raise Unanswered(lines[-1] if lines else f"bjobs ended with exit status {answer.code}")
        mine = {job.foreign_id or TAG + job.tag: job for job in known}
        return [self._read(row, mine) for row in _rows(answer.out)]

    def _read(self, row: Mapping[str, str], mine: Mapping[str, ForeignJob]) -> ForeignJob:
        index = row["jobindex"] if row["jobindex"] not in ("", "0", "-") else None
        name = row["jobid"] + (f"[{index}]" if index else "")
        before = mine.get(name) or mine.get(row["jobid"]) or mine.get(row["job_description"])
        job = ForeignJob(**(before.__dict__ if before is not None else {}))
        job.foreign_id, job.job_id, job.cluster = name, int(row["jobid"]), self.entry.name
        if index:
            job.array_job_id, job.array_task_id, job.array_tasks = job.job_id, int(index), None
        job.user, job.partition = row["user"], row["queue"]
        job.name = job.name or row["job_name"].partition("[")[0]
        described = row["job_description"]
        job.tag = job.tag or (described.removeprefix(TAG) if described.startswith(TAG) else "")
        job.ours = int(before is not None or bool(job.tag))
        _read_state(job, row)
        return job

    def ends(self, jobs: Sequence[ForeignJob]) -> Call | None:
        """bjobs -a has told them."""
        return None

    def read_ends(self, answer: Answer, jobs: Sequence[ForeignJob]) -> list[ForeignJob] | None:
        """Nothing was asked."""
        return None

    def cancel(self, goals: Sequence[Goal], signal: str | None, options: Sequence[str]) -> Call:
        """One bkill for all."""
        how = () if signal is None else ("-s", signal)
        return Call(("bkill", *how, *(name for goal in goals for name in self._names(goal))))

    def change(self, verb: str, goals: Sequence[Goal], words: Sequence[str]) -> list[Call]:
        """bstop, bresume, brequeue. Raises Refused for what has no command."""
        if verb not in VERBS:
            raise Refused(f"{verb} is not to be had for {self.entry.name}, which is an LSF")
        return [Call((VERBS[verb], *(name for goal in goals for name in self._names(goal))))]

    def _names(self, goal: Goal) -> list[str]:
        number = self.name(goal.job)
        if goal.tasks is not None:
            return [f"{number}[{task}]" for task in sorted(goal.tasks)]
        return [number if goal.whole else goal.job.foreign_id]

    def site(self) -> list[Call]:
        """Not asked for yet."""
        raise Refused(f"msinfo is not to be had for {self.entry.name}, which is an LSF", hint="bhosts and bqueues are")

    def read_site(self, answers: Sequence[Answer]) -> Site:
        """Nothing was asked."""
        raise Unanswered("nothing was asked")


def _rows(output: bytes) -> Iterator[dict[str, str]]:
    for line in output.decode("utf-8", "backslashreplace").splitlines():
        values = line.split("|")
        if len(values) == len(FIELDS):
            yield dict(zip(FIELDS, (value.strip() for value in values), strict=True))


def _read_state(job: ForeignJob, row: Mapping[str, str]) -> None:
    job.state = STATES.get(row["stat"], JobState.PENDING)
    job.reason = "JobHeldUser" if row["stat"] == "PSUSP" else "Priority" if row["stat"] == "PEND" else "None"
    job.start_time = _moment(row["start_time"]) or job.start_time
    hosts = dict.fromkeys(part.rpartition("*")[2] for part in row["exec_host"].split(":") if part not in ("", "-"))
    if hosts:
        job.node_list, job.node = compress([*hosts]), next(iter(hosts))
    if job.state.is_over:
        job.end_time = _moment(row["finish_time"]) or job.end_time or time.time()
        job.exit_code = int(row["exit_code"]) if row["exit_code"].isdigit() else 0
        word = next((word for word in REASONS if word in row["exit_reason"]), None)
        job.state = REASONS[word] if word else job.state
        job.reason = "NonZeroExitCode" if job.state is JobState.FAILED else "None"


def _moment(text: str) -> float | None:
    """`Nov 22 05:00`, this year's or the last one's; a letter may follow."""
    found = re.match(r"(\w{3} +\d+ \d\d:\d\d)(?::\d\d)?", text)
    if not found:
        return None
    now = time.localtime()
    read = time.mktime(time.strptime(f"{now.tm_year} {found[1]}", "%Y %b %d %H:%M"))
    return (
        read
        if read <= time.time() + 86400
        else time.mktime(time.strptime(f"{now.tm_year - 1} {found[1]}", "%Y %b %d %H:%M"))
    )


def translate(job: ForeignJob, asked: Mapping[str, object], others: Mapping[int, ForeignJob]) -> list[str]:
    """The options of bsub. Raises Refused for what it has no word for."""
    refuse_others(job, asked, pbs_options.KNOWN - NO_WORDS)
    name = pbs_options.clean_name(job.name)
    if asked.get("array"):
        name += _array(str(asked["array"]))
    tasks, each = job.ntasks or max(job.nodes, 1) * (job.ntasks_per_node or 1), job.cpus_per_task or 1
    words = ["-J", name, "-n", str(tasks * each), "-cwd", job.work_dir]
    words += _span(job, tasks, each)
    memory = job.memory_per_node or (job.memory_per_cpu and job.memory_per_cpu * each)
    words += ["-M", f"{memory}MB"] if memory else []
    if job.time_limit is not None:
        words += ["-W", f"{job.time_limit // 3600}:{job.time_limit % 3600 // 60:02}"]
    for option, value in (("-q", job.partition), ("-P", job.account), ("-u", asked.get("mail_user"))):
        words += [option, str(value)] if value else []
    words += ["-x"] if job.is_exclusive else []
    words += ["-H"] if asked.get("hold") else []
    words += ["-gpu", f"num={_gpus(job)}"] if job.gpus or job.gres else []
    words += ["-r" if asked["requeue"] else "-rn"] if "requeue" in asked else []
    events = asked.get("mail_type")
    if isinstance(events, frozenset):
        words += ["-B"] if "BEGIN" in events else []
        words += ["-N"] if events & {"END", "FAIL"} else []
    if job.begin_time is not None:
        words += ["-b", time.strftime("%Y:%m:%d:%H:%M", time.localtime(job.begin_time))]
    waits = _dependency(job, others)
    return [*words, "-w", waits] if waits else words


def _span(job: ForeignJob, tasks: int, each: int) -> list[str]:
    """How many slots a host gives, where that was said."""
    if job.ntasks_per_node:
        return ["-R", f"span[ptile={job.ntasks_per_node * each}]"]
    if job.max_nodes is not None:
        return ["-R", f"span[ptile={-(-tasks // job.nodes) * each}]" if job.nodes > 1 else "span[hosts=1]"]
    return ["-R", f"span[ptile={each}]"] if each > 1 else []


def _gpus(job: ForeignJob) -> int:
    """GPUs of each host, which is what LSF counts. Raises Refused."""
    count = pbs_options.count_gpus(job)
    hosts = max(job.nodes, 1) if job.gpus else 1
    if count % hosts:
        raise Refused(f"--gpus={job.gpus} cannot be divided among {hosts} nodes", hint="use --gpus-per-node")
    return count // hosts


def _array(expression: str) -> str:
    listed, _, most = expression.partition("%")
    return f"[{listed}]{f'%{most}' if most else ''}"


def _dependency(job: ForeignJob, others: Mapping[int, ForeignJob]) -> str:
    terms = []
    for term in filter(None, pbs_options.dependency(job, others).split(",")):
        kind, _, names = term.partition(":")
        terms += [KINDS[kind].format(name.partition("[")[0]) for name in names.split(":")]
    return " && ".join(terms)
