"""How long an attempt may run, and when it is warned that its time is nearly up.

The limit counts from the attempt's start, without the time that it was suspended. What was changed since the start lies
in the spool, for a stepd that takes over.
"""

from typing import Any, Dict, List, Optional

from mini_slurm.agent import spool

FILE = "clock.json"


class Clock:
    """All moments are those of the stepd's clock."""

    def __init__(self, folder: str, plan: Dict[str, Any], *, is_new: bool) -> None:
        self._folder = folder
        self._warning: List[int] = plan.get("warning") or []  # signal, seconds before the end, to the script alone?
        kept = {} if is_new else spool.read_json(folder, FILE) or {}
        self.begun = 0.0
        self._limit: Optional[float] = kept.get("limit", plan["time_limit"])
        self._stopped: float = kept.get("stopped", 0.0)  # seconds
        self._stopped_at: Optional[float] = kept.get("stopped_at")
        self._warned: bool = kept.get("warned", not self._warning)

    @property
    def end(self) -> Optional[float]:
        """When the time is up; None: never, or not as long as it stands still."""
        if self._limit is None or self._stopped_at is not None:
            return None
        return self.begun + self._limit + self._stopped

    @property
    def warn_at(self) -> Optional[float]:
        """When the attempt is to be warned."""
        return None if self._warned or self.end is None else self.end - self._warning[1]

    @property
    def warns_script(self) -> bool:
        """Does the warning go to the script alone? If not, it goes to the job's steps."""
        return bool(self._warning and self._warning[2])

    def due_warning(self, now: float) -> int:
        """The signal that is to be sent now, once; 0: none."""
        if self.warn_at is None or now < self.warn_at:
            return 0
        self._warned = True
        self._keep()
        return self._warning[0]

    def is_over(self, now: float) -> bool:
        """Is the time up?"""
        return self.end is not None and now >= self.end

    def set_limit(self, seconds: Optional[int]) -> None:
        """Another limit."""
        self._limit = seconds
        self._keep()

    @property
    def is_stopped(self) -> bool:
        """Is the attempt suspended?"""
        return self._stopped_at is not None

    def stop(self, now: float) -> None:
        """The attempt is suspended."""
        if self._stopped_at is None:
            self._stopped_at = now
            self._keep()

    def go_on(self, now: float) -> bool:
        """The attempt is resumed. Was it suspended? A controller says so to whatever runs when it comes back."""
        if self._stopped_at is None:
            return False
        self._stopped += now - self._stopped_at
        self._stopped_at = None
        self._keep()
        return True

    def _keep(self) -> None:
        kept = {
            "limit": self._limit,
            "stopped": self._stopped,
            "stopped_at": self._stopped_at,
            "warned": self._warned,
        }
        try:
            spool.write_json(self._folder, FILE, kept)
        except OSError:
            return  # the disk is full: only a stepd that takes over would miss it
