// A page that waits for a worker: asks every second, and loads anew when the work has ended, unless
// somebody is watching what there is of it (see live.js).
"use strict";

const working = document.querySelector("[data-status]");
const latest = document.querySelector("[data-latest]");

async function ask() {
  const answer = await fetch(working.dataset.status, { headers: { Accept: "application/json" } });
  if (!answer.ok) return true;
  const status = await answer.json();
  if (status.state !== "queued" && status.state !== "running") {
    const ended = new CustomEvent("tonfilm:ended", { cancelable: true });
    if (document.dispatchEvent(ended)) window.location.reload();
    return false;
  }
  working.querySelector("[data-words]").textContent = status.words;
  working.querySelector("[data-left]").textContent = status.left;
  const part = working.querySelector("[data-part]");
  if (status.part === null) part.removeAttribute("value");
  else part.value = status.part;
  if (latest && status.picture && latest.getAttribute("src") !== status.picture) {
    latest.src = status.picture;
    latest.hidden = false;
    latest.classList.remove("is-dim");
  }
  return true;
}

async function keepAsking() {
  try {
    if (!(await ask())) return;
  } catch {
    working.querySelector("[data-words]").textContent = "Tonfilm does not answer; trying again …";
  }
  window.setTimeout(keepAsking, 1000);
}

if (working) window.setTimeout(keepAsking, 500);
