/* `u` and `d` move the job of the focused row up and down. The buttons of the row do the same. */
import { onKey } from "./keys.js";

for (const key of ["u", "d"]) {
  onKey(key, () => document.activeElement.closest("[data-row]")?.querySelector(`[data-queue-key=${key}]:not(:disabled)`)?.click());
}
