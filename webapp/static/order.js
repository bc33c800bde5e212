// The chosen pictures, in the order of the film. They are kept in the typed field alone: that is what is
// sent. The page's entry in the browser's history remembers it too, for a reload and for the way back.
//
//   3, 17@0:32-1:04+1:40-2:12, 42      the second one is pinned to two parts of the song
"use strict";

const form = document.querySelector(".choose");
const field = form.querySelector("[name=keyframes]");
const listeners = [];
field.value = history.state?.keyframes ?? field.value;
let order = read();

// Each choice is an object of its own, so that a picture that comes twice can be told apart.
function read() {
  const words = field.value.split(/[,;\s]+/).map((word) => word.match(/^(\d+|own:[\da-f]{8})(?:@([\d:.+-]+))?$/));
  const typed = words.filter(Boolean).map(([, picture, at = ""]) => ({ picture, at }));
  const ticked = [...form.querySelectorAll("[name=picked]:checked")];
  return typed.length ? typed : ticked.map((box) => ({ picture: box.value, at: "" }));
}

function tell() {
  history.replaceState({ ...history.state, keyframes: field.value }, "");
  for (const listener of listeners) listener();
}

// Calls a listener now, and whenever the order has changed.
export function onOrder(listener) {
  listeners.push(listener);
  listener();
}

export function chosen() {
  return order;
}

export function choose(next) {
  order = next;
  field.value = order.map(({ picture, at }) => (at ? `${picture}@${at}` : picture)).join(", ");
  tell();
}

field.addEventListener("input", () => {
  order = read();
  tell();
});

// Boxes that were ticked before this script came.
if (order.length && !field.value) choose(order);
