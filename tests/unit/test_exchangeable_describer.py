"""A describer that is exchanged while it describes: the old one ends with its last picture."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from altwright.describers.abilities import Abilities
from altwright.describers.exchangeable import ExchangeableDescriber
from altwright.describers.port import Describer, Description, Picture, Request

PICTURE = Picture(b"", "image/png", 1, 1)


class Slow(Describer):
    """Begins with a picture, and ends when the test lets it."""

    name = "slow"
    abilities = Abilities()

    def __init__(self, model: str) -> None:
        """Take a name to be told by."""
        self.model = model
        self.began, self.may_end = threading.Event(), threading.Event()
        self.closed = 0

    def describe(self, picture: Picture, request: Request) -> Description:
        """Wait, and say who it was."""
        self.began.set()
        self.may_end.wait()
        if self.model == "broken":
            raise ZeroDivisionError
        return Description("A cat.", self.name, self.model)

    def probe(self) -> str:
        """Say who it is."""
        return self.model

    def close(self) -> None:
        """Count."""
        self.closed += 1


@pytest.mark.parametrize("model", ["broken", "whole"])
def test_one_that_was_exchanged_is_closed_when_its_last_picture_is_done(model: str) -> None:
    """Not before, however that ends; the others go on with the new one at once."""
    old, new = Slow(model), Slow("new")
    new.may_end.set()
    exchangeable = ExchangeableDescriber({1: lambda: old})
    with ThreadPoolExecutor(2) as threads:
        both = [threads.submit(exchangeable.describe, PICTURE, Request()) for _ in range(2)]
        old.began.wait()
        exchangeable.use({2: lambda: new})
        assert exchangeable.describe(PICTURE, Request()).model == "new"
        assert (exchangeable.model, exchangeable.probe(), old.closed) == ("new", "new", 0)
        old.may_end.set()
        for one in both:
            assert one.exception() or one.result().model in {"whole", "new"}
    assert (old.closed, new.closed) == (1, 0)
    exchangeable.close()
    assert (old.closed, new.closed) == (1, 1)


def test_one_that_nobody_uses_is_closed_at_once_and_none_is_kept() -> None:
    """To and fro a hundred times: each is made once, closed once, and no two are there."""
    made: list[Slow] = []

    def make() -> Slow:
        made.append(Slow(str(len(made))))
        return made[-1]

    exchangeable = ExchangeableDescriber({0: make})
    for number in range(1, 101):
        exchangeable.use({number % 2: make})
        exchangeable.use({number % 2: make})
    assert len(made) == 101
    assert [one.closed for one in made] == [1] * 100 + [0]
    assert exchangeable.probe() == "100"


def test_what_still_describes_at_the_end_is_closed_too() -> None:
    """A process that ends waits for no picture of a describer of before."""
    old = Slow("old")
    exchangeable = ExchangeableDescriber({1: lambda: old})
    with ThreadPoolExecutor(1) as thread:
        picture = thread.submit(exchangeable.describe, PICTURE, Request())
        old.began.wait()
        exchangeable.use({2: lambda: Slow("new")})
        exchangeable.close()
        assert old.closed == 1
        old.may_end.set()
        assert picture.result().model == "old"


def test_one_that_stays_in_the_order_stays_as_it_is() -> None:
    """Only the others are made and closed."""
    stays, goes, comes = Slow("stays"), Slow("goes"), Slow("comes")
    exchangeable = ExchangeableDescriber({1: lambda: goes, 2: lambda: stays})
    exchangeable.use({2: lambda: Slow("another"), 3: lambda: comes})
    assert exchangeable.describers == (stays, comes)
    assert (stays.closed, goes.closed, comes.closed) == (0, 1, 0)
