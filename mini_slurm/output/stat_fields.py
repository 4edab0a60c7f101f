"""The columns of sstat: one row of a table each. A record is a step with what its tasks use now."""

from __future__ import annotations

from mini_slurm.model.hostlist import compress
from mini_slurm.model.units import format_elapsed
from mini_slurm.output.layout import Field
from mini_slurm.output.values import size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from mini_slurm.output.layout import Value, View

DEFAULT = (
    "jobid,maxvmsize,maxvmsizenode,maxvmsizetask,avevmsize,maxrss,maxrssnode,maxrsstask,averss,maxpages,maxpagesnode,"
    "maxpagestask,avepages,mincpu,mincpunode,mincputask,avecpu,ntasks,avecpufreq,reqcpufreqmin,reqcpufreqmax,"
    "reqcpufreqgov,consumedenergy,maxdiskread,maxdiskreadnode,maxdiskreadtask,avediskread,maxdiskwrite,"
    "maxdiskwritenode,maxdiskwritetask,avediskwrite,tresusageinave,tresusageinmax,tresusageinmaxnode,"
    "tresusageinmaxtask,tresusageinmin,tresusageinminnode,tresusageinmintask,tresusageintot,tresusageoutave,"
    "tresusageoutmax,tresusageoutmaxnode,tresusageoutmaxtask,tresusageoutmin,tresusageoutminnode,tresusageoutmintask,"
    "tresusageouttot"
)
PIDS = "jobid,nodelist,pids"
UNKNOWN = "Unknown"
MEGA = 1 << 20
# what is counted, in the order of their names, and where it stands among a task's figures
RSS, VIRTUAL, PAGES, CPU, READ, WRITTEN = range(6)
INSIDE = (("cpu", CPU), ("energy", None), ("fs/disk", READ), ("mem", RSS), ("pages", PAGES), ("vmem", VIRTUAL))
MEMORY_PLACE = 3  # of what names of GPUs' resources go before
OUTSIDE = (("energy", None), ("fs/disk", WRITTEN))


class Task:
    """What the processes of one task use."""

    __slots__ = ("figures", "node", "number")

    def __init__(self, node: str, number: int, figures: Sequence[float]) -> None:
        self.node = node
        self.number = number
        self.figures = figures  # RSS and virtual memory in KiB, page faults, CPU seconds, bytes read and written


class Record:
    """One line."""

    __slots__ = ("frequencies", "gpus", "name", "nodes", "pids", "tasks")

    def __init__(self, name: str) -> None:
        self.name = name  # "12.0"
        self.tasks: list[Task] = []
        self.nodes: list[str] = []
        self.pids: list[int] = []
        self.frequencies: list[int] = []  # kHz, of each machine
        self.gpus: list[int] = []  # MiB and percent of GPUs, of each machine of a job that has any

    def most(self, figure: int) -> Task:
        """The task that has the most."""
        return max(self.tasks, key=lambda task: task.figures[figure])

    def least(self, figure: int) -> Task:
        """The task that has the least."""
        return min(self.tasks, key=lambda task: task.figures[figure])

    def total(self, figure: int) -> float:
        """What all have together."""
        return sum(task.figures[figure] for task in self.tasks)

    def mean(self, figure: int) -> float:
        """What a task has on average."""
        return self.total(figure) / len(self.tasks)


def _kibibytes(amount: float, view: View) -> str:
    return f"{int(amount)}K" if amount else "0"


def _count(amount: float, view: View) -> str:
    return str(int(amount))


def _bytes(amount: float, view: View) -> str:
    return f"{amount / MEGA:.2f}M" if amount >= MEGA and view.convert else str(int(amount))


def _time(amount: float, view: View) -> str:
    return format_elapsed(amount)


WRITE = {RSS: _kibibytes, VIRTUAL: _kibibytes, PAGES: _count, CPU: _time, READ: _bytes, WRITTEN: _bytes}


def _plain(figure: int, amount: float, view: View) -> str:
    """As lists of trackable resources have it: bytes in full."""
    return str(int(amount)) if figure in (READ, WRITTEN) else WRITE[figure](amount, view)


def _mean(figure: int) -> Value:
    return lambda record, view: WRITE[figure](record.mean(figure), view)


def _most(figure: int) -> Value:
    return lambda record, view: WRITE[figure](record.most(figure).figures[figure], view)


def _most_rows(name: str, figure: int, widths: tuple[int, int, int]) -> tuple[Field, ...]:
    return (
        _row(f"Max{name}", widths[0], _most(figure)),
        _row(f"Max{name}Node", widths[1], lambda record, view: record.most(figure).node),
        _row(f"Max{name}Task", widths[2], lambda record, view: str(record.most(figure).number)),
    )


def _frequency(record: Record, view: View) -> str:
    """In thousands of thousands of kHz, where it is that much."""
    mean, place = sum(record.frequencies) / len(record.frequencies), 0
    while mean >= 1000 and place < 2 and view.convert:
        mean, place = mean / 1000, place + 1
    return f"{mean:.2f}{'KM'[place - 1]}" if place else str(int(mean))


def _list(kinds: Sequence[tuple[str, int | None]], amount: str) -> Value:
    """Each kind with what the record's method of this name says of it; nothing meters energy."""

    def show(record: Record, view: View) -> str:
        words = []
        for name, figure in kinds:
            found = 0.0
            if figure is not None:
                task = getattr(record, amount)(figure)
                found = task.figures[figure] if isinstance(task, Task) else task
            words.append(f"{name}={'0' if figure is None else _plain(figure, found, view)}")
        if record.gpus and kinds is INSIDE and amount in ("most", "total"):
            words[MEMORY_PLACE:MEMORY_PLACE] = _of_gpus(record, amount)
        return ",".join(words)

    return show


def _of_gpus(record: Record, amount: str) -> list[str]:
    """What the job has of GPUs, and how busy these are: on one of its machines, or on all of them."""
    together = max if amount == "most" else sum
    memory, percent = together(record.gpus[::2]), together(record.gpus[1::2])
    return [f"gres/gpumem={size(memory)}", f"gres/gpuutil={percent}"]


def _nodes(kinds: Sequence[tuple[str, int | None]], which: str) -> Value:
    def show(record: Record, view: View) -> str:
        return ",".join(f"{name}={getattr(record, which)(figure or 0).node}" for name, figure in kinds)

    return show


def _tasks(kinds: Sequence[tuple[str, int | None]], which: str) -> Value:
    """As Slurm writes it: the number of a task as a time where the kind is one."""

    def show(record: Record, view: View) -> str:
        found = [(name, figure, getattr(record, which)(figure).number) for name, figure in kinds if figure is not None]
        return ",".join(
            f"{name}={format_elapsed(number) if figure == CPU else number}" for name, figure, number in found
        )

    return show


def _row(name: str, width: int, value: Value) -> Field:
    return Field(name, "", name, "", value, width=width)


def _constant(text: str) -> Value:
    return lambda record, view: text


def _trackable(way: str, kinds: Sequence[tuple[str, int | None]], width: int) -> tuple[Field, ...]:
    name = f"TRESUsage{way}"
    return (
        _row(f"{name}Ave", width, _list(kinds, "mean")),
        _row(f"{name}Max", width, _list(kinds, "most")),
        _row(f"{name}MaxNode", width + 4, _nodes(kinds, "most")),
        _row(f"{name}MaxTask", width + 4, _tasks(kinds, "most")),
        _row(f"{name}Min", width, _list(kinds, "least")),
        _row(f"{name}MinNode", width + 4, _nodes(kinds, "least")),
        _row(f"{name}MinTask", width + 4, _tasks(kinds, "least")),
        _row(f"{name}Tot", width, _list(kinds, "total")),
    )


STAT_FIELDS = (
    _row("AveCPU", 10, _mean(CPU)),
    _row("AveCPUFreq", 10, _frequency),
    _row("AveDiskRead", 12, _mean(READ)),
    _row("AveDiskWrite", 12, _mean(WRITTEN)),
    _row("AvePages", 10, _mean(PAGES)),
    _row("AveRSS", 10, _mean(RSS)),
    _row("AveVMSize", 10, _mean(VIRTUAL)),
    _row("ConsumedEnergy", 14, _constant("0")),
    _row("ConsumedEnergyRaw", 17, _constant("0")),
    _row("JobID", -12, lambda record, view: record.name),
    *_most_rows("DiskRead", READ, (12, 15, 15)),
    *_most_rows("DiskWrite", WRITTEN, (12, 16, 16)),
    *_most_rows("Pages", PAGES, (8, 12, 14)),
    *_most_rows("RSS", RSS, (10, 10, 10)),
    *_most_rows("VMSize", VIRTUAL, (10, 14, 14)),
    _row("MinCPU", 10, lambda record, view: format_elapsed(record.least(CPU).figures[CPU])),
    _row("MinCPUNode", 10, lambda record, view: record.least(CPU).node),
    _row("MinCPUTask", 10, lambda record, view: str(record.least(CPU).number)),
    _row("Nodelist", 20, lambda record, view: compress(record.nodes)),
    _row("NTasks", 8, lambda record, view: str(len(record.tasks))),
    _row("Pids", 20, lambda record, view: ",".join(map(str, record.pids))),
    _row("ReqCPUFreq", 13, _constant(UNKNOWN)),
    _row("ReqCPUFreqMin", 13, _constant(UNKNOWN)),
    _row("ReqCPUFreqMax", 13, _constant(UNKNOWN)),
    _row("ReqCPUFreqGov", 13, _constant(UNKNOWN)),
    *_trackable("In", INSIDE, 14),
    *_trackable("Out", OUTSIDE, 15),
)


def field_list() -> str:
    """The names of all columns, four on a line, as `sstat -e` shows them."""
    names = [f"{field.name:<19}" for field in STAT_FIELDS]
    return "\n".join(" ".join(names[row : row + 4]) for row in range(0, len(names), 4))
