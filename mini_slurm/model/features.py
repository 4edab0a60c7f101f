"""Feature expressions of --constraint: `ib&skylake`, `(ib|skylake)&a100`, `[rack1|rack2]`, `ib*4` (sbatch(1)).

Slurm reads them from left to right: no operator binds stronger than another, parentheses hold together.
"""

from __future__ import annotations

from functools import lru_cache

from mini_slurm.model.numbers import leading_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

AND, OR, LAST = "&", "|", ""
ONE_OF, SOME_OF_EACH = "[|]", "[&]"  # what the operators mean within square brackets
IN_BRACKETS = (ONE_OF, SOME_OF_EACH)


class Term:
    """One feature of an expression, and what stands after it."""

    __slots__ = ("count", "name", "operator", "paren")

    def __init__(self, name: str, operator: str, count: int, paren: bool) -> None:
        self.name = name
        self.operator = operator  # one of those above
        self.count = count  # machines that have to have it; 0: not said
        self.paren = paren  # does its operator stand in parentheses?


@lru_cache(maxsize=1024)
def parse(expression: str) -> tuple[Term, ...]:
    """The features in their order. Raises ValueError where Slurm sees a mistake."""
    terms = tuple(_Reader(expression.replace(",", AND)).terms())
    before = LAST
    for term in terms:
        kind = term.operator if term.operator in IN_BRACKETS else before
        if kind in IN_BRACKETS and bool(term.count) != (kind == SOME_OF_EACH):
            raise _bad(expression)
        before = term.operator
    return terms


def _bad(expression: str) -> ValueError:
    return ValueError(f"not an expression of features: {expression!r}")


class _Reader:
    """Takes an expression apart."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.paren = self.bracket = self.had_bracket = False
        self.name = ""
        self.count = 0
        self.is_named = False  # is the name complete?

    def terms(self) -> Iterator[Term]:
        """Every feature. Raises ValueError."""
        while self.position < len(self.text):
            letter = self.text[self.position]
            self.position += 1
            if letter in (AND, OR):
                yield self.term(letter)
            elif letter in "[(":
                self.open(letter)
            elif letter in "])":
                self.close(letter)
            elif letter == "*":
                self.read_count()
            elif not self.is_named:
                self.name += letter
        self.need(not (self.paren or self.bracket))
        if self.name:
            yield self.term(LAST)

    def term(self, operator: str) -> Term:
        """The feature that ends here."""
        self.need(bool(self.name))
        if operator and self.bracket and not self.paren:
            operator = ONE_OF if operator == OR else SOME_OF_EACH
        term = Term(self.name, operator, self.count, self.paren)
        self.name, self.count, self.is_named = "", 0, False
        return term

    def open(self, letter: str) -> None:
        """Not within a name nor within another bracket of its kind, and only one pair is square."""
        self.need(not self.name)
        if letter == "(":
            self.need(not self.paren)
            self.paren = True
        else:
            self.need(not self.had_bracket)
            self.bracket = self.had_bracket = True

    def close(self, letter: str) -> None:
        """A bracket closes after a name."""
        self.need(bool(self.name) and (self.paren if letter == ")" else self.bracket))
        self.is_named = True
        if letter == ")":
            self.paren = False
        else:
            self.bracket = False

    def read_count(self) -> None:
        """The number after `*`."""
        self.need(bool(self.name) and not self.paren)
        self.is_named = True
        self.count, rest = leading_number(self.text[self.position :])
        self.need(self.count > 0)
        self.position = len(self.text) - len(rest)

    def need(self, condition: bool) -> None:
        """Slurm refuses the expression otherwise."""
        if not condition:
            raise _bad(self.text)


def matches(expression: str, features: tuple[str, ...]) -> bool:
    """May a machine with these features be used? Of features with counts in brackets it has to have one.

    A count without brackets says how many of the machines have the feature; the others may be any.
    """
    terms = parse(expression)
    if any(term.count for term in terms):
        is_open = not any(term.operator in IN_BRACKETS for term in terms)
        return is_open or any(term.name in features for term in terms)
    return _holds(terms, features)


def one_of(expression: str) -> tuple[str, ...]:
    """The features of which all machines of a job have to have the same one: `[rack1|rack2]`."""
    found, before = [], LAST
    for term in parse(expression):
        if ONE_OF in (term.operator, before):
            found.append(term.name)
        before = term.operator
    return tuple(found)


def counted(expression: str) -> tuple[tuple[str, int], ...]:
    """How many of a job's machines have to have which feature: `[rack1*2&rack2*1]`, `ib*4`."""
    return tuple((term.name, term.count) for term in parse(expression) if term.count)


def shares_machines(expression: str | None) -> bool:
    """Does a machine count for several of them? As in Slurm, all do without brackets, and none within."""
    return expression is not None and not any(term.operator in IN_BRACKETS for term in parse(expression))


def least_machines(expression: str | None) -> int:
    """How many machines the counts ask for together."""
    counts = [count for _, count in counted(expression)] if expression is not None else []
    return max(counts, default=0) if shares_machines(expression) else sum(counts)


def are_met(expression: str, machines: Sequence[tuple[str, ...]]) -> bool:
    """Do machines with these features have together what the expression asks for?"""
    enough = all(sum(name in one for one in machines) >= count for name, count in counted(expression))
    same = one_of(expression)
    is_one = not same or any(all(name in one for one in machines) for name in same)
    return enough and is_one and all(matches(expression, one) for one in machines)


def _holds(terms: tuple[Term, ...], features: tuple[str, ...]) -> bool:
    outside, inside, operator, outer, in_parens = True, True, AND, AND, False
    choices = []  # of square brackets, one is enough
    for term in terms:
        if term.paren and not in_parens:
            outside, inside, outer, operator, in_parens = inside, True, operator, AND, True
        found = term.name in features
        if term.operator in IN_BRACKETS or operator in IN_BRACKETS:
            choices.append(found)
        elif operator in (AND, LAST):
            inside = inside and found
        else:
            inside = inside or found
        if in_parens and not term.paren:
            inside = (outside or inside) if outer == OR else (outside and inside)
            in_parens = False
        operator = term.operator
    return inside and (not choices or any(choices))


def named(expression: str) -> frozenset[str]:
    """Every feature that the expression names. Raises ValueError."""
    return frozenset(term.name for term in parse(expression))
