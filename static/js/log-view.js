/* The log tail: lines are appended as they come, the view follows while the reader stays at the end. */
import { clock } from "./format.js";
import { drawSoon } from "./draw-loop.js";

const MOST_ROWS = 2000;
const AT_END_PX = 24;

export class LogView {
  constructor(element, page) {
    this.page = page;
    this.box = element.querySelector("[data-log]");
    this.list = element.querySelector("[data-log-lines]");
    this.empty = element.querySelector("[data-log-empty]");
    this.followButton = element.querySelector("[data-log-follow]");
    this.device = element.querySelector("[data-log-device]");
    this.level = element.querySelector("[data-log-level]");
    this.search = element.querySelector("[data-log-search]");
    this.waiting = [];
    this.isVisible = true;
    this.follows = true;
    element.querySelector("[data-log-tools]").hidden = false;
    this.followButton.addEventListener("click", () => this.#follow(!this.follows));
    this.box.addEventListener("scroll", () => this.#scrolled());
    for (const choice of [this.device, this.level]) choice.addEventListener("change", () => this.#filter());
    this.search.addEventListener("input", () => this.#filter());
    element.querySelector("[data-next-error]").addEventListener("click", () => this.#nextError());
    if (location.hash.startsWith("#L")) this.#follow(false);
    else this.#toEnd();
  }

  add(lines) {
    this.waiting.push(...lines);
    drawSoon(this);
  }

  /* Devices that joined since the page was made can be chosen too. */
  know(devices) {
    for (const { rank, name } of devices) {
      if (![...this.device.options].some((option) => option.value === String(rank))) this.device.add(new Option(name, rank));
    }
  }

  draw() {
    const lines = this.waiting.splice(0);
    if (!lines.length) return;
    this.empty.hidden = true;
    const rows = document.createDocumentFragment();
    for (const line of lines) rows.append(this.#row(line));
    this.list.append(rows);
    while (this.list.childElementCount > MOST_ROWS) this.list.firstElementChild.remove();
    if (this.follows) this.#toEnd();
  }

  #row(line) {
    this.number = line.seq === this.lastSeq ? this.number + 1 : 1;
    this.lastSeq = line.seq;
    const row = document.createElement("li");
    row.id = `L${line.seq}-${this.number}`;
    Object.assign(row.dataset, { level: line.level, rank: line.rank, seq: line.seq });
    const when = document.createElement("a");
    when.className = "when";
    when.href = `#${row.id}`;
    when.textContent = clock(new Date(line.time * 1000));
    const who = this.page.devices.find((device) => device.rank === line.rank)?.name ?? line.rank;
    row.append(when, span("who", who), span("what", line.text));
    row.hidden = this.#isFiltered(row);
    return row;
  }

  #isFiltered(row) {
    const levels = { "": ["debug", "info", "warning", "error"], warning: ["warning", "error"], error: ["error"] }[this.level.value];
    const wanted = this.search.value.toLowerCase();
    if (wanted && !row.querySelector(".what").textContent.toLowerCase().includes(wanted)) return true;
    return !levels.includes(row.dataset.level) || (this.device.value !== "" && this.device.value !== row.dataset.rank);
  }

  #filter() {
    for (const row of this.list.children) row.hidden = this.#isFiltered(row);
    if (this.follows) this.#toEnd();
  }

  #nextError() {
    const errors = [...this.list.querySelectorAll("[data-level='error']:not([hidden])")];
    if (!errors.length) return;
    this.at = errors[(errors.indexOf(this.at) + 1) % errors.length];
    this.#follow(false);
    this.box.scrollTop = this.at.offsetTop - this.box.offsetTop - this.box.clientHeight / 3;
    this.at.querySelector("a").focus({ preventScroll: true });
    history.replaceState(history.state, "", `#${this.at.id}`);
  }

  #scrolled() {
    const isAtEnd = this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight < AT_END_PX;
    if (isAtEnd !== this.follows) this.#follow(isAtEnd);
  }

  #follow(wanted) {
    this.follows = wanted;
    this.followButton.setAttribute("aria-pressed", String(wanted));
    if (wanted) this.#toEnd();
  }

  #toEnd() {
    this.box.scrollTop = this.box.scrollHeight;
  }
}

function span(css, text) {
  const made = document.createElement("span");
  made.className = css;
  made.textContent = text;
  return made;
}
