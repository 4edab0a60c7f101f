"""msbatch, where the job is to go to a cluster."""

from __future__ import annotations

from mini_slurm.cli import common
from mini_slurm.cli.foreign.hand_over import pass_on
from mini_slurm.desk import places
from mini_slurm.desk.foreign import submit
from mini_slurm.desk.foreign.place import Place, status
from mini_slurm.errors import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

    from mini_slurm.clusters.base import Answer, Order
    from mini_slurm.clusters.submission import Submitted


def submit_elsewhere(program: str, arguments: list[str], state: str, db: sqlite3.Connection) -> int | None:
    """Submit to the cluster that is meant; the exit status. None: the fleet is meant. Raises MiniSlurmError."""
    there = places.survey(db)
    request = submit.Request(arguments)
    name = None if request.shows else submit.goal(program, request.of, there, db)
    if name is None:
        return None
    place = Place(state, db, there.clusters[name])
    order = submit.make_order(program, arguments, request, place, common.say)
    if place.cluster.native and "test_only" in request.of:
        return pass_on(place, [place.cluster.submission(order, remote=place.runner.remote)])
    return _submit(request, order, place)


def _submit(request: submit.Request, order: Order, place: Place) -> int:
    told: list[Submitted] = []

    def tell(done: Submitted) -> None:
        told.append(done)
        _tell_of(done, request, place)

    done = submit.submit(order, place, tell)
    if done.job is None:
        return _tell_of_none(done.answer, place)
    if told:
        common.echo(b"", done.answer.err)
    else:
        _tell_of(done, request, place)
    if "wait" in request.of or done.owes_end:
        from mini_slurm.cli.foreign.wait import wait_for

        return wait_for(place, done.job)
    return 0 if done.found else status(done.answer.code)


def _tell_of_none(answer: Answer, place: Place) -> int:
    """Nothing was submitted: what the other system says. Raises Refused where that is not to be seen of it."""
    common.echo(answer.out, answer.err)
    # a real sbatch has options that submit nothing, and says so
    if answer.code == 0 and not (place.cluster.native and (answer.out + answer.err).strip()):
        raise Refused(f"cluster {place.entry.name} named no job, and knows of none: nothing was submitted")
    return status(answer.code)


def _tell_of(done: Submitted, request: submit.Request, place: Place) -> None:
    """Print what the other system printed; where its answer was lost, what it would have."""
    assert done.job is not None
    number, said = done.job.job_id, done.answer.out
    complaint = b"" if done.found else done.answer.err  # that it failed, which it did not
    if done.found or not place.cluster.native:
        said = b"%d\n" % number if "parsable" in request.of else b"Submitted batch job %d\n" % number
    if "quiet" in request.of:
        said = b""
    common.echo(said, complaint)
