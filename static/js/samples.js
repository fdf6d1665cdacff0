/* The samples of a version: another recipe is tried on them. */
import { startEditors } from "./recipe-editor.js";

startEditors();
