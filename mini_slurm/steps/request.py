"""What an srun asks for its step: the texts of its options read, whichever table or variable they came from. Pure."""

from __future__ import annotations

from mini_slurm.errors import Answer, BadOption, Refused
from mini_slurm.model import numbers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Reader = Callable[["StepRequest", str], None]

DISTRIBUTIONS = frozenset({"block", "cyclic", "arbitrary"})
BAD_GRES = "Invalid generic resource (gres) specification"
BAD_PLANE = "Invalid plane size or size not specified"
NO_COUNT = -1  # of GPUs: what was said is no number, which is told when the step is to be made
MOST_THREADS = 60
COMPRESSIONS = ("", "lz4", "none")


class StepRequest:
    """One step, as asked for. Its attributes go over the wire as text: see `to_texts`."""

    def __init__(self) -> None:
        self.name = ""
        self.ntasks: int | None = None
        self.least_nodes: int | None = None
        self.most_nodes: int | None = None
        self.of_job = False  # are these as many as the environment says that the job has?
        self.tasks_per_node: int | None = None
        self.cpus_per_task: int | None = None
        self.nodelist: list[str] = []
        self.excluded: list[str] = []
        self.relative: int | None = None
        self.exact = False
        self.overlap = False
        self.overcommit = False
        self.distribution = ""  # "", "block", "cyclic", "plane=N" or "arbitrary"
        self.pack = False  # blocks: is one machine filled up before the next one, rather than all evenly?
        self.memory_per_node: int | None = None  # MiB; 0: all of it
        self.memory_per_cpu: int | None = None  # MiB
        self.gpus: int | None = None  # of the whole step
        self.gpus_per_node: int | None = None
        self.gpus_per_task: int | None = None
        self.gpu_type = ""
        self.time_limit: int | None = None  # seconds
        self.immediate = 0  # seconds that it may wait for others; 1: none at all; 0: for ever
        self.test_only = False  # nothing is to run
        self.held = False  # its tasks begin when srun has opened their files, whose names may need the step's number
        self.alone = False  # its allocation is its own, and it gets less of Slurm's variables
        self.hidden = False  # it has no number of its own, and nobody is told of it
        self.submit_line = ""
        # a step of several components is asked for one by one: by what name they belong together, how many they are
        self.together = ""
        self.count = 1
        self.part = 0  # which one this is: of a heterogeneous job, or, in any other, of the step
        self.apart = False  # it shares no machine with the parts before it


# How each attribute is written on the wire, and read from it; those that are not named are numbers.
JOB_NODES = "SLURM_JOB_NUM_NODES"
KINDS = {
    "name": "text",
    "distribution": "text",
    "gpu_type": "text",
    "submit_line": "text",
    "together": "text",
    "nodelist": "list",
    "excluded": "list",
    "exact": "flag",
    "overlap": "flag",
    "overcommit": "flag",
    "pack": "flag",
    "test_only": "flag",
    "held": "flag",
    "alone": "flag",
    "apart": "flag",
    "hidden": "flag",
    "of_job": "flag",
}


def to_texts(request: StepRequest) -> dict[str, str]:
    """The request as texts, those that say something."""
    blank = StepRequest()
    found = {}
    for name, value in request.__dict__.items():
        if value != getattr(blank, name):
            kind = KINDS.get(name, "number")
            found[name] = ",".join(value) if kind == "list" else str(value if kind == "text" else int(value))
    return found


def from_texts(texts: dict[str, str]) -> StepRequest:
    """What `to_texts` wrote; unknown names are passed over. Raises ValueError."""
    request = StepRequest()
    for name, text in texts.items():
        kind = KINDS.get(name, "number")
        if name not in request.__dict__:
            continue
        value: object = text if kind == "text" else text.split(",") if kind == "list" else int(text)
        setattr(request, name, bool(value) if kind == "flag" else value)
    return request


def read(given: dict[str, str], warn: list[str]) -> StepRequest:
    """The request of these options, by their long names. Warnings are added to `warn`. Raises MiniSlurmError."""
    request = StepRequest()
    for option, text in given.items():
        reader = READERS.get(option)
        if reader is not None:
            reader(request, text)
    if request.relative is not None and (given.get("nodelist") or given.get("exclude")):
        raise Refused("-r,--relative not allowed with -w,--nodelist or -x,--exclude.")
    if "exclusive" in given or "cpus-per-task" in given:
        request.exact = True
    _check_threads(given, warn)
    _check_compression(given, warn)
    _settle_tasks(request, warn)
    _settle_names(request, warn)
    return request


def _check_threads(given: dict[str, str], warn: list[str]) -> None:
    """Threads of a server for MPI that there is none of here: looked at, and passed over."""
    threads = number("threads", given.get("threads", "1"))
    if threads > MOST_THREADS:
        warn.append(f"error: Thread value --threads={threads} exceeds recommended limit of {MOST_THREADS}")


def _check_compression(given: dict[str, str], warn: list[str]) -> None:
    """What a copied program is compressed with on its way: looked at, and passed over."""
    kind = given.get("compress")
    if kind is not None and kind.lower() not in COMPRESSIONS:
        warn.append(f"error: Compression type '{kind}' unknown, disabling compression support.")


def _settle_names(request: StepRequest, warn: list[str]) -> None:
    """No more names than machines: the first ones count."""
    names, most = list(dict.fromkeys(request.nodelist)), request.most_nodes
    if most is not None and len(names) > most and request.distribution != "arbitrary":
        why = "Required nodelist includes more nodes than permitted by max-node count"
        warn.append(f"error: {why} ({len(names)} > {most}). Eliminating nodes from the nodelist.")
        request.nodelist = names[:most]


def _settle_tasks(request: StepRequest, warn: list[str]) -> None:
    """Bring tasks and machines together, as srun does before it asks for a step."""
    least = request.least_nodes
    if request.ntasks is None and request.tasks_per_node and least:
        request.ntasks = least * request.tasks_per_node
    if request.ntasks is None and request.distribution == "arbitrary" and request.nodelist:
        request.ntasks = len(request.nodelist)
    has_names = request.distribution == "arbitrary" and request.nodelist
    if request.ntasks is not None and least is not None and request.ntasks < least and not has_names:
        warn.append(
            f"Warning: can't run {request.ntasks} processes on {least} nodes, setting nnodes to {request.ntasks}"
        )
        request.least_nodes = request.most_nodes = request.ntasks
    _settle_per_node(request, warn)


def _settle_per_node(request: StepRequest, warn: list[str]) -> None:
    """So many tasks on each machine have to agree with the other two numbers."""
    per_node, least = request.tasks_per_node, request.least_nodes
    if request.ntasks is not None and per_node and least and per_node != request.ntasks // least:
        if request.ntasks > per_node:
            warn.append(
                f"Warning: can't honor --ntasks-per-node set to {per_node} which doesn't match the requested tasks"
                f" {request.ntasks} with the number of requested nodes {least}. Ignoring --ntasks-per-node."
            )
        request.tasks_per_node = None


def number(option: str, text: str, least: int = 1) -> int:
    """A number from `least` on, as C reads it. Raises Refused."""
    return numbers.checked(f"--{option}", text, least)


def _number(option: str, attribute: str, least: int = 1) -> Reader:
    def reader(request: StepRequest, text: str) -> None:
        setattr(request, attribute, number(option, text, least))

    return reader


def _flag(attribute: str) -> Reader:
    def reader(request: StepRequest, text: str) -> None:
        setattr(request, attribute, True)

    return reader


def _nodes(request: StepRequest, text: str) -> None:
    least, most = numbers.nodes(text)
    request.least_nodes, request.most_nodes = least or None, most or None  # -N0 says nothing


def _nodelist(request: StepRequest, text: str) -> None:
    request.nodelist = names(text)


def _excluded(request: StepRequest, text: str) -> None:
    request.excluded = names(text)


def names(text: str) -> list[str]:
    """The machines of a hostlist, whose names blanks may part, too. Raises Refused."""
    from mini_slurm.model.hostlist import expand

    try:
        return expand(",".join(text.split()))
    except ValueError as error:
        _check_ranges(text)
        raise Refused(str(error)) from None


def _check_ranges(text: str) -> None:
    """A range that goes backwards, or is none, Slurm itself does not get past. Raises Refused."""
    from mini_slurm.model import loose_hostlist

    try:
        loose_hostlist.expand(text)
    except loose_hostlist.BadRange as error:
        raise Refused(f"_parse_single_range: {error}", "memory allocation failure") from None
    except ValueError:
        return


def resolve(request: StepRequest, aliases: str) -> None:
    """Call machines as the job's nodes are called. `aliases`: `NAME:ADDRESS:OTHER` of each, with commas between."""
    known = {parts[2]: parts[0] for parts in (one.split(":") for one in aliases.split(",")) if len(parts) == 3}
    request.nodelist = [known.get(name, name) for name in request.nodelist]
    request.excluded = [known.get(name, name) for name in request.excluded]


def _distribution(request: StepRequest, text: str) -> None:
    """`block`, `cyclic:block`, `plane=2`, `*,pack`: how tasks lie on sockets and cores changes nothing here."""
    levels, _, flag = text.lower().partition(",")
    first = levels.partition(":")[0]
    request.pack = flag == "pack"
    if first in ("", "*"):
        return
    if first.partition("=")[0] == "plane":
        size = first.partition("=")[2]
        if not size.isdigit() or not int(size):
            raise BadOption(BAD_PLANE, "Invalid --distribution specification")
        request.distribution = first
    elif first in DISTRIBUTIONS:
        request.distribution = first
    else:
        raise BadOption("Invalid --distribution specification")


def memory(option: str, text: str) -> int:
    """MiB. Raises BadOption."""
    if text.isascii() and text.isdigit():
        return int(text)
    from mini_slurm.model.units import parse_memory

    try:
        return parse_memory(text)
    except ValueError:
        raise BadOption(f"Invalid --{option} specification") from None


def _memory(request: StepRequest, text: str) -> None:
    request.memory_per_node = memory("mem", text)


def _memory_per_cpu(request: StepRequest, text: str) -> None:
    request.memory_per_cpu = memory("mem-per-cpu", text)


def _time(request: StepRequest, text: str) -> None:
    from mini_slurm.model.units import parse_time_limit

    try:
        request.time_limit = parse_time_limit(text)
    except ValueError:
        raise BadOption("Invalid --time specification") from None


def _immediate(request: StepRequest, text: str) -> None:
    request.immediate = numbers.checked("immediate", text, 0) if text else 1


def _accelerators(request: StepRequest, text: str) -> None:
    """`g`, `n`, `v` in any order: looked at, and passed over."""
    if not set("gnv").intersection(text):
        raise BadOption("Invalid --accel-bind specification")


def _libraries(request: StepRequest, text: str) -> None:
    if text.lower() not in ("", "y", "yes", "n", "no"):
        raise BadOption("Invalid --send-libs specification")


def _cpu_binding(request: StepRequest, text: str) -> None:
    """The help for it is that there is no such binding."""
    if "help" in text.lower().split(","):
        raise Answer("CPU bind options not supported with current configuration")


def _message_timeout(request: StepRequest, text: str) -> None:
    number("msg-timeout", text)


def _gpu_count(request: StepRequest, text: str) -> int:
    """GPUs as --gres writes them: `gpu:2`, `gpu:a100:2`, `gpu:a100`. Raises Refused."""
    from mini_slurm.model import gres

    if gres.counts_badly(text):
        return NO_COUNT
    try:
        found = gres.parse(text)
    except ValueError:
        raise Refused(BAD_GRES) from None
    if any(one.name != gres.GPU for one in found):
        raise Refused(BAD_GRES)
    for one in found:
        request.gpu_type = one.type or request.gpu_type
    return sum(one.amount for one in found)


def _gpus(attribute: str) -> Reader:
    """A reader of `2`, `a100:2`; an empty text asks for none in particular."""

    def reader(request: StepRequest, text: str) -> None:
        from mini_slurm.model.gres import prefixed

        if text:
            setattr(request, attribute, _gpu_count(request, prefixed(text)))

    return reader


def _gres(request: StepRequest, text: str) -> None:
    """`gpu:2`, `gpu`, `gpu:a100:1`, `none`."""
    request.gpus_per_node = 0 if text.lower() == "none" else _gpu_count(request, text)


# fmt: off
READERS: dict[str, Reader] = {
    "accel-bind": _accelerators,
    "cpu-bind": _cpu_binding,
    "cpus-per-task": _number("cpus-per-task", "cpus_per_task"),
    "distribution": _distribution,
    "exact": _flag("exact"),
    "exclude": _excluded,
    "gpus": _gpus("gpus"),
    "gpus-per-node": _gpus("gpus_per_node"),
    "gpus-per-task": _gpus("gpus_per_task"),
    "gres": _gres,
    "immediate": _immediate,
    "mem": _memory,
    "mem-per-cpu": _memory_per_cpu,
    "msg-timeout": _message_timeout,
    "nodelist": _nodelist,
    "nodes": _nodes,
    "ntasks": _number("ntasks", "ntasks"),
    "ntasks-per-node": _number("ntasks-per-node", "tasks_per_node"),
    "overcommit": _flag("overcommit"),
    "overlap": _flag("overlap"),
    "relative": _number("relative", "relative", 0),
    "send-libs": _libraries,
    "test-only": _flag("test_only"),
    "time": _time,
}
# fmt: on
