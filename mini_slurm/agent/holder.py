"""The watcher of a job without a script, on its first machine: it holds what the job gets there until the job ends.

Then the steps are ended on all machines. This process knows those of its own; the agent sees the others, and says when
nobody waits any more for what they wrote. Without an agent they are not waited for beyond their time.
"""

from typing import Any, Dict, List, Optional

from mini_slurm.agent import job_steps, spool
from mini_slurm.agent.kit import NEWS, Kit
from mini_slurm.agent.step import has_had
from mini_slurm.agent.stepd import Place, Stepd, now

ROLE = "allocation"
ENDING = "ending.json"  # in the job's folder: what its steps are told
PATIENCE = 5.0  # seconds that steps are waited for beyond the time that their tasks are given


class Holder(Stepd):
    """An allocation, from its start to the end of its last step."""

    def __init__(self, place: Place, kit: Kit, plan: Dict[str, Any], started: Optional[Dict[str, Any]]) -> None:
        self.leave_at: Optional[float] = None
        super().__init__(place, kit, plan, started)
        self.is_member = True

    def _timeout(self) -> float:
        pause = super()._timeout()
        return pause if self.leave_at is None else max(0.0, min(pause, self.leave_at - now()))

    def _watch_time(self) -> None:
        super()._watch_time()
        if self.leave_at is not None and now() >= self.leave_at:
            self.status = 0

    def _terminate(self, cause: str, kill_wait: int, why: str = "") -> None:
        job_steps.end_all(self.place.folder, kill_wait, why)
        if not has_had(self.place.folder):
            self.status = 0
        elif not self.cause:
            spool.write_json(self.place.folder, ENDING, {"kill_wait": kill_wait, "why": why})
            self.kit.tell(NEWS)
        self.cause = self.cause or cause
        moment = now() + kill_wait + PATIENCE
        self.leave_at = moment if self.leave_at is None else min(self.leave_at, moment)

    def _obey_other(self, word: str, rest: List[str]) -> None:
        if word == "left":
            self.status = 0
