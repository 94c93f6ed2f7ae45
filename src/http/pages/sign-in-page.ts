import type { IdentityProviderName } from "../../providers/sign-in/contract.ts";
import { providerTitles } from "../../domain/sign-in/oidc/provider-titles.ts";
import { nextScript, offer, type Page, pageOf, passkeyScript, scriptStart } from "./page.ts";

/**
 * Where somebody goes to Google or Microsoft, where this deployment has an account there; uses a passkey; asks for a link, and enters the code
 * that another browser shows for it.
 */
const mainWith = (providers: readonly IdentityProviderName[]): string => `
<section id="providers">
${providers.map((name) => `<form id="${name}"><button type="submit">Continue with ${providerTitles[name]}</button></form>`).join("\n")}
<form id="passkey" hidden><button type="submit">Use a passkey</button></form>
</section>
<form id="ask">
<label for="email">Address of mail</label>
<input id="email" name="email" type="email" autocomplete="email" inputmode="email" maxlength="320" required autofocus aria-describedby="hint">
<p id="hint">A link to sign in is sent to it. There is no password.</p>
<button type="submit">Send the link</button>
</form>
<section id="sent" hidden aria-labelledby="sent-title">
<h2 id="sent-title" tabindex="-1">Look into your mail</h2>
<p id="sent-words"></p>
<form id="enter">
<label for="code">Code that another device shows</label>
<input id="code" name="code" type="text" autocomplete="one-time-code" autocapitalize="characters" spellcheck="false" maxlength="20" required>
<button type="submit">Sign in with the code</button>
</form>
</section>
<p id="done" role="status" tabindex="-1"></p>
${offer}
<p id="problem" role="alert"></p>
`;

const scriptWith = (providers: readonly IdentityProviderName[]): string => String.raw`${scriptStart}${passkeyScript}${nextScript}
function finish(answer) {
  show("providers", false);
  show("ask", false);
  show("sent", false);
  signedIn(answer);
}
show("passkey", canPasskey);
onSubmit("passkey", async () => finish({ ...(await usePasskey("/auth/passkey")), go_to: next }));
for (const name of ${JSON.stringify(providers)})
  onSubmit(name, async () => location.assign((await post("/auth/oidc/" + name + (next ? "?next=" + next : ""), {})).url));
onSubmit("ask", async () => {
  const answer = await post("/auth/link", { email: part("email").value, next });
  say("sent-words", "The link works once, within " + answer.minutes + " minutes. Open it in this browser. Opened on another device, it shows a code that you enter here.");
  show("sent", true);
  part("sent-title").focus();
});
onSubmit("enter", async () => finish(await post("/auth/link/relay", { code: part("code").value })));
`;

/** Made once for each set of providers. */
const made = new Map<string, Page>();
export function signInPage(providers: readonly IdentityProviderName[]): Page {
  const key = providers.join();
  const page = made.get(key) ?? pageOf("Sign in", mainWith(providers), scriptWith(providers));
  made.set(key, page);
  return page;
}
