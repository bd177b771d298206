"""Answers of models: cleaned to the description in them, or refused where there is none."""

from __future__ import annotations

import contextlib
import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altwright.describers.answers.cleaning import alt_text
from altwright.describers.answers.languages import LANGUAGES, empty_opening
from altwright.describers.model_servers.prompts import INSTRUCTIONS
from altwright.errors import CaptionUnusable
from altwright.text import clean_text

CAT = "A black cat sleeps on a red chair by the window."
WOOL = f"{CAT} Beside it lies a small ball of blue wool, half unrolled on the wooden floor."
#: Answers of models and what is to become of them.
ANSWERS = tomllib.loads((Path(__file__).parents[1] / "data/answers.toml").read_text())


@pytest.mark.parametrize(
    "answer",
    [
        CAT,
        f"  {CAT}\n\n",
        f'"{CAT}"',
        f"“{CAT}”",
        f"„{CAT}“",
        f"«{CAT}»",
        f"**{CAT}**",
        f"`{CAT}`",
        f"# {CAT}",
        f"- {CAT}",
        f"Alt text: {CAT}",
        f"Alt-Text:\n{CAT}",
        f'**Alt text:** "{CAT}"',
        f'"Alt text: {CAT}"',
        f"Here  is  an  alt  text  for  the  picture: {CAT}",
        f"<end_of_turn>\n{CAT}<end_of_turn>\nNo.",
        f"ALT TEXT (48 characters): {CAT}",
        f"Alternativtext: {CAT}",
        f"Bildbeschreibung: {CAT}",
        f"Texte alternatif : {CAT}",
        f"Descripción: {CAT}",
        f"Here's an alt text for the picture:\n\n{CAT}",
        f"Sure! Here is a description of the image: {CAT}",
        f"Certainly. {CAT}",
        f"The image shows {CAT[0].lower()}{CAT[1:]}",
        f"This picture depicts {CAT[0].lower()}{CAT[1:]}",
        f"The image is of {CAT[0].lower()}{CAT[1:]}",
        f"<think>It is a cat. I should be short.</think>\n{CAT}",
        f"It is a cat, so I say so.</think>{CAT}",
        f"<|im_start|>assistant\n{CAT}<|im_end|>".replace("assistant\n", ""),
        f"<s>{CAT}</s>",
        f"```\n{CAT}\n```",
        f"```\n{CAT}",
        f'Just this:\n```\n["{CAT}"]\n```\nIt is short.',
        f'Just this:\n```json{{"alt_text": "{CAT}"}}```\nIt is short.',
        f"<p>{CAT.replace('cat', '<b>cat</b>')}</p>",
        f'```json\n{{"alt_text": "{CAT}"}}\n```',
        json.dumps({"description": CAT}),
        f"{CAT} (48 characters)",
        f"{CAT} Let me know if you'd like a shorter one!",
        f"{CAT}\n\nNote: this description follows accessibility guidelines.",
        f"{CAT}\n\nWould you like me to shorten it?",
    ],
)
def test_wrappings_come_off(answer: str) -> None:
    """Quotes, Markdown, labels, politeness and thoughts go; the description stays as it was."""
    assert alt_text(answer, max_length=500) == CAT


@pytest.mark.parametrize(
    "text",
    [
        '"Open" and "Closed" on two signs.',
        "A sign reads “Sorry, we're closed”.",
        "Screenshot of a terminal: 2 * 3 * 4 = 24, snake_case and __init__.py.",
        "A poster that reads: Note: bring your own lunch.",
        "A painting of a lake.",
        "A television; the picture is provided by a large antenna on the roof.",
        "Here is a sign: Exit.",
        "Zwei Hunde, die spielen.\nDarunter der Text „Spielzeit“.",
        "قطة سوداء تنام على كرسي أحمر.",
        "赤い椅子で眠る黒猫。",
        "Ha ha ha, says a speech bubble.",
        "The numbers 1, 2, 3, 4, 5 and 6 in a row.",
        "A flag 🏳️‍🌈 on a balcony.",
    ],
)
def test_what_belongs_to_the_picture_stays(text: str) -> None:
    """Quoted text, signs that look like Markdown, and other scripts aren't touched."""
    assert alt_text(text, max_length=500) == text


@pytest.mark.parametrize(
    "answer",
    [
        "",
        " \n ",
        "<think>A cat?</think>",
        "<think>It is a cat, or perhaps",
        "...",
        "!!!",
        "42",
        "Image",
        "An image.",
        "N/A",
        "None",
        "IMG_1234.jpg",
        "I'm sorry, but I can't help with that.",
        "I\u2019m sorry, I can\u2019t describe this image.",
        "Sorry, I cannot identify people.",
        "I cannot see the image.",
        "I can't view images, but if you describe it I can help.",
        "As an AI language model, I am unable to see pictures.",
        "I am unable to process this request.",
        "Unfortunately, I don't have access to it.",
        "Please provide the image you would like me to describe.",
        "It seems that no image was provided.",
        "There is no image attached to your message.",
        "The image was not provided, so nothing can be said.",
        "Es tut mir leid, ich kann das Bild nicht sehen.",
        "Je suis désolé, je ne peux pas voir l'image.",
        "Lo siento, no puedo ver la imagen.",
        "You write alt texts: descriptions for people who can't see the picture.",
        '{"foo": 1}',
        "\ufffd\ufffd\ufffd\ufffd a \ufffd\ufffd",
        "A cat and a cat and a cat and a cat and a cat and a cat and a cat and a cat",
        "A red chair stands here. A red chair stands here. A red chair stands here.",
        "the " * 200,
        "哈哈" * 50,
        "white, black, white, black, " * 30,
    ],
)
def test_what_is_no_description_is_refused(answer: str) -> None:
    """Silence, refusals, echoes, rubbish and circles never become an alt text."""
    with pytest.raises(CaptionUnusable, match=r"\.$"):
        alt_text(answer, max_length=500)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("", "answered nothing"),
        ('{"foo": 1}', "answered with data"),
        ('{"foo": 1', "answered with data"),
        ("[" * 9_000, "answered with data"),
        ("User: what is it?", "repeated its instructions"),
        (INSTRUCTIONS, "repeated its instructions"),
        ("IMG_1234.jpg", "says nothing about the picture"),
        ("A \ufffd cat \ufffd\ufffd", "isn't readable text"),
        (f"{CAT} " * 3, "runs in circles"),
    ],
)
def test_it_is_said_what_there_was_instead(answer: str, why: str) -> None:
    """Whoever chooses the model reads what is wrong with it."""
    with pytest.raises(CaptionUnusable, match=f"^The model.* {why}"):
        alt_text(answer, max_length=500)


def test_of_an_endless_answer_only_the_beginning_is_looked_at() -> None:
    """A model that doesn't stop would cost time without end."""
    endless = " ".join(f"House {number} has {number} doors." for number in range(2_000))
    assert len(endless) > 40_000
    assert 19_900 < len(alt_text(endless, max_length=100_000)) <= 20_000


def test_an_answer_that_was_cut_off_ends_with_its_last_whole_sentence() -> None:
    """Half a sentence is dropped; half a first sentence is no description."""
    assert alt_text(f"{CAT} Beside it lies a sm", max_length=500, cut_off=True) == CAT
    assert alt_text(f'"{CAT} Beside it', max_length=500, cut_off=True) == CAT
    assert alt_text('"" is on a sign. Beside', max_length=500, cut_off=True) == '"" is on a sign.'
    assert alt_text("黒猫が眠る。その横に", max_length=500, cut_off=True) == "黒猫が眠る。"
    with pytest.raises(CaptionUnusable, match="broke off"):
        alt_text("A black cat sleeps on a re", max_length=500, cut_off=True)


def test_an_answer_that_is_too_long_is_shortened_between_sentences() -> None:
    """Nothing is longer than asked; whole sentences are kept where that keeps enough."""
    assert alt_text(WOOL, max_length=100) == CAT
    one = "A very long list of things " + ", ".join(f"thing {number}" for number in range(40))
    short = alt_text(one, max_length=100)
    assert len(short) <= 100
    assert short.endswith("…")
    assert one.startswith(short[:-1])
    assert len(alt_text("字" * 3 + "猫が椅子で寝ている様子" + "あいうえお", max_length=10)) <= 10


def test_a_text_of_exactly_the_length_stays_and_one_more_is_too_much() -> None:
    """What is a character too long loses its last word, and gets the mark of an omission."""
    text = "A cat on a chair by windows and red doors"
    assert alt_text(text, max_length=len(text)) == text
    assert alt_text(text, max_length=len(text) - 1) == "A cat on a chair by windows and red…"
    two = f"{text}. And a dog."
    assert alt_text(two, max_length=len(text) + 1) == f"{text}."
    assert alt_text(two, max_length=len(text)) == "A cat on a chair by windows and red…"
    assert alt_text("Windows, and doors", max_length=12) == "Windows…"


@pytest.mark.parametrize(("length", "keeps"), [(50, True), (51, False)])
def test_a_first_sentence_is_enough_if_it_is_two_fifths(length: int, *, keeps: bool) -> None:
    """A shorter one is no stand-in for the rest: then the text is cut between words."""
    first = "A cat on a red sofa."
    short = alt_text(
        f"{first} And one, two, three, four, five, six, seven, eight", max_length=length
    )
    assert (short == first) is keeps
    assert keeps or short.startswith(f"{first} And one")


@pytest.mark.parametrize("length", [50, 77, 120, 500])
def test_no_answer_is_longer_than_asked(length: int) -> None:
    """The limit holds for every text, however it is built."""
    sentences = " ".join(f"Number {number} is a house with {number} doors." for number in range(40))
    for text in (sentences, sentences.replace(".", ","), sentences.replace(" ", "")):
        assert 0 < len(alt_text(text, max_length=length)) <= length


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("Owl", "Ox"),
        ("Öl", "--"),
        ("猫", "——"),
        ("A sign says ha" + "ha" * 18, "A sign says ha" + "ha" * 19),
        ("It is reds. " * 3, "It is redso. " * 3),
        (f"{CAT} {CAT}", f"{CAT} {CAT} {CAT}"),
        (WOOL[:95] + "\ufffd" * 5, WOOL[:94] + "\ufffd" * 6),
    ],
    ids=[
        "letters",
        "no letters",
        "an ideograph",
        "circle",
        "short sentences",
        "sentences",
        "rubbish",
    ],
)
def test_what_is_too_little_or_too_often(good: str, bad: str) -> None:
    """Each limit lets pass what lies on its good side, and nothing on the other."""
    assert described(good) == good.strip()
    assert described(bad) is None


REFUSAL = "I'm sorry, I can't describe this image."


@pytest.mark.parametrize(
    ("before", "is_kept"),
    [
        ("Red chair.", False),
        ("Red chairs.", True),
        ("黒猫A。", False),
        ("黒猫。", False),
        ("黒い猫。", True),
    ],
)
def test_what_stands_before_a_refusal_counts_from_nine_letters(
    before: str, *, is_kept: bool
) -> None:
    """Three ideographs say as much."""
    assert described(f"{before} {REFUSAL}") == (before if is_kept else None)


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        (f"```text\n{CAT}\nA door.\n```", f"{CAT}\nA door."),
        (f"{CAT}\n \n\n\nA door.", f"{CAT}\nA door."),
        ("```A cat,\non a chair.```", "A cat,\non a chair."),
        ('{"alt": "A cat on a chair", and so on}', "A cat on a chair"),
        ("A screenshot of code:\n```\nprint(1)\n```",) * 2,
        ("The formula a <b> c on a wall.",) * 2,
        ("Red cat\nBlue dog\nOld owl\nNew fox",) * 2,
        ("[A cat on a red chair]", "A cat on a red chair"),
        ("[[A cat on a red chair]", None),
        ('{"alt": "A cat on a red chair"}', "A cat on a red chair"),
        ('[1, 2, "A cat on a red chair"]', "A cat on a red chair"),
        ('[1, 2, 3, "A cat on a red chair"]', None),
        ('Alt text: "Okay, let\'s go."', "Okay, let's go."),
        ("Alt text: Okay, let's see. The user wants a cat.", None),
        ("[1] A cat. [2] A dog",) * 2,
        ('{"alt": "A sign says \\"Exit\\" there", and so on}', 'A sign says "Exit" there'),
        ("[Exit] signs over a door",) * 2,
        ("[Exit] and [Entrance]",) * 2,
        (f'[[[[{{"alt": "{CAT}"}}]]]]', CAT),
        (f'[[[[[{{"alt": "{CAT}"}}]]]]]', None),
        ('{"a": {"a": {"a": {"a": {"alt": "A cat on a red chair"}}}}}', "A cat on a red chair"),
        ('{"a": {"a": {"a": {"a": {"a": {"alt": "A cat on a red chair"}}}}}}', None),
        ("<img alt='A cat on a red chair'>", "A cat on a red chair"),
        ("A cat on a red chair<br>", "A cat on a red chair"),
        ("<br>A cat on a red chair", "A cat on a red chair"),
        ("A cat on a <b>red</b> chair", "A cat on a red chair"),
        (f"Option 1: {CAT}", CAT),
        (f"Here are some options:\n\nOption 1: {CAT}", CAT),
        ("Here are some options: a cat or a dog. Option 2: a dog",) * 2,
        ("Title: Red cat\nMood: calm",) * 2,
        ("X" + WOOL[:93] + "\ufffd" * 6, None),
    ],
)
def test_only_what_is_around_a_description_comes_off(answer: str, kept: str | None) -> None:
    """Fences, brackets, data and a choice of one; what looks like them in a text stays."""
    assert described(answer) == kept


def in_no_circle(words: int) -> str:
    """Return so many words, of which only two differ and no run comes five times in a row."""
    return " ".join("black" if at.bit_count() % 2 else "white" for at in range(words)).capitalize()


def test_many_words_of_which_hardly_any_differ_are_a_circle() -> None:
    """Also where no run of them comes again and again; of thirty words any may be so."""
    assert described(in_no_circle(30)) == in_no_circle(30)
    assert described(in_no_circle(31)) is None
    for several in (f"{in_no_circle(31)} cat dog", f"{in_no_circle(46)} cat dog owl fox"):
        assert described(several) == several


def test_six_words_of_our_instructions_are_an_echo() -> None:
    """The sentence that they stand in goes, the rest stays; five words may be chance."""
    words = [word for word in INSTRUCTIONS.split()[:6] if word.strip(".:;,")]
    echo = f"{' '.join(words[:6])}."
    assert described(f"{CAT} {echo} A red door.") == f"{CAT} A red door."
    assert described(f"Red chairs. {echo}") == "Red chairs."
    five = f"{CAT} {' '.join(words[:5])}."
    assert described(five) == five
    with pytest.raises(CaptionUnusable, match="repeated its instructions"):
        alt_text(f"Red chair. {echo}", max_length=500)


# --- answers as they are met with ---


def described(answer: str) -> str | None:
    """Return the draft's text, None where there is none."""
    try:
        return alt_text(answer, max_length=500)
    except CaptionUnusable:
        return None


def test_every_language_that_is_offered_has_its_refusals() -> None:
    """A language can't be added to the prompts without the way in which models refuse in it."""
    offered = set(LANGUAGES) - {"no"}
    for what in ("refusals", "as_a_model", "first_person"):
        assert {code for code, one in LANGUAGES.items() if getattr(one, what)} == offered, what
    assert set(ANSWERS["refusals"]) == offered
    assert min(len(said) for said in ANSWERS["refusals"].values()) >= 3


@pytest.mark.parametrize("language", ANSWERS["refusals"])
def test_a_refusal_is_no_draft_in_any_language(language: str) -> None:
    """Apologies, no picture seen, "as an AI": in each language that the prompts offer."""
    for answer in ANSWERS["refusals"][language]:
        with pytest.raises(CaptionUnusable, match="refused"):
            pytest.fail(f"{answer} became {alt_text(answer, max_length=500)}")


@pytest.mark.parametrize("kind", ANSWERS["refused"])
def test_what_holds_no_description_is_no_draft(kind: str) -> None:
    """Thoughts, data, echoes, circles and rubbish are refused."""
    answers = ANSWERS["refused"][kind]
    assert [(answer, described(answer)) for answer in answers] == [
        (answer, None) for answer in answers
    ]


@pytest.mark.parametrize("kind", ANSWERS["cleaned"])
def test_a_description_is_found_in_what_is_wrapped_around_it(kind: str) -> None:
    """Of thoughts, choices, forms, data, marks and offers nothing is left."""
    answers = [answer.replace("{cat}", CAT) for answer in ANSWERS["cleaned"][kind]]
    assert [(answer, described(answer)) for answer in answers] == [
        (answer, CAT) for answer in answers
    ]


@pytest.mark.parametrize("language", ANSWERS["good"])
def test_a_right_answer_stays_as_it_is(language: str) -> None:
    """No false alarm: what pictures show in words is neither a refusal nor a wrapping."""
    for answer in ANSWERS["good"][language]:
        assert described(answer) == answer


@pytest.mark.parametrize("answer", ANSWERS["kept"]["texts"])
def test_a_picture_in_the_picture_is_not_taken_for_what_it_shows(answer: str) -> None:
    """Who lies on the grave is a photograph, not a soldier; a reviewer decides on the opening."""
    assert described(answer) == answer
    assert empty_opening(answer, "en")


@pytest.mark.parametrize("answer", ANSWERS["good_quoted"]["texts"])
def test_a_quotation_that_is_the_whole_answer_loses_its_marks_only(answer: str) -> None:
    """A mug that says what a model might say isn't refused."""
    assert described(answer) == answer[1:-1]


@pytest.mark.parametrize(
    "answer",
    [
        f"{CAT} Caf\u00e9 noir.".encode().decode("latin-1"),
        f"{CAT} Caf\\u00e9 noir.",
        f"{CAT} Caf&eacute; noir.",
    ],
    ids=["mojibake", "escaped", "entity"],
)
def test_characters_are_repaired(answer: str) -> None:
    """UTF-8 read as Latin-1, escapes and entities become what was meant."""
    assert described(answer) == f"{CAT} Café noir."


@pytest.mark.parametrize(
    ("cut", "kept"),
    [
        ("ጥቁር ድመት ተኝታለች። ከጎኗ", "ጥቁር ድመት ተኝታለች።"),
        ("ကြောင်တစ်ကောင် အိပ်နေသည်။ ဘေးမှာ", "ကြောင်တစ်ကောင် အိပ်နေသည်။"),
        ("एक बिल्ली सो रही है। पास में", "एक बिल्ली सो रही है।"),
        ("بلی سو رہی ہے۔ پاس", "بلی سو رہی ہے۔"),  # noqa: RUF001 - Urdu's full stop
        ("แมวดำนอนหลับอยู่บนเก้าอี้สีแดง ข้างหน้าต่า", "แมวดำนอนหลับอยู่บนเก้าอี้สีแดง"),
        (f"{CAT} It looks at St.", CAT),
        (f"{CAT} Dr. Miller w", CAT),
    ],
)
def test_a_cut_is_found_in_other_scripts_and_not_at_abbreviations(cut: str, kept: str) -> None:
    """Sentences end with the marks of their script, and not with a street's name."""
    assert alt_text(cut, max_length=500, cut_off=True) == kept


def test_shortening_cuts_no_emoji_in_two() -> None:
    """What people see as one character stays whole, or goes."""
    for length in range(20, 36):
        short = alt_text("Astronauts in a row: " + "👩🏽‍🚀" * 4, max_length=length)
        assert short.removesuffix("…").replace("👩🏽‍🚀", "").isascii()


@pytest.mark.timeout(60)
def test_no_answer_costs_more_than_its_length() -> None:
    """A hostile answer is judged at once, whatever it repeats; some took over a minute each."""
    pieces = ["- ", "[", "</a", "<think>", "</think>", "**a ", '"', "“", "'a", "{", "\n", "```\n"]
    pieces += ["a. ", "<img ", "&", "\\n", "x ", "Title: ", "Option 1 ", "I can not ", "ich kann "]
    pieces += ["画像を", "1. ", "here is ", "<|", "[a](", "`a", "Ã©", "\u202e", "please ", "\\"]
    pieces += ["(", "मैं "]
    for piece in pieces:
        described((piece * 20_000)[:20_000])


PIECES = [
    *(
        answer
        for kind in ("refused", "cleaned", "good")
        for some in ANSWERS[kind].values()
        for answer in some
    ),
    *("<think>", "</think>", '"', "“", "”", "\n", "- ", "**", "{", "}", "[", "]", "<p>", "&amp;"),
    *("\\n", "\\ud83d", "```", "Option 1: ", "1. ", "User: ", "Assistant: "),
    *("🏳️‍🌈", "\u202e", "\ud800", "|"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=8), st.integers(20, 500), st.booleans())
def test_whatever_a_model_says_a_draft_is_short_and_clean(
    pieces: list[str],
    length: int,
    cut_off: bool,  # noqa: FBT001 - drawn
) -> None:
    """No answer is a fault of ours: it is a text that can be stored, or none."""
    with contextlib.suppress(CaptionUnusable):
        text = alt_text(" ".join(pieces), max_length=length, cut_off=cut_off)
        assert 0 < len(text) <= length
        assert text == text.strip() == clean_text(text, length)


# --- what is asked ---
