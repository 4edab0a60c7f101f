"""sattach: look at a step that runs, and write to its tasks; here as a process of a job, and for msattach."""

from __future__ import annotations

import os
import sys

from mini_slurm.errors import Refused
from mini_slurm.model.numbers import SPACE, leading_number
from mini_slurm.options.grammar import Option, parse
from mini_slurm.steps import step_name
from mini_slurm.steps.attach import STEP_GONE, Settings, Watcher
from mini_slurm.steps.srun import AGENT, own_environment, rows, told
from mini_slurm.steps.talk import AGENT_SOCKET, GREETING, Talk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROWS = "sattach.rows"  # beside this module
USAGE = "Usage: {} [options] <jobid.stepid>\n"
LARGEST = 2**31 - 1
BATCH = "batch"
STREAMS = ("input", "output", "error")
NO_JOB = STEP_GONE + "Invalid job id specified"


def main(program: str, arguments: list[str]) -> int:
    """Look at a step; the exit status."""
    return told(program, lambda: _sattach(program, arguments))


def _sattach(program: str, arguments: list[str]) -> int:
    table = rows(os.path.join(os.path.dirname(os.path.abspath(__file__)), ROWS))[0]
    given, words = options(program, arguments, table)
    if "version" in given:
        sys.stdout.write("slurm-wlm 22.05.8\n")
        return 0
    if "usage" in given or "help" in given:
        sys.stdout.write(USAGE.format(program))
        return 0
    folder = own_environment().get(AGENT)
    if not folder:
        raise Refused("this is no process of a job: there is no agent to ask for a step")
    environment = own_environment()
    return attach(
        program, given, words, lambda: Talk(folder, AGENT_SOCKET, GREETING), lambda job: _first(job, environment)
    )


def _first(job: str, environment: Mapping[str, str]) -> tuple[str, int]:
    """The job that has a part of this number, and which part that is; any other number is a job's own."""
    job = job.partition("_")[0]
    first, size = environment.get("SLURM_JOB_ID", ""), int(environment.get("SLURM_HET_SIZE", "0"))
    part = int(job) - int(first) if job.isdigit() and first.isdigit() else 0
    return (first, part) if 0 < part < size else (job, 0)


def options(program: str, arguments: list[str], table: list[Option]) -> tuple[dict[str, list[str]], list[str]]:
    """The texts of each option that was given, by its long name, and the words after them. Raises BadUsage."""
    settings, words = parse(program, arguments, table, permute=False, exit_code=1)
    given: dict[str, list[str]] = {}
    for setting in settings:
        given.setdefault(setting.option.long, []).append(setting.text or "")
    return given, words


def attach(
    program: str,
    given: dict[str, list[str]],
    words: list[str],
    talk: Callable[[], Talk],
    find: Callable[[str], tuple[str, int]],
) -> int:
    """Look at the step that the only word names; the exit status. `find`: the job of a number, and which part of it.

    Raises MiniSlurmError.
    """
    settings = _settings(program, given)
    if len(words) != 1:
        return _misused(program, "too many parameters")
    name = step_name.parse(words[0])
    if name.step == step_name.NO_STEP:
        return _misused(program, "Failed to parse stepid from command line options")
    _check(settings, given)
    if name.step == step_name.BATCH and not settings.layout:
        raise Refused("a batch script writes to its file, and reads none of what is sent to it: look into that file")
    number, part = find(str(name.job) if name.task is None else f"{name.job}_{name.task}")
    tag = _tag(name, part)
    request: list[bytes | str] = ["attach", os.urandom(8).hex(), "", number, tag, str(int(settings.layout))]
    return Watcher(settings, talk(), request).run()


def _tag(name: step_name.StepName, part: int) -> str:
    """What the agent is to know the step by; `part`: of a heterogeneous job."""
    if name.component is not None:
        return f"{name.step}+{name.component}"
    step = BATCH if name.step == step_name.BATCH else str(name.step)
    return f"{step}_{part}" if part else step


def _misused(program: str, line: str) -> int:
    """Slurm shows the usage after what is wrong."""
    os.write(2, f"{program}: error: {line}\n".encode())
    sys.stdout.write(USAGE.format(program))
    return 1


def _settings(program: str, given: dict[str, list[str]]) -> Settings:
    settings = Settings(program)
    settings.quiet, settings.verbose = len(given.get("quiet", ())), len(given.get("verbose", ()))
    settings.label, settings.layout, settings.pty = "label" in given, "layout" in given, "pty" in given
    tasks = {name: [_task(text, name) for text in given.get(f"{name}-filter", ())] for name in STREAMS}
    settings.input_task = tasks["input"][-1] if tasks["input"] else -1
    settings.output_task = _shown(tasks["output"])
    settings.error_task = _shown(tasks["error"]) if tasks["error"] else settings.output_task
    return settings


def _shown(tasks: list[int]) -> str:
    return str(tasks[-1]) if tasks and tasks[-1] >= 0 else ""


def _task(text: str, name: str) -> int:
    """A task's number; -1 for all of them. Raises Refused."""
    if text == "-":
        return -1
    number, rest = leading_number(text)
    if rest == text or rest.strip(SPACE) or number < 0:
        raise Refused(f'Invalid numeric value "{text}" for {name}-filter.')
    if number > LARGEST:
        raise Refused(f"Numeric argument {number} to big for {name}-filter.")
    return number


def _check(settings: Settings, given: dict[str, list[str]]) -> None:
    lines = []
    if settings.quiet and settings.verbose:
        lines.append("don't specify both --verbose (-v) and --quiet (-Q)")
    if settings.pty and any(name.endswith("-filter") for name in given):
        lines.append("don't specify both --pty and I/O filtering")
    if lines:
        raise Refused(*lines)
