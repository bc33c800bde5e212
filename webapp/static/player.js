// Song page: a line moves over the drawing while the song plays; a click on it jumps there.
"use strict";

const score = document.querySelector("[data-score]");
const audio = document.querySelector("audio");

if (score && audio) {
  const playhead = score.querySelector("[data-playhead]");
  const duration = Number(score.dataset.duration);

  const follow = () => {
    playhead.hidden = false;
    playhead.style.left = `${(100 * audio.currentTime) / duration}%`;
    if (!audio.paused) window.requestAnimationFrame(follow);
  };
  audio.addEventListener("play", follow);
  audio.addEventListener("seeked", follow);

  score.addEventListener("click", (event) => {
    const box = score.getBoundingClientRect();
    audio.currentTime = (duration * (event.clientX - box.left)) / box.width;
  });
}
