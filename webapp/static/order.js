// The chosen pictures, in the order of the film. They are kept in the typed field alone: that is what is
// sent, and what the browser brings back after a reload or on the way back.
"use strict";

const form = document.querySelector(".choose");
const field = form.querySelector("[name=keyframes]");
const listeners = [];
let order = read();

function read() {
  const typed = field.value.split(/[,;\s]+/).filter((word) => /^\d+$/.test(word));
  if (typed.length) return typed;
  return [...form.querySelectorAll("[name=picked]:checked")].map((box) => box.value);
}

function tell() {
  for (const listener of listeners) listener();
}

// Calls a listener whenever the order has changed.
export function onOrder(listener) {
  listeners.push(listener);
}

export function chosen() {
  return order;
}

export function choose(next) {
  order = next;
  field.value = order.join(", ");
  tell();
}

field.addEventListener("input", () => {
  order = read();
  tell();
});
