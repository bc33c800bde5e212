// The user's own pictures: sent as soon as they are chosen, shown when they are read, deleted.
"use strict";

import { choose, chosen } from "./order.js";

const form = document.querySelector(".choose");
const room = form.querySelector("[data-own-pictures]");
const row = room.querySelector("[data-own-row]");
const problem = room.querySelector("[data-own-problem]");
const input = room.querySelector("[name=pictures]");
const button = room.querySelector("[data-upload]");

function complain(sentence) {
  problem.textContent = sentence;
  problem.hidden = !sentence;
}

// Sends the whole form, as without JavaScript; of the page that comes back only what is new is taken over.
async function send(address) {
  const answer = await fetch(address, { method: "POST", body: new FormData(form) });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  complain(page.querySelector(".notice[role=alert]:not([hidden])")?.textContent ?? "");
  return page;
}

async function upload() {
  button.disabled = true;
  button.textContent = "Sending …";
  complain("");
  try {
    const page = await send(button.formAction);
    const known = new Set([...row.children].map((tile) => tile.dataset.own));
    const added = [...page.querySelectorAll("[data-own]")].filter((tile) => !known.has(tile.dataset.own));
    row.append(...added);
    row.hidden = !row.children.length;
    choose([...chosen(), ...added.map((tile) => ({ picture: tile.dataset.own, at: "" }))]);
    added.forEach(watch);
  } catch {
    complain("Tonfilm does not answer: try again.");
  }
  input.value = "";
  button.disabled = false;
  button.textContent = "Add pictures";
}

async function remove(tile, address) {
  try {
    const page = await send(address);
    if (page.querySelector(`[data-own="${tile.dataset.own}"]`)) return;
  } catch {
    complain("Tonfilm does not answer: try again.");
    return;
  }
  room.querySelector(`[data-why="${tile.dataset.own}"]`)?.remove();
  const next = tile.nextElementSibling ?? tile.previousElementSibling;
  tile.remove();
  row.hidden = !row.children.length;
  choose(chosen().filter((choice) => choice.picture !== tile.dataset.own));
  (next?.querySelector("[data-delete]") ?? button).focus();
}

// A picture that is being read says how far it is, until it can be shown.
async function watch(tile) {
  while (tile.isConnected && ["queued", "running"].includes(tile.dataset.state)) {
    try {
      tell(tile, await (await fetch(tile.dataset.status)).json());
    } catch {
      // The server may be starting again: ask once more.
    }
    await new Promise((goOn) => window.setTimeout(goOn, 700));
  }
}

function tell(tile, { state, part, words, error }) {
  const said = tile.querySelector("[data-words]");
  if (state === "done") {
    const picture = new Image(256, 256);
    picture.alt = "";
    picture.src = tile.dataset.picture;
    said.replaceWith(picture);
  } else if (state === "failed") {
    said.textContent = "Not readable";
    tile.querySelector("input").disabled = true;
    choose(chosen().filter((choice) => choice.picture !== tile.dataset.own));
    complain(error);
  } else {
    said.textContent = part === null ? words : `Reading, ${Math.round(100 * part)} %`;
  }
  tile.dataset.state = state;
}

input.classList.add("visually-hidden");
input.tabIndex = -1;
button.type = "button";
button.addEventListener("click", () => input.click());
input.addEventListener("change", () => input.files.length && upload());
row.addEventListener("click", (event) => {
  const deletion = event.target.closest("[data-delete]");
  if (!deletion) return;
  event.preventDefault();
  remove(deletion.closest("[data-own]"), deletion.formAction);
});
for (const tile of row.children) watch(tile);
