"""What `scontrol update` may change of a job: one row for each key, in the order in which Slurm looks at them."""

from __future__ import annotations

from mini_slurm.model.request import TRES_CPUS, extra, number
from mini_slurm.model.states import JobState
from mini_slurm.scheduler.changes import place, plain, rank, row, size, times
from mini_slurm.scheduler.changes.row import Row, Update
from mini_slurm.scheduler.eligible import closed, named_partitions
from mini_slurm.scheduler.limits import TOO_MANY_CPUS, TOO_MUCH_MEMORY
from mini_slurm.scheduler.targets import DENIED, Refusal

FINISHED = "Job has already finished"
NOT_YOURS = "Invalid user id"
TOO_MUCH = "Requested partition configuration not available now"
NO_FEDERATION = "Unspecified error"  # all that Slurm says where there is no federation

# A row's check sees that the whole update is possible so far, before anything is changed; what fails later leaves
# the changes before it in place, as in Slurm.
# fmt: off
ROWS = (
    Row("Partition", place.set_partition, place.check_partition),
    Row("Account", place.set_account, place.check_account),
    Row("QOS", place.set_qos, place.check_qos),
    Row("ReqNodeList", place.set_nodes, place.check_nodes),
    Row("ReservationName", place.set_reservation, place.check_reservation),
    Row("TresPerNode", size.set_gres, size.check_node_gres),
    Row("TresPerJob", size.set_gpus, size.check_job_gres),
    Row("TresPerTask", size.set_gpu_option("TresPerTask", "gpus-per-task"), size.check_gres),
    Row("TresPerSocket", size.set_gpu_option("TresPerSocket", "gpus-per-socket"), size.check_socket_gres),
    Row("CpusPerTres", size.set_gpu_option("CpusPerTres", "cpus-per-gpu"), size.check_gres),
    Row("MemPerTres", size.set_gpu_option("MemPerTres", "mem-per-gpu"), size.check_gpu_memory),
    Row("Licenses", place.set_licenses, place.check_licenses),
    Row("ExcNodeList", place.set_exclusions, place.check_exclusions),
    Row("NumNodes", size.set_node_count, size.check_node_count),
    Row("Switches", plain.set_switches),
    Row("SwitchWait", plain.set_switch_wait),
    Row("AdminComment", plain.admin_option("admin-comment"), plain.check_admin),
    Row("Comment", plain.remark),
    Row("NumCPUs", size.set_cpus),
    Row("MinCPUsNode", size.set_least_cpus),
    Row("CPUsPerTask", size.set_cpus_per_task),
    Row("NumTasks", size.set_tasks),
    Row("TimeLimit", times.set_limit),
    Row("TimeMin", times.set_least_limit),
    Row("EndTime", times.set_end),
    Row("Deadline", times.set_deadline),
    Row("DelayBoot", plain.option("delay-boot")),
    Row("Requeue", plain.set_requeue),
    Row("Priority", rank.set_priority),
    Row("Nice", rank.set_nice),
    Row("MinMemory", size.set_memory),
    Row("MinTmpDiskNode", plain.waiting_option("tmp")),
    Row("ReqSockets", plain.waiting_option("sockets-per-node")),
    Row("ReqCores", plain.waiting_option("cores-per-socket")),
    Row("ReqThreads", plain.waiting_option("threads-per-core")),
    Row("OverSubscribe", plain.set_sharing),
    Row("Contiguous", plain.set_contiguous),
    Row("CoreSpec", plain.unsupported(DENIED)),
    Row("Features", place.set_features),
    Row("Prefer", place.set_preference),
    Row("Clusters", plain.unsupported(NO_FEDERATION)),
    Row("JobName", plain.column("name")),
    Row("WorkDir", plain.waiting_column("work_dir")),
    Row("StdOut", plain.waiting_column("std_out")),
    Row("WCKey", plain.waiting_option("wckey")),
    Row("TasksPerNode", size.set_tasks_per_node),
    Row("Dependency", place.set_dependency),
    Row("StartTime", times.set_begin),
    Row("ResetAccrueTime", times.reset_age),
    Row("Reboot", plain.set_reboot),
    Row("TresBind", size.set_tres("gpu-bind"), size.check_tres),
    Row("TresFreq", size.set_tres("gpu-freq"), size.check_tres),
    Row("MailType", plain.option("mail-type")),
    Row("MailUser", plain.option("mail-user")),
    Row("SiteFactor", rank.set_site_factor),
)
# fmt: on


def apply(update: Update) -> None:
    """Do all that is asked for. Raises Refusal."""
    size.set_throttle(update)
    if "BurstBuffer" in update.changes:  # whatever the job is
        raise Refusal(row.NOT_SUPPORTED)
    if update.job.outcome is not None or update.job.state.is_over:
        raise Refusal(FINISHED)
    if not update.is_owner:
        raise Refusal(NOT_YOURS)
    asked = [one for one in ROWS if one.key in update.changes]
    for one in asked:
        if one.check is not None:
            one.check(update, update.changes[one.key])
    cpus = number(update.job, TRES_CPUS) or update.job.cpus
    for one in asked:
        one.set(update, update.changes[one.key])
    _check_partition(update, cpus)


def _check_partition(update: Update, cpus: int) -> None:
    """A job that is more than its partition has is told of after every change, which holds all the same.

    Only its TRES shows the CPUs that it had before.
    """
    partitions = named_partitions(update.cluster, update.job)
    if update.job.state is JobState.PENDING and partitions:
        reason = closed(update.cluster, update.job, partitions[0])
        if reason in (TOO_MANY_CPUS, TOO_MUCH_MEMORY):
            update.option(TRES_CPUS, str(cpus))
            raise Refusal(TOO_MUCH)
        if TRES_CPUS in extra(update.job):
            update.option(TRES_CPUS, None)
