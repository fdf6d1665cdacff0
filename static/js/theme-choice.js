/* The theme switch: [data-theme-choice] with buttons [data-set-theme]. Charts hear "ft:theme" on the document. */

export function startThemeChoice() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-set-theme]");
    if (button) choose(button.dataset.setTheme);
  });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", tellCharts);
  window.addEventListener("storage", (event) => event.key === "theme" && apply(event.newValue || "auto"));
  show();
}

function choose(theme) {
  localStorage.setItem("theme", theme);
  apply(theme);
}

function apply(theme) {
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  show();
  tellCharts();
}

function show() {
  const theme = document.documentElement.dataset.theme || "auto";
  for (const button of document.querySelectorAll("[data-set-theme]")) {
    button.setAttribute("aria-pressed", String(button.dataset.setTheme === theme));
  }
}

function tellCharts() {
  document.dispatchEvent(new CustomEvent("ft:theme"));
}
