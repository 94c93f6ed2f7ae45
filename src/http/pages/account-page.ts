import { messagesOf, ownScriptOf, stepUp } from "./own-page.ts";
import { pageOf } from "./page.ts";

const path = "/auth/account";

/**
 * Where our mails lead whoever did not do what they tell of: somebody who is signed in sees and ends their sessions, sees and
 * removes accounts at Google and Microsoft, sees their organisations, and ends what lets the platform's operators into them.
 */
const main = `
<p id="who"></p>
${stepUp}
<div id="own" hidden>
<section aria-labelledby="sessions-title">
<h2 id="sessions-title" tabindex="-1">Where you are signed in</h2>
<p>End what you do not know. Whoever was in it is out with their next request.</p>
<ul id="sessions" class="lesser"></ul>
<form id="end-others" class="lesser"><button type="submit">End all but this one</button></form>
</section>
<section aria-labelledby="linked-title">
<h2 id="linked-title" tabindex="-1">Linked accounts</h2>
<p id="linked-words"></p>
<ul id="linked" class="lesser"></ul>
</section>
<section aria-labelledby="factors-title">
<h2 id="factors-title" tabindex="-1">Second factors</h2>
<p><a href="/auth/factors">Your passkeys, authenticator app and recovery codes</a></p>
</section>
<section aria-labelledby="orgs-title">
<h2 id="orgs-title" tabindex="-1">Your organisations</h2>
<p id="orgs-words"></p>
<ul id="orgs" class="lesser"></ul>
</section>
<section id="support" hidden aria-labelledby="support-title">
<h2 id="support-title" tabindex="-1">Access of support</h2>
<p id="support-words"></p>
<ul id="grants" class="lesser"></ul>
</section>
<section aria-labelledby="name-title">
<h2 id="name-title" tabindex="-1">Your name</h2>
<form id="save-name" class="lesser">
<label for="own-name">Your name, as others in your organisations see it</label>
<input id="own-name" name="name" type="text" autocomplete="name" maxlength="100">
<button type="submit">Save the name</button>
</form>
</section>
<form id="sign-out" class="lesser"><button type="submit">Sign out</button></form>
</div>
${messagesOf(path)}
`;

const lists = String.raw`
let session;
const minute = (at) => new Date(at).toLocaleString("en", { dateStyle: "medium", timeStyle: "short" });
const providers = { google: "Google", microsoft: "Microsoft" };
const methods = { link: "a mailed link", passkey: "a passkey", ...providers };
function sessionItem(one) {
  const from = one.country === null ? "" : ", from " + one.country;
  const waits = one.status === "second_factor_due" ? ", waits for its second factor" : "";
  const words = (one.current ? " (this one)" : "") + from + ", since " + minute(one.created_at) + " by " + (methods[one.method] || one.method) + ", last used " + minute(one.last_seen_at) + waits;
  return itemOf(one.device, words, ...(one.current ? [] : [buttonOf("End", "End the session of " + one.device + " since " + minute(one.created_at), () => endSession(one))]));
}
function identityItem(one) {
  const title = providers[one.provider];
  const words = ", since " + day(one.created_at) + ", last used " + day(one.last_used_at);
  return itemOf(title, words, buttonOf("Remove", "Remove the " + title + " account of " + day(one.created_at), () => removeIdentity(one)));
}
function grantItem(org, one) {
  const who = one.operator_name === null ? one.operator_email : one.operator_name + " (" + one.operator_email + ")";
  const words = ": " + who + " as " + one.role + ", until " + minute(one.expires_at) + ", after " + one.requests + (one.requests === 1 ? " request" : " requests") + ". The reason given: “" + one.reason + "”";
  return itemOf(org.name, words, buttonOf("End", "End the access of " + who + " to " + org.name, () => endGrant(org, one)));
}
async function allOf(path) {
  const found = [];
  for (let cursor = null, isLast = false; !isLast; ) {
    const page = await ask("GET", path + "?limit=100" + (cursor === null ? "" : "&cursor=" + encodeURIComponent(cursor)));
    found.push(...page.data);
    cursor = page.next_cursor;
    isLast = !page.has_more;
  }
  return found;
}
const grantLongestMs = 8 * 3600 * 1000;
// Newest first, and none is open for longer than eight hours: what is so much older than the newest has ended.
async function openGrants(org) {
  const found = [];
  let newest = null;
  for (let cursor = null, isLast = false; !isLast; ) {
    const page = await ask("GET", "/v1/support_grants?limit=100" + (cursor === null ? "" : "&cursor=" + encodeURIComponent(cursor)), undefined, { "dialgate-org": org.id });
    found.push(...page.data.filter((one) => one.status === "open").map((one) => ({ org, one })));
    cursor = page.next_cursor;
    newest ??= page.data[0];
    isLast = !page.has_more || Date.parse(page.data.at(-1).created_at) < Date.parse(newest.created_at) - grantLongestMs;
  }
  return found;
}
const orgsMax = 50;
async function loadGrants(organisations) {
  const kept = organisations.filter((org) => org.operations.includes("support_grants.end"));
  const open = [];
  for (const org of kept.slice(0, orgsMax)) {
    try {
      open.push(...(await openGrants(org)));
    } catch (refusal) {
      // Whoever was removed from it meanwhile keeps it no more.
      if (refusal.status !== 404) throw refusal;
    }
  }
  const rest = kept.length > orgsMax ? " Of your organisations the first " + orgsMax + " were looked at." : "";
  show("support", kept.length > 0);
  say("support-words", (open.length === 0 ? "Nobody of support can act in an organisation of yours." : "These people of support can act in organisations of yours. Ending it holds at once.") + rest);
  part("grants").replaceChildren(...open.map(({ org, one }) => grantItem(org, one)));
}
async function load() {
  const me = await ask("GET", "/v1/me");
  if (me.session.status !== "open") throw { code: "second_factor_due" };
  session = me.session.id;
  const [sessions, identities, factors] = await Promise.all([allOf("/v1/sessions"), allOf("/v1/me/identities"), ask("GET", "/v1/me/second_factors")]);
  say("who", "Signed in as " + me.user.email + ".");
  part("own-name").value = me.user.name || "";
  part("sessions").replaceChildren(...sessions.map(sessionItem));
  show("end-others", sessions.length > 1);
  say("linked-words", identities.length === 0 ? "No account at Google or Microsoft signs you in." : "These accounts sign you in without a mail.");
  part("linked").replaceChildren(...identities.map(identityItem));
  offerFactors(factors);
  say("orgs-words", me.organisations.length === 0 ? "You are a member of none. An owner or admin of one invites you by mail." : "An owner or admin changes your role or removes you.");
  part("orgs").replaceChildren(...me.organisations.map(({ name, role, livemode }) => itemOf(name, ", as " + role + (livemode ? "" : " (a test organisation)"))));
  await loadGrants(me.organisations);
  show("own", true);
}
`;

const changes = String.raw`
function endSession({ id, device }) {
  alone(own(async () => {
    await ask("DELETE", "/v1/sessions/" + id);
    await load();
    tell("The session of " + device + " has ended.", "sessions-title");
  }));
}
onSubmit("end-others", own(async () => {
  await ask("DELETE", "/v1/sessions");
  await load();
  tell("All other sessions have ended.", "sessions-title");
}));
function removeIdentity({ id, provider }) {
  const title = providers[provider];
  if (!confirm("Remove the " + title + " account? It signs you in no more, and the sessions that it began end.")) return;
  alone(own(async () => {
    await ask("DELETE", "/v1/me/identities/" + id);
    await load();
    tell("The " + title + " account is removed.", "linked-title");
  }));
}
function endGrant(org, { id }) {
  alone(own(async () => {
    await ask("DELETE", "/v1/support_grants/" + id, undefined, { "dialgate-org": org.id });
    await load();
    tell("The access to " + org.name + " has ended.", "support-title");
  }));
}
onSubmit("save-name", own(async () => {
  const name = part("own-name").value.trim();
  await ask("PATCH", "/v1/me", { name: name === "" ? null : name });
  await load();
  say("done", "The name is saved.");
}));
onSubmit("sign-out", own(() => signOut(session)));
alone(own(load));
`;

const script = `${ownScriptOf(path)}${lists}${changes}`;

export const accountPage = pageOf("Your account", main, script);
