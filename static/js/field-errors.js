/* What is wrong, beside the field it is about. */

export function showErrors(place, sentences) {
  place.replaceChildren(...sentences.map(errorOf));
}

/* `field` may be none: some sentences are about several. */
export function markInvalid(field, isWrong) {
  if (isWrong) field?.setAttribute("aria-invalid", "true");
  else field?.removeAttribute("aria-invalid");
}

function errorOf(sentence) {
  const place = document.createElement("span");
  place.className = "error";
  place.textContent = sentence;
  return place;
}
