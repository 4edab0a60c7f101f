"""The fleet as its file describes it: machines, partitions, accounts, QOS and the settings of the whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mini_slurm.model.arrays import MAX_ARRAY_SIZE
from mini_slurm.model.cluster_entry import ClusterEntry
from mini_slurm.model.overrides import NO_OVERRIDE, NodeOverride
from mini_slurm.model.reservation import Reservation
from mini_slurm.model.tuples import NamedTuple


class MachineEntry(NamedTuple):
    """One machine of `[machines.NAME]`. None: not said, the machine is asked."""

    name: str
    host: str  # address, or an alias of ~/.ssh/config
    port: int | None = None
    user: str | None = None
    identity_file: str | None = None
    jump_host: str | None = None
    local: bool = False  # this machine itself: no SSH
    cpus: int | None = None
    memory: int | None = None  # MiB
    gpus: Mapping[str, int] | None = None  # type ("" when the file gives a plain number) -> how many
    gpu_memory: int | None = None  # MiB of each of them
    shards: int = 0  # into which each of them may be divided
    features: tuple[str, ...] = ()
    weight: int = 1
    override: NodeOverride = NO_OVERRIDE  # what administrators changed, see changed_fleet.py
    address: str = ""  # by which other machines reach it; empty: `host`
    alias: str = ""  # its name in the fleet file, where nodes are called by their addresses


ENDLESS = 365 * 86400  # seconds: as good as no limit of the time after the time limit
NORMAL = "normal"  # the QOS of everybody for whom the fleet file names none
# Slurm's flags of a QOS: what is beyond its limits by itself is refused; its limits go before the partition's QOS'
DENY_ON_LIMIT, OVER_PART_QOS = "DenyOnLimit", "OverPartQOS"


class Partition(NamedTuple):
    """One partition of `[partitions.NAME]`. Times in seconds; None: no limit."""

    name: str
    machines: tuple[str, ...]
    default: bool = False
    max_time: int | None = None
    default_time: int | None = None
    state: str = "UP"  # UP, DOWN, DRAIN, INACTIVE: scontrol(1)
    max_nodes: int | None = None  # of a job
    min_nodes: int = 0
    priority: int = 1  # Slurm's PriorityJobFactor, compared with those of the other partitions
    tier: int = 1  # Slurm's PriorityTier: jobs in partitions of a higher one go before all others
    preempt_mode: str = ""  # how its jobs make room for others: OFF, CANCEL, REQUEUE, SUSPEND; "": as `[preempt]` says
    grace_time: int = 0  # seconds that they are left then
    hidden: bool = False  # listings leave it out unless they are asked for all
    root_only: bool = False  # only root submits jobs there
    disable_root_jobs: bool = False  # root does not
    require_reservation: bool = False  # a job there has to name a reservation
    exclusive_user: bool = False  # a machine is one user's at a time
    lln: bool = False  # the least loaded machines go first, where others are filled up
    over_subscribe: str = "NO"  # EXCLUSIVE: whole machines; YES:N, FORCE:N: jobs share CPUs, see oversubscription.py
    over_time_limit: int | None = None  # seconds that a job may go on after its time limit; None: as the fleet has it
    allow_accounts: tuple[str, ...] = ()  # empty: all, as in the next two
    allow_groups: tuple[str, ...] = ()
    allow_qos: tuple[str, ...] = ()
    deny_accounts: tuple[str, ...] = ()  # where nothing is said of those that are allowed
    deny_qos: tuple[str, ...] = ()
    alloc_nodes: tuple[str, ...] = ()  # the machines that jobs may be submitted on; empty: all
    alternate: str = ""  # the partition that takes the jobs while this one does not
    default_memory_per_cpu: int | None = None  # MiB, of jobs that say nothing; None: as the fleet has it
    default_memory_per_node: int | None = None
    max_memory_per_cpu: int | None = None  # MiB, that a job may ask for
    max_memory_per_node: int | None = None
    max_cpus_per_node: int | None = None  # that its jobs together may have of a machine
    qos: str = ""  # whose limits hold for its jobs, and come before those of their own QOS


class Limits(NamedTuple):
    """What jobs may have at a time, in Slurm's words; None, or a resource that is not named: any amount.

    Resources are `cpus`, `gpus`, `nodes` and `memory` (MiB).
    """

    grp_jobs: int | None = None  # that run, of all users together
    grp_submit_jobs: int | None = None  # that wait and run
    grp_tres: Mapping[str, int] = {}
    max_wall: int | None = None  # seconds of a job's time limit
    max_tres: Mapping[str, int] = {}  # of a job
    max_jobs: int | None = None  # of an account: of each of its users
    max_submit_jobs: int | None = None
    # of a QOS
    max_jobs_per_user: int | None = None
    max_submit_jobs_per_user: int | None = None
    max_tres_per_user: Mapping[str, int] = {}
    max_jobs_per_account: int | None = None
    max_submit_jobs_per_account: int | None = None


NO_LIMITS = Limits()


class Qos(NamedTuple):
    """One quality of service of `[qos.NAME]`."""

    name: str
    priority: int = 0
    limits: Limits = NO_LIMITS
    preempt: tuple[str, ...] = ()  # the QOS whose jobs make room for those of this one
    preempt_mode: str = ""  # as of a partition
    grace_time: int = 0
    preempt_exempt_time: int | None = None  # seconds; None: as `[preempt]` says
    flags: tuple[str, ...] = ()  # DenyOnLimit, OverPartQOS


class Association(NamedTuple):
    """What one user may use of an account, or an account as a whole."""

    qos: tuple[str, ...] = ()
    default: bool = False
    shares: int = 1  # Slurm's RawShares, compared with those of the others beside it
    limits: Limits = NO_LIMITS


class Weights(NamedTuple):
    """`[priority]`: how much each factor, from 0 to 1, counts in a job's priority. Times in seconds."""

    age: int = 1000
    fair_share: int = 1000
    job_size: int = 1000
    partition: int = 1000
    qos: int = 1000
    max_age: int | None = 7 * 86400  # when the age counts whole
    half_life: int | None = 7 * 86400  # after which half of what was used is forgotten


class Preempt(NamedTuple):
    """`[preempt]`: whether running jobs make room for others, and how. Times in seconds."""

    type: str = "none"  # none, partition_prio, qos: which of Slurm's plugins says for whom
    mode: str = "OFF"  # OFF, CANCEL, REQUEUE, SUSPEND
    exempt_time: int = 0  # that a job may run before
    youngest_first: bool = False  # whatever the priority of jobs
    send_user_signal: bool = False  # a job's --signal takes the place of SIGTERM at the beginning of its grace time

    @property
    def is_on(self) -> bool:
        """Does any job make room?"""
        return self.type != "none"


class Mail(NamedTuple):
    """`[mail]`: how mails are sent. None of the ways: by the machine's sendmail, if it has one."""

    program: str | None = None  # Slurm's MailProg: called with -s SUBJECT ADDRESS
    sendmail: str | None = None  # takes a whole message
    smtp: str | None = None  # HOST[:PORT]
    security: str = "starttls"  # of SMTP: starttls, tls, none
    user: str | None = None
    password_file: str | None = None
    ca_file: str | None = None  # who vouches for the server; None: as the machine has it
    sender: str | None = None
    domain: str | None = None  # Slurm's MailDomain: of those who give no address
    timeout: int = 30  # seconds for one mail


class Notices(NamedTuple):
    """`[notices]`: a program for every job's events; and how webhooks are called."""

    command: str | None = None
    events: tuple[str, ...] = ()  # that it is called for; none: the ordinary ones
    ca_file: str | None = None  # who vouches for webhooks' servers; None: as the machine has it
    timeout: int = 10  # seconds for one webhook or program


class Fleet(NamedTuple):
    """The whole file. `path` is empty for the embedded default: this machine alone."""

    name: str
    path: str
    machines: Mapping[str, MachineEntry]
    partitions: Mapping[str, Partition]
    qos: Mapping[str, Qos] = {}
    accounts: Mapping[str, Mapping[str, Association]] = {}  # account -> user -> association
    default_memory_per_cpu: int | None = None  # MiB
    enforce_limits: bool = False  # Slurm's EnforcePartLimits: refuse what exceeds a partition's limits
    kill_wait: int = 30  # seconds from SIGTERM to SIGKILL
    over_time_limit: int | None = 0  # seconds that a job may go on after its time limit; None: for ever
    node_timeout: int = 300  # seconds without an answer until a machine is down
    constrain_memory: bool = True  # kill what takes more memory than its job asked for, as Slurm's ConstrainRAMSpace
    requeue: bool = True  # after a machine's failure, as Slurm's JobRequeue
    controller_idle: int = 300  # seconds without work until the controller ends
    jobs_dir: str | None = None
    ssh_config: str | None = None  # instead of ~/.ssh/config
    clusters: Mapping[str, ClusterEntry] = {}
    licenses: Mapping[str, int] = {}
    requeue_delay: int = 121  # seconds from a requeue on request until the job may start again, as in Slurm
    watch_interval: int = 10  # seconds between two looks at who uses a machine's GPUs
    foreign_gpu_memory: int = 100  # MiB of a GPU from which on a process that is no job's counts
    foreign_ignore: tuple[str, ...] = ()  # users and programs that do not count
    idle_gpus_after: int | None = 1800  # seconds for which a job may hold GPUs that do nothing; None: any time
    stage_cache: int = 10 * 1024  # MiB of files for jobs that a machine keeps for the next ones
    max_array_size: int = MAX_ARRAY_SIZE  # no task of an array has this number or a higher one
    submit_from_jobs: bool = False  # may a job submit jobs, and cancel others than itself?
    priority: Weights = Weights()
    whole_accounts: Mapping[str, Association] = {}  # what holds for all users of an account together
    reservations: Mapping[str, Reservation] = {}  # what administrators reserved, see changed_fleet.py
    preempt: Preempt = Preempt()
    requeue_exit: str = ""  # exit codes of jobs that run again, as Slurm's RequeueExit
    requeue_exit_hold: str = ""  # ... that wait until somebody releases them
    node_names: str = "name"  # what nodes are called: by the machines' "name", or by their "address"
    mail: Mail = Mail()
    notices: Notices = Notices()

    def node_name(self, name: str) -> str:
        """The node that somebody means, who may also say the machine's name in the file; anything else as it is."""
        if name in self.machines or self.node_names == "name":
            return name
        return next((entry.name for entry in self.machines.values() if entry.alias == name), name)

    def node_aliases(self, names: Iterable[str]) -> str:
        """Slurm's SLURM_NODE_ALIASES of these nodes: name, address and other name of each; empty without others."""
        found = [self.machines[name] for name in names if name in self.machines]
        return ",".join(f"{entry.name}:{entry.name}:{entry.alias}" for entry in found if entry.alias)

    @property
    def default_partition(self) -> Partition | None:
        """Where a job goes that names no partition."""
        return next((partition for partition in self.partitions.values() if partition.default), None)

    def association_numbers(self) -> dict[tuple[str | None, str], int]:
        """A number for each user of each account, as Slurm counts associations: root's two and the accounts first."""
        users = dict.fromkeys(user for members in self.accounts.values() for user in members)
        pairs = [(name, user) for user in users for name, members in self.accounts.items() if user in members]
        return {pair: number for number, pair in enumerate(pairs, start=3 + len(self.accounts))}
