"""Scripts in descriptions: languages told by letters, orders of words, what is said of them."""

from __future__ import annotations

import pytest

from altwright.describers.offline.other_scripts import named, told
from altwright.describers.offline.statement import Statement
from altwright.describers.offline.vision.line import Line
from altwright.describers.offline.vision.reading_order import ordered
from altwright.describers.offline.vision.scripts import language_of, with_names_first

#: Sentences, and the language that their letters tell; "" where they may be another's.
TOLD = {
    "Библиотека закрыта в понедельник": ("Cyrillic", "ru"),
    "Бібліотека зачинена в понеділок": ("Cyrillic", "uk"),
    "Днес времето ще бъде слънчево": ("Cyrillic", "bg"),
    "Ђорђе и Љубица чекају воз": ("Cyrillic", "sr"),
    "Бүгін Алматыда күн жылы": ("Cyrillic", ""),
    "Москва": ("Cyrillic", ""),
    "المكتبة مغلقة يوم الإثنين": ("Arabic", "ar"),
    "گزارش جدید منتشر شد": ("Arabic", "fa"),
    "لائبریری پیر کے دن بند ہے": ("Arabic", "ur"),
    "ग्रंथालय सोमवारी बंद असते आणि": ("Devanagari", "mr"),
    "Η βιβλιοθήκη είναι κλειστή": ("Greek", "el"),  # noqa: RUF001 - it is Greek
}


@pytest.mark.parametrize("text", sorted(TOLD))
def test_a_language_is_told_by_its_letters(text: str) -> None:
    """A few words, or letters of several languages, tell the script alone."""
    script, language = TOLD[text]
    assert language_of(script, text) == language


@pytest.mark.parametrize(
    ("words", "read"),
    [
        (["את", "128", "Firefox", "עכשיו"], "את Firefox 128 עכשיו"),
        (["בשעה", "18:45", "היום"], "בשעה 18:45 היום"),
    ],
)
def test_a_name_comes_before_its_number(words: list[str], read: str) -> None:
    """Among words that are read from the right."""
    assert " ".join(with_names_first(words)) == read


def line(text: str, x: float, y: float, script: str = "") -> Line:
    """Return a line whose letters are ten pixels wide."""
    return Line(text, 0.95, x, y, x + 10 * len(text), y + 20, script)


def test_lines_from_the_right_come_in_their_order() -> None:
    """Of a row the right half is first, of a page the right column."""
    row = [line("שני", 0, 0, "Hebrew"), line("הספרייה סגורה", 200, 2, "Hebrew")]
    assert [one.text for one in ordered(row)] == ["הספרייה סגורה", "שני"]
    left = [line("عمود أيسر", 0, 30 * i, "Arabic") for i in range(3)]
    right = [line("عمود أيمن", 300, 30 * i, "Arabic") for i in range(3)]
    assert ordered(left + right) == right + left


def test_what_is_partly_in_another_script_is_said_to_be() -> None:
    """A name between Latin lines isn't the whole; two scripts are both named."""
    latin = line("The library is closed on Monday", 0, 0)
    russian = line("Библиотека закрыта в понедельник", 0, 30, "Cyrillic")
    greek = line("Τρίτη", 0, 60, "Greek")
    assert named([latin]) == ""
    assert named([russian]) == " in Russian"
    assert named([line("Ђорђе и Љубица чекају воз", 0, 0, "Cyrillic")]) == " in Serbian"
    assert named([latin, russian, greek]) == ", partly in Russian and Greek script"


def test_a_chart_s_words_in_another_script_are_named() -> None:
    """After what the chart shows; it is no surer than they are."""
    russian = line("Библиотека закрыта в понедельник", 0, 0, "Cyrillic")
    found = told(Statement("bar chart titled “Библиотека”", "high", "bar chart"), [russian])
    assert found.text == "bar chart titled “Библиотека”. Its text is in Russian"
    assert found.level == "medium"
    assert told(Statement("picture", "low", "graphic"), [russian]).text == "picture"
