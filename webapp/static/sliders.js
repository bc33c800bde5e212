// What the sliders stand at: percents beside the three, a time beside the preview's.
"use strict";

for (const output of document.querySelectorAll("[data-percent]")) {
  const slider = output.parentElement.querySelector("input[type=range]");
  const tell = () => {
    output.textContent = `${Math.round(100 * slider.value)} %`;
  };
  slider.addEventListener("input", tell);
  tell();
}

// Where in the song the preview begins.
const from = document.querySelector("[name=preview_s]");
const clock = document.querySelector("[data-clock]");

function showClock() {
  const seconds = Math.round(Number(from.value));
  clock.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

from.addEventListener("input", showClock);
showClock();
