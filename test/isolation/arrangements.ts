/** What a request takes to be really answered, operation by operation: bodies that name the org's own rows, and a row in the state that the operation wants. */
import { noteNotSettled } from "../../src/db/queries/dispatch.ts";
import { publicId } from "../../src/lib/ids.ts";
import { retellSignature } from "../http/voice-signature.ts";
import { Authenticator } from "../support/authenticator.ts";
import { newestLink, tokenOf } from "../support/browser.ts";
import { FactorBrowser, signInPerson, type SignedInPerson } from "../support/factor-holder.ts";
import { makeSession, testOrigin } from "../support/users.ts";
import { totpCodeAt } from "../support/totp.ts";
import { newId } from "../support/world.ts";
import type { Tenants } from "./tenants.ts";

type Json = Readonly<Record<string, unknown>>;
/** In the place of what the operation's example says. Headers are all that are sent of who asks. */
export interface Arranged {
  /** What stands in the path's place for one. */
  readonly id?: string;
  readonly body?: unknown;
  readonly raw?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What stands in an example's body for rows of the document's author. */
export async function bodiesOf(t: Tenants, which: "a" | "b"): Promise<Readonly<Record<string, Json>>> {
  const org = t[which];
  const row = async (sql: string) => String((await t.house.api.db.admin(`${sql} where org_id = $1 order by id limit 1`, [org.orgId])).rows[0]?.["id"]);
  const dial = { lead_id: publicId("lead", await row("select id from leads")), campaign_id: publicId("campaign", await row("select id from campaigns")) };
  const phone = which === "a" ? "+12122340001" : "+13122340001";
  return {
    "campaigns.create": { seller_id: org.seller, connection_id: org.retell },
    "imports.create": { seller_id: org.seller },
    "decisions.dry_run": dial,
    "calls.create": dial,
    "leads.search": { phone },
    "suppressions.look_up": { phones: [phone] },
  };
} // prettier-ignore

const retell = {
  vendor: "retell",
  name: "Spare",
  config: { agent_id: "agent_2", from_number: "+12085550101" },
  credential: { api_key: "spare_key" },
};
const columns = { phone: "Phone", state: "State", consent_at: "At", consent_text: "Text" };
const attestation = { purpose: "marketing", basis: "pewc", signature: "web_form_submit", date_zone: "UTC" };

/** By operation: for one that an example and the rows of before are not enough for. */
export function arrangementsOf(
  t: Tenants,
  addKey: (orgId: string) => Promise<{ readonly id: string }>,
): Readonly<Record<string, () => Promise<Arranged>>> {
  const { a, house } = t;
  const { api } = house;
  const { admin } = api.db;
  const sqlId = async (text: string) => String((await admin(text, [a.orgId])).rows[0]?.["id"]);
  const made = async (path: string, body: unknown): Promise<string> => {
    const answer = await a.post(path, body, { "idempotency-key": newId() });
    if (answer.status !== 201) throw new Error(`${path}: ${answer.text}`);
    return answer.json.id as string;
  };
  const person = (role?: "owner" | "viewer") =>
    signInPerson(api, { at: api.deps.now(), factor: true, ...(role === undefined ? {} : { orgId: a.orgId, role }) });
  const inOrg = { "dialgate-org": publicId("org", a.orgId) };
  const headersOf = (browser: FactorBrowser) => ({
    cookie: [...browser.cookies].map(([name, value]) => `${name}=${value}`).join("; "),
    "sec-fetch-site": "same-origin",
  });
  const ok = async (asked: ReturnType<FactorBrowser["send"]>) => {
    const answer = await asked;
    if (answer.status >= 300) throw new Error(answer.text);
    return answer.json;
  };
  const withPasskey = async (): Promise<{ one: SignedInPerson; key: Authenticator; id: string }> => {
    const [one, key] = [await person(), new Authenticator(testOrigin)];
    return { one, key, id: (await ok(one.browser.addPasskey(key))).id as string };
  };
  const totp = async (one: SignedInPerson) => String((await ok(one.browser.send("POST", "/v1/me/totp"))).secret.base32);
  const withTotp = async () => {
    const one = await person();
    const secret = await totp(one);
    await ok(one.browser.send("POST", "/v1/me/totp/confirm", { code: totpCodeAt(secret, api.deps.now()) }));
    return { one, secret };
  };

  return {
    "sessions.end": async () => {
      const one = await person();
      const other = await makeSession(api.db, api.deps.hashApiKey, one.userId, api.deps.now());
      return { id: publicId("session", other.id), headers: headersOf(one.browser) };
    },
    "identities.delete": async () => {
      const [one, id] = [await person(), newId()];
      await admin(
        `insert into oidc_identities (id, provider, issuer, subject, user_id, created_at, last_used_at)
           values ($1, 'google', 'https://accounts.google.com', $1::uuid::text, $2, now(), now())`,
        [id, one.userId],
      );
      return { id: publicId("identity", id), headers: headersOf(one.browser) };
    },
    "passkeys.create": async () => {
      const one = await person();
      const credential = new Authenticator(testOrigin).create(await one.browser.creationOptions());
      return { body: { name: "Laptop", credential }, headers: headersOf(one.browser) };
    },
    "passkeys.update": async () => {
      const { one, id } = await withPasskey();
      return { id, headers: headersOf(one.browser) };
    },
    "passkeys.delete": async () => {
      const { one, id } = await withPasskey();
      return { id, headers: headersOf(one.browser) };
    },
    "second_factors.passkey": async () => {
      const { one, key } = await withPasskey();
      return { body: { credential: key.get(await one.browser.ownOptions()) }, headers: headersOf(one.browser) };
    },
    "totp.confirm": async () => {
      const one = await person();
      return { body: { code: totpCodeAt(await totp(one), api.deps.now()) }, headers: headersOf(one.browser) };
    },
    "totp.delete": async () => ({ headers: headersOf((await withTotp()).one.browser) }),
    "second_factors.totp": async () => {
      const { one, secret } = await withTotp();
      return { body: { code: totpCodeAt(secret, api.deps.now(), 1) }, headers: headersOf(one.browser) };
    },
    "second_factors.recovery_code": async () => {
      const { one } = await withTotp();
      const codes = (await ok(one.browser.send("POST", "/v1/me/recovery_codes"))).secret.recovery_codes as string[];
      return { body: { code: codes[0] }, headers: headersOf(one.browser) };
    },
    "sign_in.open": async () => {
      const [browser, email] = [new FactorBrowser(api), `${newId()}@people.test`];
      await ok(browser.send("POST", "/auth/link", { email }));
      return { body: { token: tokenOf(await newestLink(api.mailbox, email)) }, headers: headersOf(browser) };
    },
    "sign_in.passkey": async () => {
      const { key } = await withPasskey();
      const browser = new FactorBrowser(api);
      return { body: { credential: key.get(await browser.signInOptions()) }, headers: headersOf(browser) };
    },
    "errors.get": async () => ({ id: "not-found" }),
    "leaked_keys.report": async () => ({ body: [{ token: "x", type: "dialgate_api_key", url: "https://github.com/x", source: "content" }] }),
    "webhooks.voice": async () => {
      const raw = JSON.stringify({ event: "call_of_tomorrow", call: { call_id: "call_x" } });
      return { id: a.retell, raw, headers: { "x-retell-signature": retellSignature(a.keys.retell, raw, api.deps.now()) } };
    },
    "support_grants.open": async () => {
      const one = await person();
      await admin("insert into operators (user_id, since, note) values ($1, now() - interval '1 minute', 'test')", [one.userId]);
      const body = { org_id: publicId("org", a.orgId), reason: "Ticket 4711", role: "viewer", minutes: 60 };
      return { body, headers: headersOf(one.browser) };
    },
    "support_grants.end_own": async () => {
      const one = await person();
      await admin("insert into operators (user_id, since, note) values ($1, now() - interval '1 minute', 'test')", [one.userId]);
      const wanted = { org_id: publicId("org", a.orgId), reason: "Ticket 4711", role: "viewer", minutes: 60 };
      const { id } = await ok(one.browser.send("POST", "/v1/support_grants", wanted));
      return { id: id as string, headers: headersOf(one.browser) };
    },
    "invitations.accept": async () => {
      const [owner, guest] = [await person("owner"), await person()];
      await ok(owner.browser.send("POST", "/v1/invitations", { email: guest.email, role: "viewer" }, inOrg));
      const letters = (await api.mailbox.read(guest.email)).map(({ text }) => text);
      return { body: { token: /#(dgi_[\w-]{43})\n/.exec(letters.join("\n"))?.[1] }, headers: headersOf(guest.browser) };
    },
    "members.remove": async () => ({ id: publicId("user", (await person("viewer")).userId) }),
    "members.make_owner": async () => {
      const [owner, member] = [await person("owner"), await person("viewer")];
      return { id: publicId("user", member.userId), headers: { ...headersOf(owner.browser), ...inOrg } };
    },
    "api_keys.report_leaked": async () => ({ id: publicId("apiKey", (await addKey(a.orgId)).id) }),
    "api_keys.rotate": async () => ({ id: publicId("apiKey", (await addKey(a.orgId)).id) }),
    "connections.delete": async () => ({ id: await made("/v1/connections", retell) }),
    "campaigns.launch": async () => {
      const draft = { name: "Draft", seller_id: a.seller, connection_id: a.retell, purpose: "marketing" };
      return { id: await made("/v1/campaigns", draft), body: {} };
    },
    "imports.upload": async () => ({ id: await made("/v1/imports", { seller_id: a.seller, file_name: "leads.csv", columns, attestation }) }),
    "incidents.close": async () => {
      await a.org.query(noteNotSettled(await sqlId("select id from dial_attempts where org_id = $1 and state = 'unknown'"), 1));
      const open = "select id from incidents where org_id = $1 and code = 'attempt_unsettled' and closed_at is null";
      return { id: publicId("incident", await sqlId(open)) };
    },
    "stop_checks.judge": async () => ({
      id: publicId("person", await sqlId("update persons set stop_check = 'missing' where org_id = $1 and stop_check <> 'clear' returning id")),
    }),
    "test_clock.advance": async () => {
      await admin("update test_clocks set status = 'ready', target = null where org_id = $1", [a.orgId]);
      return {};
    },
  };
} // prettier-ignore
