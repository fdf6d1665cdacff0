/* A recipe as a form over its JSON, which is what is sent: steps in order, each with its parameters, recipes that were
   kept under a name, and what is wrong beside the field it concerns. Which steps there are the server says. */
import { markInvalid, showErrors } from "./field-errors.js";
import { read, same, written } from "./recipe-values.js";
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
    this.past = []; // texts to go back to
    this.find("[data-as-json]").open = false;
    const fold = place.closest("details");
    if (!fold || fold.open) this.load();
    fold?.addEventListener("toggle", () => fold.open && !this.offered && this.load());
    this.text.form.addEventListener("change", ({ target }) => /^(dataset|task)$/.test(target.name) && this.offered && this.load());
    this.text.addEventListener("input", () => this.draw());
    this.text.addEventListener("filled", () => this.draw());
    place.addEventListener("problems", (event) => this.showProblems(event.detail));
    place.addEventListener("chosen", (event) => this.chosen(event.detail));
    this.which.addEventListener("change", () => this.choose());
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

  /* The steps that a job without steps of its own takes: the form around says it where a model has a say in it. */
  get default() {
    return this.place.dataset.chosen ? JSON.parse(this.place.dataset.chosen) : this.offered.default;
  }

  /* The steps that the text says, or without any those chosen for the data; null while it is no list of steps. */
  get steps() {
    try {
      const steps = JSON.parse(this.text.value.trim() || "[]");
      if (!Array.isArray(steps) || !steps.every((step) => typeof step?.step === "string")) return null;
      return steps.length ? steps : structuredClone(this.default);
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
    this.find("[data-keeping]").hidden = !this.offered.may_keep;
    if (!steps) this.find("[data-as-json]").open = true;
    this.showProblems(this.problems);
  }

  drawChoices(steps) {
    const fixed = (value) => this.which.querySelector(`[value="${value}"]`);
    const [chosen, prepared, own] = ["", "prepared", "own"].map(fixed);
    const kept = this.offered.kept.map((one) => new Option(one.name, one.id));
    this.which.replaceChildren(chosen, prepared, ...kept, own);
    const is = (other) => same(other, steps, this.known);
    prepared.hidden = !this.offered.prepared || same(this.offered.prepared, this.default, this.known);
    const found = this.offered.kept.find((one) => is(one.steps));
    if (is(this.default)) this.which.value = "";
    else this.which.value = found?.id ?? (is(this.offered.prepared) ? "prepared" : "own");
    own.hidden = this.which.value !== "own";
    this.find("[data-none-own]").hidden = this.which.value !== "";
    this.find("[data-forget]").hidden = !found?.may_change || this.which.value !== String(found.id);
    this.find("[data-undo]").hidden = !this.past.length;
  }

  /* Another model or other data: what is chosen for them is shown, unless there are steps of one's own. */
  chosen({ recipe_chosen: chosen, recipe_chosen_for: why }) {
    if (this.place.dataset.chosen === chosen) return;
    this.place.dataset.chosen = chosen;
    if (why) this.which.querySelector('[value=""]').textContent = why;
    this.draw();
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
    const [label, help, errors] = place.children;
    const known = this.known[step.step];
    const input = document.createElement(kind === "choice" ? "select" : "input");
    if (kind === "choice") input.append(...known.choices[name].map((word) => new Option(word)));
    if (kind === "whole" || kind === "number") Object.assign(input, { type: "number", step: kind === "whole" ? "1" : "any" });
    input.id = `${this.text.id}-${index}-${name}`;
    Object.assign(input.dataset, { parameter: name, kind });
    input.value = written(step[name] ?? known.parameters[name], kind);
    label.textContent = name;
    label.htmlFor = input.id;
    label.after(input);
    help.textContent = kind === "choice" ? "" : known.expects[name];
    [help.id, errors.id] = [`${input.id}-help`, `${input.id}-errors`];
    input.setAttribute("aria-describedby", `${help.id} ${errors.id}`);
    errors.dataset.at = `${index}.${name}`;
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
    if (this.typing !== input) this.past.push(this.text.value);
    this.typing = input;
    this.text.value = JSON.stringify(steps);
    this.drawChoices(steps);
  }

  choose() {
    const kept = this.offered.kept.find((one) => String(one.id) === this.which.value);
    this.write(kept?.steps ?? (this.which.value === "prepared" ? this.offered.prepared : null));
  }

  /* Where the rules of order let the new step be is asked of the server. */
  async add() {
    const name = this.find("[data-add]").value;
    if (!name) return;
    const body = { steps: this.steps || [], add: name };
    let place;
    try {
      ({ place } = await request(this.place.dataset.url.replace("SLUG", this.slug), { method: "POST", body }));
    } catch (refusal) {
      this.problems = { ...this.problems, recipe: [refusal.detail] };
      this.showProblems(this.problems);
      return;
    }
    this.write(body.steps.toSpliced(place, 0, { step: name }));
    this.find(`[data-steps] li[data-index="${place}"]`).querySelector("input, select, button").focus();
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
      this.write(steps.length > 1 ? steps.toSpliced(index, 1) : null);
      this.find(`li[data-index="${Math.min(index, this.steps.length - 1)}"] [data-remove]`).focus();
    } else if (button?.matches("[data-add-step]")) this.add();
    else if (button?.matches("[data-undo]")) this.undo();
    else if (button?.matches("[data-keep]")) this.keep();
    else if (button?.matches("[data-forget]")) this.forget();
  }

  /* `steps` null: those chosen for the data. */
  write(steps) {
    this.past.push(this.text.value);
    this.put(steps ? JSON.stringify(steps) : "");
  }

  undo() {
    this.put(this.past.pop());
    if (!this.past.length) this.which.focus();
  }

  /* Whoever listens to the form hears of it as if it was typed. */
  put(text) {
    this.problems = {};
    this.typing = null;
    this.text.value = text;
    this.text.dispatchEvent(new Event("input", { bubbles: true }));
  }

  async keep(event) {
    event?.preventDefault();
    const name = this.find("[data-keep-name]");
    const body = { name: name.value, steps: this.steps, dataset: this.slug };
    try {
      const kept = await request(this.place.dataset.keepUrl, { method: "POST", body });
      this.offered.kept.push({ ...kept, may_change: true });
    } catch (refusal) {
      const { name: ofName, ...ofSteps } = refusal.errors;
      showErrors(this.find("[data-keep-errors]"), [ofName ?? refusal.detail].flat());
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
      showErrors(this.find("[data-keep-errors]"), [refusal.detail]);
      return;
    }
    this.offered.kept = this.offered.kept.filter((one) => String(one.id) !== value);
    announce(gettext("The name is gone. The steps are still here."));
    this.draw();
  }

  /* {"recipe.1.size": sentences}: each beside its field, or its step, or above all steps. */
  showProblems(problems) {
    this.problems = problems;
    if (!this.offered || !this.steps) return; // the text has them beside it
    const left = Object.entries(problems).filter(([path]) => `${path}.`.startsWith("recipe."));
    const take = (start) => left.filter(([path]) => `${path}.`.startsWith(start)).map((one) => left.splice(left.indexOf(one), 1)[0]);
    const sentences = (found) => found.flatMap(([, told]) => told);
    for (const item of this.place.querySelectorAll("[data-steps] li")) {
      for (const place of item.querySelectorAll("[data-at]")) {
        const own = take(`recipe.${place.dataset.at}.`);
        showErrors(place, sentences(own));
        const help = place.previousElementSibling;
        help.hidden = sentences(own).includes(help.textContent); // once is enough
        markInvalid(document.getElementById(place.id.replace(/-errors$/, "")), own.length > 0);
      }
      showErrors(item.querySelector("[data-step-errors]"), sentences(take(`recipe.${item.dataset.index}.`)));
    }
    showErrors(this.find("[data-recipe-errors]"), sentences(left));
    showErrors(this.find("[data-errors-of]"), []);
    markInvalid(this.text, false);
  }
}

function told({ about, protects, does_not_protect: not }) {
  const hides = [protects && [gettext("Protects: %s"), protects], not && [gettext("Does not protect: %s"), not]];
  return [about, ...hides.filter(Boolean).map(([words, what]) => interpolate(words, [what]))].join(" ");
}
