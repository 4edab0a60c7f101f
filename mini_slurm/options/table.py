"""The one table of job options: a row says everything about one option.

Command lines, #SBATCH lines, SBATCH_* variables, --help and the reference page are made from it. The rows stand in
Slurm's order, which shows where an abbreviated name is ambiguous. Slurm's options that are not built yet have a row
too, as they take part in that, and are refused by name.
"""

from __future__ import annotations

from collections.abc import Callable

from mini_slurm.model.units import parse_memory, parse_time_limit
from mini_slurm.options import values
from mini_slurm.options.grammar import Option

BATCH = ("sbatch",)


class JobOption(Option):
    """An option that describes a job; `field` is the Job attribute it sets, or a setting of the submission."""

    __slots__ = ("built", "commands", "env", "example", "parse", "pbs")

    def __init__(
        self,
        long: str,
        short: str,
        field: str,
        parse: Callable[[str | None], object],
        *,
        value: str = "required",
        env: str = "",
        commands: tuple[str, ...] = BATCH,
        pbs: str = "",
        metavar: str = "",
        help: str = "",
        example: str = "",
        aliases: tuple[str, ...] = (),
        built: bool = True,
    ) -> None:
        super().__init__(field=field, long=long, short=short, value=value, help=help, metavar=metavar, aliases=aliases)
        self.parse = parse  # the value's text to what is stored; raises ValueError or MiniSlurmError
        self.env = env  # the variable that sets it, too
        self.commands = commands
        self.pbs = pbs  # how qsub writes it
        self.example = example  # a value that parses
        self.built = built


def _flag(long: str, short: str, help: str, *, field: str = "", env: str = "", pbs: str = "") -> JobOption:
    """A switch without a value."""
    name = field or long.replace("-", "_")
    return JobOption(long, short, name, values.yes, value="none", env=env, pbs=pbs, help=help)


def _later(long: str, short: str = "", value: str = "required", env: str = "") -> JobOption:
    """One of Slurm's options that is not built yet."""
    return JobOption(long, short, long.replace("-", "_"), values.text, value=value, env=env, built=False)


def _memory(value: str | None) -> int:
    return parse_memory(value or "")


def _time_limit(value: str | None) -> int | None:
    return parse_time_limit(value or "")


# fmt: off
OPTIONS: tuple[JobOption, ...] = (
    JobOption("account", "A", "account", values.text, env="SBATCH_ACCOUNT", pbs="-A {}",
              metavar="NAME", example="science", help="Account that the job is charged to."),
    _later("acctg-freq", env="SBATCH_ACCTG_FREQ"),
    JobOption("array", "a", "array", values.said, env="SBATCH_ARRAY_INX", pbs="-J {}",
              metavar="TASKS", example="1-10:2%3", help="Run the script once for each number; %N: at most N at once."),
    _later("batch", env="SBATCH_BATCH"),
    _later("bb", env="SBATCH_BURST_BUFFER"),
    _later("bbf"),
    JobOption("begin", "b", "begin", values.text, pbs="-a {}",
              metavar="TIME", example="now+1hour", help="Do not start before this moment."),
    JobOption("chdir", "D", "work_dir", values.said,
              metavar="FOLDER", example="/tmp", help="Working directory of the script."),
    _later("cluster-constraint"),
    _later("clusters", "M", env="SBATCH_CLUSTERS"),
    JobOption("comment", "", "comment", values.said,
              metavar="TEXT", example="second try", help="A remark that is kept with the job."),
    JobOption("constraint", "C", "features", values.said, env="SBATCH_CONSTRAINT",
              metavar="FEATURES", example="ib&skylake", help="Features that the machine must have."),
    _later("container", env="SBATCH_CONTAINER"),
    _later("contiguous", value="none"),
    _later("core-spec", "S", env="SBATCH_CORE_SPEC"),
    _later("cores-per-socket"),
    _later("cpu-freq"),
    _later("cpus-per-gpu", env="SBATCH_CPUS_PER_GPU"),
    JobOption("cpus-per-task", "c", "cpus_per_task", values.number, pbs="-l ncpus={}",
              metavar="N", example="4", help="CPUs of each task."),
    _later("deadline"),
    _later("delay-boot", env="SBATCH_DELAY_BOOT"),
    _later("dependency", "d"),
    _later("distribution", "m", env="SBATCH_DISTRIBUTION"),
    JobOption("error", "e", "std_err", values.file, pbs="-e {}",
              metavar="FILE", example="%x-%j.err", help="File for standard error."),
    JobOption("exclude", "x", "excluded_nodes", values.said,
              metavar="NODES", example="node[1-3]", help="Machines not to use."),
    JobOption("exclusive", "", "exclusive", values.exclusive, value="optional", env="SBATCH_EXCLUSIVE",
              help="Share the machine with no other job."),
    JobOption("export", "", "export", values.text, env="SBATCH_EXPORT", pbs="-v {}",
              metavar="NAMES", example="ALL,EDITOR=vi", help="Environment variables the job gets: ALL, NONE or names."),
    _later("export-file"),
    _later("extra-node-info", "B"),
    _later("get-user-env", value="optional", env="SBATCH_GET_USER_ENV"),
    _later("gid"),
    _later("gpu-bind", env="SBATCH_GPU_BIND"),
    _later("gpu-freq", env="SBATCH_GPU_FREQ"),
    JobOption("gpus", "G", "gpus", values.gpus, env="SBATCH_GPUS",
              metavar="[TYPE:]N", example="a100:2", help="GPUs of the whole job."),
    JobOption("gpus-per-node", "", "gpus_per_node", values.gpus_per_node, env="SBATCH_GPUS_PER_NODE",
              metavar="[TYPE:]N", example="2", help="GPUs on each machine."),
    _later("gpus-per-socket"),
    _later("gpus-per-task", env="SBATCH_GPUS_PER_TASK"),
    JobOption("gres", "", "gres", values.said, env="SBATCH_GRES",
              metavar="gpu[:TYPE]:N", example="gpu:a100:2", help="Generic resources on each machine."),
    _later("gres-flags", env="SBATCH_GRES_FLAGS"),
    _flag("help", "h", "Show this page."),
    _later("hint", env="SBATCH_HINT"),
    _flag("hold", "H", "Keep the job from starting until it is released.", pbs="-h"),
    _flag("ignore-pbs", "", "Do not read #PBS lines; they are never read here.", env="SBATCH_IGNORE_PBS"),
    JobOption("input", "i", "std_in", values.file,
              metavar="FILE", example="in.txt", help="File for standard input."),
    JobOption("job-name", "J", "name", values.text, env="SBATCH_JOB_NAME", pbs="-N {}",
              metavar="NAME", example="train", help="Name shown by msqueue."),
    _later("kill-on-invalid-dep"),
    _later("licenses", "L"),
    _later("mail-type"),
    _later("mail-user"),
    _later("mcs-label"),
    JobOption("mem", "", "memory_per_node", _memory, env="SBATCH_MEM_PER_NODE", pbs="-l mem={}mb",
              metavar="SIZE", example="4G", help="Memory on the machine, in MiB or with K, M, G or T; 0: all of it."),
    _later("mem-bind", env="SBATCH_MEM_BIND"),
    JobOption("mem-per-cpu", "", "memory_per_cpu", _memory, env="SBATCH_MEM_PER_CPU",
              metavar="SIZE", example="500M", help="Memory for each CPU."),
    _later("mem-per-gpu", env="SBATCH_MEM_PER_GPU"),
    _later("mincpus"),
    _later("network", env="SBATCH_NETWORK"),
    _later("nice", value="optional"),
    _later("no-kill", "k", value="optional", env="SBATCH_NO_KILL"),
    JobOption("no-requeue", "", "requeue", values.no, value="none", env="SBATCH_NO_REQUEUE", pbs="-r n",
              help="Do not start the job again after its machine failed."),
    _later("nodefile", "F"),
    JobOption("nodelist", "w", "required_nodes", values.text,
              metavar="NODES", example="node3", help="The machine to use."),
    JobOption("nodes", "N", "nodes", values.nodes, pbs="-l select={}",
              metavar="N", example="1", help="Number of machines; one for now."),
    JobOption("ntasks", "n", "ntasks", values.number,
              metavar="N", example="8", help="Number of tasks that the script will start."),
    _later("ntasks-per-core"),
    _later("ntasks-per-gpu"),
    JobOption("ntasks-per-node", "", "ntasks_per_node", values.number, aliases=("tasks-per-node",),
              metavar="N", example="4", help="Number of tasks on each machine."),
    _later("ntasks-per-socket"),
    JobOption("open-mode", "", "open_mode", values.open_mode, env="SBATCH_OPEN_MODE",
              metavar="append|truncate", example="append", help="What becomes of an output file that exists."),
    JobOption("output", "o", "std_out", values.file, pbs="-o {}",
              metavar="FILE", example="%x-%j.out", help="File for standard output, and for standard error without -e."),
    _later("overcommit", "O", value="none", env="SBATCH_OVERCOMMIT"),
    _later("oversubscribe", "s", value="none"),
    _flag("parsable", "", "Print the job's number and nothing else."),
    JobOption("partition", "p", "partition", values.text, env="SBATCH_PARTITION", pbs="-q {}",
              metavar="NAME", example="compute", help="Partition to run in."),
    _later("power", env="SBATCH_POWER"),
    _later("prefer"),
    _later("priority"),
    _later("profile", env="SBATCH_PROFILE"),
    _later("propagate", value="optional"),
    JobOption("qos", "q", "qos", values.text, env="SBATCH_QOS",
              metavar="NAME", example="high", help="Quality of service."),
    _flag("quiet", "Q", "Print nothing but errors."),
    _later("reboot", value="none"),
    JobOption("requeue", "", "requeue", values.yes, value="none", env="SBATCH_REQUEUE", pbs="-r y",
              help="Start the job again after its machine failed."),
    _later("reservation", env="SBATCH_RESERVATION"),
    _later("signal", env="SBATCH_SIGNAL"),
    _later("sockets-per-node"),
    _later("spread-job", value="none", env="SBATCH_SPREAD_JOB"),
    _later("switches", env="SBATCH_REQ_SWITCH"),
    _flag("test-only", "", "Say when the job would start; submit nothing."),
    _later("thread-spec", env="SBATCH_THREAD_SPEC"),
    _later("threads-per-core", env="SBATCH_THREADS_PER_CORE"),
    JobOption("time", "t", "time_limit", _time_limit, env="SBATCH_TIMELIMIT", pbs="-l walltime={}",
              metavar="TIME", example="2-12:00:00", help="Time limit: minutes, M:S, H:M:S, D-H, D-H:M or D-H:M:S."),
    _later("time-min"),
    _later("tmp"),
    _later("uid"),
    _later("umask"),
    _flag("usage", "", "Show a short summary of the options."),
    _later("use-min-nodes", value="none", env="SBATCH_USE_MIN_NODES"),
    _flag("verbose", "v", "Say more.", env="SBATCH_DEBUG"),
    _flag("version", "V", "Show the version."),
    _flag("wait", "W", "Wait for the job's end, and exit with its exit status.", env="SBATCH_WAIT"),
    _later("wait-all-nodes", env="SBATCH_WAIT_ALL_NODES"),
    _later("wckey", env="SBATCH_WCKEY"),
    JobOption("wrap", "", "wrap", values.text,
              metavar="COMMAND", example="hostname", help="Run this shell command instead of a script."),
    _later("x11", value="optional"),
)
# fmt: on
