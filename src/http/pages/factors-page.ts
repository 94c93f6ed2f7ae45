import { messagesOf, ownScriptOf, stepUp } from "./own-page.ts";
import { pageOf } from "./page.ts";

const path = "/auth/factors";

/**
 * Where somebody who is signed in sees, adds and removes their passkeys, their authenticator app and their recovery codes. It
 * does what the API does, in the session of the browser: a program needs none of it.
 */
const main = `
<p id="who"></p>
${stepUp}
<div id="own" hidden>
<p id="none">You have no second factor yet. Owners and admins need one before they touch credentials, members or policy.</p>
<section aria-labelledby="passkeys-title">
<h2 id="passkeys-title" tabindex="-1">Passkeys</h2>
<p>A passkey signs you in by itself, without a mail. Nobody can talk you into typing it into another page.</p>
<ul id="passkeys" class="lesser"></ul>
<form id="add-passkey" hidden>
<label for="name">Name of a new passkey, such as the device that keeps it</label>
<input id="name" name="name" type="text" autocomplete="off" maxlength="100" required>
<button type="submit">Add a passkey</button>
</form>
<p id="no-passkeys" hidden>This browser makes none that can be used here.</p>
</section>
<section aria-labelledby="app-title">
<h2 id="app-title" tabindex="-1">Authenticator app</h2>
<p id="app-words"></p>
<form id="start-app" hidden><button type="submit">Add an authenticator app</button></form>
<form id="confirm-app" hidden>
<p>Scan this with your app, type the key below into it, or <a id="app-link">open it in the app of this device</a>. Then enter the code that the app shows, within 15 minutes.</p>
<svg id="qr" role="img" aria-label="The key as a QR code" shape-rendering="crispEdges"><path id="qr-dark"/></svg>
<output id="key"></output>
<label for="app-code">Code that the app shows</label>
<input id="app-code" name="code" type="text" inputmode="numeric" autocomplete="one-time-code" maxlength="7" required>
<button type="submit">Confirm the code</button>
</form>
<form id="remove-app" hidden class="lesser"><button type="submit">Remove the authenticator app</button></form>
</section>
<section aria-labelledby="codes-title">
<h2 id="codes-title" tabindex="-1">Recovery codes</h2>
<p id="codes-words"></p>
<form id="renew-codes" hidden class="lesser"><button type="submit">Make recovery codes</button></form>
<form id="new-codes" hidden>
<h3 id="new-codes-title" tabindex="-1">Write these down now</h3>
<p>They are shown this once. Each takes the place of a lost factor once. Keep them away from the device that they stand in for.</p>
<output id="codes-shown"></output>
<button type="submit">I have kept them</button>
</form>
</section>
<p><a href="/auth/account">Your sessions, linked accounts and organisations</a></p>
<form id="sign-out" class="lesser"><button type="submit">Sign out</button></form>
</div>
${messagesOf(path)}
`;

const standing = String.raw`
const canMake = canPasskey && "parseCreationOptionsFromJSON" in PublicKeyCredential;
let session, passkeys, factors;
const hasFactor = () => passkeys.length > 0 || factors.totp_confirmed_at !== null;
const isLast = () => passkeys.length + (factors.totp_confirmed_at === null ? 0 : 1) === 1;
function passkeyItem(passkey) {
  const { name, created_at: added, last_used_at: used, backed_up: isCopied } = passkey;
  const words = ", added " + day(added) + (used === null ? "" : ", last used " + day(used)) + (isCopied ? ", copied to your other devices" : "");
  const remove = buttonOf("Remove", "Remove the passkey " + name, () => removePasskey(passkey));
  return itemOf(name, words, remove, buttonOf("Rename", "Rename the passkey " + name, () => renamePasskey(passkey)));
}
async function load() {
  const me = await ask("GET", "/v1/me");
  if (me.session.status !== "open") throw { code: "second_factor_due" };
  session = me.session.id;
  const [has, list] = await Promise.all([ask("GET", "/v1/me/second_factors"), ask("GET", "/v1/me/passkeys")]);
  factors = has;
  passkeys = list.data;
  const [app, left] = [factors.totp_confirmed_at, factors.recovery_codes_left];
  say("who", "Signed in as " + me.user.email + ".");
  show("none", !hasFactor());
  part("passkeys").replaceChildren(...passkeys.map(passkeyItem));
  show("add-passkey", canMake);
  show("no-passkeys", !canMake);
  say("app-words", app === null ? "An app on your phone shows codes of six digits. You have none set up." : "Added " + day(app) + ".");
  show("start-app", app === null);
  show("confirm-app", false);
  show("remove-app", app !== null);
  say("codes-words", !hasFactor() ? "They stand in for a second factor that is lost: add one first."
    : left === 0 ? "You have none. They let you in when a device is lost." : left + " of your codes are left.");
  show("renew-codes", hasFactor());
  // Those that are still shown went with what they stood in for.
  if (!hasFactor()) dropCodes();
  offerFactors(factors);
  show("own", true);
}
`;

const changes = String.raw`
const lastWords = () => (isLast() ? " It is your last second factor: your recovery codes go with it." : "");
async function makePasskey(options) {
  try {
    return await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) });
  } catch (error) {
    throw { words: error.name === "InvalidStateError" ? "This device keeps a passkey of yours already." : "No passkey was made." };
  }
}
onSubmit("add-passkey", own(async () => {
  const name = part("name").value.trim();
  if (name === "") throw { words: "Give the passkey a name." };
  const options = await post("/v1/me/passkeys/options", {});
  const made = await makePasskey(options);
  try {
    await post("/v1/me/passkeys", { name, credential: made.toJSON() });
  } catch (refusal) {
    // The device would go on offering one that was not taken (WebAuthn Level 3, 5.1.11).
    if (refusal.status < 500 && "signalUnknownCredential" in PublicKeyCredential)
      PublicKeyCredential.signalUnknownCredential({ rpId: options.rp.id, credentialId: made.id }).catch(() => {});
    throw refusal;
  }
  part("name").value = "";
  await load();
  tell("The passkey is added.", "passkeys-title");
}));
function removePasskey({ id, name }) {
  if (!confirm("Remove the passkey “" + name + "”?" + lastWords())) return;
  alone(own(async () => {
    await ask("DELETE", "/v1/me/passkeys/" + id);
    await load();
    tell("The passkey is removed. Delete it on your device as well, which goes on offering it.", "passkeys-title");
  }));
}
function renamePasskey({ id, name }) {
  const entered = prompt("Another name for the passkey “" + name + "”:", name);
  const next = entered === null ? "" : entered.trim();
  if (next === "" || next === name) return;
  alone(own(async () => {
    await ask("PATCH", "/v1/me/passkeys/" + id, { name: next });
    await load();
    tell("The passkey is renamed.", "passkeys-title");
  }));
}
// Four light modules around it are part of a QR code.
function drawCode(rows) {
  const [side, square] = [rows.length + 8, (x, y) => "M" + x + " " + y + "h1v1h-1z"];
  part("qr").setAttribute("viewBox", "-4 -4 " + side + " " + side);
  part("qr-dark").setAttribute("d", rows.flatMap((row, y) => [...row].map((module, x) => (module === "1" ? square(x, y) : ""))).join(""));
}
onSubmit("start-app", own(async () => {
  const { base32, uri, qr } = (await post("/v1/me/totp", {})).secret;
  say("key", base32.match(/.{1,4}/g).join(" "));
  part("app-link").href = uri;
  drawCode(qr);
  show("start-app", false);
  show("confirm-app", true);
  part("app-code").focus();
}));
onSubmit("confirm-app", own(async () => {
  const { secret } = await post("/v1/me/totp/confirm", { code: part("app-code").value.replace(/\s/g, "") });
  say("key", "");
  part("app-code").value = "";
  part("app-link").removeAttribute("href");
  drawCode([]);
  await load();
  showCodes(secret.recovery_codes, "The authenticator app is added.");
}));
const removeApp = own(async () => {
  await ask("DELETE", "/v1/me/totp");
  await load();
  tell("The authenticator app is removed. Delete its entry in the app as well.", "app-title");
});
onSubmit("remove-app", async () => {
  if (confirm("Remove the authenticator app?" + lastWords())) await removeApp();
});
function showCodes(codes, words) {
  say("codes-shown", codes.join("\n"));
  show("new-codes", true);
  tell(words, "new-codes-title");
}
const renewCodes = own(async () => {
  const { secret } = await post("/v1/me/recovery_codes", {});
  await load();
  showCodes(secret.recovery_codes, "The codes are made.");
});
onSubmit("renew-codes", async () => {
  if (factors.recovery_codes_left === 0 || confirm("The codes that you have will no longer work. Make new ones?")) await renewCodes();
});
function dropCodes() {
  say("codes-shown", "");
  show("new-codes", false);
}
onSubmit("new-codes", async () => {
  dropCodes();
  part("codes-title").focus();
});
onSubmit("sign-out", own(() => signOut(session)));
alone(own(load));
`;

const script = `${ownScriptOf(path)}${standing}${changes}`;

export const factorsPage = pageOf("Passkeys and second factors", main, script);
