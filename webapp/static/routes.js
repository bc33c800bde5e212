// What drives the picture: presets fill it in, switches turn parts of it off, routes come and go.
"use strict";

const OWN = "own";
const form = document.querySelector(".choose");
const fields = form.elements;
const list = form.querySelector("[data-routes]");
const spare = form.querySelector("[data-spare]").content.firstElementChild;
const add = form.querySelector("[data-add]");
const count = form.querySelector("[data-n-routes]");
const presets = Object.fromEntries(
  [...form.querySelectorAll("[name=preset]")].map((choice) => [choice.value, JSON.parse(choice.dataset.values)]),
);

const rows = () => [...list.children];
const controls = (row) => [...row.querySelectorAll("[name]")];
const keyOf = (control) => control.name.split("-").pop();

function readRow(row) {
  return Object.fromEntries(controls(row).map((control) => [keyOf(control), control.value]));
}

function makeRow(values) {
  const row = spare.cloneNode(true);
  for (const control of controls(row)) control.value = values[keyOf(control)];
  return row;
}

// The server reads the rows in the order of the numbers in their names.
function show() {
  rows().forEach((row, place) => {
    for (const control of controls(row)) {
      control.id = control.name = `routes-${place}-${keyOf(control)}`;
      control.previousElementSibling.htmlFor = control.id;
    }
    const source = row.querySelector(".route-source select").selectedOptions[0];
    const curve = row.querySelector(".route-curve select");
    row.dataset.group = source.dataset.group;
    for (const option of curve.options) option.disabled = source.dataset.swings && option.value !== "linear";
    if (source.dataset.swings) curve.value = "linear";
    row.setAttribute("aria-label", `Route ${place + 1}`);
    row.querySelector(".route-place").textContent = place + 1;
    const remove = row.querySelector("[data-remove]");
    remove.hidden = false;
    remove.setAttribute("aria-label", `Take route ${place + 1} away`);
  });
  const n = rows().length;
  count.textContent = n === 1 ? "1 route" : `${n} routes`;
  add.disabled = n >= Number(list.dataset.most);
}

function read() {
  const values = { routes: rows().map(readRow) };
  for (const name of Object.keys(presets[OWN])) values[name] ??= fields[name].value;
  return values;
}

function write(name, value) {
  if (name === "routes") {
    list.replaceChildren(...value.map(makeRow));
    show();
    return;
  }
  fields[name].value = value;
  if (fields[name].type === "range") fields[name].dispatchEvent(new Event("input"));
}

// What a preset leaves open stays, unless the preset before it had set it.
function change(preset) {
  const now = read();
  if (fields.filled.value === OWN) presets[OWN] = now;
  const before = { ...presets[OWN], ...presets[fields.filled.value] };
  const after = { ...presets[OWN], ...presets[preset] };
  for (const name of Object.keys(after)) {
    if (name in presets[preset] || now[name] === before[name]) write(name, after[name]);
  }
  fields.filled.value = preset;
}

for (const choice of fields.preset) choice.addEventListener("change", () => change(choice.value));

// Routes that were changed are no preset's: choosing another one and coming back loses nothing.
function keepOwn() {
  fields.preset.value = fields.filled.value = OWN;
}

list.addEventListener("input", (event) => {
  const row = event.target.closest(".route");
  row.classList.remove("is-wrong");
  row.querySelector(".route-problem")?.remove();
  show();
  keepOwn();
});

list.addEventListener("click", (event) => {
  const row = event.target.closest("[data-remove]")?.closest(".route");
  if (!row) return;
  const next = row.nextElementSibling ?? row.previousElementSibling;
  row.remove();
  show();
  keepOwn();
  (next?.querySelector("[data-remove]") ?? add).focus();
});

add.addEventListener("click", () => {
  list.append(spare.cloneNode(true));
  show();
  keepOwn();
  list.lastElementChild.querySelector("select").focus();
});

for (const part of form.querySelectorAll("[data-switch]")) {
  const box = part.querySelector("input");
  const slider = part.parentElement.querySelector("[type=range]");
  let amount = slider.value > 0 ? slider.value : "1";
  const tell = () => {
    box.checked = slider.value > 0;
    if (box.checked) amount = slider.value;
  };
  slider.addEventListener("input", tell);
  box.addEventListener("change", () => write(slider.name, box.checked ? amount : "0"));
  part.hidden = false;
  tell();
}

add.hidden = false;
show();
