/** A request that is held at one of its statements while another one runs: on a real Postgres, whose transactions meet. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Statement, Transport } from "../../src/db/transport.ts";
import { signerOf } from "../support/tokens.ts";
import { openTestDatabase } from "../support/database.ts";
import { makeMember } from "../support/users.ts";
import { type Api, openApi } from "./api.ts";
import { chainOf, signIn, type SignedIn } from "./signed-in.ts";

type Answer = Awaited<ReturnType<Api["send"]>>;
let api: Api;
/** The next transaction that is answered such a statement waits until `meanwhile` is over. */
let hold: { readonly after: (statement: Statement) => boolean; readonly meanwhile: () => Promise<unknown> } | null = null;
const held = (inner: Transport): Transport => ({
  batch: (statements) => inner.batch(statements),
  transaction: (work) =>
    inner.transaction((run) =>
      work(async (statement) => {
        const answer = await run(statement);
        const now = hold?.after(statement) === true ? hold : null;
        if (now !== null) {
          hold = null;
          await now.meanwhile();
        }
        return answer;
      }),
    ),
});
beforeAll(async () => {
  api = await openApi({}, undefined, held, await openTestDatabase({ postgres: true }));
});
afterAll(() => api?.close());

const bound = ({ name }: Statement) => name.startsWith("app.bind_");
/** Until somebody waits for a lock, or three seconds have passed: then nobody does. */
async function untilOneWaits(): Promise<boolean> {
  for (let tries = 0; tries < 60; tries += 1) {
    const { rows } = await api.db.admin(
      "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    );
    if (rows.length > 0) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}
/** Both answers, of one that is held there and of another that begins meanwhile and is over before, if nothing keeps it. */
async function whileHeld(after: (statement: Statement) => boolean, one: () => Promise<Answer>, other: () => Promise<Answer>) {
  let begun: Promise<Answer> | undefined;
  let waited = false;
  hold = {
    after,
    meanwhile: async () => {
      begun = other();
      waited = await Promise.race([begun.then(() => false), untilOneWaits()]);
    },
  };
  const first = await one();
  if (begun === undefined) throw new Error(`it never came to the statement: ${first.text}`);
  return { first, second: await begun, waited };
}

const issuerBody = (scopes: readonly string[]) => {
  const { secret } = signerOf("HS256");
  return { name: "I", issuer: "https://crm.acme-solar.com", alg: "HS256", scopes, secret, subjects: ["svc"] };
};
const made = (answer: Answer) => {
  if (answer.status !== 201) throw new Error(answer.text);
  return answer.json as { id: string; secret: string };
};
async function house() {
  const { orgId } = await api.seed();
  const owner = await signIn(api, { orgId, role: "owner" });
  const admin = await signIn(api, { orgId, role: "admin" });
  const key = made(await owner.send("POST", "/v1/api_keys", { name: "old", scopes: ["leads:read"] }));
  const issuer = made(await owner.send("POST", "/v1/token_issuers", issuerBody(["leads:read"])));
  return { orgId, owner, admin, key, issuer };
}
type House = Awaited<ReturnType<typeof house>>;
const acts: [string, (by: SignedIn, at: House) => Promise<Answer>][] = [
  ["makes a key", (by) => by.send("POST", "/v1/api_keys", { name: "raced", scopes: ["leads:read"] })],
  ["rotates a key", (by, { key }) => by.send("POST", `/v1/api_keys/${key.id}/rotate`, {})],
  ["registers an issuer", (by) => by.send("POST", "/v1/token_issuers", issuerBody(["leads:read"]))],
  ["gives an issuer its key", (by, { issuer }) => by.send("PATCH", `/v1/token_issuers/${issuer.id}`, { secret: signerOf("HS256").secret })],
  ["names an issuer", (by, { issuer }) => by.send("PATCH", `/v1/token_issuers/${issuer.id}`, { name: "Mine" })],
]; // prettier-ignore

test("a halt by a key waits for nobody who rotates that key, and nobody for it", async () => {
  const at = await house();
  const { id, secret } = made(await at.owner.send("POST", "/v1/api_keys", { name: "K", scopes: ["halts:write", "leads:read"] }));
  const { first, second, waited } = await whileHeld(
    bound,
    () => api.send("POST", "/v1/halts", { key: secret, body: { reason: "org_halted", note: "stop" } }),
    () => at.owner.send("POST", `/v1/api_keys/${id}/rotate`, { overlap_seconds: 60 }),
  );
  expect([first.status, second.status, waited], `${first.text} ${second.text}`).toEqual([201, 201, false]);
  expect(api.faults).toEqual([]);
});

test("of the same Idempotency-Key by a key and by its successor, at once, one acts: their transactions meet", async () => {
  const org = await api.seed();
  const { machine } = (await org.get("/v1/me")).json;
  const { secret } = made(await org.post(`/v1/api_keys/${machine.id}/rotate`, { overlap_seconds: 3_600 }));
  const rounds = 20;
  for (let round = 0; round < rounds; round += 1) {
    const headers = { "idempotency-key": `round-${round}` };
    const body = { registered_name: `Seller ${round}` };
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, at) =>
        api.send("POST", "/v1/sellers", { key: at % 2 === 0 ? org.apiKey : secret, body, headers }),
      ),
    );
    const acted = answers.filter((answer) => answer.status === 201 && !answer.headers.has("idempotent-replayed"));
    expect(acted.length, answers.map(({ text }) => text).join()).toBe(1);
  }
  const { rows } = await api.db.admin("select count(*)::int as n from sellers where org_id = $1", [org.orgId]);
  expect(rows).toEqual([{ n: rounds }]);
});

describe("a member who is removed while they act", () => {
  test.each(acts)("and %s after it: refused, and nothing is left of theirs", async (what, act) => {
    const at = await house();
    const { first, second } = await whileHeld(
      bound,
      () => act(at.admin, at),
      () => at.owner.send("DELETE", `/v1/members/${at.admin.id}`),
    );
    expect(second.status, second.text).toBe(200);
    // No scope stands in a rename: what was given of it changed beneath it, and asked anew it is told why.
    const code = what === "names an issuer" ? "changed_meanwhile" : "scope_not_held";
    expect([first.status < 500, first.json.errors?.[0].code], first.text).toEqual([true, code]);
    const { rows } = await api.db.admin(
      "select 1 from api_keys where sponsor_id = $1 union all select 1 from token_issuers where sponsor_id = $1",
      [at.admin.userId],
    );
    expect(rows).toEqual([]);
    expect((await chainOf(api, at.orgId)).at(-1)?.type).toBe("member.removed");
    expect(api.faults).toEqual([]);
  });

  test.each(acts.slice(0, 4))("and %s before it: the removal waits, and ends that too", async (_, act) => {
    const at = await house();
    const { first, second, waited } = await whileHeld(
      ({ name }) => name === "members.by_id",
      () => act(at.admin, at),
      () => at.owner.send("DELETE", `/v1/members/${at.admin.id}`),
    );
    expect([first.status < 300, second.status, waited], first.text).toEqual([true, 200, true]);
    expect(second.json.credentials).toMatchObject([{ id: first.json.id, effect: "ended" }]);
    await makeMember(api.db, at.orgId, at.admin.userId, "admin");
    const { rows } = await api.db.admin(
      "select revoked_at from api_keys where sponsor_id = $1 union all select revoked_at from token_issuers where sponsor_id = $1",
      [at.admin.userId],
    );
    expect(rows).toEqual([{ revoked_at: expect.anything() }]);
    expect(api.faults).toEqual([]);
  });

  test("one who is only demoted meanwhile may no more, either", async () => {
    const at = await house();
    const { first, second } = await whileHeld(
      bound,
      () => at.admin.send("POST", "/v1/api_keys", { name: "raced", scopes: ["leads:read"] }),
      () => at.owner.send("PATCH", `/v1/members/${at.admin.id}`, { role: "viewer" }),
    );
    expect([first.json.errors?.[0].code, second.status]).toEqual(["scope_not_held", 200]);
  });
});

describe("a key that is reported as leaked while it makes another", () => {
  async function reported(after: (statement: Statement) => boolean) {
    const { orgId } = await api.seed();
    const owner = await signIn(api, { orgId, role: "owner" });
    const leaked = made(await owner.send("POST", "/v1/api_keys", { name: "l", scopes: ["api_keys:write", "leads:read"] }));
    const done = await whileHeld(
      after,
      () => api.send("POST", "/v1/api_keys", { key: leaked.secret, body: { name: "raced", scopes: ["leads:read"] } }),
      () => api.send("POST", "/leaked_keys", { body: [{ token: leaked.secret }] }),
    );
    const { rows } = await api.db.admin("select name from api_keys where org_id = $1 and revoked_at is null", [orgId]);
    return { ...done, left: rows.map(({ name }) => name).filter((name) => name === "l" || name === "raced") };
  }

  test("makes none after the report", async () => {
    const { first, second, left } = await reported(bound);
    expect([first.json.errors?.[0].code, second.status, left]).toEqual(["scope_not_held", 200, []]);
  });

  test("makes one before it: the report waits, and revokes that too", async () => {
    const { first, second, waited, left } = await reported(({ name }) => name === "members.by_id");
    expect([first.status, second.status, waited, left], first.text).toEqual([201, 200, true, []]);
  });
});

const keysToThe = `insert into api_keys (org_id, id, name, secret_hash, scopes, created_at)
  select $1, gen_random_uuid(), 'Of many', decode(md5(g::text) || md5(g::text), 'hex'), '{leads:read}', '2026-11-20T09:00:00Z'
  from generate_series(1, $2 - (select count(*) from api_keys where org_id = $1)) g`;
const issuersToThe = `insert into token_issuers (org_id, id, name, issuer, alg, jwks_url, scopes, created_at)
  select $1, gen_random_uuid(), 'Of many', 'https://many.test', 'EdDSA', 'https://many.test/keys', '{leads:read}', '2026-11-20T09:00:00Z'
  from generate_series(1, $2 - (select count(*) from token_issuers where org_id = $1)) g`;
test.each([
  ["made", keysToThe, 999, "credentials.keys_reach", (by: SignedIn) => by.send("POST", "/v1/api_keys", { name: "raced", scopes: ["leads:read"] })],
  ["rotated", keysToThe, 1_999, "credentials.keys_reach", (by: SignedIn, id: string) => by.send("POST", `/v1/api_keys/${id}/rotate`, {})],
  ["registered", issuersToThe, 999, "credentials.issuers_reach", (by: SignedIn) => by.send("POST", "/v1/token_issuers", issuerBody(["leads:read"]))],
] as const)("of two that are %s at once where there may be one more, one is", async (_, fill, count, asked, act) => {
  const { orgId, owner, key } = await house();
  const other = made(await owner.send("POST", "/v1/api_keys", { name: "other", scopes: ["leads:read"] }));
  await api.db.admin(fill, [orgId, count]);
  const { first, second, waited } = await whileHeld(({ name }) => name === asked, () => act(owner, key.id), () => act(owner, other.id));
  expect([first.status, second.json.errors?.[0].code, waited], first.text).toEqual([201, "too_many", true]);
}); // prettier-ignore

describe("what changes a credential of theirs and what ends it take their locks in one order", () => {
  const judged = ({ name }: Statement) => name === "members.by_id";
  const own = async (at: House) => ({
    key: made(await at.admin.send("POST", "/v1/api_keys", { name: "own", scopes: ["api_keys:write", "leads:read"] })),
    issuer: made(await at.admin.send("POST", "/v1/token_issuers", issuerBody(["leads:read"]))),
  });

  test.each(["rotates a key", "gives an issuer its key"])("a member who %s of their own is removed after it", async (what) => {
    const at = await house();
    const act = acts.find(([name]) => name === what)?.[1];
    const theirs = { ...at, ...(await own(at)) };
    const { first, second, waited } = await whileHeld(
      judged,
      async () => (await act?.(at.admin, theirs)) as Answer,
      () => at.owner.send("DELETE", `/v1/members/${at.admin.id}`),
    );
    expect([first.status < 300, second.status, waited], `${first.text} ${second.text}`).toEqual([true, 200, true]);
    const { rows } = await api.db.admin(
      "select 1 from api_keys where sponsor_id = $1 and revoked_at is null union all select 1 from token_issuers where sponsor_id = $1 and revoked_at is null",
      [at.admin.userId],
    );
    expect([rows, api.faults]).toEqual([[], []]);
  });

  test("a key that rotates itself is reported as leaked after it, and its successor ends with it", async () => {
    const at = await house();
    const { key } = await own(at);
    const { first, second, waited } = await whileHeld(
      judged,
      () => api.send("POST", `/v1/api_keys/${key.id}/rotate`, { key: key.secret, body: {} }),
      () => api.send("POST", "/leaked_keys", { body: [{ token: key.secret }] }),
    );
    expect([first.status, second.status, waited], `${first.text} ${second.text}`).toEqual([201, 200, true]);
    const { rows } = await api.db.admin("select name from api_keys where org_id = $1 and name = 'own' and revoked_at is null", [
      at.orgId,
    ]);
    expect([rows, api.faults]).toEqual([[], []]);
  });
});

describe("an issuer's scopes that are taken while a key writes them", () => {
  const both = ["leads:read", "sellers:read"];
  async function narrowed(after: (statement: Statement) => boolean) {
    const { orgId } = await api.seed();
    const owner = await signIn(api, { orgId, role: "owner" });
    const issuer = made(await owner.send("POST", "/v1/token_issuers", issuerBody(both)));
    const weak = made(await owner.send("POST", "/v1/api_keys", { name: "w", scopes: ["token_issuers:write", "sellers:read"] }));
    const path = `/v1/token_issuers/${issuer.id}`;
    const done = await whileHeld(
      after,
      () => api.send("PATCH", path, { key: weak.secret, body: { scopes: both } }),
      () => owner.send("PATCH", path, { scopes: ["sellers:read"] }),
    );
    return { ...done, scopes: (await owner.send("GET", path)).json.scopes };
  }

  test("are not put back by one that does not hold them", async () => {
    const { first, second, scopes } = await narrowed(bound);
    expect([first.json.errors?.[0].code, second.status, scopes]).toEqual(["scope_not_held", 200, ["sellers:read"]]);
  });

  test("are taken after it, where it judged first: the other waits", async () => {
    const judged = ({ text }: Statement) => text.includes('from "token_issuers"');
    const { first, second, waited, scopes } = await narrowed(judged);
    expect([first.status, second.status, waited, scopes]).toEqual([200, 200, true, ["sellers:read"]]);
  });
});

test("a person's last two organisations, made at once: the second is counted after the first", async () => {
  const person = await signIn(api);
  const make = (name: string) => person.send("POST", "/v1/orgs", { name });
  for (let count = 0; count < 19; count += 1) expect((await make(`Org ${count}`)).status).toBe(201);
  const counted = ({ name }: Statement) => name === "door.user_orgs";
  const { first, second, waited } = await whileHeld(counted, () => make("Twentieth"), () => make("One more")); // prettier-ignore
  expect([first.status, second.status, waited]).toEqual([201, 409, true]);
  const { rows } = await api.db.admin("select count(*) as n from memberships where user_id = $1", [person.userId]);
  expect(Number(rows[0]?.["n"])).toBe(20);
});
