// Turns a page on a wall: one part after the other, each as large as the screen. Knows no chart and no data. Where the
// screen is small or its type enlarged, the page stays a tall one; where people want no motion, it turns when told to.

const EACH = 20000;
const room = matchMedia("(min-width: 720px) and (min-height: 560px)");
const still = matchMedia("(prefers-reduced-motion: reduce)");
const live = document.querySelector("#live"), turns = document.querySelector("#turns");
const pause = document.querySelector("#pause");
let at = 0, timer = 0, trips = 0, paused = false;

function slides() {
  return [...live.querySelectorAll(".slide")];
}

// A button for each part, named as the part is; only where the parts are others, so that the focus stays.
function list() {
  const names = slides().map((slide) => slide.querySelector("h2").textContent);
  if (names.join() !== [...turns.children].map((one) => one.textContent).join()) {
    turns.replaceChildren(...names.map((name, number) => {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: name });
      button.addEventListener("click", () => turn(number));
      return button;
    }));
  }
  // At once, as what was there is gone.
  slides()[at]?.classList.add("shown");
  turn(at);
}

async function turn(to) {
  const all = slides(), turning = room.matches && all.length > 1, trip = ++trips;
  const next = all[(to + all.length) % all.length];
  plan();
  // Decoded before it is shown, so that none comes in half.
  await Promise.allSettled([...next?.querySelectorAll("img") ?? []].map((image) => image.decode()));
  if (trip !== trips) return;
  at = Math.max(0, all.indexOf(next));
  for (const one of all) one.classList.toggle("shown", one === next);
  [...turns.children].forEach((one, number) => one.setAttribute("aria-current", number === at));
  turns.hidden = !turning;
  document.documentElement.classList.toggle("turning", turning);
}

function plan() {
  clearTimeout(timer);
  if (!paused && !still.matches) timer = setTimeout(() => turn(at + 1), EACH);
}

// The page's own pause: then nothing turns either.
pause.addEventListener("click", () => {
  paused = !paused;
  plan();
});
addEventListener("keydown", (event) => {
  if (turns.hidden || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === "ArrowLeft") turn(at - 1);
  else if (event.key === "ArrowRight") turn(at + 1);
  else if (event.key === " " && !event.target.closest("button")) pause.click();
  else return;
  event.preventDefault();
});
for (const one of [room, still]) one.addEventListener("change", () => turn(at));
// Other data may have other parts.
new MutationObserver(list).observe(live, { childList: true });
list();
