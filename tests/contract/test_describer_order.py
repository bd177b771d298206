"""Several describers in an order: who is asked where one fails, and what the draft says of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from tests.support_domain import (
    Bench,
    BlankDescriber,
    FakeDescriber,
    PictureServer,
    World,
    make_post,
    make_world,
    picture_server,
)
from tests.support_models import PICTURE
from tests.support_web import make_settings

from altwright.builders.describers import probe
from altwright.captions.drafts.draft import Draft
from altwright.db.session import Database
from altwright.describers.abilities import Abilities
from altwright.describers.order import FAILURES, PAUSE_S, WAIT_MOST_S, DescriberOrder, passed_over
from altwright.describers.port import Description, Picture, Request, why_blank
from altwright.domain.caption import TextKind
from altwright.errors import (
    AltwrightError,
    CaptionUnusable,
    ConfigError,
    DescriberUnavailable,
    PictureRefused,
    RateLimited,
)

DOWN = DescriberUnavailable("The model server took longer than 5 seconds.")


class Rig:
    """Two describers in an order, and a clock that a test moves."""

    def __init__(self, *others: FakeDescriber) -> None:
        self.at = 0.0
        self.first = FakeDescriber(name="openai")
        self.second = others[0] if others else FakeDescriber(name="offline")
        self.order = DescriberOrder([self.first, self.second], lambda: self.at)

    def fail(self, error: AltwrightError | None) -> None:
        """Let the first one fail; None: not any more."""

        def before(_: int) -> None:
            self.first_asked += 1
            if error is not None:
                raise error

        self.first_asked = 0
        self.first.before = before

    def describe(self, describer: str = "") -> Description:
        """Describe a picture."""
        return self.order.describe(PICTURE, Request(describer=describer))


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (DOWN, str(DOWN)),
        (CaptionUnusable("The model's answer runs in circles."), "runs in circles"),
        (ConfigError(["OPENAI_API_KEY: isn't accepted"]), "set up"),
        (RateLimited("Wait.", retry_in_s=WAIT_MOST_S + 1), "Wait."),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_next_one_describes_where_one_fails(error: AltwrightError, why: str) -> None:
    """Whatever it is, each is asked once; the description says who didn't write it, and why."""
    rig = Rig()
    rig.fail(error)
    found = rig.describe()
    assert (found.describer, rig.first_asked, len(rig.second.requests)) == ("offline", 1, 1)
    ((name, said),) = passed_over(found.evidence)
    assert name == "openai"
    assert why in said
    assert "OPENAI_API_KEY" not in said


def test_one_alone_is_as_it_is() -> None:
    """Its failures are its own, as without an order."""
    alone = DescriberOrder([FakeDescriber()])
    assert alone.describe(PICTURE, Request()).evidence == {"objects": ["cat"]}
    for error in (DOWN, PictureRefused("Not this one."), RateLimited("Wait.", retry_in_s=900)):
        rig = Rig()
        rig.fail(error)
        for _ in range(3):
            with pytest.raises(type(error)) as met:
                DescriberOrder([rig.first]).describe(PICTURE, Request())
            assert met.value is error


def test_a_pause_that_is_asked_for_is_waited_for() -> None:
    """A busy server is no broken one: the run waits, and goes on with it."""
    rig = Rig()
    rig.fail(RateLimited("Wait.", retry_in_s=20))
    with pytest.raises(RateLimited):
        rig.describe()
    assert rig.second.requests == []


def test_one_that_is_down_isnt_asked_for_each_picture() -> None:
    """After two failures it rests, longer each time; then one picture tries it."""
    rig = Rig()
    rig.fail(DOWN)
    for _ in range(5):
        assert rig.describe().describer == "offline"
    assert rig.first_asked == 2
    assert list(passed_over(rig.describe().evidence)) == [("openai", str(DOWN))]
    rig.at += PAUSE_S
    rig.describe()
    assert rig.first_asked == 3
    rig.at += PAUSE_S
    rig.describe()
    assert rig.first_asked == 3
    rig.fail(None)
    rig.at += PAUSE_S
    assert [rig.describe().describer for _ in range(2)] == ["openai", "openai"]


def test_what_is_said_of_one_picture_opens_no_circuit() -> None:
    """A server that can't use a picture is well."""
    rig = Rig()
    rig.fail(CaptionUnusable("The model's answer runs in circles."))
    for _ in range(4):
        rig.describe()
    assert rig.first_asked == 4


def test_a_picture_against_the_rules_goes_to_nobody_else() -> None:
    """Its owner decides; then exactly the one that they name is asked."""
    rig = Rig()
    rig.fail(PictureRefused("The model server's rules don't allow this picture."))
    found = rig.describe()
    assert (found.text, found.describer, rig.second.requests) == ("", "openai", [])
    assert "only if you say so" in why_blank(found.evidence)
    assert rig.describe(describer="offline").describer == "offline"
    assert rig.first_asked == 1
    with pytest.raises(CaptionUnusable, match="isn't in use"):
        rig.describe(describer="ollama")


def test_a_blank_waits_for_one_that_may_answer_soon() -> None:
    """A hiccup costs no text: its picture is tried again; of a long outage the blank is all."""
    rig = Rig(BlankDescriber())
    rig.fail(DOWN)
    for _ in range(2):
        with pytest.raises(DescriberUnavailable) as met:
            rig.describe()
        assert met.value is DOWN
    assert rig.describe().text == ""


@pytest.mark.parametrize(
    ("first", "second", "raised"),
    [
        (DOWN, CaptionUnusable("Can't read it."), DOWN),
        (CaptionUnusable("Can't read it."), DOWN, DOWN),
        (ConfigError(["X: y"]), CaptionUnusable("Can't read it."), CaptionUnusable),
        (ConfigError(["X: y"]), ConfigError(["Z: y"]), ConfigError),
    ],
    ids=["down, unreadable", "unreadable, down", "unset, unreadable", "unset, unset"],
)
def test_of_many_failures_the_most_hopeful_counts(
    first: AltwrightError, second: AltwrightError, raised: AltwrightError | type[AltwrightError]
) -> None:
    """What may pass is tried again; a wrong setting of one ends no run that another works on."""
    rig = Rig()
    rig.fail(first)

    def fail(_: int) -> None:
        raise second

    rig.second.before = fail
    with pytest.raises(AltwrightError) as met:
        rig.describe()
    assert met.value is raised or type(met.value) is raised


def test_it_is_well_while_one_answers() -> None:
    """A run goes on; what is wrong with the others is for administrators."""
    rig = Rig()

    def fail() -> None:
        raise DOWN

    rig.first.before_probe = fail
    assert rig.order.probe() == "fake"
    rig.second.before_probe = fail
    with pytest.raises(DescriberUnavailable):
        rig.order.probe()


def test_administrators_are_told_which_one_is_down(tmp_path: Path) -> None:
    """By name, with who describes meanwhile; alone it speaks for itself."""
    settings = make_settings(tmp_path, "unix:///none", DESCRIBER="ollama")
    rig = Rig(FakeDescriber(name="ollama"))
    probe(settings, rig.order.describers)

    def fail() -> None:
        raise DOWN

    rig.first.before_probe = fail
    with pytest.raises(DescriberUnavailable) as met:
        probe(settings, rig.order.describers)
    assert str(met.value) == f"openai: {DOWN} Meanwhile Ollama describes."
    with pytest.raises(DescriberUnavailable) as met:
        probe(settings, [rig.first])
    assert met.value is DOWN


# --- in runs and drafts


@dataclass
class Run:
    """A bench whose describer is an order of two."""

    rig: Rig
    bench: Bench
    world: World
    pictures: PictureServer

    def draft(self) -> Draft:
        """Return the only draft."""
        (draft,) = self.world.drafts.find(self.world.user.id).drafts
        return draft

    def again(self, **settings: str) -> tuple[str, str]:
        """Describe the draft's picture again; return how the item ended, and why."""
        self.bench.submit("description", settings={"draft_id": self.draft().id, **settings})
        ((_, status, reason),) = self.bench.outcomes(self.bench.attempt())
        return status, reason


@pytest.fixture
def make_run(database: Database, tmp_path: Path) -> Iterator[Callable[..., Run]]:
    """Return a maker of runs over one picture."""
    with picture_server() as pictures:

        def make(*others: FakeDescriber, first: AltwrightError | None = None) -> Run:
            rig = Rig(*others)
            if first is not None:
                rig.fail(first)
            world = make_world(database)
            bench = Bench(world, pictures, tmp_path, describer=rig.order)
            world.platform.add(make_post(1, "", host=pictures.host))
            return Run(rig, bench, world, pictures)

        yield make


def test_a_draft_says_who_wrote_it_and_who_did_not(make_run: Callable[..., Run]) -> None:
    """So that its reader knows what to think of it."""
    run = make_run(first=DOWN)
    assert run.bench.captions().items_done == 1
    draft = run.draft()
    assert draft.describer == "offline"
    assert draft.to_json()["evidence"]["instead_of"] == [{"describer": "openai", "why": str(DOWN)}]


def test_another_describer_s_text_comes_beside_the_draft_s(make_run: Callable[..., Run]) -> None:
    """The draft keeps what it says until a person takes the other one, who wrote it included."""
    run = make_run()
    run.bench.captions()
    before = run.draft()
    assert run.again(describer="offline") == ("done", "")
    assert run.draft() == before
    other, now = run.world.drafts.texts(before.id, run.world.user.id)
    assert (other.kind, other.describer, other.is_current) == (
        TextKind.DESCRIBED,
        "offline",
        False,
    )
    assert now.is_current
    run.world.drafts.restore(before.id, run.world.user.id, other.id)
    after = run.draft()
    assert (after.text, after.described_text, after.describer) == (
        other.text,
        other.text,
        "offline",
    )


@dataclass
class ReadingDescriber(FakeDescriber):
    """Finds words in every picture."""

    name: str = "offline"
    abilities: Abilities = field(default_factory=lambda: Abilities(reads_text=True))

    def describe(self, picture: Picture, request: Request) -> Description:
        """Return a text with what was read."""
        found = super().describe(picture, request)
        return replace(found, evidence={"text": [{"text": "BETRETEN VERBOTEN", "score": 0.9}]})


def test_a_model_s_words_are_compared_with_those_in_the_picture(
    make_run: Callable[..., Run],
) -> None:
    """Models write what a sign may say; the built-in describer, if it is there, has read it."""
    run = make_run(ReadingDescriber())
    run.rig.first.says = "A sign: “Keep off the grass, private property”."
    run.bench.captions()
    draft = run.draft()
    assert (draft.describer, len(run.rig.second.requests)) == ("openai", 1)
    assert draft.evidence["text"] == [{"text": "BETRETEN VERBOTEN", "score": 0.9}]
    assert [one.code for one in draft.warnings] == ["invented"]
    run.rig.first.says = "A sign: “Betreten verboten”."
    assert run.again() == ("done", "")
    assert not run.draft().warnings


def test_a_text_that_nobody_can_compare_is_a_draft_as_well(make_run: Callable[..., Run]) -> None:
    """What reads may be away; it isn't asked for each picture then."""
    run = make_run(ReadingDescriber())
    asked = []

    def fail(_: int) -> None:
        asked.append(1)
        raise DOWN

    run.rig.second.before = fail
    for _ in range(FAILURES + 1):
        run.bench.captions(reprocess_existing=True)
        assert "text" not in run.draft().evidence
    assert len(asked) == FAILURES
