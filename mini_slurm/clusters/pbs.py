"""A PBS: OpenPBS, PBS Pro. #SBATCH scripts are translated and wrapped, #PBS scripts pass through untouched."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from mini_slurm.clusters import pbs_arrays, pbs_options, pbs_script, pbs_site
from mini_slurm.clusters import pbs_records as records
from mini_slurm.clusters.base import SUBMISSION, Answer, Call, Goal, Order, Script, Site, Unanswered
from mini_slurm.errors import Refused
from mini_slurm.model.cluster_entry import ClusterEntry
from mini_slurm.model.foreign import ForeignJob, waiting
from mini_slurm.model.states import JobState
from mini_slurm.model.units import parse_time_limit

INSIDE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "inside")
TOOLS = ("srun", "srun_step", "srun_task", "scontrol")
NEEDED = re.compile(r"^from mini_slurm\.clusters\.inside\.(\w+) import .*\n", re.MULTILINE)
FUTURE = "from __future__ import annotations\n"  # stands at the head of a text alone
NAME = re.compile(rb"^\d+(?:\[\])?\.\S+$", re.MULTILINE)
UNCLEAR = re.compile(rb"timed? ?out|reset by peer|[Ee]nd of [Ff]ile|[Pp]remature|Protocol", re.MULTILINE)
# what qstat says of jobs that it does not show
EXPECTED = (b"Unknown Job Id", b"has finished", b"maintain job history")
# PBS would copy what is written elsewhere to the server's host, and the job ends when its tries have failed
NOWHERE = f"localhost:{os.devnull}"
SCHEDULED = ("Priority", "Resources")  # reasons of what waits for nothing but its turn
LIMITS = (JobState.TIMEOUT, JobState.OUT_OF_MEMORY)  # ends that a wrapper cannot tell from others for certain
SIMPLE = {"hold": ("qhold",), "uhold": ("qhold",), "release": ("qrls",), "requeue": ("qrerun",),
          "suspend": ("qsig", "-s", "suspend"), "resume": ("qsig", "-s", "resume")}  # fmt: skip


class Pbs:
    """A PBS whose commands can be called."""

    native = False
    letters = "a:A:c:C:e:fhIj:J:k:l:m:M:N:o:p:P:q:r:R:S:u:v:VW:Xz"  # qsub's options
    # qstat's options for all jobs and for those that are over, and what it prints of these
    listing: tuple[str, ...] = ("-t", "-f", "-w")
    history: tuple[str, ...] = ("-x", "-t", "-f", "-w")
    noted = records.NOTED

    def __init__(self, entry: ClusterEntry) -> None:
        self.entry = entry

    def submission(self, order: Order, *, remote: bool) -> Call:
        """qsub with the options translated, and the script in a wrapper. Raises Refused."""
        job, tag = order.job, f"{records.TAG}{order.job.tag}"
        words = ["qsub", *self.entry.options]
        if order.is_theirs:
            return self._untouched(order, words, tag)
        words += ["-C", "", "-o", NOWHERE, "-e", NOWHERE]
        options, lines = self.translate(job, order.asked, order.others)
        # far away the job has what a login there gives it: our environment means nothing there
        brought = pbs_options.variables(job.export, {} if remote else os.environ)
        script = Script("job", wrapper(order, self.entry.folder, lines, brought, self._waited(order, remote=remote)))
        words += [*options, "-v", tag]
        patience = self._patience([])
        return Call(tuple(words), b"", script, job.work_dir, patience=patience, once=job.tag)

    def translate(
        self, job: ForeignJob, asked: Mapping[str, object], others: Mapping[int, ForeignJob]
    ) -> tuple[list[str], int]:
        """The options of qsub, and how many lines of the node file each task has. Raises Refused."""
        return pbs_arrays.waited_for(pbs_options.translate(job, asked, others), job, others), 1

    def _waited(self, order: Order, *, remote: bool) -> dict[str, object]:
        """What the wrapper needs to judge the arrays that the job waited for."""
        home = os.path.expanduser("~")
        known = None if remote or not os.path.isdir(home) else os.stat(home).st_ino
        return {"after": self.judged(order), "history": self.history, "home": known}

    def judged(self, order: Order) -> list[tuple[str, str, str, list[int]]]:
        """What the wrapper has to find of jobs that this one waited for, before it runs."""
        return pbs_arrays.judged(order.job, order.others)

    def records(self, output: bytes) -> Iterator[tuple[str, dict[str, str]]]:
        """Each job's name and attributes, of what qstat -f printed."""
        return records.jobs(output)

    def _untouched(self, order: Order, words: list[str], tag: str) -> Call:
        """A #PBS script; -v on the command line would hide its own, so that goes after ours."""
        found = pbs_script.options(order.source, self.letters)
        # ours first: what ends with a backslash would take in what follows it
        words += ["-v", ",".join(filter(None, [tag, pbs_script.variables(found)]))]
        folder, patience = order.job.work_dir, self._patience(found)
        return Call(tuple(words), order.stdin, order.script, folder, patience=patience, once=order.job.tag)

    def _patience(self, found: list[tuple[str, str]]) -> float | None:
        """Seconds that qsub may take; None: the script's options, or those of the fleet file, have it stay."""
        ours = pbs_script.read(self.entry.options, self.letters)
        return None if pbs_script.stays([*ours, *found]) else SUBMISSION

    def read_submission(self, answer: Answer) -> str | None:
        """`123.server`, `123[].server`; a qsub that stays until its job is over ends as that does."""
        found = NAME.findall(answer.out) if answer.code >= 0 else []
        return found[0].decode() if found else None

    def is_unclear(self, answer: Answer) -> bool:
        """Was it killed, did it end well without a number, or did the way to the server break?"""
        return answer.code <= 0 or UNCLEAR.search(answer.err) is not None

    def find(self, jobs: Sequence[ForeignJob]) -> Call:
        """All jobs that have not ended, and what tells of those that have: the tags are among their variables."""
        text = json.dumps({"tags": [job.tag for job in jobs], **self._asked()})
        return Call(("/usr/bin/env", "python3", "-I", "-c", source("ends")), text.encode() + b"\n", asks=2)

    def _asked(self) -> dict[str, object]:
        """What the program that tells of ends has to know of this system."""
        return {
            "programs": self.entry.folder, "listing": self.listing, "history": self.history, "noted": self.noted
        }  # fmt: skip

    def name(self, job: ForeignJob) -> str:
        """The array's name, or the job's."""
        return pbs_options.submitted_as(job)

    def states(self, jobs: Sequence[ForeignJob] | None) -> Call:
        """One qstat for all, with the tasks of arrays."""
        names = () if jobs is None else tuple(sorted({self.name(job) for job in jobs}))
        return Call(("qstat", *self.listing, *names))

    def read_states(self, answer: Answer, known: Sequence[ForeignJob]) -> list[ForeignJob]:
        """Every job that has not ended. An array's own record is left out where its tasks have theirs."""
        _check(answer.code, answer.err)
        mine = {job.foreign_id: job for job in known}
        arrays = {self.name(job): job for job in known if job.array_job_id}
        nameless = {job.tag: job for job in known if not job.foreign_id}
        found, full = [], set()
        for name, given in self.records(answer.out):
            full |= {records.number(name)} if records.has_no_room(given) else set()
            before = mine.get(name) or arrays.get(re.sub(r"\[\d*\]", "[]", name)) or nameless.get(records.tag(given))
            found.append(self._read(name, given, before))
        for job in found:
            if job.array_job_id in full and job.state is JobState.PENDING and job.reason in SCHEDULED:
                job.reason = "JobArrayTaskLimit"
        apart = {job.array_job_id for job in found if job.array_task_id is not None}
        return [job for job in found if job.array_task_id is not None or job.array_job_id not in apart]

    def _read(self, name: str, given: dict[str, str], before: ForeignJob | None) -> ForeignJob:
        job = records.read(name, given, before)
        job.cluster = self.entry.name
        job.ours = int(before is not None or bool(job.tag))
        return job

    def ends(self, jobs: Sequence[ForeignJob]) -> Call | None:
        """What the wrappers noted, and the job history for the rest: one program there, which calls qstat once."""
        keys = {name: key for job in jobs for name, key in _keys(job)}
        text = json.dumps({"jobs": keys, **self._asked()})
        return Call(("/usr/bin/env", "python3", "-I", "-c", source("ends")), text.encode() + b"\n")

    def read_ends(self, answer: Answer, jobs: Sequence[ForeignJob]) -> list[ForeignJob] | None:
        """Those whose end is known."""
        try:
            told = json.loads(answer.out)
        except ValueError:
            raise Unanswered(_last(answer.err) or "no answer on the ends of jobs") from None
        known = {job.foreign_id: job for job in jobs}
        found = {job.foreign_id: job for job in records.accounted(told["notes"], known)}
        for name, given in records.jobs(told["out"].encode("latin-1")):
            before = records.before(name, known)
            if before is not None and given.get("job_state") in ("F", "X"):
                ended = self._read(name, given, before)
                noted = found.setdefault(name, ended)
                noted.state = ended.state if ended.state in LIMITS else noted.state
        if not found:
            _check(told["code"], told["err"].encode("latin-1"))
        return [*found.values()]

    def cancel(self, goals: Sequence[Goal], signal: str | None, options: Sequence[str]) -> Call:
        """One qdel for all; a signal goes by qsig."""
        command = ("qdel",) if signal is None else ("qsig", "-s", signal)
        return Call((*command, *(name for goal in goals for name in self._names(goal))))

    def change(self, verb: str, goals: Sequence[Goal], words: Sequence[str]) -> list[Call]:
        """qhold, qrls, qrerun, qsig, qalter. Raises Refused for what has no command."""
        names = tuple(name for goal in goals for name in self._names(goal))
        if verb in SIMPLE:
            return [Call((*SIMPLE[verb], *names))]
        if verb != "update":
            raise Refused(f"{verb} is not to be had for {self.entry.name}, which is a PBS")
        changes = dict(word.partition("=")[::2] for word in words)
        options = [word for name, value in changes.items() for word in self._change(name, value)]
        return [Call(("qalter", *options, *names))]

    def site(self) -> list[Call]:
        """Nodes, queues, and which queue is the default."""
        return [Call(("pbsnodes", "-a")), Call(("qstat", "-Q", "-f")), Call(("qstat", "-B", "-f"))]

    def read_site(self, answers: Sequence[Answer]) -> Site:
        """Nodes and queues; the listing of a cluster without nodes ends badly."""
        for answer in answers[1:]:
            if answer.code:
                raise Unanswered(_last(answer.err) or f"qstat ended with exit status {answer.code}")
        if answers[0].code and b"connect" in answers[0].err:
            raise Unanswered(_last(answers[0].err))
        nodes, queues, server = (answer.out for answer in answers)
        return pbs_site.site(self.entry.name, nodes, queues, server)

    def _change(self, name: str, value: str) -> list[str]:
        match name.lower():
            case "jobid" | "job":
                return []
            case "timelimit":
                limit = parse_time_limit(value)
                return ["-l", f"walltime={pbs_options.walltime(limit)}"] if limit is not None else []
            case "jobname" | "name":
                return ["-N", pbs_options.clean_name(value)]
            case "account":
                return ["-A", value]
            case "nice" if value.removeprefix("-").isdecimal():
                return ["-p", pbs_options.priority(int(value))]
        raise Refused(f"{name} of a job on {self.entry.name} cannot be changed: PBS has no word for it")

    def _names(self, goal: Goal) -> list[str]:
        """A job as PBS names it."""
        if goal.tasks is not None:
            return [re.sub(r"\[\d*\]", f"[{task}]", goal.job.foreign_id) for task in sorted(goal.tasks)]
        return [self.name(goal.job) if goal.whole else goal.job.foreign_id]


def wrapper(
    order: Order,
    programs: str | None,
    lines: int = 1,
    brought: Mapping[str, str] | None = None,
    waited: Mapping[str, object] = MappingProxyType({"after": ()}),
) -> bytes:
    """The script that PBS gets: inside/job.py, and what it is to do.

    `lines` of the node file are one task's; `brought`: variables that it brings along; `waited`: for inside/waited.py.
    """
    job = order.job
    what: Mapping[str, object] = {
        "tag": job.tag, "name": job.name, "cluster": job.cluster, "account": job.account, "umask": job.umask,
        "work_dir": job.work_dir, "submit_dir": order.folder, "arguments": json.loads(job.arguments),
        "std_out": job.std_out, "std_err": job.std_err, "std_in": job.std_in, "appends": job.open_mode == "a",
        "ntasks": job.ntasks, "cpus_per_task": job.cpus_per_task, "script": order.source.decode("latin-1"),
        "array": (job.array_min, job.array_max, job.array_step, job.array_size),
        "programs": programs, "lines": lines, "brought": brought or {}, "time_limit": job.time_limit,
        "told": {name: str(value) for name, value in _told(job).items() if value is not None},
        "takes_path": "ALL" in (job.export or "ALL").upper().split(","),
        **waited,
        "tools": {name: f"#!/usr/bin/env python3\n{source(name)}" for name in TOOLS},
    }  # fmt: skip
    last = f"\n\nmain(json.loads({json.dumps(what)!r}))\n"
    return b"#!/usr/bin/env python3\n" + source("job").encode() + last.encode()


def _told(job: ForeignJob) -> dict[str, object]:
    """Variables that repeat what was asked for."""
    gpus = pbs_options.count_gpus(job) // (max(job.nodes, 1) if job.gpus else 1)
    return {
        "SLURM_NTASKS_PER_NODE": job.ntasks_per_node, "SLURM_MEM_PER_NODE": job.memory_per_node,
        "SLURM_MEM_PER_CPU": job.memory_per_cpu, "SLURM_GPUS": job.gpus, "SLURM_GPUS_ON_NODE": gpus or None,
        "SLURM_EXPORT_ENV": job.export, "MINI_SLURM_WHOLE": int(job.is_exclusive) or None,
    }  # fmt: skip


def source(name: str) -> str:
    """The text of a module that travels, with those that it needs put in the place of their imports."""
    with open(os.path.join(INSIDE, f"{name}.py"), encoding="utf-8") as file:
        text = file.read()
    return NEEDED.sub(lambda found: source(found[1]).replace(FUTURE, "", 1), text)


def _keys(job: ForeignJob) -> Iterator[tuple[str, str]]:
    """PBS's name of the job, and of its note; of each task, where an array has not been seen apart yet."""
    if job.array_task_id is None and waiting(job):
        for task in waiting(job):
            yield job.foreign_id.replace("[]", f"[{task}]"), f"{job.tag}.{task}"
    else:
        yield job.foreign_id, job.tag if job.array_task_id is None else f"{job.tag}.{job.array_task_id}"


def _check(code: int, complaints: bytes) -> None:
    """Did qstat answer? It complains of each job that it does not show, and ends with another exit status then."""
    lines = [line for line in complaints.splitlines() if line.strip()]
    if code < 0 or (code and not lines) or not all(any(word in line for word in EXPECTED) for line in lines):
        raise Unanswered(_last(complaints) or f"qstat ended with exit status {code}")


def _last(text: bytes) -> str:
    lines = text.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""
