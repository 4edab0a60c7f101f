"""model/arrays.py."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_slurm.model import arrays


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("1-3", "1-3"),
        ("0-9:2", "0,2,4,6,8"),
        ("1,3,5", "1,3,5"),
        ("5", "5"),
        ("1-4%2", "1-4%2"),
        ("7,1-3", "1-3,7"),
        ("3,3,3", "3"),
        ("1-5:2,10", "1,3,5,10"),
        ("01-03", "1-3"),
        ("1-2%0", "1-2"),
        ("1,,2", "1-2"),
        ("1-3%", "1-3"),
        ("1-3%x", "1-3"),
        ("1000", "1000"),
        ("[1-3]", "1-3"),
        ("[1-3%2]", "1-3%2"),
        ("1-3,2-4", "1-4"),
        ("2-8:3", "2,5,8"),
        ("%2", "0%2"),
        ("+1- 3", "1-3"),
        ("[1]-3]:2]", "1,3"),
    ],
)
def test_an_expression_shows_as_squeue_shows_it(expression: str, shown: str) -> None:
    tasks, throttle, _ = arrays.parse(expression)
    assert arrays.format_tasks(tasks, throttle) == shown


@pytest.mark.parametrize(
    "expression",
    ["100-98", "1-", "-3", "1-3:0", "1;2", "1 2", "1000001", "1-3 ", "foo", "1:2", "²", "1-3:", "1-2-3"],
)
def test_a_broken_expression_is_refused(expression: str) -> None:
    with pytest.raises(ValueError):
        arrays.parse(expression)


@pytest.mark.parametrize(("expression", "step"), [("1-3", 1), ("3-9:3,20", 3), ("20,3-9:3", 3), ("0-9:2%4", 2)])
def test_the_step_is_the_first_that_is_written(expression: str, step: int) -> None:
    assert arrays.parse(expression)[2] == step


@pytest.mark.parametrize("expression", ["", ",", ",,"])
def test_commas_alone_name_no_task(expression: str) -> None:
    assert arrays.parse(expression) == ([], None, 1)


@given(st.text(alphabet="0123456789,-:%[]+ x", max_size=20))
def test_any_text_gives_tasks_or_an_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        tasks, throttle, _ = arrays.parse(text)
        assert all(0 <= task < arrays.LARGEST_ARRAY_SIZE for task in tasks)
        assert throttle is None or throttle > 0


TASKS = st.sets(st.integers(0, 1000), min_size=1, max_size=40).map(sorted)
THROTTLES = st.none() | st.integers(1, 50)


@given(TASKS, THROTTLES)
def test_a_text_says_which_tasks_it_came_from(tasks: list[int], throttle: int | None) -> None:
    text = arrays.format_tasks(tasks, throttle)
    assert (arrays.tasks_of(text), arrays.throttle_of(text)) == (tasks, throttle)
    assert arrays.parse(text)[:2] == (tasks, throttle)


@given(TASKS, THROTTLES)
def test_tasks_are_split_off_one_by_one(tasks: list[int], throttle: int | None) -> None:
    rest: str | None = arrays.format_tasks(tasks, throttle)
    taken = []
    while rest is not None:
        assert arrays.throttle_of(rest) == throttle
        task, rest = arrays.split_first(rest)
        taken.append(task)
    assert taken == tasks


@given(TASKS, THROTTLES, st.integers(0, 1000))
def test_one_task_can_be_taken_out(tasks: list[int], throttle: int | None, task: int) -> None:
    left = [other for other in tasks if other != task]
    expected = arrays.format_tasks(left, throttle) if left else None
    assert arrays.without(arrays.format_tasks(tasks, throttle), task) == expected
