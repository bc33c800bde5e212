// The link to a shared film goes to the clipboard.
"use strict";

const copy = document.querySelector("[data-copy]");

// Browsers have a clipboard for pages that come over https, or from this machine; elsewhere the
// older way is left.
async function copyText(field) {
  field.select();
  if (navigator.clipboard) await navigator.clipboard.writeText(field.value);
  else if (!document.execCommand("copy")) throw new Error("there is no clipboard");
}

if (copy) {
  const field = document.getElementById(copy.dataset.copy);
  const copied = document.querySelector("[data-copied]");
  copy.hidden = false;
  copy.addEventListener("click", async () => {
    try {
      await copyText(field);
      copied.textContent = "Copied.";
    } catch {
      copied.textContent = "It could not be copied: the link is selected, copy it by hand.";
    }
  });
  field.addEventListener("focus", () => field.select());
}
