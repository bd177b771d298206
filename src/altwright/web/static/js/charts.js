/** Line charts, each drawn from the table beside it; what nobody knows is a gap in its line. */

/* global uPlot */

/** Height of a plot, and the least distance of two labels of its axis, in pixels. */
const HEIGHT = 220;
const LABEL_SPACE = 64;
/** Lines differ by more than their colour. */
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3]];
const BORDERS = ["solid", "dashed", "dotted", "double"];
const DAY_S = 86400;

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const date = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const moment = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });
const number = new Intl.NumberFormat("en-GB", { maximumSignificantDigits: 4 });

/** How a number of each unit reads on an axis; web/admin/charts.py has the same for tables. */
const UNITS = {
  count: (value) => number.format(value),
  seconds: (value) =>
    value >= 5400
      ? `${number.format(value / 3600)} h`
      : value >= 90
        ? `${number.format(value / 60)} min`
        : `${number.format(value)} s`,
  share: (value) => `${number.format(100 * value)} %`,
  bytes: (value) => `${number.format(value / 2 ** 20)} MB`,
};
const TENS = Array.from({ length: 9 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();
/** Steps between an axis' labels that read well. */
const STEPS = {
  count: TENS,
  seconds: [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, ...TENS.map((step) => 3600 * step)],
  share: [0.2],
  bytes: [0.1, 0.2, 0.5, ...TENS].map((step) => step * 2 ** 20),
};

/**
 * Draw every chart of the page.
 * @returns {() => void} draws them anew from their tables
 */
export function drawCharts() {
  const drawn = [...document.querySelectorAll("[data-chart]")].map(draw);
  const colours = matchMedia("(prefers-color-scheme: dark)");
  const redraw = () => drawn.forEach((one) => one());
  for (const query of [colours, matchMedia("(forced-colors: active)")]) {
    query.addEventListener("change", redraw);
  }
  return redraw;
}

/** @param {HTMLElement} figure */
function draw(figure) {
  const place = figure.querySelector("[data-plot]");
  const plot = new uPlot(options(figure, place.clientWidth), numbers(figure), place);
  new ResizeObserver(() => {
    if (place.clientWidth) plot.setSize({ width: place.clientWidth, height: HEIGHT });
  }).observe(place);
  return () => plot.setData(numbers(figure));
}

/** @param {HTMLElement} figure @returns {(number|null)[][]} instants, then the numbers of each series */
function numbers(figure) {
  const rows = [...figure.querySelector("tbody[data-live]").rows]; // the plot's legend is a table, too
  const instants = rows.map((row) => Date.parse(row.querySelector("time").dateTime) / 1000);
  const columns = [...figure.querySelectorAll("[data-series]")].map((_, position) =>
    rows.map((row) => {
      const { value } = row.cells[position + 1].dataset;
      return value === undefined ? null : Number(value);
    }),
  );
  return [instants, ...columns];
}

/** @param {HTMLElement} figure @param {number} width */
function options(figure, width) {
  const shown = UNITS[figure.dataset.unit];
  const isDays = Number(figure.dataset.pointS) >= DAY_S;
  const value = (_, given) => (given === null || given === undefined ? "—" : shown(given));
  const names = [...figure.querySelectorAll("[data-series]")].map((head) => head.textContent);
  return {
    width,
    height: HEIGHT,
    legend: { markers: { dash: (_, position) => BORDERS[position - 1] ?? "solid" } },
    cursor: { drag: { x: false, y: false } },
    scales: { y: { range: (_, _least, most) => [0, top(most, figure.dataset.unit)] } },
    axes: [
      axis({ space: LABEL_SPACE, values: (_, ticks) => ticks.map((at) => (isDays ? date : clock).format(at * 1000)) }),
      axis({ size: LABEL_SPACE, incrs: STEPS[figure.dataset.unit], values: (_, ticks) => ticks.map(shown) }),
    ],
    series: [
      { label: "From", value: (_, at) => (at ? moment.format(at * 1000) : "—") },
      ...names.map((label, position) => ({
        label,
        value,
        width: 2,
        dash: DASHES[position],
        stroke: () => colour(`--line-${position + 1}`),
        points: { show: true, size: 6, filter: alone, fill: () => colour(`--line-${position + 1}`) },
      })),
    ],
  };
}

/** The numbers that no line leads to or from, which it wouldn't show. */
function alone(plot, position) {
  const values = plot.data[position];
  const isThere = (index) => values[index] !== null && values[index] !== undefined;
  return [...values.keys()].filter((at) => isThere(at) && !isThere(at - 1) && !isThere(at + 1));
}

/** @param {object} more */
function axis(more) {
  return {
    font: '13px "Atkinson", system-ui, sans-serif',
    stroke: () => colour("--muted"),
    grid: { stroke: () => colour("--line"), width: 1 },
    ticks: { stroke: () => colour("--line"), width: 1 },
    ...more,
  };
}

/** @param {number|null} most @param {string} unit */
function top(most, unit) {
  if (unit === "share") return 1;
  return most ? most * 1.08 : 1;
}

/** A canvas doesn't resolve colours' names of forced colours; an element does. @param {string} name */
function colour(name) {
  const probe = document.getElementById("main");
  return resolved(getComputedStyle(probe).getPropertyValue(name).trim());
}

const known = new Map();

/** @param {string} value */
function resolved(value) {
  const key = `${value} ${matchMedia("(forced-colors: active)").matches}`;
  if (!known.has(key)) {
    const probe = document.createElement("span");
    probe.hidden = true;
    probe.style.color = value;
    document.body.append(probe);
    known.set(key, getComputedStyle(probe).color);
    probe.remove();
  }
  return known.get(key);
}
