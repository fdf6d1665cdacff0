/* Adding a zip: drop it or choose it, see how far it is, stop it. Without scripts the same form is simply sent. */

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
    words.textContent = file ? `${file.name} · ${sizeOf(file.size)}` : firstWords;
    if (file && !form.elements.name.value) form.elements.name.placeholder = file.name.replace(/\.zip$/i, "");
  }

  function send() {
    const request = new XMLHttpRequest();
    sending = request;
    const started = performance.now();
    request.open("POST", form.getAttribute("action") || location.pathname);
    request.setRequestHeader("Accept", "application/json");
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => event.lengthComputable && progress(event, started));
    request.addEventListener("load", () => answered(request));
    request.addEventListener("error", () => ended([gettext("The connection broke. Nothing was kept; try again.")]));
    request.addEventListener("abort", () => ended([gettext("Stopped. Nothing was kept.")]));
    show(true);
    tell([]);
    request.send(new FormData(form));
  }

  function progress(event, started) {
    const share = event.loaded / event.total;
    form.querySelector("[data-upload-progress] progress").value = share;
    const seconds = (performance.now() - started) / 1000;
    const rate = event.loaded / Math.max(seconds, 0.001);
    const text =
      share < 1
        ? interpolate(gettext("%(done)s of %(all)s, %(rate)s a second"), { done: sizeOf(event.loaded), all: sizeOf(event.total), rate: sizeOf(rate) }, true)
        : gettext("Uploaded. The server looks at it…");
    form.querySelector("[data-upload-words]").textContent = text;
  }

  function answered(request) {
    if (request.status === 201 && request.response?.url) return location.assign(request.response.url);
    const errors = Object.values(request.response?.errors ?? {}).flat();
    const fallback = request.status === 413 ? gettext("The file is too large for this server.") : gettext("The server did not take the file. Reload the page and try again.");
    return ended(errors.length ? errors : [fallback]);
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

function sizeOf(bytes) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), 4);
  const amount = bytes / 1024 ** power;
  return `${amount.toFixed(power && amount < 100 ? 1 : 0)} ${units[power]}`;
}
