// Dragging one of the items of a list, by mouse, pen or finger. The list itself changes at the drop only;
// until then the item hangs on the pointer, and the place where it would go is marked.
//
//   | 1 | 2 ▌ 3 | 4 |      "is-after" on 2: what is dropped here comes between 2 and 3
"use strict";

const LEAST = 6; // pixels that a mouse moves before a press becomes a drag
const HOLD_MS = 220; // a finger stays so long before it drags; one that moves sooner scrolls the page
const EDGE = 70; // pixels from the window's edge within which the page follows
const MARKS = ["is-before", "is-after", "is-under"];

// list: whose items have a [data-grip]; targets: what else an item may be dropped on.
// drop(item, goal): a goal is { before: item or null } or { target }.
export function makeDraggable(list, targets, drop) {
  let held = null; // what is pressed: { item, x, y, top, isDragged, timer, goal }

  function mark(goal) {
    for (const marked of document.querySelectorAll(MARKS.map((name) => `.${name}`).join())) {
      marked.classList.remove(...MARKS);
    }
    if (goal?.target) goal.target.classList.add("is-under");
    else if (goal?.before) goal.before.classList.add("is-before");
    else if (goal) list.lastElementChild.classList.add("is-after");
  }

  function find(x, y) {
    const under = document.elementFromPoint(x, y);
    const target = under?.closest(targets);
    if (target) return { target };
    const item = under?.closest("li");
    if (!item || item.parentElement !== list) return list.contains(under) ? { before: null } : null;
    const box = item.getBoundingClientRect();
    return { before: x < box.x + box.width / 2 ? item : item.nextElementSibling };
  }

  function begin() {
    held.isDragged = true;
    held.item.classList.add("is-dragged");
    document.body.classList.add("is-dragging");
  }

  function move(event) {
    if (!held || event.pointerId !== held.pointer) return;
    const [right, down] = [event.clientX - held.x, event.clientY - held.y];
    if (!held.isDragged) {
      if (Math.hypot(right, down) < LEAST) return;
      if (event.pointerType === "touch") return end(); // it scrolls
      begin();
    }
    const scrolled = window.scrollY - held.top;
    held.item.style.transform = `translate(${right}px, ${down + scrolled}px) scale(1.04)`;
    held.goal = find(event.clientX, event.clientY);
    mark(held.goal);
    if (!held.goal?.target) follow(event.clientY);
  }

  function follow(y) {
    const down = y < EDGE ? -12 : y > window.innerHeight - EDGE ? 12 : 0;
    if (down) window.scrollBy({ top: down, behavior: "instant" });
  }

  function end(isDropped = false) {
    if (!held) return;
    const { item, goal, timer, isDragged } = held;
    held = null;
    window.clearTimeout(timer);
    item.style.transform = "";
    item.classList.remove("is-dragged");
    document.body.classList.remove("is-dragging");
    mark(null);
    if (isDropped && isDragged && goal && goal.before !== item) drop(item, goal);
  }

  list.addEventListener("pointerdown", (event) => {
    const grip = event.target.closest("[data-grip]");
    if (!grip || event.button !== 0 || held) return;
    const { pointerId: pointer, clientX: x, clientY: y } = event;
    held = { item: grip.closest("li"), pointer, x, y, top: window.scrollY, isDragged: false };
    if (event.pointerType === "touch") held.timer = window.setTimeout(begin, HOLD_MS);
  });
  document.addEventListener("pointermove", move);
  document.addEventListener("pointerup", (event) => held?.pointer === event.pointerId && end(true));
  document.addEventListener("pointercancel", (event) => held?.pointer === event.pointerId && end());
  document.addEventListener("keydown", (event) => event.key === "Escape" && end());
  // A finger that drags must not scroll, and one that is held must not open a menu.
  document.addEventListener("touchmove", (event) => held?.isDragged && event.preventDefault(), {
    passive: false,
  });
  list.addEventListener("contextmenu", (event) => held && event.preventDefault());
  list.addEventListener("dragstart", (event) => event.preventDefault());
}
