/** Every change says on the chain what it changed, and from what to what, as the API spells it. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { auditEvents } from "../../src/lib/audit-events.ts";
import { makeMember, makePerson, makeSession } from "../support/users.ts";
import { publicId } from "../../src/lib/ids.ts";
import { signerOf } from "../support/tokens.ts";
import { realNow } from "./api.ts";
import { openTokenGround, registered, type TokenGround } from "./token-ground.ts";

let ground: TokenGround;
beforeAll(async () => {
  ground = await openTokenGround();
});
afterAll(() => ground.close());

type Fields = Record<string, unknown>;
interface Change {
  /** Of what the path names. */
  readonly id: () => Promise<string>;
  /** Two changes, one after the other: the second comes from what the first left. */
  readonly changes: readonly [Fields, Fields];
  readonly type: string;
  /** Beside what was sent: what came of it. */
  readonly also?: readonly string[];
  /** What it is now, where no GET of the same path says it. */
  readonly shown?: () => Promise<Fields>;
  /** Whose values stand nowhere on the chain. */
  readonly untold?: readonly string[];
}
async function made(path: string, body: Fields): Promise<string> {
  const answer = await ground.org.post(path, body);
  expect(answer.status, answer.text).toBe(201);
  return answer.json.id;
}
const connection = (name: string) =>
  made("/v1/connections", { vendor: "retell", name, credential: { api_key: "audit-changes" }, config: { agent_id: "a", from_number: "+12085550100" } }); // prettier-ignore
const seller = () => made("/v1/sellers", { registered_name: "Acme Solar LLC" });

/** Each operation that changes by PATCH. */
const changed: Readonly<Record<string, Change>> = {
  "campaigns.update": {
    id: async () =>
      made("/v1/campaigns", { name: "c", purpose: "marketing", seller_id: await seller(), connection_id: await connection("one") }), // prettier-ignore
    changes: [{ max_concurrency: 3 }, { max_concurrency: 4 }],
    type: "campaign.updated",
  },
  "connections.update": {
    id: () => connection("two"),
    changes: [{ max_concurrency: 3, calls_per_second: 2 }, { calls_per_second: 1 }],
    type: "connection.updated",
  },
  "leads.correct": {
    id: () => made("/v1/leads", { phone: "+12122300009", state: "NY" }),
    changes: [{ first_name: "Dana", state: "NJ" }, { last_name: "Reyes" }],
    type: "lead.corrected",
    untold: ["Dana", "Reyes", "NJ"],
  },
  "members.update": {
    id: async () => {
      const { userId } = await makePerson(ground.api.db);
      await makeMember(ground.api.db, ground.org.orgId, userId, "viewer");
      return publicId("user", userId);
    },
    changes: [{ role: "member" }, { role: "admin" }],
    type: "member.role_changed",
  },
  "orgs.update": {
    id: async () => publicId("org", ground.org.orgId),
    changes: [{ name: "Acme Sun" }, { name: "Acme Solar" }],
    type: "org.updated",
    shown: async () =>
      (await ground.api.db.admin("select name from orgs where org_id = $1", [ground.org.orgId])).rows[0] as Fields,
  },
  "policy.update": {
    id: async () => publicId("org", ground.org.orgId),
    changes: [
      { written_consent_over_national: true, caps: [{ max: 3, window_hours: 24 }], added_lists: ["state:FL"], attempts_max: 4 },
      { consent_max_age_days: 90, grade_floor: "B", attempts_max: 5, keep_transcripts: false },
    ],
    type: "policy.updated",
  },
  "sellers.update": {
    id: seller,
    changes: [
      { trade_names: ["Acme Sun"], san: "12345678-123456" },
      { trade_names: [], do_not_call_number: "+12085550177" },
    ],
    type: "seller.updated",
  },
  "token_issuers.update": {
    id: async () => (await registered(ground.org, signerOf("EdDSA"))).id,
    changes: [
      {
        name: "Own",
        scopes: ["leads:read"],
        subjects: ["one"],
        not_before: "2026-11-20T08:00:00Z",
        issuer: "https://one.example",
      },
      { subjects: null, not_before: null, public_key: signerOf("EdDSA").jwk },
    ],
    type: "token_issuer.updated",
    also: ["sponsor_id"],
  },
};

/** What a person changes of themselves: what they call themselves and their devices stands on no chain. */
const ofOneself = ["me.update", "passkeys.update"];

test("each PATCH leaves the names and, but for people's data, the values before and after on the chain", async () => {
  const { paths } = (await ground.api.send("GET", "/openapi.json")).json as {
    paths: Record<string, Record<string, { operationId: string }>>;
  };
  const patches = Object.entries(paths).flatMap(([path, { patch }]) => (patch === undefined ? [] : [[patch.operationId, path]]));
  expect([...Object.keys(changed), ...ofOneself].toSorted()).toEqual(patches.map(([id]) => id).toSorted());
  const { userId } = await makePerson(ground.api.db);
  await makeMember(ground.api.db, ground.org.orgId, userId, "owner");
  const session = await makeSession(ground.api.db, ground.api.deps.hashApiKey, userId, realNow, { factor: true, org: ground.org.orgId }); // prettier-ignore
  for (const [operation = "", path] of patches) {
    if (ofOneself.includes(operation)) continue;
    const { id: make, changes, type, also = [], untold = [], shown: stated } = changed[operation] as Change;
    const id = await make();
    const at = (path as string).replace("{id}", id);
    const shown = stated ?? (async () => (await ground.api.send("GET", at, { headers: { ...session.headers } })).json as Fields);
    for (const change of changes) {
      const before = await shown();
      const done = await ground.api.send("PATCH", at, { headers: { ...session.headers }, body: change });
      expect(done.status, `${operation}: ${done.text}`).toBe(200);
      const after = await shown();
      const { data } = (await ground.org.get(`/v1/audit?subject=${id}&type=${type}&limit=100`)).json;
      const text = data.at(-1).facts as string;
      const facts = JSON.parse(text) as Fields;
      if (type === "member.role_changed") {
        expect(facts).toMatchObject({ from: before["role"], to: after["role"] });
        continue;
      }
      const names = (facts["changed"] as string[]).filter((name) => !also.includes(name));
      expect(names, operation).toEqual(Object.keys(change).toSorted());
      for (const value of untold) expect(text).not.toContain(value);
      if (untold.length > 0) continue;
      for (const name of names) {
        expect((facts["from"] as Fields)[name], `${operation} ${name}`).toEqual(before[name]);
        expect((facts["to"] as Fields)[name], `${operation} ${name}`).toEqual(after[name]);
      }
    }
  }
});

test("a secret is named alone, another source of keys with both, and who answers from then on", async () => {
  const { org, api } = ground;
  const { id, signer } = await registered(org, signerOf("HS256"));
  const next = signerOf("HS256").secret as string;
  const { userId } = await makePerson(api.db);
  await makeMember(api.db, org.orgId, userId, "owner");
  const { headers } = await makeSession(api.db, api.deps.hashApiKey, userId, realNow, { factor: true, org: org.orgId });
  const patched = await api.send("PATCH", `/v1/token_issuers/${id}`, { headers: { ...headers }, body: { secret: next } });
  expect(patched.status, patched.text).toBe(200);
  const entry = (await org.get(`/v1/audit?subject=${id}&type=token_issuer.updated`)).json.data.at(-1);
  const user = publicId("user", userId);
  expect(JSON.parse(entry.facts)).toMatchObject({
    changed: ["secret", "sponsor_id"],
    from: { sponsor_id: null },
    to: { sponsor_id: user },
  });
  for (const secret of [next, signer.secret as string]) expect(entry.facts).not.toContain(secret);

  const rsa = await registered(org, signerOf("RS256"));
  const moving = await org.patch(`/v1/token_issuers/${rsa.id}`, { jwks_url: ground.identityProvider.url, subjects: null });
  expect(moving.status, moving.text).toBe(200);
  const moved = JSON.parse((await org.get(`/v1/audit?subject=${rsa.id}&type=token_issuer.updated`)).json.data.at(-1).facts);
  expect(moved).toMatchObject({
    changed: ["jwks_url", "public_key", "subjects"],
    from: { jwks_url: null, public_key: rsa.signer.jwk },
    to: { jwks_url: ground.identityProvider.url, public_key: null },
  });
});

test("no type of a change is without the two", () => {
  const updates = Object.entries(auditEvents).filter(
    ([type]) => /\.(updated|role_changed|corrected)$/.test(type) && type !== "user.updated",
  );
  expect(updates.map(([type]) => type).toSorted()).toEqual(Object.values(changed).map(({ type }) => type).toSorted()); // prettier-ignore
  for (const [type, { facts }] of updates)
    if (type !== "lead.corrected") expect(facts, type).toEqual(expect.arrayContaining(["from", "to"]));
});
