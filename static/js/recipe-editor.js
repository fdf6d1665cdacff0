/* A recipe as a form over its JSON, which is what is sent: steps in order, each with its parameters, recipes that were
   kept under a name, and what is wrong beside the field it concerns. Which steps there are the server says. */
import { request } from "./rest.js";
import { announce } from "./toasts.js";

export function startEditors(root = document) {
  for (const place of root.querySelectorAll("[data-recipe-editor]")) new RecipeEditor(place);
}

class RecipeEditor {
  constructor(place) {
    this.place = place;
    this.text = place.querySelector("textarea");
    this.which = this.find("[data-which]");
    this.problems = JSON.parse(place.dataset.problems || "{}");
    this.find("[data-as-json]").open = false;
    const fold = place.closest("details");
    if (!fold || fold.open) this.load();
    fold?.addEventListener("toggle", () => fold.open && !this.offered && this.load());
    this.text.form.addEventListener("change", (event) => event.target.name === "dataset" && this.offered && this.load());
    this.text.addEventListener("input", () => this.draw());
    this.text.addEventListener("filled", () => this.draw());
    place.addEventListener("problems", (event) => this.showProblems(event.detail));
    this.which.addEventListener("change", () => this.choose());
    this.find("[data-add]").addEventListener("change", (event) => this.add(event.target.value));
    this.find("[data-steps]").addEventListener("input", (event) => this.typed(event.target));
    place.addEventListener("click", (event) => this.pressed(event.target.closest("button")));
    this.find("[data-keep-name]").addEventListener("keydown", (event) => event.key === "Enter" && this.keep(event));
  }

  find(selector) {
    return this.place.querySelector(selector);
  }

  async load() {
    const slug = this.place.dataset.dataset || new FormData(this.text.form).get("dataset");
    if (!slug) return;
    this.slug = slug;
    try {
      this.offered = await request(this.place.dataset.url.replace("SLUG", slug));
    } catch {
      this.find("[data-as-json]").open = true; // the JSON is always there
      return;
    }
    this.known = Object.fromEntries(this.offered.steps.map((step) => [step.step, step]));
    this.find("[data-editor]").hidden = false;
    this.draw();
  }

  /* The steps that the text says, or those chosen for the data; null while it is no list of steps. */
  get steps() {
    if (!this.text.value.trim()) return structuredClone(this.offered.default);
    try {
      const steps = JSON.parse(this.text.value);
      return Array.isArray(steps) && steps.every((step) => typeof step?.step === "string") ? steps : null;
    } catch {
      return null;
    }
  }

  draw() {
    if (!this.offered) return;
    const steps = this.steps;
    this.drawChoices(steps);
    this.find("[data-steps]").replaceChildren(...(steps || []).map((step, index) => this.drawn(step, index)));
    const free = this.offered.steps.filter((step) => !step.once || !steps?.some((there) => there.step === step.step));
    const options = free.map((step) => new Option(`${step.step}: ${step.about}`, step.step));
    this.find("[data-add]").replaceChildren(this.find("[data-add]").options[0], ...options);
    if (!steps) this.find("[data-as-json]").open = true;
    this.showProblems(this.problems);
  }

  drawChoices(steps) {
    const [chosen, own] = [this.which.options[0], this.which.querySelector("[value=own]")];
    this.which.replaceChildren(chosen, ...this.offered.kept.map((kept) => new Option(kept.name, kept.id)), own);
    const kept = this.offered.kept.find((one) => this.same(one.steps, steps));
    this.which.value = this.same(this.offered.default, steps) ? "" : (kept?.id ?? "own");
    own.hidden = this.which.value !== "own";
    this.find("[data-forget]").hidden = this.which.value === "" || this.which.value === "own";
  }

  /* Whether both do the same: a first step that decodes, and parameters at their defaults, need not be written. */
  same(one, other) {
    return this.full(one) === this.full(other);
  }

  full(steps) {
    const written = (steps || []).filter((step) => step.step !== "decode" || step.background?.some((part) => part !== 255));
    const all = written.map((step) => ({ step: step.step, ...this.known[step.step]?.parameters, ...step }));
    return steps && JSON.stringify(all.map((step) => Object.entries(step).sort(([a], [b]) => (a < b ? -1 : 1))));
  }

  drawn(step, index) {
    const item = this.clone("[data-step-template]");
    const known = this.known[step.step];
    item.dataset.index = index;
    item.querySelector("[data-name]").textContent = step.step;
    item.querySelector("[data-about]").textContent = known ? told(known) : "";
    const kinds = Object.entries(known?.parameter_kinds || {});
    item.querySelector("[data-fields]").append(...kinds.map(([name, kind]) => this.field(step, index, name, kind)));
    return item;
  }

  field(step, index, name, kind) {
    const place = this.clone("[data-field-template]");
    const known = this.known[step.step];
    const input = document.createElement(kind === "choice" ? "select" : "input");
    if (kind === "choice") input.append(...known.choices[name].map((word) => new Option(word)));
    if (kind === "whole" || kind === "number") Object.assign(input, { type: "number", step: kind === "whole" ? "1" : "any" });
    input.id = `${this.text.id}-${index}-${name}`;
    Object.assign(input.dataset, { parameter: name, kind });
    const value = step[name] ?? known.parameters[name];
    input.value = value === null || value === undefined ? "" : written(value, kind);
    place.firstElementChild.textContent = name;
    place.firstElementChild.htmlFor = input.id;
    place.firstElementChild.after(input);
    place.lastElementChild.dataset.at = `${index}.${name}`;
    return place;
  }

  clone(selector) {
    return this.find(selector).content.firstElementChild.cloneNode(true);
  }

  typed(input) {
    const steps = this.steps;
    const step = steps[input.closest("li").dataset.index];
    const value = read(input.value.trim(), input.dataset.kind);
    if (value === undefined) delete step[input.dataset.parameter];
    else step[input.dataset.parameter] = value;
    this.text.value = JSON.stringify(steps);
    this.drawChoices(steps);
  }

  choose() {
    const kept = this.offered.kept.find((one) => String(one.id) === this.which.value);
    this.write(kept ? kept.steps : null);
  }

  add(name) {
    if (!name) return;
    this.write([...(this.steps || []), { step: name }]);
    this.find("[data-steps]").lastElementChild.querySelector("input, select, button").focus();
  }

  pressed(button) {
    const steps = this.steps;
    const index = Number(button?.closest("li")?.dataset.index);
    if (button?.dataset.move) {
      const to = index + Number(button.dataset.move);
      if (to < 0 || to >= steps.length) return;
      steps.splice(to, 0, ...steps.splice(index, 1));
      this.write(steps);
      this.find(`li[data-index="${to}"] [data-move="${button.dataset.move}"]`).focus();
    } else if (button?.matches("[data-remove]")) {
      this.write(steps.toSpliced(index, 1));
      (this.find(`li[data-index="${Math.min(index, steps.length - 2)}"] [data-remove]`) ?? this.find("[data-add]")).focus();
    } else if (button?.matches("[data-keep]")) this.keep();
    else if (button?.matches("[data-forget]")) this.forget();
  }

  /* `steps` null: those chosen for the data. Whoever listens to the form hears of it as if it was typed. */
  write(steps) {
    this.problems = {};
    this.text.value = steps ? JSON.stringify(steps) : "";
    this.text.dispatchEvent(new Event("input", { bubbles: true }));
  }

  async keep(event) {
    event?.preventDefault();
    const name = this.find("[data-keep-name]");
    const body = { name: name.value, steps: this.steps, dataset: this.slug };
    try {
      this.offered.kept.push(await request(this.place.dataset.keepUrl, { method: "POST", body }));
    } catch (refusal) {
      const { name: ofName, ...ofSteps } = refusal.errors;
      this.find("[data-keep-errors]").replaceChildren(...[ofName ?? refusal.detail].flat().map(errorOf));
      this.showProblems(Object.fromEntries(Object.entries(ofSteps).map(([at, told]) => [at.replace(/^steps/, "recipe"), told])));
      return;
    }
    this.find("[data-keep-errors]").replaceChildren();
    announce(interpolate(gettext("Kept as %s."), [name.value.trim()]));
    name.value = "";
    this.draw();
  }

  async forget() {
    const { value } = this.which;
    try {
      await request(`${this.place.dataset.keptUrl}${value}/`, { method: "DELETE" });
    } catch (refusal) {
      this.find("[data-keep-errors]").replaceChildren(errorOf(refusal.detail));
      return;
    }
    this.offered.kept = this.offered.kept.filter((one) => String(one.id) !== value);
    announce(gettext("The name is gone. The steps are still here."));
    this.draw();
  }

  /* {"recipe.1.size": sentences}: each beside its field, or its step. */
  showProblems(problems) {
    this.problems = problems;
    for (const item of this.place.querySelectorAll("[data-steps] li")) {
      const left = Object.entries(problems).filter(([path]) => `${path}.`.startsWith(`recipe.${item.dataset.index}.`));
      for (const place of item.querySelectorAll("[data-at]")) {
        const own = left.filter(([path]) => `${path}.`.startsWith(`recipe.${place.dataset.at}.`));
        place.replaceChildren(...own.flatMap(([, told]) => told.map(errorOf)));
        place.previousElementSibling.toggleAttribute("aria-invalid", own.length > 0);
        own.forEach((one) => left.splice(left.indexOf(one), 1));
      }
      item.querySelector("[data-step-errors]").replaceChildren(...left.flatMap(([, told]) => told.map(errorOf)));
    }
  }
}

function told({ about, protects, does_not_protect: not }) {
  const hides = [protects && [gettext("Protects: %s"), protects], not && [gettext("Does not protect: %s"), not]];
  return [about, ...hides.filter(Boolean).map(([words, what]) => interpolate(words, [what]))].join(" ");
}

function written(value, kind) {
  if (kind === "numbers" || kind === "words") return Array.isArray(value) ? value.join(", ") : String(value);
  return kind === "json" ? JSON.stringify(value) : String(value);
}

/* What cannot be read goes to the server as it was typed, which says what it expects. */
function read(text, kind) {
  if (!text) return undefined;
  if (kind === "whole" || kind === "number") return Number(text);
  const parts = text.split(",").map((part) => part.trim()).filter(Boolean);
  if (kind === "words") return parts;
  if (kind === "numbers") return parts.every((part) => Number.isFinite(Number(part))) ? parts.map(Number) : text;
  if (kind !== "json") return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function errorOf(sentence) {
  const place = document.createElement("span");
  place.className = "error";
  place.textContent = sentence;
  return place;
}
