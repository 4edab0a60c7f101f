"""mscancel: end jobs, or send them a signal."""

from __future__ import annotations

import os
import signal
import sqlite3
import time

from mini_slurm.cli import cancel_request, common, listing, places
from mini_slurm.cli.cancel_request import CANNOT, Target
from mini_slurm.model.states import JobState
from mini_slurm.options import scancel
from mini_slurm.store.database import is_handled, request
from mini_slurm.store.queries import has_foreign

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.options.grammar import Option
    from mini_slurm.options.job_ids import JobId
    from mini_slurm.options.listings import Chosen

PATIENCE = 10.0  # seconds to wait for the controller
PAUSE = 0.01  # seconds between two looks

ABOUT = "End jobs, or send them a signal."
WORDS = "[JOB_ID[_TASK][.STEP]...]"


def main() -> int:
    """The console script."""
    return listing.leave(common.run("mscancel", mscancel))


def options(program: str) -> tuple[Option, ...]:
    """The options of the command under this name."""
    return common.with_ours(program, scancel.OPTIONS)


def mscancel(program: str, arguments: list[str]) -> int:
    """End or signal what the arguments choose; the exit status."""
    read = listing.read(program, arguments, options(program), "mscancel")
    if read is None:
        return 0
    chosen, words = read
    for field, variable in cancel_request.VARIABLES.items():
        chosen.default(field, os.environ.get(variable))
    number = cancel_request.signal_number(chosen.text("signal") or "KILL")
    ids = cancel_request.read_ids(program, words)
    cancel_request.check(chosen, ids)
    state, db = common.open_store()
    if "clusters" in chosen or has_foreign(db) or not places.survey(db).fleet:
        from mini_slurm.cli.foreign import cancel

        left, code = cancel.cancel(cancel.Wish(program, arguments, chosen, ids), state, db)
        if left is None or (ids and not left):
            return code
        return _cancel(program, chosen, number, left, state, db) or code
    return _cancel(program, chosen, number, ids, state, db)


def _cancel(program: str, chosen: Chosen, number: int, ids: list[JobId], state: str, db: sqlite3.Connection) -> int:
    """End or signal jobs of the fleet; the exit status."""
    targets = cancel_request.targets(program, chosen, ids, db)
    if "interactive" in chosen:
        targets = [target for target in targets if cancel_request.agreed(target)]
    code = _refuse_parts(program, [target for target in targets if target.job.het_offset and ids])
    targets = [target for target in targets if not target.job.het_offset]
    steps = [_to_step(target, number, target.step) for target in targets if target.step is not None]
    targets = [target for target in targets if target.step is None]
    code = _ask(program, state, db, "signal", steps) or code
    if number == signal.SIGKILL and "batch" not in chosen:
        return _ask(program, state, db, "cancel", [target.cancel() for target in targets]) or code
    return _signal(program, chosen, number, targets, state, db) or code


def _refuse_parts(program: str, parts: list[Target]) -> int:
    """A heterogeneous job is ended as a whole."""
    if not parts:
        return 0
    from mini_slurm.scheduler.targets import NOT_WHOLE

    for target in parts:
        common.say(f"{program}: error: Kill job error on job id {target.shown}: {NOT_WHOLE}")
    return 1


def _to_step(target: Target, number: int, step: int) -> dict[str, object]:
    return {"job_id": target.job.job_id, "signal": number, "whole": True, "uid": os.getuid(), "step": step}


def _signal(
    program: str, chosen: Chosen, number: int, targets: list[Target], state: str, db: sqlite3.Connection
) -> int:
    """A signal goes to the batch script with -b, to all processes with -f, else to the steps that run."""
    code = 0
    bodies: list[dict[str, object]] = []
    for target in targets:
        if target.job.state is JobState.PENDING:
            why = "Job can not be altered now, try again later"
            common.say(f"{program}: error: Kill job error on job id {target.shown}: {why}")
            code = CANNOT
        elif "batch" in chosen or "full" in chosen:
            whole = "batch" not in chosen
            bodies.append({"job_id": target.job.job_id, "signal": number, "whole": whole, "uid": os.getuid()})
        else:
            running = cancel_request.running_steps(target.job, db)
            bodies += [_to_step(target, number, step) for step in running]
    return _ask(program, state, db, "signal", bodies) or code


def _ask(program: str, state: str, db: sqlite3.Connection, kind: str, bodies: list[dict[str, object]]) -> int:
    """Store the requests and wait until the controller has dealt with them."""
    if not bodies:
        return 0
    numbers = request(db, kind, bodies)
    common.wake_controller(state)
    deadline = time.monotonic() + PATIENCE
    while not is_handled(db, numbers):
        if time.monotonic() > deadline:
            common.say(f"{program}: the controller has not answered yet; the request is stored and will be met")
            return 0
        time.sleep(PAUSE)
    return 0
