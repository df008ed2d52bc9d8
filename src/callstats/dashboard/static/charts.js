// How did the streams of a connection do over time? One small chart per figure, a line per stream.
//
// A chart is drawn when it scrolls into view. All share the call's time axis, the cursor and the
// zoom. Where nothing is known the server sends null, and the line has a gap there.

const METRICS = {
  bitrate: { scale: 1 / 1000, digits: 0, floor: 10 },
  loss: { scale: 100, digits: 1, floor: 1 },
  rtt: { scale: 1000, digits: 0, floor: 20 },
  jitter: { scale: 1000, digits: 1, floor: 5 },
  fps: { scale: 1, digits: 1, floor: 10 },
  video: { scale: 1, digits: 2, range: [1, 5] },
  mos: { scale: 1, digits: 2, range: [1, 4.5] },
};
const COLOURS = 8;
const HEIGHT = 132;
const SYNC = "call";
const EXPAND = 2; // uPlot.join: a null reaches to the neighbouring values

const answers = new Map(); // address → promise of its series
const drawn = new Set(); // every chart on the page
let zoom = null; // the part of the call that every chart shows, null for all of it

function address(box) {
  const { series, app, user, device, connection } = box.dataset;
  return `${series}?${new URLSearchParams({ app, user, device, connection })}`;
}

async function load(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  return (await answer.json()).series;
}

function seriesOf(box) {
  const url = address(box);
  if (!answers.has(url)) answers.set(url, load(url));
  const { stream, direction } = box.dataset;
  return answers.get(url).then((all) => {
    const numbered = all.map((one, index) => ({
      ...one,
      colour: (index % COLOURS) + 1,
      name: nameOf(box, one),
    }));
    return stream
      ? numbered.filter((one) => one.stream === stream && one.direction === direction)
      : numbered;
  });
}

// --- data: lines that have at least one value, on one common time axis

function linesOf(series, metric) {
  return series.filter((one) => one[metric].some((value) => value !== null));
}

function table(lines, metric) {
  const { scale } = METRICS[metric];
  const tables = lines.map((line) => [
    line.times,
    line[metric].map((value) => (value === null ? null : value * scale)),
  ]);
  // The streams' moments differ: a null of one must stay a gap between the others' moments.
  return tables.length ? uPlot.join(tables, tables.map(() => [EXPAND, EXPAND])) : [[]];
}

// --- drawing

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function dash(line) {
  return line.direction === "outbound" ? [5, 3] : [];
}

function yRange(metric) {
  const { range, floor } = METRICS[metric];
  return range ? () => range : (_, low, high) => [0, Math.max((high ?? 0) * 1.08, floor)];
}

function wholeCall(box) {
  const [start, end] = [Number(box.dataset.start), Number(box.dataset.end)];
  const last = box.last ?? end; // a live call goes on after the page was made
  return { min: start, max: Math.max(end, last) };
}

function elapsed(start) {
  return (_, ticks) =>
    ticks.map((at) => {
      const passed = Math.max(Math.round(at - start), 0);
      const [hours, minutes, seconds] = [Math.floor(passed / 3600), Math.floor(passed / 60) % 60, passed % 60];
      const tail = String(seconds).padStart(2, "0");
      return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
    });
}

// Scores have a tick at every whole number; other figures where uPlot thinks best.
function whole(metric) {
  const { range } = METRICS[metric];
  return range ? { splits: () => [1, 2, 3, 4, 5].filter((tick) => tick <= range[1]) } : {};
}

function ticksFrom(start) {
  return (_, __, low, high, step) => {
    const ticks = [];
    for (let at = start + Math.ceil((low - start) / step) * step; at <= high; at += step) ticks.push(at);
    return ticks;
  };
}

function options(box, lines, metric, width) {
  const start = Number(box.dataset.start);
  const axis = { stroke: colour("--dim"), font: "11px system-ui, sans-serif", ticks: { show: false } };
  const grid = { stroke: colour("--line"), width: 1 };
  return {
    width,
    height: HEIGHT,
    padding: [8, 16, 0, 0],
    legend: { show: false },
    cursor: {
      sync: { key: SYNC, scales: ["x", null] },
      points: { size: 6 },
      drag: { x: true, y: false },
      bind: { dblclick: () => showAll },
      y: false,
    },
    scales: { x: { time: false, ...(zoom ?? wholeCall(box)) }, y: { range: yRange(metric) } },
    axes: [
      { ...axis, grid: { show: false }, size: 22, space: 60, incrs: [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400], splits: ticksFrom(start), values: elapsed(start) },
      { ...axis, grid, size: 44, space: 28, ...whole(metric) },
    ],
    series: [
      {},
      ...lines.map((line) => ({
        label: line.name,
        stroke: colour(`--series-${line.colour}`),
        width: 1.6,
        dash: dash(line),
        spanGaps: false,
        points: { show: true, size: 4, width: 0, fill: colour(`--series-${line.colour}`), filter: lonePoints },
      })),
    ],
    hooks: { setCursor: [readOut], setScale: [zoomTogether] },
  };
}

// A value between two gaps has no line to show it, so it gets a point.
function lonePoints(chart, seriesIndex) {
  const values = chart.data[seriesIndex];
  const known = [];
  values.forEach((value, index) => {
    if (value !== undefined) known.push([index, value]);
  });
  return known
    .filter(([, value], place) => value !== null
      && (known[place - 1]?.[1] ?? null) === null && (known[place + 1]?.[1] ?? null) === null)
    .map(([index]) => index);
}

function zoomTogether(chart, scale) {
  if (scale !== "x" || chart.status !== 1) return; // not by the chart's own first drawing
  const { min, max } = chart.scales.x;
  const asked = zoom ?? wholeCall(chart.root.closest(".charts"));
  if (asked.min === min && asked.max === max) return; // by us, not by a hand
  zoom = { min, max };
  for (const other of drawn) if (other.uplot !== chart) other.uplot.setScale("x", zoom);
}

function showAll() {
  zoom = null;
  for (const chart of drawn) chart.uplot.setScale("x", wholeCall(chart.box));
}

function swatch(line) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("width", "18");
  svg.setAttribute("height", "6");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", "M0 3H18");
  path.setAttribute("class", `stroke-${line.colour}`);
  path.setAttribute("stroke-width", "2.4");
  if (dash(line).length) path.setAttribute("stroke-dasharray", "5 3");
  svg.append(path);
  return svg;
}

function readOut(uplot) {
  const chart = [...drawn].find((one) => one.uplot === uplot);
  if (!chart) return;
  const at = uplot.cursor.idx;
  const values = chart.lines.map((line, index) => [line, nearest(uplot, index + 1, at), index + 1])
    .filter(([, value, index]) => value !== null && uplot.series[index].show);
  chart.output.replaceChildren(
    ...values.slice(0, 4).map(([line, value]) => {
      const span = document.createElement("span");
      span.append(swatch(line), value.toFixed(METRICS[chart.metric].digits));
      return span;
    }),
  );
}

// Streams are sampled at slightly different moments: look a little around the cursor.
function nearest(uplot, seriesIndex, at) {
  if (at === null || at === undefined) return null;
  const values = uplot.data[seriesIndex];
  for (let distance = 0; distance < 8; distance += 1) {
    for (const index of [at - distance, at + distance]) {
      if (values[index] === null && distance === 0) return null;
      if (typeof values[index] === "number") return values[index];
    }
  }
  return null;
}

function describe(lines, metric) {
  const { scale, digits } = METRICS[metric];
  return lines.map((line) => {
    const values = line[metric].filter((value) => value !== null).map((value) => value * scale);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return `${line.name}: mean ${mean.toFixed(digits)}, from ${low.toFixed(digits)} to ${high.toFixed(digits)}`;
  }).join("; ");
}

function draw(box, figure, series) {
  const { metric } = figure.dataset;
  const plot = figure.querySelector(".plot");
  const lines = linesOf(series, metric);
  if (!lines.length) {
    say(plot, "nothing known");
    return;
  }
  const width = plot.clientWidth;
  plot.setAttribute("role", "img");
  plot.setAttribute("aria-label", `${figure.querySelector("figcaption").textContent.trim()} over time. ${describe(lines, metric)}`);
  const uplot = new uPlot(options(box, lines, metric, width), table(lines, metric), plot);
  drawn.add({ uplot, lines, metric, box, plot, output: figure.querySelector("output") });
}

function say(plot, text) {
  const line = document.createElement("p");
  line.className = "nothing";
  line.textContent = text;
  plot.replaceChildren(line);
}

// --- the legend: which line is which; a press hides or shows it in every chart of the box

function nameOf(box, { stream, direction }) {
  const rows = box.closest(".connection").querySelectorAll("tr[data-stream]");
  const row = [...rows].find((one) => one.dataset.stream === stream && one.dataset.direction === direction);
  return row?.querySelector("th").textContent.trim().replace(/\s+/g, " ") ?? stream;
}

function fillLegend(box, series) {
  const legend = box.querySelector(".legend");
  legend.replaceChildren(...series.map((line) => {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-pressed", "true");
    button.append(swatch(line), line.name);
    button.addEventListener("click", () => toggle(box, line, button));
    const item = document.createElement("li");
    item.append(button);
    return item;
  }));
}

function toggle(box, line, button) {
  const isShown = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(isShown));
  for (const chart of drawn) {
    if (chart.box !== box) continue;
    const index = chart.lines.findIndex((one) => one.stream === line.stream && one.direction === line.direction);
    if (index >= 0) chart.uplot.setSeries(index + 1, { show: isShown });
  }
}

// --- when: in view, resized, recoloured, refreshed

function lastOf(series) {
  return Math.max(...series.map((one) => one.times.at(-1) ?? 0));
}

async function fill(box) {
  const figures = [...box.querySelectorAll(".chart")];
  try {
    const series = await seriesOf(box);
    box.last = lastOf(series);
    fillLegend(box, series);
    for (const figure of figures) draw(box, figure, series);
  } catch (error) {
    for (const figure of figures) say(figure.querySelector(".plot"), `not loaded: ${error.message}`);
  }
}

function erase(boxes) {
  for (const chart of drawn) {
    if (!boxes.has(chart.box)) continue;
    chart.uplot.destroy();
    drawn.delete(chart);
  }
}

function boxesDrawn() {
  return new Set([...drawn].map((chart) => chart.box));
}

function redraw() {
  const boxes = boxesDrawn();
  erase(boxes);
  for (const box of boxes) fill(box);
}

// A live call goes on: the same charts get more data, so that cursor, zoom and legend stay.
async function update(box) {
  const series = await seriesOf(box);
  const charts = [...drawn].filter((chart) => chart.box === box);
  const isSame = charts.every(({ lines, metric }) => {
    const now = linesOf(series, metric);
    return now.length === lines.length && now.every((line, index) => line.name === lines[index].name);
  });
  if (!isSame) {
    erase(new Set([box]));
    fill(box);
    return;
  }
  box.last = lastOf(series);
  for (const chart of charts) {
    chart.lines = linesOf(series, chart.metric);
    chart.uplot.setData(table(chart.lines, chart.metric), false);
    chart.uplot.setScale("x", zoom ?? wholeCall(box));
  }
}

function refresh() {
  answers.clear();
  for (const box of boxesDrawn()) update(box).catch(() => {}); // the next refresh tries again
}

function fit() {
  for (const { uplot, plot } of drawn) {
    const width = plot.clientWidth;
    if (width && width !== uplot.width) uplot.setSize({ width, height: HEIGHT });
  }
}

const inView = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      inView.unobserve(target);
      fill(target);
    }
  },
  { rootMargin: "200px" },
);

function start() {
  document.documentElement.classList.add("has-script");
  const boxes = document.querySelectorAll(".charts");
  if (!window.uPlot) {
    for (const plot of document.querySelectorAll(".charts .plot")) say(plot, "charts were not built into this installation");
    return;
  }
  for (const box of boxes) inView.observe(box);
  new ResizeObserver(fit).observe(document.getElementById("main"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  document.addEventListener("callstats:refreshed", refresh);
}

start();
