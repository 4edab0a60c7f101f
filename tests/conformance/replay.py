"""scripts/test-conformance: play recorded cases of a real Slurm on a testbed, and say how many agree.

Needs root: it makes accounts and machines (namespaces with an sshd each) and takes them away again.
"""

from __future__ import annotations

import argparse
import difflib
import json
import re
import signal
import sys
from collections.abc import Sequence

from tests.conformance import place
from tests.conformance.cases import Agreed, Case, agreed, differences, load, waived, write_agreed
from tests.conformance.run import Result, percentages, play


def main() -> int:
    """Play what was chosen; 1 when a case that agreed before does not agree any more."""
    options = read(sys.argv[1:])
    chosen = [case for case in load() if re.search(options.only, case["id"]) or re.search(options.only, case["topic"])]
    if options.list:
        print(*(f"{case['id']} {case['topic']} - {case['about']}" for case in chosen), sep="\n")
        return 0
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    if reason := place.missing():
        print(f"scripts/test-conformance: {reason}", file=sys.stderr)
        return 2
    results, left_out = _play(options, chosen)
    print(*percentages(results), sep="\n")
    if options.topics:
        print(*percentages(results, lambda case: str(case["topic"])), sep="\n")
    print(f"left out: {left_out['waived']} without one answer, {left_out['users']} of other users")
    lost = sorted({result.case["id"] for result in results if not result.agrees} & agreed().keys())
    if options.update:
        _update(results)
    if lost:
        print("agreed before, but not now:", *lost)
    return 1 if lost else 0


def read(arguments: Sequence[str]) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(prog="scripts/test-conformance", description=__doc__)
    parser.add_argument("only", nargs="?", default="", metavar="REGEX", help="cases whose id or topic match; else all")
    parser.add_argument("--beds", type=int, default=3, help="testbeds to play on at once (default: 3)")
    parser.add_argument("--tries", type=int, default=3, help="times that a case may be played (default: 3)")
    parser.add_argument("--limit", type=float, default=120, help="seconds that a case may take (default: 120)")
    parser.add_argument("--report", type=argparse.FileType("w"), help="write a JSON line for each case to this file")
    parser.add_argument("--update", action="store_true", help="write agreed.txt anew from what agrees")
    parser.add_argument("--topics", action="store_true", help="percentages for each topic, too")
    parser.add_argument("--list", action="store_true", help="only list the cases")
    parser.add_argument("-v", "--verbose", action="store_true", help="show in what cases do not agree")
    return parser.parse_args(arguments)


def _play(options: argparse.Namespace, chosen: Sequence[Case]) -> tuple[list[Result], dict[str, int]]:
    expected = {row.id: row.seconds for row in agreed().values()}
    unstable, apart = waived(), differences()

    def tell(result: Result) -> None:
        if options.report:
            print(json.dumps(_row(result)), file=options.report, flush=True)
        if options.verbose and not result.agrees:
            print(describe(result, apart.get(result.case["id"], "")), flush=True)

    with place.players(options.beds, options.limit) as players:
        todo = [case for case in chosen if case["id"] not in unstable and players[0].can_play(case)]
        results = play(players, todo, tries=options.tries, expected=expected, tell=tell)
    count = sum(case["id"] in unstable for case in chosen)
    return results, {"waived": count, "users": len(chosen) - len(todo) - count}


def _row(result: Result) -> dict[str, object]:
    case = result.case
    return {
        "id": case["id"],
        "topic": case["topic"],
        "agree": result.agrees,
        "seconds": round(result.seconds, 1),
        "tries": result.tries,
        "differences": result.differences,
    }


def describe(result: Result, reason: str = "") -> str:
    """In what a case does not agree."""
    case = result.case
    lines = [f"--- {case['id']} [{case['topic']}] {case['about']}" + (f" (differs: {reason})" if reason else "")]
    lines += [f"    setup: {line}" for line in case.get("setup", [])]
    for what, recorded, now in result.differences:
        texts = [[] if text is None else str(text).splitlines() or ["(empty)"] for text in (recorded, now)]
        diff = list(difflib.unified_diff(*texts, "recorded", "now", lineterm="", n=1))[2:]
        lines += [f"  {what}", *(f"    {line}" for line in diff)]
    return "\n".join(lines)


def _update(results: Sequence[Result]) -> None:
    """What was not played now stays as it is."""
    rows = agreed()
    for result in results:
        name = result.case["id"]
        rows.pop(name, None)
        if result.agrees:
            rows[name] = Agreed(name, result.seconds)
    write_agreed(rows.values())


if __name__ == "__main__":
    sys.exit(main())
