"""What the submit side is told of steps: that they run, and what became of them, until it has that on disk."""

from typing import TYPE_CHECKING

from mini_slurm.agent.step import Step
from mini_slurm.protocol.messages import LimitStep, StepNoted

if TYPE_CHECKING:
    from mini_slurm.agent.jobs import Jobs
    from mini_slurm.agent.steps import Steps

PATIENCE = 0.05  # seconds in which a step may end before it is told of that it runs


class Booking:
    """For all steps of all jobs whose first machine this is."""

    def __init__(self, jobs: "Jobs", steps: "Steps") -> None:
        self._jobs = jobs
        self._steps = steps

    def begin(self, step: Step) -> None:
        """A step has begun."""
        self._jobs.loop.later(PATIENCE, lambda: self._tell_running(step))

    def _tell_running(self, step: Step) -> None:
        if not step.is_over:
            self.tell(step)

    def tell(self, step: Step) -> None:
        """Say what is to be said of a step now."""
        peer = self._jobs.peers.get(step.job.rsplit(".", 2)[0])
        if peer and not step.is_noted:
            peer.send(step.news())

    def limit(self, message: LimitStep) -> None:
        """Somebody gives a step another time limit. Machines whose tasks have not begun hear of it when they do."""
        job = self._steps.of(message.attempt.rpartition("-")[0])
        for step in job.meant(message.attempt) if job else ():
            if job and not step.is_over:
                step.set_limit(message.time_limit)
                job.save(step)
                for node in sorted(step.running) if step.begin is None else ():
                    self._steps.say(step, node, step.limit())
                self.tell(step)

    def noted(self, message: StepNoted) -> None:
        """News of a step is on disk at the submit side."""
        job = self._steps.of(message.attempt.rpartition("-")[0])
        step = job.named(message.attempt) if job else None
        if job and step and message.ended and step.is_over:
            step.is_noted = True
            job.drop_noted(step)
