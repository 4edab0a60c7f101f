"""A bad day for a fleet: jobs that mark what they got, and faults that hit controller, agents and cables at random."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from tests.fleet import jobs, processes
from tests.fleet.machines import Testbed

CPUS = {"small": 2, "middle": 4, "large": 8, "vision": 4}
MEMORY = {"small": 1000, "middle": 2000, "large": 4000, "vision": 2000}  # MiB
FEATURES = {"small": [], "middle": ["ib"], "large": ["ib", "big"], "vision": ["cuda"]}
GPUS = {"vision": 2}
PARTS = range(1, 5)  # of a job's output, with a nap after each
ERRORS = 3  # lines on standard error in each part
LONGEST_CUT = 5.0  # seconds
PAUSE = 1.2  # seconds between two faults, on average
SCRIPT = """\
key=${SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}${SLURM_ARRAY_TASK_ID:+_$SLURM_ARRAY_TASK_ID}
mark() { echo "$1 $EPOCHREALTIME $(uname -n) $SLURM_CPUS_ON_NODE ${CUDA_VISIBLE_DEVICES:--}" >> "marks/$key"; }
mark start
if [ "$4" = helper ]; then
    (setsid bash -c 'trap "" TERM HUP; while :; do sleep 1; done' > /dev/null 2>&1 &)
fi
for part in 1 2 3 4; do
    seq -f "$key/$part out %06g" "$1"
    seq -f "$key/$part err %06g" 3 >&2
    sleep "$2"
done
mark end
exit "$3"
"""


def tables() -> dict[str, dict[str, object]]:
    """The machines as the fleet file describes them."""
    plain = {name: {"cpus": CPUS[name], "memory": MEMORY[name], "features": FEATURES[name]} for name in CPUS}
    return {name: {**table, **({"gpus": GPUS[name]} if name in GPUS else {})} for name, table in plain.items()}


@dataclass(frozen=True)
class Wish:
    """One submission: what it asks for, where it may run, and what its script is to do."""

    cpus: int
    memory: int  # MiB
    gpus: int
    tasks: int  # of an array; 1: no array
    exclusive: bool
    where: tuple[str, ...]  # options
    places: frozenset[str]
    streams: str  # default, merged, split
    lines: int  # on standard output in each part
    nap: float  # seconds
    code: int
    helper: bool

    @property
    def words(self) -> list[str]:
        """The command line, behind msbatch."""
        name = "%A_%a" if self.tasks > 1 else "%j"
        files = {"default": [], "merged": ["-o", f"{name}.all"], "split": ["-o", f"{name}.out", "-e", f"{name}.err"]}
        found = [f"-c{self.cpus}", f"--mem={self.memory}", "--time=5", *self.where, *files[self.streams]]
        found += [f"--gres=gpu:{self.gpus}"] if self.gpus else []
        found += [f"--array=1-{self.tasks}"] if self.tasks > 1 else []
        found += ["--exclusive"] if self.exclusive else []
        return [*found, "job.sh", str(self.lines), f"{self.nap:.2f}", str(self.code), "helper" * self.helper]


WHERE: dict[tuple[str, ...], set[str]] = {
    (): {"small", "middle", "large", "vision"},
    ("-C", "ib"): {"middle", "large"},
    ("-C", "ib&big"): {"large"},
    ("-C", "cuda"): {"vision"},
    ("-w", "large"): {"large"},
    ("-x", "large"): {"small", "middle", "vision"},
    ("-x", "small,middle"): {"large", "vision"},
}


def random_wish(dice: random.Random) -> Wish:
    """A submission that fits on at least one machine."""
    while True:
        cpus, memory, gpus = dice.randint(1, 4), dice.choice([50, 200, 500, 900]), dice.choice([0, 0, 0, 0, 1, 2])
        where = dice.choice([(), (), (), *WHERE])
        places = frozenset(
            n for n in WHERE[where] if CPUS[n] >= cpus and MEMORY[n] >= memory and GPUS.get(n, 0) >= gpus
        )
        if places:
            break
    return Wish(
        cpus,
        memory,
        gpus,
        tasks=dice.choice([1, 1, 1, 1, 3, 5]),
        exclusive=dice.random() < 0.04,
        where=where,
        places=places,
        streams=dice.choice(["default", "merged", "split"]),
        lines=dice.choice([5, 5, 50, 5000]),
        nap=dice.uniform(0.01, 0.4),
        code=dice.choice([0, 0, 0, 0, 3]),
        helper=dice.random() < 0.1,
    )


def random_wishes(dice: random.Random, tasks: int) -> list[Wish]:
    """Submissions of at least so many jobs, array tasks counted one by one."""
    found: list[Wish] = []
    while sum(wish.tasks for wish in found) < tasks:
        found.append(random_wish(dice))
    return found


class Trouble:
    """What goes wrong, one fault after the other; a cable that is cut heals within LONGEST_CUT."""

    def __init__(self, fleet: Testbed, dice: random.Random, pause: float = PAUSE) -> None:
        self.happened: Counter[str] = Counter()
        self._fleet = fleet
        self._dice = dice
        self._pause = pause
        self._next = time.monotonic() + pause
        self._cuts: dict[str, float] = {}  # machine -> when it heals
        self._due: list[Callable[[str], None]] = []

    def tick(self) -> None:
        """Do what is due."""
        now = time.monotonic()
        for name in [name for name, moment in self._cuts.items() if moment <= now]:
            self._heal(name)
        if now >= self._next:
            self._next = now + self._dice.uniform(0.5, 1.5) * self._pause
            if not self._due:
                self._due = self._dice.sample([self.controller, self.agent, self.cable, self.sshd], 4)
            kind = self._due.pop()
            kind(self._dice.choice(list(CPUS)))
            self.happened[kind.__name__] += 1

    def controller(self, name: str) -> None:
        """SIGKILL for the controller."""
        processes.kill(self._fleet.controllers(), signal.SIGKILL)

    def agent(self, name: str) -> None:
        """SIGKILL for a machine's agent."""
        processes.kill(self._fleet.agents(name), signal.SIGKILL)

    def sshd(self, name: str) -> None:
        """SIGKILL for a machine's connections."""
        processes.kill(self._fleet.sessions(name), signal.SIGKILL)

    def cable(self, name: str) -> None:
        """Cut a machine's cable, if it is not cut."""
        if name not in self._cuts:
            self._fleet.bed.cut(name)
            self._cuts[name] = time.monotonic() + self._dice.uniform(0.2, LONGEST_CUT)

    def over(self) -> None:
        """All cables are plugged in again."""
        for name in list(self._cuts):
            self._heal(name)

    def _heal(self, name: str) -> None:
        self._fleet.bed.heal(name)
        del self._cuts[name]


class Mark(NamedTuple):
    """A line that a job wrote when it started or ended."""

    word: str
    at: float
    node: str
    cpus: int
    gpus: frozenset[str]


class Run(NamedTuple):
    """One job as its marks show it."""

    key: str  # 12, or 12_3 for an array task
    wish: Wish
    marks: list[Mark]

    @property
    def node(self) -> str:
        """Where it ran."""
        return self.marks[0].node

    @property
    def gpus(self) -> frozenset[str]:
        """The GPUs it was shown."""
        return self.marks[0].gpus


def submit(fleet: Testbed, wish: Wish) -> int:
    """The number of the job, or of the array."""
    return jobs.submit(fleet, "-D", str(fleet.shared), *wish.words)


def read_runs(fleet: Testbed, submitted: dict[int, Wish]) -> list[Run]:
    """What all jobs marked."""
    return [Run(key, wish, _marks(fleet, key)) for number, wish in submitted.items() for key in keys(number, wish)]


def keys(number: int, wish: Wish) -> list[str]:
    """The names of a submission's jobs."""
    return [str(number)] if wish.tasks == 1 else [f"{number}_{task}" for task in range(1, wish.tasks + 1)]


def _marks(fleet: Testbed, key: str) -> list[Mark]:
    return [_mark(line) for line in jobs.text(fleet.shared / "marks" / key).splitlines()]


def _mark(line: str) -> Mark:
    word, at, node, cpus, gpus = line.split()
    return Mark(word, float(at), node, int(cpus), frozenset(gpus.split(",")) - {"-"})


def peaks(runs: Iterable[Run], use: Callable[[Run], int]) -> dict[str, int]:
    """For each machine the most that was in use at one time, by the marks."""
    now: Counter[str] = Counter()
    most: dict[str, int] = {}
    # of two marks at the same moment an end comes first
    for _, _, amount, node in sorted(
        (m.at, m.word, use(r) * (1 if m.word == "start" else -1), r.node) for r in runs for m in r.marks
    ):
        now[node] += amount
        most[node] = max(most.get(node, 0), now[node])
    return most


def overlaps(first: Run, second: Run) -> bool:
    """Did both run at one time on one machine?"""
    return (
        first.node == second.node
        and first.marks[0].at < second.marks[-1].at
        and second.marks[0].at < first.marks[-1].at
    )


def expected_output(run: Run) -> dict[str, str]:
    """Each output file that the job must have left, and what must be in it."""
    out = [_lines(run.key, part, "out", run.wish.lines) for part in PARTS]
    err = [_lines(run.key, part, "err", ERRORS) for part in PARTS]
    both = "".join(text for pair in zip(out, err, strict=True) for text in pair)
    if run.wish.streams == "split":
        return {f"{run.key}.out": "".join(out), f"{run.key}.err": "".join(err)}
    return {f"slurm-{run.key}.out" if run.wish.streams == "default" else f"{run.key}.all": both}


def _lines(key: str, part: int, stream: str, count: int) -> str:
    return "".join(f"{key}/{part} {stream} {number:06d}\n" for number in range(1, count + 1))


def difference(found: str, expected: str) -> str:
    """Where and how a file differs from what it should be; empty: it does not."""
    if found == expected:
        return ""
    place = next((n for n, (one, two) in enumerate(zip(found, expected, strict=False)) if one != two), len(found))
    return f"{len(found)} bytes instead of {len(expected)}, which differ from {place} on: {found[place : place + 60]!r}"
