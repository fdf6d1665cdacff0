/* Behaviour that every page has: theme, menus, dialogs, copying, toasts, keys. Each piece is found by its data attribute. */
import { startBusyForms } from "./busy.js";
import { startCopying } from "./copy.js";
import { startDialogs } from "./dialogs.js";
import { startKeys } from "./keys.js";
import { startThemeChoice } from "./theme-choice.js";

startThemeChoice();
startDialogs();
startCopying();
startKeys();
startBusyForms();
