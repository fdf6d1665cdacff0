/* Patches an element into the shape of fresh HTML from the server: text and attributes change in place, so that focus,
   scroll, selection and open menus stay. Children are matched by data-key (or id), else by their order. */

export function morph(element, html) {
  const template = document.createElement("template");
  template.innerHTML = html.trim();
  const fresh = template.content.firstElementChild;
  if (fresh) morphElement(element, fresh);
}

function morphElement(old, fresh) {
  if (old.hasAttribute("data-keep")) return;
  morphAttributes(old, fresh);
  morphChildren(old, fresh);
}

function morphAttributes(old, fresh) {
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !isOwn(old, name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (!isOwn(old, name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

/* What the reader or a script of this page has set: an open menu, a shown copy button. */
function isOwn(element, name) {
  if (name === "open") return element.matches("details, dialog");
  if (name === "hidden") return element.hasAttribute("data-copy") || element.hasAttribute("data-opens");
  return name === "style";
}

function morphChildren(old, fresh) {
  const keyed = new Map([...old.children].filter(keyOf).map((child) => [keyOf(child), child]));
  let place = old.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    const match = partner(wanted, place, keyed);
    if (!match) {
      old.insertBefore(wanted, place);
      continue;
    }
    if (match === place) place = place.nextSibling;
    else old.insertBefore(match, place);
    if (match.nodeType === Node.ELEMENT_NODE) morphElement(match, wanted);
    else if (match.nodeValue !== wanted.nodeValue) match.nodeValue = wanted.nodeValue;
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

function partner(wanted, place, keyed) {
  const key = keyOf(wanted);
  if (key) return keyed.get(key)?.nodeName === wanted.nodeName ? keyed.get(key) : null;
  const fits = place && place.nodeType === wanted.nodeType && place.nodeName === wanted.nodeName && !keyOf(place);
  return fits ? place : null;
}

function keyOf(node) {
  return node.nodeType === Node.ELEMENT_NODE ? node.dataset?.key || node.id || "" : "";
}
