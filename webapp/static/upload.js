// Home: a chosen or dropped file is sent at once, unless it is plainly too large.
"use strict";

const form = document.querySelector("[data-upload]");
const input = form.querySelector("input[type=file]");
const button = form.querySelector("[data-upload-button]");
const drop = form.querySelector(".drop");
const problem = form.querySelector("[data-problem]");

button.hidden = true;

input.addEventListener("change", () => {
  const file = input.files[0];
  if (!file) return;
  const limit = Number(form.dataset.maxBytes);
  problem.hidden = file.size <= limit;
  if (file.size > limit) {
    problem.textContent = `The file is too large: choose one of at most ${form.dataset.maxWords}.`;
    input.value = "";
    return;
  }
  form.querySelector("[data-drop-words]").textContent = `Sending “${file.name}” …`;
  form.classList.add("is-sending");
  form.requestSubmit();
});

for (const name of ["dragenter", "dragover"]) {
  drop.addEventListener(name, () => drop.classList.add("is-over"));
}
for (const name of ["dragleave", "drop"]) {
  drop.addEventListener(name, () => drop.classList.remove("is-over"));
}

// Back from the next page, the old words would still stand there.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) window.location.reload();
});
