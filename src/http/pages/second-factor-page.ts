import { factorForms, nextScript, offer, pageOf, passkeyScript, scriptStart, shownFactorScript } from "./page.ts";

/** Where somebody shows their second factor: a code of their authenticator, a recovery code in its place, or a passkey. */
const main = `
${factorForms("Finish signing in")}<p id="no-factor" hidden>You have no second factor: <a href="/auth/factors">add one</a>.</p>
<p id="done" role="status" tabindex="-1"></p>
${offer}
<p id="problem" role="alert"></p>
`;

const script = String.raw`${scriptStart}${passkeyScript}${shownFactorScript}${nextScript}
function finish() {
  show("enter", false);
  show("passkey", false);
  signedIn({ next: "done", go_to: next });
}
// Whoever is not signed in has nothing to finish here. A session that has ended meanwhile is begun again, too.
const signedOut = (work) => async () => {
  try {
    await work();
  } catch (refusal) {
    if (refusal.status !== 401) throw refusal;
    location.replace("/auth/sign-in" + (next ? "?next=" + next : ""));
  }
};
onSubmit("passkey", signedOut(async () => {
  await showPasskey();
  finish();
}));
onSubmit("enter", signedOut(async () => {
  await showCode(part("code").value);
  finish();
}));
alone(signedOut(async () => {
  if (offerFactors(await ask("GET", "/v1/me/second_factors"))) part("code").focus();
}));
`;

export const secondFactorPage = pageOf("Second factor", main, script);
