"""What comes from a machine is data: here it is checked before anything is done with it or stored."""

from __future__ import annotations

import re

from mini_slurm.model.foreign_use import ForeignUse
from mini_slurm.protocol.framing import ProtocolError
from mini_slurm.protocol.messages import Ended, Measured, Message, Output, Outside, Started, Welcome

STREAMS = frozenset({"out", "err"})
FIGURES = 7  # of a task: its number, and what it uses
MOST_USES = 1000  # of a machine by others than jobs
ATTEMPT = re.compile(r"\w+\.\d{1,18}\.\d{1,18}", re.ASCII)
STEP = re.compile(r"([0-9]{1,9})(?:_([0-9]{1,9}))?")
GPU_TYPE = re.compile(r"[A-Za-z0-9_.+-]*", re.ASCII)


def check(message: Message) -> None:
    """Raises ProtocolError when the message's values cannot be true, even though each is of its type."""
    if isinstance(message, Output):
        _expect(message.stream in STREAMS and message.offset >= 0 and message.merged >= 0, message)
    elif isinstance(message, Ended):
        _expect(set(message.sizes) <= STREAMS, message)
    elif isinstance(message, Started):
        _expect(all(cpu >= 0 for cpu in message.cpu_ids), message)
    elif isinstance(message, Measured):
        _expect(all(map(_is_step, message.tasks)) and message.frequency >= 0, message)
        _expect(
            all(len(task) == FIGURES and min(task) >= 0 for tasks in message.tasks.values() for task in tasks), message
        )
        _expect(all(message.tasks.values()), message)
        _expect(len(message.gpus) in (0, 2) and min(message.gpus, default=0) >= 0, message)
    elif isinstance(message, Outside):
        _expect(all(ATTEMPT.fullmatch(name) for name in message.idle) and len(message.uses) <= MOST_USES, message)
        _expect(all(map(GPU_TYPE.fullmatch, message.blocked)), message)
        _expect(min(message.blocked.values(), default=0) >= 0, message)
    elif isinstance(message, Welcome):
        _expect(message.cpus > 0 and message.memory >= 0, message)
        _expect(all(GPU_TYPE.fullmatch(str(gpu.get("type", ""))) for gpu in message.gpus), message)


def _is_step(name: str) -> bool:
    return not name or step(name) is not None


def step(tag: str) -> tuple[int, int] | None:
    """The number of a step, and of the part in which it runs, out of `5` or `5_1`; None where it is neither."""
    found = STEP.fullmatch(tag)
    return (int(found[1]), int(found[2] or 0)) if found else None


def _expect(is_possible: bool, message: Message) -> None:
    if not is_possible:
        raise ProtocolError(f"impossible values in {str(message)[:200]}")


def uses(message: Outside, now: float) -> list[ForeignUse]:
    """Who uses the machine besides jobs. Raises ProtocolError."""
    found = []
    for one in message.uses:
        try:
            owner, command, gpu = (text(one[name]) for name in ("owner", "command", "gpu"))
            memory, place, gpu_memory = (int(one[name]) for name in ("memory", "index", "gpu_memory"))
            since, cpus = moment(now, float(one["age"])), float(one["cpus"])
            who = ForeignUse(int(one["pid"]), int(one["start"]), owner, command, since, cpus, memory, gpu, place, 0)
        except (KeyError, ValueError, TypeError, AttributeError, OverflowError):
            raise ProtocolError(f"impossible values in {str(one)[:200]}") from None
        found.append(who._replace(gpu_memory=gpu_memory))
    return found


def text(value: str) -> str:
    """A machine's words as they can be stored: what is no text is replaced."""
    return value.encode("utf-8", "replace").decode()


def moment(now: float, age: float) -> float:
    """When it was that something happened `age` seconds ago: not in the future, and not before the epoch."""
    return now - min(max(age, 0.0), now)
