/* A large file in chunks, each with its SHA-256. A broken connection is tried again, and the same file chosen later goes
   on where it broke off: the server knows how far it is, this page keeps nothing. */
import { csrfToken, Refusal, request } from "./rest.js";

const ADDRESS = "/api/v1/uploads/";
const CHUNK_BYTES = 8 * 2 ** 20;
const WAITS_S = [1, 2, 4, 8, 15];

/* The id of the complete upload. tell({sent, broken}) hears how many bytes lie on the server, and of waiting. */
export async function uploadInChunks(file, tell, signal) {
  const upload = await begunOrNew(file, signal);
  let sent = upload.offset;
  let failures = 0;
  tell({ sent, broken: false });
  while (sent < file.size) {
    try {
      sent = await sendChunk(upload.id, file.slice(sent, sent + CHUNK_BYTES), sent, signal);
      failures = 0;
      tell({ sent, broken: false });
    } catch (error) {
      if (signal.aborted || isFinal(error)) throw error;
      tell({ sent, broken: true });
      await wait(WAITS_S[Math.min(failures, WAITS_S.length - 1)], signal);
      failures += 1;
      sent = await whereItStands(upload.id, sent, signal);
    }
  }
  return upload.id;
}

async function begunOrNew(file, signal) {
  const fingerprint = `${file.name} ${file.size} ${file.lastModified}`.slice(-128);
  const { results } = await request(ADDRESS, { signal });
  const begun = results.find((row) => row.fingerprint === fingerprint && row.bytes === file.size);
  return begun ?? request(ADDRESS, { method: "POST", body: { name: file.name, bytes: file.size, fingerprint }, signal });
}

async function sendChunk(id, chunk, offset, signal) {
  const bytes = await chunk.arrayBuffer();
  const headers = { "Content-Type": "application/offset+octet-stream", "Upload-Offset": offset, "X-CSRFToken": csrfToken() };
  if (window.crypto?.subtle) headers["Upload-Checksum"] = `sha256 ${hex(await crypto.subtle.digest("SHA-256", bytes))}`;
  const answer = await fetch(`${ADDRESS}${id}/`, { method: "PATCH", body: bytes, headers, signal, credentials: "same-origin" });
  if (answer.status === 409) return (await answer.json()).offset;
  if (!answer.ok) throw new Refusal(answer.status, await answer.json().catch(() => ({})));
  return Number(answer.headers.get("Upload-Offset"));
}

async function whereItStands(id, otherwise, signal) {
  try {
    return (await request(`${ADDRESS}${id}/`, { signal })).offset;
  } catch (error) {
    if (signal.aborted || isFinal(error)) throw error;
    return otherwise;
  }
}

/* The server answered and will not answer otherwise: all but a damaged chunk and a server in trouble. */
const isFinal = (error) => error instanceof Refusal && error.status < 500 && error.status !== 422 && error.status !== 429;

function wait(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), { once: true });
  });
}

const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
