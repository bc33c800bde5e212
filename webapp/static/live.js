// A film that is being made: its pieces are played as they come, by a media source. When the film
// is done it takes their place, at the same moment of it. A browser without a media source is given
// a playlist of the pieces, if it knows such. Without either, or before there is anything to play,
// the page shows the newest frame as before.
"use strict";

const screen = document.querySelector("[data-live]");
const PLAYLIST = "application/vnd.apple.mpegurl";
const Source = window.ManagedMediaSource ?? window.MediaSource;

const ASK_MS = 700; // between two looks at what there is
const ASK_FIRST_MS = 200; // while there is nothing yet
const AHEAD_S = 45; // how far ahead pieces are loaded
const BEHIND_S = 30; // what was seen is let go after this
const START_S = 6; // how much there must be before it goes on, where painting is slower than playing

class LiveFilm {
  constructor(place) {
    this.place = place;
    this.address = place.dataset.live;
    this.made = null; // the last answer of the page about what there is
    this.loaded = new Set(); // pieces
    this.video = null;
    this.isOver = false;
    this.pace = new Pace();
  }

  async follow() {
    while (!this.isOver) {
      try {
        await this.look();
      } catch {
        // The page says itself that it does not answer.
      }
      await new Promise((resume) => window.setTimeout(resume, this.made ? ASK_MS : ASK_FIRST_MS));
    }
  }

  async look() {
    const answer = await fetch(`${this.address}.json`);
    if (!answer.ok || this.isOver) return;
    const made = await answer.json();
    if (made.film && this.video) return this.takeFilm(made.film);
    if (!made.n_ready) return;
    this.made = made;
    this.pace.note(this.readyS());
    if (!this.video) {
      if (!made.codecs.length || !made.codecs.every((codec) => this.plays(codec))) return;
      await this.open();
    }
    await this.load();
    this.say();
  }

  // Up to where pieces are there, in seconds.
  readyS() {
    const { n_ready: n, starts_s: starts, duration_s: duration } = this.made;
    return n < starts.length ? starts[n] : duration;
  }

  plays(codec) {
    return Source.isTypeSupported(typeOf(codec));
  }

  async open() {
    const video = this.makeVideo();
    await this.attach(video);
    this.video = video;
    for (const name of ["seeking", "timeupdate", "waiting"]) {
      video.addEventListener(name, () => this.load().then(() => this.say()));
    }
    document.addEventListener("tonfilm:ended", (event) => this.end(event));
    // Whoever wants little to move by itself is asked first.
    this.wantsToPlay = !window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    video.addEventListener("play", () => (this.wantsToPlay = true));
    video.addEventListener("pause", () => {
      if (!this.isHolding) this.wantsToPlay = false;
    });
  }

  makeVideo() {
    const video = document.createElement("video");
    video.className = this.place.dataset.videoClass;
    video.setAttribute("aria-label", this.place.dataset.title);
    video.controls = video.playsInline = video.disableRemotePlayback = true;
    video.width = this.place.dataset.width;
    video.height = this.place.dataset.height;
    this.words = document.createElement("p");
    this.words.className = "live-words";
    this.words.setAttribute("role", "status");
    const frame = document.createElement("div");
    frame.className = "live";
    frame.append(video, this.words);
    this.place.replaceWith(frame);
    return video;
  }

  async attach(video) {
    const source = new Source();
    video.src = URL.createObjectURL(source);
    await new Promise((resume) => source.addEventListener("sourceopen", resume, { once: true }));
    URL.revokeObjectURL(video.src);
    source.duration = this.made.duration_s;
    this.source = source;
    this.buffers = this.made.codecs.map((codec) => source.addSourceBuffer(typeOf(codec)));
    this.buffers[0].timestampOffset = -this.made.early_s;
  }

  // Load the next piece that is wanted, one after the other.
  async load() {
    if (this.isLoading || this.isOver) return;
    this.isLoading = true;
    try {
      for (let place = this.next(); place !== null; place = this.next()) {
        if (!(await this.append(place)) || this.isOver) return;
        await this.goOn();
      }
      await this.letGo();
    } catch (error) {
      if (!this.isOver) console.warn(error);
    } finally {
      this.isLoading = false;
    }
    await this.goOn();
  }

  next() {
    const { n_ready: n, starts_s: starts } = this.made;
    const now = this.video.currentTime;
    let place = starts.findLastIndex((start) => start <= now + 1e-3);
    for (place = Math.max(place, 0); place < n && starts[place] < now + AHEAD_S; place += 1) {
      if (!this.loaded.has(place)) return place;
    }
    return null;
  }

  async append(place) {
    const parts = await Promise.all(
      ["pictures", "sound"].map(async (kind) => {
        const answer = await fetch(`${this.address}/${place}/${kind}.mp4`);
        if (!answer.ok) throw new Error(`Piece ${place} cannot be had`);
        return answer.arrayBuffer();
      }),
    );
    if (!parts[0].byteLength) return false; // gone: the film was put together
    for (const [which, part] of parts.entries()) {
      if (part.byteLength && !this.isOver) await change(this.buffers[which], (buffer) => buffer.appendBuffer(part));
    }
    this.loaded.add(place);
    return true;
  }

  // Let go of what was seen, since browsers keep some minutes of a film at most.
  async letGo() {
    const { starts_s: starts, duration_s: duration } = this.made;
    const until = this.video.currentTime - BEHIND_S;
    const old = [...this.loaded].filter((place) => (starts[place + 1] ?? duration) < until);
    if (old.length < 4) return;
    const stop = starts[Math.max(...old) + 1];
    for (const buffer of this.buffers) await change(buffer, () => buffer.remove(0, stop));
    for (const place of old) this.loaded.delete(place);
  }

  // Play where enough is there; wait where the end of it was reached.
  async goOn() {
    const { video } = this;
    if (!this.wantsToPlay || this.isOver) return;
    const left = this.readyS() - video.currentTime;
    const isWhole = this.readyS() >= this.made.duration_s;
    if (!video.paused && left < 0.3 && !isWhole) {
      this.isHolding = true;
      video.pause();
    } else if (video.paused && (isWhole || left >= this.pace.needed(START_S))) {
      await this.play();
    }
  }

  async play() {
    this.isHolding = false;
    try {
      await this.video.play();
    } catch {
      // Browsers let no page make a sound unasked: then it begins silent, and says so.
      this.video.muted = true;
      this.isSilent = true;
      await this.video.play().catch(() => (this.wantsToPlay = false));
    }
  }

  say() {
    if (this.isOver) return;
    let words = "";
    if (this.wantsToPlay && this.video.paused) {
      const left = this.readyS() - this.video.currentTime;
      const wait = this.pace.secondsUntil(this.pace.needed(START_S) - left);
      words = wait === null ? "Painting on …" : `Painting on: it plays in about ${wait} s`;
    } else if (this.isSilent && this.video.muted) {
      words = "Playing without sound: switch it on below";
    } else if (!this.wantsToPlay && !this.video.currentTime) {
      words = "It can be played while it is painted";
    }
    if (this.words.textContent !== words) this.words.textContent = words;
  }

  // The film is there: show it in place of its pieces, at the same moment.
  takeFilm(address) {
    if (this.isOver) return;
    this.isOver = true;
    const { video } = this;
    const { currentTime, muted } = video;
    const plays = this.wantsToPlay;
    this.words.textContent = "";
    video.addEventListener("loadedmetadata", () => { video.currentTime = currentTime; }, { once: true });
    video.src = address;
    video.muted = muted;
    if (plays) video.play().catch(() => {});
  }

  // The page would load anew: instead, all of it but the video is exchanged.
  async end(event) {
    event.preventDefault();
    this.isOver = true;
    const answer = await fetch(window.location.href);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("main video.screen");
    if (!fresh) return window.location.reload();
    const { video } = this;
    const [time, muted, plays] = [video.currentTime, video.muted, this.wantsToPlay && !video.ended];
    document.querySelector("main").replaceWith(page.querySelector("main"));
    fresh.preload = "auto";
    fresh.muted = muted;
    fresh.addEventListener("loadedmetadata", () => { fresh.currentTime = time; }, { once: true });
    document.title = page.title;
    if (plays) fresh.play().catch(() => {});
  }
}

// The same by a playlist, whose pieces the browser loads by itself.
class ListedFilm extends LiveFilm {
  plays(codec) {
    return document.createElement("video").canPlayType(typeOf(codec)) !== "";
  }

  async attach(video) {
    video.src = `${this.address}.m3u8`;
  }

  async load() {
    await this.goOn();
  }
}

// How fast painting is, in seconds of film a second.
class Pace {
  constructor() {
    this.seen = [];
  }

  note(readyS) {
    const last = this.seen.at(-1);
    if (last && last.readyS === readyS) return;
    this.seen.push({ readyS, at: performance.now() / 1000 });
    this.seen = this.seen.slice(-6);
  }

  get value() {
    const [first, last] = [this.seen[0], this.seen.at(-1)];
    return this.seen.length > 1 ? (last.readyS - first.readyS) / (last.at - first.at) : null;
  }

  // Seconds of film that must be there before it plays: little where painting is the faster.
  needed(enough) {
    return this.value === null || this.value > 1.05 ? 0.4 : enough;
  }

  secondsUntil(missingS) {
    const last = this.seen.at(-1);
    if (!this.value || !last) return null;
    const spent = performance.now() / 1000 - last.at;
    return Math.max(1, Math.ceil(Math.max(missingS, 0) / this.value - spent));
  }
}

function typeOf(codec) {
  return `${codec.startsWith("mp4a") ? "audio" : "video"}/mp4; codecs="${codec}"`;
}

// Change a buffer and wait until it has taken it.
function change(buffer, how) {
  return new Promise((resume, fail) => {
    buffer.addEventListener("updateend", resume, { once: true });
    buffer.addEventListener("error", () => fail(new Error("a piece could not be played")), { once: true });
    how(buffer);
  });
}

if (screen && Source) new LiveFilm(screen).follow();
else if (screen && document.createElement("video").canPlayType(PLAYLIST)) new ListedFilm(screen).follow();
