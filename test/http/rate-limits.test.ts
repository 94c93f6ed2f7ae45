/** What a client meets who asks too much, over the real chain. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Hono } from "hono";
import { sessionCookie } from "../../src/http/authenticate.ts";
import { createApp } from "../../src/http/app.ts";
import type { HttpDeps, HttpEnv } from "../../src/http/http-env.ts";
import { limitChallenge, limitMails } from "../../src/http/limit-challenges.ts";
import { onError } from "../../src/http/on-error.ts";
import { requestId } from "../../src/http/request-id.ts";
import { mintApiKey } from "../../src/lib/api-key.ts";
import { publicId } from "../../src/lib/ids.ts";
import { secondsOf } from "../../src/lib/instant.ts";
import { mintSessionToken } from "../../src/lib/session-token.ts";
import { memoryLimits, type MemoryLimits, quotasWith } from "../support/rate-limits.ts";
import { mintToken, signerOf } from "../support/tokens.ts";
import { makeMember, makePerson, makeSession } from "../support/users.ts";
import { type Api, type Caller, openApi, realNow } from "./api.ts";

const start = 1_795_000_000_000;
let nowMs = start;
let limits: MemoryLimits;
let flooding: string[] = [];
let api: Api;
let acme: Caller;
beforeAll(async () => {
  api = await openApi({
    quotas: quotasWith({ key: 5, issuer: 2, user: 3, address: 12 }),
    rateLimits: { take: (bucket, policy) => limits.take(bucket, policy) },
    flood: async (door, address) => (flooding.includes("down") ? null : !flooding.includes(`${door} ${address}`)),
  });
  acme = await api.seed();
});
afterAll(() => api.close());
beforeEach(() => {
  nowMs = start;
  limits = memoryLimits(() => nowMs);
  flooding = [];
  api.faults.length = 0;
});

const from = (address: string) => ({ "cf-connecting-ip": address });
const get = (path: string, address: string, key = acme.apiKey) => api.send("GET", path, { key, headers: from(address) });
const forged = () => mintApiKey(acme.keyId, false, new Uint8Array(32).fill(9)).clear;

describe("a key", () => {
  test("is served its quota and told of it in every answer, whatever that is", async () => {
    const answers = [
      await get("/v1/account", "203.0.113.1"),
      await get("/v1/sellers/rubbish", "203.0.113.2"),
      await get("/v1/nothing", "203.0.113.3"),
      await acme.post("/v1/sellers", { nonsense: 1 }),
      await get("/v1/account", "203.0.113.4"),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 404, 404, 422, 200]);
    for (const [at, { headers }] of answers.entries()) {
      expect(headers.get("ratelimit-policy")).toBe('"key";q=5;w=60');
      expect(headers.get("ratelimit")).toBe(`"key";r=${4 - at};t=60`);
    }
    const refused = await get("/v1/account", "203.0.113.5");
    expect(refused.json).toMatchObject({ status: 429, code: "rate_limited", instance: refused.headers.get("request-id") });
    expect(refused.json.detail).toContain('The quota "key" is 5 requests in any 60 seconds.');
    expect(Object.fromEntries(refused.headers)).toMatchObject({
      "content-type": "application/problem+json",
      "retry-after": "60",
      "ratelimit-policy": '"key";q=5;w=60',
      ratelimit: '"key";r=0;t=60',
    });
  });

  test("is served again after as many seconds as Retry-After said, and not before", async () => {
    for (let at = 0; at < 5; at += 1, nowMs += 7_300) expect((await get("/v1/account", "203.0.113.1")).status).toBe(200);
    const refused = await get("/v1/account", "203.0.113.1");
    const seconds = Number(refused.headers.get("retry-after"));
    expect(seconds).toBe(24);
    nowMs += (seconds - 1) * 1000;
    expect((await get("/v1/account", "203.0.113.1")).status).toBe(429);
    nowMs += 1000;
    expect((await get("/v1/account", "203.0.113.1")).status).toBe(200);
    expect((await get("/v1/account", "203.0.113.1")).status).toBe(429);
  });

  test("that is refused is asked nothing of the database, and its Idempotency-Key is free", async () => {
    for (let at = 0; at < 5; at += 1) await get("/v1/account", "203.0.113.1");
    const before = api.db.endpoint.requests().total;
    const body = { registered_name: "Acme" };
    const first = await acme.post("/v1/sellers", body, { "idempotency-key": "limited" });
    expect(first.status).toBe(429);
    expect(api.db.endpoint.requests().total).toBe(before);
    nowMs += 60_000;
    const again = await acme.post("/v1/sellers", body, { "idempotency-key": "limited" });
    expect(again.status).toBe(201);
    expect(again.headers.get("idempotent-replayed")).toBeNull();
  });

  test("has a quota of its own, which no other key of the organisation uses up", async () => {
    const other = await api.seed();
    for (let at = 0; at < 6; at += 1) await get("/v1/account", "203.0.113.1");
    expect((await get("/v1/account", "203.0.113.1")).status).toBe(429);
    expect((await get("/v1/account", "203.0.113.1", other.apiKey)).status).toBe(200);
  });

  test("cannot be locked out by who knows its id and not its secret", async () => {
    for (let at = 0; at < 10; at += 1) await get("/v1/account", "198.51.100.9", forged());
    expect((await get("/v1/account", "198.51.100.9", forged())).status).toBe(429);
    expect((await get("/v1/account", "203.0.113.1")).status).toBe(200);
  });

  test("that passes ten times its usual rate is marked once, for who comes after", async () => {
    const marked: unknown[] = [];
    let unusual = true;
    const app = createApp();
    app.get("/v1/account/marked", (c) => c.json({ marked: marked.push(c.var.unusualRate) }));
    const rateLimits: HttpDeps["rateLimits"] = {
      take: async (_, policy) => ({ allowed: true, limit: 1, remaining: 1, resetSeconds: 1, unusual: policy.watchesUsual && unusual }),
    }; // prettier-ignore
    const ask = () => app.request("/v1/account/marked", { headers: { authorization: `Bearer ${acme.apiKey}` } }, { ...api.deps, rateLimits }); // prettier-ignore
    expect((await ask()).status).toBe(200);
    unusual = false;
    await ask();
    expect(marked).toEqual([true, undefined]);
  });
});

describe("a person", () => {
  const signIn = async () => {
    const { userId } = await makePerson(api.db);
    await makeMember(api.db, acme.orgId, userId, "viewer");
    const session = async () => (await makeSession(api.db, api.deps.hashApiKey, userId, realNow)).headers;
    return { userId, laptop: await session(), phone: await session() };
  };
  const ask = (headers: Readonly<Record<string, string>>, address: string) =>
    api.send("GET", "/v1/account", { headers: { ...headers, ...from(address) } });

  test("has one quota for all of their sessions, and is told of it", async () => {
    const { laptop, phone } = await signIn();
    const answers = [];
    for (let at = 0; at < 4; at += 1) answers.push(await ask(at % 2 === 0 ? laptop : phone, `203.0.113.${at}`));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
    expect(answers[2]?.headers.get("ratelimit")).toBe('"user";r=0;t=60');
    expect(answers[3]?.headers.get("ratelimit-policy")).toBe('"user";q=3;w=60');
    expect((await ask((await signIn()).laptop, "203.0.113.9")).status).toBe(200);
  });

  test("cannot be locked out by cookies that somebody made up with their id", async () => {
    const { userId, laptop } = await signIn();
    const before = api.db.endpoint.requests().total;
    for (let at = 0; at < 6; at += 1) {
      const { clear } = await mintSessionToken(api.deps.newId(), userId, randomBytes, async () => randomBytes(32));
      const made = await ask({ cookie: `${sessionCookie}=${clear}`, "sec-fetch-site": "same-origin" }, "198.51.100.9");
      expect(made.status).toBe(401);
    }
    expect(api.db.endpoint.requests().total).toBe(before);
    expect((await ask(laptop, "203.0.113.9")).headers.get("ratelimit")).toBe('"user";r=2;t=60');
  });
});

describe("a session that has ended", () => {
  const made = async (stage: "open" | "factor_due" = "open") => {
    const { userId } = await makePerson(api.db);
    await makeMember(api.db, acme.orgId, userId, "viewer");
    const session = () => makeSession(api.db, api.deps.hashApiKey, userId, realNow, { stage });
    return { userId, live: await session(), ended: await session() };
  };
  const ask = (session: { readonly headers: Readonly<Record<string, string>> }, address: string, path = "/v1/account") =>
    api.send("GET", path, { headers: { ...session.headers, ...from(address) } });
  const end = (session: { readonly id: string }) =>
    api.db.admin("update sessions set ended_at = $2 where id = $1", [session.id, realNow]);

  test("is ended by its person whatever a copy of it uses up", async () => {
    const { live, ended: stolen } = await made();
    for (let at = 0; at < 5; at += 1) await ask(stolen, "198.51.100.1");
    expect([(await ask(live, "203.0.113.9")).status, (await ask(live, "203.0.113.9")).status]).toEqual([200, 429]);
    const own = { headers: { ...live.headers, ...from("203.0.113.9") } };
    expect((await api.send("DELETE", `/v1/sessions/${publicId("session", stolen.id)}`, own)).status).toBe(200);
    expect((await api.send("DELETE", "/v1/sessions", own)).status).toBe(200);
    nowMs += 61_000;
    expect((await ask(stolen, "198.51.100.1")).status).toBe(401);
  });

  test("uses up nothing of its person's, and has a count of its own", async () => {
    const { live, ended } = await made();
    await end(ended);
    const before = api.db.endpoint.requests().total;
    const statuses = [];
    for (let at = 0; at < 8; at += 1) statuses.push((await ask(ended, `198.51.100.${at}`)).status);
    expect(statuses).toEqual([401, 401, 401, 429, 429, 429, 429, 429]);
    expect(api.db.endpoint.requests().total - before).toBe(3);
    expect((await ask(live, "203.0.113.9")).headers.get("ratelimit")).toBe('"user";r=2;t=60');
  });

  test("nor does one that this worker knew, but for the request by which it learns of the end", async () => {
    const { live, ended } = await made();
    expect((await ask(ended, "198.51.100.1")).headers.get("ratelimit")).toBe('"user";r=2;t=60');
    await end(ended);
    for (let at = 0; at < 8; at += 1) await ask(ended, `198.51.100.${at}`);
    const served = await ask(live, "203.0.113.9");
    expect([served.status, served.headers.get("ratelimit")]).toEqual([200, '"user";r=0;t=60']);
  });

  test("that this worker knew costs its person that one request, however often it comes", async () => {
    const { live, ended } = await made();
    for (const session of [live, ended]) expect((await ask(session, "198.51.100.1")).status).toBe(200);
    await end(ended);
    nowMs += 61_000;
    for (let at = 0; at < 4; at += 1) await ask(ended, `198.51.100.${at}`);
    const served = await ask(live, "203.0.113.9");
    expect([served.status, served.headers.get("ratelimit")]).toEqual([200, '"user";r=1;t=60']);
  });

  test("is none whose request was refused for another reason, or asked the database for nothing", async () => {
    const { live, ended: other } = await made();
    expect((await ask(live, "203.0.113.9", "/v1/api_keys")).json.code).toBe("role_missing");
    expect((await ask(live, "203.0.113.9", "/v1/me")).headers.get("ratelimit")).toBe('"user";r=1;t=60');
    expect((await ask(other, "203.0.113.9", "/v1/nothing")).headers.get("ratelimit")).toBe('"user";r=2;t=60');
    expect((await ask(other, "203.0.113.9", "/v1/me")).headers.get("ratelimit")).toBe('"user";r=0;t=60');
    expect((await ask(live, "203.0.113.9")).status).toBe(429);
  });

  test("or waits for a second factor uses up nothing of its person's, whatever it asks for, until it shows one", async () => {
    const { live, ended: waiting } = await made();
    const stage = (name: string) => api.db.admin("update sessions set stage = $2 where id = $1", [waiting.id, name]);
    // This worker knew it as open; with the person's first factor it came to wait.
    expect((await ask(waiting, "198.51.100.1")).headers.get("ratelimit")).toBe('"user";r=2;t=60');
    await stage("factor_due");
    const statuses = [];
    for (const path of ["/v1/me", "/v1/account", "/v1/me", "/v1/me", "/v1/account", "/v1/me"])
      statuses.push((await ask(waiting, "198.51.100.2", path)).status);
    expect(statuses).toEqual([200, 403, 200, 429, 429, 429]);
    expect((await ask(live, "203.0.113.9")).headers.get("ratelimit")).toBe('"user";r=0;t=60');
    nowMs += 61_000;
    await stage("open");
    expect((await ask(waiting, "198.51.100.3")).headers.get("ratelimit")).toBe('"user";r=2;t=60');
  });

  test("nor one that waited before this worker met it, of which what it asks for is answered", async () => {
    const { live, ended: waiting } = await made("factor_due");
    for (let at = 0; at < 3; at += 1) expect((await ask(waiting, "198.51.100.2", "/v1/me")).status).toBe(200);
    await api.db.admin("update sessions set stage = 'open' where id = $1", [live.id]);
    expect((await ask(live, "203.0.113.9")).headers.get("ratelimit")).toBe('"user";r=2;t=60');
  });

  test("nor with the headers of a support grant, which let nobody in who waits", async () => {
    const { live, ended: waiting } = await made("factor_due");
    const entering = {
      "dialgate-org": publicId("org", acme.orgId),
      "dialgate-support-grant": publicId("supportGrant", acme.orgId),
    };
    const headers = { ...waiting.headers, ...from("198.51.100.2"), ...entering };
    for (let at = 0; at < 5; at += 1) await api.send("GET", "/v1/account", { headers });
    await api.db.admin("update sessions set stage = 'open' where id = $1", [live.id]);
    expect((await ask(live, "203.0.113.9")).headers.get("ratelimit")).toBe('"user";r=2;t=60');
  });

  const changes = {
    "has ended": "ended_at = '2026-11-20T09:00:00Z'",
    "waits for a factor": "stage = 'factor_due'",
    "goes on under another token": "secret_hash = decode(repeat('ab', 32), 'hex')",
  };
  test.each(Object.entries(changes))("known to this worker, that %s costs its person one request of those that prove nothing", async (_, change) => {
    const { live, ended: thief } = await made();
    for (const session of [live, thief]) expect((await ask(session, "198.51.100.1")).status).toBe(200);
    await api.db.admin(`update sessions set ${change} where id = $1`, [thief.id]);
    nowMs += 61_000;
    const asks = [["GET", "/v1/nothing"], ["PUT", "/v1/account"], ["GET", "/v1/account?so=1"], ["GET", "/v1/sellers/rubbish"]] as const;
    for (const [method, path] of asks) await api.send(method, path, { headers: { ...thief.headers, ...from("198.51.100.1") } });
    const served = await ask(live, "203.0.113.9");
    expect([served.status, served.headers.get("ratelimit")]).toEqual([200, '"user";r=1;t=60']);
  }); // prettier-ignore
});

describe("an issuer's tokens", () => {
  test("have one quota together, which nobody uses up who cannot sign for it", async () => {
    const signer = signerOf("EdDSA");
    const body = { name: "CRM", issuer: "https://crm.acme.test", alg: "EdDSA", public_key: signer.jwk, scopes: ["account:read"] };
    const made = await acme.post("/v1/token_issuers", body);
    expect(made.status, made.text).toBe(201);
    const issuer = { ...made.json, subject: "crm", signer, keyId: null };
    const ask = (token: string, address: string) =>
      api.send("GET", "/v1/account", { headers: { authorization: `Bearer ${token}`, ...from(address) } });
    const now = secondsOf(realNow);
    for (let at = 0; at < 5; at += 1) expect((await ask(mintToken(issuer, now, { sign: signerOf("EdDSA").sign }), "198.51.100.8")).status).toBe(401);
    const answers = [];
    for (const sub of ["one", "two", "three"]) answers.push(await ask(mintToken(issuer, now, { claims: { sub } }), "203.0.113.8"));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
    expect(answers[1]?.headers.get("ratelimit")).toBe('"issuer";r=0;t=60');
  });
}); // prettier-ignore

describe("an address", () => {
  test("is counted for every request, with or without a key, good or bad, and told of it where nothing nearer counted", async () => {
    const address = "203.0.113.20";
    const answers = [
      await api.send("GET", "/v1/account", { headers: from(address) }),
      await get("/v1/account", address, "dg_test_rubbish"),
      await get("/v1/account", address, forged()),
      await api.send("GET", "/healthz", { headers: from(address) }),
      await api.send("GET", "/nothing", { headers: from(address) }),
      await get("/v1/account", address),
    ];
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 200, 404, 200]);
    expect(answers.map(({ headers }) => headers.get("ratelimit")?.split(";")[0])).toEqual(['"address"', '"address"', '"key"', '"address"', '"address"', '"key"']); // prettier-ignore
    for (let at = 6; at < 12; at += 1) await api.send("GET", "/nothing", { headers: from(address) });
    const before = api.db.endpoint.requests().total;
    for (const path of ["/v1/account", "/healthz", "/nothing"]) {
      const refused = await get(path, address);
      expect(refused.json).toMatchObject({ status: 429, code: "rate_limited" });
      expect(refused.headers.get("ratelimit-policy")).toBe('"address";q=12;w=60');
      expect(refused.headers.get("retry-after")).toBe("60");
    }
    expect(api.db.endpoint.requests().total).toBe(before);
    // What its address refuses does not count for the key.
    expect((await get("/v1/account", "203.0.113.21")).headers.get("ratelimit")).toBe('"key";r=3;t=60');
  });

  test("of IPv6 counts by its /64, and what is no address, or none, shares one bucket", async () => {
    const ask = (address?: string) => api.send("GET", "/nothing", { headers: address === undefined ? {} : from(address) });
    for (let at = 0; at < 12; at += 1) expect((await ask(`2001:db8:1:2::${at.toString(16)}`)).status).toBe(404);
    expect((await ask("2001:db8:1:2:ffff::1")).status).toBe(429);
    expect((await ask("2001:db8:1:3::1")).status).toBe(404);
    for (let at = 0; at < 4; at += 1)
      for (const strange of [undefined, "'; drop table", "203.0.113.1, 198.51.100.1"]) await ask(strange);
    expect((await ask()).status).toBe(429);
    expect((await ask("anything else")).status).toBe(429);
  });

  test("is what Cloudflare says it is, and nothing that a client can write", async () => {
    const claims = ["x-forwarded-for", "x-real-ip", "true-client-ip", "forwarded", "cf-connecting-ipv6", "x-client-ip"];
    for (let at = 0; at < 12; at += 1) {
      const headers = { ...from("203.0.113.30"), ...Object.fromEntries(claims.map((name) => [name, `198.51.100.${at}`])) };
      expect((await api.send("GET", "/nothing", { headers })).status).toBe(404);
    }
    expect((await api.send("GET", "/nothing", { headers: { ...from("203.0.113.30"), "x-forwarded-for": "198.51.100.99" } })).status).toBe(429); // prettier-ignore
  });

  test("that floods is refused first of all, before a counter or the database is asked", async () => {
    flooding = ["api 203.0.113.40"];
    const before = api.db.endpoint.requests().total;
    const refused = await get("/v1/account", "203.0.113.40");
    expect(refused.json).toMatchObject({ status: 429, code: "rate_limited" });
    expect(refused.headers.get("retry-after")).toBe("10");
    expect(limits.asked).toEqual([]);
    expect(api.db.endpoint.requests().total).toBe(before);
    expect((await get("/v1/account", "203.0.113.41")).status).toBe(200);
  });
});

describe("a vendor's webhooks", () => {
  const hook = (address: string) =>
    api.send("POST", `/webhooks/voice/${publicId("connection", api.deps.newId())}/stop`, { raw: "{}", headers: from(address) });

  test("have no quota: a stop that comes after thousands of events is taken", async () => {
    for (let at = 0; at < 30; at += 1) expect((await hook("203.0.113.50")).status).toBe(404);
    expect(limits.asked).toEqual([]);
    // Positive control: the same address is counted for everything else.
    for (let at = 0; at < 12; at += 1) await api.send("GET", "/nothing", { headers: from("203.0.113.50") });
    expect((await api.send("GET", "/nothing", { headers: from("203.0.113.50") })).status).toBe(429);
    expect((await hook("203.0.113.50")).status).toBe(404);
  });

  test("are counted against floods apart from everything else", async () => {
    flooding = ["api 203.0.113.51"];
    expect((await hook("203.0.113.51")).status).toBe(404);
    flooding = ["webhooks 203.0.113.51"];
    expect((await hook("203.0.113.51")).status).toBe(429);
    expect((await get("/v1/account", "203.0.113.51")).status).toBe(200);
  });
});

describe("a counter that cannot be asked", () => {
  test("keeps nobody out who has a key; each time is reported, without a value", async () => {
    limits.answering = false;
    flooding = ["down"];
    const served = await get("/v1/account", "203.0.113.60");
    expect(served.status).toBe(200);
    expect(served.headers.get("ratelimit")).toBeNull();
    expect(api.faults).toHaveLength(3);
    for (const fault of api.faults) {
      expect(fault).toMatchObject({ error: "RateLimitUnasked", request_id: served.headers.get("request-id") });
      expect(JSON.stringify(fault)).not.toMatch(/203\.0\.113|dg_test/);
    }
  });

  test("lets no attempt to sign in be made", async () => {
    limits.answering = false;
    const refused = await attempt("dana@acme.example", "laptop", "203.0.113.61");
    expect(refused).toMatchObject({ status: 503, code: "limits_unavailable", retryAfter: "5" });
  });
});

/** Routes as those of sign-in are: who attempts is told what the limits say. */
const signIn = new Hono<HttpEnv>();
signIn.use(requestId);
signIn.post("/attempt/:kind", async (c) => {
  const { account = "", device = "" } = c.req.query();
  const known = device === "" ? null : { by: device, isSo: async () => device.startsWith("known") };
  await limitChallenge(c, { kind: c.req.param("kind"), account, device, known });
  return c.json({});
});
signIn.post("/mail", async (c) => {
  await limitMails(c, c.req.query("account") ?? "", async () => c.req.query("device") === "theirs");
  return c.json({});
});
signIn.onError(onError);
async function attempt(account: string, device: string, address: string, kind = "attempt/link") {
  const query = new URLSearchParams({ account, device });
  const answer = await signIn.request(`/${kind}?${query}`, { method: "POST", headers: from(address) }, api.deps);
  const { code } = (await answer.json()) as { code?: string };
  return { status: answer.status, code, retryAfter: answer.headers.get("retry-after") };
}

describe("attempts to sign in", () => {
  test("are five in a quarter of an hour from one browser at one address, for each kind", async () => {
    for (let at = 0; at < 5; at += 1) expect((await attempt("dana@acme.example", "laptop", "203.0.113.70")).status).toBe(200);
    expect(await attempt("dana@acme.example", "laptop", "203.0.113.70")).toMatchObject({ status: 429, code: "rate_limited", retryAfter: "900" }); // prettier-ignore
    expect((await attempt("dana@acme.example", "laptop", "203.0.113.70", "attempt/totp")).status).toBe(200);
    nowMs += 900_000;
    expect((await attempt("dana@acme.example", "laptop", "203.0.113.70")).status).toBe(200);
  });

  test("by whoever else, however many, keep the person out of nothing", async () => {
    for (let host = 0; host < 100; host += 1) {
      for (let at = 0; at < 6; at += 1) await attempt("dana@acme.example", "", `198.51.100.${host}`);
    }
    expect((await attempt("dana@acme.example", "laptop", "203.0.113.70")).status).toBe(200);
    // Nor does it help to be behind the same address, short of using up all that the address has.
    for (let at = 0; at < 6; at += 1) await attempt("dana@acme.example", "another", "203.0.113.70");
    expect((await attempt("dana@acme.example", "laptop", "203.0.113.70")).status).toBe(200);
  });

  test("are fifty from one address, whatever accounts and browsers they name", async () => {
    const statuses: number[] = [];
    for (let at = 0; at < 60; at += 1)
      statuses.push((await attempt(`person${at}@acme.example`, `device${at}`, "203.0.113.71")).status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(50);
    expect(statuses.slice(50)).toEqual(Array.from({ length: 10 }, () => 429));
  });

  test("are fifty more for each that is known there, whatever accounts it names, and none for who only says so", async () => {
    const at = "203.0.113.74";
    for (let n = 0; n < 50; n += 1) await attempt(`person${n}@acme.example`, "", at);
    expect((await attempt("dana@acme.example", "", at)).status).toBe(429);
    expect((await attempt("dana@acme.example", "made-up", at)).status).toBe(429);
    const statuses: number[] = [];
    for (let n = 0; n < 60; n += 1) statuses.push((await attempt(`person${n}@acme.example`, "known-laptop", at)).status);
    expect(statuses).toEqual(Array.from({ length: 60 }, (_, n) => (n < 50 ? 200 : 429)));
    for (let n = 0; n < 6; n += 1) statuses.push((await attempt("dana@acme.example", "known-phone", at)).status);
    expect(statuses.slice(60)).toEqual([200, 200, 200, 200, 200, 429]);
    // And elsewhere fifty more.
    const elsewhere = "203.0.113.75";
    for (let n = 0; n < 50; n += 1) await attempt(`person${n}@acme.example`, "", elsewhere);
    expect((await attempt("erin@acme.example", "", elsewhere)).status).toBe(429);
    expect((await attempt("erin@acme.example", "known-laptop", elsewhere)).status).toBe(200);
  });

  test("cannot be moved from one to another by what an account or a device is called", async () => {
    for (let at = 0; at < 6; at += 1) await attempt('a","b', "c", "203.0.113.72");
    expect((await attempt("a", 'b","c', "203.0.113.72")).status).toBe(200);
  });

  test("are sent ten mails an hour to one account from one address, and more by whoever uses it or asks from another", async () => {
    const mail = (account: string, device: string, address = "198.51.100.1") => attempt(account, device, address, "mail");
    const statuses: number[] = [];
    for (let at = 0; at < 10; at += 1) statuses.push((await mail("dana@acme.example", "")).status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(10);
    expect(await mail("dana@acme.example", "")).toEqual({ status: 429, code: "rate_limited", retryAfter: "3600" });
    expect((await mail("dana@acme.example", "theirs")).status).toBe(200);
    expect((await mail("dana@acme.example", "", "198.51.100.2")).status).toBe(200);
    expect((await mail("other@acme.example", "")).status).toBe(200);
    nowMs += 3_600_000;
    expect((await mail("dana@acme.example", "")).status).toBe(200);
  });
});
