"""Charts of our set, with the values that they were drawn from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from PIL import Image

from altwright.demo import drawn as demo
from evaluation.drawing import charts
from evaluation.made import Made, drawn

_BARS = "bar chart|bar graph|column chart|bars"
_LINES = "line chart|line graph|lines"
_DOTS = "scatter plot|scatter chart|dots"
_PIE = "pie chart|pie|donut chart"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def made() -> Iterator[Made]:
    """Yield all charts."""
    yield from _bars()
    yield from _more_bars()
    yield from _lines()
    yield from _dots()
    yield from _pies()
    yield from _others()


def _bar(
    image: Image.Image, name: str, title: str, values: Mapping[str, float], jpeg: int = 0
) -> Made:
    told = ", ".join(f"{label} {value:g}" for label, value in values.items())
    return drawn(
        image,
        f"bars-{name}",
        "bar chart",
        f"Bar chart titled “{title}”: {told}.",
        names=[_BARS, title],
        values=dict(values),
        jpeg=jpeg,
    )


def _bars() -> Iterator[Made]:
    visitors = {"Jan": 210, "Feb": 260, "Mar": 330, "Apr": 300, "May": 410, "Jun": 460}
    yield _bar(demo.bar_chart(), "library", "Visitors to our library", visitors)
    week = {"Mon": 12, "Tue": 31, "Wed": 44}
    image = charts.bar_chart(week, "Visitors", top=50, step=10)
    yield _bar(image, "week", "Visitors", week)
    yield _bar(image, "week-jpeg", "Visitors", week, jpeg=75)
    rain = dict(zip(_MONTHS, (61, 48, 55, 42, 70, 84, 90, 77, 58, 63, 66, 71), strict=True))
    image = charts.bar_chart(
        rain, "Rainfall in mm", top=100, step=20, size=(980, 480), face="sans", paper="#1b1f27",
        ink="#e6e6e6", fill="#5aa9e6",
    )  # fmt: skip
    yield _bar(image, "rain-dark", "Rainfall in mm", rain)
    members = {"2020": 1250.0, "2021": 1800, "2022": 2600, "2023": 3900, "2024": 5200}
    image = charts.bar_chart(members, "Members of the co-op", top=6000, step=1000, face="serif")
    yield _bar(image, "members", "Members of the co-op", members)
    image = charts.bar_chart(
        members, "Members, printed", top=6000, step=1000, face="sans", is_printed=True
    )
    yield _bar(image, "members-printed", "Members, printed", members)
    rents = {"Kiel": 1250.0, "Halle": 900, "Ulm": 1600, "Trier": 1100}
    image = charts.bar_chart(
        rents, "Kaltmiete in Euro", top=2000, step=500, thousands=".", has_upright_labels=True,
        share=0.9, widest=200, face="sans",
    )  # fmt: skip
    yield _bar(image, "upright-labels", "Kaltmiete in Euro", rents)
    cars = {"Norway": 89.0, "Iceland": 62, "Sweden": 58, "Finland": 46}
    image = charts.bar_chart(
        cars, "New cars that are electric, percent", top=100, step=20, is_printed_on=True,
        share=0.8, widest=200, face="sans", paper="#e5ecf6", fill="#636efa",
    )  # fmt: skip
    yield _bar(image, "printed-on", "New cars that are electric, percent", cars)
    share = {"Bus": 0.35, "Tram": 0.22, "Bicycle": 0.28, "Car": 0.15}
    image = charts.bar_chart(share, "Share of trips", top=0.4, step=0.1, face="sans")
    yield _bar(image, "share", "Share of trips", share)
    small = {"A": 4.0, "B": 9, "C": 6}
    image = charts.bar_chart(small, "Votes", top=10, step=2, size=(420, 280))
    yield _bar(image, "small", "Votes", small)
    change = {"Jan": 25.0, "Feb": -12, "Mar": 8, "Apr": -17}
    yield _bar(charts.hanging_chart(), "hanging", "Change in percent", change)
    tongues = {"Python": 46.0, "JavaScript": 62, "Rust": 13, "Go": 14, "Fortran": 2}
    image = charts.lying_bars(tongues, "Languages used, percent", top=70, step=10)
    yield _bar(image, "lying", "Languages used, percent", tongues)
    towns = {"Amsterdam": 54.0, "Copenhagen": 62, "Utrecht": 51, "Münster": 39}
    image = charts.lying_bars(
        towns, "Trips by bicycle", top=70, step=10, face="sans", is_printed=True, fill="#7d5ba6"
    )
    yield _bar(image, "lying-printed", "Trips by bicycle", towns)
    yield _bar(image, "lying-jpeg", "Trips by bicycle", towns, jpeg=70)


def _more_bars() -> Iterator[Made]:
    quarters = ("Q1", "Q2", "Q3", "Q4")
    series = {"North": (20.0, 35, 30, 45), "South": (15.0, 25, 40, 38)}
    for is_stacked, name in ((False, "grouped"), (True, "stacked")):
        title = f"Sales by region, {name}"
        image = charts.grouped_bars(
            series, quarters, title, top=100 if is_stacked else 50, step=10, face="sans",
            is_stacked=is_stacked,
        )  # fmt: skip
        totals = [sum(both) for both in zip(*series.values(), strict=True)]
        yield drawn(
            image,
            f"bars-{name}",
            "bar chart",
            f"Bar chart titled “{title}” for North and South in four quarters.",
            names=[_BARS, title, "North", "South"],
            # A total may be said, a part of it as the whole may not.
            counts=dict(zip(quarters, totals, strict=True)) if is_stacked else {},
        )
    yield drawn(
        charts.stacked_chart(),
        "bars-energy",
        "bar chart",
        "Stacked bar chart titled “Energy”: A 35, B 40 and C 45 in all.",
        names=[_BARS, "Energy", "stacked|stacks"],
        counts={"A": 35, "B": 40, "C": 45},
    )
    three = {"Solar": (5.0, 9, 14), "Wind": (22.0, 24, 27), "Water": (12.0, 11, 12)}
    image = charts.grouped_bars(three, ("2021", "2022", "2023"), "Power in TWh", top=30, step=5)
    yield drawn(
        image,
        "bars-power",
        "bar chart",
        "Bar chart titled “Power in TWh”: solar, wind and water from 2021 to 2023.",
        names=[_BARS, "Power in TWh", "Solar", "Wind", "Water"],
    )
    ages = [3, 9, 17, 24, 19, 11, 6, 2]
    yield drawn(
        charts.histogram(ages, "Ages of our members", top=25, step=5),
        "histogram",
        "bar chart",
        "Histogram titled “Ages of our members”; most are 30 to 40.",
        names=["histogram|bar chart|bars", "Ages of our members"],
    )


def _line(
    image: Image.Image, name: str, title: str, says: str, *names: str, **more: object
) -> Made:
    return drawn(
        image,
        f"lines-{name}",
        "line chart",
        f"Line chart titled “{title}”. {says}",
        names=[_LINES, title, *names],
        **more,  # type: ignore[arg-type] # of drawn and of the reference
    )


def _lines() -> Iterator[Made]:
    yield _line(
        charts.line_chart(),
        "water",
        "Water level in metres",
        "The river rises from 10 on Monday to 45 on Friday, the lake stays below 10.",
        *("River", "Lake", "Mon", "Sat"),
    )
    heat = (-3.0, -1, 4, 9, 14, 18, 20, 19, 15, 9, 3, -2)
    image = charts.lines(
        {"°C": heat}, _MONTHS, "Mean temperature in °C", low=-10, top=30, step=10, face="sans"
    )
    yield _line(
        image,
        "temperature",
        "Mean temperature in °C",
        "It rises from -3 in January to 20 in July and falls to -2 in December.",
        *("Jan", "Dec"),
        counts={"first": -3, "last": -2, "highest": 20},
    )
    years = ("2018", "2019", "2020", "2021", "2022", "2023", "2024")
    users = (120.0, 180, 260, 410, 900, 1300, 1450)
    for jpeg in (0, 80):
        image = charts.lines(
            {"users": users}, years, "Active users", low=0, top=1500, step=250, face="sans"
        )
        yield _line(
            image,
            f"users-{jpeg}" if jpeg else "users",
            "Active users",
            "They grow from 120 in 2018 to 1,450 in 2024.",
            *("2018", "2024"),
            counts={"first": 120, "last": 1450},
            jpeg=jpeg,
        )
    three = {
        "Bread": (2.1, 2.2, 2.4, 2.9, 3.3),
        "Milk": (0.9, 1.0, 1.1, 1.3, 1.2),
        "Butter": (1.8, 2.4, 2.0, 3.6, 2.9),
    }
    image = charts.lines(three, years[:5], "Prices in euros", low=0, top=4, step=1, face="serif")
    yield _line(
        image, "prices", "Prices in euros", "Bread, milk and butter.", "Bread", "Milk", "Butter"
    )
    image = charts.lines(
        {"visits": (30.0, 45, 40, 70, 85, 60)}, ("8 am", "10 am", "noon", "2 pm", "4 pm", "6 pm"),
        "Visits by hour", low=0, top=100, step=20, is_filled=True,
    )  # fmt: skip
    yield drawn(
        image,
        "area",
        "line chart",
        "Area chart titled “Visits by hour”, from 30 at 8 to 85 at 4.",
        names=["area chart|line chart|chart", "Visits by hour"],
    )
    cases = (2.0, 15, 90, 700, 5200, 41000)
    image = charts.steep_lines(cases, years[:6], "Cases, logarithmic")
    yield _line(
        image,
        "logarithmic",
        "Cases, logarithmic",
        "They grow from 2 to 41,000.",
        counts={"first": 2, "last": 41000},
    )


def _dots() -> Iterator[Made]:
    for name, groups in (
        ("few", {"all": 28}),
        ("many", {"all": 90}),
        ("groups", {"Oak": 25, "Fir": 22}),
    ):
        title = f"Height and age, {name}"
        count = sum(groups.values())
        image = charts.dots(
            groups, title, seed=count, across="Age in years", up="Height in metres",
            face="sans",
        )  # fmt: skip
        yield drawn(
            image,
            f"dots-{name}",
            "scatter plot",
            f"Scatter plot titled “{title}” of {count} trees: older ones are higher.",
            names=[_DOTS, title],
            counts={"dots": count},
        )


def _pie(image: Image.Image, name: str, title: str, shares: Mapping[str, int]) -> Made:
    told = ", ".join(f"{label} {share} percent" for label, share in shares.items())
    return drawn(
        image,
        f"pie-{name}",
        "pie chart",
        f"Pie chart titled “{title}”: {told}.",
        names=[_PIE, title],
        values={label: float(share) for label, share in shares.items()},
    )


def _pies() -> Iterator[Made]:
    travel = {"Bicycle": 45, "Train": 30, "On foot": 15, "Car": 10}
    yield _pie(demo.pie_chart(), "travel", "How we came to the meeting", travel)
    power = {"Wind": 40, "Solar": 25, "Gas": 20, "Coal": 15}
    yield _pie(charts.pie_chart(power, "Where power comes from"), "power",
               "Where power comes from", power)  # fmt: skip
    image = charts.pie_chart(power, "Power, as a ring", hole=70, face="sans")
    yield _pie(image, "ring", "Power, as a ring", power)
    time = {"Meetings": 34, "Writing": 28, "Reading": 21, "Support": 12, "Other": 5}
    yield _pie(charts.legend_pie(time, "Where the week goes"), "week", "Where the week goes", time)
    yes = {"Yes": 63, "No": 37}
    yield _pie(charts.pie_chart(yes, "Shall we move?", face="serif"), "vote", "Shall we move?", yes)


def _others() -> Iterator[Made]:
    image = charts.boxes(
        {"Class A": (20, 40, 55, 70, 90), "Class B": (35, 50, 62, 78, 95), "Class C": (10, 25, 38, 60, 80)},
        "Points in the exam",
    )  # fmt: skip
    yield drawn(
        image,
        "box-plot",
        "other chart",
        "Box plot titled “Points in the exam” of the classes A, B and C.",
        names=["box plot|chart", "Points in the exam", "Class A", "Class C"],
    )
    for seed, rows in ((3, ("Mon", "Tue", "Wed")), (5, ("Ada", "Ben", "Cleo", "Dan"))):
        title = "Visits by hour" if seed == 3 else "Who answers whom"
        columns = ("8", "10", "12", "14") if rows[0] == "Mon" else rows
        yield drawn(
            charts.heat_map(rows, columns, title, seed),
            f"heat-map-{seed}",
            "other chart",
            f"Heat map titled “{title}”.",
            may_be=("table",),
            names=["heat map|heatmap|chart|table", title, *rows],
        )
    steps = {"Survey": (0, 2), "Design": (1, 4), "Building": (3, 7), "Opening": (7, 8)}
    yield drawn(
        charts.plan(steps, "A new library"),
        "plan",
        "other chart",
        "Gantt chart titled “A new library”: survey, design, building, opening, January to August.",
        names=["Gantt chart|chart|timeline|plan", "A new library", *steps],
    )
    budget = {"Rent": 40, "Food": 25, "Travel": 15, "Books": 12, "Rest": 8}
    yield drawn(
        charts.treemap(budget, "What the money goes to"),
        "treemap",
        "other chart",
        "Treemap titled “What the money goes to”: rent 40, food 25, travel 15, books 12, rest 8 %.",
        names=["treemap|tree map|chart", "What the money goes to", *budget],
        counts={label: float(share) for label, share in budget.items()},
    )
    skills = {"Speed": 8.0, "Strength": 5, "Stamina": 9, "Skill": 6, "Luck": 3}
    yield drawn(
        charts.radar(skills, "Our team"),
        "radar",
        "other chart",
        "Radar chart titled “Our team”: stamina and speed are high, luck is low.",
        names=["radar chart|chart|diagram", "Our team", *skills],
    )
