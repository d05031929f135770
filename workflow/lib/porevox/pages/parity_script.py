"""The script of the interactive parity plot: canvas, tooltip, table; everything it shows is set as text."""

#: Reads the page's ``#data``: ids, true, models [{name, predicted}], unit, label.
SCRIPT = r"""
"use strict";
(() => {
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const n = data.ids.length, PAGE = 50, PAD = { left: 58, right: 12, top: 10, bottom: 44 };
const points = $("points"), over = $("over"), plot = $("plot"), tip = $("tip"), body = $("rows");
const list = body.closest(".scroll");
const lower = data.ids.map((id) => id.toLowerCase());
let model = 0, selected = -1, sort = "error", descending = true, start = 0;
let order = [], grid = null, view = null;

const predicted = (k) => data.models[model].predicted[k];
const residual = (k) => predicted(k) - data.true[k];
const say = (x) => Number(x.toPrecision(4)).toString().replace("-", "\u2212");
const keys = {
  id: null,
  true: (k) => data.true[k],
  predicted: predicted,
  residual: residual,
  error: (k) => Math.abs(residual(k)),
};

function limits() {
  const values = data.true.concat(...data.models.map((m) => m.predicted)).filter((x) => x !== null);
  let low = Infinity, high = -Infinity;
  for (const x of values) { if (x < low) low = x; if (x > high) high = x; }
  const t = data.true.reduce((r, x) => [Math.min(r[0], x), Math.max(r[1], x)], [Infinity, -Infinity]);
  const span = t[1] - t[0] || Math.abs(t[0]) || 1;
  low = Math.max(low, t[0] - span / 2); high = Math.min(high, t[1] + span / 2);
  const margin = 0.03 * (high - low || span);
  return [low - margin, high + margin];
}
const LIMITS = limits();

function ticks([low, high]) {
  const raw = (high - low) / 5, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((f) => f * power).find((s) => s >= raw);
  const found = [];
  for (let k = Math.ceil(low / step); k * step <= high; k++) found.push(Number((k * step).toPrecision(12)));
  return found;
}

function layout() {
  const side = Math.max(220, Math.min(plot.clientWidth, 640)), dpr = window.devicePixelRatio || 1;
  for (const canvas of [points, over]) {
    canvas.width = side * dpr; canvas.height = side * dpr;
    canvas.style.width = canvas.style.height = side + "px";
    canvas.getContext("2d").setTransform(dpr, 0, 0, dpr, 0, 0);
  }
  plot.style.height = side + "px";
  const inner = Math.min(side - PAD.left - PAD.right, side - PAD.top - PAD.bottom);
  const scale = inner / (LIMITS[1] - LIMITS[0]);
  view = {
    side, inner,
    x: (v) => PAD.left + (v - LIMITS[0]) * scale,
    y: (v) => PAD.top + inner - (Math.min(Math.max(v, LIMITS[0]), LIMITS[1]) - LIMITS[0]) * scale,
  };
}

function axes(c) {
  const { inner } = view, bottom = PAD.top + inner;
  c.strokeStyle = c.fillStyle = "#222"; c.lineWidth = 1; c.font = "12px system-ui, sans-serif";
  c.strokeRect(PAD.left, PAD.top, inner, inner);
  for (const v of ticks(LIMITS)) {
    const x = view.x(v), y = view.y(v);
    c.textAlign = "center"; c.textBaseline = "top"; c.fillText(say(v), x, bottom + 6);
    c.textAlign = "right"; c.textBaseline = "middle"; c.fillText(say(v), PAD.left - 6, y);
    c.beginPath(); c.moveTo(x, bottom); c.lineTo(x, bottom + 4);
    c.moveTo(PAD.left, y); c.lineTo(PAD.left - 4, y); c.stroke();
  }
  const unit = data.unit ? " / " + data.unit : "";
  c.textAlign = "center"; c.textBaseline = "bottom";
  c.fillText("true" + unit, PAD.left + inner / 2, bottom + 40);
  c.save(); c.translate(12, PAD.top + inner / 2); c.rotate(-Math.PI / 2); c.textBaseline = "middle";
  c.fillText("predicted" + unit, 0, 0); c.restore();
  c.setLineDash([6, 4]); c.beginPath();
  c.moveTo(PAD.left, bottom); c.lineTo(PAD.left + inner, PAD.top); c.stroke(); c.setLineDash([]);
}

function draw() {
  const c = points.getContext("2d");
  c.clearRect(0, 0, view.side, view.side);
  axes(c);
  const r = n > 5000 ? 1.2 : n > 800 ? 2 : 3;
  c.fillStyle = data.models[model].colour;
  c.globalAlpha = Math.min(0.75, Math.max(0.18, 12 / Math.sqrt(n)));
  grid = new Map();
  for (let k = 0; k < n; k++) {
    if (predicted(k) === null) continue;
    const x = view.x(data.true[k]), y = view.y(predicted(k));
    if (n > 5000) c.fillRect(x - r, y - r, 2 * r, 2 * r);
    else { c.beginPath(); c.arc(x, y, r, 0, 7); c.fill(); }
    const cell = Math.floor(x / 12) * 4096 + Math.floor(y / 12);
    if (grid.has(cell)) grid.get(cell).push(k); else grid.set(cell, [k]);
  }
  c.globalAlpha = 1;
  mark(selected);
}

function nearest(x, y) {
  let best = -1, least = 12 * 12;
  const i = Math.floor(x / 12), j = Math.floor(y / 12);
  for (let a = i - 1; a <= i + 1; a++) for (let b = j - 1; b <= j + 1; b++)
    for (const k of grid.get(a * 4096 + b) || []) {
      const d = (view.x(data.true[k]) - x) ** 2 + (view.y(predicted(k)) - y) ** 2;
      if (d < least) { least = d; best = k; }
    }
  return best;
}

function mark(k) {
  const c = over.getContext("2d");
  c.clearRect(0, 0, view.side, view.side);
  if (k < 0 || predicted(k) === null) { tip.hidden = true; return; }
  const x = view.x(data.true[k]), y = view.y(predicted(k));
  c.lineWidth = 2; c.strokeStyle = "#fff"; c.beginPath(); c.arc(x, y, 8, 0, 7); c.stroke();
  c.strokeStyle = "#d55e00"; c.beginPath(); c.arc(x, y, 6.5, 0, 7); c.stroke();
  tip.textContent = "";
  const line = (tag, text) => { const e = document.createElement(tag); e.textContent = text; tip.append(e); };
  line("strong", data.ids[k]);
  line("span", "true " + say(data.true[k]) + ", predicted " + say(predicted(k)));
  line("span", "residual " + (residual(k) > 0 ? "+" : "") + say(residual(k)) + " " + data.unit);
  tip.hidden = false;
  const left = Math.min(Math.max(4, x + 12), view.side - tip.offsetWidth - 4);
  const top = y + 14 + tip.offsetHeight > view.side ? y - 14 - tip.offsetHeight : y + 14;
  tip.style.left = Math.max(0, left) + "px"; tip.style.top = Math.max(0, top) + "px";
}

function choose(k, follow) {
  selected = k;
  mark(k);
  if (k >= 0 && follow) {
    const place = order.indexOf(k);
    if (place >= 0 && (place < start || place >= start + PAGE)) {
      start = Math.floor(place / PAGE) * PAGE;
      fill();
    }
  }
  for (const row of body.rows) {
    const own = Number(row.dataset.k) === k;
    row.classList.toggle("chosen", own);
    row.querySelector("button").setAttribute("aria-pressed", String(own));
    if (own && follow) list.scrollTop = Math.max(0, row.offsetTop - list.clientHeight / 2);
  }
}

function arrange() {
  const query = $("search").value.trim().toLowerCase();
  order = data.ids.map((_, k) => k).filter((k) => predicted(k) !== null && lower[k].includes(query));
  const key = keys[sort], sign = descending ? -1 : 1;
  const values = data.ids.slice();
  if (key) for (const k of order) values[k] = key(k);
  order.sort((a, b) => sign * (values[a] < values[b] ? -1 : values[a] > values[b] ? 1 : 0) || a - b);
  start = 0;
  for (const head of document.querySelectorAll("th[data-key]")) {
    const own = descending ? "descending" : "ascending";
    head.setAttribute("aria-sort", head.dataset.key === sort ? own : "none");
  }
  fill();
}

function fill() {
  body.textContent = "";
  for (const k of order.slice(start, start + PAGE)) {
    const row = body.insertRow(), head = document.createElement("th");
    const button = document.createElement("button");
    row.dataset.k = k; head.scope = "row";
    button.type = "button"; button.textContent = data.ids[k];
    head.append(button); row.append(head);
    for (const v of [data.true[k], predicted(k), residual(k), Math.abs(residual(k))]) {
      const cell = row.insertCell(); cell.className = "number"; cell.textContent = say(v);
    }
  }
  const end = Math.min(start + PAGE, order.length);
  $("count").textContent = order.length ? (start + 1) + "\u2013" + end + " of " + order.length : "none found";
  $("before").disabled = start === 0;
  $("after").disabled = end >= order.length;
  choose(selected, false);
}

function redraw() { layout(); draw(); }
function at(e) {
  const box = over.getBoundingClientRect();
  return nearest(e.clientX - box.left, e.clientY - box.top);
}
over.addEventListener("pointermove", (e) => {
  const k = at(e);
  mark(k < 0 ? selected : k);
  over.style.cursor = k < 0 ? "default" : "pointer";
});
over.addEventListener("pointerleave", () => mark(selected));
over.addEventListener("click", (e) => choose(at(e), true));
over.addEventListener("keydown", (e) => {
  const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageDown: 10, PageUp: -10 };
  const place = order.indexOf(selected);
  const ends = { Home: 0, End: order.length - 1 };
  let next = e.key in ends ? ends[e.key] : e.key in steps ? place + steps[e.key] : null;
  if (e.key === "Escape") { choose(-1, false); return; }
  if (next === null || !order.length) return;
  if (place < 0) next = 0;
  e.preventDefault();
  choose(order[Math.min(Math.max(next, 0), order.length - 1)], true);
});
body.addEventListener("click", (e) => {
  const row = e.target.closest("tr");
  if (row) choose(Number(row.dataset.k), false);
});
$("search").addEventListener("input", arrange);
$("before").addEventListener("click", () => { start = Math.max(0, start - PAGE); fill(); });
$("after").addEventListener("click", () => { start += PAGE; fill(); });
for (const head of document.querySelectorAll("th[data-key] button")) head.addEventListener("click", () => {
  const key = head.parentElement.dataset.key;
  descending = key === sort ? !descending : key !== "id";
  sort = key; arrange();
});
for (const choice of document.querySelectorAll("input[name=model]")) choice.addEventListener("change", () => {
  model = Number(choice.value);
  if (selected >= 0 && predicted(selected) === null) selected = -1;
  arrange(); draw();
});
window.addEventListener("resize", redraw);
function fromAddress() {
  let id = location.hash.slice(1);
  try { id = decodeURIComponent(id); } catch { /* as it is */ }
  const k = data.ids.indexOf(id);
  if (k >= 0) choose(k, true);
}
window.addEventListener("hashchange", fromAddress);
redraw(); arrange(); fromAddress();
document.body.dataset.ready = "yes";
})();
"""

#: Added to the look of every page.
STYLE = """
.parity { display: flex; flex-wrap: wrap; gap: 1.5rem; align-items: flex-start; }
#plot { position: relative; flex: 1 1 26rem; max-width: 640px; min-width: 0; }
#plot canvas { position: absolute; left: 0; top: 0; touch-action: manipulation; }
#tip { position: absolute; pointer-events: none; background: #fff; border: 1px solid var(--ink);
  border-radius: 4px; padding: .25rem .5rem; font-size: .82rem; max-width: 90%; overflow-wrap: anywhere; }
#tip[hidden] { display: none; }
#tip > * { display: block; }
main { max-width: 78rem; }
.list { flex: 1 1 30rem; min-width: 0; }
.list table { width: 100%; }
.list .scroll { position: relative; max-height: 34rem; overflow: auto; }
.list thead th { position: sticky; top: 0; background: #fff; }
.list button { font: inherit; color: inherit; background: none; border: 0; padding: 0; text-align: left;
  cursor: pointer; overflow-wrap: anywhere; }
.list tbody th button { color: var(--mark); text-decoration: underline; }
th[aria-sort=ascending] button::after { content: " \\25B2"; }
th[aria-sort=descending] button::after { content: " \\25BC"; }
tr.chosen { background: #fdece0; }
fieldset { border: 0; padding: 0; margin: .5rem 0; }
legend { float: left; padding: 0; margin-right: .75rem; }
fieldset label { margin-right: 1rem; white-space: nowrap; }
#search { font: inherit; padding: .25rem .5rem; width: 100%; max-width: 20rem; }
.list p button { color: var(--mark); text-decoration: underline; margin-left: 1rem; }
.list p button:disabled { color: var(--soft); text-decoration: none; cursor: default; }
"""
