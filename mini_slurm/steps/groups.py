"""srun in a heterogeneous job: a step runs in one of its parts, a group; `srun A : B` and --het-group run several."""

from __future__ import annotations

import os
from _signal import (  # type: ignore[import-not-found]  # signal's are enums: slow to import
    SIG_BLOCK,
    SIG_UNBLOCK,
    SIGCHLD,
    pthread_sigmask,
    sigwaitinfo,
)
from functools import partial

from mini_slurm.errors import Refused
from mini_slurm.model.hostlist import expand
from mini_slurm.steps.signals import TAKEN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    # one step: its words, its environment, and what counts besides its options
    Step = Callable[[list[str], dict[str, str], dict[str, str]], int]

SIZE, MARK = "SLURM_HET_SIZE", "_HET_GROUP_"
THE_JOBS = ("SLURM_JOB_ID", "SLURM_JOBID")  # by which srun finds its agent: those of the first part
NODES = "SLURM_JOB_NODELIST"
WATCHED = (SIGCHLD, *TAKEN)
FROM_TERMINAL = 0x80  # SI_KERNEL: the terminal's signals go to all processes of its group, so the steps have it, too


def run(step: Step, arguments: list[str], environment: dict[str, str], group_of: Callable[[list[str]], str]) -> int:
    """Run what the arguments say in all groups that they name; the highest exit status. Raises MiniSlurmError."""
    size = int(environment.get(SIZE, "1"))
    steps = []
    parts = split(arguments)
    for position, words in enumerate(parts):
        named = numbers(group_of(words))
        for group in _checked(named or [position], size, alone=len(parts) == 1):
            steps.append((words, of_group(environment, group), limits(environment, group, size)))
    for _, _, own in steps[1:]:
        own["input"] = "none"  # there is but one standard input
    return step(*steps[0]) if len(steps) == 1 else together([partial(step, *words) for words in steps])


def split(arguments: list[str]) -> list[list[str]]:
    """The words between colons."""
    found: list[list[str]] = [[]]
    for word in arguments:
        if word == ":":
            found.append([])
        else:
            found[-1].append(word)
    return found


def numbers(text: str) -> list[int]:
    """The groups that `0,2-3` means. Raises Refused."""
    found: list[int] = []
    for piece in text.split(",") if text else ():
        first, dash, last = piece.partition("-")
        last = last if dash else first
        if not (first.isascii() and first.isdigit() and last.isascii() and last.isdigit() and len(last) < 5):
            raise Refused(f"_parse_single_range: Invalid range: `{piece}'", f"Invalid --het-group value: {text}")
        found += range(int(first), int(last) + 1)
    return found


def check(text: str) -> None:
    """What is said of groups where there is but one. Raises Refused."""
    _checked(numbers(text) or [0], 1, alone=True)


def _checked(groups: list[int], size: int, *, alone: bool) -> list[int]:
    """Those that there are; `alone`: one command is to run in all of them. Raises Refused."""
    last = max(groups)
    if last < size:
        return groups
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


def together(steps: list[Callable[[], int]]) -> int:
    """Run the steps side by side, each in a process of its own; signals go to all of them. The highest exit status."""
    children: list[int] = []
    pthread_sigmask(SIG_BLOCK, WATCHED)
    for step in steps:
        child = os.fork()
        if not child:
            code = 1
            try:
                pthread_sigmask(SIG_UNBLOCK, WATCHED)
                code = step()
            finally:
                os._exit(code)
        children.append(child)
    worst = 0
    while children:
        signal = sigwaitinfo(WATCHED)
        if signal.si_signo == SIGCHLD:
            worst = max(worst, *_ended(children))
        elif signal.si_code != FROM_TERMINAL:
            _hand_on(children, signal.si_signo)
    pthread_sigmask(SIG_UNBLOCK, WATCHED)
    return worst


def _ended(children: list[int]) -> list[int]:
    """The exit statuses of those that have ended, which are children no more; 0 besides."""
    found = [0]
    for child in list(children):
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            children.remove(child)
            found.append(_exit_status(status))
    return found


def _exit_status(status: int) -> int:
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _hand_on(children: list[int], number: int) -> None:
    for child in children:
        try:
            os.kill(child, number)
        except ProcessLookupError:
            continue  # it has ended
