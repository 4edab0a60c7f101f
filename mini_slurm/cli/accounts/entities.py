"""What sacctmgr lists: a row for each kind of thing. To add one: a row, and its records and values in `output`."""

from __future__ import annotations

from mini_slurm.cli.accounts.refused import DENIED, NO_PRIVILEGE
from mini_slurm.cli.conditions import Condition, conditions
from mini_slurm.model.abbreviations import Names
from mini_slurm.output import manager_records as records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mini_slurm.cli.conditions import Wish
    from mini_slurm.model.fleet import Fleet
    from mini_slurm.output.layout import Value

    Records = Callable[[Fleet, Wish], list[records.Record]]

NONE: Mapping[str, Value] = {}
ASSOCIATION_COLUMNS = (
    "Share,Priority,GrpJ,GrpTRES,GrpS,GrpWall,GrpTRESMins,MaxJ,MaxTRES,MaxTRESPerN,MaxS,MaxW,MaxTRESMins,QOS,"
    "DefaultQOS,GrpTRESRunMins"
)
# words without an equals sign that are no names; each kind of thing has its own
SWITCHES = {
    "associations": "WithAssoc:5", "coordinators": "WithCoordinators:5", "deleted": "WithDeleted:5",
    "raw": "WithRawQOSLevel:5", "children": "WithSubAccounts:5", "federation": "WithFed:5",
    "clusters": "WithClusters:5",
    "plain": "WOPLimits:4", "own": "WOPInfo:4", "bare": "WOLimits:3", "defaults": "OnlyDefaults:2", "tree": "Tree:4",
}  # fmt: skip
FILLERS = (Condition("where:5", ""), Condition("set:3", ""))
OF_NAMES = ("associations", "coordinators", "deleted", "raw", "plain")  # of users and accounts
GROUP_LIMITS = "GrpJ,GrpN,GrpCPUs,GrpMEM,GrpS,GrpWall,GrpCPUMins"
LIMITS = "MaxJ,MaxN,MaxCPUs,MaxS,MaxW,MaxCPUMins,QOS,DefaultQOS"


class Entity:
    """One row; `more` are the columns that a switch adds, "" being the absence of all switches."""

    __slots__ = ("advice", "bare", "columns", "conditions", "denied", "more", "names", "number", "once", "records",
                 "switches", "values")  # fmt: skip

    def __init__(
        self, names: str, columns: str, known: str = "", *, bare: str = "name",
        more: Mapping[str, str] | None = None, records: Records | None = None, values: Mapping[str, Value] = NONE,
        switches: Sequence[str] = (), advice: str = "value", denied: str = "",
        number: str = "", once: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self.names = Names(names)
        self.columns = columns
        self.conditions: Sequence[Condition] = conditions(known)
        self.bare = bare  # what a word without equals sign names
        self.more = more or {}
        self.records = records or _nothing
        self.values = values
        self.advice = advice  # what Slurm advises to modify with `set`, where a condition is unknown; "": nothing
        self.number = number  # the name of its numbers, which have to be some; "" where anything may be asked for
        self.once = once  # where words may not name again what was named before
        self.denied = denied  # what it says to an ordinary user
        self.switches = [*(Condition(SWITCHES[one], one) for one in switches), *FILLERS]

    def chosen(self, wish: Wish) -> list[str]:
        """The columns that are shown."""
        if wish.columns:
            return wish.columns
        switches = wish.switches if wish.switches & {"plain", "bare"} else {"", *wish.switches}
        added = [columns for switch, columns in self.more.items() if switch in switches]
        return ",".join([self.columns, *added]).split(",")


def _nothing(fleet: Fleet, wish: Wish) -> list[records.Record]:
    return []


def _users(fleet: Fleet, wish: Wish) -> list[records.Record]:
    """Of a level its first letter counts; what is none does not."""
    level = _LEVELS.get(wish.texts.get("-level", "").lower()[:1], "")
    found = records.users(fleet, apart="associations" in wish.switches)
    if "associations" not in wish.switches:
        found = records.beside(found, wish.names, ("account", "partition", "qos"))
    return [one for one in found if not level or one.keys["level"] == level]


_LEVELS = {"n": "none", "o": "operator", "s": "administrator", "a": "administrator"}


def _associations(fleet: Fleet, wish: Wish) -> list[records.Record]:
    switches = wish.switches
    return records.associations(
        fleet, own="own" in switches, defaults="defaults" in switches, whole="children" in switches
    )


def _qualities(fleet: Fleet, wish: Wish) -> list[records.Record]:
    """In the order of their numbers, by name where names were given; each has the preemption mode that is off."""
    found = records.qualities(fleet)
    if "name" in wish.names:
        found.sort(key=lambda one: one.keys["name"])
    mode = wish.texts.get("-mode", "").lower()
    return [one for one in found if mode in ("", "off") or one.keys["preemption"] == mode]


def _clusters(fleet: Fleet, wish: Wish) -> list[records.Record]:
    """A fleet is of no class; what is no class is not looked for."""
    return [] if wish.texts.get("-class", "").lower().startswith("cap") else records.clusters(fleet)


def _accounts(fleet: Fleet, wish: Wish) -> list[records.Record]:
    return records.accounts(fleet, apart="associations" in wish.switches)


# fmt: off
ENTITIES = (
    Entity("Accounts:2 Acct:4", "Acc,Des,O",
           "Names:1 Accounts:1 Acct:4 Descriptions:1 Organizations:1=name;Clusters:1=cluster;Parents:1=parent",
           more={"associations": f"Cl,ParentN,U,Share,Priority,{GROUP_LIMITS},{LIMITS}", "coordinators": "Coord"},
           records=_accounts, values=records.ACCOUNT, switches=OF_NAMES),
    Entity("Associations:2", "Cluster,Account,User,Part",
           "Accounts:2 Acct:4=account;Ids:1 Associations:2=id;Clusters:1=cluster;Users:1=user;Parents:4=parent;"
           "Partitions:3=partition;QosLevel:1=qos;DefaultQOS:8=defaultqos",
           bare="id", advice="", number="AssocId", more={"": ASSOCIATION_COLUMNS},
           records=_associations, values=records.ASSOCIATION,
           switches=("tree", "deleted", "raw", "children", "own", "plain", "bare", "defaults")),
    Entity("Clusters:2", "Cl,Controlh,Controlp,RPC",
           "Names:1 Clusters:3=cluster;Classification:3=-class;Flags:2=;PluginIDSelect:1=;RPC:1=rpc",
           bare="cluster",
           more={"": "Fa,GrpJ,GrpTRES,GrpS,MaxJ,MaxTRES,MaxS,MaxW,QOS,DefaultQOS",
                 "federation": "Federation,ID,Features,FedState"},
           records=_clusters, values=records.CLUSTER,
           switches=("federation", "bare", "deleted")),
    Entity("Events:1", "Cluster,NodeName,Start,End,State,Reason,User",
           "Clusters:1=;End:1=;Events:1=;Nodes:1=;Reason:1=;Start:1=;States:4=;User:1=;MinCPUs:2=;MaxCPUs:2=",
           advice=""),
    Entity("Federation:1", "Federation,Cluster,ID%2,Features,FedState", "Names:1=name"),
    Entity("Problems:1", "Cl,Acct,User,Problem", "Accounts:2 Acct:4=;Clusters:1=;Users:1=", advice="",
           denied=DENIED),
    Entity("QOS:1", "Name,Prio,GraceT,Preempt,PreemptE,PreemptM,Flags%40,UsageThres,UsageFactor,GrpTRES,GrpTRESMins,"
           "GrpTRESRunMins,GrpJ,GrpS,GrpW,MaxTRES,MaxTRESPerN,MaxTRESMins,MaxW,MaxTRESPerUser,MaxJobsPerUser,"
           "MaxSubmitJobsPerUser,MaxTRESPerAcct,MaxJobsPerAcct,MaxSubmitJobsPerAcct,MinTRES",
           "Names:1 QOSLevel:1=name;Clusters:1=;Descriptions:1=description;Ids:1=id;PreemptMode:8=-mode",
           records=_qualities, values=records.QUALITY, switches=("deleted",), advice="SLURM_PRINT_VALUE",
           number="QOS ID"),
    Entity("Resource:4", "Name,Server,Type,Count,Allocated,ServerType", "Names:1=name;Clusters:1=;Ids:1=id",
           more={"clusters": "Cluster,Allowed"}, switches=("clusters",), advice="SLURM_PRINT_VALUE"),
    Entity("Reservations:4 Resv:4", "Cluster,Name%15,TRES%30,TimeStart,TimeEnd,Unused",
           "Names:1=name;Clusters:1=;Nodes:1=;Start:5=;End:5=;Ids:1=id"),
    Entity("Transactions:1 Txn:1", "Time,Action,Actor,Where,Info",
           "Accounts:3 Acct:4=;Actions:4=;Actors:4=;Clusters:3=;End:1=;Ids:1=;Info:2=;Start:1=;Users:1=",
           advice=""),
    Entity("Users:1", "U,DefaultA,Ad",
           "Names:1 Users:1=name;AdminLevel:2=-level;Clusters:1=cluster;DefaultAccount:8=default;"
           "Accounts:2 Acct:4=account;Partitions:4=partition;QosLevel:1=qos",
           more={"associations": f"Cl,Acc,Part,Share,Priority,{LIMITS}", "coordinators": "Coord"},
           records=_users, values=records.USER, switches=OF_NAMES, once=("name", "default")),
    Entity("WCKeys:1", "WCKeys,Cluster,User", "Clusters:1=;Ids:1=;Names:1=;Users:1=", advice="",
           denied=NO_PRIVILEGE),
    Entity("tres:2", "Type,Name%15,ID", "Type:2=type;Names:1=name;Ids:1=id", bare="type",
           records=lambda fleet, wish: records.resources(), values=records.RESOURCE, switches=("deleted",)),
)
# fmt: on
