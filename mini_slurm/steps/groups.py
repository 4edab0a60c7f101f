"""A step's components: one in each part, or group, of a heterogeneous job that `srun A : B` and --het-group name.

In any other job `srun A : B` has components too, each on machines of its own.
"""

from __future__ import annotations

import os

from mini_slurm.errors import Fatal, Refused
from mini_slurm.model.hostlist import expand
from mini_slurm.model.numbers import leading_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mini_slurm.steps.outputs import Names

    # words of a command line to the texts of its options, by their long names, and its program
    Read = Callable[[list[str]], tuple[dict[str, str], list[str]]]

SIZE, MARK = "SLURM_HET_SIZE", "_HET_GROUP_"
THE_JOBS = ("SLURM_JOB_ID", "SLURM_JOBID")  # by which srun finds its agent: those of the first part
NODES = "SLURM_JOB_NODELIST"
MOST_PARTS = 128  # of a heterogeneous job
# what is said of one component alone; all else counts for those after it, too, unless they say something else
OF_ONE = frozenset(
    {
        *("bcast", "bcast-exclude", "compress", "contiguous", "core-spec", "cores-per-socket", "cpu-bind", "cpu-freq"),
        *("cpus-per-gpu", "cpus-per-task", "distribution", "exclusive", "extra-node-info", "gpu-bind", "gpu-freq"),
        *("gpus", "gpus-per-node", "gpus-per-socket", "gpus-per-task", "gres", "het-group", "hint", "mem-bind"),
        *("mem-per-cpu", "mem-per-gpu", "mincpus", "network", "nodelist", "nodes", "ntasks", "ntasks-per-core"),
        *("ntasks-per-gpu", "ntasks-per-node", "ntasks-per-socket", "overcommit", "relative", "resv-ports"),
        *("send-libs", "sockets-per-node", "thread-spec", "threads-per-core"),
    }
)
OF_THE_JOB = ("SLURM_JOB_NUM_NODES", "SLURM_NNODES")  # what no component of a step is meant by


class Component:
    """One of a step's components, most often the only one."""

    def __init__(self, part: int, words: list[str], inherited: dict[str, str], *, has_program: bool = True) -> None:
        self.part = part  # its number: that of the job's part, where it has several
        self.words = words
        self.has_program = has_program  # do the words name one?
        self.inherited = inherited  # texts of options that were said of those before it
        self.environment: dict[str, str] = {}
        self.limits: dict[str, str] = {}  # what counts besides its options
        self.marks: dict[str, object] = {}  # further attributes of its request

    def tell(self, environment: Mapping[str, str], size: int) -> None:
        """What it has to know of the heterogeneous job."""
        self.environment = of_group(environment, self.part)
        self.limits = limits(environment, self.part, size)
        self.marks = {"part": self.part}

    def complete(self, given: dict[str, str]) -> dict[str, str]:
        """The texts of all options that count for it, of which these were said, or are variables."""
        whole = limited({**self.inherited, **given}, self.limits)
        if "together" in self.marks:
            whole.setdefault("open-mode", "append")  # as the others may write to the same file
        return whole

    def name(self, names: Names) -> None:
        """Have messages and the names of files speak of it."""
        if self.marks.get("apart"):
            names.component = f"+{self.part}"
        elif names.job_id.isdigit():
            names.job_id = str(int(names.job_id) + self.part)
        names.part = self.part if "together" in self.marks else 0


def components(arguments: list[str], environment: dict[str, str], read: Read) -> list[Component]:
    """What the arguments say, in the order of the parts that they name. Raises MiniSlurmError."""
    size = int(environment.get(SIZE, "0"))
    found = _named(arguments, size, read)
    for one in found:
        if size:
            one.tell(environment, size)
        elif len(found) == 1:
            one.environment = dict(environment)
        else:
            one.environment = {name: value for name, value in environment.items() if name not in OF_THE_JOB}
            one.marks = {"part": one.part, "apart": True}
    if len(found) > 1:
        bind(found)
    return found


def bind(together: list[Component]) -> None:
    """They are one step, no task of which begins before srun has opened the files of all."""
    name = os.urandom(8).hex()
    for one in together:
        one.marks.update(together=name, count=len(together), held=True)


def _named(arguments: list[str], size: int, read: Read) -> list[Component]:
    """The components, without what they are told of the job. Raises MiniSlurmError."""
    found: list[Component] = []
    inherited: dict[str, str] = {}
    parts = split(arguments)
    for position, words in enumerate(parts):
        given, program = read(words)
        named = numbers(given["het-group"]) if "het-group" in given else [position]
        if size:
            _check(named, size, alone=len(parts) == len(named) == 1)
        elif len(parts) == len(named) == 1 and "het-group" in given:
            check(given["het-group"])
        for one in found:
            if program and not one.has_program:
                one.words, one.has_program = [*one.words, *program], True
        found += (Component(group, words, dict(inherited), has_program=bool(program)) for group in named)
        inherited.update((name, text) for name, text in given.items() if name not in OF_ONE)
    if len({one.part for one in found}) < len(found):
        raise Fatal("Duplicate het groups in single srun not supported")
    if len(found) > 1 and "multi-prog" in inherited:
        raise Fatal("--multi-prog option not supported with multiple het groups")
    return sorted(found, key=lambda one: one.part)


def split(arguments: list[str]) -> list[list[str]]:
    """The words between colons."""
    found: list[list[str]] = [[]]
    for word in arguments:
        if word == ":":
            found.append([])
        else:
            found[-1].append(word)
    return found


def filled(parts: list[list[str]], programs: list[list[str]]) -> list[list[str]]:
    """The words of each component and its program: a component that names none has that of the one after it."""
    found: list[list[str]] = []
    program: list[str] = []
    for words, own in zip(reversed(parts), reversed(programs)):
        program = own or program
        found.insert(0, words if own else [*words, *program])
    return found


def numbers(text: str) -> list[int]:
    """The groups that `0,2-3` means, in their order. Raises Refused."""
    found: list[int] = []
    for piece in text.strip("[]").split(","):
        low, _, high = piece.partition("-")
        first = _natural(low)
        last = _natural(high) if high else first
        if first is None or last is None or first > last:
            raise Refused(f"_parse_single_range: Invalid range: `{piece}'", f"Invalid --het-group value: {text}")
        if last >= MOST_PARTS:
            raise Refused(f"Invalid --het-group value: {text}")
        found += range(first, last + 1)
    return sorted(set(found))


def _natural(text: str) -> int | None:
    """The number that this is, as C reads it; None: it is none."""
    found, rest = leading_number(text)
    return None if rest or not text else found


def check(text: str) -> None:
    """What is said of a group in a job that has none. Raises Refused."""
    _check(numbers(text), 1, alone=True)
    raise Refused("No directives to start application on any available hetjob components")


def _check(groups: list[int], size: int, *, alone: bool) -> None:
    """Are there these? `alone`: one part is named. Raises Refused."""
    last = max(groups)
    if last < size:
        return
    if alone:
        raise Refused(f"Requested het-group offset exceeds highest hetjob index ({last} > {size - 1})")
    what = f"Attempt to run a job step with het group value of {last}"
    raise Refused(f"{what}, but the job allocation has maximum value of {size - 1}")


def of_group(environment: Mapping[str, str], group: int) -> dict[str, str]:
    """The environment as it would be if the part were the whole job."""
    suffix = f"{MARK}{group}"
    varies = {name.partition(MARK)[0] for name in environment if MARK in name}.difference(THE_JOBS)
    own = {name[: -len(suffix)]: value for name, value in environment.items() if name.endswith(suffix)}
    kept = {name: value for name, value in environment.items() if name not in varies}
    return {**kept, **{name: value for name, value in own.items() if name in varies}}


def limits(environment: Mapping[str, str], group: int, size: int) -> dict[str, str]:
    """Options that keep a step within its group: a step takes what it needs of a machine that others have, too."""
    machines = [expand(environment.get(f"{NODES}{MARK}{number}", "")) for number in range(size)]
    own = set(machines[group])
    others = {name for number, names in enumerate(machines) if number != group for name in names}
    found = {"exclude": ",".join(sorted(others - own))} if others - own else {}
    return {**found, "exact": ""} if others & own else found


def limited(given: Mapping[str, str], limits: Mapping[str, str]) -> dict[str, str]:
    """A step's options, with such limits."""
    excluded = ",".join(options["exclude"] for options in (given, limits) if options.get("exclude"))
    return {**limits, **given, **({"exclude": excluded} if excluded else {})}
