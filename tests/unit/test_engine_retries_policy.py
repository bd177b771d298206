"""When a failure is tried again."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altwright.domain.retry_policy import POLICIES, RETRY_AFTER_MOST_S, Backoff
from altwright.errors import Category


def test_every_category_has_a_policy() -> None:
    """A new category can't be forgotten."""
    assert set(POLICIES) == set(Category)


def test_only_a_persons_faults_arent_retried() -> None:
    """Wrong credentials and wrong input don't heal by themselves."""
    final = {one for one, policy in POLICIES.items() if not policy.retried}
    assert final == {
        Category.AUTHENTICATION,
        Category.BAD_INPUT,
        Category.CONFIGURATION,
        Category.CORRUPT,
        Category.REVIEW,
    }


@pytest.mark.req("6.1", "configurable, with jitter")
@given(
    category=st.sampled_from(sorted(Category)),
    failures=st.integers(1, 30),
    seed=st.integers(),
)
def test_delays_grow_within_their_bounds(category: Category, failures: int, seed: int) -> None:
    """Each retry waits as long as the one before or longer, jitter aside, and not for ever."""
    backoff = Backoff()
    steady = Backoff(jitter=0)
    random = Random(seed)  # noqa: S311 - a seed, no secret
    delay = backoff.delay_s(category, failures, None, random)
    exact = steady.delay_s(category, failures, None, random)
    assert 0.9 * exact <= delay <= 1.1 * exact
    assert exact <= steady.delay_s(category, failures + 1, None, random)
    assert exact <= backoff.longest_s


@pytest.mark.req("6.1", "Retry-After wins")
@given(retry_in_s=st.floats(allow_nan=False, allow_infinity=True), seed=st.integers())
def test_a_servers_word_wins_within_reason(retry_in_s: float, seed: int) -> None:
    """Retry-After is kept to, never undercut, and never more than a day."""
    random = Random(seed)  # noqa: S311 - a seed, no secret
    delay = Backoff().delay_s(Category.RATE_LIMIT, 1, retry_in_s, random)
    assert max(0.0, min(retry_in_s, RETRY_AFTER_MOST_S)) <= delay <= 1.1 * RETRY_AFTER_MOST_S
