/* Values into a form, and which parts of it belong to what is chosen ([data-when="name=value other"]). */

export function fill(form, values) {
  for (const [name, value] of Object.entries(values)) {
    const several = Array.isArray(value) ? value.map(String) : [String(value)];
    for (const field of fieldsOf(form, name)) {
      if (field === document.activeElement && field.matches("textarea")) continue;
      if (field.type === "radio" || field.type === "checkbox") field.checked = several.includes(field.value);
      else if (field.value !== String(value)) setValue(field, String(value));
    }
  }
}

function setValue(field, value) {
  field.value = value;
  field.dispatchEvent(new CustomEvent("filled"));
  if (field.matches("select") && field.value !== value) {
    field.add(new Option(value, value, true, true)); // a value that came in as text stays visible
  }
}

function fieldsOf(form, name) {
  const found = form.elements.namedItem(name);
  if (!found) return [];
  return found instanceof RadioNodeList && !found.matches ? [...found] : [found];
}

export function shownParts(form) {
  for (const part of form.querySelectorAll("[data-when]")) {
    const [name, wanted] = part.dataset.when.split("=");
    const chosen = new FormData(form).get(name);
    part.hidden = !wanted.split(" ").includes(chosen);
  }
  if (giveWay(form)) shownParts(form);
}

/* A choice that does not belong to what is chosen before it gives way to the first that does. */
function giveWay(form) {
  const lost = form.querySelector("label[data-when][hidden] input:checked");
  const next = lost && fieldsOf(form, lost.name).find((field) => !field.disabled && !field.closest("[hidden]"));
  if (next) next.checked = true;
  return Boolean(next);
}
