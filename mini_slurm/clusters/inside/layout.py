"""Which task of a step goes where within a job of PBS, as srun lays tasks out. Put into srun's text.

All steps share what the job has: none waits for another.
"""

from __future__ import annotations

TOO_MANY = "More processors requested than permitted"
UNAVAILABLE = "Requested node configuration is not available"
IGNORED = (
    "Warning: can't honor --ntasks-per-node set to {} which doesn't match the requested tasks {} with the number of"
    " requested nodes {}. Ignoring --ntasks-per-node."
)
FEWER = "Warning: can't run {0} processes on {1} nodes, setting nnodes to {0}"


class NoStep(Exception):
    """The job has not what the step asks for."""


class Wish:
    """What srun's options and the job's variables ask for."""

    def __init__(self) -> None:
        self.ntasks: int | None = None
        self.least = 1  # machines
        self.most = 1
        self.per_node: int | None = None
        self.cpus = 1  # of each task
        self.named: list[str] = []
        self.excluded: list[str] = []
        self.first = 0  # the first machine that counts
        self.overcommits = False
        self.distribution = ""

    def settle(self) -> list[str]:
        """Bring tasks and machines together; what there is to say of it."""
        said = []
        if self.ntasks is None and self.per_node:
            self.ntasks = self.least * self.per_node
        if self.ntasks is not None and self.per_node and self.per_node != self.ntasks // self.least:
            if self.ntasks > self.per_node:
                said.append(IGNORED.format(self.per_node, self.ntasks, self.least))
            self.per_node = None
        if self.ntasks is not None and self.ntasks < self.least and not self.is_arbitrary:
            said.append(FEWER.format(self.ntasks, self.least))
            self.least = self.most = self.ntasks
        return said

    @property
    def is_arbitrary(self) -> bool:
        """Does the list of machines name one for each task?"""
        return self.distribution == "arbitrary" and bool(self.named)


def place(wish: Wish, cpus: dict[str, int], is_whole: bool) -> list[str]:
    """The host of each task. `cpus`: of each host; `is_whole`: the job has all of them, however many. Raises NoStep."""
    if wish.is_arbitrary:
        return _arbitrary(wish, cpus)
    allowed = _allowed(wish, cpus)
    tasks = wish.ntasks or wish.least
    for count in range(max(wish.least, min(wish.most, tasks, len(allowed))), wish.least - 1, -1):
        chosen = _first_with(allowed, wish, cpus, count, tasks)
        if wish.overcommits or is_whole or _has_room(chosen, wish, cpus, tasks):
            room = {host: cpus[host] // wish.cpus for host in cpus if host in chosen}
            if is_whole:
                room = {host: max(free, -(-tasks // count)) for host, free in room.items()}
            return _spread(room, tasks, wish.distribution)
    raise NoStep(TOO_MANY)


def _arbitrary(wish: Wish, cpus: dict[str, int]) -> list[str]:
    places = wish.named[: wish.ntasks or len(wish.named)]
    if not set(places) <= set(cpus):
        raise NoStep(UNAVAILABLE)
    return places


def _allowed(wish: Wish, cpus: dict[str, int]) -> list[str]:
    """The hosts that the options leave, those that are named first."""
    if not set(wish.named) <= set(cpus):
        raise NoStep(UNAVAILABLE)
    left = [host for host in [*cpus][wish.first :] if host not in wish.excluded]
    if wish.least > len(left):
        excluded = "Are required nodes explicitly excluded?" if wish.excluded else ""
        raise NoStep(f"Only allocated {len(left)} nodes asked for {wish.least}\n{excluded}".strip())
    return sorted(left, key=lambda host: host not in wish.named)


def _first_with(allowed: list[str], wish: Wish, cpus: dict[str, int], count: int, tasks: int) -> list[str]:
    """The first so many hosts; where these have too little room, those that have most."""
    chosen = allowed[:count]
    if _has_room(chosen, wish, cpus, tasks):
        return chosen
    return sorted(allowed, key=lambda host: (host not in wish.named, -cpus[host]))[:count]


def _has_room(hosts: list[str], wish: Wish, cpus: dict[str, int], tasks: int) -> bool:
    whole = sum(cpus[host] // wish.cpus for host in hosts)
    return whole >= tasks or sum(cpus[host] for host in hosts) >= tasks * wish.cpus


def _spread(room: dict[str, int], tasks: int, distribution: str) -> list[str]:
    """The tasks' hosts: by blocks, unless they are to be dealt out in turn, so many at a time."""
    kind, _, size = distribution.partition("=")
    if kind in ("cyclic", "plane"):
        return _dealt(room, tasks, int(size or 1) if kind == "plane" else 1)
    counts = {host: int(number < tasks) for number, host in enumerate(room)}
    left = tasks - sum(counts.values())
    for host in room:
        more = max(0, min(left, room[host] - counts[host]))
        counts[host] += more
        left -= more
    for number in range(left):
        counts[[*room][number % len(room)]] += 1
    return [host for host, count in counts.items() for _ in range(count)]


def _dealt(room: dict[str, int], tasks: int, size: int) -> list[str]:
    places: list[str] = []
    while len(places) < tasks:
        before = len(places)
        for host in room:
            for _ in range(size):
                if len(places) < tasks and places.count(host) < room[host]:
                    places.append(host)
        if len(places) == before:  # no room anywhere: the rest goes round
            room = {host: free + size for host, free in room.items()}
    return places
