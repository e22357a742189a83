"use strict";
(() => {
  const charts = JSON.parse(document.getElementById("charts").textContent);
  const plots = [...document.querySelectorAll(".plot")];
  const PAD = { left: 22, right: 78, top: 8, bottom: 22 };
  const SVG = "http://www.w3.org/2000/svg";
  const starts = charts.filter((c) => c.t.length).map((c) => c.t[0]);
  const ends = charts.filter((c) => c.t.length).map((c) => c.t[c.t.length - 1]);
  if (!starts.length) return;
  const FIRST = Math.min(...starts), LAST = Math.max(Math.max(...ends), Math.min(...starts) + 1);
  let from = FIRST, to = LAST, cursor = null;
  const hidden = charts.map(() => new Set(["signal"]));

  const el = (name, attributes, parent, text) => {
    const e = document.createElementNS(SVG, name);
    for (const k in attributes) e.setAttribute(k, attributes[k]);
    if (text !== undefined) e.textContent = text;
    if (parent) parent.appendChild(e);
    return e;
  };
  // First index whose time is not before x.
  const seek = (times, x) => {
    let a = 0, b = times.length;
    while (a < b) { const m = (a + b) >> 1; if (times[m] < x) a = m + 1; else b = m; }
    return a;
  };
  const at = (chart, x) => Math.max(0, seek(chart.t, x + 1) - 1);
  const number = (v, digits, shown = digits) =>
    (v / 10 ** digits).toLocaleString("en-GB", { minimumFractionDigits: shown, maximumFractionDigits: shown });
  // At most so many marks of each kind, evenly spread: more of them come out when the view is zoomed in.
  const sparse = (marks, most) => {
    const total = {}, seen = {};
    for (const m of marks) total[m[0]] = (total[m[0]] || 0) + 1;
    return marks.filter((m) => {
      const stride = Math.ceil(total[m[0]] / most);
      seen[m[0]] = (seen[m[0]] || 0) + 1;
      return seen[m[0]] % stride === 0 || stride === 1;
    });
  };
  // Room for the widest label, the same on every chart, so that their times stand above each other.
  const widest = Math.max(...charts.flatMap((c) => (c.v.length ? [Math.max(...c.v), Math.min(...c.v)].map((v) => number(v, c.digits).length) : [0])));
  PAD.right = Math.max(56, 16 + widest * 6.4);
  const two = (n) => String(n).padStart(2, "0");
  const clock = (us, fine) => {
    const d = new Date(Math.floor(us / 1000));
    const base = `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}`;
    if (fine < 1) return base;
    const seconds = `${base}:${two(d.getUTCSeconds())}`;
    return fine < 2 ? seconds : `${seconds}.${String(Math.floor(us % 1e6)).padStart(6, "0").slice(0, fine < 3 ? 3 : 6)}`;
  };
  const day = (us) => new Date(Math.floor(us / 1000)).toISOString().slice(0, 10);
  const nice = (span, most, steps) => {
    const raw = span / most, power = 10 ** Math.floor(Math.log10(raw));
    return (steps.find((s) => s * power >= raw) || 10) * power;
  };
  const timeStep = (span, most) => {
    const clockSteps = [1e6, 2e6, 5e6, 1e7, 1.5e7, 3e7, 6e7, 1.2e8, 3e8, 6e8, 9e8, 1.8e9, 3.6e9, 7.2e9, 1.08e10, 2.16e10, 4.32e10, 8.64e10];
    const raw = span / most;
    if (raw < 1e6) return Math.max(1, nice(span, most, [1, 2, 5, 10]));
    return clockSteps.find((s) => s >= raw) || Math.ceil(raw / 8.64e10) * 8.64e10;
  };

  function draw(i) {
    const c = charts[i], box = plots[i];
    const w = box.clientWidth, h = box.clientHeight;
    box.replaceChildren();
    const svg = el("svg", { viewBox: `0 0 ${w} ${h}`, "aria-hidden": "true" }, box);
    const x0 = PAD.left, x1 = w - PAD.right, y0 = PAD.top, y1 = h - PAD.bottom;
    const a = at(c, from), b = Math.min(c.t.length, seek(c.t, to) + 1);
    let low = Infinity, high = -Infinity;
    for (let k = a; k < b; k++) { if (c.v[k] < low) low = c.v[k]; if (c.v[k] > high) high = c.v[k]; }
    const marks = sparse(c.marks.filter((m) => m[2] >= from && m[2] <= to && !hidden[i].has(m[0])), (x1 - x0) / 6);
    for (const m of marks) if (m[3] && m[0] !== "denied") { if (m[3] < low) low = m[3]; if (m[3] > high) high = m[3]; }
    if (low > high) { el("text", { x: w / 2, y: h / 2, "text-anchor": "middle" }, svg, "no data here"); return; }
    if (c.tone === "loss") high = Math.max(high, 0);
    const room = Math.max((high - low) * 0.06, 0.5);
    low -= room; high += c.tone === "loss" ? 0 : room;
    const X = (t) => x0 + ((t - from) / (to - from)) * (x1 - x0);
    const Y = (v) => y1 - ((v - low) / (high - low)) * (y1 - y0);
    const step = Math.max(1, nice(high - low, h > 240 ? 6 : 4, [1, 2, 2.5, 5, 10]));
    const decimals = Math.min(c.digits, Math.max(c.tone === "price" ? Math.min(2, c.digits) : 0, Math.ceil(c.digits - Math.log10(step) - 1e-9)));
    for (let v = Math.ceil(low / step) * step; v <= high; v += step) {
      el("line", { class: "grid", x1: x0, x2: x1, y1: Y(v), y2: Y(v) }, svg);
      el("text", { x: x1 + 6, y: Y(v) + 4 }, svg, number(v, c.digits, decimals));
    }
    const ts = timeStep(to - from, Math.max(2, Math.floor((x1 - x0) / 110)));
    const fine = ts >= 6e7 ? 0 : ts >= 1e6 ? 1 : ts >= 1e3 ? 2 : 3;
    for (let t = Math.ceil(from / ts) * ts; t <= to; t += ts) {
      el("line", { class: "grid", x1: X(t), x2: X(t), y1: y0, y2: y1 }, svg);
      el("text", { x: X(t), y: h - 6, "text-anchor": "middle" }, svg, ts >= 8.64e10 ? day(t) : clock(t, fine));
    }
    el("line", { class: "axis", x1: x0, x2: x1, y1, y2: y1 }, svg);
    const clip = `clip${i}`;
    el("rect", { x: x0, y: 0, width: Math.max(0, x1 - x0), height: y1 + 1 }, el("clipPath", { id: clip }, svg));
    const inner = el("g", { "clip-path": `url(#${clip})` }, svg);
    let path = "";
    for (let k = a; k < b; k++) {
      const x = X(c.t[k]).toFixed(1), y = Y(c.v[k]).toFixed(1);
      path += k === a ? `M${x} ${y}` : c.step ? `H${x}V${y}` : `L${x} ${y}`;
    }
    if (c.step) path += `H${X(Math.min(to, LAST)).toFixed(1)}`;
    const right = c.step ? X(Math.min(to, LAST)) : X(c.t[b - 1]);
    const floor = c.tone === "loss" ? Y(0) : y1;
    el("path", { class: "area", d: `${path}L${right.toFixed(1)} ${floor.toFixed(1)}L${X(c.t[a]).toFixed(1)} ${floor.toFixed(1)}Z` }, inner);
    el("path", { class: "run", d: path }, inner);
    for (const m of marks) {
      const x = X(m[2]), y = Math.min(y1 - 4, Math.max(y0 + 4, Y(m[3] || c.v[at(c, m[2])])));
      const side = m[1] > 0 ? "buy" : m[1] < 0 ? "sell" : "flat";
      el("path", { class: `m ${m[0]} ${side}`, d: shape(m[0], m[1], x, y) }, inner);
    }
    if (cursor !== null && cursor >= from && cursor <= to) {
      const k = at(c, cursor);
      el("line", { class: "cross", x1: X(cursor), x2: X(cursor), y1: y0, y2: y1 }, svg);
      el("circle", { class: "dot", cx: X(cursor), cy: Y(c.v[k]), r: 3.5 }, inner);
    }
    say(i, marks, X);
  }

  function shape(kind, side, x, y) {
    const r = kind === "fill" ? 5 : 4;
    const f = (n) => n.toFixed(1);
    if (kind === "denied") return `M${f(x - r)} ${f(y - r)}L${f(x + r)} ${f(y + r)}M${f(x + r)} ${f(y - r)}L${f(x - r)} ${f(y + r)}`;
    if (kind === "signal") return `M${f(x)} ${f(y - r)}L${f(x + r)} ${f(y)}L${f(x)} ${f(y + r)}L${f(x - r)} ${f(y)}Z`;
    if (kind === "order") return `M${f(x - r)} ${f(y - r)}H${f(x + r)}V${f(y + r)}H${f(x - r)}Z`;
    const s = side < 0 ? -1 : 1;
    return `M${f(x)} ${f(y - s * r)}L${f(x + r)} ${f(y + s * r * 0.8)}L${f(x - r)} ${f(y + s * r * 0.8)}Z`;
  }

  // What stands under the cursor, in words, below the chart (and read out when it changes).
  function say(i, marks, X) {
    const c = charts[i], out = document.querySelector(`.said[data-chart="${i}"]`);
    if (cursor === null || !c.t.length) { out.textContent = ""; return; }
    const near = marks.filter((m) => Math.abs(X(m[2]) - X(cursor)) < 6);
    near.sort((p, q) => Math.abs(p[2] - cursor) - Math.abs(q[2] - cursor));
    const lines = near.slice(0, 3).map((m) => `${clock(m[2], 3)} ${m[4]}`);
    if (near.length > 3) lines.push(`and ${near.length - 3} more here`);
    out.classList.toggle("right", cursor < (from + to) / 2);
    out.textContent = [`${day(cursor)} ${clock(cursor, 2)} UTC   ${number(c.v[at(c, cursor)], c.digits)} ${c.unit}`, ...lines].join("\n");
  }

  let waiting = false;
  const redraw = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; charts.forEach((_, i) => draw(i)); });
  };
  const show = (a, b) => {
    const least = 10, span = Math.min(Math.max(b - a, least), LAST - FIRST);
    from = Math.max(FIRST, Math.min(a, LAST - span));
    to = from + span;
    redraw();
  };
  const zoom = (factor, around) => show(around - (around - from) * factor, around + (to - around) * factor);
  const middle = () => (cursor !== null && cursor >= from && cursor <= to ? cursor : (from + to) / 2);
  const timeAt = (box, clientX) => {
    const r = box.getBoundingClientRect();
    const share = (clientX - r.left - PAD.left) / (r.width - PAD.left - PAD.right);
    return from + Math.min(1, Math.max(0, share)) * (to - from);
  };

  plots.forEach((box) => {
    let held = null;
    box.addEventListener("wheel", (e) => { e.preventDefault(); zoom(e.deltaY > 0 ? 1.25 : 0.8, timeAt(box, e.clientX)); }, { passive: false });
    box.addEventListener("pointerdown", (e) => { held = { x: e.clientX, from, to }; box.setPointerCapture(e.pointerId); });
    box.addEventListener("pointerup", () => { held = null; });
    box.addEventListener("pointermove", (e) => {
      if (held) {
        const shift = ((held.x - e.clientX) / (box.clientWidth - PAD.left - PAD.right)) * (held.to - held.from);
        show(held.from + shift, held.to + shift);
      }
      cursor = timeAt(box, e.clientX);
      redraw();
    });
    box.addEventListener("pointerleave", () => { if (!held && document.activeElement !== box) { cursor = null; redraw(); } });
    box.addEventListener("dblclick", () => show(FIRST, LAST));
    box.addEventListener("keydown", (e) => {
      const span = to - from, move = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
      if (move && e.shiftKey) show(from + move * span * 0.2, to + move * span * 0.2);
      else if (move) { cursor = Math.min(to, Math.max(from, middle() + move * span * 0.01)); redraw(); }
      else if (e.key === "Home") { cursor = from; redraw(); }
      else if (e.key === "End") { cursor = to; redraw(); }
      else if (e.key === "+" || e.key === "=") zoom(0.7, middle());
      else if (e.key === "-") zoom(1.4, middle());
      else if (e.key === "0") show(FIRST, LAST);
      else if (e.key === "Escape") { cursor = null; redraw(); }
      else return;
      e.preventDefault();
    });
  });
  document.querySelector(".tools").addEventListener("click", (e) => {
    const what = e.target.dataset.do;
    if (what === "in") zoom(0.5, middle());
    if (what === "out") zoom(2, middle());
    if (what === "all") show(FIRST, LAST);
  });
  document.querySelectorAll(".key input").forEach((input) => input.addEventListener("change", () => {
    const set = hidden[+input.dataset.chart];
    if (input.checked) set.delete(input.dataset.kind); else set.add(input.dataset.kind);
    redraw();
  }));
  new ResizeObserver(redraw).observe(document.body);
  charts.forEach((_, i) => draw(i));
})();
(() => {
  const plain = (text) => text.replace(/,/g, "");
  document.querySelectorAll("th button").forEach((button) => button.addEventListener("click", () => {
    const th = button.parentElement, column = [...th.parentElement.children].indexOf(th), body = th.closest("table").tBodies[0];
    const up = th.getAttribute("aria-sort") !== "ascending", number = th.classList.contains("num");
    th.parentElement.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
    th.setAttribute("aria-sort", up ? "ascending" : "descending");
    const key = (row) => row.children[column].textContent;
    const compare = (p, q) => (number ? (parseFloat(plain(key(p))) || 0) - (parseFloat(plain(key(q))) || 0) : key(p).localeCompare(key(q)));
    [...body.rows].sort((p, q) => (up ? compare(p, q) : compare(q, p))).forEach((row) => body.appendChild(row));
  }));
  document.querySelectorAll(".find").forEach((input) => input.addEventListener("input", () => {
    const wanted = input.value.toLowerCase();
    for (const row of input.closest("section").querySelector("tbody").rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
  }));
})();
