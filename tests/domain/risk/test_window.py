"""What happened within the last stretch of time, exactly."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from domain.risk.window import SPARE, Window


def test_a_window_holds_its_end_and_not_its_beginning() -> None:
    """Given something at 100 and a length of 10, then it counts from 100 to 109 and not at 110."""
    for now, n in ((100, 1), (109, 1), (110, 0)):
        window = Window()
        window.add(100, 10)
        assert window.count(now, 10) == n


def test_each_of_several_at_the_same_time_counts() -> None:
    """Given three at once and one later, then all four count, then the last alone."""
    window = Window()
    for now in (5, 5, 5, 8):
        window.add(now, 10)
    assert window.count(14, 10) == 4
    assert window.count(15, 10) == 1


def test_what_no_longer_counts_is_forgotten() -> None:
    """Given ten thousand one after the other and a length of three, then three count at any time, and as many and some to spare are held."""
    window = Window()
    most = 0
    for now in range(10_000):
        window.add(now, 3)
        assert window.count(now, 3) == min(now + 1, 3)
        assert window.times == list(range(max(0, now - 2), now + 1))
        most = max(most, len(window._times))
    assert most == SPARE + 2 + 3


def test_a_cleared_window_starts_anew() -> None:
    """Given some that count and some that do not any more, when all are forgotten, then the next one is the first."""
    window = Window()
    for now in (1, 2, 3, 20):
        window.add(now, 5)
    assert window.count(20, 5) == 1
    window.clear()
    assert window.count(20, 5) == 0
    window.add(21, 5)
    assert (window.count(21, 5), window.times) == (1, [21])


def test_a_changed_length_reads_what_is_still_known() -> None:
    """Given two counted by a length of 10, when the length is 3, then the younger counts; what was forgotten does not come back."""
    window = Window()
    window.add(100, 10)
    window.add(105, 10)
    assert window.count(107, 3) == 1
    assert window.count(107, 10) == 1


def test_time_that_runs_backwards_stands_still() -> None:
    """Given one at 100, when it is suddenly 50, then it still counts, and another counts as if at 100."""
    window = Window()
    window.add(100, 10)
    assert window.count(50, 10) == 1
    window.add(50, 10)
    assert window.latest == 100
    assert window.count(109, 10) == 2
    assert window.count(110, 10) == 0


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), max_size=60), st.integers(1, 20))
def test_a_window_agrees_with_counting_everything(steps: list[tuple[int, bool]], length: int) -> None:
    """Given random times, then at each of them the count is that of all times in (now - length, now]."""
    window = Window()
    now, every = 0, []
    for step, happens in steps:
        now += step
        if happens:
            every.append(now)
            window.add(now, length)
        assert window.count(now, length) == sum(now - length < t <= now for t in every)
