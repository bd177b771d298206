"""Pages, posters and signs of our set, in several scripts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from PIL import Image

from altwright.demo import drawn as demo
from evaluation.drawing import pages
from evaluation.drawing.sheet import Face
from evaluation.made import Made, drawn

_TEXT = "text|poster|notice|sign|page"


def made() -> Iterator[Made]:
    """Yield all pages."""
    yield from _documents()
    yield from _posters()
    yield from _scripts()
    yield from _mixed()
    yield from _long()
    yield from _comics()


def _told(image: Image.Image, name: str, kind: str, words: str, **more: Any) -> Made:
    return drawn(image, name, kind, f"{kind.capitalize()}: “{words}”", words=words, **more)


def _documents() -> Iterator[Made]:
    letter = ["Dear neighbours,", "on Saturday we repair the fence behind the house. It will be loud "
              "from nine to noon, and we are sorry for that. Coffee and cake are waiting for everybody "
              "who lends a hand.", "Kind regards, the Kowalski family"]  # fmt: skip
    recipe = ["Four hundred grams of flour, two eggs, a pinch of salt and half a litre of milk.",
              "Stir, let it rest for twenty minutes, and bake thin cakes in hot butter."]  # fmt: skip
    article = ["The river rose by two metres in a single night, and the lower road is closed. Nobody "
               "was hurt.", "The school stays open, but the market moves to the square. The mayor "
               "expects the water to fall from Thursday on."]  # fmt: skip
    satzung = ["Der Verein fördert das Wissen über heimische Vögel. Er ist selbstlos tätig und "
               "verfolgt keine eigenen Ziele.", "Mitglied kann jeder Mensch werden, der älter als "
               "sechzehn Jahre ist."]  # fmt: skip
    shown: Sequence[tuple[str, str, list[str], dict[str, Any]]] = (
        ("letter", "To all houses of Mill Lane", letter, {}),
        ("recipe", "Pancakes", recipe, {"face": "sans"}),
        ("article", "High water", article, {"columns": 2, "width": 1100}),
        ("satzung", "Satzung", satzung, {"points": 22}),
        ("fine-print", "Terms", [*article, *recipe], {"points": 15, "width": 760, "face": "sans"}),
    )
    for name, heading, paragraphs, style in shown:
        for jpeg in (0, 60) if name == "letter" else (0,):
            yield _told(
                pages.document(heading, paragraphs, **style),
                f"document-{name}{'-jpeg' if jpeg else ''}",
                "document",
                " ".join([heading, *paragraphs]),
                jpeg=jpeg,
            )
    items = (("Bread", "3.20"), ("Butter", "2.49"), ("Tomatoes", "4.10"), ("Coffee", "7.95"))
    yield _told(
        pages.receipt("CORNER SHOP", items, "17.74"),
        "receipt",
        "document",
        "CORNER SHOP " + " ".join(f"{what} {price}" for what, price in items) + " TOTAL 17.74",
        may_be=("table",),
    )


def _posters() -> Iterator[Made]:
    yield _told(
        demo.sign(),
        "sign-lake",
        "poster, sign",
        "SWIMMING LAKE OPEN 8 AM TO 8 PM NO DOGS IN THE WATER LIFEGUARD FROM NOON",
    )
    yield _told(
        demo.invitation(),
        "poster-concert",
        "poster, sign",
        "Open Air Concert The Lighthouse Quartet plays Haydn and Ravel Saturday 12 June 7 pm, Castle "
        "Park Free entry",
    )
    shown: Sequence[tuple[str, tuple[tuple[int, str], ...], dict[str, Any]]] = (
        ("jazz", ((110, "JAZZ"), (60, "by the river"), (44, "Friday 9 July, 8 pm"), (44, "Old Boathouse")),
         {"paper": "#14213d", "ink": "#fca311"}),
        ("flea", ((84, "Flea Market"), (50, "every Sunday"), (50, "9 am to 3 pm"), (40, "Station Square")),
         {"paper": "#ffe8d6", "ink": "#6b705c", "face": "serif"}),
        ("strike", ((90, "STREIK"), (54, "Heute fährt kein Bus"), (40, "Informationen am Schalter")),
         {"paper": "#b00020", "ink": "white"}),
        ("theatre", ((60, "Théâtre de la Ville"), (80, "La Mouette"), (44, "du 3 au 28 février")),
         {"paper": "#f4f1ea", "ink": "#222222", "face": "italic"}),
        ("exit", ((120, "EXIT"), (60, "Push bar to open")), {"paper": "#00703c", "ink": "white",
         "size": (900, 500)}),
        ("koncert", ((80, "Koncert chóru"), (54, "w sobotę o 18:00"), (44, "kościół św. Anny")),
         {"paper": "#e0f2f1", "ink": "#004d40", "face": "sans"}),
    )  # fmt: skip
    for name, lines, style in shown:
        yield _told(
            pages.poster(lines, **style),
            f"poster-{name}",
            "poster, sign",
            " ".join(line for _, line in lines),
        )


def _scripts() -> Iterator[Made]:
    shown: Sequence[tuple[str, str, list[str], Face]] = (
        ("russian", "Russian", ["Завтра библиотека закрыта.", "Верните книги до пятницы.", "Спасибо!"], "sans"),
        ("russian-serif", "Russian", ["Концерт в парке", "суббота, 18 часов", "Вход свободный"], "serif"),
        ("ukrainian", "Ukrainian", ["Сьогодні їдальня зачинена", "Чекаємо вас завтра", "з восьмої години"], "sans"),
        ("bulgarian", "Bulgarian", ["Внимание! Мокър под", "Моля, използвайте другия вход"], "bold"),
        ("serbian", "Serbian", ["Пажња, радови на путу", "Возите полако"], "serif"),
        ("greek", "Greek", ["Το μουσείο είναι κλειστό", "κάθε Δευτέρα", "Καλή σας ημέρα"], "sans"),
        ("greek-serif", "Greek", ["Προσοχή στο κενό", "μεταξύ συρμού και αποβάθρας"], "serif"),
        ("greek-capitals", "Greek", ["ΕΙΣΟΔΟΣ ΕΛΕΥΘΕΡΗ", "ΑΠΑΓΟΡΕΥΕΤΑΙ ΤΟ ΚΑΠΝΙΣΜΑ"], "bold"),
        ("arabic", "Arabic", ["المكتبة مغلقة غدا", "نرجو إعادة الكتب يوم الجمعة", "شكرا لكم"], "sans"),
        ("arabic-bold", "Arabic", ["مرحبا بكم في المدينة", "الدخول مجاني للجميع"], "bold"),
        ("persian", "Persian", ["فردا کتابخانه بسته است", "با تشکر از شما"], "sans"),
        ("hebrew", "Hebrew", ["הספרייה סגורה מחר", "נא להחזיר ספרים עד יום שישי"], "sans"),
        ("hebrew-bold", "Hebrew", ["ברוכים הבאים", "הכניסה חופשית"], "bold"),
        ("armenian", "Armenian", ["Գրադարանը փակ է վաղը", "Շնորհակալություն"], "sans"),
        ("georgian", "Georgian", ["ბიბლიოთეკა ხვალ დაკეტილია", "გმადლობთ"], "sans"),
        ("korean", "Korean", ["내일 도서관은 쉽니다", "금요일까지 책을 돌려주세요", "감사합니다"], "cjk"),
        ("korean-poster", "Korean", ["봄 음악회", "토요일 오후 여섯 시", "입장 무료"], "cjk"),
        ("japanese", "Japanese", ["明日は図書館が休みです", "金曜日までに本を返してください"], "cjk"),
        ("japanese-sign", "Japanese", ["立入禁止", "関係者以外は入らないでください"], "cjk"),
        ("chinese", "Chinese", ["图书馆明天关闭", "请在星期五之前归还图书"], "cjk"),
        ("chinese-old", "Chinese", ["歡迎光臨", "免費入場"], "cjk"),
    )  # fmt: skip
    for name, language, lines, face in shown:
        words = ("" if language in ("Chinese", "Japanese") else " ").join(lines)
        yield drawn(
            pages.notice(lines, face=face),
            f"script-{name}",
            "other scripts",
            f"Notice in {language}: “{words}”",
            words=words,
            misleading=["graphic", "chart"],
        )


def _mixed() -> Iterator[Made]:
    shown: Sequence[tuple[str, list[str], Face]] = (
        ("russian-english", ["Добро пожаловать", "Welcome to Moscow", "Выход — Exit"], "sans"),
        ("greek-english", ["Έξοδος", "Exit to the harbour", "Εισιτήρια", "Tickets"], "sans"),
        ("korean-english", ["환영합니다", "Welcome to Busan", "출구", "Exit 4"], "cjk"),
        ("arabic-french", ["أهلا وسهلا", "Bienvenue à Tunis", "الخروج", "Sortie"], "sans"),
        ("russian-number", ["Телефон: 8 800 555 35 35", "Цена: 1200 рублей"], "sans"),
        ("hebrew-english", ["תחנה מרכזית", "Central Station", "רציף", "Platform 2"], "sans"),
    )  # fmt: skip
    for name, lines, face in shown:
        yield _told(
            pages.notice(lines, face=face), f"mixed-{name}", "other scripts", " ".join(lines),
            misleading=["graphic", "chart"],
        )  # fmt: skip


def _long() -> Iterator[Made]:
    rules = [f"Rule {number}: leave the kitchen as you found it" for number in range(1, 61)]
    log = [f"{8 + number // 4:02}:{15 * (number % 4):02} Guard {number + 1} reports all quiet"
           for number in range(48)]  # fmt: skip
    for name, lines in (("rules", rules), ("log", log)):
        yield _told(pages.long_page(lines), f"long-{name}", "long screenshot", " ".join(lines))


def _comics() -> Iterator[Made]:
    shown = (
        ("cat", (("Where is the cat?", "On the keyboard."), ("Again?", "She is writing her memoirs."))),
        ("rain", (("It will rain.", "Never!"), ("It is raining.", "That is fog."),
                  ("My shoes are full of fog.",))),
        ("plan", (("Do we have a plan?",), ("We have twelve.", "Do they agree?"))),
    )  # fmt: skip
    for name, panels in shown:
        words = " ".join(text for panel in panels for text in panel)
        yield drawn(
            pages.comic(panels),
            f"comic-{name}",
            "comic",
            f"Comic strip of {len(panels)} panels in which two figures talk: “{words}”",
            may_be=("person", "people"),
            names=["comic|cartoon|strip|panels|drawing"],
            words=words,
        )
