/* A page that holds a secret once: a reload asks for the device's own page, which does not have it. */

const place = document.querySelector("[data-shown-once]");
if (place) history.replaceState(null, "", place.dataset.shownOnce);
