// Keeps a chart in a frame fresh: asks for its page once a minute while somebody looks, and exchanges what differs, a
// picture only after it is decoded. So a table that is open stays open. Knows no chart.

const EVERY = 60000, PATIENCE = 15000;
let busy = false;

async function renew() {
  if (busy || document.hidden) return;
  busy = true;
  try {
    const reply = await fetch(location.href, { cache: "no-cache", signal: AbortSignal.timeout(PATIENCE) });
    if (reply.ok) await show(new DOMParser().parseFromString(await reply.text(), "text/html"));
  } catch {
    // What is shown stays; it is asked for again.
  } finally {
    busy = false;
  }
}

async function show(fresh) {
  const all = [...document.querySelectorAll("[data-live]")];
  // What could not be shown before can be shown now.
  if (!all.length) location.reload();
  for (const old of all) {
    const next = fresh.querySelector(`[data-live="${old.dataset.live}"]`);
    if (!next || next.outerHTML === old.outerHTML) continue;
    const own = document.importNode(next, true);
    await own.querySelector("img")?.decode();
    old.replaceWith(own);
  }
}

setInterval(renew, EVERY);
document.addEventListener("visibilitychange", renew);
