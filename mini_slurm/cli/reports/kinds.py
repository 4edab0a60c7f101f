"""The reports that sreport knows, a row for each. To add one: a row, and its lines in `output`."""

from __future__ import annotations

from mini_slurm.cli.conditions import Condition, conditions
from mini_slurm.model.abbreviations import Names
from mini_slurm.output import reports
from mini_slurm.output.report_fields import CLUSTER_ROWS, JOB_ROWS, RESERVATION_ROWS, TREE_WIDTH, USER_ROWS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mini_slurm.output.report_fields import Line

    Lines = Callable[[reports.Books], list[Line]]

PERIOD = "Clusters:1=cluster;End:1=end;Start:1=start"
WHOSE = f"Users:1=user;Accounts:2 Acct:4=account;{PERIOD}"
WCKEY = f"WCKeys:3=wckey;User:1=user;{PERIOD}"
JOBS = (
    f"{PERIOD};Accounts:2 Acct:4=account;Associations:2=;Gid:2=gid;Grouping:2=grouping;Jobs:1=job;Nodes:1=node;"
    "Partitions:2=partition;Users:1=user;Wckeys:2=wckey"
)
SWITCHES = {"All_Clusters:1": "all", "Tree:4": "tree", "Group:1": "group", "WithDeleted:5": ""}
JOB_SWITCHES = {"All_Clusters:1": "all", "AcctAsParent:2": "parent", "PrintJobCount:2": "count", "FlatView:2": "flat"}


class Report:
    """One row; `more` are the columns where resources are asked for by name. Some reports never have a line."""

    __slots__ = ("bare", "columns", "conditions", "lines", "more", "names", "rows", "switches", "title")

    def __init__(
        self, names: str, title: str, columns: str, more: str, known: str, bare: str, lines: Lines,
        rows: Sequence[tuple[str, str, int]] = CLUSTER_ROWS,
    ) -> None:  # fmt: skip
        self.names = Names(names)
        self.title = title  # {top} users, {seconds} of the period where they are told
        self.columns = columns
        self.more = more
        self.conditions = conditions(known)
        switches = JOB_SWITCHES if rows is JOB_ROWS else SWITCHES
        self.switches = [Condition(name, key) for name, key in switches.items()]
        self.bare = bare
        self.lines = lines
        self.rows = rows

    def shown(self, *, tree: bool) -> Sequence[tuple[str, str, int]]:
        """The columns it can have."""
        if not tree:
            return self.rows
        return [(names, header, TREE_WIDTH if header == "Account" else width) for names, header, width in self.rows]


def _none(books: reports.Books) -> list[Line]:
    """Neither reservations nor workload keys are kept."""
    return []


# fmt: off
UTILIZATION = Report(
    "Utilization:2", "Cluster Utilization {period}", "Cl,al,d,planned,i,res,rep", "Cl,TresName,al,d,planned,i,res,rep",
    PERIOD, "cluster", reports.utilization,
)
CLUSTER = (
    Report("AccountUtilizationByUser:1", "Cluster/Account/User Utilization {period} ({seconds} secs)",
           "Cluster,Ac,Login,Proper,Used,Energy", "Cluster,Ac,Login,Proper,TresName,Used", WHOSE, "user",
           reports.accounts_by_user),
    Report("UserUtilizationByAccount:18 UA:2", "Cluster/User/Account Utilization {period} ({seconds} secs)",
           "Cluster,Login,Proper,Ac,Used,Energy", "Cluster,Login,Proper,Ac,TresName,Used", WHOSE, "user",
           reports.users_by_account),
    Report("UserUtilizationByWckey:18 UW:2", "Cluster/User/WCKey Utilization {period} ({seconds} secs)",
           "Cluster,Login,Proper,WCkey,Used", "Cluster,Login,Proper,WCkey,TresName,Used", WCKEY, "wckey", _none),
    UTILIZATION,
    Report("WCKeyUtilizationByUser:1", "Cluster/WCKey/User Utilization {period} ({seconds} secs)",
           "Cluster,WCKey,Login,Proper,Used", "Cluster,WCKey,Login,Proper,TresName,Used", WCKEY, "wckey", _none),
)
SIZES_BY_ACCOUNT = Report(
    "SizesByAccount:1", "Job Sizes {period} ({seconds} secs)", "Cl,a", "Cl,a", JOBS, "cluster", _none, JOB_ROWS
)
JOB = (
    SIZES_BY_ACCOUNT,
    Report("SizesByWcKey:8", "Job Sizes by Wckey {period} ({seconds} secs)", "Cl,wc", "Cl,wc", JOBS, "cluster", _none,
           JOB_ROWS),
    Report("SizesByAccountAndWcKey:15", "Job Sizes {period} ({seconds} secs)", "Cl,a%-20", "Cl,a%-20", JOBS, "cluster",
           _none, JOB_ROWS),
)
USER = (
    Report("TopUsage:1", "Top {top} Users {period} ({seconds} secs)", "Cl,L,P,A,U,Energy", "Cl,L,P,A,TresName,Used",
           f"{WHOSE};TopCount:1=top", "user", reports.top_users, USER_ROWS),
)
RESERVATION = (
    Report("Utilization:1", "Reservation Utilization {period}",
           "Cl,name,start,end,TresName,al,i", "Cl,name,start,end,TresName,al,i",
           f"Names:1=name;{PERIOD};Flags:2=;Ids:1=;Nodes:1=", "name", _none, RESERVATION_ROWS),
)
KINDS = (
    ("cluster:2", CLUSTER, '"AccountUtilizationByUser", "UserUtilizationByAccount", '
     '"UserUtilizationByWckey", "Utilization", and "WCKeyUtilizationByUser"'),
    ("job:1", JOB, '"SizesByAccount, SizesByAccountAndWcKey, and  SizesByWckey"'),
    ("user:1", USER, '"Top"'),
    ("reservation:2 resv:2", RESERVATION, '"Utilization"'),
)
# fmt: on
