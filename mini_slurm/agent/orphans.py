"""Children that came to the agent when their stepd was lost: how they ended is told to the stepd that takes over."""

from typing import Any, Dict, Tuple

MOST = 1024  # ends that are remembered, for stepds that are found dead later


class Orphans:
    """The ends of processes that are no stepds."""

    def __init__(self) -> None:
        self._ends: Dict[int, Tuple[int, Any]] = {}

    def put(self, pid: int, status: int, used: Any) -> None:
        """A process has ended."""
        self._ends[pid] = (status, used)
        if len(self._ends) > MOST:
            del self._ends[next(iter(self._ends))]

    def take(self, pid: int) -> str:
        """What a stepd is told of its end; "" while it is not known."""
        if pid not in self._ends:
            return ""
        status, used = self._ends.pop(pid)
        return f"exited {pid} {status} {used.ru_utime} {used.ru_stime} {used.ru_maxrss}"
