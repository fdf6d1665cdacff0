/* Runs before the first paint, so that a page never flashes in the other theme. The key is Django admin's own. */
(() => {
  const theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  document.documentElement.dataset.scripts = "on";
})();
