import { nextPaths } from "../../domain/sign-in/next-path.ts";
import { offer, pageOf, passkeyScript, scriptStart, shownFactorScript } from "./page.ts";

/** Where somebody shows their second factor: a code of their authenticator, a recovery code in its place, or a passkey. */
const main = `
<form id="passkey" hidden><button type="submit">Use a passkey</button></form>
<form id="enter">
<label for="code">Code of your authenticator, or a recovery code</label>
<input id="code" name="code" type="text" autocomplete="one-time-code" spellcheck="false" maxlength="64" required autofocus>
<button type="submit">Finish signing in</button>
</form>
<p id="done" role="status" tabindex="-1"></p>
${offer}
<p id="problem" role="alert"></p>
`;

const script = String.raw`${scriptStart}${passkeyScript}${shownFactorScript}
const asked = new URLSearchParams(location.search).get("next");
const next = ${JSON.stringify(nextPaths)}.find((path) => path === asked);
function finish() {
  show("enter", false);
  show("passkey", false);
  signedIn({ next: "done", go_to: next });
}
show("passkey", canPasskey);
onSubmit("passkey", async () => {
  await showPasskey();
  finish();
});
onSubmit("enter", async () => {
  await showCode(part("code").value);
  finish();
});
`;

export const secondFactorPage = pageOf("Second factor", main, script);
