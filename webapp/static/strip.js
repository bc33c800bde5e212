// The strip of the chosen pictures: dragged, moved by keys and by buttons, shown twice, taken away.
"use strict";

import { makeDraggable } from "./drag.js";
import { pinTo, showPins } from "./pins.js";
import { choose, chosen, onOrder } from "./order.js";
import { addressOf } from "./thumbnails.js";

const strip = document.querySelector("[data-strip]");
const list = strip.querySelector("[data-frames]");
const blank = strip.querySelector("[data-frame]").content.firstElementChild;
const said = strip.querySelector("[data-said]");
const empty = strip.querySelector("[data-empty]");
const frames = new WeakMap(); // a choice → its item of the list
const choices = new WeakMap(); // and back

const LABELS = {
  earlier: (n) => `Move picture ${n} earlier`,
  later: (n) => `Move picture ${n} later`,
  again: (n) => `Show picture ${n} once more`,
  remove: (n) => `Take picture ${n} away`,
};

const gripOf = (choice) => frames.get(choice).querySelector("[data-grip]");
const placeOf = (choice) => chosen().indexOf(choice);

function makeFrame(choice) {
  const frame = blank.cloneNode(true);
  frames.set(choice, frame);
  choices.set(frame, choice);
  paint(frame, choice.picture);
  return frame;
}

async function paint(frame, picture) {
  const address = await addressOf(picture);
  const image = frame.querySelector("img");
  if (!address) {
    frame.querySelector(".frame-name").textContent = picture;
    return;
  }
  image.src = address;
  image.hidden = false;
}

function show() {
  const order = chosen();
  const focused = document.activeElement;
  const items = order.map((choice) => frames.get(choice) ?? makeFrame(choice));
  if (items.some((item, place) => item !== list.children[place]) || items.length !== list.children.length) {
    list.replaceChildren(...items);
    if (list.contains(focused)) focused.focus(); // what moves in the page loses the focus
  }
  order.forEach((choice, place) => {
    const frame = frames.get(choice);
    frame.querySelector(".frame-place").textContent = place + 1;
    gripOf(choice).setAttribute("aria-label", `Picture ${place + 1} of ${order.length}`);
    for (const button of frame.querySelectorAll("[data-do]")) {
      button.setAttribute("aria-label", LABELS[button.dataset.do](place + 1));
    }
    showPins(frame, choice, place);
    frame.querySelector("[data-do=earlier]").disabled = place === 0;
    frame.querySelector("[data-do=later]").disabled = place === order.length - 1;
  });
  empty.hidden = order.length > 0;
  list.hidden = order.length === 0;
}

function say(words) {
  said.textContent = words;
}

function moveTo(choice, place) {
  const order = chosen();
  const goal = Math.min(Math.max(place, 0), order.length - 1);
  if (goal === placeOf(choice)) return;
  const next = order.filter((other) => other !== choice);
  next.splice(goal, 0, choice);
  choose(next);
  say(`Picture moved to place ${goal + 1} of ${next.length}.`);
}

function remove(choice) {
  const place = placeOf(choice);
  const next = chosen().filter((other) => other !== choice);
  choose(next);
  say(next.length === 1 ? "Taken away. 1 picture is left." : `Taken away. ${next.length} pictures are left.`);
  if (next.length) gripOf(next[Math.min(place, next.length - 1)]).focus();
}

function repeat(choice) {
  const next = [...chosen()];
  const place = placeOf(choice) + 1;
  next.splice(place, 0, { picture: choice.picture, at: "" });
  choose(next);
  say(`Once more, at place ${place + 1} of ${next.length}.`);
  gripOf(next[place]).focus();
}

const KEYS = {
  ArrowLeft: (choice) => moveTo(choice, placeOf(choice) - 1),
  ArrowUp: (choice) => moveTo(choice, placeOf(choice) - 1),
  ArrowRight: (choice) => moveTo(choice, placeOf(choice) + 1),
  ArrowDown: (choice) => moveTo(choice, placeOf(choice) + 1),
  Home: (choice) => moveTo(choice, 0),
  End: (choice) => moveTo(choice, chosen().length - 1),
  Delete: remove,
  Backspace: remove,
};
const DEEDS = { earlier: KEYS.ArrowLeft, later: KEYS.ArrowRight, again: repeat, remove };

list.addEventListener("keydown", (event) => {
  const act = event.target.matches("[data-grip]") && !event.altKey && !event.ctrlKey && KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act(choices.get(event.target.closest("li")));
});

list.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (!button) return;
  const choice = choices.get(button.closest("li"));
  DEEDS[button.dataset.do](choice);
  if (button.disabled) gripOf(choice).focus(); // at the end of its way it can be pressed no more
});

list.addEventListener("change", (event) => {
  const select = event.target.closest("[data-where]");
  if (select) say(pinTo(choices.get(select.closest("li")), select.value));
});

makeDraggable(list, "[data-part]", (frame, goal) => {
  const choice = choices.get(frame);
  if (goal.target) return say(pinTo(choice, goal.target.dataset.part));
  const before = goal.before ? placeOf(choices.get(goal.before)) : chosen().length;
  moveTo(choice, before > placeOf(choice) ? before - 1 : before);
  gripOf(choice).focus();
});

strip.hidden = false;
onOrder(show);
