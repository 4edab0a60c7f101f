"""Words of sacctmgr's `modify` that say nothing: of whom it is to be, what is to change, or to which value."""

from __future__ import annotations

from mini_slurm.model.abbreviations import means
from mini_slurm.model.numbers import leading_number

# as Slurm's own tables have them: `Name:SHORTEST`
LIMITS = (
    "DefaultQOS:8 FairShare:1 Shares:1 GrpCPUMins:7 GrpCPURunMins:7 GrpCPUs:7 GrpJobs:4 GrpJobsAccrue:8 GrpMemory:4"
    " GrpNodes:4 GrpSubmitJobs:4 GrpTRES:7 GrpTRESMins:8 GrpTRESRunMins:8 GrpWall:4 MaxCPUMinsPerJob:7"
    " MaxCPURunMins:7 MaxCPUsPerJob:7 MaxJobs:4 MaxJobsAccrue:8 MaxNodesPerJob:4 MinPrioThresh:4 MaxSubmitJobs:4"
    " MaxTRESPerJob:7 MaxTRESPerNode:11 MaxTRESMinsPerJob:8 MaxTRESRunMins:8 MaxWallDurationPerJob:4 Parent:2"
    " Priority:2 QosLevel:1"
)
# what is set to a number, and what Slurm calls it
NUMBERS = {
    "FairShare:1 Shares:1": "FairShare", "GrpCPUs:7": "GrpCpus", "GrpJobs:4": "GrpJobs", "GrpMemory:4": "GrpMemory",
    "GrpJobsAccrue:8": "GrpJobsAccrue", "GrpNodes:4": "GrpNodes", "GrpSubmitJobs:4": "GrpSubmitJobs",
    "MaxJobs:4": "MaxJobs", "MaxJobsAccrue:8": "MaxJobsAccrue", "MaxNodesPerJob:4": "MaxNodes",
    "MinPrioThresh:4": "MinPrioThresh", "MaxSubmitJobs:4": "MaxSubmitJobs", "Priority:2": "Priority",
}  # fmt: skip
CHANGES = {
    "account": f"Accounts:1 Names:1 Acct:4 Clusters:1 Description:1 Organization:1 RawUsage:7 {LIMITS}",
    "cluster": f"Names:1 Clusters:3 Classification:3 Features:2 Federation:3 FedState:2 {LIMITS}",
    "user": f"AdminLevel:2 DefaultAccount:8 DefaultWCKey:8 NewName:1 RawUsage:7 {LIMITS}",
}
OPTION = " Use keyword 'where' to modify condition"
ASSOCIATION = "Accounts:2 Acct:4 Ids:1 Associations:2 Clusters:1 DefaultQOS:8 Partitions:3 Parents:4 QosLevel:1 Users:1"
CONDITIONS = {
    "account": f"Names:1 Accounts:1 Acct:4 Descriptions:1 Format:1 Organizations:1 {ASSOCIATION}",
    "cluster": "Names:1 Clusters:3 Federations:3 Classification:3 Flags:2 Format:2 PluginIDSelect:1 RPCVersions:1",
    "user": f"Names:1 Users:1 AdminLevel:2 DefaultAccount:8 DefaultWCKey:8 Format:1 WCKeys:1 {ASSOCIATION}",
}


def complaints(program: str, entity: str, words: list[str]) -> list[str]:
    """What is said of such words behind `modify ENTITY`; nothing of a kind of thing that has no table here."""
    said: list[str] = []
    changes = False
    for word in words if entity in CHANGES else ():
        name, equals, _ = word.partition("=")
        if word.lower() in ("set", "where"):
            changes = word.lower() == "set"
        elif changes and not equals:
            return [*said, f" Bad format on {word}: End your option with an '=' sign"]
        elif changes and not means(name.rstrip("+-"), CHANGES[entity]):
            said += [f" Unknown option: {word}", OPTION]
        elif changes and (bad := _bad_number(name, word.partition("=")[2])):
            said += [f"{program}: error: Invalid value for {bad}", f" Unknown option: {word}", OPTION]
        elif equals and not changes and not means(name.rstrip("+-"), CONDITIONS[entity]):
            said += [f" Unknown condition: {word}", " Use keyword 'set' to modify value"]
    return said


def _bad_number(name: str, value: str) -> str:
    """`MaxJobs (x)` for a value that begins with no number; "" for one that does, and for the share of the account."""
    told = next((told for names, told in NUMBERS.items() if means(name, names)), "")
    is_number = not value or leading_number(value)[1] != value or (told == "FairShare" and value.lower() == "parent")
    return "" if is_number or not told else f"{told} ({value})"
