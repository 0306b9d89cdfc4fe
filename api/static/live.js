// Keeps an open page fresh: asks for the data version, and only when it is another one for the page and the charts
// that changed. Knows no chart: what may change carries data-live, an address that may data-link, what stands in a list
// of its own data-item.

const EVERY = 2000, LONGEST = 30000, PATIENCE = 15000;
const news = document.querySelector("#news");
let known = root().dataset.version;
let failures = 0, timer = 0, busy = false;

function root() {
  return document.querySelector("#live");
}

async function ask(url) {
  const reply = await fetch(url, { cache: "no-cache", signal: AbortSignal.timeout(PATIENCE) });
  if (!reply.ok) throw new Error(`${url}: ${reply.status}`);
  return reply;
}

async function check() {
  if (busy || document.hidden) return;
  busy = true;
  try {
    const told = await (await ask(root().dataset.poll)).json();
    const version = [told.dataVersion, told.dataAsOf, told.ingestedAt].join(" ");
    if (version !== known) {
      await renew();
      known = version;
    }
    if (failures > 1) say("");
    failures = 0;
  } catch {
    failures += 1;
    if (failures > 1) say("No answer from the server; trying again.", true);
  } finally {
    busy = false;
    plan();
  }
}

// Not all pages of a wall at the same instant; more and more seldom while the server is away.
function plan(wait = Math.min(LONGEST, EVERY * 2 ** failures) * (0.75 + Math.random() / 4)) {
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(check, wait);
}

function say(text, lost = false) {
  news.classList.toggle("lost", lost);
  if (news.textContent !== text) news.textContent = text;
}

async function renew() {
  const page = await ask(location.pathname + location.search);
  const fresh = new DOMParser().parseFromString(await page.text(), "text/html");
  hosted(fresh);
  const now = root(), next = fresh.querySelector("#live");
  const another = now.dataset.shape !== next.dataset.shape;
  const images = await decoded([...fresh.querySelectorAll("picture")].filter((one) => another || differs(one)));
  // From here on without a pause: one frame shows the old version, the next one the new.
  if (another) now.replaceChildren(...taken(next.childNodes, images));
  else for (const list of fresh.querySelectorAll("[data-live-list]")) arrange(list, images);
  for (const [key, image] of images) here(key).replaceWith(image);
  for (const one of fresh.querySelectorAll("[data-live]:not(picture)")) replace(one);
  for (const one of fresh.querySelectorAll("[data-link]")) lead(one);
  const more = next.dataset.records - now.dataset.records;
  Object.assign(now.dataset, { ...next.dataset });
  say(more > 0 ? `${more.toLocaleString("en")} new ${more === 1 ? "record" : "records"}` : "The records have changed");
}

function here(key, within = document) {
  return within.querySelector(`[data-live="${CSS.escape(key)}"]`);
}

function differs(one) {
  return here(one.dataset.live)?.outerHTML !== one.outerHTML;
}

// The images of these pictures by key, loaded and decoded off the screen: none is ever shown half.
async function decoded(pictures) {
  const images = new Map();
  await Promise.all(pictures.map(async (one) => {
    const image = document.importNode(one, true);
    await image.querySelector("img").decode();
    images.set(one.dataset.live, image);
  }));
  for (const one of pictures) one.replaceChildren();
  return images;
}

// Nodes of the fetched page as nodes of this one, with the images that are ready.
function taken(nodes, images) {
  return [...nodes].map((node) => {
    const own = document.importNode(node, true);
    for (const empty of own.querySelectorAll?.("picture") ?? []) {
      const image = images.get(empty.dataset.live);
      images.delete(empty.dataset.live);
      empty.replaceWith(image);
    }
    return own;
  });
}

// A list whose items are others: those that stay are moved as they are, those that are new come in.
function arrange(list, images) {
  const old = document.querySelector(`[data-live-list="${list.dataset.liveList}"]`);
  const have = new Map([...old.children].map((item) => [item.dataset.item, item]));
  const wanted = [...list.children];
  if (wanted.map((item) => item.dataset.item).join() === [...have.keys()].join()) return;
  old.replaceChildren(...wanted.map((item) => have.get(item.dataset.item) ?? taken([item], images)[0]));
}

function replace(one) {
  const old = here(one.dataset.live);
  if (!old || old.innerHTML === one.innerHTML) return;
  const seen = new Set([...old.querySelectorAll("[data-row]")].map((row) => row.dataset.row));
  old.replaceChildren(...taken(one.childNodes, new Map()));
  for (const row of old.querySelectorAll("[data-row]")) row.classList.toggle("new", !seen.has(row.dataset.row));
}

// A link that leads elsewhere now; the node stays, and so does the focus on it.
function lead(one) {
  const old = document.querySelector(`[data-link="${CSS.escape(one.dataset.link)}"]`), to = one.getAttribute("href");
  if (old && old.getAttribute("href") !== to) old.setAttribute("href", to);
}

// What is to be pasted elsewhere needs the host, which the server leaves out.
function hosted(page) {
  for (const one of page.querySelectorAll(".menu textarea")) {
    one.textContent = one.textContent.replace('src="/', `src="${location.origin}/`);
  }
}

hosted(document);
document.addEventListener("visibilitychange", () => plan(0));
addEventListener("online", () => plan(0));
plan(500);
