// The gallery: numbers on the chosen pictures, more of them, and pictures as they are painted.
"use strict";

import { choose, chosen, onOrder } from "./order.js";

const form = document.querySelector(".choose");
const count = form.querySelector("[data-count]");
const galleries = form.querySelector("[data-galleries]");

function show() {
  const order = chosen();
  for (const box of form.querySelectorAll("[name=picked]")) {
    const places = order.flatMap((choice, place) => (choice.picture === box.value ? [place + 1] : []));
    box.checked = places.length > 0;
    box.parentElement.querySelector(".still-mark").textContent = places.join(" · ");
  }
  const n = order.length;
  count.textContent =
    n === 0 ? "Choose the pictures you like, in order." : n === 1 ? "1 picture chosen" : `${n} pictures chosen`;
}

form.addEventListener("change", (event) => {
  if (event.target.name !== "picked") return;
  const picture = event.target.value;
  const others = chosen().filter((choice) => choice.picture !== picture);
  choose(event.target.checked ? [...chosen(), { picture, at: "" }] : others);
});

// A random handful, for those who would rather listen than choose.
const surprise = form.querySelector("[data-surprise]");
surprise.hidden = false;
surprise.addEventListener("click", () => {
  const seeds = [...galleries.querySelectorAll("[name=picked]")].map((box) => box.value);
  for (let i = seeds.length - 1; i > 0; i -= 1) {
    const j = Math.floor(Math.random() * (i + 1));
    [seeds[i], seeds[j]] = [seeds[j], seeds[i]];
  }
  choose(seeds.slice(0, 6).map((picture) => ({ picture, at: "" })));
});

// Pictures appear as the worker paints them.
async function fill(gallery) {
  try {
    const answer = await fetch(gallery.dataset.gallery);
    const status = await answer.json();
    const ready = new Set(status.ready.map(String));
    for (const still of gallery.querySelectorAll(".still")) {
      if (ready.has(still.querySelector("input").value) && !still.querySelector("img")) {
        const picture = new Image(256, 256);
        picture.alt = "";
        picture.src = still.dataset.picture;
        still.querySelector("input").after(picture);
      }
    }
    if (status.state === "failed") {
      const notice = document.createElement("p");
      notice.className = "notice";
      notice.setAttribute("role", "alert");
      notice.textContent = status.error;
      gallery.prepend(notice);
      return;
    }
    if (status.state === "done") return;
  } catch {
    // The server may be starting again: ask once more.
  }
  window.setTimeout(() => fill(gallery), 1000);
}

// More: the next page of the same address, of which only the new pictures are taken over.
const more = form.querySelector("[data-more]");
if (more) {
  more.addEventListener("click", async (event) => {
    event.preventDefault();
    more.classList.add("disabled");
    const answer = await fetch(more.href);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const known = galleries.children.length;
    for (const gallery of [...page.querySelector("[data-galleries]").children].slice(known)) {
      galleries.append(gallery);
      if (gallery.dataset.gallery) fill(gallery);
    }
    const next = page.querySelector("[data-more]");
    if (next) more.href = next.href;
    else more.remove();
    more.classList.remove("disabled");
    show();
  });
}

for (const gallery of galleries.querySelectorAll("[data-gallery]")) fill(gallery);
onOrder(show);
