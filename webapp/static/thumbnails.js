// Small pictures of what is chosen: stills, wherever in the gallery they come from, and the user's own.
"use strict";

const galleries = document.querySelector("[data-galleries]");
const { stillAddress, statusAddress, size, most } = galleries.dataset;
const ready = new Map(); // first seed of a page of the gallery → a promise of its pictures

const aSecond = () => new Promise((goOn) => window.setTimeout(goOn, 1000));

// The address of a picture, once it is painted; null for one that never is: beyond the gallery, or deleted.
export async function addressOf(picture) {
  if (picture.startsWith("own:")) return addressOfOwn(picture);
  const number = Number(picture);
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
    await aSecond();
  }
}

// Its tile in the row of own pictures knows (see own.js).
async function addressOfOwn(picture) {
  for (;;) {
    const tile = document.querySelector(`[data-own="${picture}"]`);
    if (!tile || tile.dataset.state === "failed") return null;
    if (tile.dataset.state === "done") return tile.dataset.picture;
    await aSecond();
  }
}
