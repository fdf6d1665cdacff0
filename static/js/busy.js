/* A form that is on its way says so on the button that was pressed, and takes no second press. */
export function startBusyForms() {
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (event.defaultPrevented || event.target.method !== "post" || !button) return;
    button.setAttribute("aria-busy", "true");
    // Disabled only after the browser has read the form, or the button's own value would not be sent.
    setTimeout(() => { button.disabled = true; });
  });
  // Back in history: the page is as it was left.
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    for (const button of document.querySelectorAll("button[aria-busy]")) {
      button.removeAttribute("aria-busy");
      button.disabled = false;
    }
  });
}
