"""The one table of job options: a row says everything about one option.

Command lines, #SBATCH lines, SBATCH_* variables, --help and the reference page are made from it. The rows stand in
Slurm's order, which shows where an abbreviated name is ambiguous.
"""

from __future__ import annotations

from mini_slurm.options import staging, values, words
from mini_slurm.options.grammar import Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

BATCH = ("sbatch",)


class JobOption(Option):
    """An option that describes a job; `field` is the Job attribute it sets, or a setting of the submission."""

    __slots__ = ("adds", "commands", "env", "example", "is_early", "kept", "parse", "pbs", "replaces")

    def __init__(
        self,
        long: str,
        short: str,
        field: str,
        parse: Callable[[str | None], object],
        *,
        value: str = "required",
        env: tuple[str, ...] | str = (),
        commands: tuple[str, ...] = BATCH,
        pbs: str = "",
        metavar: str = "",
        help: str = "",
        example: str = "",
        aliases: tuple[str, ...] = (),
        replaces: str = "",
        adds: bool = False,
        kept: bool = False,
        is_early: bool = False,
    ) -> None:
        super().__init__(field=field, long=long, short=short, value=value, help=help, metavar=metavar, aliases=aliases)
        self.parse = parse  # the value's text to what is stored; raises ValueError or MiniSlurmError
        self.env = (env,) if isinstance(env, str) else env  # the variables that set it, too
        self.commands = commands
        self.pbs = pbs  # how qsub writes it
        self.example = example  # a value that parses
        self.replaces = replaces  # a field that no longer counts then
        self.adds = adds  # does it add to what was given before?
        self.kept = kept  # is it kept with the job under its name (`Job.extra`) and shown?
        self.is_early = is_early  # read from the command line alone, before the script is


def _flag(long: str, short: str, help: str, *, field: str = "", env: str = "", pbs: str = "") -> JobOption:
    """A switch without a value."""
    name = field or long.replace("-", "_")
    return JobOption(long, short, name, values.yes, value="none", env=env or (), pbs=pbs, help=help)


def _early(long: str, short: str, help: str, env: str = "") -> JobOption:
    """A switch that counts before anything else is read."""
    name = long.replace("-", "_")
    return JobOption(long, short, name, values.times, value="none", env=env or (), help=help, is_early=True, adds=True)


def _kept(
    long: str,
    parse: Callable[[str | None], object],
    metavar: str,
    example: str,
    help: str,
    *,
    short: str = "",
    env: tuple[str, ...] | str = (),
    value: str = "required",
    adds: bool = False,
) -> JobOption:
    """An option that is kept with the job and shown."""
    name = long.replace("-", "_")
    return JobOption(long, short, name, parse, value=value, env=env, metavar=metavar, example=example, help=help,
                     kept=True, adds=adds)  # fmt: skip


def _kept_flag(long: str, help: str, *, short: str = "", env: str = "") -> JobOption:
    """A switch that is kept with the job and shown."""
    return _kept(long, values.yes, "", "", help, short=short, env=env or (), value="none")


NUMBER, TEXT = values.number, values.said
EXCLUSIVE = values.one_of(given=1, exclusive=1, user=2, mcs=3, oversubscribe=4)

# fmt: off
OPTIONS: tuple[JobOption, ...] = (
    JobOption("account", "A", "account", values.text, env="SBATCH_ACCOUNT", pbs="-A {}",
              metavar="NAME", example="science", help="Account that the job is charged to."),
    _kept("acctg-freq", words.sampling, "SECONDS", "task=30", "How often the job's use is measured.",
          env="SBATCH_ACCTG_FREQ"),
    JobOption("array", "a", "array", values.said, env="SBATCH_ARRAY_INX", pbs="-J {}",
              metavar="TASKS", example="1-10:2%3", help="Run the script once for each number; %N: at most N at once."),
    _kept("batch", values.text, "FEATURES", "ib", "Features of the machine where the script runs.", env="SBATCH_BATCH"),
    JobOption("begin", "b", "begin", values.text, pbs="-a {}",
              metavar="TIME", example="now+1hour", help="Do not start before this moment."),
    _kept("bb", values.text, "SPEC", "capacity=1G", "Burst buffer; there is none here.", env="SBATCH_BURST_BUFFER"),
    JobOption("bbf", "", "bbf", values.text,
              metavar="FILE", example="bb.txt", help="File with lines for the burst buffer; there is none here."),
    _kept("cluster-constraint", values.text, "FEATURES", "new", "Features of the cluster to use.",
          env="SBATCH_CLUSTER_CONSTRAINT"),
    JobOption("chdir", "D", "work_dir", values.text,
              metavar="FOLDER", example="/tmp", help="Working directory of the script."),
    JobOption("cluster", "", "clusters", values.text,
              metavar="NAME", example="mini", help="Cluster to submit to."),
    JobOption("clusters", "M", "clusters", values.text, env=("SBATCH_CLUSTERS", "SLURM_CLUSTERS"),
              metavar="NAMES", example="mini", help="Clusters to submit to: the first that has room takes the job."),
    JobOption("comment", "", "comment", values.text,
              metavar="TEXT", example="second try", help="A remark that is kept with the job."),
    _kept("container", values.text, "BUNDLE", "/images/tool", "OCI bundle to run in; kept, and not used.",
          env="SBATCH_CONTAINER"),
    _kept("context", TEXT, "CONTEXT", "user_u:user_r:user_t:s0", "SELinux context; kept, and not used."),
    _kept_flag("contiguous", "Machines that stand next to each other."),
    JobOption("constraint", "C", "features", values.text, env="SBATCH_CONSTRAINT",
              metavar="FEATURES", example="ib&skylake", help="Features that the machine must have."),
    JobOption("core-spec", "S", "core_spec", values.number_or_none, env="SBATCH_CORE_SPEC",
              metavar="N", example="1", help="Cores kept for the system; not allowed here."),
    _kept("cores-per-socket", NUMBER, "N", "4", "Least number of cores of each socket."),
    _kept("cpu-freq", words.cpu_frequency, "FREQUENCY", "high", "Frequency of the CPUs.", env="SBATCH_CPU_FREQ_REQ"),
    _kept("cpus-per-gpu", NUMBER, "N", "4", "CPUs for each GPU.", env="SBATCH_CPUS_PER_GPU"),
    JobOption("cpus-per-task", "c", "cpus_per_task", values.number, pbs="-l ncpus={}",
              metavar="N", example="4", help="CPUs of each task."),
    JobOption("deadline", "", "deadline", values.text,
              metavar="TIME", example="now+2hours", help="Remove the job if it cannot end before this moment."),
    _kept("delay-boot", values.delay, "MINUTES", "5", "How long to wait before machines are booted for features.",
          env="SBATCH_DELAY_BOOT"),
    JobOption("dependency", "d", "dependency", values.said,
              metavar="JOBS", example="afterok:123", help="Start after these jobs have started or ended."),
    _kept("distribution", words.distribution, "HOW", "block:cyclic", "How tasks are laid out over the machines.",
          short="m", env="SBATCH_DISTRIBUTION"),
    JobOption("error", "e", "std_err", values.file, env="SBATCH_ERROR", pbs="-e {}",
              metavar="FILE", example="%x-%j.err", help="File for standard error."),
    JobOption("exclude", "x", "excluded_nodes", values.text,
              metavar="NODES", example="node[1-3]", help="Machines not to use."),
    JobOption("exclusive", "", "exclusive", EXCLUSIVE, value="optional", env="SBATCH_EXCLUSIVE",
              metavar="user|mcs", help="Share the machine with no other job, or with one's own only."),
    JobOption("export", "", "export", values.text, env="SBATCH_EXPORT", pbs="-v {}",
              metavar="NAMES", example="ALL,EDITOR=vi", help="Environment variables the job gets: ALL, NONE or names."),
    _kept("export-file", values.text, "FILE", "env.txt", "File with the job's environment, a NUL after each variable."),
    JobOption("extra-node-info", "B", "extra_node_info", values.sockets_cores_threads,
              metavar="S[:C[:T]]", example="2:4:1", help="Least numbers of sockets, cores and threads."),
    JobOption("get-user-env", "", "get_user_env", values.login_environment, value="optional",
              env="SBATCH_GET_USER_ENV", metavar="SECONDS", help="Give the job the environment of a login there."),
    JobOption("gid", "", "gid_given", values.text, metavar="GROUP", example="users", help="Group to run as; for root."),
    _kept("gpu-bind", words.gpu_binding, "HOW", "closest", "Which tasks use which GPUs.", env="SBATCH_GPU_BIND"),
    _kept("gpu-freq", words.gpu_frequency, "FREQUENCY", "medium", "Frequency of the GPUs.", env="SBATCH_GPU_FREQ"),
    JobOption("gpus", "G", "gpus", values.said, env="SBATCH_GPUS",
              metavar="[TYPE:]N", example="a100:2", help="GPUs of the whole job."),
    JobOption("gpus-per-node", "", "gpus_per_node", values.said, env="SBATCH_GPUS_PER_NODE",
              metavar="[TYPE:]N", example="2", help="GPUs on each machine."),
    _kept("gpus-per-socket", TEXT, "[TYPE:]N", "1", "GPUs on each socket.", env="SBATCH_GPUS_PER_SOCKET"),
    _kept("gpus-per-task", TEXT, "[TYPE:]N", "1", "GPUs for each task.", env="SBATCH_GPUS_PER_TASK"),
    JobOption("gres", "", "gres", words.gres, env="SBATCH_GRES",
              metavar="gpu[:TYPE]:N", example="gpu:a100:2", help="Generic resources on each machine."),
    _kept("gres-flags", values.one_of(disable_binding="disable-binding", enforce_binding="enforce-binding"),
          "FLAGS", "enforce-binding", "How GPUs and CPUs go together.", env="SBATCH_GRES_FLAGS"),
    _early("help", "h", "Show this page."),
    _kept("hint", values.text, "HINT", "nomultithread",
          "What the program needs: compute_bound, memory_bound, nomultithread.", env=("SLURM_HINT", "SBATCH_HINT")),
    _flag("hold", "H", "Keep the job from starting until it is released.", pbs="-h"),
    _flag("ignore-pbs", "", "Do not read #PBS and #BSUB lines.", env="SBATCH_IGNORE_PBS"),
    JobOption("input", "i", "std_in", values.file, env="SBATCH_INPUT",
              metavar="FILE", example="in.txt", help="File for standard input."),
    JobOption("job-name", "J", "name", values.text, env="SBATCH_JOB_NAME", pbs="-N {}",
              metavar="NAME", example="train", help="Name shown by msqueue."),
    _kept("kill-on-invalid-dep", values.one_of(yes="yes", no="no"), "yes|no", "yes",
          "Remove the job when its dependency can no longer be met."),
    JobOption("licenses", "L", "licenses", values.text,
              metavar="NAME[:N]", example="matlab:2", help="Licenses of the fleet that the job needs."),
    _kept("mail-type", words.mail_types, "EVENTS", "END,FAIL", "When to send a mail: BEGIN, END, FAIL, ALL ...",
          adds=True),
    _kept("mail-user", TEXT, "ADDRESS", "alice@example.org", "Who gets the mail."),
    _kept("mcs-label", values.text, "LABEL", "team", "Label of the multi-category security plugin."),
    JobOption("mem", "", "memory_per_node", values.memory, env="SBATCH_MEM_PER_NODE", pbs="-l mem={}mb",
              metavar="SIZE", example="4G", help="Memory on each machine, in MiB or with K, M, G or T; 0: all of it."),
    _kept("mem-bind", words.memory_binding, "HOW", "local", "How memory is bound.", env="SBATCH_MEM_BIND"),
    JobOption("mem-per-cpu", "", "memory_per_cpu", values.memory, env="SBATCH_MEM_PER_CPU",
              metavar="SIZE", example="500M", help="Memory for each CPU."),
    _kept("mem-per-gpu", values.memory, "SIZE", "16G", "Memory for each GPU.", env="SBATCH_MEM_PER_GPU"),
    _kept("mincpus", NUMBER, "N", "4", "Least number of CPUs on each machine."),
    _kept("network", values.text, "TYPE", "ib", "What the job wants of the network; kept.", env="SBATCH_NETWORK"),
    JobOption("nice", "", "nice", values.nice, value="optional",
              metavar="N", help="Lower the job's priority by so much."),
    _kept("no-kill", values.one_of(given=1, set=1, off=0, no=0), "off", "", "Go on when one of several machines fails.",
          short="k", env="SBATCH_NO_KILL", value="optional"),
    JobOption("no-requeue", "", "requeue", values.no, value="none", env="SBATCH_NO_REQUEUE", pbs="-r n",
              help="Do not start the job again after its machine failed."),
    JobOption("nodefile", "F", "nodefile", values.text, replaces="required_nodes",
              metavar="FILE", example="nodes.txt", help="File with the names of the machines to use."),
    JobOption("nodelist", "w", "required_nodes", values.text, replaces="nodefile",
              metavar="NODES", example="node3", help="Machines to use."),
    JobOption("nodes", "N", "nodes", values.nodes, pbs="-l select={}",
              metavar="N[-M]", example="1", help="Number of machines."),
    JobOption("ntasks", "n", "ntasks", values.number,
              metavar="N", example="8", help="Number of tasks that the script will start."),
    _kept("ntasks-per-core", NUMBER, "N", "1", "Most tasks on each core."),
    _kept("ntasks-per-gpu", NUMBER, "N", "2", "Tasks for each GPU."),
    JobOption("ntasks-per-node", "", "ntasks_per_node", values.number, aliases=("tasks-per-node",),
              metavar="N", example="4", help="Number of tasks on each machine."),
    _kept("ntasks-per-socket", NUMBER, "N", "4", "Most tasks on each socket."),
    _kept("ntasks-per-tres", NUMBER, "N", "2", "The older name of --ntasks-per-gpu."),
    JobOption("open-mode", "", "open_mode", values.open_mode, env="SBATCH_OPEN_MODE",
              metavar="append|truncate", example="append", help="What becomes of an output file that exists."),
    JobOption("output", "o", "std_out", values.file, env="SBATCH_OUTPUT", pbs="-o {}",
              metavar="FILE", example="%x-%j.out", help="File for standard output, and for standard error without -e."),
    _kept_flag("overcommit", "Start more tasks than there are CPUs.", short="O", env="SBATCH_OVERCOMMIT"),
    JobOption("oversubscribe", "s", "exclusive", lambda value: 4, value="none",
              help="Share CPUs with other jobs, where the partition allows it."),
    _flag("parsable", "", "Print the job's number, and the cluster's name, and nothing else."),
    JobOption("partition", "p", "partition", values.text, env="SBATCH_PARTITION", pbs="-q {}",
              metavar="NAMES", example="compute", help="Partitions to run in: the first that has room."),
    _kept("power", TEXT, "FLAGS", "level", "Power management; kept.", env="SBATCH_POWER"),
    _kept("prefer", values.text, "FEATURES", "ib", "Features that the machine should have."),
    JobOption("priority", "", "priority", values.priority,
              metavar="N", example="100", help="The job's priority; for those who look after the fleet."),
    _kept("profile", words.profile, "WHAT", "all", "What is measured of the job; kept.", env="SBATCH_PROFILE"),
    JobOption("propagate", "", "propagate", values.text, value="optional",
              metavar="LIMITS", help="Resource limits (ulimit) to hand on: ALL, NONE or names."),
    JobOption("qos", "q", "qos", values.text, env="SBATCH_QOS",
              metavar="NAME", example="high", help="Quality of service."),
    _early("quiet", "Q", "Print nothing but errors."),
    _flag("reboot", "", "Boot the machine before the job starts; for those who look after the fleet."),
    JobOption("requeue", "", "requeue", values.yes, value="none", env="SBATCH_REQUEUE", pbs="-r y",
              help="Start the job again after its machine failed."),
    JobOption("reservation", "", "reservation", values.said, env="SBATCH_RESERVATION",
              metavar="NAME", example="course", help="Reservation to run in."),
    JobOption("signal", "", "signal", words.warning_signal, env="SBATCH_SIGNAL",
              metavar="[R][B:]SIG[@S]", example="B:USR1@60", help="Signal to send some seconds before the time is up."),
    _kept("sockets-per-node", NUMBER, "N", "2", "Least number of sockets of each machine."),
    _kept_flag("spread-job", "Use as many machines as possible.", env="SBATCH_SPREAD_JOB"),
    _kept("switches", values.switches, "N[@TIME]", "1@5:00", "Most switches between the machines, and how long to wait"
          " for that.", env="SBATCH_REQ_SWITCH"),
    _flag("test-only", "", "Say when the job would start; submit nothing."),
    JobOption("thread-spec", "", "thread_spec", values.number, env="SBATCH_THREAD_SPEC",
              metavar="N", example="1", help="Threads kept for the system; not allowed here."),
    _kept("threads-per-core", NUMBER, "N", "1", "Least number of threads of each core.",
          env="SBATCH_THREADS_PER_CORE"),
    JobOption("time", "t", "time_limit", values.time_limit, env="SBATCH_TIMELIMIT", pbs="-l walltime={}",
              metavar="TIME", example="2-12:00:00", help="Time limit: minutes, M:S, H:M:S, D-H, D-H:M or D-H:M:S."),
    JobOption("time-min", "", "time_min", values.least_time,
              metavar="TIME", example="30", help="Time limit that is enough, if the job can start earlier with it."),
    _kept("tmp", values.memory, "SIZE", "10G", "Least size of the machine's disk for temporary files."),
    JobOption("uid", "", "uid_given", values.text, metavar="USER", example="alice", help="User to run as; for root."),
    _kept_flag("use-min-nodes", "Take the least number of machines of a range.", env="SBATCH_USE_MIN_NODES"),
    _early("verbose", "v", "Say more.", env="SBATCH_DEBUG"),
    _early("version", "V", "Show the version."),
    _early("usage", "", "Show a short summary of the options."),
    _flag("wait", "W", "Wait for the job's end, and exit with its exit status.", env="SBATCH_WAIT"),
    _kept("wait-all-nodes", values.zero_or_one, "0|1", "1", "Start only when all machines are ready.",
          env="SBATCH_WAIT_ALL_NODES"),
    _kept("wckey", TEXT, "KEY", "thesis", "Key under which the job's use is summed up.", env="SBATCH_WCKEY"),
    JobOption("wrap", "", "wrap", values.text, is_early=True,
              metavar="COMMAND", example="hostname", help="Run this shell command instead of a script."),
)
# what Slurm has not: msbatch takes it, for the fleet; under Slurm's name there is no such option
OURS: tuple[JobOption, ...] = (
    JobOption("template", "", "template", values.text, is_early=True,
              metavar="NAME", example="ray", help="Make the script of this template: mini-slurm template list."),
    JobOption("set", "", "set", values.text, is_early=True, adds=True,
              metavar="NAME=VALUE", example="nodes=2", help="A variable of the template; may be given several times."),
    _kept("notify", words.notice_target, "URL|PROGRAM", "https://chat.example.org/hook", "Tell this URL, or this"
          " program here, of the job's events, as JSON."),
    _kept("notify-type", words.mail_types, "EVENTS", "END,FAIL", "Which events --notify is told of; default: ALL.",
          adds=True),
    _kept("requeue-exit", words.ends, "CODES[@SECONDS]", "85-87,limit@30", "Run the job again when it exits with one of"
          " these codes; limit: also when it was warned of its time limit (--signal), or reached it."),
    _kept("retries", words.retries, "N[@SECONDS]", "3@60", "Run the job again when it failed, up to N times; the pause"
          " before doubles each time."),
    JobOption("snapshot", "", "snapshot", staging.snapshot, value="optional",
              metavar="git|dir", help="Run in a copy of the working directory as it is now: with git, what the"
              " repository does not ignore; with dir, all files. Without a value: git in a repository, else dir."),
    JobOption("stage-in", "", "stage_in", staging.stage_in, adds=True,
              metavar="PATH[:DEST]", example="data/train.csv:in/", help="Bring this file or folder into the job's"
              " own folder on its machines, where the job then runs. May be given several times."),
    JobOption("stage-out", "", "stage_out", staging.stage_out, adds=True,
              metavar="GLOB[:DEST]", example="results/*.csv:done/%j/", help="Bring what matches in the job's folder"
              " home when the job has ended, however it ended. May be given several times."),
)
STAGED = tuple(row for row in OURS if row.field in staging.STAGING)  # which msrun and msalloc take, too
# what only variables or #PBS lines set
VARIABLES: tuple[JobOption, ...] = (
    JobOption("wait4switch", "", "switch_wait", values.switch_wait, env="SBATCH_WAIT4SWITCH",
              metavar="TIME", example="5:00", help="How long to wait for the switches."),
    JobOption("umask", "", "umask_given", values.umask,
              metavar="MASK", example="027", help="The job's umask; from #PBS -W."),
)
# fmt: on
