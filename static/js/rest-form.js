/* A form sent by a script, with its CSRF field; the answer is JSON, a refusal an Error with `status` and `detail`. */
import { Refusal, showBanner } from "./rest.js";

export async function postForm(url, form, extra = {}) {
  const body = new FormData(form);
  for (const [name, value] of Object.entries(extra)) body.set(name, value);
  const answer = await fetch(url, { method: "POST", body, credentials: "same-origin", headers: { Accept: "application/json" } });
  if (answer.redirected && new URL(answer.url).pathname === document.body.dataset.signIn) {
    showBanner("signed-out");
    throw new Refusal(401, { detail: gettext("You are signed out.") });
  }
  const isJson = (answer.headers.get("Content-Type") || "").includes("json");
  if (!answer.ok || !isJson) throw new Refusal(answer.status, isJson ? await answer.json() : {});
  return answer.json();
}
