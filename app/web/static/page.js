// What the page does beyond links and forms: live steps, the cascade at hand, points that tell.
const $ = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const SVG = "http://www.w3.org/2000/svg";

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// The steps of a run as they happen. Text only: whatever a step says stays text.
function watch(list) {
  const told = list.children.length;
  let seen = 0;
  const source = new EventSource(list.dataset.steps);
  source.addEventListener("step", event => {
    seen += 1;
    if (seen <= told) return;
    const step = JSON.parse(event.data);
    list.append(make("li", {}, make("b", {}, step.node), " ", make("span", {}, step.message)));
    list.lastElementChild.scrollIntoView({ block: "nearest" });
  });
  source.addEventListener("place", event => {
    const { place } = JSON.parse(event.data);
    if (place === null) return;
    $("#place").textContent = place === 0 ? "Being answered …" : `${place} before it in the queue.`;
  });
  source.addEventListener("over", () => {
    source.close();
    location.reload();
  });
}

// A drawing that is moved and scaled: buttons, keys, wheel with Ctrl, one or two fingers.
function pannable(frame) {
  const svg = $("svg", frame);
  if (!svg) return;
  const whole = svg.getAttribute("viewBox").split(" ").map(Number);
  svg.dataset.whole = whole.join(" ");
  svg.setAttribute("role", "group");
  let box = [...whole];
  const show = () => svg.setAttribute("viewBox", box.map(n => n.toFixed(1)).join(" "));
  const fit = () => {
    const width = frame.clientWidth - 2;
    const natural = Math.min(1.35, Math.max(width / whole[2], 0.72));
    const height = Math.max(150, Math.min(whole[3] * natural, window.innerHeight * 0.7));
    svg.removeAttribute("width");
    svg.setAttribute("height", height.toFixed(0));
    const scale = Math.min(1.35, Math.max(Math.min(width / whole[2], height / whole[3]), 0.72));
    box = [0, 0, width / scale, height / scale];
    if (box[2] > whole[2]) box[0] = (whole[2] - box[2]) / 2;
    box[1] = (whole[3] - box[3]) / 2;
    show();
  };
  const zoom = (factor, x = 0.5, y = 0.5) => {
    const width = Math.min(whole[2] * 2, Math.max(120, box[2] / factor));
    const real = box[2] / width, height = box[3] / real;
    box = [box[0] + (box[2] - width) * x, box[1] + (box[3] - height) * y, width, height];
    show();
  };
  const move = (dx, dy) => {
    box[0] = Math.min(whole[2] - 60, Math.max(60 - box[2], box[0] + dx));
    box[1] = Math.min(whole[3] - 40, Math.max(40 - box[3], box[1] + dy));
    show();
  };
  const tools = make("div", { class: "pan-tools", role: "group", "aria-label": "View" });
  for (const [words, name, act] of [["+", "Larger", () => zoom(1.3)], ["−", "Smaller", () => zoom(1 / 1.3)],
    ["◀", "Left", () => move(-box[2] / 4, 0)], ["▶", "Right", () => move(box[2] / 4, 0)], ["⤢", "All of it", fit]]) {
    const button = make("button", { type: "button", "aria-label": name, title: name }, words);
    button.addEventListener("click", act);
    tools.append(button);
  }
  frame.append(tools);
  const fingers = new Map();
  let moved = 0;
  svg.addEventListener("pointerdown", event => {
    fingers.set(event.pointerId, [event.clientX, event.clientY]);
    moved = 0;
  });
  svg.addEventListener("pointermove", event => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const scale = box[2] / svg.clientWidth, now = [event.clientX, event.clientY];
    if (fingers.size === 1) {
      move((before[0] - now[0]) * scale, (before[1] - now[1]) * scale);
    } else if (fingers.size === 2) {
      const other = [...fingers.entries()].find(([id]) => id !== event.pointerId)[1];
      const far = point => Math.hypot(point[0] - other[0], point[1] - other[1]) || 1;
      zoom(far(now) / far(before));
    }
    moved += Math.abs(now[0] - before[0]) + Math.abs(now[1] - before[1]);
    fingers.set(event.pointerId, now);
    if (moved > 6 && !svg.hasPointerCapture(event.pointerId)) svg.setPointerCapture(event.pointerId);
  });
  for (const end of ["pointerup", "pointercancel", "pointerleave"]) {
    svg.addEventListener(end, event => fingers.delete(event.pointerId));
  }
  svg.addEventListener("click", event => { if (moved > 6) event.stopPropagation(); }, true);
  frame.addEventListener("wheel", event => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const rect = svg.getBoundingClientRect();
    zoom(event.deltaY < 0 ? 1.15 : 1 / 1.15, (event.clientX - rect.left) / rect.width, (event.clientY - rect.top) / rect.height);
  }, { passive: false });
  for (const badge of all("g.badge[data-step]", svg)) {
    badge.setAttribute("tabindex", "0");
    badge.setAttribute("role", "button");
    const title = $(`g.edge[data-step="${badge.dataset.step}"] title`, svg);
    badge.addEventListener("focus", () => {
      const mark = badge.getBBox(), x = mark.x + mark.width / 2, y = mark.y + mark.height / 2;
      if (x < box[0] || x > box[0] + box[2]) box[0] = x - box[2] / 2;
      if (y < box[1] || y > box[1] + box[3]) box[1] = y - box[3] / 2;
      show();
    });
    badge.setAttribute("aria-label", `Step ${title ? title.textContent : badge.dataset.step}`);
  }
  // A frame that only grows in height keeps the view that somebody chose.
  let wide = 0;
  new ResizeObserver(() => {
    if (frame.clientWidth === wide) return;
    wide = frame.clientWidth;
    fit();
  }).observe(frame);
}

// The chosen step: what is known of it, from the tables below, and a way to leave it out.
function choose(number) {
  const row = $(`#step-${CSS.escape(number)}`), panel = $("#step-panel");
  if (!row || !panel) return false;
  const heads = all("th", row.closest("table")).slice(0, row.cells.length).map(one => one.textContent);
  const facts = make("ul", { class: "facts" });
  for (const cite of all("a.cite", row)) {
    const fact = $(cite.getAttribute("href"));
    if (!fact) continue;
    const copy = fact.cloneNode(true);
    copy.removeAttribute("id");
    facts.append(copy);
  }
  const parts = make("dl", {});
  [...row.cells].slice(1, -1).forEach((cell, i) => {
    if (!cell.textContent.trim()) return;
    const value = make("dd", {});
    value.append(...[...cell.cloneNode(true).childNodes]);
    parts.append(make("div", {}, make("dt", {}, heads[i + 1]), value));
  });
  const close = make("button", { type: "button" }, "Close");
  close.addEventListener("click", () => { panel.hidden = true; mark(null); });
  const tools = make("p", { class: "row" });
  const tick = $(`#without input[value="${number}"]`);
  if (tick) {
    const out = make("button", { type: "button" }, tick.checked ? "Put this step back" : "Take this step out");
    out.addEventListener("click", () => {
      tick.checked = !tick.checked;
      out.textContent = tick.checked ? "Put this step back" : "Take this step out";
      $("#apart").open = true;
      tick.dispatchEvent(new Event("change", { bubbles: true }));
      $("#apart").scrollIntoView({ block: "nearest" });
    });
    tools.append(out, " ");
  }
  tools.append(close);
  panel.replaceChildren(make("h3", {}, `Step ${number}`), parts, facts, tools);
  panel.hidden = false;
  mark(number);
  panel.scrollIntoView({ block: "nearest" });
  return true;
}

function mark(number) {
  for (const one of all("#cascade-figure [data-step]")) one.classList.toggle("chosen", one.dataset.step === number);
}

document.addEventListener("click", event => {
  const step = event.target.closest("[data-step]");
  if (step && $("#step-panel") && !step.closest("#without-result") && choose(step.dataset.step)) event.preventDefault();
  const point = event.target.closest("[data-gene]");
  if (point) {
    const field = $("#effects-q");
    field.value = point.dataset.gene;
    htmx.trigger(field.form, "submit");
    $("#effects-table").scrollIntoView({ block: "nearest" });
  }
});
document.addEventListener("keydown", event => {
  if ((event.key === "Enter" || event.key === " ") && event.target.matches("g[data-step]")) {
    event.preventDefault();
    choose(event.target.dataset.step);
  }
  if (event.key === "Escape" && $("#step-panel") && !$("#step-panel").hidden) {
    $("#step-panel").hidden = true;
    mark(null);
  }
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.id === "text") {
    event.target.form.requestSubmit();
  }
});

// A menu closes when something else is chosen.
document.addEventListener("click", event => {
  for (const open of all(".tools details[open]")) if (!open.contains(event.target)) open.open = false;
});

// Forms that delete ask first.
document.addEventListener("submit", event => {
  if (/\/delete$/.test(event.target.action) && !confirm("Delete this run?")) event.preventDefault();
});

for (const list of all("[data-steps]")) watch(list);
for (const frame of all(".figure.pan")) pannable(frame);
for (const frame of all(".figure:not(.pan)")) frame.setAttribute("tabindex", "0");

// A file can be dropped on the field that takes one.
for (const place of all(".drop")) {
  const field = $("input[type=file]", place);
  for (const kind of ["dragenter", "dragover"]) place.addEventListener(kind, event => { event.preventDefault(); place.classList.add("over"); });
  for (const kind of ["dragleave", "drop"]) place.addEventListener(kind, () => place.classList.remove("over"));
  place.addEventListener("drop", event => {
    event.preventDefault();
    if (event.dataTransfer.files.length) field.files = event.dataTransfer.files;
  });
}
