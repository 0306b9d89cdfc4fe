// Lets an operation be tried: from the form to an address, from the address to status, headers and body.
// Knows no operation: what a field is called and where it belongs stands in the form.

const LONGEST = 200000;
const form = document.querySelector("#try"), address = document.querySelector("#address");
const answer = document.querySelector("#answer");
let asked = 0;

function values() {
  return [...form.querySelectorAll("[data-place]")].map((field) => [field.name, field.value.trim(), field.dataset.place]);
}

function url() {
  let path = form.dataset.path;
  const query = new URLSearchParams();
  for (const [name, value, place] of values()) {
    if (place === "path") path = path.replace(`{${name}}`, encodeURIComponent(value));
    else if (value) query.append(name, value);
  }
  // Commas and stars stay as they are: they are allowed there, and people read them.
  const written = query.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
  return written ? `${path}?${written}` : path;
}

// A field that may be repeated always has an empty one below it.
function another(field) {
  const inputs = [...field.parentElement.querySelectorAll("[data-many]")];
  const empty = inputs.filter((one) => !one.value.trim());
  if (!empty.length) {
    const more = field.cloneNode();
    more.value = "";
    more.placeholder = "or another";
    field.parentElement.append(more);
  }
  for (const one of empty.slice(1)) if (one !== document.activeElement) one.remove();
}

function show() {
  const written = url();
  address.href = written;
  address.querySelector("code").textContent = written;
}

// What was filled in stays in the address of the page, so that it can be handed on.
function keep() {
  const filled = values().filter(([, value]) => value).map(([name, value]) => [name, value]);
  history.replaceState(null, "", `#${new URLSearchParams(filled)}`);
}

function fill() {
  for (const [name, value] of new URLSearchParams(location.hash.slice(1))) {
    const fields = [...form.querySelectorAll(`[name="${CSS.escape(name)}"]`)];
    const field = fields.find((one) => one.tagName === "SELECT" || !one.value || !("many" in one.dataset));
    if (!field) continue;
    field.value = value;
    if ("many" in field.dataset) another(field);
    field.closest("details")?.setAttribute("open", "");
  }
}

async function send(event) {
  event.preventDefault();
  keep();
  const mine = ++asked, target = url(), began = performance.now();
  answer.hidden = false;
  answer.classList.add("waiting");
  try {
    const reply = await fetch(target, { cache: "no-cache" });
    const content = await reply.blob();
    if (mine === asked) await tell(reply, content, target, Math.round(performance.now() - began));
  } catch (error) {
    if (mine === asked) say("No answer from the server", String(error.message ?? error));
  } finally {
    if (mine === asked) answer.classList.remove("waiting");
  }
}

async function tell(reply, content, target, milliseconds) {
  const size = content.size.toLocaleString("en").replaceAll(",", "\u202f");
  say(`${reply.status} ${reply.statusText}`, `${size} bytes in ${milliseconds} ms`, reply.ok);
  const headers = [...reply.headers].map(([name, value]) => {
    const line = document.createElement("div");
    line.append(element("dt", name), element("dd", value));
    return line;
  });
  document.querySelector("#headers").replaceChildren(...headers);
  document.querySelector("#body").replaceChildren(await body(reply, content, target));
}

async function body(reply, content, target) {
  const kind = (reply.headers.get("Content-Type") ?? "").split(";")[0];
  if (kind.startsWith("image/")) {
    const image = document.createElement("img");
    image.src = target;
    image.alt = `The picture at ${target}`;
    return image;
  }
  if (!kind.startsWith("text/") && !kind.includes("json")) {
    const link = element("a", "Save the file");
    link.href = target;
    return link;
  }
  let text = await content.slice(0, LONGEST).text();
  if (kind.endsWith("json") && kind !== "application/x-ndjson" && content.size <= LONGEST) {
    text = JSON.stringify(JSON.parse(text), null, 2);
  }
  const pre = element("pre", content.size > LONGEST ? `${text}\n…` : text);
  pre.tabIndex = 0;
  return pre;
}

function element(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

function say(status, rest, good = false) {
  const line = document.querySelector("#status");
  line.classList.toggle("good", good);
  line.replaceChildren(element("b", status), ` ${rest}`);
  if (!good) document.querySelector("#body").replaceChildren();
}

document.documentElement.classList.add("live");
form.addEventListener("input", (event) => {
  if ("many" in event.target.dataset) another(event.target);
  show();
});
form.addEventListener("submit", send);
fill();
show();
