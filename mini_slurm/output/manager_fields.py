"""The columns that sacctmgr knows: how much of which names one has to write, the header, the width."""

from __future__ import annotations

from mini_slurm.model.abbreviations import Names
from mini_slurm.output.layout import Field, Table, column_width

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from mini_slurm.output.layout import Value

# of these no digit is cut off
NUMBERS = (
    *("ControlPort", "Count", "GrpJobs", "GrpSubmit", "ID", "LFT", "MaxJobs", "MaxJobsPA", "MaxJobsPU", "MaxSubmit"),
    *("MaxSubmitPA", "MaxSubmitPU", "NodeCount", "ParentID", "Priority", "RGT", "RPC", "Share", "UsageFactor"),
)
TREE_WIDTH = -20  # of the account, where a tree is shown


class UnknownField(ValueError):
    """A name that no column has."""


class Row:
    """One column; its names are written `Name:SHORTEST` with blanks between."""

    __slots__ = ("header", "names", "width")

    def __init__(self, names: str, header: str, width: int) -> None:
        self.names = Names(names)
        self.header = header
        self.width = width


# fmt: off
ROWS = (
    Row("Account:3 Acct:4", "Account", 10),
    Row("ActionRaw:7", "ActionRaw", 10),
    Row("Action:4", "Action", 20),
    Row("Actor:4", "Actor", 10),
    Row("AdminLevel:2", "Admin", 9),
    Row("Allowed:2", "% Allowed", 10),
    Row("Associations:2", "Assocs", 10),
    Row("TRES:2", "TRES", 20),
    Row("Classification:3", "Class", 9),
    Row("ClusterNodes:8", "Cluster Nodes", 20),
    Row("Clusters:2", "Cluster", 10),
    Row("Coordinators:2", "Coord Accounts", 20),
    Row("ControlHost:8", "ControlHost", 15),
    Row("ControlPort:8", "ControlPort", 12),
    Row("Count:3", "Count", 6),
    Row("CountAllowed:6", "# Allowed", 10),
    Row("CountUsed:6", "# Used", 10),
    Row("CPUCount:2", "CPU Cnt", 7),
    Row("DefaultAccount:8", "Def Acct", 10),
    Row("DefaultQOS:8", "Def QOS", 9),
    Row("DefaultWCKey:8", "Def WCKey", 10),
    Row("Description:3", "Descr", 20),
    Row("Duration:2", "Duration", 13),
    Row("EventRaw:6", "EventRaw", 8),
    Row("Event:2", "Event", 7),
    Row("Features:3", "Features", 20),
    Row("Federation:3", "Federation", 10),
    Row("FedState:4", "FedState", 12),
    Row("FedStateRaw:9", "FedStateRaw", 11),
    Row("Flags:2", "Flags", 20),
    Row("GraceTime:3", "GraceTime", 10),
    Row("GrpCPUs:6", "GrpCPUs", 8),
    Row("GrpCPUMins:7", "GrpCPUMins", 11),
    Row("GrpCPURunMins:7", "GrpCPURunMins", 13),
    Row("GrpTRES:7", "GrpTRES", 13),
    Row("GrpTRESMins:7", "GrpTRESMins", 13),
    Row("GrpTRESRunMins:7", "GrpTRESRunMins", 13),
    Row("GrpJobs:4", "GrpJobs", 7),
    Row("GrpJobsAccrue:8", "GrpJobsAccrue", 13),
    Row("GrpMemory:4", "GrpMem", 7),
    Row("GrpNodes:4", "GrpNodes", 8),
    Row("GrpSubmitJobs:4", "GrpSubmit", 9),
    Row("GrpWall:4", "GrpWall", 11),
    Row("ID:2", "ID", 6),
    Row("Info:2", "Info", 20),
    Row("LFT:1", "LFT", 6),
    Row("servertype:10", "ServerType", 10),
    Row("MaxCPUMinsPerJob:7", "MaxCPUMins", 11),
    Row("MaxCPURunMinsPerUser:7 MaxCPURunMinsPU:7", "MaxCPURunMinsPU", 15),
    Row("MaxCPUsPerJob:7", "MaxCPUs", 8),
    Row("MaxCPUsPerUser:11 MaxCPUsPU:9", "MaxCPUsPU", 9),
    Row("MaxTRES:7 MaxTRESPerJob:11", "MaxTRES", 13),
    Row("MaxTRESPerNode:11", "MaxTRESPerNode", 14),
    Row("MaxTRESMinsPerJob:8", "MaxTRESMins", 13),
    Row("MaxTRESRunMinsPerAccount:18 MaxTRESRunMinsPerAcct:18 MaxTRESRunMinsPA:15", "MaxTRESRunMinsPA", 15),
    Row("MaxTRESRunMinsPerUser:8 MaxTRESRunMinsPU:8", "MaxTRESRunMinsPU", 15),
    Row("MaxTRESPerAccount:11 MaxTRESPerAcct:11 MaxTRESPA:9", "MaxTRESPA", 13),
    Row("MaxTRESPerUser:11 MaxTRESPU:9", "MaxTRESPU", 13),
    Row("MaxJobs:4", "MaxJobs", 7),
    Row("MaxJobsAccrue:4", "MaxJobsAccrue", 13),
    Row("MaxJobsAccruePerAccount:17 MaxJobsAccruePerAcct:17 MaxJobsAccruePA:15", "MaxJobsAccruePA", 15),
    Row("MaxJobsAccruePerUser:17 MaxJobsAccruePU:15", "MaxJobsAccruePU", 15),
    Row("MaxJobsPerAccount:11 MaxJobsPerAcct:11 MaxJobsPA:9", "MaxJobsPA", 9),
    Row("MaxJobsPerUser:11 MaxJobsPU:9", "MaxJobsPU", 9),
    Row("MaxNodesPerJob:4", "MaxNodes", 8),
    Row("MaxNodesPerUser:12 MaxNodesPU:10", "MaxNodesPU", 10),
    Row("MinPrioThreshold:4", "MinPrioThres", 12),
    Row("MaxSubmitJobs:4", "MaxSubmit", 9),
    Row("MaxSubmitJobsPerAccount:17 MaxSubmitJobsPerAcct:17 MaxSubmitJobsPA:15 MaxSubmitPA:11", "MaxSubmitPA", 11),
    Row("MaxSubmitJobsPerUser:10 MaxSubmitJobsPU:10 MaxSubmitPU:6", "MaxSubmitPU", 11),
    Row("MaxWallDurationPerJob:4", "MaxWall", 11),
    Row("MinCPUsPerJob:7", "MinCPUs", 8),
    Row("MinTRESPerJob:7", "MinTRES", 13),
    Row("Name:2", "Name", 10),
    Row("NodeCount:5", "NodeCount", 9),
    Row("NodeInx:5", "NodeInx", 9),
    Row("NodeNames:5", "NodeName", -15),
    Row("Organization:1", "Org", 20),
    Row("ParentID:7", "ParentID", 8),
    Row("ParentName:7", "ParentName", 10),
    Row("Partition:4", "Partition", 10),
    Row("PluginIDSelect:2", "PluginIDSelect", 14),
    Row("PreemptMode:8", "PreemptMode", 11),
    Row("Preempt:7", "Preempt", 10),
    Row("PreemptExemptTime:8", "PreemptExemptTime", 19),
    Row("Priority:3", "Priority", 10),
    Row("Problem:1", "Problem", 40),
    Row("QOSLevel:3", "QOS", 20),
    Row("QOSRAWLevel:4", "QOS_RAW", 10),
    Row("Reason:1", "Reason", 30),
    Row("RGT:1", "RGT", 6),
    Row("RPC:1", "RPC", 5),
    Row("Server:3", "Server", 10),
    Row("Share:1 FairShare:2", "Share", 9),
    Row("StateRaw:6", "StateRaw", 8),
    Row("State:1", "State", 6),
    Row("TimeStamp:2", "Time", 19),
    Row("TimeEligible:6 Eligible:2", "TimeEligible", 19),
    Row("TimeEnd:6 End:2", "TimeEnd", 19),
    Row("TimeStart:7 Start:3", "TimeStart", 19),
    Row("TimeSubmit:6 Submit:2", "TimeSubmit", 19),
    Row("Type:2", "Type", 8),
    Row("UnusedWall:2", "UnusedWall", 10),
    Row("UsageFactor:6", "UsageFactor", 11),
    Row("UsageThreshold:6", "UsageThres", 10),
    Row("LimitFactor:6", "LimitFactor", 11),
    Row("Allocated:7", "% Allocated", 11),
    Row("User:1", "User", 10),
    Row("WCKeys:2", "WCKeys", 20),
    Row("Where:2", "Where", 20),
)
# fmt: on


def table(words: list[str], values: Mapping[str, Value], *, tree: bool = False) -> Table:
    """The columns of `name%width` words; what a record has no value for is empty. Raises UnknownField."""
    chosen = []
    for word in words:
        name, _, size = word.partition("%")
        row = next((row for row in ROWS if row.names.fits(name)), None)
        if row is None:
            raise UnknownField(name.lower())
        width = TREE_WIDTH if tree and row.header == "Account" else row.width
        field = Field(row.header, "", row.header, "", values.get(row.header, _nothing), cut=row.header not in NUMBERS)
        chosen.append((field, column_width(size) or width))
    return Table(chosen)


def _nothing(record: object, view: object) -> str:
    return ""
