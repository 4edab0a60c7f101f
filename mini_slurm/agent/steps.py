"""The agent of a job's first machine looks after the job's steps: srun asks it, and machines' parts answer to it."""

import signal
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Set, Type

from mini_slurm.agent import creation, fronts, launch, spool, watchers
from mini_slurm.agent.booking import Booking
from mini_slurm.agent.clients import Asker
from mini_slurm.agent.holder import ENDING as ENDING_FILE
from mini_slurm.agent.listeners import Listener, Listeners
from mini_slurm.agent.log import log
from mini_slurm.agent.step import JobSteps, Step, has_had, left_out, not_run
from mini_slurm.protocol import flat
from mini_slurm.protocol.messages import (
    Acknowledge,
    CancelStep,
    EndAttempt,
    Ended,
    Forget,
    LimitStep,
    Message,
    Output,
    Refused,
    Relay,
    Resume,
    ShrinkAttempt,
    SignalAttempt,
    StepNoted,
    TaskInput,
    TaskWindow,
    Unknown,
)

if TYPE_CHECKING:
    from mini_slurm.agent.attempt import Attempt
    from mini_slurm.agent.jobs import Jobs

ENDING = (signal.SIGTERM, signal.SIGKILL)
GRACE = 60.0  # seconds for srun to come back to a new agent, before its step is ended
LAST_GRACE = 5.0  # ... where its allocation ends anyway


class Steps:
    """All steps of all jobs whose first machine this is."""

    def __init__(self, jobs: "Jobs") -> None:
        self._jobs = jobs
        self._of_job: Dict[str, JobSteps] = {}
        self.listeners = Listeners(jobs)
        self._watchers = watchers.Watchers(self)
        self._booking = Booking(jobs, self)
        self._creation = creation.Creation(jobs, self, self._booking)

    def handlers(self) -> Dict[Type[Any], Callable[[Any, Any], None]]:
        """What controllers say of steps."""
        return {
            Relay: lambda peer, message: self.listeners.relayed(message),
            CancelStep: lambda peer, message: self._cancel(message),
            LimitStep: lambda peer, message: self._booking.limit(message),
            StepNoted: lambda peer, message: self._booking.noted(message),
            ShrinkAttempt: lambda peer, message: self._shrink(message),
        }

    # --- srun

    def take(self, client: Asker, frame: List[bytes]) -> None:
        """Do what srun says. Raises BadFrame."""
        kind = flat.text(frame[0])
        way = client.way or (self._jobs.fronts.way(frame) if kind in fronts.FIRST else None)
        if way is not None:
            return self._jobs.fronts.carry(client, way, frame)
        if kind == "launch":
            return self._launch(client, launch.read(frame))
        if kind == "errand":
            return self._jobs.errands.take(client, frame)
        if kind == "attach":
            return self._watchers.attach(client, frame)
        if client.watched:
            return self._watchers.take(client, frame)
        step = client.step
        if step is None or step.client is not client or step.job not in self._of_job:
            return
        if kind == "ack":
            node, offset = flat.text(frame[1]), flat.number(frame[2])
            step.acked[node] = offset
            self.say(step, node, Acknowledge(step.name, "out", offset))
        elif kind == "input":
            self._feed(step, flat.number(frame[1]), flat.number(frame[2]), frame[3])
        elif kind == "signal":
            self._say_all(step, self._of_job[step.job].hand_on(step, flat.number(frame[1])))
        elif kind == "end":
            self._end(step, flat.number(frame[1]))
        elif kind == "begin" and step.begin is not None:
            step.begin({flat.text(node) for node in frame[1:]})
        elif kind == "window":
            self._say_all(step, TaskWindow(step.name, flat.number(frame[1]), flat.number(frame[2])))
        elif kind == "done":
            self._done(step)

    def leave(self, client: Asker) -> None:
        """srun has gone: nobody waits for its step any more."""
        self._jobs.errands.leave(client)
        self._jobs.fronts.left(client)
        step = client.step if client.step and client.step.client is client else None
        self.detach(client)
        if step is not None and step.job in self._of_job:
            self._abandon(step)

    def detach(self, client: Asker) -> None:
        """srun cannot be spoken to for now."""
        self._watchers.leave(client)
        for job in self._of_job.values():
            creation.withdraw(job, client)
        if client.step is not None and client.step.client is client:
            client.step.client = None
            client.step.is_awaited = True
            client.step.absences += 1

    def _abandon(self, step: Step) -> None:
        step.client, step.is_awaited = None, False
        if not step.is_over:
            log(f"srun of step {step.name} has gone: the step is ended")
            self._end(step, self._of_job[step.job].plan["kill_wait"])
        self._forget_parts(self._of_job[step.job], step)
        self._let_go(self._of_job[step.job])

    def _launch(self, client: Asker, wanted: launch.Launch) -> None:
        job = self.find(wanted.attempt, wanted.job_id)
        if job is None:
            client.say("refused", "confirm", "Invalid job id specified")
            return
        step = job.steps.get(wanted.token)
        if step is not None:
            self._resume(step, client, wanted)
        elif wanted.offsets:
            client.say("gone")  # it had begun, and was given up: it must not run twice
        else:
            self._creation.ask(job, client, wanted)

    def attach(self, step: Step, client: Asker, wanted: launch.Launch, *, is_again: bool = False) -> None:
        """A step has begun, or its srun is there again: say so to it and to the machines."""
        job = self._of_job[step.job]
        step.client, client.step, step.is_awaited = client, step, False
        number = str(step.record["number"])
        parts = step.parts()
        layout_of = [flat.nest([part.node, ",".join(map(str, part.tasks))]) for part in parts]
        counts = (step.record["first_task"], step.tasks)
        distribution, kill_wait = step.record["distribution"].lower(), job.plan["kill_wait"]
        client.say("created", number, distribution, kill_wait, flat.nest(layout_of), *counts)
        step.begin = lambda nodes: self._begin(step, wanted, nodes, is_again=is_again)
        if not wanted.request.held:
            step.begin(set())

    def _begin(self, step: Step, wanted: launch.Launch, left: Set[str], *, is_again: bool) -> None:
        """Start the tasks, but for those of the machines that are left out; or go on where srun had got to."""
        job, step.begin = self._of_job[step.job], None
        self._leave_out(job, step, left)
        for index, part in enumerate(step.parts()):
            if part.node in step.running:
                step.starts[part.node] = launch.message(step, job, wanted, index)
                self.say(step, part.node, step.starts[part.node])
        if is_again:
            for node in step.unfinished:
                self.say(step, node, Resume(step.name, wanted.offsets.get(node, 0)))
            for node, ended in step.ends.items():
                self._tell_over(step, node, ended)

    def _leave_out(self, job: JobSteps, step: Step, nodes: Set[str]) -> None:
        """The tasks of these machines do not begin."""
        for node in sorted(nodes):
            step.unfinished.discard(node)
            self._part_ended(job, step, node, left_out(step.name))

    def _resume(self, step: Step, client: Asker, wanted: launch.Launch) -> None:
        """srun has come back: begin again where it had got to."""
        if step.client is not None and step.client is not client:
            step.client.close()
        self.attach(step, client, wanted, is_again=True)

    def find(self, name: str, job_id: str) -> Optional[JobSteps]:
        """The job that srun means: its own, which has this name, or one of that number."""
        return self.of(fronts.name_of(self._jobs.attempts, name, job_id))

    def of(self, name: str) -> Optional[JobSteps]:
        """The steps of a job that this machine is the first of."""
        attempt = self._jobs.attempts.get(name)
        if attempt is None or attempt.head:
            return None
        if name not in self._of_job:
            job = JobSteps(name, attempt.folder)
            if next(iter(job.plan["allocation"]), job.node) != job.node:
                return None
            self._of_job[name] = job
        return self._of_job[name]

    def _feed(self, step: Step, task: int, offset: int, data: bytes) -> None:
        """Standard input, for one task or (-1) for all."""
        for part in step.parts():
            if task < 0 or task in part.tasks:
                self.say(step, part.node, TaskInput(step.name, task, offset, data))

    def _done(self, step: Step) -> None:
        """srun has everything."""
        step.client, step.is_awaited = None, False
        self._forget_parts(self._of_job[step.job], step)
        self._let_go(self._of_job[step.job])

    # --- parts

    def hear(self, node: str, message: Message) -> None:
        """What a machine says of its part of a step."""
        name = getattr(message, "attempt", "")
        job = self.of(name.rpartition("-")[0])
        step = job.named(name) if job else None
        if job is None or step is None:
            return
        step.starts.pop(node, None)
        if isinstance(message, Output):
            watchers.tell(step, node, message)
            if step.client is not None and message.stream != watchers.HISTORY:
                step.client.say("log", node, message.offset, message.data)
        elif isinstance(message, Ended):
            self._part_ended(job, step, node, message)
        elif isinstance(message, Refused):
            log(f"{node} does not start its part of {name}: {message.why}")
            self._part_ended(job, step, node, not_run(name))
        elif isinstance(message, Unknown):
            self._part_ended(job, step, node, not_run(name))

    def _part_ended(self, job: JobSteps, step: Step, node: str, ended: Ended) -> None:
        if node in step.running:
            is_last = step.end(node, ended)
            self._tell_over(step, node, ended)
            if is_last:
                job.save(step)
                self._booking.tell(step)
                self._creation.retry(job)
        elif node not in step.ends:  # a former agent saw it end
            step.ends[node] = ended
            self._tell_over(step, node, ended)
        if step.client is None and not step.is_awaited:
            self._forget_parts(job, step)
            self._let_go(job)

    def _tell_over(self, step: Step, node: str, ended: Ended) -> None:
        watchers.tell_over(step, node, ended.cause, ended.sizes.get("out", 0))
        if step.client is not None:
            step.client.say("over", node, ended.cause, ended.sizes.get("out", 0))

    def _forget_parts(self, job: JobSteps, step: Step) -> None:
        """Nobody needs what its machines have noted any more."""
        if step.is_over:
            watchers.dismiss(step)
        for node in step.unfinished - step.running:
            step.unfinished.discard(node)
            self.say(step, node, Forget(step.name))
        job.drop_noted(step)

    def say(self, step: Step, node: str, message: Message) -> None:
        """Say something to a machine of the step."""
        here = self._jobs.attempts[step.job].node
        listener = self.listeners.at(step.job, node, node == here)
        if listener.is_here:
            self._jobs.take(listener, message)
        else:
            listener.send(message)

    def _end(self, step: Step, kill_wait: int, why: str = "") -> None:
        step.ending = EndAttempt(step.name, kill_wait, why)
        self._say_all(step, step.ending)

    def _say_all(self, step: Step, message: Message) -> None:
        if step.begin is not None:
            if not isinstance(message, SignalAttempt) or message.signal in ENDING:
                step.begin = None
                self._leave_out(self._of_job[step.job], step, set(step.running))
            return
        for node in sorted(step.running):
            self.say(step, node, message)

    def renew(self, listener: Listener) -> None:
        """The way to another machine is a new one: say again what may have been lost."""
        for name, attempt in self._jobs.attempts.items():
            if attempt.head == listener.node and name.startswith(f"{listener.job}-"):
                self._jobs.say_again(attempt, listener)
        for step in self._all_of(listener.job):
            if listener.node in step.running and step.begin is None:
                for message in step.again(listener.node):
                    listener.send(message)
                if step.client is not None:
                    step.client.say("again")
        self._jobs.fronts.renewed(listener)
        for step in self._all_of(listener.job):
            if step.is_outside:
                self._wait_for_srun(step)

    # --- controllers and jobs

    def join(self, state_id: str) -> None:
        """A controller has been welcomed."""
        for name in self._jobs.names(state_id):
            for step in self._all_of(name):
                self._booking.tell(step)
                if step.is_outside:
                    self._wait_for_srun(step)

    def _all_of(self, name: str) -> List[Step]:
        """The steps of a job; most jobs have none, and cost nothing here."""
        return list(self._of_job[name].steps.values()) if name in self._of_job else []

    def _cancel(self, message: CancelStep) -> None:
        """Somebody wants a step to get a signal."""
        job = self.of(message.attempt.rpartition("-")[0])
        for step in job.meant(message.attempt) if job else ():
            if job and not step.is_over:
                self._signal(job, step, message)

    def _signal(self, job: JobSteps, step: Step, message: CancelStep) -> None:
        if message.signal in ENDING:
            step.record["cancelled_by"] = message.uid
            job.save(step)
            if step.client is not None:
                step.client.say("abort")
        self._say_all(step, SignalAttempt(step.name, message.signal, True))

    def see_end(self, attempt: "Attempt") -> None:
        """Has the stepd of an allocation noted that it ends? Then its steps end on all machines."""
        ending = None if attempt.is_leaving else spool.read_json(attempt.folder, ENDING_FILE)
        job = self.of(attempt.name) if ending else None
        if ending is None or job is None:
            return
        attempt.is_leaving = True
        for step in list(job.steps.values()):
            if not step.is_over:
                self._end(step, ending["kill_wait"], ending["why"])
            if attempt.state_id in self._jobs.peers:
                self._wait_for_srun(step)
        self._creation.retry(job)
        self._let_go(job)

    def _shrink(self, message: ShrinkAttempt) -> None:
        """The job has given machines back: what its steps have there is being ended, and may not be heard of again."""
        job = self.of(message.attempt)
        if job is None or set(job.plan["allocation"]) <= set(message.machines):
            return
        try:
            job.keep(message.machines)
        except OSError as error:
            log(f"machines of {message.attempt}: {error}")
        self._jobs.loop.later(LAST_GRACE, lambda: self._give_up_parts(job))

    def _give_up_parts(self, job: JobSteps) -> None:
        """What steps had on machines that the job has not any more is over."""
        for step in list(job.steps.values()):
            for node in sorted(step.running - set(job.plan["allocation"])):
                self._part_ended(job, step, node, not_run(step.name))

    def _let_go(self, job: JobSteps) -> None:
        """An allocation that ends is given back when its steps have ended and their sruns know all of it."""
        attempt = self._jobs.attempts.get(job.job)
        steps = job.steps.values()
        if attempt and attempt.is_leaving and all(one.is_over and not (one.client or one.is_awaited) for one in steps):
            attempt.command("left")

    def job_ended(self, name: str) -> None:
        """The job's script has ended, and nothing of it is left on this machine: so end its steps elsewhere."""
        for step in self._all_of(name):
            self._end(step, 0)

    def job_forgotten(self, name: str) -> None:
        """The submit side has all of the job: nothing of its steps need be kept."""
        self._jobs.fronts.forget(name)
        self.listeners.forget(name)
        self._of_job.pop(name, None)

    def recover(self) -> None:
        """An agent that was lost has left these: their srun is waited for, but not for ever."""
        for name, attempt in self._jobs.attempts.items():
            if not attempt.head and has_had(attempt.folder):
                self.of(name)
        for name in list(self._of_job):
            for step in self._all_of(name):
                if not step.is_outside:
                    self._wait_for_srun(step)

    def _wait_for_srun(self, step: Step) -> None:
        """It has a while to come back; one that left again meanwhile has a while of its own."""
        absences = step.absences

        def give_up() -> None:
            if step.is_awaited and step.absences == absences and step.job in self._of_job:
                self._abandon(step)

        if step.is_awaited:
            is_leaving = self._jobs.attempts[step.job].is_leaving
            self._jobs.loop.later(LAST_GRACE if is_leaving else GRACE, give_up)
