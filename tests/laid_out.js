// What is wrong with how the page at hand is laid out: what is wider than the window, cut off, or in the way of
// something else. Knows no page. Text is looked at line by line, as it is seen: what a box cuts off is not there.
() => {
  const wrong = [], wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > wide) wrong.push(`scrolls sideways to ${document.documentElement.scrollWidth}`);

  const shown = (one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && !one.closest(".unseen, .skip, .turning h2");
  const named = (one) => `<${one.localName} class="${one.className?.baseVal ?? one.className}">${one.textContent.trim().slice(0, 30)}`;

  // Where a box that cuts off lets one see: all of the window, or what is left of it.
  const sight = (one) => {
    let [left, right, top, bottom] = [-1e9, 1e9, -1e9, 1e9];
    for (let box = one; box && box !== document.documentElement; box = box.parentElement) {
      const style = getComputedStyle(box), own = box.getBoundingClientRect();
      if (style.overflowX !== "visible") [left, right] = [Math.max(left, own.left), Math.min(right, own.right)];
      if (style.overflowY !== "visible") [top, bottom] = [Math.max(top, own.top), Math.min(bottom, own.bottom)];
    }
    return { left, right, top, bottom };
  };
  const within = (box, eye) => ({
    left: Math.max(box.left, eye.left), right: Math.min(box.right, eye.right),
    top: Math.max(box.top, eye.top), bottom: Math.min(box.bottom, eye.bottom),
  });

  const seen = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode, own = text.parentElement;
    if (!text.data.trim() || !shown(own)) continue;
    const range = document.createRange(), eye = sight(own);
    range.selectNodeContents(text);
    for (const line of range.getClientRects()) {
      // Letters are in the middle of their line.
      const spare = Math.max(0, (line.height - parseFloat(getComputedStyle(own).fontSize)) / 2);
      const box = within({ left: line.left, right: line.right, top: line.top + spare, bottom: line.bottom - spare }, eye);
      if (box.right - box.left > 1 && box.bottom - box.top > 1) seen.push({ own, box });
    }
  }
  for (const one of document.querySelectorAll("img, input, select, textarea, button, svg")) {
    if (shown(one)) seen.push({ own: one, box: within(one.getBoundingClientRect(), sight(one)) });
  }
  for (const { own, box } of seen) {
    if (box.left < -1 || box.right > wide + 1) wrong.push(`reaches out of the window: ${named(own)}`);
  }
  // A panel that is open lies over what is behind it on purpose.
  const over = (one) => one.closest(".menu > div, .value, .ring");
  seen.forEach(({ own, box }, at) => {
    for (const other of seen.slice(at + 1)) {
      if (own === other.own || own.contains(other.own) || other.own.contains(own) || over(own) !== over(other.own)) continue;
      const across = Math.min(box.right, other.box.right) - Math.max(box.left, other.box.left);
      const down = Math.min(box.bottom, other.box.bottom) - Math.max(box.top, other.box.top);
      if (across > 2 && down > 2) wrong.push(`${named(own)} lies over ${named(other.own)}`);
    }
  });
  // What stands side by side begins at one height.
  for (const row of document.querySelectorAll(".row, .animals")) {
    const boxes = [...row.children].filter(shown).map((one) => one.getBoundingClientRect());
    boxes.slice(1).forEach((box, at) => {
      const before = boxes[at];
      if (box.top < before.bottom && Math.abs(box.top - before.top) > 1) wrong.push(`begins lower: ${named(row)}`);
    });
  }
  // What does not fit into its box may end with dots, or be scrolled to; nothing else.
  for (const one of document.querySelectorAll("body *")) {
    if (!shown(one)) continue;
    const style = getComputedStyle(one);
    if (style.overflowX === "hidden" && style.textOverflow !== "ellipsis" && one.scrollWidth > one.clientWidth + 1) {
      wrong.push(`cut off at its side: ${named(one)}`);
    }
    if (style.overflowY === "hidden" && one.scrollHeight > one.clientHeight + 3) wrong.push(`cut off below: ${named(one)}`);
  }
  return [...new Set(wrong)];
}
