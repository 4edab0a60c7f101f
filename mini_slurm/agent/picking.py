"""What an attempt wants of a machine, what others leave of it, and what of that it gets. Pure."""

from typing import Any, Dict, List, Mapping, NamedTuple, Sequence, Set, Tuple

from mini_slurm.protocol.messages import StartAttempt

ROUNDING = 1e-9  # that thirds of a GPU make one


class Unavailable(Exception):
    """What is wanted cannot be had. `busy`: it could be, were it not for the claims of others."""

    def __init__(self, why: str, busy: bool) -> None:
        super().__init__(why)
        self.why = why
        self.busy = busy


class Wish(NamedTuple):
    """What an attempt needs, and what its controller takes the machine to have (0: what it really has)."""

    cpus: int
    memory: int  # MiB; 0: none is claimed
    gpus: Dict[str, int]  # type ("" for any) -> how many
    total_cpus: int
    total_memory: int
    shares: Sequence[Tuple[str, int, int]] = ()  # GPUs of which a part is wanted: type, how much, out of how much
    common: bool = False  # others with such a wish may have the same CPUs


def wish(start: StartAttempt) -> Wish:
    """What an attempt needs."""
    return Wish(
        start.cpus, start.memory, start.gpus, start.total_cpus, start.total_memory, start.shares, start.shares_cpus
    )


class Held(NamedTuple):
    """What the claims of all leave no room for."""

    cpus: List[int]
    memory: int
    gpus: List[str]  # whole ones
    shares: Sequence[Tuple[str, float]] = ()  # parts of others: UUID, fraction
    agent: int = 0  # pid, where it is told
    lent: Sequence[int] = ()  # CPUs that somebody will want back: taken last
    common: Sequence[int] = ()  # CPUs that others may have as well who share them, one for each who has it


def pick_cpus(cpus: Sequence[int], wish: Wish, held: Held) -> List[int]:
    """Of these CPUs of the machine those that the attempt gets. Raises Unavailable."""
    # A fleet file may say more CPUs than there are: the numbers above the real ones are claimed, but bind nothing.
    first = max(cpus, default=-1) + 1
    above = range(first, first + wish.total_cpus - len(cpus))
    pool, taken = [*cpus, *above], {*held.cpus, *(() if wish.common else held.common)}
    if wish.cpus > len(pool):
        raise Unavailable(f"{wish.cpus} CPUs are wanted, and there are {len(pool)}", busy=False)
    free = [cpu for cpu in pool if cpu not in taken]
    if held.lent:
        free.sort(key=lambda cpu: cpu in held.lent)
    if wish.common:
        free.sort(key=held.common.count)  # those that the fewest have
    if wish.cpus > len(free):
        raise Unavailable(f"{wish.cpus} CPUs are wanted, and {len(free)} are free", busy=True)
    return free[: wish.cpus]


def check_memory(memory: int, wish: Wish, held: Held) -> None:
    """Is there so much (MiB)? Raises Unavailable."""
    total = max(memory, wish.total_memory)
    if wish.memory > total - held.memory:
        why = f"{wish.memory} MiB are wanted, and {total - held.memory} are not claimed"
        raise Unavailable(why, busy=wish.memory <= total)


def pick_gpus(gpus: Sequence[Mapping[str, Any]], wanted: Dict[str, int], held: Set[str]) -> List[str]:
    """Of these GPUs whole ones, by UUID. Raises Unavailable."""
    picked: List[str] = []
    for kind, number in sorted(wanted.items(), reverse=True):  # "" last: it takes what is left
        fitting = [gpu["uuid"] for gpu in gpus if kind in ("", gpu["type"])]
        free = [uuid for uuid in fitting if uuid not in held and uuid not in picked]
        if number > len(free):
            words = "{} GPUs{} are wanted, and {} of {} are free"
            why = words.format(number, " of type " + kind if kind else "", len(free), len(fitting))
            raise Unavailable(why, busy=number <= len(fitting))
        picked += free[:number]
    return picked


def pick_shares(
    gpus: Sequence[Mapping[str, Any]], wish: Wish, held: Set[str], shares: Sequence[Tuple[str, float]]
) -> Dict[str, List[int]]:
    """Parts of GPUs, each on the one where the least is left then. Raises Unavailable."""
    picked: Dict[str, List[int]] = {}
    for kind, amount, whole in wish.shares:
        fitting = [gpu["uuid"] for gpu in gpus if kind in ("", gpu["type"])]
        left = {uuid: 1 - sum(part for other, part in shares if other == uuid) for uuid in fitting}
        roomy = [uuid for uuid in fitting if left[uuid] + ROUNDING >= amount / whole]
        free = [uuid for uuid in roomy if uuid not in held and uuid not in picked]
        if not free:
            words = "{}/{} of a GPU{} is wanted, and none of {} has so much free"
            why = words.format(amount, whole, " of type " + kind if kind else "", len(fitting))
            raise Unavailable(why, busy=amount <= whole and len(fitting) > len(picked))
        picked[min(free, key=lambda uuid: left[uuid])] = [amount, whole]
    return picked
