"""Script lines, environment and command line to a Job.

The command line wins over the environment, and that over the script.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from mini_slurm.errors import BadOption, BadUsage, Refused
from mini_slurm.model import arrays
from mini_slurm.model.hostlist import expand
from mini_slurm.model.job import COLUMNS, Job
from mini_slurm.options.grammar import Setting
from mini_slurm.options.table import JobOption
from mini_slurm.options.values import NotANumber

SCRIPT, ENVIRONMENT, COMMAND_LINE = "script", "environment", "command line"
MEMORY = ("memory_per_node", "memory_per_cpu")


class Values:
    """The values of the options that were given, by field, and which source each came from."""

    def __init__(self) -> None:
        self.of: dict[str, object] = {}
        self.source: dict[str, str] = {}
        self.remembered: dict[str, str] = {}  # variables for the job's environment
        self.warnings: list[str] = []

    def take(self, settings: Iterable[Setting], source: str) -> None:
        """Read the values of one source, which wins over those taken before. Raises MiniSlurmError."""
        for setting in settings:
            assert isinstance(setting.option, JobOption)
            self.of[setting.option.field] = read_value(setting.option, setting.text)
            self.source[setting.option.field] = source
            if setting.option.long == "gpus-per-node":
                self.remembered["SLURM_GPUS_PER_NODE"] = setting.text or ""

    def number(self, field: str) -> int | None:
        """A number that was given."""
        value = self.of.get(field)
        assert value is None or isinstance(value, int)
        return value

    def nodes(self) -> tuple[int, int]:
        """The least and the largest number of machines."""
        pair = self.of.get("nodes", (1, 1))
        assert isinstance(pair, tuple)
        return pair


def read_value(option: JobOption, text: str | None) -> object:
    """What the text of an option's value means. Raises MiniSlurmError, in Slurm's words."""
    hint = f"write for example --{option.long}={option.example}" if option.example else ""
    if not option.built:
        raise Refused(f"--{option.long} is not supported yet")
    try:
        return option.parse(text)
    except NotANumber:
        raise Refused(f'Invalid numeric value "{text}" for --{option.long}.', hint=hint) from None
    except ValueError:
        raise BadOption(f"Invalid --{option.long} specification", hint=hint) from None


def environment_settings(environment: Mapping[str, str], options: tuple[JobOption, ...]) -> list[Setting]:
    """The options that variables like SBATCH_PARTITION set."""
    settings = []
    for option in options:
        text = environment.get(option.env) if option.env else None
        if text is None:
            continue
        if option.value == "none":
            if text.lower() not in ("no", "0"):
                settings.append(Setting(option, None))
        else:
            settings.append(Setting(option, text or None if option.value == "optional" else text))
    return settings


def make_job(program: str, values: Values, moment: Callable[[str], float | None]) -> Job:
    """The job that the values describe; `moment` reads --begin. Raises MiniSlurmError."""
    _settle_memory(program, values)
    _settle_nodes(values)
    _settle_tasks(values)
    given = values.of
    job = Job(**{field: value for field, value in given.items() if field in COLUMNS and field != "nodes"})
    if "nodes" in given:
        job.nodes, job.max_nodes = values.nodes()
    if given.get("gpus_per_node"):
        job.gres = ",".join(part for part in (job.gres, str(given["gpus_per_node"])) if part)
    if given.get("hold"):
        job.priority, job.reason = 0, "JobHeldUser"
    if "begin" in given:
        job.begin_time = moment(str(given["begin"]))
    if given.get("array"):
        _make_array(job, str(given["array"]))
    return job


def _settle_memory(program: str, values: Values) -> None:
    """Only one of --mem and --mem-per-cpu can count; one that was given wins over one from the environment."""
    given = [field for field in MEMORY if field in values.of]
    if len(given) == 2:
        said = [field for field in given if values.source[field] != ENVIRONMENT]
        if len(said) != 1:
            names = "--mem, --mem-per-cpu, and --mem-per-gpu"
            if not said:
                names = "SLURM_MEM_PER_CPU, SLURM_MEM_PER_GPU, and SLURM_MEM_PER_NODE"
            raise BadUsage(f"{program}: fatal: {names} are mutually exclusive.", exit_code=1)
        del values.of[given[1 - given.index(said[0])]]
    if values.of.get("memory_per_cpu") == 0:
        del values.of["memory_per_cpu"]
        values.of["memory_per_node"] = 0


def _settle_tasks(values: Values) -> None:
    """Bring the numbers of tasks and of machines together. Raises Refused where one machine is not enough."""
    tasks, per_node = values.number("ntasks"), values.number("ntasks_per_node")
    least, most = values.nodes()
    if tasks is not None and tasks < least:
        values.warnings.append(f"Warning: can't run {tasks} processes on {least} nodes, setting nnodes to {tasks}")
        least = tasks
    if most == 0:
        raise Refused("Batch job submission failed: Node count specification invalid")
    if "nodes" in values.of:
        values.of["nodes"] = (least, max(least, min(most, tasks or most)))
    if per_node is not None:
        values.remembered["SLURM_NTASKS_PER_NODE"] = str(per_node)
        values.of["ntasks"] = tasks or per_node * least


def _settle_nodes(values: Values) -> None:
    """A list of machines may be longer than their number allows. Raises Refused."""
    try:
        named = len(set(expand(str(values.of.get("required_nodes", "")))))
    except ValueError:
        return  # the fleet says what is wrong with it
    most = values.nodes()[1]
    if named > 1 and "nodes" in values.of and named > most:
        raise Refused(f"invalid number of nodes (-N {named}-{most})")
    if named > 1 and "nodes" not in values.of:
        values.of["nodes"] = (named, named)


def _make_array(job: Job, expression: str) -> None:
    try:
        tasks, throttle, step = arrays.parse(expression)
    except ValueError:
        raise Refused(
            "Batch job submission failed: Invalid job array specification",
            hint=f"write for example --array=0-9 or --array=1,4,7%2, with numbers below {arrays.MAX_ARRAY_SIZE}",
        ) from None
    job.array_tasks = arrays.format_tasks(tasks, throttle)
    job.array_size, job.array_min, job.array_max, job.array_step = len(tasks), tasks[0], tasks[-1], step
