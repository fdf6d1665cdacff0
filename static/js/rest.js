/* REST with the session cookie. A refusal is an Error with `status`, `detail` and `errors` of its problem document. */

export class Refusal extends Error {
  constructor(status, problem) {
    super(problem.detail || `HTTP ${status}`);
    this.status = status;
    this.detail = this.message;
    this.errors = problem.errors || {};
  }
}

export async function request(url, { method = "GET", body, signal } = {}) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRFToken"] = csrfToken();
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await send(url, { method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body) });
  return answer.status === 204 ? null : answer.json();
}

/* A piece of a page, as the server renders it. */
export async function fragment(url, signal) {
  return (await send(url, { headers: { "HX-Request": "true" }, signal })).text();
}

async function send(url, options) {
  const answer = await fetch(url, { credentials: "same-origin", redirect: "follow", ...options });
  if (answer.status === 401 || (answer.redirected && signInPath() && new URL(answer.url).pathname === signInPath())) {
    showBanner("signed-out");
    throw new Refusal(401, { detail: gettext("You are signed out.") });
  }
  if (!answer.ok) throw new Refusal(answer.status, await problemOf(answer));
  return answer;
}

async function problemOf(answer) {
  const isJson = (answer.headers.get("Content-Type") || "").includes("json");
  return isJson ? answer.json() : {};
}

const signInPath = () => document.body.dataset.signIn;

export function csrfToken() {
  const field = document.querySelector("input[name=csrfmiddlewaretoken]");
  if (field) return field.value;
  const cookie = document.cookie.split("; ").find((item) => item.split("=")[0].endsWith("_csrf"));
  return cookie ? decodeURIComponent(cookie.slice(cookie.indexOf("=") + 1)) : "";
}

export function showBanner(name, shown = true) {
  const banner = document.querySelector(`[data-banner="${name}"]`);
  if (!banner || banner.hidden === !shown) return;
  banner.hidden = !shown;
  const link = banner.querySelector("[data-sign-in-link]");
  if (link && signInPath()) link.href = `${signInPath()}?next=${encodeURIComponent(location.pathname + location.search)}`;
}
