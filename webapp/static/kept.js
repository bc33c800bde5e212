// What was set on the page beside the pictures. The page's entry in the browser's history remembers it,
// for a reload and for the way back, and another theme's page takes it over. Comes before the modules that
// show it. The pictures are kept in order.js, since another theme has others.
"use strict";

const HANDED_OVER = "tonfilm:choices";
const NOT_KEPT = ["csrf_token", "theme", "keyframes", "picked"];

const form = document.querySelector(".choose");
const routes = form.querySelector("[data-routes]");
const spare = form.querySelector("[data-spare]").content.firstElementChild;

// Rows of the table before their fields: their names hold their places.
function makeRows(n) {
  while (routes.children.length > n) routes.lastElementChild.remove();
  while (routes.children.length < n) {
    const row = spare.cloneNode(true);
    const place = routes.children.length;
    for (const control of row.querySelectorAll("[name]")) control.name = control.name.replace(/\d+/, place);
    routes.append(row);
  }
}

function read() {
  const kept = [...new FormData(form)].filter(([name, value]) => !NOT_KEPT.includes(name) && typeof value === "string");
  return { n: routes.children.length, kept };
}

function write({ n, kept }) {
  makeRows(n);
  for (const control of form.elements) {
    if (!control.name || NOT_KEPT.includes(control.name) || control.type === "file") continue;
    const values = kept.filter(([name]) => name === control.name).map(([, value]) => value);
    if (["checkbox", "radio"].includes(control.type)) control.checked = values.includes(control.value);
    else if (values.length) control.value = values[0];
  }
}

function keep() {
  history.replaceState({ ...history.state, choices: read() }, "");
}

const handedOver = sessionStorage.getItem(HANDED_OVER);
sessionStorage.removeItem(HANDED_OVER);
const choices = history.state?.choices ?? JSON.parse(handedOver);
if (choices) write(choices);

for (const link of form.querySelectorAll(".themes a")) {
  link.addEventListener("click", () => sessionStorage.setItem(HANDED_OVER, JSON.stringify(read())));
}
// Presets, switches and buttons change fields without an event of their own, in the course of one.
for (const name of ["input", "change", "click"]) form.addEventListener(name, () => queueMicrotask(keep));
