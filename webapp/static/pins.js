// Which part of the song a picture is pinned to: a select under each, and the parts themselves.
"use strict";

import { choose, chosen, onOrder } from "./order.js";
import { addressOf } from "./thumbnails.js";

const parts = [...document.querySelectorAll("[data-part]")];
const split = (at) => (at ? at.split("+") : []);

// Pins a picture to some parts; whatever was pinned there is free again. Returns what is to be said.
export function pinTo(choice, at) {
  const taken = split(at);
  for (const other of chosen()) {
    if (other !== choice) other.at = split(other.at).filter((part) => !taken.includes(part)).join("+");
  }
  choice.at = at;
  choose([...chosen()]);
  const names = parts.filter((part) => taken.includes(part.dataset.part)).map((part) => part.dataset.words);
  const n = chosen().indexOf(choice) + 1;
  return names.length ? `Picture ${n} is shown in ${names.join(", and ")}.` : `Picture ${n} falls where it comes.`;
}

export function showPins(frame, choice, place) {
  const select = frame.querySelector("[data-where]");
  if (!select) return;
  select.setAttribute("aria-label", `Where picture ${place + 1} falls`);
  select.querySelector("[data-typed]")?.remove();
  if (![...select.options].some((option) => option.value === choice.at)) {
    const typed = new Option(choice.at.replaceAll("+", ", "), choice.at);
    typed.dataset.typed = "";
    select.add(typed);
  }
  select.value = choice.at;
  frame.classList.toggle("is-pinned", choice.at !== "");
}

// The parts show what is pinned to them.
function showParts() {
  for (const part of parts) {
    const place = chosen().findIndex((choice) => split(choice.at).includes(part.dataset.part));
    part.querySelector("[data-pinned]").textContent = place < 0 ? "" : place + 1;
    part.classList.toggle("is-taken", place >= 0);
    fill(part.querySelector("image"), place < 0 ? null : chosen()[place].picture);
  }
}

async function fill(image, picture) {
  image.dataset.picture = picture ?? "";
  const address = picture && (await addressOf(picture));
  if (image.dataset.picture !== (picture ?? "")) return; // another one has come meanwhile
  if (address) image.setAttribute("href", address);
  else image.removeAttribute("href");
}

onOrder(showParts);
