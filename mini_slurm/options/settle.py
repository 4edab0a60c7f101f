"""The values of all options, brought together as sbatch does it: what excludes what, tasks and machines, GPUs.

The checks stand in Slurm's order, as the first that fails is the one that the user hears of.
"""

from __future__ import annotations

from mini_slurm.errors import Answer, Fatal, Refused
from mini_slurm.model.hostlist import compress, expand
from mini_slurm.options.gpus import Counts, settle_gpus
from mini_slurm.options.remembered import remembered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mini_slurm.options.collect import Values

TASK_NODES = "task_nodes"  # the machine of each task in turn, where the user says them all
MEMORY = ("memory_per_node", "memory_per_cpu", "mem_per_gpu")
WITH_TASKS_PER_GPU = ("gpus_per_task", "gpus_per_socket", "ntasks_per_node")
MULTITHREADED = ("ntasks_per_core", "threads_per_core", "extra_node_info")  # what excludes --hint
HINTS: dict[str, dict[str, int]] = {
    "compute_bound": {"threads_per_core": 1},
    "memory_bound": {"cores_per_socket": 1, "threads_per_core": 1},
    "multithread": {},
    "nomultithread": {"threads_per_core": 1},
}
LAYERS = ("sockets_per_node", "cores_per_socket", "threads_per_core")
LIMITS = ("CPU", "FSIZE", "DATA", "STACK", "CORE", "RSS", "NPROC", "NOFILE", "MEMLOCK", "AS")


class Layout:
    """Machines and tasks as they were asked for."""

    def __init__(self, values: Values) -> None:
        nodes = values.of.get("nodes")
        self.is_given = nodes is not None  # were machines asked for by number or name?
        self.least, self.most = nodes if isinstance(nodes, tuple) else (1, 0)  # `most` 0: not said
        self.tasks = values.number("ntasks")
        self.names: list[str] | None = None  # of --nodelist


def settle(values: Values, read_hosts: Callable[[str, int | None], str]) -> None:
    """Make the values agree with each other; `read_hosts` reads a file of machines. Raises MiniSlurmError."""
    _check_tasks_per_gpu(values)
    _check_reserved_cores(values)
    _settle_memory(values)
    is_bad = bool(values.of.get("quiet") and values.of.get("verbose"))
    if is_bad:
        values.warn("don't specify both --verbose (-v) and --quiet (-Q)")
    if values.of.get("bb") and values.of.get("bbf"):
        raise Refused("Cannot specify both --burst-buffer and --bbf")
    _settle_hint(values)
    layout = Layout(values)
    _settle_names(values, layout, read_hosts)
    per_node = values.number("ntasks_per_node")
    if per_node and layout.tasks is None and layout.most in (0, layout.least):
        layout.tasks = layout.least * per_node
    if layout.most and layout.least > layout.most:
        raise Refused(f"invalid number of nodes (-N {layout.least}-{layout.most})")
    _settle_layers(values)
    _settle_tasks(values, layout)
    begin, deadline = values.of.get("begin"), values.of.get("deadline")
    if isinstance(begin, float) and isinstance(deadline, float) and deadline < begin:
        raise Refused("Incompatible begin and deadline time specification")
    if is_bad:
        raise Refused()
    _settle_power(values)
    propagated(values)
    values.remembered = remembered(values)
    _settle_gpus(values, layout)


def _check_tasks_per_gpu(values: Values) -> None:
    """--ntasks-per-gpu and its older name say the same, and exclude other ways to say it."""
    gpu, tres = values.number("ntasks_per_gpu"), values.number("ntasks_per_tres")
    if gpu is None and tres is None:
        return
    if gpu is not None and tres is not None and gpu != tres:
        raise Fatal(f"Inconsistent values set to --ntasks-per-gpu={gpu} and --ntasks-per-tres={tres} ")
    for field in WITH_TASKS_PER_GPU:
        name = f"SLURM_{field.upper()}" if values.was_set(field) else f"--{field.replace('_', '-')}"
        if field in values.of:
            raise Fatal(f"{name} is mutually exclusive with --ntasks-per-gpu and SLURM_NTASKS_PER_GPU")


def _check_reserved_cores(values: Values) -> None:
    """Cores cannot be kept for the system, as in Slurm unless its configuration allows it."""
    given = [field for field in ("core_spec", "thread_spec") if field in values.of]
    said = [field for field in given if values.was_said(field)]
    if len(said) > 1:
        raise Fatal("-S/--core-spec and --thred-spec options are mutually exclusive")
    if len(given) > 1 and not said:
        raise Fatal(
            "Both --core-spec and --thread-spec set using environment variables. Those options are mutually exclusive."
        )
    if given:
        name = "--thread-spec" if (said or given)[-1] == "thread_spec" else "-S"
        values.warn(f"Ignoring {name} since it's not allowed by configuration (AllowSpecResourcesUsage = No)")


def _settle_memory(values: Values) -> None:
    """Only one of --mem, --mem-per-cpu and --mem-per-gpu can count; one that was said wins over a variable."""
    said = [field for field in MEMORY if values.was_said(field)]
    given = [field for field in MEMORY if field in values.of]
    if len(said) > 1:
        raise Fatal("--mem, --mem-per-cpu, and --mem-per-gpu are mutually exclusive.")
    if len(given) > 1 and not said:
        raise Fatal("SLURM_MEM_PER_CPU, SLURM_MEM_PER_GPU, and SLURM_MEM_PER_NODE are mutually exclusive.")
    for field in given:
        if said and field not in said:
            values.drop(field)
    if values.of.get("memory_per_cpu") == 0:
        values.drop("memory_per_cpu")
        values.of["memory_per_node"] = 0


def _settle_hint(values: Values) -> None:
    """What a program needs, in terms of threads and cores."""
    hint = values.text("hint")
    if hint is None:
        return
    if any(values.was_said(field) for field in MULTITHREADED) or (
        values.was_set("hint") and any(values.was_set(field) for field in MULTITHREADED)
    ):
        values.drop("hint")
        return
    for field in MULTITHREADED:
        values.drop(field)
    for word in hint.split(","):
        if word.lower() == "help":
            raise Answer(f"--hint takes one of {', '.join(HINTS)}", exit_code=Refused.exit_code)
        if word.lower() not in HINTS:
            raise Refused(
                f'unrecognized --hint argument "{word}", see --hint=help', hint=f"write one of {', '.join(HINTS)}"
            )
        values.of.update(HINTS[word.lower()])


def _settle_names(values: Values, layout: Layout, read_hosts: Callable[[str, int | None], str]) -> None:
    """Machines named to be used or not; a name with a slash in it is a file of names."""
    count = layout.tasks if layout.tasks is not None else (layout.most or layout.least if layout.is_given else None)
    if not _is_arbitrary(values):
        count = None
    excluded = values.text("excluded_nodes")
    if excluded and "/" in excluded:
        values.of["excluded_nodes"] = read_hosts(excluded, count)
    elif excluded:
        values.of["excluded_nodes"] = ",".join(excluded.split())  # blanks part names, too
    if "nodefile" in values.of:
        values.of["required_nodes"] = read_hosts(values.text("nodefile") or "", 0)
    names = values.text("required_nodes")
    if names is None:
        return
    if "/" in names:
        values.of["required_nodes"] = names = read_hosts(names, count)
    try:
        named = expand(",".join(names.split()))
    except ValueError:
        _check_ranges(values, names)
        return  # the fleet says what is wrong with it
    layout.names = list(dict.fromkeys(named))
    if _is_arbitrary(values):
        values.of[TASK_NODES] = compress(named)
    values.of["required_nodes"] = compress(layout.names)
    layout.least = max(len(layout.names), layout.least) if layout.is_given else len(layout.names)
    layout.is_given = True


def _check_ranges(values: Values, names: str) -> None:
    """A range that goes backwards, or is none, Slurm itself does not get past. Raises Refused."""
    from mini_slurm.model import loose_hostlist

    try:
        loose_hostlist.expand(names)
    except loose_hostlist.BadRange as error:
        values.warn(f"_parse_single_range: {error}")
        raise Refused("memory allocation failure", hint="write for example node[1-3]") from None
    except ValueError:
        return


def _is_arbitrary(values: Values) -> bool:
    return (values.text("distribution") or "").startswith("arbitrary")


def _settle_layers(values: Values) -> None:
    """-B says the numbers of sockets, cores and threads at once."""
    given = values.of.get("extra_node_info")
    if isinstance(given, tuple):
        for field, number in zip(LAYERS, given, strict=True):
            if number is not None:
                values.of[field] = number


def _settle_tasks(values: Values, layout: Layout) -> None:
    """Bring the numbers of tasks and of machines together."""
    is_fixed = layout.most in (0, layout.least)
    if (layout.is_given or "extra_node_info" in values.of) and is_fixed and layout.tasks is None:
        tasks = max(layout.least, 1)
        layers = [number for field in LAYERS if (number := values.number(field))]
        for number in layers:
            tasks *= number
        layout.tasks = tasks if layers else None
    elif layout.is_given and layout.tasks is not None:
        layout.most = min(layout.most, layout.tasks)
        if layout.tasks < layout.least:
            _use_fewer_machines(values, layout, layout.tasks)
    if _is_arbitrary(values):
        if layout.names is None:
            line = "With Arbitrary distribution you need to specify a nodelist or hostfile with the -w option"
            raise Refused(line)
        layout.tasks = len(layout.names) if layout.tasks is None else layout.tasks
    plane = (values.text("distribution") or "").partition("plane=")[2]
    if plane and not _fills_planes(layout, int(plane)):
        raise Refused("Too few processes for the requested {plane,node} distribution")


def _use_fewer_machines(values: Values, layout: Layout, tasks: int) -> None:
    values.inform(f"Warning: can't run {tasks} processes on {layout.least} nodes, setting nnodes to {tasks}")
    layout.least = layout.most = tasks
    if layout.names is not None and len(layout.names) > tasks:
        layout.names = layout.names[:tasks]
        values.of["required_nodes"] = compress(layout.names)


def _fills_planes(layout: Layout, size: int) -> bool:
    tasks = layout.tasks or 1
    return bool(0 < layout.least <= tasks // size or (layout.least - 1) * size < tasks)


def tell_power(values: Values) -> None:
    """Words of --power that are passed over."""
    for word in (values.text("power") or "").split(","):
        if word and word.lower() != "level":
            values.warn(f"Ignoring unrecognized power option ({word})")


def _settle_power(values: Values) -> None:
    tell_power(values)
    words = (values.text("power") or "").split(",")
    if words != [""]:
        values.of["power"] = "LEVEL" if any(word.lower() == "level" for word in words) else None


def propagated(values: Values) -> tuple[str, ...]:
    """The names of the resource limits that travel with the job. Raises Refused."""
    given = values.of.get("propagate")
    if given is None or given in ("", "ALL"):
        return LIMITS
    if given == "NONE":
        return ()
    names = [word.removeprefix("RLIMIT_") for word in str(given).replace(",", " ").split()]
    for name in names:
        if name not in LIMITS:
            raise Refused(f"Bad rlimit name: {name}", f"--propagate={given} is not valid.")
    return tuple(names)


def _settle_gpus(values: Values, layout: Layout) -> None:
    """Ask whether all that was said of GPUs agrees, and note what follows for tasks, machines and CPUs."""
    counts = Counts()
    counts.tasks, counts.cpus_per_task = layout.tasks, values.number("cpus_per_task")
    if layout.is_given:
        counts.least_nodes, counts.most_nodes = layout.least, layout.most or None
    counts.tasks_per_node = values.number("ntasks_per_node")
    counts.tasks_per_socket = values.number("ntasks_per_socket")
    per_gpu = values.number("ntasks_per_tres")
    counts.tasks_per_gpu = values.number("ntasks_per_gpu") if per_gpu is None else per_gpu
    counts.sockets = values.number("sockets_per_node")
    gres = [part for part in (values.text("gpus_per_node") or "").split(",") if part]
    said = values.text("gres")
    gres = [*(f"gpu:{part}" for part in gres), *([] if said is None else [said])]
    values.of["gres"] = ",".join(gres) if gres else None
    asked = {
        "job": values.text("gpus"),
        "node": values.text("gres"),
        "socket": values.text("gpus_per_socket"),
        "task": values.text("gpus_per_task"),
    }
    settle_gpus(counts, asked, values.number("cpus_per_gpu"), values.number("mem_per_gpu"))
    values.of["ntasks"], values.of["cpus_per_task"] = counts.tasks, counts.cpus_per_task
    values.of["ntasks_per_node"] = counts.tasks_per_node
    if layout.is_given or counts.least_nodes is not None:
        least = layout.least if counts.least_nodes is None else counts.least_nodes
        values.of["nodes"], values.of["max_nodes"] = least, counts.most_nodes
        if not layout.is_given and counts.tasks is None:
            # machines that follow from GPUs ask for no CPUs of theirs
            values.of["min_cpus"] = counts.cpus_per_task or 1
    else:
        values.drop("nodes")
