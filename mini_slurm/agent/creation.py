"""How a step begins: who asks for one gets it at once, or waits until others have ended, or hears why it cannot be."""

from typing import TYPE_CHECKING, Any, List

from mini_slurm.agent import launch
from mini_slurm.agent.bids import Bid, Component
from mini_slurm.agent.step import JobSteps
from mini_slurm.steps import components, layout
from mini_slurm.steps.request import JOB_NODES

if TYPE_CHECKING:
    from mini_slurm.agent.booking import Booking
    from mini_slurm.agent.clients import Asker
    from mini_slurm.agent.jobs import Jobs
    from mini_slurm.agent.steps import Steps

OVER = "Job/step already completing or completed"


class Creation:
    """For all jobs whose first machine this is."""

    def __init__(self, jobs: "Jobs", steps: "Steps", booking: "Booking") -> None:
        self._jobs = jobs
        self._steps = steps
        self._booking = booking

    def ask(self, job: JobSteps, client: "Asker", wanted: launch.Launch) -> None:
        """srun wants a step, or a part of one."""
        name = wanted.request.together or wanted.token
        bid = next((one for one in job.waiting if one.name == name), None) or Bid(name, wanted.request.count)
        if bid not in job.waiting:
            job.waiting.append(bid)
        bid.join(client, wanted)
        self._try(job, bid)
        if bid in job.waiting and bid.is_complete and bid.patience:
            self._jobs.loop.later(bid.patience, lambda: self._give_up(job, bid))

    def retry(self, job: JobSteps) -> None:
        """What a step held is free: those who wait try again, in their order."""
        for bid in list(job.waiting):
            if bid.patience and bid.is_complete:
                bid.say("wait", bid.why)  # as in Slurm they speak of it no sooner
            self._try(job, bid)

    def _try(self, job: JobSteps, bid: Bid) -> None:
        if bid.is_complete and self._create(job, bid):
            job.waiting.remove(bid)

    def _give_up(self, job: JobSteps, bid: Bid) -> None:
        """It does not want to wait any longer."""
        if bid in job.waiting:
            job.waiting.remove(bid)
            bid.refuse("create", bid.why)

    def _create(self, job: JobSteps, bid: Bid) -> bool:
        """Begin a step, or have srun wait. False: it waits."""
        attempt = self._jobs.attempts[job.job]
        requests = [wanted.request for _, wanted in bid.members]
        _heed_size(job, bid)
        try:
            if attempt.ended is not None or attempt.ending or attempt.is_leaving:
                raise layout.Impossible(OVER)
            placed = components.place(requests, job.nodes(), {} if requests[0].test_only else job.held())
        except layout.Impossible as error:
            bid.refuse("direct" if error.direct else "create", error.why)
            return True
        except layout.Busy as error:
            bid.why = str(error)
            if bid.patience == 1:
                bid.refuse("create", bid.why)
            elif not bid.patience:
                bid.say("wait", bid.why)
            return bid.patience == 1
        if requests[0].test_only:
            parts = [part for component in placed for part in component]
            bid.refuse("test", launch.forecast(parts, bid.members[0][1].environment))
            return True
        self._begin(job, bid, placed)
        return True

    def _begin(self, job: JobSteps, bid: Bid, placed: List[List[layout.Part]]) -> None:
        try:
            steps = job.add(_components(job, bid, placed))
        except OSError as error:
            bid.refuse("create", error.strerror or str(error))
            return
        for step, (client, wanted) in zip(steps, bid.members):
            self._booking.begin(step)
            self._steps.attach(step, client, wanted)


def _heed_size(job: JobSteps, bid: Bid) -> None:
    """What srun knows of the job's size may be older than the job has given machines back."""
    count = len(job.nodes())
    for _, wanted in bid.members:
        least = wanted.request.least_nodes
        if wanted.request.of_job and least is not None and least > count:
            wanted.request.least_nodes = wanted.request.most_nodes = count
            bid.say(
                "warn", f"{JOB_NODES} environment variable conflicts with allocated node count ({least} != {count})."
            )


def _components(job: JobSteps, bid: Bid, placed: List[List[layout.Part]]) -> List[Component]:
    """The components of a step, counted through."""
    whole = components.together(placed)
    number = job.next_number(is_hidden=bid.members[0][1].request.hidden)
    shared = components.variables(str(number), whole, job.nodes()) if len(placed) > 1 else {}
    places = {part.node: place for place, part in enumerate(whole)} if len(placed) > 1 else {}
    found = []
    first = 0
    for (client, wanted), parts in zip(bid.members, placed):
        tasks = sum(len(part.tasks) for part in parts)
        kind = layout.kind(wanted.request, len(parts), tasks)
        found.append(
            Component(
                token=wanted.token,
                request=wanted.request,
                parts=parts,
                distribution=kind,
                is_outside=client.is_outside,
                tasks=sum(len(part.tasks) for part in whole),
                first_task=first,
                shared=shared,
                node_numbers={part.node: places[part.node] for part in parts if part.node in places},
            )
        )
        first += tasks
    return found


def withdraw(job: JobSteps, client: Any) -> None:
    """srun cannot be spoken to any more: what it has asked for it asks for again, or not."""
    for bid in job.waiting:
        bid.leave(client)
    job.waiting = [bid for bid in job.waiting if bid.members]
