"""What `scontrol show config` tells: Slurm's settings with the values that a fleet has, in Slurm's order."""

from __future__ import annotations

from mini_slurm.model.preemption import written
from mini_slurm.model.units import format_elapsed
from mini_slurm.output.values import NULL, SLURM_VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mini_slurm.model.fleet import Fleet


class Known:
    """What the values depend on."""

    def __init__(self, fleet: Fleet, host: str, state: str, next_job_id: int, since: str) -> None:
        self.fleet = fleet
        self.host = host  # the login node
        self.state = state  # the state folder
        self.next_job_id = next_job_id
        self.since = since  # when the controller began, as text


# What does not depend on the fleet; "" stands for an absent value.
CONSTANT = """
AccountingStorageBackupHost
AccountingStorageEnforce
AccountingStorageHost = localhost
AccountingStorageExternalHost
AccountingStorageParameters
AccountingStoragePort = 0
AccountingStorageTRES = cpu,mem,energy,node,billing,fs/disk,vmem,pages,gres/gpu
AccountingStorageType
AccountingStorageUser = N/A
AccountingStoreFlags = job_comment
AcctGatherEnergyType = acct_gather_energy/none
AcctGatherFilesystemType = acct_gather_filesystem/none
AcctGatherInterconnectType = acct_gather_interconnect/none
AcctGatherNodeFreq = 0 sec
AcctGatherProfileType = acct_gather_profile/none
AllowSpecResourcesUsage = No
AuthAltTypes
AuthAltParameters
AuthInfo
AuthType = auth/ssh
BatchStartTimeout = 10 sec
BcastExclude = /lib,/usr/lib,/lib64,/usr/lib64
BcastParameters
BOOT_TIME
BurstBufferType
CliFilterPlugins
ClusterName
CommunicationParameters
CompleteWait = 0 sec
CoreSpecPlugin = core_spec/none
CpuFreqDef = Unknown
CpuFreqGovernors = OnDemand,Performance,UserSpace
CredType = cred/none
DebugFlags
DefMemPerNode
DependencyParameters
DisableRootJobs = No
EioTimeout = 60
EnforcePartLimits
Epilog
EpilogMsgTime = 2000 usec
EpilogSlurmctld
ExtSensorsType = ext_sensors/none
ExtSensorsFreq = 0 sec
FairShareDampeningFactor = 1
FederationParameters
FirstJobId = 1
GetEnvTimeout = 2 sec
GresTypes = gpu
GpuFreqDef = high,memory=high
GroupUpdateForce = 1
GroupUpdateTime = 600 sec
HASH_VAL = Match
HealthCheckInterval = 0 sec
HealthCheckNodeState = ANY
HealthCheckProgram
InactiveLimit = 0 sec
InteractiveStepOptions = --interactive --preserve-env --pty $SHELL
JobAcctGatherFrequency = 30
JobAcctGatherType = jobacct_gather/linux
JobAcctGatherParams
JobCompHost = localhost
JobCompLoc
JobCompPort = 0
JobCompType = jobcomp/none
JobCompUser = root
JobContainerType = job_container/none
JobCredentialPrivateKey
JobCredentialPublicCertificate
JobDefaults
JobFileAppend = 0
JobRequeue
JobSubmitPlugins
KillOnBadExit = 0
KillWait
LaunchParameters
LaunchType = launch/slurm
Licenses
LogTimeFormat = iso8601_ms
MailDomain
MailProg = /bin/mail
MaxArraySize
MaxDBDMsgs = 20008
MaxJobCount = 10000
MaxJobId = 67043328
MaxMemPerNode = UNLIMITED
MaxNodeCount
MaxStepCount = 40000
MaxTasksPerNode = 512
MCSPlugin = mcs/none
MCSParameters
MessageTimeout = 10 sec
MinJobAge = 300 sec
MpiDefault = none
MpiParams
NEXT_JOB_ID
NodeFeaturesPlugins
OverTimeLimit
PluginDir
PlugStackConfig
PowerParameters
PowerPlugin
PreemptMode
PreemptType
PreemptExemptTime
PrEpParameters
PrEpPlugins = prep/script
PriorityParameters
PrioritySiteFactorParameters
PrioritySiteFactorPlugin
PriorityDecayHalfLife
PriorityCalcPeriod = 00:05:00
PriorityFavorSmall = No
PriorityFlags
PriorityMaxAge
PriorityUsageResetPeriod = NONE
PriorityType = priority/multifactor
PriorityWeightAge
PriorityWeightAssoc = 0
PriorityWeightFairShare
PriorityWeightJobSize
PriorityWeightPartition
PriorityWeightQOS
PriorityWeightTRES
PrivateData = none
ProctrackType = proctrack/linuxproc
Prolog
PrologEpilogTimeout = 65534
PrologSlurmctld
PrologFlags = (null)
PropagatePrioProcess = 0
PropagateResourceLimits = ALL
PropagateResourceLimitsExcept
RebootProgram
ReconfigFlags = (null)
RequeueExit
RequeueExitHold
ResumeFailProgram
ResumeProgram
ResumeRate = 300 nodes/min
ResumeTimeout = 60 sec
ResvEpilog
ResvOverRun = 0 min
ResvProlog
ReturnToService = 2
RoutePlugin = route/default
SchedulerParameters
SchedulerTimeSlice = 30 sec
SchedulerType = sched/backfill
ScronParameters
SelectType = select/cons_tres
SelectTypeParameters = CR_CPU_MEMORY
SlurmUser = slurm(64030)
SlurmctldAddr
SlurmctldDebug = info
SlurmctldHost[0]
SlurmctldLogFile
SlurmctldPort = 6817
SlurmctldSyslogDebug = (null)
SlurmctldPrimaryOffProg
SlurmctldPrimaryOnProg
SlurmctldTimeout = 120 sec
SlurmctldParameters
SlurmdDebug = info
SlurmdLogFile
SlurmdParameters
SlurmdPidFile
SlurmdPort = 6818
SlurmdSpoolDir = /var/tmp
SlurmdSyslogDebug = (null)
SlurmdTimeout
SlurmdUser = root(0)
SlurmSchedLogFile
SlurmSchedLogLevel = 0
SlurmctldPidFile
SlurmctldPlugstack
SLURM_CONF
SLURM_VERSION
SrunEpilog
SrunPortRange = 0-0
SrunProlog
StateSaveLocation
SuspendExcNodes
SuspendExcParts
SuspendProgram
SuspendRate = 60 nodes/min
SuspendTime = INFINITE
SuspendTimeout = 30 sec
SwitchParameters
SwitchType = switch/none
TaskEpilog
TaskPlugin = task/none
TaskPluginParam = (null type)
TaskProlog
TCPTimeout = 2 sec
TmpFS = /tmp
TopologyParam
TopologyPlugin = topology/none
TrackWCKey = No
TreeWidth = 50
UsePam = No
UnkillableStepProgram
UnkillableStepTimeout = 60 sec
VSizeFactor = 0 percent
WaitTime = 0 sec
X11Parameters
"""


def _accounts(known: Known) -> str:
    return "slurmdbd" if known.fleet.accounts else "none"


def _licenses(known: Known) -> str:
    return ",".join(f"{name}:{count}" for name, count in known.fleet.licenses.items())


def _over_time(known: Known) -> str:
    seconds = known.fleet.over_time_limit
    return "UNLIMITED" if seconds is None else f"{-(-seconds // 60)} min"


def _period(seconds: int | None) -> str:
    return "UNLIMITED" if seconds is None else format_elapsed(seconds)


DEPENDS: dict[str, Callable[[Known], str]] = {
    "AccountingStorageEnforce": lambda known: "associations,limits,qos" if known.fleet.accounts else "none",
    "AccountingStorageType": lambda known: f"accounting_storage/{_accounts(known)}",
    "BOOT_TIME": lambda known: known.since,
    "ClusterName": lambda known: known.fleet.name,
    "EnforcePartLimits": lambda known: "ALL" if known.fleet.enforce_limits else "NO",
    "JobRequeue": lambda known: str(int(known.fleet.requeue)),
    "RequeueExit": lambda known: known.fleet.requeue_exit or NULL,
    "RequeueExitHold": lambda known: known.fleet.requeue_exit_hold or NULL,
    "KillWait": lambda known: f"{known.fleet.kill_wait} sec",
    "OverTimeLimit": _over_time,
    "MaxArraySize": lambda known: str(known.fleet.max_array_size),
    "MaxNodeCount": lambda known: str(len(known.fleet.machines)),
    "NEXT_JOB_ID": lambda known: str(known.next_job_id),
    "Licenses": lambda known: _licenses(known) or NULL,
    "PreemptExemptTime": lambda known: format_elapsed(known.fleet.preempt.exempt_time),
    "PreemptMode": lambda known: written(known.fleet),
    "PreemptType": lambda known: f"preempt/{known.fleet.preempt.type}",
    "PriorityDecayHalfLife": lambda known: format_elapsed(known.fleet.priority.half_life or 0),
    "PriorityFlags": lambda known: "",
    "PriorityMaxAge": lambda known: _period(known.fleet.priority.max_age),
    "PriorityWeightAge": lambda known: str(known.fleet.priority.age),
    "PriorityWeightFairShare": lambda known: str(known.fleet.priority.fair_share),
    "PriorityWeightJobSize": lambda known: str(known.fleet.priority.job_size),
    "PriorityWeightPartition": lambda known: str(known.fleet.priority.partition),
    "PriorityWeightQOS": lambda known: str(known.fleet.priority.qos),
    "SlurmctldHost[0]": lambda known: known.host,
    "SlurmctldLogFile": lambda known: f"{known.state}/controller.log",
    "SlurmdTimeout": lambda known: f"{known.fleet.node_timeout} sec",
    "SLURM_CONF": lambda known: known.fleet.path or NULL,
    "SLURM_VERSION": lambda known: SLURM_VERSION,
    "StateSaveLocation": lambda known: known.state,
}


def pairs(known: Known) -> list[tuple[str, str]]:
    """Every setting and its value."""
    found = []
    for line in CONSTANT.split("\n"):
        name, _, value = line.partition(" = ")
        if name == "DefMemPerNode":
            found.append(_default_memory(known.fleet.default_memory_per_cpu))
        elif name:
            found.append((name, DEPENDS[name](known) if name in DEPENDS else value or NULL))
    return found


def _default_memory(amount: int | None) -> tuple[str, str]:
    return ("DefMemPerNode", "UNLIMITED") if amount is None else ("DefMemPerCPU", str(amount))


def lines(known: Known, now: str) -> list[str]:
    """The whole answer but for the last line, which says whether the controller answers."""
    return [f"Configuration data as of {now}", *(f"{name:<23} = {value}" for name, value in pairs(known)), ""]
