/** What whoever lost the answer of a DELETE is told by the next one, as docs/api.md says it. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createApp } from "../../src/http/app.ts";
import { publicId } from "../../src/lib/ids.ts";
import { signerOf } from "../support/tokens.ts";
import { totpCodeAt } from "../support/totp.ts";
import { makeSession } from "../support/users.ts";
import { newId } from "../support/world.ts";
import { type Api, openApi, realNow } from "./api.ts";
import { signIn, type SignedIn } from "./signed-in.ts";
import { retellConnection } from "./voice-signature.ts";

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api?.close());

const idOf = async (answer: ReturnType<SignedIn["send"]>): Promise<string> => {
  const { json, text } = await answer;
  if (json?.id === undefined) throw new Error(text);
  return json.id as string;
};
async function grantOf(orgId: string, operatorId: string): Promise<string> {
  const id = newId();
  await api.db.admin("insert into operators (user_id, since, note) values ($1, $2, 'test')", [operatorId, realNow]);
  await api.db.admin(
    `insert into support_grants (org_id, id, operator_id, role, reason, created_at, expires_at)
       values ($1, $2, $3, 'viewer', 'Ticket 1', $4, $4::timestamptz + interval '1 hour')`,
    [orgId, id, operatorId, realNow],
  );
  return publicId("supportGrant", id);
}

interface Arranged {
  /** What stays is answered as it stands, what goes is not found again; all of them are none, and the last factor is lacking. */
  readonly later: "stays" | "goes" | "none" | "lacking";
  /** Its id, where it has one. */
  readonly make: (by: SignedIn, orgId: string) => Promise<string>;
}
const issuer = { name: "I", issuer: "https://crm.acme-solar.com", alg: "HS256", scopes: ["leads:read"], subjects: ["svc"] };
const arranged: Record<string, Arranged> = {
  "/v1/api_keys/{id}": { later: "stays", make: (by) => idOf(by.send("POST", "/v1/api_keys", { name: "K", scopes: ["leads:read"] })) },
  "/v1/token_issuers/{id}": { later: "stays", make: (by) => idOf(by.send("POST", "/v1/token_issuers", { ...issuer, secret: signerOf("HS256").secret })) },
  "/v1/invitations/{id}": { later: "stays", make: (by) => idOf(by.send("POST", "/v1/invitations", { email: "mae@people.test", role: "viewer" })) },
  "/v1/support_grants/{id}": { later: "stays", make: async (_, orgId) => grantOf(orgId, (await signIn(api)).userId) },
  "/v1/me/support_grants/{id}": { later: "stays", make: (by, orgId) => grantOf(orgId, by.userId) },
  "/v1/connections/{id}": { later: "goes", make: (by) => idOf(by.send("POST", "/v1/connections", retellConnection)) },
  "/v1/members/{id}": { later: "goes", make: async (_, orgId) => (await signIn(api, { orgId, role: "viewer" })).id },
  "/v1/sessions/{id}": { later: "goes", make: async (by) => publicId("session", (await makeSession(api.db, api.deps.hashApiKey, by.userId, realNow)).id) },
  "/v1/me/identities/{id}": {
    later: "goes",
    make: async ({ userId }) => {
      const id = newId();
      await api.db.admin(
        `insert into oidc_identities (id, provider, issuer, subject, user_id, created_at, last_used_at)
           values ($1, 'google', 'https://accounts.google.com', $1::uuid::text, $2, $3, $3)`,
        [id, userId, realNow],
      );
      return publicId("identity", id);
    },
  },
  "/v1/me/passkeys/{id}": {
    later: "goes",
    make: async ({ userId }) => {
      const ids = [newId(), newId()];
      await api.db.admin(
        `insert into passkeys (id, user_id, credential_id, public_key, counter, transports, name, backup_eligible, backed_up, created_at)
           select i, $2, decode(md5(i::text), 'hex'), decode(repeat('00', 64), 'hex'), 0, '{}', 'Laptop', false, false, $3 from unnest($1::uuid[]) i`,
        [ids, userId, realNow],
      );
      return publicId("passkey", ids[0] ?? "");
    },
  },
  "/v1/me/totp": {
    later: "lacking",
    make: async (by) => {
      const { base32 } = (await by.send("POST", "/v1/me/totp")).json.secret;
      await by.send("POST", "/v1/me/totp/confirm", { code: totpCodeAt(base32, realNow) });
      return "";
    },
  },
  "/v1/sessions": { later: "none", make: async (by) => ((await makeSession(api.db, api.deps.hashApiKey, by.userId, realNow)), "") },
}; // prettier-ignore

test("every DELETE of the document is here", () => {
  const document = createApp().getOpenAPI31Document({ openapi: "3.1.0", info: { title: "", version: "" } });
  const deletes = Object.entries(document.paths ?? {}).filter(([, methods]) => "delete" in (methods as object));
  expect(deletes.map(([path]) => path).toSorted()).toEqual(Object.keys(arranged).toSorted());
});

test.each(Object.keys(arranged))("DELETE %s, repeated, does nothing more and says so", async (path) => {
  const { later, make } = arranged[path] as Arranged;
  const { orgId } = await api.seed();
  const owner = await signIn(api, { orgId, role: "owner" });
  const at = path.replace("{id}", await make(owner, orgId));
  // Making a factor gives its session another cookie.
  const { headers } = await makeSession(api.db, api.deps.hashApiKey, owner.userId, realNow, { org: orgId });
  const entries = async () => Number((await api.db.admin("select count(*) as n from audit.entry")).rows[0]?.["n"]);
  const asked = () => api.send("DELETE", at, { headers });
  const first = await asked();
  expect([200, 204], first.text).toContain(first.status);
  const before = await entries();
  const again = await asked();
  if (later === "stays") expect([again.status, again.text]).toEqual([200, first.text]);
  if (later === "goes") expect([again.status, again.json?.code]).toEqual([404, "not_found"]);
  if (later === "none") expect([first.json.data.length, again.status, again.json.data]).toEqual([2, 200, []]);
  if (later === "lacking") expect([again.status, again.json?.code]).toEqual([403, "second_factor_missing"]);
  expect(await entries()).toBe(before);
});
