"""A bad day for jobs on several machines: steps side by side, whose tasks mark what they got, and what befalls them."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.fleet import jobs, processes
from tests.fleet.machines import Testbed

NODES = ("node1", "node2", "node3", "node4")
CPUS = 4
PARTS = range(1, 4)  # of a task's output, with a nap after each
ERRORS = 2  # lines on standard error in each part
INPUTS = (0, 1_000, 3_000_000)  # bytes
LONGEST_CUT, LONGEST_OFF = 4.0, 4.0  # seconds
PAUSE = 1.0  # seconds between two faults, on average
TASK = """\
here=$1 key=$2 lines=$3 nap=$4 code=$5 input=$6 cast=$7
me=$here/$key.$SLURM_PROCID
echo "start $EPOCHREALTIME $(uname -n) $SLURM_STEP_ID" >> $me.marks
[ $input = none ] || cat > $me.in
[ -z "$cast" ] || cmp $cast cast >> $me.marks 2>&1
for part in 1 2 3; do
    seq -f "$SLURM_PROCID/$part out %06g" $lines
    seq -f "$SLURM_PROCID/$part err %06g" 2 >&2
    sleep $nap
done
echo "end $EPOCHREALTIME $(uname -n) $SLURM_STEP_ID" >> $me.marks
[ $SLURM_PROCID != 0 ] || exit $code
"""
HEAD = """\
#!/bin/bash
here=$PWD/runs/$SLURM_JOB_ID.${SLURM_RESTART_COUNT:-0}
mkdir -p "$here"
echo "begin $EPOCHREALTIME $(scontrol show hostnames | tr '\\n' ' ')" >> "$here/job"
echo begin ${SLURM_RESTART_COUNT:-0}
step() {
    local key=$1 input=$2; shift 2
    srun "$@" < "$input" > "$here/$key.out" 2> "$here/$key.err"
    echo $? >> "$here/$key.rc"
}
"""
CAST = 'sbcast -f cast "/tmp/cast.$SLURM_JOB_ID"; echo $? > "$here/cast.rc"\n'


@dataclass(frozen=True)
class Step:
    """What one srun is to do."""

    key: int
    nodes: int
    tasks: int
    lines: int
    nap: float  # seconds
    code: int  # of its first task
    input: int  # bytes; -1: none
    label: bool
    cast: str = ""  # a file that must be on its machines
    further: tuple[int, int] = (0, 0)  # machines and tasks out of these that are a second component's

    def words(self, here: str, *options: str) -> list[str]:
        """srun's arguments."""
        program = self._program(here)
        sizes = [(self.nodes - self.further[0], self.tasks - self.further[1]), self.further]
        parts = [
            [*options, f"-N{nodes}", f"-n{tasks}", *(["-l"] if self.label else []), *program]
            for nodes, tasks in sizes[: 1 + bool(self.further[0])]
        ]
        return [word for part in parts for word in (":", *part)][1:]

    def _program(self, here: str) -> list[str]:
        given = "none" if self.input < 0 else self.input
        words = (here, self.key, self.lines, f"{self.nap:.2f}", self.code, given, self.cast)
        return ["bash", "task.sh", *map(str, words)]

    @property
    def source(self) -> str:
        """The file that is its standard input."""
        return "/dev/null" if self.input < 0 else f"input.{self.input}"


@dataclass(frozen=True)
class Wish:
    """A job: rounds of steps that run side by side."""

    nodes: int
    per_node: int
    rounds: tuple[tuple[Step, ...], ...]
    requeue: bool
    casts: bool
    code: int
    further: int = 0  # machines out of these that are a second part's

    @property
    def words(self) -> list[str]:
        """msbatch's options."""
        again = "--requeue" if self.requeue else "--no-requeue"
        sizes = [[f"-N{nodes}", f"--ntasks-per-node={self.per_node}"] for nodes in (self.own, self.further)]
        more = [":", *sizes[1]] if self.further else []
        return [*sizes[0], "-t5", again, "-o", "job.%j", *more]

    @property
    def own(self) -> int:
        """The machines of its first part."""
        return self.nodes - self.further

    @property
    def steps(self) -> list[Step]:
        """All of them."""
        return [step for some in self.rounds for step in some]

    @property
    def script(self) -> str:
        """The job's script."""
        text = HEAD + CAST * self.casts
        for some in self.rounds:
            for step in some:
                words = " ".join(f'"{word}"' for word in step.words("$here", "--exact"))
                text += f"step {step.key} {step.source} {words} &\n"
            text += "wait\n"
        return text + f"echo end\nexit {self.code}\n"


def random_step(dice: random.Random, key: int, sizes: tuple[int, int], per_node: int, cast: str = "") -> Step:
    """A step of a job with so many machines, also in its second part if it has one, and tasks on each."""
    wide = dice.randint(1, sizes[0])
    more = dice.randint(1, sizes[1]) if sizes[1] and dice.random() < 0.7 else 0
    if not sizes[1] and dice.random() < 0.4:
        more = dice.randint(0, sizes[0] - wide)
    few = dice.randint(more, more * per_node)
    return Step(
        key,
        wide + more,
        tasks=dice.randint(wide, wide * per_node) + few,
        lines=dice.choice([3, 3, 50, 5000]),
        nap=dice.uniform(0.01, 0.6),
        code=dice.choice([0, 0, 0, 5]),
        input=dice.choice([-1, -1, *INPUTS]),
        label=dice.random() < 0.3,
        cast=cast,
        further=(more, few),
    )


def random_wish(dice: random.Random) -> Wish:
    """A job of one to four machines."""
    nodes, per_node, casts = dice.randint(1, len(NODES)), dice.randint(1, 3), dice.random() < 0.3
    further = dice.randint(1, nodes - 1) if nodes > 1 and not casts and dice.random() < 0.4 else 0
    cast = "/tmp/cast.$SLURM_JOB_ID" if casts else ""
    rounds, key = [], 0
    for _ in range(dice.randint(1, 3)):
        some = []
        for _ in range(dice.randint(1, 3)):
            some.append(random_step(dice, key, (nodes - further, further), per_node, cast))
            key += 1
        rounds.append(tuple(some))
    return Wish(nodes, per_node, tuple(rounds), dice.random() < 0.6, casts, dice.choice([0, 0, 3]), further)


def prepare(fleet: Testbed) -> None:
    """The files that all jobs use."""
    dice = random.Random(1)
    (fleet.shared / "runs").mkdir()
    (fleet.shared / "task.sh").write_text(TASK)
    (fleet.shared / "cast").write_bytes(dice.randbytes(2_000_000))
    for size in INPUTS:
        (fleet.shared / f"input.{size}").write_bytes(dice.randbytes(size))


def submit(fleet: Testbed, wish: Wish) -> int:
    """The job's number."""
    (fleet.work / "job.sh").write_text(wish.script)
    return jobs.submit(fleet, "-D", str(fleet.shared), *wish.words, "job.sh")


@dataclass
class Front:
    """An msrun outside of jobs."""

    step: Step
    here: Path
    process: subprocess.Popen[bytes]


def front(fleet: Testbed, number: int, step: Step) -> Front:
    """Start one."""
    here = fleet.shared / "runs" / f"front-{number}.0"
    here.mkdir()
    words = ["msrun", *step.words(str(here), "-t5")]
    paths = [here / f"{step.key}.{end}" for end in ("out", "err")]
    with open(fleet.shared / step.source, "rb") as given, open(paths[0], "wb") as out, open(paths[1], "wb") as err:
        process = subprocess.Popen(
            words, cwd=fleet.shared, env=fleet.environment, stdin=given, stdout=out, stderr=err, start_new_session=True
        )
    return Front(step, here, process)


@dataclass
class Harm:
    """What of the faults may show."""

    sruns: set[str] = field(default_factory=set)  # "12.0 3": a run of a job, and the key of a step
    stepds: set[str] = field(default_factory=set)  # "12.1"
    agents: int = 0
    crashes: list[tuple[str, float]] = field(default_factory=list)
    cancelled: set[int] = field(default_factory=set)

    def losses(self, number: int) -> int:
        """How often a job may have been lost: with a machine, or with both stepd and agent, who know its end."""
        return len(self.crashes) + (self.agents if str(number) in self.stepds else 0)

    def has_lost(self, job: str, step: str) -> bool:
        """May the step have lost a stepd? That of a second part's is called by the next number."""
        numbers = [job, str(int(job) + 1)] if job.isdigit() else [job]
        return any(f"{number}.{step}" in self.stepds for number in numbers)


class Trouble:
    """What goes wrong, one fault after the other."""

    def __init__(self, fleet: Testbed, dice: random.Random, kinds: list[str]) -> None:
        self.happened: Counter[str] = Counter()
        self.harm = Harm()
        self._fleet = fleet
        self._dice = dice
        self._kinds = kinds
        self._next = time.monotonic() + PAUSE
        self._repairs: dict[str, tuple[float, Callable[[str], None]]] = {}  # machine -> when, and how
        self._due: list[str] = []

    def tick(self) -> None:
        """Do what is due."""
        now = time.monotonic()
        for name in [name for name, (moment, _) in self._repairs.items() if moment <= now]:
            self._repair(name)
        if now >= self._next:
            self._next = now + self._dice.uniform(0.3, 1.7) * PAUSE
            self._due = self._due or self._dice.sample(self._kinds, len(self._kinds))
            kind = self._due.pop()
            if getattr(self, kind)(self._dice.choice(NODES)) is not False:
                self.happened[kind] += 1

    def controller(self, name: str) -> None:
        """SIGKILL for the controller."""
        processes.kill(self._fleet.controllers(), signal.SIGKILL)

    def agent(self, name: str) -> None:
        """SIGKILL for a machine's agent."""
        self.harm.agents += 1
        processes.kill(self._fleet.agents(name), signal.SIGKILL)

    def sshd(self, name: str) -> None:
        """SIGKILL for a machine's connections."""
        processes.kill(self._fleet.sessions(name), signal.SIGKILL)

    def cable(self, name: str) -> bool:
        """Cut a machine's cable for a while."""
        if name in self._repairs:
            return False
        self._fleet.bed.cut(name)
        self._repairs[name] = (time.monotonic() + self._dice.uniform(0.2, LONGEST_CUT), self._fleet.bed.heal)
        return True

    def stepd(self, name: str) -> bool:
        """SIGKILL for one of a machine's stepds."""
        found = self._fleet.stepds(name)
        if found:
            one = self._dice.choice(found)
            self.harm.stepds.update(re.findall(r"\[(.*?)(?:\+\d+)?\]", one.command))
            processes.kill([one], signal.SIGKILL)
        return bool(found)

    def srun(self, name: str) -> bool:
        """SIGKILL for a job's srun, or for an msrun."""
        every = [p for p in processes.mentioning(self._fleet.shared) if re.search(r"/(ms|s)run ", p.command)]
        if every:
            one = self._dice.choice(every)
            self.harm.sruns.update(re.findall(r"runs/(\S+ \d+)", one.command))
            processes.kill([one], signal.SIGKILL)
        return bool(every)

    def crash(self, name: str) -> bool:
        """Pull a machine's power; it is back after a while."""
        if name in self._repairs:
            return False
        self._fleet.bed.crash(name)
        self.harm.crashes.append((name, time.time()))
        self._repairs[name] = (time.monotonic() + self._dice.uniform(0.2, LONGEST_OFF), self._fleet.bed.boot)
        return True

    def cancel(self, name: str) -> bool:
        """mscancel for a job that is there."""
        there = [n for n, job in jobs.all_jobs(self._fleet).items() if not (job.state.is_over or job.het_offset)]
        if there:
            number = self._dice.choice(there)
            self.harm.cancelled.add(number)
            assert self._fleet.run("mscancel", str(number)).returncode == 0
        return bool(there)

    def over(self) -> None:
        """All is well again."""
        for name in list(self._repairs):
            self._repair(name)

    def _repair(self, name: str) -> None:
        self._repairs.pop(name)[1](name)


def marks(here: Path, step: Step, task: int) -> list[list[str]]:
    """What a task noted: start and end, with moment, machine and step."""
    return [line.split() for line in jobs.text(here / f"{step.key}.{task}.marks").splitlines()]


def twice(here: Path, step: Step) -> list[str]:
    """Tasks that ran more than once."""
    ran = {task: [mark[0] for mark in marks(here, step, task)] for task in range(step.tasks)}
    return [f"{here.name} {step.key}.{task}: {words}" for task, words in ran.items() if words.count("start") > 1]


def faults_of_output(here: Path, step: Step, *, whole: bool) -> list[str]:
    """Lines that are missing, twice, or out of order. Not `whole`: the end of each task's may be missing."""
    found = []
    for end, count in (("out", step.lines), ("err", ERRORS)):
        text = (here / f"{step.key}.{end}").read_bytes().decode()
        lines = text.split("\n")
        last = lines.pop()
        if whole and last:
            found.append(f"{here.name} {step.key}.{end}: ends in {last!r}")
        for task in range(step.tasks):
            label = f"{task:>{len(str(step.tasks - 1))}}: " if step.label else ""
            mark = f"{label}{task}/"
            mine = [line[len(mark) - len(f"{task}/") :] for line in lines if line.startswith(mark)]
            wanted = [f"{task}/{part} {end} {number:06d}" for part in PARTS for number in range(1, count + 1)]
            if mine != wanted[: len(wanted) if whole else len(mine)]:
                place = next((n for n, (a, b) in enumerate(zip(mine, wanted, strict=False)) if a != b), len(mine))
                found.append(f"{here.name} {step.key}.{end}, task {task}: {len(mine)} lines of {len(wanted)}, {place}")
    return found


def faults_of_success(here: Path, step: Step, harm: Harm, given: Path) -> list[str]:
    """What is wrong with a step that nothing can have hurt, but a stepd that was lost with its standard input."""
    found = faults_of_output(here, step, whole=True)
    for task in range(step.tasks):
        noted = marks(here, step, task)
        if [mark[0] for mark in noted] != ["start", "end"]:
            found.append(f"{here.name} {step.key}.{task} noted {noted}")
        elif step.input >= 0 and not harm.has_lost(here.name.partition(".")[0], noted[0][3]):
            size = os.stat(here / f"{step.key}.{task}.in").st_size
            if (here / f"{step.key}.{task}.in").read_bytes() != given.read_bytes():
                found.append(f"{here.name} {step.key}.{task}: {size} bytes of standard input instead of {step.input}")
    return found
