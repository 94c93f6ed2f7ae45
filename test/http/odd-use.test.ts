import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { networkOf, clientAddress } from "../../src/http/client-address.ts";
import { publicId, uuidOf } from "../../src/lib/ids.ts";
import { secondsOf } from "../../src/lib/instant.ts";
import { mintToken, signerOf } from "../support/tokens.ts";
import { makeMember, makePerson } from "../support/users.ts";
import { type Api, type Caller, openApi, realNow } from "./api.ts";
import { signIn } from "./signed-in.ts";
import { registered } from "./token-ground.ts";

let api: Api;
let org: Caller;
/** All of the org's: an alert that reaches the first alone reaches nobody when that one is away. */
let owners: Awaited<ReturnType<typeof makePerson>>[];
beforeAll(async () => {
  api = await openApi();
  org = await api.seed();
  owners = [await makePerson(api.db), await makePerson(api.db)];
  for (const { userId } of owners) await makeMember(api.db, org.orgId, userId, "owner");
  const member = await makePerson(api.db);
  await makeMember(api.db, org.orgId, member.userId, "admin");
});
afterAll(() => api?.close());

const told = async (type: string) =>
  (
    await api.db.admin(
      "select p.subject_text as subject, p.facts_text as facts from audit.payload p join audit.entry e using (org_id, seq) where p.org_id = $1 and e.event_type = $2 order by p.seq",
      [org.orgId, type],
    )
  ).rows;
const networksOf = async (type: string) => (await told(type)).map(({ facts }) => JSON.parse(String(facts)).networks as string[]);
const from = (address: string) => org.get("/v1/campaigns", { "cf-connecting-ip": address });

describe("a key from a new network", () => {
  test("is told to the owners once, by mail and on the chain; the first network and those it knows are not", async () => {
    for (const address of ["192.0.2.10", "192.0.2.99", "192.0.2.10"]) expect((await from(address)).status).toBe(200);
    expect(await told("credential.new_network")).toEqual([]);
    const answers = await Promise.all(["198.51.100.1", "198.51.100.2", "198.51.100.3"].map(from));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    await from("198.51.100.4");
    await from("192.0.2.10");
    const entries = await told("credential.new_network");
    expect(entries).toHaveLength(1);
    expect(entries[0]?.["subject"]).toBe(publicId("apiKey", org.keyId));
    expect(JSON.parse(String(entries[0]?.["facts"]))).toMatchObject({ networks: ["198.51.100.0/24"] });
    const mails = await api.mailbox.read();
    expect(mails).toHaveLength(owners.length);
    expect(JSON.stringify(mails[0])).toContain("Acme Solar");
    // Which key, from where to the network, and what to do; no whole address, and not the key.
    const id = publicId("apiKey", org.keyId);
    for (const { email } of owners) {
      const letters = await api.mailbox.read(email);
      expect(letters).toHaveLength(1);
      for (const part of [`(${id})`, "before: 198.51.100.0/24.", `DELETE /v1/api_keys/${id}`, `POST /v1/api_keys/${id}/rotate`])
        expect(letters[0]?.text).toContain(part);
      for (const never of ["198.51.100.1", "198.51.100.2", org.apiKey]) expect(letters[0]?.text).not.toContain(never);
    }
  });

  test("is told where it is used for a change, too", async () => {
    const said = (await told("credential.new_network")).length;
    const made = await api.send("POST", "/v1/sellers", { key: org.apiKey, body: { registered_name: "Acme Solar LLC" }, headers: { "cf-connecting-ip": "198.19.1.1" } });
    expect(made.status).toBe(201);
    expect((await networksOf("credential.new_network")).slice(said)).toEqual([["198.19.1.0/24"]]);
  }); // prettier-ignore

  test("is told later when it could not be told, and is answered meanwhile", async () => {
    await api.db.admin("alter table audit.entry add constraint no_more check (event_type <> 'credential.new_network') not valid");
    expect((await from("203.0.113.7")).status).toBe(200);
    await api.db.admin("alter table audit.entry drop constraint no_more");
    expect(await told("credential.new_network")).toHaveLength(2);
    expect((await from("203.0.113.8")).status).toBe(200);
    expect(await told("credential.new_network")).toHaveLength(3);
  });

  test("is kept and told up to the thousandth: a key that is used from more is used from anywhere", async () => {
    const kept = async () =>
      Number((await api.db.admin("select count(*) as n from credential_networks where credential_id = $1", [org.keyId])).rows[0]?.["n"]);
    const said = (await told("credential.new_network")).length;
    await api.db.admin(
      `insert into credential_networks (org_id, credential_id, network, first_seen_at, told_at)
        select $1, $2, '10.' || n / 250 || '.' || n % 250 || '.0/24', now(), now() from generate_series(1, 999 - $3::integer) n`,
      [org.orgId, org.keyId, await kept()],
    );
    expect((await from("198.18.1.1")).status).toBe(200);
    expect([await kept(), (await told("credential.new_network")).length]).toEqual([1_000, said + 1]);
    expect((await from("198.18.2.1")).status).toBe(200);
    expect([await kept(), (await told("credential.new_network")).length]).toEqual([1_000, said + 1]);
  }); // prettier-ignore

  test("is the /24 or the /48 of the address, whatever its spelling, and nothing where there is none", () => {
    const network = (text: string | undefined) => networkOf(clientAddress(text));
    expect(network("203.0.113.7")).toBe("203.0.113.0/24");
    expect(network("::ffff:203.0.113.9")).toBe("203.0.113.0/24");
    expect(network("2001:db8:1:2::3")).toBe("2001:db8:1::/48");
    expect(network("2001:0DB8:0001:ffff:0:0:0:1")).toBe("2001:db8:1::/48");
    expect(network("2001:db8::1")).toBe("2001:db8::/48");
    expect(network("::1")).toBe("::/48");
    expect([network(undefined), network("nonsense")]).toEqual([null, null]);
  });
});

test("is mailed once in each hour of the clock, and stands on the chain each time", async () => {
  const key = await org.post("/v1/api_keys", { name: "Hourly", scopes: ["sellers:read"] });
  const { now } = api.deps;
  const at = async (time: string, address: string) => {
    (api.deps as { now: typeof now }).now = () => `${realNow.slice(0, 10)}T${time}Z` as typeof realNow;
    const headers = { "cf-connecting-ip": address };
    expect((await api.send("GET", "/v1/sellers", { key: key.json.secret, headers })).status).toBe(200);
    const chain = (await told("credential.new_network")).filter(({ subject }) => subject === key.json.id);
    const letters = (await api.mailbox.read(owners[0]?.email)).filter(({ text }) => text.includes(`(${key.json.id})`));
    return [chain.length, letters.length];
  };
  const counted = [
    await at("10:00:00", "192.0.2.1"),
    await at("10:00:01", "198.51.100.1"),
    await at("10:59:59", "203.0.113.1"),
    await at("11:00:00", "198.18.1.1"),
  ];
  (api.deps as { now: typeof now }).now = now;
  expect(counted).toEqual([[0, 0], [1, 1], [2, 1], [3, 2]]);
}); // prettier-ignore

describe("what is refused was used all the same", () => {
  const newNetworks = async (id: string) => (await told("credential.new_network")).filter(({ subject }) => subject === id).map(({ facts }) => JSON.parse(String(facts)).networks as string[]); // prettier-ignore
  /** A credential of few scopes, used once at home. */
  async function weak() {
    const key = await org.post("/v1/api_keys", { name: "Weak", scopes: ["sellers:read"] });
    const id = key.json.id as string;
    const ask = (method: string, path: string, address: string, more: object = {}) =>
      api.send(method, path, { key: key.json.secret as string, ...more, headers: { "cf-connecting-ip": address, ...("headers" in more ? (more.headers as object) : {}) } });
    expect((await ask("GET", "/v1/sellers", "192.0.2.1")).status).toBe(200);
    return { id, ask };
  } // prettier-ignore

  test.each([
    ["lacks the scope", 403, "GET", "/v1/leads", {}],
    ["is no person's", 403, "POST", "/v1/invitations", { body: { email: "x@people.test", role: "viewer" } }],
    ["names another org", 404, "GET", "/v1/sellers", { headers: { "dialgate-org": publicId("org", "00000000-0000-7000-8000-000000000000") } }],
    ["asks for what is not there", 404, "GET", "/v1/sellers/sel_00000000000000000000000000", {}],
    ["is malformed", 422, "GET", "/v1/sellers?limit=nonsense", {}],
  ])("by a key that %s, from a new network: told once", async (_, status, method, path, more) => {
    const { id, ask } = await weak();
    const first = await ask(method, path, "198.51.100.7", more);
    expect(first.status, first.text).toBe(status);
    expect(await newNetworks(id)).toEqual([["198.51.100.0/24"]]);
    await ask(method, path, "198.51.100.8", more);
    expect(await newNetworks(id)).toHaveLength(1);
  }); // prettier-ignore

  /** Every quota of those buckets is used up while the work is done. */
  async function withSpent(buckets: string, work: () => Promise<void>): Promise<void> {
    const { rateLimits } = api.deps;
    const spent = { take: async (...asked: Parameters<typeof rateLimits.take>) => {
      const taken = await rateLimits.take(...asked);
      return taken === null || !asked[0].startsWith(buckets) ? taken : { ...taken, allowed: false };
    } }; // prettier-ignore
    (api.deps as { rateLimits: typeof rateLimits }).rateLimits = spent;
    await work().finally(() => ((api.deps as { rateLimits: typeof rateLimits }).rateLimits = rateLimits));
  }

  test("by a key that its quota refuses", async () => {
    const { id, ask } = await weak();
    await withSpent("key:", async () => {
      for (const address of ["192.0.2.1", "198.51.100.7", "198.51.100.8"])
        expect((await ask("GET", "/v1/sellers", address)).status).toBe(429);
    });
    expect(await newNetworks(id)).toEqual([["198.51.100.0/24"]]);
  });

  test("by a key that its quota refuses while the database is away: told when it is back", async () => {
    const { id, ask } = await weak();
    await withSpent("key:", async () => {
      const { system } = api.deps;
      const away = { asApiKey: () => ({ bound: () => Promise.reject(new Error("away")), noticed: {} }) };
      (api.deps as { system: typeof system }).system = away as never;
      const meanwhile = await ask("GET", "/v1/sellers", "198.51.100.7");
      (api.deps as { system: typeof system }).system = system;
      expect(meanwhile.status).toBe(429);
      expect(await newNetworks(id)).toEqual([]);
      expect((await ask("GET", "/v1/sellers", "198.51.100.7")).status).toBe(429);
    });
    expect(await newNetworks(id)).toEqual([["198.51.100.0/24"]]);
  });

  test("by a token that its issuer's quota refuses", async () => {
    const issuer = await registered(org, signerOf("EdDSA"));
    const from = (address: string) =>
      api.send("GET", "/v1/sellers", { key: mintToken(issuer, secondsOf(realNow)), headers: { "cf-connecting-ip": address } });
    expect((await from("192.0.2.1")).status).toBe(200);
    await withSpent("issuer:", async () => {
      for (const address of ["192.0.2.1", "198.51.100.7", "198.51.100.8"]) expect((await from(address)).status).toBe(429);
    });
    expect(await newNetworks(issuer.id)).toEqual([["198.51.100.0/24"]]);
  });

  test("not by one that has ended: it is nobody's, and nothing is kept of where it came from", async () => {
    const { id, ask } = await weak();
    expect((await org.delete(`/v1/api_keys/${id}`)).status).toBe(200);
    expect((await ask("GET", "/v1/leads", "198.51.100.7")).status).toBe(401);
    expect(await newNetworks(id)).toEqual([]);
    // Nor by one for which nobody answers any more, or a token of a key that was replaced.
    const sponsor = await signIn(api, { orgId: org.orgId, role: "admin" });
    const left = (await sponsor.send("POST", "/v1/api_keys", { name: "Left", scopes: ["sellers:read"] })).json;
    const issuer = await registered(org, signerOf("EdDSA"));
    const token = mintToken(issuer, secondsOf(realNow));
    const from = async (address: string) => {
      const used = [left.secret as string, token].map((key) =>
        api.send("GET", "/v1/sellers", { key, headers: { "cf-connecting-ip": address } }),
      );
      return (await Promise.all(used)).map(({ status }) => status);
    };
    expect(await from("192.0.2.1")).toEqual([200, 200]);
    await api.db.admin("delete from memberships where user_id = $1", [sponsor.userId]);
    await org.patch(`/v1/token_issuers/${issuer.id}`, { public_key: signerOf("EdDSA").jwk });
    expect(await from("198.51.100.7")).toEqual([401, 401]);
    const ids = [uuidOf("apiKey", left.id), uuidOf("tokenIssuer", issuer.id)];
    const { rows } = await api.db.admin("select network from credential_networks where credential_id = any ($1)", [ids]);
    expect(rows).toEqual([{ network: "192.0.2.0/24" }, { network: "192.0.2.0/24" }]);
  });
});

test("a key at ten times its usual rate is told to the owners, and works on", async () => {
  const lettersOf = (of: typeof owners) => Promise.all(of.map(({ email }) => api.mailbox.read(email)));
  const before = await lettersOf(owners);
  const { rateLimits } = api.deps;
  const odd = { take: async (...asked: Parameters<typeof rateLimits.take>) => {
    const taken = await rateLimits.take(...asked);
    return taken === null ? null : { ...taken, unusual: asked[0].startsWith("key:") };
  } }; // prettier-ignore
  (api.deps as { rateLimits: typeof rateLimits }).rateLimits = odd;
  expect((await from("192.0.2.77")).status).toBe(200);
  expect((await org.get("/v1/campaigns")).status).toBe(200);
  (api.deps as { rateLimits: typeof rateLimits }).rateLimits = rateLimits;
  expect(await networksOf("credential.unusual_rate")).toEqual([["192.0.2.0/24"], []]);
  // Within an hour one mail is enough, for each owner.
  const after = await lettersOf(owners);
  expect(after.map(({ length }) => length)).toEqual(before.map(({ length }) => length + 1));
  for (const letters of after) {
    expect(letters.at(-1)?.text).toContain("at this moment from 192.0.2.0/24.");
    expect(letters.at(-1)?.text).toContain(`(POST /v1/api_keys/${publicId("apiKey", org.keyId)}/leaked)`);
    expect(letters.at(-1)?.text).not.toContain("192.0.2.77");
  }
});
