"""The accounts of a fleet as Slurm's accounting has them: a tree of accounts, and of users in them."""

from __future__ import annotations

from mini_slurm.model.fleet import NO_LIMITS, NORMAL, Limits
from mini_slurm.model.fleet import Association as Entry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.model.fleet import Fleet

ROOT = "root"  # the account that all others are in, and its user


class Association:
    """An account, or a user in an account; `left` and `right` number the tree's edges in the order of a walk."""

    __slots__ = (
        "account",
        "children",
        "is_default",
        "left",
        "limits",
        "number",
        "own_qos",
        "parent",
        "qos",
        "right",
        "shares",
        "user",
    )

    def __init__(self, account: str, user: str = "", parent: Association | None = None) -> None:
        self.account = account
        self.user = user  # "": the account itself
        self.parent = parent
        self.is_default = False  # is the account its user's own?
        self.qos: tuple[str, ...] = ()
        self.own_qos: tuple[str, ...] = ()  # without what everybody has
        self.shares = 1
        self.limits = NO_LIMITS
        self.children: list[Association] = []
        self.number = self.left = self.right = 0
        if parent is not None:
            parent.children.append(self)

    @property
    def depth(self) -> int:
        """How far it is from the root."""
        return 0 if self.parent is None else self.parent.depth + 1


def tree(fleet: Fleet) -> list[Association]:
    """All of them, in the order in which Slurm lists them: users before accounts, each by name."""
    root = Association(ROOT)
    _add_user(root, ROOT, Entry(default=True))
    for name, users in sorted(fleet.accounts.items()):
        account = root if name == ROOT else Association(name, parent=root)
        whole = fleet.whole_accounts.get(name, Entry())
        account.shares, account.limits = whole.shares, whole.limits
        for user, may in sorted(users.items()):
            _add_user(account, user, may._replace(default=may.default or _is_only(fleet, name, user)))
    found = list(_walk(root))
    numbers = {(ROOT, ""): 1, (ROOT, ROOT): 2}
    numbers |= {(name, ""): number for number, name in enumerate(fleet.accounts, start=3)}
    numbers |= {(name or ROOT, user): number for (name, user), number in fleet.association_numbers().items()}
    root.own_qos = (NORMAL,)
    for one in found:
        one.number = numbers[one.account, one.user]
        one.qos = one.own_qos or (NORMAL,)
    _number_edges(root, 1)
    return found


def _add_user(account: Association, user: str, may: Entry) -> None:
    one = Association(account.account, user, account)
    one.own_qos, one.is_default, one.shares = may.qos, may.default, may.shares
    one.limits = inherited(may.limits, account.limits)


def inherited(own: Limits, of_account: Limits) -> Limits:
    """A user's limits, with those of the account that hold for each of its users."""
    return own._replace(
        max_jobs=of_account.max_jobs if own.max_jobs is None else own.max_jobs,
        max_submit_jobs=of_account.max_submit_jobs if own.max_submit_jobs is None else own.max_submit_jobs,
        max_tres={**of_account.max_tres, **own.max_tres},
        max_wall=of_account.max_wall if own.max_wall is None else own.max_wall,
    )


def _is_only(fleet: Fleet, account: str, user: str) -> bool:
    """Where no account is said to be a user's own, the first one is."""
    own = {name: users[user] for name, users in fleet.accounts.items() if user in users}
    return not any(one.default for one in own.values()) and next(iter(own)) == account


def _walk(one: Association) -> list[Association]:
    children = sorted(one.children, key=lambda child: (not child.user, child.user or child.account))
    return [one, *(found for child in children for found in _walk(child))]


def _number_edges(one: Association, edge: int) -> int:
    one.left = edge
    for child in sorted(one.children, key=lambda child: -child.number):  # Slurm puts new ones before the others
        edge = _number_edges(child, edge + 1)
    one.right = edge + 1
    return one.right
