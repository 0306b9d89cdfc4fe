// What each mark of a chart stands for, told where one points, taps or steps through with the arrow keys. Knows no
// report: a mark is whatever the picture's own SVG gives a title, the title is the words, and marks of one name are a
// series. It is fetched when somebody first looks at a chart, read and thrown away: nothing of it becomes a part of
// this page but text.

const NEAR = 28;
const bubble = Object.assign(document.createElement("p"), { className: "value", hidden: true });
const ring = Object.assign(document.createElement("i"), { className: "ring", hidden: true });
const spoken = document.querySelector("#spoken");
document.body.append(ring, bubble);
const read = new Map();
let shown = null, tapped = false;

// The marks of an image by its address: where they are, in shares of its width and height, and what they say.
function marksOf(image) {
  const url = image.currentSrc;
  if (!read.has(url)) {
    if (read.size > 40) read.clear();
    read.set(url, load(url).catch(() => { read.delete(url); return []; }));
  }
  return read.get(url);
}

async function load(url) {
  const reply = await fetch(url);
  if (!reply.ok) throw new Error(`${url}: ${reply.status}`);
  // Without its style sheet, which this page's policy would refuse aloud.
  const text = (await reply.text()).replace(/<style[^]*?<\/style>/, "");
  const picture = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  const [, , width, height] = picture.getAttribute("viewBox").split(" ").map(Number);
  const named = [...picture.querySelectorAll("circle, path, rect, polygon")].filter((one) => words(one));
  return measured(named).map((box, at) => ({
    text: words(named[at]), ...place(named[at]),
    left: box.x / width, top: box.y / height, width: box.width / width, height: box.height / height,
  }));
}

// Which series a mark is of, and where in it: a date, an hour, a week; nothing where they have no order of their own.
function place(mark) {
  const { date, hour, week } = mark.dataset;
  return { of: mark.closest("[data-species]")?.dataset.species ?? "", at: date ?? hour ?? week ?? "" };
}

// The marks as the keys go through them: a row for each series, the highest first, each in its own order, and what is
// told twice only once. Where each is alone in its series, as in a ranking, they are one row.
function rowsOf(marks) {
  const rows = new Map();
  for (const mark of marks) {
    const row = rows.get(mark.of) ?? rows.set(mark.of, []).get(mark.of);
    if (!row.some((one) => one.text === mark.text)) row.push(mark);
  }
  const high = (row) => row.reduce((sum, one) => sum + one.top + one.height / 2, 0) / row.length;
  const ordered = [...rows.values()].sort((one, other) => high(one) - high(other));
  for (const row of ordered) row.sort((one, other) => one.at.localeCompare(other.at, "en", { numeric: true }));
  return ordered.every((row) => row.length === 1) ? [ordered.flat()] : ordered;
}

function words(mark) {
  return mark.querySelector(":scope > title")?.textContent ?? "";
}

// Their boxes as the browser lays them out, from copies that have a shape and nothing else.
function measured(marks) {
  const space = "http://www.w3.org/2000/svg";
  const sheet = document.createElementNS(space, "svg");
  sheet.classList.add("unseen");
  const copies = marks.map((mark) => {
    const copy = document.createElementNS(space, mark.localName);
    for (const name of ["d", "cx", "cy", "r", "x", "y", "width", "height", "points"]) {
      if (mark.hasAttribute(name)) copy.setAttribute(name, mark.getAttribute(name));
    }
    return copy;
  });
  sheet.append(...copies);
  document.body.append(sheet);
  const boxes = copies.map((copy) => copy.getBBox());
  sheet.remove();
  return boxes;
}

// The mark at a point of the window, or the nearest one that is near.
function nearest(marks, frame, x, y) {
  let found = null, least = NEAR;
  for (const mark of marks) {
    const [left, top] = [frame.left + mark.left * frame.width, frame.top + mark.top * frame.height];
    const across = Math.max(left - x, 0, x - left - mark.width * frame.width);
    const down = Math.max(top - y, 0, y - top - mark.height * frame.height);
    const far = Math.hypot(across, down);
    if (far < least) [found, least] = [mark, far];
  }
  return found;
}

function tell(mark, image, aloud, anew = aloud) {
  const frame = image.getBoundingClientRect();
  const [width, height] = [mark.width * frame.width, mark.height * frame.height];
  const [left, top] = [frame.left + scrollX + mark.left * frame.width, frame.top + scrollY + mark.top * frame.height];
  move(ring, left - 3, top - 3);
  Object.assign(ring.style, { width: `${width + 6}px`, height: `${height + 6}px` });
  bubble.textContent = mark.text;
  ring.hidden = bubble.hidden = false;
  const most = document.documentElement.clientWidth - bubble.offsetWidth - 4;
  const above = top - bubble.offsetHeight - 10;
  move(bubble, Math.max(4, Math.min(most, left + width / 2 - bubble.offsetWidth / 2)),
    above > scrollY ? above : top + height + 10);
  if (anew) spoken.textContent = mark.text;
  shown = { image, mark, aloud };
}

function move(one, left, top) {
  Object.assign(one.style, { left: `${left}px`, top: `${top}px` });
}

function hide() {
  ring.hidden = bubble.hidden = true;
  shown = null;
}

function imageOf(target) {
  return target.closest?.("a.picture")?.querySelector("img");
}

document.addEventListener("pointermove", async (event) => {
  const image = imageOf(event.target);
  if (event.pointerType === "touch") return;
  if (!image) return void (shown?.aloud === false && hide());
  const mark = nearest(await marksOf(image), image.getBoundingClientRect(), event.clientX, event.clientY);
  if (mark) tell(mark, image, false);
  else hide();
});

// A finger shows the value first; whoever taps where there is none, or once more, follows the link.
document.addEventListener("click", (event) => {
  const image = imageOf(event.target);
  if (!image || event.pointerType !== "touch" || tapped) return void (tapped = false);
  const link = image.closest("a"), { clientX, clientY } = event;
  const before = shown?.mark;
  event.preventDefault();
  marksOf(image).then((marks) => {
    const mark = nearest(marks, image.getBoundingClientRect(), clientX, clientY);
    if (mark && mark !== before) return tell(mark, image, true);
    tapped = true;
    link.click();
  });
}, true);

// Left and right within a series, up and down to the next one at the same place; other keys, and those with a
// modifier, are the browser's.
document.addEventListener("keydown", async (event) => {
  if (event.key === "Escape") return hide();
  const image = imageOf(event.target), step = STEPS[event.key];
  if (!image || !step || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const rows = rowsOf(await marksOf(image)), mark = shown?.image === image ? shown.mark : null;
  const next = step(rows, rows.findIndex((row) => row.includes(mark)), mark) ?? rows[0]?.[0];
  if (next) tell(next, image, true);
});

const STEPS = {
  ArrowLeft: (rows, at, mark) => along(rows[at], mark, -1),
  ArrowRight: (rows, at, mark) => along(rows[at], mark, 1),
  ArrowUp: (rows, at, mark) => across(rows, at, mark, -1),
  ArrowDown: (rows, at, mark) => across(rows, at, mark, 1),
  Home: (rows, at) => rows[at]?.[0],
  End: (rows, at) => rows[Math.max(at, 0)]?.at(-1),
};

function along(row, mark, by) {
  return row?.[Math.max(0, Math.min(row.length - 1, row.indexOf(mark) + by))];
}

// The mark of the next series that stands nearest to where one is.
function across(rows, at, mark, by) {
  if (rows.length === 1) return along(rows[at], mark, by);
  const middle = (one) => one.left + one.width / 2, row = rows[Math.max(0, Math.min(rows.length - 1, at + by))];
  const far = (one) => Math.abs(middle(one) - middle(mark));
  return mark && row.reduce((best, one) => (far(one) < far(best) ? one : best));
}

document.addEventListener("focusout", (event) => imageOf(event.target) && hide());
addEventListener("resize", hide);
// A chart that was exchanged has other marks: whoever reads one goes on at the same place, and is told if it changed.
new MutationObserver(async () => {
  if (!shown || shown.image.isConnected) return;
  const { mark, aloud } = shown, image = imageOf(document.activeElement);
  hide();
  if (!aloud || !image) return;
  const name = (one) => one.text.split(": ")[0], same = (await marksOf(image)).find((one) => name(one) === name(mark));
  if (same && !shown) tell(same, image, true, same.text !== mark.text);
}).observe(document.body, { childList: true, subtree: true });
