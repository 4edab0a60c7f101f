"""The lines of sreport's reports, from the books of the period."""

from __future__ import annotations

from mini_slurm.model.associations import tree
from mini_slurm.output import ledger
from mini_slurm.output.report_fields import Line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mini_slurm.model.associations import Association
    from mini_slurm.model.fleet import Fleet
    from mini_slurm.output.ledger import Amounts, Ledger

    Pair = tuple[str, str]


class Books:
    """What a report is made of."""

    def __init__(self, fleet: Fleet, books: Ledger, resources: Sequence[str]) -> None:
        self.fleet = fleet
        self.ledger = books
        self.resources = resources
        self.used = books.used  # by account and user, as far as it is asked for
        self.by_name = False  # the order of users
        self.is_tree = False
        self.joined = False  # all accounts of a user together
        self.most = 10  # users

    def keep(self, is_wanted: Callable[[str, str], bool]) -> None:
        """Only what these accounts and users have used is asked for."""
        self.used = {pair: amounts for pair, amounts in self.used.items() if is_wanted(*pair)}

    def lines(self, account: str, user: str, amounts: Amounts) -> list[Line]:
        """What somebody used, a line for each resource."""
        return [
            Line(self.fleet.name, resource, self._usage(resource, amounts), account=account, user=user)
            for resource in self.resources
        ]

    def _usage(self, resource: str, amounts: Amounts) -> Mapping[str, tuple[float, float]]:
        return {"Used": (amounts.get(resource, 0.0), self.ledger.reported(resource)), "Energy": (0.0, 0.0)}


def utilization(books: Books) -> list[Line]:
    """What all machines did."""
    found = []
    for resource in books.resources:
        whole = books.ledger.reported(resource)
        if whole:
            shares = books.ledger.shares(resource)
            usage = {header: (seconds, shares["Reported"]) for header, seconds in shares.items()}
            line = Line(books.fleet.name, resource, {**usage, "Reported": (shares["Reported"], whole)})
            line.count = books.ledger.capacity[resource]
            found.append(line)
    return found


def accounts_by_user(books: Books) -> list[Line]:
    """Each account with all below it, then its users."""
    used = dict(books.used)
    found = []
    for one in tree(books.fleet):
        amounts = ledger.total(_below(one, books.used))
        used.pop((one.account, one.user), None)
        if amounts:
            depth = one.depth if books.is_tree else 0
            found += books.lines(" " * depth + one.account, one.user, amounts)
    return [*found, *(line for pair, amounts in sorted(used.items()) for line in books.lines(*pair, amounts))]


def users_by_account(books: Books) -> list[Line]:
    """Each user in each account, in the order of the tree."""
    used = dict(books.used)
    known = [(one.account, one.user) for one in tree(books.fleet) if (one.account, one.user) in used]
    rest = sorted(set(used) - set(known))
    return [line for pair in (*known, *rest) for line in books.lines(*pair, used[pair])]


def top_users(books: Books) -> list[Line]:
    """Who has used most."""
    groups: dict[Pair, list[Pair]] = {}
    for account, user in sorted(books.used):
        groups.setdefault((user, "" if books.joined else account), []).append((account, user))
    totals = {pair: ledger.total(books.used[member] for member in members) for pair, members in groups.items()}
    first = books.resources[0]
    order = sorted(groups, key=lambda pair: (0.0 if books.by_name else -totals[pair].get(first, 0.0), pair))
    return [
        line
        for pair in order[: books.most]
        for line in books.lines(", ".join(account for account, _ in groups[pair]), pair[0], totals[pair])
    ]


def _below(one: Association, used: Mapping[Pair, Amounts]) -> list[Amounts]:
    """What was used here and in all accounts below."""
    if one.user:
        amounts = used.get((one.account, one.user))
        return [amounts] if amounts else []
    return [amounts for child in one.children for amounts in _below(child, used)]
