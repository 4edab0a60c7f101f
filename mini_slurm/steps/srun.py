"""srun in a job, on the machine where its script runs."""

from __future__ import annotations

import os
import sys

from mini_slurm.errors import Answer, BadUsage, MiniSlurmError, Refused, visible
from mini_slurm.options.grammar import Option, parse
from mini_slurm.protocol import flat
from mini_slurm.steps import hooks, hosts, launch, watch
from mini_slurm.steps import request as step_request
from mini_slurm.steps.front import Front
from mini_slurm.steps.outputs import Names
from mini_slurm.steps.talk import AGENT_SOCKET, GREETING, Talk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mini_slurm.steps.groups import Component

MARK, AGENT = "MINI_SLURM_ATTEMPT", "MINI_SLURM_AGENT"  # the job's attempt, or the step of it; the agent's spool
ROWS = "srun.rows"  # beside this module: the options' names, out of the one table of options
OWN_PLACE = ("commands-HASH", "lib", "mini_slurm", "steps", "srun.py")  # below the spool
MEMORY = ("mem", "mem-per-cpu")  # what is said of one wins over a variable that says the other
PARTS = "SLURM_HET_SIZE"  # there in a heterogeneous job alone
MPI_TYPES = """MPI plugin types are...
\tnone
"""
NO_PMI = ("pmi2", "pmix")  # without it each task of an MPI program would call itself rank 0 of 1
INSTEAD = "start MPI programs with mpirun or mpiexec, which start their processes through srun"


def main(program: str, arguments: list[str]) -> int:
    """Run a step of the job that this is a process of, or several; the exit status."""
    return told(program, lambda: _srun(program, arguments))


def told(program: str, run: Callable[[], int]) -> int:
    """Run this, and tell the user what is wrong; the exit status."""
    try:
        return run()
    except MiniSlurmError as error:
        for text in error.lines:
            line = visible(text)
            if isinstance(error, Answer):
                os.write(1, f"{line}\n".encode())
                continue
            os.write(2, f"{line if isinstance(error, BadUsage) else f'{program}: {error.word}: {line}'}\n".encode())
        return error.exit_code
    except KeyboardInterrupt:
        return 130


def _srun(program: str, arguments: list[str]) -> int:
    table = rows(os.path.join(os.path.dirname(os.path.abspath(__file__)), ROWS))
    environment = own_environment()
    line = " ".join([program, *arguments])
    if PARTS not in environment and ":" not in arguments and not any(map(is_het_group, arguments)):
        prepared = [_prepare(program, arguments, table, environment, None, line)]
    else:
        from mini_slurm.steps import groups  # few jobs are heterogeneous

        found = groups.components(arguments, environment, lambda words: options(program, words, table[0], {}, {}))
        prepared = [_prepare(program, one.words, table, one.environment, one, line) for one in found]
    first = prepared[0]
    if isinstance(first, int):
        return first
    hooks.run(program, first.given.get("prolog"), first.words)
    code = watch.run([one.front for one in prepared if not isinstance(one, int)])
    hooks.run(program, first.given.get("epilog"), first.words, "epilog")
    return code


def is_het_group(word: str) -> bool:
    """May this be --het-group, or what of it is enough?"""
    return word.startswith(("--het", "--pac"))


class Prepared:
    """A step, or a component of one, that can begin."""

    def __init__(self, front: Front, given: dict[str, str], words: list[str]) -> None:
        self.front = front
        self.given = given
        self.words = words


def _prepare(
    program: str,
    arguments: list[str],
    table_and_more: tuple[list[Option], dict[str, str], set[str]],
    environment: dict[str, str],
    component: Component | None,
    line: str,
) -> Prepared | int:
    """Work out a step, or one of its components; an exit status where nothing is to run. `line`: all that was said.

    Raises MiniSlurmError.
    """
    table, variables, refused = table_and_more
    given, words = options(program, arguments, table, variables, environment)
    if component is not None:
        given = component.complete(given)
    for name in refused.intersection(given):
        raise Refused(f"--{name} is not supported yet")
    for name, answer in (("version", _version), ("usage", _help), ("help", _help)):
        if name in given:
            return answer(table)
    if given.get("mpi") == "list":
        sys.stdout.write(MPI_TYPES)
        return 0
    if "jobid" in given:
        step_request.number("jobid", given["jobid"])
    check_mpi(given)
    given["submit-line"] = line
    launch.drop_terminal(program, given)
    return _front(program, given, words, environment, component)


def _front(
    program: str, given: dict[str, str], words: list[str], environment: dict[str, str], component: Component | None
) -> Prepared:
    job_id = given.get("jobid", "")
    hosts.take(given, environment)
    attempt = environment.get(MARK, "").partition("-")[0]
    talk = Talk(_agent(environment, job_id), AGENT_SOCKET, GREETING)
    if "verbose" in given:
        from mini_slurm.steps import said

        said.tell(program, given, environment)
    if "bcast" in given:
        from mini_slurm.steps import bcast, sbcast

        target = sbcast.Target(job_id, attempt, talk, environment)
        target.limits = component.limits if component else {}
        words = bcast.deliver(program, given, words, target)
    plan = launch.read(program, given, words, environment, [])
    names = _names(given, environment)
    if component is not None:
        plan.mark(**component.marks)
        component.name(names)
    request = ["launch", os.urandom(8).hex(), attempt, job_id, *plan.fields]
    return Prepared(Front(plan.settings, talk, request, names, plan.outputs), given, words)


def _agent(environment: Mapping[str, str], job_id: str) -> str:
    """The spool of this machine's agent. Raises Refused.

    Who has kept nothing of a job's environment but its number means the agent that this srun belongs to.
    """
    known = environment.get(AGENT)
    own = os.path.abspath(__file__)
    for _ in OWN_PLACE:
        own = os.path.dirname(own)
    if known or (job_id and os.path.exists(os.path.join(own, AGENT_SOCKET))):
        return known or own
    raise Refused("this is no process of a job: there is no agent to ask for a step")


def _names(given: dict[str, str], environment: Mapping[str, str]) -> Names:
    """What the symbols in the names of output files stand for."""
    job_id = given.get("jobid", "")
    return Names(
        job_id,
        "",
        environment.get("SLURM_ARRAY_JOB_ID", job_id),
        environment.get("SLURM_ARRAY_TASK_ID", "4294967294"),
        environment.get("USER", ""),
        given.get("job-name") or environment.get("SLURM_JOB_NAME", ""),
    )


def check_mpi(given: Mapping[str, str]) -> None:
    """Nothing here tells tasks of each other by PMI; one task has no others. Raises Refused."""
    kind = given.get("mpi", "")
    if kind.partition("_")[0] in NO_PMI:
        if given.get("ntasks") == "1":
            return
        raise Refused(f"--mpi={kind} is not supported: {INSTEAD}")
    if kind not in ("", "none"):
        raise Refused(
            f"Couldn't find the specified plugin name for mpi/{kind} looking at all files",
            f"cannot find mpi plugin for mpi/{kind}",
            f"MPI: Cannot create context for mpi/{kind}",
            "MPI: Unable to load any plugin",
            f"Invalid MPI type '{kind}', --mpi=list for acceptable types",
        )


def own_environment() -> dict[str, str]:
    """What srun was started with: Python may have set LC_CTYPE in os.environ since."""
    with open("/proc/self/environ", "rb") as file:
        words = file.read().split(b"\0")
    return dict(flat.text(word).partition("=")[::2] for word in words if b"=" in word)


def rows(path: str) -> tuple[list[Option], dict[str, str], set[str]]:
    """The options' rows that came with the agent, the variables that set them too, and those that are refused."""
    table, variables, refused = [], {}, set()
    with open(path) as file:
        for line in file:
            long, short, value, variable, is_refused, *aliases = line.rstrip("\n").split("\t")
            table.append(Option(field=long, long=long, short=short, value=value, aliases=tuple(aliases)))
            if variable:
                variables[variable] = long
            if is_refused:
                refused.add(long)
    return table, variables, refused


def options(
    program: str,
    arguments: list[str],
    table: list[Option],
    variables: Mapping[str, str],
    environment: Mapping[str, str],
    exit_code: int = 255,
) -> tuple[dict[str, str], list[str]]:
    """The text of each option that was given, by its long name, and the words after them. Raises BadUsage."""
    settings, words = parse(program, arguments, table, permute=False, exit_code=exit_code)
    switches = {option.long for option in table if option.value == "none"}
    given = {long: environment[variable] for variable, long in variables.items() if variable in environment}
    given = {long: text for long, text in given.items() if long not in switches or text.lower() not in ("0", "no")}
    said = {setting.option.long: setting.text or "" for setting in settings}
    for name, letter in (("quiet", "Q"), ("verbose", "v")):
        if name in said:
            said[name] = letter * sum(setting.option.long == name for setting in settings)
    for one, other in (MEMORY, reversed(MEMORY)):
        if one in said and other not in said:
            given.pop(other, None)
    if hosts.is_arbitrary({**given, **said}):  # no number of the job's is meant then
        given = {name: text for name, text in given.items() if name not in ("ntasks", "nodes")}
    return {**given, **said}, words


def _version(table: list[Option]) -> int:
    sys.stdout.write("slurm-wlm 22.05.8\n")
    return 0


def _help(table: list[Option]) -> int:
    """What there is; the words for it are on the login node."""
    sys.stdout.write("Usage: srun [OPTIONS(0)...] executable(0) [args(0)...]\n\n")
    for option in table:
        short = f"-{option.short}, " if option.short else "    "
        sys.stdout.write(f"  {short}--{option.long}{'=...' * (option.value == 'required')}\n")
    return 0
