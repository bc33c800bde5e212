// Home: a chosen or dropped file is sent in pieces, unless it is plainly too large. When the
// connection breaks, the server is asked how much it has, and the upload goes on from there.
"use strict";

const LONGEST_PAUSE_S = 30;
const SILENCE_MS = 30000; // a line on which nothing moves for so long is broken
const SMALLEST_PIECE = 65536; // bytes
const MEBIBYTE = 1048576; // bytes, which the page calls a MB
const SPOKEN_STEP = 25; // per cent

const form = document.querySelector("[data-upload]");
const find = (name) => form.querySelector(`[data-${name}]`);
const input = form.querySelector("input[type=file]");
const drop = find("drop");
const sending = find("sending");
const token = form.querySelector("[name=csrf_token]").value;

// What the visitor must mend, in words to be shown.
class Refusal extends Error {}

// What may pass by itself.
class Trouble extends Error {
  constructor(words, status = 0) {
    super(words);
    this.status = status;
  }
}

// Words and bar

function say(words) {
  find("sent").textContent = words;
}

function speak(words) {
  find("spoken").textContent = words;
}

function complain(words) {
  find("problem").textContent = words;
  find("problem").hidden = words === "";
}

function show(isSending) {
  drop.hidden = isSending;
  sending.hidden = !isSending;
  for (const line of document.querySelectorAll("[data-unfinished]")) line.hidden = isSending;
}

function inMebibytes(nBytes) {
  const n = nBytes / MEBIBYTE;
  return n < 100 ? n.toFixed(1) : String(Math.round(n));
}

function inWords(seconds) {
  if (seconds < 90) return `about ${Math.max(1, Math.round(seconds))} s left`;
  return `about ${Math.round(seconds / 60)} minutes left`;
}

class Meter {
  constructor(size) {
    this.size = size;
    this.spoken = 0;
  }

  // From here the time left is reckoned: at the start, and after every break.
  begin(offset) {
    this.from = offset;
    this.since = performance.now();
    this.show(offset);
  }

  show(nBytes) {
    const percent = Math.floor((100 * nBytes) / this.size);
    const seconds = (performance.now() - this.since) / 1000;
    const speed = (nBytes - this.from) / seconds;
    const isKnown = seconds > 2 && speed > 0; // taste: an estimate from less jumps about
    const left = isKnown ? `, ${inWords((this.size - nBytes) / speed)}` : "";
    find("part").value = nBytes / this.size;
    find("percent").textContent = `${percent} %`;
    say(`${inMebibytes(nBytes)} of ${inMebibytes(this.size)} MB${left}`);
    if (percent < this.spoken + SPOKEN_STEP) return;
    this.spoken = percent - (percent % SPOKEN_STEP);
    speak(`${this.spoken} % sent`);
  }
}

// Requests

function request(method, address, { body = null, headers = {}, onSent = () => {}, signal }) {
  return new Promise((resolve, reject) => {
    const call = new XMLHttpRequest();
    const end = () => call.abort();
    let silence;
    const listen = () => {
      clearTimeout(silence);
      silence = setTimeout(end, SILENCE_MS);
    };
    call.open(method, address);
    call.responseType = "json";
    const all = { Accept: "application/json", "X-CSRFToken": token, ...headers };
    for (const [name, value] of Object.entries(all)) call.setRequestHeader(name, value);
    call.upload.addEventListener("progress", (event) => {
      listen();
      onSent(event.loaded);
    });
    call.addEventListener("load", () => resolve(call));
    for (const name of ["error", "abort"]) {
      call.addEventListener(name, () => reject(new Trouble("The connection was lost.")));
    }
    call.addEventListener("loadend", () => {
      clearTimeout(silence);
      signal.removeEventListener("abort", end);
    });
    signal.addEventListener("abort", end);
    listen();
    call.send(body);
  });
}

function read({ status, response }) {
  if (status >= 500) throw new Trouble("Tonfilm does not answer.", status);
  if (response && "offset" in response) return response; // a wrong place (409) names the right one
  if (status === 404) throw new Trouble("The connection was lost.", status);
  if (response && response.sentence) throw new Refusal(response.sentence);
  if (status === 413) throw new Trouble("The connection was lost.", status);
  throw new Refusal("This page had grown old: load it again, and choose the same file.");
}

function pause(seconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(end, 1000 * seconds);
    function end() {
      clearTimeout(timer);
      window.removeEventListener("online", end);
      signal.removeEventListener("abort", end);
      resolve();
    }
    window.addEventListener("online", end);
    signal.addEventListener("abort", end);
  });
}

class Upload {
  constructor(file) {
    this.file = file;
    this.meter = new Meter(file.size);
    this.stopper = new AbortController();
    this.pieceBytes = Number(form.dataset.pieceBytes);
    this.there = null; // what the server said last: address, offset, and the song at the end
  }

  async ask(method, address, options = {}) {
    this.there = read(await request(method, address, { ...options, signal: this.stopper.signal }));
  }

  begin() {
    const { name, size, lastModified } = this.file;
    const body = new URLSearchParams({ name, size, changed: lastModified });
    return this.ask("POST", form.dataset.uploads, { body });
  }

  async findAgain() {
    try {
      await this.ask("GET", this.there.address);
    } catch (trouble) {
      if (trouble.status !== 404) throw trouble;
      await this.begin(); // it was too old
    }
    this.meter.begin(this.there.offset);
  }

  sendPiece() {
    const { address, offset } = this.there;
    return this.ask("PATCH", address, {
      body: this.file.slice(offset, offset + this.pieceBytes),
      headers: {
        "Content-Type": "application/offset+octet-stream",
        "Upload-Offset": String(offset),
      },
      onSent: (nBytes) => this.meter.show(Math.min(offset + nBytes, this.file.size)),
    });
  }

  // A file that was changed or deleted since it was chosen cannot be sent, however often one tries.
  async check() {
    try {
      await this.file.slice(0, 1).arrayBuffer();
    } catch {
      throw new Refusal("The file has changed since it was chosen: choose it again.");
    }
  }

  async wait(trouble, nTries) {
    const seconds = Math.min(2 ** nTries, LONGEST_PAUSE_S);
    const words = navigator.onLine
      ? `${trouble.message} Trying again in ${seconds} s …`
      : "There is no network. The upload goes on when it is back.";
    say(words);
    if (nTries === 0) speak(words);
    sending.classList.add("is-waiting");
    await pause(seconds, this.stopper.signal);
    sending.classList.remove("is-waiting");
  }

  // Try until it works, with growing pauses.
  async patiently(attempt) {
    for (let nTries = 0; ; nTries += 1) {
      if (this.stopper.signal.aborted) throw new Trouble("Stopped.");
      try {
        await attempt(nTries);
        if (nTries > 0) speak("Going on");
        return;
      } catch (trouble) {
        if (!(trouble instanceof Trouble)) throw trouble;
        await this.check();
        // Something between here and Tonfilm takes no pieces of this size.
        if (trouble.status === 413) this.pieceBytes = Math.max(this.pieceBytes / 2, SMALLEST_PIECE);
        if (!this.stopper.signal.aborted) await this.wait(trouble, nTries);
      }
    }
  }

  async send() {
    await this.patiently(() => this.begin());
    this.meter.begin(this.there.offset);
    if (this.there.offset > 0) speak("Going on where it was");
    while (!this.there.song) {
      await this.patiently(async (nTries) => {
        if (nTries > 0) await this.findAgain();
        if (!this.there.song) await this.sendPiece();
      });
    }
    return this.there.song;
  }

  async stop() {
    this.stopper.abort();
    if (!this.there) return;
    const headers = { "X-CSRFToken": token };
    await fetch(`${this.there.address}/delete`, { method: "POST", headers, redirect: "manual" });
  }
}

let upload = null;

async function start(file) {
  upload = new Upload(file);
  const { signal } = upload.stopper;
  complain("");
  find("name").textContent = file.name;
  find("percent").textContent = "";
  say("");
  speak(`Sending ${file.name}`);
  show(true);
  try {
    const song = await upload.send();
    say("It is all there. Its page opens …");
    window.location.assign(song);
  } catch (error) {
    show(false);
    input.value = "";
    if (signal.aborted) return;
    complain(error.message);
    if (!(error instanceof Refusal)) throw error;
  }
}

find("upload-button").hidden = true;
show(false);
find("stop").addEventListener("click", () => upload.stop());

input.addEventListener("change", () => {
  const file = input.files[0];
  if (!file) return;
  if (file.size <= Number(form.dataset.maxBytes)) {
    start(file);
    return;
  }
  complain(`The file is too large: choose one of at most ${form.dataset.maxWords}.`);
  input.value = "";
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
