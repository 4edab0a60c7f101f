"""From srun's options to the request that an agent gets: what is the same in a job, in salloc and on the login node."""

from __future__ import annotations

import os

from mini_slurm.errors import BadUsage
from mini_slurm.model.export import wanted as export_of
from mini_slurm.protocol import flat
from mini_slurm.steps import multi_prog, request
from mini_slurm.steps.outputs import Outputs
from mini_slurm.steps.request import StepRequest
from mini_slurm.steps.scripts import current_folder
from mini_slurm.steps.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# setrlimit's names of what Slurm hands on to tasks, by the kernel's
LIMITS = {
    "Max cpu time": "CPU",
    "Max file size": "FSIZE",
    "Max data size": "DATA",
    "Max stack size": "STACK",
    "Max core file size": "CORE",
    "Max resident set": "RSS",
    "Max processes": "NPROC",
    "Max open files": "NOFILE",
    "Max locked memory": "MEMLOCK",
    "Max address space": "AS",
}
LIMIT = 25  # characters before a limit's values
UNLIMITED = {"unlimited": "-1"}
# variables that make a mark in the tasks' environment, by the option that sets them
MARKS = {
    "label": ("SLURM_LABELIO", "1"),
    "overcommit": ("SLURM_OVERCOMMIT", "1"),
}
OWN = frozenset({"ENVIRONMENT", "SLURM_TASK_PID", "SLURM_STEP_GPUS", "SLURM_SRUN_COMM_HOST"})
BINDING = frozenset({"cpu-bind", "mem-bind", "hint", "threads-per-core", "distribution"})
PLANE = "SLURM_DIST_PLANESIZE"
NONE, ALL = "none", "all"
QUIETLY, USUALLY = 2, 3  # how much srun says, as SRUN_DEBUG has it
NO_TERMINAL = (
    "ioctl(TIOCGWINSZ): Inappropriate ioctl for device",
    "Not using a pseudo-terminal, disregarding --pty option",
)
NO_BINDING = "cluster configuration lacks support for cpu binding"
NOT_FOUND = "No command given to execute."


class Plan:
    """Everything that an srun does, worked out before anything is asked for."""

    def __init__(self, settings: Settings, wanted: StepRequest, outputs: Outputs, fields: list[bytes | str]) -> None:
        self.settings = settings
        self.wanted = wanted
        self.outputs = outputs
        self.fields = fields  # of the request that goes to the agent

    def mark(self, **values: object) -> None:
        """Set attributes of the request that no option sets."""
        self.wanted.__dict__.update(values)
        self.fields[0] = flat.nest_pairs(request.to_texts(self.wanted))


def read(program: str, given: dict[str, str], words: list[str], environment: Mapping[str, str], own: list[str]) -> Plan:
    """The plan of these options, by their long names. `own`: variables that each machine has values of its own for.

    Raises MiniSlurmError.
    """
    settings = Settings()
    settings.program = program
    settings.quiet = max(len(given.get("quiet", "")), int("quiet" in given))
    settings.verbose = int("verbose" in given)
    warnings: list[str] = []
    if given.get("distribution", "").lower() == "plane":  # so a job's environment has it
        given["distribution"] = f"plane={environment.get(PLANE, '')}"
    wanted = request.read(given, warnings)
    request.resolve(wanted, environment.get("SLURM_NODE_ALIASES", ""))
    if given.get("cpu-bind") or given.get("threads-per-core"):
        warnings.append(NO_BINDING)
    for warning in warnings:
        if settings.quiet <= warning.startswith("error: "):  # one -Q leaves errors
            os.write(2, f"{program}: {warning}\n".encode())
    programs = _programs(program, given, words, wanted)
    wanted.of_job = "nodes" in given and given["nodes"] == environment.get(request.JOB_NODES)
    wanted.submit_line = given.get("submit-line", "")
    wanted.name = given.get("job-name") or os.path.basename(words[0])
    _behave(settings, given)
    inputs = _input(settings, given.get("input") or ALL, wanted.ntasks or wanted.least_nodes or 1)
    outputs = Outputs(
        given.get("output", ""),
        given.get("error", ""),
        label="label" in given,
        unbuffered="unbuffered" in given or "pty" in given,
        append=given.get("open-mode", "").startswith("a"),
    )
    wanted.held = bool(settings.input_file) or outputs.has_files
    fields = _fields(program, given, wanted, programs, inputs, environment, own)
    return Plan(settings, wanted, outputs, fields)


def _programs(program: str, given: dict[str, str], words: list[str], wanted: StepRequest) -> list[list[str]]:
    if not words:
        raise BadUsage(f"{program}: fatal: {NOT_FOUND}", exit_code=1)
    if "multi-prog" not in given:
        return [words]
    is_fixed = wanted.ntasks is not None
    tasks = wanted.ntasks or (wanted.least_nodes or 1) * (wanted.tasks_per_node or 1)
    programs = multi_prog.read(words[0], tasks, is_fixed=is_fixed)
    wanted.ntasks = len(programs)
    return programs


def _behave(settings: Settings, given: dict[str, str]) -> None:
    bad_exit = given.get("kill-on-bad-exit")
    settings.kill_on_bad_exit = bad_exit is not None and (
        not bad_exit or request.number("kill-on-bad-exit", bad_exit, 0) > 0
    )
    settings.wait = request.number("wait", given["wait"], 0) if given.get("wait") else 0
    settings.quit_on_interrupt = "quit-on-interrupt" in given
    settings.disable_status = "disable-status" in given
    settings.pty = "pty" in given


def _input(settings: Settings, mode: str, tasks: int) -> str:
    """Where the tasks' input comes from; which of them get it: a number that is none of theirs is a file's name."""
    if mode == NONE:
        return NONE
    if mode.isdigit() and int(mode) < tasks:
        settings.input, settings.input_task = 0, int(mode)
        return mode
    if mode == ALL:
        settings.input = 0
    else:
        settings.input_file = mode
    return ALL


def _bindings(program: str, given: dict[str, str]) -> dict[str, str]:
    """What the tasks are told of CPUs and memory, and of a layout over more than machines. Raises BadUsage."""
    if not BINDING.intersection(given):
        return {}
    from mini_slurm.steps import binding  # few steps say anything of it

    return binding.variables(program, given)


def _fields(
    program: str,
    given: dict[str, str],
    wanted: StepRequest,
    programs: list[list[str]],
    inputs: str,
    environment: Mapping[str, str],
    own: list[str],
) -> list[bytes | str]:
    size = os.get_terminal_size(0) if "pty" in given and os.isatty(0) else os.terminal_size((0, 0))
    pty = f"{size.lines} {size.columns}" if "pty" not in given or size.lines else "24 80"
    umask = os.umask(0)
    os.umask(umask)
    marks = dict(MARKS[name] for name in given if name in MARKS)
    return [
        flat.nest_pairs(request.to_texts(wanted)),
        flat.nest([flat.nest(words) for words in programs]),
        flat.nest_pairs(exported(environment, given.get("export"))),
        flat.nest(own),
        _chdir(given.get("chdir", ""), folder(environment)),
        str(umask),
        flat.nest_pairs(limits()),
        inputs,
        given.get("task-prolog", ""),
        given.get("task-epilog", ""),
        pty,
        flat.nest_pairs({**marks, **_said(given, wanted), **_bindings(program, given), **_own_state(given, umask)}),
    ]


def _chdir(said: str, here: str) -> str:
    """Where the tasks begin: a path that does not begin with a slash is meant from here."""
    return os.path.normpath(os.path.join(here, said)) if said and not said.startswith("/") else said or here


def _said(given: dict[str, str], wanted: request.StepRequest) -> dict[str, str]:
    """What tasks are told of their step's options."""
    found = {
        "SLURM_CPUS_PER_TASK": str(wanted.cpus_per_task or ""),
        "SLURM_JOB_NAME": given.get("job-name", ""),
        PLANE: wanted.distribution.partition("plane=")[2],
    }
    return {name: value for name, value in found.items() if value}


def _own_state(given: dict[str, str], umask: int) -> dict[str, str]:
    """What tasks are told of srun itself."""
    level = QUIETLY if "quiet" in given else USUALLY + ("verbose" in given)
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    return {"SLURM_UMASK": f"{umask:04o}", "SLURM_PRIO_PROCESS": str(nice), "SRUN_DEBUG": str(level)}


def drop_terminal(program: str, given: dict[str, str]) -> None:
    """Without a terminal here the tasks get none either, and are run as without --pty."""
    if "pty" in given and not os.isatty(0):
        del given["pty"]
        for line in NO_TERMINAL:
            os.write(2, f"{program}: error: {line}\n".encode())


def folder(environment: Mapping[str, str]) -> str:
    """Where srun is, by the path that its user knows it by. Raises BadOption when that is gone."""
    here = current_folder()
    known = environment.get("PWD", "")
    if known.startswith("/") and os.path.exists(known) and os.path.samefile(known, here):
        return known
    return here


def limits() -> dict[str, str]:
    """The limits that a process started here hands on: soft and hard. To import `resource` would cost more."""
    found = {}
    with open("/proc/self/limits") as file:
        for line in file:
            name = LIMITS.get(line[:LIMIT].rstrip())
            if name:
                soft, hard = (UNLIMITED.get(word, word) for word in line[LIMIT:].split()[:2])
                found[name] = f"{soft} {hard}"
    return found


def exported(environment: Mapping[str, str], export: str | None) -> dict[str, str]:
    """What of srun's environment its tasks get: all, or SLURM_* and what is named."""
    variables = {name: value for name, value in environment.items() if name not in OWN}
    if export is None:
        return variables
    names, values = export_of(export)
    if ALL not in (name.lower() for name in names):
        variables = {name: value for name, value in variables.items() if name.startswith("SLURM_") or name in names}
    return {**variables, **values}
