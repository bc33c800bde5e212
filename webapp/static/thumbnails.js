// Small pictures of the chosen stills, wherever in the gallery they come from.
"use strict";

const galleries = document.querySelector("[data-galleries]");
const { stillAddress, statusAddress, size, most } = galleries.dataset;
const ready = new Map(); // first seed of a page of the gallery → a promise of its pictures

// The address of a still, once it is painted; null for one beyond the gallery, which nobody paints.
export async function addressOf(seed) {
  const number = Number(seed);
  if (number >= Number(most)) return null;
  const first = number - (number % Number(size));
  if (!ready.has(first)) ready.set(first, wait(first));
  await ready.get(first);
  return stillAddress.replace("/0.jpg", `/${number}.jpg`);
}

async function wait(first) {
  for (;;) {
    try {
      const answer = await fetch(statusAddress.replace("/0.json", `/${first}.json`));
      if ((await answer.json()).state === "done") return;
    } catch {
      // The server may be starting again: ask once more.
    }
    await new Promise((goOn) => window.setTimeout(goOn, 1000));
  }
}
