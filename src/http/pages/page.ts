import { nextPaths } from "../../domain/sign-in/next-path.ts";
import { bytesOfHex, sha256Hex } from "../../lib/bytes.ts";

/** A page of ours as it is served: nothing in it is anyone's, so that it is made once. */
export interface Page {
  readonly html: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * The page's one style and one script are named by their digests, and nothing else may run, load, be sent to or frame it
 * (CSP 3). It is kept by nobody and names itself to nobody: its address may hold a token.
 *
 * @param script plain text of a browser's script; it makes no markup (Trusted Types hold it to that).
 */
export function pageOf(title: string, main: string, script: string): Page {
  const policy = [
    "default-src 'none'",
    `script-src ${digestOf(script)}`,
    `style-src ${digestOf(style)}`,
    "connect-src 'self'",
    "base-uri 'none'",
    // A form without its script would put an address into an address bar.
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ];
  const html = [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${title} · Dialgate</title><style>${style}</style></head><body><main>`,
    `<h1>${title}</h1>`,
    main,
    "<noscript><p>This page needs scripts: without one, following a link could sign you in.</p></noscript>",
    `</main><script>${script}</script></body></html>`,
  ].join("\n");
  const headers = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": policy.join("; "),
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
  };
  return { html, headers };
}

const digestOf = (text: string): string => `'sha256-${btoa(String.fromCharCode(...bytesOfHex(sha256Hex(text))))}'`;

const style = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; scroll-padding-bottom: 4rem; }
main { max-width: 26rem; margin: 12vh auto 2rem; padding: 0 1rem; }
label, input, button { display: block; font: inherit; }
input, button { box-sizing: border-box; width: 100%; min-height: 2.75rem; padding: 0 .75rem; margin: .25rem 0 1rem; border: 1px solid GrayText; border-radius: .375rem; }
button { background: CanvasText; color: Canvas; border: 0; cursor: pointer; }
button[disabled] { opacity: .6; cursor: progress; }
:focus-visible { outline: 3px solid Highlight; outline-offset: 2px; }
[hidden] { display: none; }
#code-shown { display: block; margin: .5rem 0; font: 600 1.75rem/1.5 ui-monospace, monospace; letter-spacing: .1em; }
#key, #codes-shown { display: block; margin: .5rem 0 1rem; font: 600 1rem/1.75 ui-monospace, monospace; overflow-wrap: anywhere; user-select: all; white-space: pre-wrap; }
.lesser button { min-height: 2.25rem; background: none; color: inherit; border: 1px solid GrayText; }
#messages { position: sticky; bottom: 0; }
#messages p:not(:empty) { margin: .5rem 0; padding: .5rem .75rem; background: Canvas; border: 1px solid GrayText; border-radius: .375rem; }
#qr { display: block; width: 13rem; max-width: 100%; background: #fff; }
li { margin-bottom: .5rem; overflow-wrap: anywhere; }
`;

/**
 * What the scripts of all pages begin with. `ask` answers the body, or throws the words to show, with the status and the code. A
 * limit is told by when it ends: which quota it was is for programs.
 */
export const scriptStart = String.raw`"use strict";
const part = (id) => document.getElementById(id);
const show = (id, isShown) => { part(id).hidden = !isShown; };
const say = (id, words) => { part(id).textContent = words; };
const waitWords = (seconds) => (seconds > 90 ? Math.ceil(seconds / 60) + " minutes" : seconds > 1 ? seconds + " seconds" : "a moment");
async function ask(method, path, body, headers) {
  let response, answer;
  try {
    response = await fetch(path, {
      method, headers: { ...headers, ...(body && { "content-type": "application/json" }) }, ...(body && { body: JSON.stringify(body) }),
      credentials: "same-origin", cache: "no-store", redirect: "error",
    });
    answer = await response.json();
  } catch {
    throw { words: "The service did not answer. Try again in a moment." };
  }
  if (response.ok) return answer;
  if (response.status === 429)
    throw { words: "Too many attempts in a short time. Try again in " + waitWords(Number(response.headers.get("retry-after"))) + ".", status: 429, code: answer.code };
  const words = (answer.errors && answer.errors[0] && answer.errors[0].detail) || answer.detail || "That did not work.";
  throw { words, status: response.status, code: answer.code };
}
const post = (path, body) => ask("POST", path, body);
// One thing at a time: what is asked next may go out under the cookie that this brings.
async function alone(work) {
  const pressed = document.activeElement;
  const hold = (isHeld) => document.querySelectorAll("button").forEach((button) => { button.disabled = isHeld; });
  say("problem", "");
  hold(true);
  try {
    await work();
  } catch (refusal) {
    say("problem", refusal.words || "Something broke on this page. Load it again.");
  } finally {
    hold(false);
    // A button that is held loses the focus.
    if (document.activeElement === document.body && pressed) pressed.focus();
  }
}
function onSubmit(id, work) {
  part(id).addEventListener("submit", (event) => {
    event.preventDefault();
    alone(work);
  });
}
function signedIn(answer) {
  const isDone = answer.next === "done";
  say("done", isDone ? "You are signed in. You can close this window." : "One step is left: your second factor.");
  show("offer", isDone && !answer.go_to);
  part("done").focus();
  if (!isDone) location.assign("/auth/second-factor" + (answer.go_to ? "?next=" + encodeURIComponent(answer.go_to) : ""));
  else if (answer.go_to) location.assign(answer.go_to);
}
`;

/** Shown to whoever has signed in. */
export const offer =
  '<p id="offer" hidden>A passkey signs you in without a mail, and is the second factor that owners and admins need: <a href="/auth/factors">your passkeys and second factors</a>.</p>';

/** Where the address says that it goes on; nowhere for what is no page of ours by name. */
export const nextScript = String.raw`
const asked = new URLSearchParams(location.search).get("next");
const next = ${JSON.stringify(nextPaths)}.find((path) => path === asked);
`;

/** Behind it a page can ask for a passkey, where the browser reads and writes its JSON (WebAuthn Level 3, 5.1.7 to 5.1.10). */
export const passkeyScript = String.raw`
const canPasskey = typeof PublicKeyCredential === "function" && "parseRequestOptionsFromJSON" in PublicKeyCredential;
async function usePasskey(path) {
  const options = PublicKeyCredential.parseRequestOptionsFromJSON(await post(path + "/options", {}));
  let credential;
  try {
    credential = await navigator.credentials.get({ publicKey: options });
  } catch {
    throw { words: "No passkey was shown." };
  }
  return post(path, { credential: credential.toJSON() });
}
`;

/** The forms by which somebody shows their second factor, and what `offerFactors` shows of them. */
export const factorForms = (button: string): string => `
<form id="passkey" hidden><button type="submit">Use a passkey</button></form>
<form id="enter" hidden>
<label for="code">Code of your authenticator, or a recovery code</label>
<input id="code" name="code" type="text" autocomplete="one-time-code" spellcheck="false" maxlength="64" required>
<button type="submit">${button}</button>
</form>
`;

/** Behind both scripts a page can show a second factor in its session. */
export const shownFactorScript = String.raw`
const showPasskey = () => usePasskey("/v1/me/second_factor/passkey");
function showCode(entered) {
  const code = entered.trim();
  const digits = code.replace(/\s/g, "");
  return /^\d{6}$/.test(digits)
    ? post("/v1/me/second_factor/totp", { code: digits })
    : post("/v1/me/second_factor/recovery_code", { code });
}
// Whether there is a code to enter.
function offerFactors({ passkeys, totp_confirmed_at: app, recovery_codes_left: left }) {
  show("passkey", canPasskey && passkeys > 0);
  show("enter", app !== null || left > 0);
  show("no-factor", passkeys === 0 && app === null);
  return app !== null || left > 0;
}
`;
