"""The steps of one job, where its first machine looks after them: who holds what, who waits, what became of them."""

import os
from typing import Any, Callable, Collection, Dict, List, Optional, Set

from mini_slurm.agent import job_steps, spool
from mini_slurm.agent.bids import Bid, Component
from mini_slurm.agent.stepd import now
from mini_slurm.model.hostlist import compress
from mini_slurm.protocol.messages import (
    EndAttempt,
    Ended,
    LimitAttempt,
    Message,
    Recall,
    Resume,
    SignalAttempt,
    StartTasks,
    StepNews,
)
from mini_slurm.steps import ends
from mini_slurm.steps.layout import Held, Node, Part

PREFIX = "step-"
HIDDEN = 1 << 24  # numbers from here on are of steps that nobody is told of
COUNT = "steps.json"  # how many steps the job has had
# what records had not before steps had parts
FORMERLY = {"is_limited": False, "part": 0, "apart": False, "first_task": 0, "shared": {}, "node_numbers": {}}


def has_had(folder: str) -> bool:
    """Has the job in this folder had steps that this machine looked after?"""
    return os.path.lexists(os.path.join(folder, COUNT))


class Step:
    """One step, or what one part of a job runs of a step of several.

    What `record` keeps of it is on disk: the rest is known to srun, which says it again.
    """

    def __init__(self, job: str, record: Dict[str, Any]) -> None:
        self.job = job  # name of the job's attempt
        self.record = record
        self.client: Any = None  # srun's connection
        self.watchers: List[Any] = []  # connections of sattaches
        self.absences = 0  # how often srun could not be spoken to any more
        self.is_awaited = True  # may srun, which is not connected, still come back for what its tasks have written?
        self.running: Set[str] = set(record["parts"]) if record["state"] == "RUNNING" else set()
        self.unfinished: Set[str] = set(record["parts"])  # machines whose part has not been forgotten
        self.ends: Dict[str, Ended] = {}
        self.starts: Dict[str, StartTasks] = {}  # what machines were told that have not answered
        self.acked: Dict[str, int] = {}  # machine -> how much of its journal srun has written
        self.ending: Optional[EndAttempt] = None  # what was said last to end it
        # where its tasks wait for srun to open their files: what starts them, but for those of these machines
        self.begin: Optional[Callable[[Set[str]], None]] = None
        self.is_noted: bool = record["hidden"]  # has the submit side got the news?

    @property
    def name(self) -> str:
        """The name of all its parts."""
        return f"{self.job}-{self.tag}"

    @property
    def tag(self) -> str:
        """What tells it from the job's other steps: `5`; where it is of a further part, `5_1`."""
        number, part = self.record["number"], self.part
        return f"{number}_{part}" if part else str(number)

    @property
    def part(self) -> int:
        """Of which part of a heterogeneous job it is, or which part of a step."""
        return int(self.record["part"])

    @property
    def is_component(self) -> bool:
        """Is it one of several within one job?"""
        return bool(self.record["apart"] and self.record["shared"])

    def title(self, job: "JobSteps") -> str:
        """Slurm's name for it: `12.0`; `13.0` in the second part of job 12; `12.0+1` where the job has no parts."""
        title, number = str(job.plan["title"]), self.record["number"]
        if self.is_component:
            return f"{title}.{number}+{self.part}"
        return f"{int(title) + self.part if self.part else title}.{number}"

    @property
    def tasks(self) -> int:
        """How many tasks the whole step has."""
        return int(self.record.get("tasks") or sum(len(part["tasks"]) for part in self.record["parts"].values()))

    @property
    def is_outside(self) -> bool:
        """Is its srun no process of the job?"""
        return bool(self.record.get("outside"))

    def parts(self) -> List[Part]:
        """What it has on each machine, in their order."""
        found = []
        for node, values in self.record["parts"].items():
            part = Part(node)
            part.__dict__.update(values)
            part.task_gpus = {int(task): gpus for task, gpus in part.task_gpus.items()}
            found.append(part)
        return found

    def again(self, node: str) -> List[Message]:
        """What a machine has to be told, where nobody knows whether it has heard it."""
        found: List[Message] = [self.starts[node]] if node in self.starts else []
        found.append(Resume(self.name, self.acked.get(node, 0)))
        found += [self.limit()] if self.record["is_limited"] else []
        found += [Recall(self.name)] if self.watchers else []
        return found + ([self.ending] if self.ending else [])

    def set_limit(self, seconds: Optional[int]) -> None:
        """It gets another time limit; None: none of its own."""
        self.record.update(time_limit=-1 if seconds is None else seconds, is_limited=True)

    def limit(self) -> LimitAttempt:
        """What its machines are told of the limit that it has now."""
        seconds = self.record["time_limit"]
        return LimitAttempt(self.name, None if seconds < 0 else seconds)

    @property
    def nodelist(self) -> str:
        """Its machines."""
        return compress(list(self.record["parts"]))

    @property
    def is_over(self) -> bool:
        """Has it ended on all machines?"""
        return bool(self.record["state"] != "RUNNING")

    def end(self, node: str, ended: Ended) -> bool:
        """One machine's part has ended. True: it was the last one."""
        self.ends[node] = ended
        self.running.discard(node)
        if self.running or self.is_over:
            return False
        self._conclude()
        return True

    def _conclude(self) -> None:
        record, parts = self.record, list(self.ends.values())
        status = 0
        for part in parts:
            status = ends.booked(status, part.exit_code << 8 | part.exit_signal)
        rss = [(size, int(task), node) for node, part in self.ends.items() for task, size in part.rss.items()]
        highest = max(rss, default=(0, 0, ""))
        record.update(
            state=_state(status, {part.cause for part in parts}),
            end=max((now() - part.age for part in parts), default=now()),
            exit_code=ends.code_of(status),
            exit_signal=ends.signal_of(status),
            max_rss=highest[0],
            max_rss_task=highest[1],
            max_rss_node=highest[2],
            mean_rss=sum(size for size, _, _ in rss) // len(rss) if rss else 0,
            user=sum(part.user_seconds for part in parts),
            system=sum(part.system_seconds for part in parts),
        )

    def news(self) -> StepNews:
        """What the submit side is told."""
        record, parts = self.record, self.record["parts"]
        return StepNews(
            attempt=self.name,
            name=record["name"],
            state=record["state"],
            age=max(0.0, now() - record["begun"]),
            end_age=max(0.0, now() - record["end"]) if self.is_over else -1.0,
            exit_code=record["exit_code"],
            exit_signal=record["exit_signal"],
            cancelled_by=record["cancelled_by"],
            nodes=list(parts),
            tasks=sum(len(part["tasks"]) for part in parts.values()),
            cpus=sum(len(part["cpus"]) for part in parts.values()),
            memory=sum(part["memory"] for part in parts.values()),
            gpus=sum(len(part["gpus"]) for part in parts.values()),
            time_limit=record["time_limit"],
            distribution=record["distribution"],
            submit_line=record["submit_line"],
            max_rss=record["max_rss"],
            max_rss_node=record["max_rss_node"],
            max_rss_task=record["max_rss_task"],
            mean_rss=record["mean_rss"],
            user_seconds=record["user"],
            system_seconds=record["system"],
            component=self.part if self.is_component else -1,
        )


def not_run(name: str) -> Ended:
    """The end of a part that did not begin."""
    return Ended(name, 0.0, 0.0, "NODE_FAIL", 0, 0, 0, 0.0, 0.0, {}, {})


def left_out(name: str) -> Ended:
    """The end of a part whose tasks' files srun could not open, or that was ended before srun had."""
    return not_run(name)._replace(cause="", exit_signal=ends.NO_FILES)


def _state(status: int, causes: Set[str]) -> str:
    """The step's state for accounting: a death by signal, and nothing else, counts as cancelled there."""
    for cause in ("NODE_FAIL", "TIMEOUT"):
        if cause in causes:
            return cause
    if ends.signal_of(status) == ends.OUT_OF_MEMORY:
        return "OUT_OF_MEMORY"
    if ends.signal_of(status):
        return "CANCELLED"
    return "FAILED" if status else "COMPLETED"


def new_record(number: int, one: Component) -> Dict[str, Any]:
    """The record of a step that begins now."""
    request, parts = one.request, one.parts
    return {
        "number": number,
        "token": one.token,
        "part": request.part,
        "apart": request.apart,
        "first_task": one.first_task,
        "tasks": one.tasks,
        "shared": one.shared,
        "node_numbers": one.node_numbers,
        "outside": one.is_outside,
        "name": request.name,
        "state": "RUNNING",
        "begun": now(),
        "end": 0.0,
        "exit_code": 0,
        "exit_signal": 0,
        "cancelled_by": -1,
        "overlap": request.overlap,
        "hidden": request.hidden,
        "parts": {part.node: part.__dict__ for part in parts},
        "time_limit": -1 if request.time_limit is None else request.time_limit,
        "is_limited": False,  # has the limit been changed since?
        "distribution": one.distribution.partition("=")[0].capitalize(),
        "submit_line": request.submit_line,
        "max_rss": 0,
        "max_rss_node": "",
        "max_rss_task": 0,
        "mean_rss": 0,
        "user": 0.0,
        "system": 0.0,
    }


class JobSteps:
    """All steps of one job."""

    def __init__(self, job: str, folder: str) -> None:
        self.job = job
        self.folder = folder
        self.plan = spool.read_json(folder, "start.json") or {}
        self.steps: Dict[str, Step] = {}  # by token
        self.waiting: List[Bid] = []  # those of whom the first asked first
        self._next = 0
        self._next_hidden = HIDDEN
        self._load()

    def _load(self) -> None:
        count = spool.read_json(self.folder, COUNT)
        self._next = count["next"] if count else 0
        for name in os.listdir(self.folder):
            record = spool.read_json(self.folder, name) if name.startswith(PREFIX) and name.endswith(".json") else None
            if record and record["hidden"]:
                self._next_hidden = max(self._next_hidden, record["number"] + 1)
            if record and (record["hidden"] or record["number"] < self._next):
                self.steps[record["token"]] = Step(self.job, {**FORMERLY, **record})

    @property
    def is_allocation(self) -> bool:
        """Has it no script?"""
        return self.plan.get("role") == "allocation"

    @property
    def uid(self) -> int:
        """Whose it is, where it was submitted."""
        return int(self.plan["environment"].get("SLURM_JOB_UID", os.geteuid()))

    def hand_on(self, step: Step, number: int) -> Message:
        """What srun's signal means to a step. SIGKILL: its user ends it, unless the job ends, and srun with it."""
        kill_wait = job_steps.kill_wait(self.folder) if number == ends.KILLED else None
        if kill_wait is not None:
            step.ending = EndAttempt(step.name, kill_wait, "")
            return step.ending
        if number == ends.KILLED:
            step.record["cancelled_by"] = self.uid
            self.save(step)
        return SignalAttempt(step.name, number, True)

    @property
    def node(self) -> str:
        """This machine, as the job knows it."""
        return str(self.plan["node"])

    def nodes(self) -> List[Node]:
        """The machines of the allocation."""
        found = []
        for name, (cpus, memory, gpus, _, *shares) in self.plan["allocation"].items():
            shared = [slot.rpartition("@")[0] for parts in shares for slot in parts]  # as model/resources.py has them
            found.append(Node(name, cpus, memory, [*gpu_types(gpus), *shared]))
        return found

    def keep(self, machines: Collection[str]) -> None:
        """The job has only these machines left, also when another agent reads of it. Raises OSError."""
        plan = spool.read_json(self.folder, "start.json") or self.plan
        plan["allocation"] = {name: what for name, what in plan["allocation"].items() if name in machines}
        spool.write_json(self.folder, "start.json", plan)
        self.plan = plan

    def held(self) -> Dict[str, Held]:
        """What running steps hold, by machine."""
        found: Dict[str, Held] = {}
        for step in self.steps.values():
            if not step.is_over and not step.record["overlap"]:
                for part in step.parts():
                    found.setdefault(part.node, Held()).add(part)
        return found

    def add(self, components: List[Component]) -> List[Step]:
        """A step begins in these parts: its number is kept before anything of it runs. Raises OSError.

        That number counts only when all parts are on disk: what a crash leaves of a step before that has not begun.
        """
        is_hidden = components[0].request.hidden
        number = self.next_number(is_hidden=is_hidden)
        steps = [Step(self.job, new_record(number, one)) for one in components]
        for step in steps:
            self.save(step)
        spool.write_json(self.folder, COUNT, {"next": self._next + (not is_hidden)})
        if is_hidden:
            self._next_hidden += 1
        else:
            self._next += 1
        for step in steps:
            self.steps[step.record["token"]] = step
        return steps

    def next_number(self, *, is_hidden: bool) -> int:
        """That of the next step."""
        return self._next_hidden if is_hidden else self._next

    def save(self, step: Step) -> None:
        """Bring a step's record to disk. Raises OSError."""
        spool.write_json(self.folder, f"{PREFIX}{step.tag}.json", step.record)

    def drop(self, step: Step) -> None:
        """Nobody has to know of this step any more."""
        self.steps.pop(step.record["token"], None)
        path = os.path.join(self.folder, f"{PREFIX}{step.tag}.json")
        if os.path.lexists(path):
            os.unlink(path)

    def drop_noted(self, step: Step) -> None:
        """... if it is over, booked, and its machines have forgotten it."""
        if step.is_over and step.is_noted and not step.unfinished:
            self.drop(step)

    def meant(self, name: str) -> List[Step]:
        """What a step's name means to those who see it from outside: all components, unless it names a further one."""
        tag = name.rpartition("-")[2]
        return [step for step in self.steps.values() if tag in (step.tag, str(step.record["number"]))]

    def named(self, name: str) -> Optional[Step]:
        """The step of this name."""
        return next((step for step in self.steps.values() if step.name == name), None)


def gpu_types(text: str) -> List[str]:
    """The type of each GPU out of `a100:2,v100:1` or `2`."""
    found = []
    for part in str(text).split(","):
        kind, _, count = part.rpartition(":")
        found += [kind] * int(count or 0)
    return found
