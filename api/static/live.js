// Keeps an open page fresh: asks for the data version, and only when it is another one for the page and the charts
// that changed. Knows no chart: what may change carries data-live, an address that may data-link, what stands in a list
// of its own data-item. Knows no words: what it says stands in the page (#said), in the page's language.

const EVERY = 2000, SELDOM = 5000, LONGEST = 30000, PATIENCE = 15000, QUIET = 600000, LOOK = 60000;
const SPANS = [[86400, "day"], [3600, "hour"], [60, "minute"]];
const news = document.querySelector("#news"), said = document.querySelector("#said").dataset;
const pause = document.querySelector("#pause"), checked = document.querySelector("#checked");
const language = document.documentElement.lang, plural = new Intl.PluralRules(language);
let known = root().dataset.version, tag = "", looked = Date.now(), skew = 0;
let failures = 0, timer = 0, busy = false, trips = 0, paused = false;
let stirred = Date.now(), told = "";

function root() {
  return document.querySelector("#live");
}

async function ask(url) {
  const reply = await fetch(url, { cache: "no-cache", signal: AbortSignal.timeout(PATIENCE) });
  if (!reply.ok) throw new Error(`${url}: ${reply.status}`);
  const there = Date.parse(reply.headers.get("Date"));
  if (there) skew = there - Date.now();
  return reply;
}

function resting() {
  return paused || document.hidden || !navigator.onLine;
}

async function check() {
  if (busy || resting()) return;
  busy = true;
  try {
    const now = await (await ask(root().dataset.poll)).json();
    const version = [now.dataVersion, now.dataAsOf, now.ingestedAt].join(" ");
    // Once a minute the page is asked for whatever the data say: a day may have begun, a feed may have gone silent.
    if (![known, root().dataset.version].includes(version)) await renew();
    else if (Date.now() - looked >= LOOK) await look();
    known = version;
    if (news.classList.contains("lost")) say("");
    failures = 0;
    stamp();
  } catch {
    failures += 1;
    if (failures > 1) say(told ? filled(said.lostSince, { time: told }) : said.lost, true);
  } finally {
    busy = false;
    plan();
  }
}

// Not all pages of a wall at the same instant; more seldom where nobody and nothing stirred for ten minutes, and more
// and more seldom while the server is away.
function plan(wait = Math.min(LONGEST, pace() * 2 ** failures) * (0.75 + Math.random() / 4)) {
  clearTimeout(timer);
  if (!resting()) timer = setTimeout(check, wait);
}

function pace() {
  return Date.now() - stirred > QUIET ? SELDOM : EVERY;
}

// The time of the last check that was answered; not read aloud, as it is another one every two seconds.
function stamp() {
  told = new Date().toLocaleTimeString(language, { hourCycle: "h23" });
  checked.textContent = filled(said.checked, { time: told });
}

function say(text, lost = false) {
  news.classList.toggle("lost", lost);
  if (news.textContent !== text) news.textContent = text;
}

async function renew() {
  const before = Number(root().dataset.records);
  if (!await look()) return;
  stirred = Date.now();
  const more = Number(root().dataset.records) - before;
  const came = more > 0 ? counted(said.new, more) : said.changed;
  const until = document.querySelector(".fresh b")?.textContent;
  say(until ? filled(said.until, { news: came, day: until }) : came);
}

// Whether this page is another one by now, and was exchanged.
async function look() {
  const trip = trips, reply = await ask(location.pathname + location.search), newest = reply.headers.get("ETag");
  const fresh = newest === tag ? null : await read(reply), strange = fresh !== null && foreign(fresh);
  const typing = document.activeElement.closest("#filters");
  if (strange && !typing) return void location.reload();
  const another = fresh !== null && await show(fresh, trip, false);
  if (trip !== trips) return false;
  [tag, looked] = [strange ? "" : newest, Date.now()];
  return another;
}

async function read(page) {
  const fresh = new DOMParser().parseFromString(await page.text(), "text/html");
  hosted(fresh);
  tick(fresh);
  return fresh;
}

// A text of the page with these values in the place of {name}.
function filled(text, values) {
  return text.replace(/{([a-z]+)}/g, (_, name) => values[name]);
}

// So many of something, in the plural that the language has for it; the thin space is that of the page's numbers.
function counted(texts, number) {
  const num = number.toLocaleString("en").replaceAll(",", "\u202f");
  return filled(JSON.parse(texts)[plural.select(number)], { num });
}

// A page of another release or in another language needs that one's script, style and words.
function foreign(page) {
  const files = (of) => [...of.querySelectorAll("script, head > [rel=stylesheet]")].map((one) => one.src ?? one.href).join();
  return page.documentElement.lang !== language || files(page) !== files(document);
}

// How long ago a moment was, by the server's clock. It grows by itself, whether anybody is asked or not.
function tick(page = document) {
  for (const one of page.querySelectorAll("[data-since]")) {
    const seconds = (Date.now() + skew - Date.parse(one.dataset.since)) / 1000, text = `(${ago(seconds)})`;
    if (one.textContent !== text) one.textContent = text;
  }
}

function ago(seconds) {
  const [length, unit] = SPANS.find(([length]) => seconds >= length) ?? [Infinity, "second"];
  return new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(-Math.floor(seconds / length) || 0, unit);
}

// The same page with other filters, without leaving it; where that fails, the browser goes there by itself.
async function go(url, push) {
  const trip = ++trips;
  root().setAttribute("aria-busy", "true");
  try {
    const page = await ask(url), fresh = await read(page);
    if (foreign(fresh)) return void location.assign(url);
    if (!await show(fresh, trip, true)) return;
    if (push) history.pushState(null, "", page.url);
    document.title = fresh.title;
    known = root().dataset.version;
    [tag, looked] = [page.headers.get("ETag"), Date.now()];
    say(counted(said.found, Number(root().dataset.records)));
  } catch {
    if (trip === trips) location.assign(url);
  } finally {
    root().removeAttribute("aria-busy");
  }
}

// Puts the fetched page in the place of this one; false where somebody went elsewhere meanwhile.
async function show(fresh, trip, elsewhere) {
  const now = root(), next = fresh.querySelector("#live");
  const another = elsewhere || now.dataset.shape !== next.dataset.shape;
  const images = await decoded([...fresh.querySelectorAll("picture")].filter((one) => another || differs(one)));
  if (trip !== trips) return false;
  // From here on without a pause: one frame shows the old version, the next one the new.
  holding(() => {
    if (elsewhere) refill(fresh.querySelector("#filters"));
    document.documentElement.dataset.theme = fresh.documentElement.dataset.theme ?? "";
    if (another) now.replaceChildren(...taken(next.childNodes, images));
    else for (const list of fresh.querySelectorAll("[data-live-list]")) arrange(list, images);
    for (const [key, image] of images) here(key).replaceWith(image);
    for (const one of fresh.querySelectorAll("[data-live]:not(picture)")) replace(one);
    for (const one of fresh.querySelectorAll("[data-link]")) lead(one);
  });
  Object.assign(now.dataset, { ...next.dataset });
  return true;
}

// Whatever is exchanged or moved, the focus stays on the same link, or on the one that stands for it now.
function holding(change) {
  const one = document.activeElement, name = one.dataset.link, to = one.getAttribute("href");
  change();
  if (document.activeElement !== document.body || !to) return;
  const same = document.querySelector(name ? `[data-link="${CSS.escape(name)}"]` : `[href="${CSS.escape(to)}"]`);
  (one.isConnected ? one : same)?.focus({ preventScroll: true });
}

// The form as it has to be for the other filters; what has the focus keeps it.
function refill(form) {
  const focused = document.activeElement?.id;
  document.querySelector("#filters").replaceChildren(...taken(form.childNodes, new Map()));
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
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
  const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
  old.replaceChildren(...taken(one.childNodes, new Map()));
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
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
    one.textContent = one.textContent.replace(/(src="|\]\()\//, `$1${location.origin}/`);
  }
  for (const one of page.querySelectorAll(".address")) one.prepend(location.origin);
}

// A link to this page with other filters; not one that is to be opened elsewhere.
function leadsHere(link, event) {
  const plain = !(link?.target || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
  return plain && link?.origin === location.origin && link.pathname === location.pathname && !link.hash;
}

document.addEventListener("submit", (event) => {
  if (!event.target.matches(".filters")) return;
  event.preventDefault();
  go(`${event.target.action}?${new URLSearchParams(new FormData(event.target))}`, true);
});
document.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!leadsHere(link, event)) return;
  event.preventDefault();
  if (root().contains(link)) scrollTo(0, 0);
  go(link.href, true);
});
addEventListener("popstate", () => go(location.href, false));

// Names with how much there is of each, while a species is typed; without a script the form offers the leading ones.
let asking = null, typing = 0;
document.addEventListener("input", ({ target }) => {
  if (target.name !== "species") return;
  clearTimeout(typing);
  typing = setTimeout(() => suggest(target.value.trim()), 150);
});

async function suggest(typed) {
  asking?.abort();
  if (typed.length < 2) return;
  asking = new AbortController();
  const url = `${document.querySelector(".filters").dataset.suggest}?limit=12&q=${encodeURIComponent(typed)}`;
  try {
    const found = await (await fetch(url, { signal: asking.signal })).json();
    document.querySelector("#names").replaceChildren(...found.map(offer));
  } catch {
    // The names that were there stay.
  }
}

function offer(taxon) {
  const records = counted(said.found, taxon.numOccurrences);
  const own = taxon.canonicalName ?? taxon.scientificName ?? taxon.vernacularName;
  const ours = taxon.vernacularNames?.find((one) => one.language === language)?.vernacularName;
  const spoken = ours ?? taxon.vernacularName ?? "", other = spoken === own ? "" : spoken;
  return new Option(other ? `${other} · ${records}` : records, own);
}

hosted(document);
document.addEventListener("visibilitychange", () => plan(0));
addEventListener("online", () => plan(0));
addEventListener("offline", () => {
  plan();
  say(said.offline, true);
});
for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, () => { stirred = Date.now(); }, { passive: true });
pause.addEventListener("click", () => {
  paused = !paused;
  pause.textContent = paused ? said.resume : said.pause;
  say(paused ? said.paused : "");
  plan(0);
});
tick();
setInterval(tick, 1000);
plan(500);
