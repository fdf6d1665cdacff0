/* Adding a file: drop it or choose it, see how far it is, stop it. A large one goes in chunks and can be gone on with.
   Without scripts the same form is simply sent. */
import { uploadInChunks } from "./chunked-upload.js";
import { say, size } from "./format.js";

const IN_CHUNKS_FROM_BYTES = 16 * 2 ** 20;
const form = document.querySelector("[data-upload]");
if (form) start();

function start() {
  const drop = form.querySelector("[data-drop]");
  const input = form.elements.file;
  const words = form.querySelector("[data-drop-words]");
  const firstWords = words.textContent;
  let sending = null;

  for (const name of ["dragenter", "dragover"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.dataset.over = "";
    });
  }
  for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => delete drop.dataset.over);
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    if (!event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    chosen();
  });
  input.addEventListener("change", chosen);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!sending) send();
  });
  form.querySelector("[data-upload-stop]").addEventListener("click", () => sending?.abort());

  function chosen() {
    const [file] = input.files;
    tell([]);
    words.textContent = file ? `${file.name} · ${size(file.size)}` : firstWords;
    const name = form.elements.name;
    if (file && name && !name.value) name.placeholder = file.name.replace(/(\.tar)?\.\w+$/, "");
  }

  async function send() {
    sending = new AbortController();
    const [file] = input.files;
    const body = new FormData(form);
    const inChunks = file && form.elements.upload && file.size >= IN_CHUNKS_FROM_BYTES;
    show(true);
    tell([]);
    try {
      if (inChunks) {
        body.set("upload", await uploadInChunks(file, chunkTeller(file), sending.signal));
        body.delete("file");
      }
      await post(body, sending.signal);
    } catch (error) {
      ended(sending.signal.aborted ? stoppedWords(inChunks) : [error.message]);
    }
  }

  function post(body, signal) {
    const request = new XMLHttpRequest(); // fetch does not tell how much of a body is sent
    const started = performance.now();
    request.open("POST", form.getAttribute("action") || location.pathname);
    request.setRequestHeader("Accept", "application/json");
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => event.lengthComputable && progress(event.loaded, event.total, started));
    signal.addEventListener("abort", () => request.abort());
    return new Promise((resolve, reject) => {
      request.addEventListener("load", () => resolve(answered(request)));
      request.addEventListener("error", () => reject(new Error(gettext("The connection broke. Nothing was kept; try again."))));
      request.addEventListener("abort", () => reject(signal.reason));
      request.send(body);
    });
  }

  function chunkTeller(file) {
    let begun = null;
    return ({ sent, broken }) => {
      begun ??= { at: performance.now(), sent };
      if (broken) return progressWords(sent / file.size, gettext("The connection broke. It goes on as soon as the server answers…"));
      return progress(sent, file.size, begun.at, begun.sent);
    };
  }

  function progress(loaded, total, started, before = 0) {
    const rate = (loaded - before) / Math.max((performance.now() - started) / 1000, 0.001);
    const sizes = { done: size(loaded), all: size(total), rate: size(Math.round(rate)) };
    const text = loaded < total ? say(gettext("%(done)s of %(all)s, %(rate)s a second"), sizes) : gettext("Uploaded. The server looks at it…");
    progressWords(loaded / total, text);
  }

  function progressWords(share, text) {
    form.querySelector("[data-upload-progress] progress").value = share;
    form.querySelector("[data-upload-words]").textContent = text;
  }

  function answered(request) {
    if (request.status === 201 && request.response?.url) return location.assign(request.response.url);
    const errors = Object.values(request.response?.errors ?? {}).flat();
    const fallback = request.status === 413 ? gettext("The file is too large for this server.") : gettext("The server did not take the file. Reload the page and try again.");
    return ended(errors.length ? errors : [fallback]);
  }

  function stoppedWords(inChunks) {
    return [inChunks ? gettext("Stopped. Choose the same file within a day to go on where it stopped.") : gettext("Stopped. Nothing was kept.")];
  }

  function ended(sentences) {
    sending = null;
    show(false);
    tell(sentences);
  }

  function show(busy) {
    form.querySelector("[data-upload-progress]").hidden = !busy;
    form.querySelector("[data-upload-start]").disabled = busy;
  }

  function tell(sentences) {
    const places = sentences.map((sentence) => {
      const place = document.createElement("span");
      place.className = "error";
      place.textContent = sentence;
      return place;
    });
    form.querySelector("[data-upload-errors]").replaceChildren(...places);
  }
}
