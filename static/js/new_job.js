/* The new-job form: what is typed is checked by the server, kept as a draft, and shown as text; the text, when edited,
   fills the form. The server knows the rules; this only carries values there and answers back. */
import { announce } from "./toasts.js";
import { markInvalid, showErrors } from "./field-errors.js";
import { fill, shownParts } from "./form-values.js";
import { startEditors } from "./recipe-editor.js";
import { postForm } from "./rest-form.js";

const CHECK_AFTER_MS = 400;
const PREFLIGHT_EVERY_MS = 1000;

const form = document.querySelector("[data-new-job]"); // its field `dataset` hides form.dataset
if (form) start();

function start() {
  let timer = 0;
  let asked = 0;

  form.addEventListener("input", (event) => {
    form.elements.source.value = event.target.name === "text" ? "text" : "form";
    later(toldBy(event));
  });
  form.addEventListener("change", (event) => {
    if (event.target.name === "language") form.elements.source.value = "form";
    shownParts(form);
    later(toldBy(event));
  });
  form.addEventListener("click", pressed);
  form.addEventListener("submit", () => clearTimeout(timer));
  for (const [name, read] of [["[data-spec-file]", importSpec], ["[data-definition-file]", importDefinition]]) {
    const file = form.querySelector(name);
    file.addEventListener("change", read);
    file.closest("label").hidden = false;
  }
  document.addEventListener("keydown", goOn);
  document.querySelector("[data-keep-mine]")?.addEventListener("click", () => check({ overwrite: "1" }));
  document.querySelector("[data-take-theirs]")?.addEventListener("click", () => location.reload());
  for (const button of form.querySelectorAll("[data-reset]")) button.hidden = false;
  form.querySelector("[data-save]").hidden = true;
  shownParts(form);
  markResets();
  watchPreflight();
  startEditors(form);

  /* A spec in a file becomes the text, and the text fills the form; what is wrong with it is listed as if it was typed. */
  async function importSpec(event) {
    event.stopPropagation();
    const [file] = event.target.files;
    event.target.value = "";
    if (!file) return;
    form.elements.text.value = await file.text();
    form.elements.source.value = "text";
    form.elements.language.value = "json";
    await check({ do: "text" });
    announce(gettext("The file is in the text now."));
    form.elements.text.focus();
  }

  /* A Keras model in a file, as if it was pasted. */
  async function importDefinition(event) {
    event.stopPropagation();
    const [file] = event.target.files;
    event.target.value = "";
    if (!file) return;
    form.elements["model.definition"].value = await file.text();
    form.elements.source.value = "form";
    await check({ do: "definition" });
    announce(gettext("The model is in the form now."));
  }

  function later(extra = {}) {
    markResets();
    clearTimeout(timer);
    timer = setTimeout(() => check(extra), CHECK_AFTER_MS);
  }

  async function check(extra = {}) {
    clearTimeout(timer);
    const mine = ++asked;
    say(gettext("Saving…"));
    try {
      const answer = await postForm(form.getAttribute("data-check-url"), form, extra);
      if (mine === asked) show(answer, extra);
    } catch (problem) {
      if (problem.status === 409) document.querySelector("[data-conflict]").hidden = false;
      say(problem.status === 409 ? "" : gettext("Not saved. Trying again when you go on."));
    }
  }

  function show(answer, extra = {}) {
    document.querySelector("[data-conflict]").hidden = true;
    replace("[data-summary]", answer.summary);
    replace("[data-recipe-words]", answer.recipe_words);
    form.querySelector("[data-recipe-editor]").dispatchEvent(new CustomEvent("chosen", { detail: answer }));
    if (answer.changes) replace("[data-changes]", answer.changes);
    if (answer.preflight) replace("[data-preflight]", answer.preflight);
    showProblems(answer.problems);
    const fromText = form.elements.source.value === "text";
    if ((fromText || extra.do) && Object.keys(answer.values).length) fill(form, answer.values);
    else if (answer.values.rest) form.elements.rest.value = answer.values.rest;
    if (!fromText) form.elements.text.value = answer.text;
    showPreset(answer.preset);
    shownParts(form);
    markResets();
    if (answer.draft) keepDraft(answer);
    say(answer.draft ? gettext("Draft kept") : "");
    watchPreflight();
  }

  function keepDraft(answer) {
    form.elements.draft.value = answer.draft;
    form.elements.seen.value = answer.seen;
    form.action = answer.draft_url;
    if (location.pathname !== answer.draft_url) history.replaceState(null, "", answer.draft_url + location.hash);
  }

  function pressed(event) {
    const reset = event.target.closest("[data-reset]");
    if (reset) {
      const field = document.getElementById(reset.dataset.for);
      field.value = reset.dataset.reset;
      form.elements.source.value = "form";
      field.focus();
      return check();
    }
    const button = event.target.closest("button[name=do]");
    if (!button) return undefined;
    const [verb, of] = button.value.split(":");
    if (verb === "preset" || verb === "undo" || verb === "set") {
      event.preventDefault();
      form.elements.source.value = "form";
      return check({ do: button.value });
    }
    if (verb === "text") {
      event.preventDefault();
      form.elements.source.value = "text";
      return check({ do: "text" });
    }
    if (verb === "preflight") {
      event.preventDefault();
      return runPreflight({});
    }
    if (verb === "cancel-preflight") {
      event.preventDefault();
      return runPreflight({ numbers: of, cancel: "1" });
    }
    return undefined;
  }

  async function runPreflight(extra) {
    const button = form.querySelector("[data-preflight-button]");
    button.setAttribute("aria-disabled", "true");
    try {
      const answer = await postForm(form.getAttribute("data-preflight-url"), form, extra);
      show(answer);
      if (Object.keys(answer.problems).length) document.querySelector("[data-testid=problems]")?.scrollIntoView();
      const verdict = form.querySelector("[data-testid=preflight-verdict] .text");
      if (verdict && !form.querySelector("#preflight[data-pending]")) announce(verdict.textContent);
    } catch (problem) {
      say(problem.detail || gettext("The server did not answer."));
    } finally {
      button.removeAttribute("aria-disabled");
    }
  }

  function watchPreflight() {
    const pending = form.querySelector("#preflight[data-pending]");
    if (!pending || pending.dataset.watched) return;
    pending.dataset.watched = "1";
    setTimeout(() => runPreflight({ numbers: pending.dataset.pending }), PREFLIGHT_EVERY_MS);
  }

  function showProblems(problems) {
    for (const place of form.querySelectorAll("[data-errors-of]")) {
      const path = place.dataset.errorsOf;
      const found = Object.entries(problems).filter(([where]) => where === path || where.startsWith(`${path}.`));
      showErrors(place, found.flatMap(([, sentences]) => sentences));
      markInvalid(place.parentElement.querySelector("input, select, textarea"), found.length > 0);
    }
    form.querySelector("[data-text-errors]").replaceChildren();
    form.querySelector("[data-recipe-editor]").dispatchEvent(new CustomEvent("problems", { detail: problems }));
  }

  function showPreset(preset) {
    for (const button of form.querySelectorAll("[data-preset]")) {
      button.setAttribute("aria-pressed", String(button.dataset.preset === preset));
    }
  }

  function markResets() {
    for (const button of form.querySelectorAll("[data-reset]")) {
      button.hidden = document.getElementById(button.dataset.for).value === button.dataset.reset;
    }
  }

  function goOn(event) {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || !form.contains(event.target)) return;
    event.preventDefault();
    const steps = [...form.querySelectorAll(".step")];
    const next = steps[steps.findIndex((step) => step.contains(event.target)) + 1];
    (next?.querySelector("input:not([disabled]), select, textarea") ?? form.querySelector("[data-start]")).focus();
  }
}

/* A Keras model says how it was compiled, and other data wants other steps: the form is filled with that. */
function toldBy(event) {
  if (["dataset", "task"].includes(event.target.name)) return { do: "data" };
  return event.target.name === "model.definition" ? { do: "definition" } : {};
}

function replace(selector, html) {
  const place = document.querySelector(selector);
  const template = document.createElement("template");
  template.innerHTML = html;
  place.replaceChildren(template.content);
}

function say(text) {
  document.querySelector("[data-draft-state]").textContent = text;
}
