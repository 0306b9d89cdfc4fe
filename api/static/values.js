// What each mark of a chart stands for, told where one points, taps or steps through with the arrow keys. Knows no
// report: a mark is whatever the picture's own SVG gives a title, and the title is the words. It is fetched when
// somebody first looks at a chart, read and thrown away: nothing of it becomes a part of this page but text.

const NEAR = 28;
const bubble = Object.assign(document.createElement("p"), { className: "value", hidden: true });
const ring = Object.assign(document.createElement("i"), { className: "ring", hidden: true });
const spoken = Object.assign(document.createElement("p"), { className: "unseen" });
spoken.setAttribute("role", "status");
document.body.append(ring, bubble, spoken);
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
    text: words(named[at]),
    left: box.x / width, top: box.y / height, width: box.width / width, height: box.height / height,
  }));
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

function tell(mark, image, aloud) {
  const frame = image.getBoundingClientRect();
  const [width, height] = [mark.width * frame.width, mark.height * frame.height];
  const [left, top] = [frame.left + scrollX + mark.left * frame.width, frame.top + scrollY + mark.top * frame.height];
  place(ring, left - 3, top - 3);
  Object.assign(ring.style, { width: `${width + 6}px`, height: `${height + 6}px` });
  bubble.textContent = mark.text;
  ring.hidden = bubble.hidden = false;
  const most = document.documentElement.clientWidth - bubble.offsetWidth - 4;
  const above = top - bubble.offsetHeight - 10;
  place(bubble, Math.max(4, Math.min(most, left + width / 2 - bubble.offsetWidth / 2)),
    above > scrollY ? above : top + height + 10);
  if (aloud) spoken.textContent = mark.text;
  shown = { image, mark, aloud };
}

function place(one, left, top) {
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

document.addEventListener("keydown", async (event) => {
  if (event.key === "Escape") return hide();
  const image = imageOf(event.target);
  if (!image || !["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) return;
  event.preventDefault();
  const marks = await marksOf(image);
  if (!marks.length) return;
  const at = shown?.image === image ? marks.indexOf(shown.mark) : -1;
  const last = marks.length - 1;
  const next = { ArrowLeft: Math.max(0, at - 1), ArrowRight: Math.min(last, at + 1), Home: 0, End: last }[event.key];
  tell(marks[next], image, true);
});
document.addEventListener("focusout", (event) => imageOf(event.target) && hide());
addEventListener("resize", hide);
// A chart that was exchanged has other marks.
new MutationObserver(() => shown && !shown.image.isConnected && hide()).observe(document.body, { childList: true, subtree: true });
