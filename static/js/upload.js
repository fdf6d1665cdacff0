/* Adding a file, or a folder that is packed here: drop or choose it, see how far it is, stop it. A large one goes in chunks
   and can be gone on with.
   Without scripts the same form is simply sent. */
import { uploadInChunks } from "./chunked-upload.js";
import { say, size } from "./format.js";
import { dropped, TooMuch, zipped } from "./zip.js";

const IN_CHUNKS_FROM_BYTES = 16 * 2 ** 20;
const form = document.querySelector("[data-upload]");
if (form) start();

function start() {
  const drop = form.querySelector("[data-drop]");
  const input = form.elements.file;
  const words = form.querySelector("[data-drop-words]");
  const firstWords = words.textContent;
  const folder = form.querySelector("[data-folder]");
  let sending = null;
  let many = []; // files of a folder, to be packed

  for (const name of ["dragenter", "dragover"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.dataset.over = "";
    });
  }
  for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => delete drop.dataset.over);
  drop.addEventListener("drop", async (event) => {
    event.preventDefault();
    const { files } = event.dataTransfer;
    const found = await dropped(event.dataTransfer);
    if (found.length === 1 && !found[0].path.includes("/")) return chosen(files);
    return found.length ? chosenMany(found) : null;
  });
  input.addEventListener("change", () => chosen());
  if (folder) {
    folder.hidden = false;
    folder.addEventListener("click", chooseFolder);
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!sending) send();
  });
  form.querySelector("[data-upload-stop]").addEventListener("click", () => sending?.abort());

  function chosen(files = input.files) {
    input.files = files;
    many = [];
    const [file] = files;
    called(file?.name ?? "", file ? `${file.name} · ${size(file.size)}` : firstWords);
  }

  function chosenMany(found) {
    input.value = "";
    many = found;
    const bytes = found.reduce((sum, { file }) => sum + file.size, 0);
    const told = { name: nameOfMany(), count: found.length, size: size(bytes) };
    called(told.name, found.length ? say(gettext("%(name)s: %(count)s files, %(size)s"), told) : firstWords);
  }

  function chooseFolder() {
    const picker = Object.assign(document.createElement("input"), { type: "file", webkitdirectory: true });
    picker.addEventListener("change", () => {
      chosenMany([...picker.files].map((file) => ({ path: file.webkitRelativePath, file })));
    });
    picker.click();
  }

  /* The folder around all of them, or the first of them. */
  function nameOfMany() {
    const [top, ...more] = (many[0]?.path ?? "").split("/");
    return more.length ? top : gettext("files");
  }

  function called(fileName, text) {
    tell([]);
    words.textContent = text;
    const name = form.elements.name;
    if (fileName && name && !name.value) name.placeholder = fileName.replace(/(\.tar)?\.\w+$/, "");
  }

  async function packed() {
    const tellPacked = (done, all) => progressWords(done / all, say(gettext("Packing: %(done)s of %(all)s files"), { done, all }));
    try {
      return await zipped(many, `${nameOfMany()}.zip`, tellPacked, sending.signal);
    } catch (error) {
      if (error instanceof TooMuch) throw new Error(gettext("This is too much to be packed here. Make a zip or a tar of it and upload that."));
      if (sending.signal.aborted) throw error;
      throw new Error(gettext("A file of the folder could not be read. Choose the folder again."));
    }
  }

  async function send() {
    sending = new AbortController();
    show(true);
    tell([]);
    let inChunks = false;
    try {
      const file = many.length ? await packed() : input.files[0];
      const body = new FormData(form);
      if (many.length) body.set("file", file);
      inChunks = file && form.elements.upload && file.size >= IN_CHUNKS_FROM_BYTES;
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
