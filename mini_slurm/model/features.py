"""Feature expressions of --constraint: `ib&skylake|a100` (sbatch(1))."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=1024)
def alternatives(expression: str) -> tuple[frozenset[str], ...]:
    """The sets of features of which one has to be there whole; `|` binds weaker than `&`; empty words are nothing."""
    return tuple(frozenset(word.strip() for word in part.split("&") if word.strip()) for part in expression.split("|"))


def matches(expression: str, features: tuple[str, ...]) -> bool:
    """Does a machine with these features satisfy the expression?"""
    return any(wanted <= set(features) for wanted in alternatives(expression))


def named(expression: str) -> frozenset[str]:
    """Every feature that the expression names."""
    return frozenset().union(*alternatives(expression))
