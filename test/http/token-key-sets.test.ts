/** Keys that an issuer publishes: fetched seldom, kept on its row, trusted for a stated time, and never from an address of ours. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { keySetSeconds } from "../../src/domain/token-issuers/fetch-key-set.ts";
import { addSeconds, type Instant, secondsOf } from "../../src/lib/instant.ts";
import { tokenKeys } from "../../src/providers/token-keys.ts";
import type { Keyring } from "../../src/lib/sealing.ts";
import { type Json, mintToken, type Signer, signerOf, type TestIssuer } from "../support/tokens.ts";
import { tryToken } from "./hostile-tokens.ts";
import { openTokenGround, registered, type TokenGround } from "./token-ground.ts";
import { realNow } from "./api.ts";

let ground: TokenGround;
let now: Instant;
beforeAll(async () => {
  ground = await openTokenGround();
}, 60_000);
afterAll(() => ground.close());

const first = signerOf("ES256");
const second = signerOf("ES256");
const jwk = (signer: Signer, kid: string): Json => ({ ...signer.jwk, kid, use: "sig", alg: "ES256" });
let issuer: TestIssuer;
beforeEach(async () => {
  later(0, realNow);
  ground.forgetIssuers();
  const { identityProvider: provider } = ground;
  provider.keys = [jwk(first, "one")];
  provider.answer = null;
  issuer = {
    ...(await registered(ground.org, first, { public_key: undefined, jwks_url: provider.url, subjects: null })),
    keyId: "one",
  };
  provider.fetches = 0;
});
afterEach(() => later(0, realNow));

function later(seconds: number, from: Instant = now): void {
  now = addSeconds(from, seconds);
  ground.clock(now);
}
const ask = (over: Parameters<typeof mintToken>[2] = {}) => tryToken(ground, mintToken(issuer, secondsOf(now), over));
const bySecond = { header: { kid: "two" }, sign: second.sign };
const view = async () => (await ground.org.get(`/v1/token_issuers/${issuer.id}`)).json.key_set;
const keysChanged = async (): Promise<Json[]> =>
  (await ground.org.get(`/v1/audit?limit=100&type=token_issuer.keys_changed&subject=${issuer.id}`)).json.data.map(
    ({ facts }: { facts: string }) => JSON.parse(facts),
  );
const failing = (status: number, body = "", headers = {}) => (ground.identityProvider.answer = () => ({ status, body, headers }));

describe("a key set", () => {
  test("is fetched when it is registered, and then answers for itself until it is ten minutes old", async () => {
    expect(await view()).toEqual({ key_ids: ["one"], fetched_at: realNow, tried_at: realNow, failure: null });
    for (const minute of [0, 5, 9]) {
      later(60 * minute, realNow);
      ground.forgetIssuers();
      expect((await ask()).status).toBe(200);
    }
    expect(ground.identityProvider.fetches).toBe(0);
    later(keySetSeconds.fresh + 1, realNow);
    expect(await ask()).toMatchObject({ status: 200, lookUps: 1 });
    expect(ground.identityProvider.fetches).toBe(1);
    expect(await view()).toMatchObject({ fetched_at: now, tried_at: now });
  });

  test("is fetched for a key that it lacks, once in five minutes however often it is asked for", async () => {
    ground.identityProvider.keys = [jwk(first, "one"), jwk(second, "two")];
    expect((await ask(bySecond)).status).toBe(401);
    expect(ground.identityProvider.fetches).toBe(0);
    later(keySetSeconds.retry + 1, realNow);
    expect((await ask(bySecond)).status).toBe(200);
    expect(ground.identityProvider.fetches).toBe(1);
    expect((await ask()).status).toBe(200);
    // Ids that nobody has are asked for by whoever likes to: the issuer is asked no more for that.
    for (let n = 0; n < 20; n += 1) {
      if (n % 2 === 0) ground.forgetIssuers();
      expect((await ask({ header: { kid: `unheard-of-${n}` }, sign: second.sign })).status).toBe(401);
    }
    expect(ground.identityProvider.fetches).toBe(1);
    later(keySetSeconds.retry + 1);
    const answers = await Promise.all(Array.from({ length: 8 }, (_, n) => ground.api.send("GET", "/v1/sellers", { key: mintToken(issuer, secondsOf(now), { header: { kid: `more-${n}` } }) }))); // prettier-ignore
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
    expect(ground.identityProvider.fetches).toBe(2);
  });

  test("of an issuer that was revoked is asked for no more", async () => {
    expect((await ground.org.delete(`/v1/token_issuers/${issuer.id}`)).status).toBe(200);
    ground.forgetIssuers();
    later(keySetSeconds.fresh + 1, realNow);
    for (const over of [{}, bySecond]) expect((await ask(over)).status).toBe(401);
    expect(ground.identityProvider.fetches).toBe(0);
  });

  test("is not fetched for a token of another algorithm, issuer or without a key's id", async () => {
    later(keySetSeconds.retry + 1, realNow);
    const other = signerOf("EdDSA");
    for (const over of [
      { header: { kid: "x", alg: "EdDSA" }, sign: other.sign },
      { header: { kid: "x" }, claims: { iss: "https://attacker.example" } },
      { header: { kid: undefined } },
    ])
      expect((await ask(over)).status).toBe(401);
    expect(ground.identityProvider.fetches).toBe(0);
  });

  test("that drops a key is believed, and the organisation reads it in its audit log", async () => {
    ground.identityProvider.keys = [jwk(second, "two")];
    later(keySetSeconds.fresh + 1, realNow);
    expect((await ask()).status).toBe(401);
    expect((await ask(bySecond)).status).toBe(200);
    expect(await keysChanged()).toEqual([
      expect.objectContaining({ added: ["two"], removed: ["one"], actor: { type: "job", id: "token_keys" } }),
    ]);
  });

  test("whose key changes under its id is another set: the old signature is refused", async () => {
    ground.identityProvider.keys = [jwk(second, "one")];
    later(keySetSeconds.fresh + 1, realNow);
    expect((await ask()).status).toBe(401);
    expect((await ask({ sign: second.sign })).status).toBe(200);
    expect((await view()).failure).toBeNull();
    expect(await keysChanged()).toMatchObject([{ added: ["one"], removed: ["one"] }]);
  });

  test("that comes after the issuer has changed is not kept, and nobody reads of it", async () => {
    const { identityProvider: provider, org } = ground;
    provider.keys = [jwk(second, "two")];
    later(keySetSeconds.fresh + 1, realNow);
    const fetched = provider.fetch;
    provider.fetch = async (...asked) => {
      const answer = await fetched(...asked);
      expect((await org.patch(`/v1/token_issuers/${issuer.id}`, { subjects: ["sync"] })).status).toBe(200);
      return answer;
    };
    expect((await ask(bySecond).finally(() => (provider.fetch = fetched))).status).toBe(401);
    expect(await view()).toMatchObject({ key_ids: ["one"] });
    expect(await keysChanged()).toEqual([]);
  });

  test("without any usable key trusts nobody", async () => {
    ground.identityProvider.keys = [{ ...jwk(first, "one"), use: "enc" }];
    later(keySetSeconds.fresh + 1, realNow);
    expect((await ask()).status).toBe(401);
    expect(await view()).toMatchObject({ key_ids: [], failure: null });
  });

  test("gives its first fifty keys, and none of those behind", async () => {
    ground.identityProvider.keys = Array.from({ length: 51 }, (_, n) => jwk(first, `key-${n + 1}`));
    later(keySetSeconds.fresh + 1, realNow);
    expect((await ask({ header: { kid: "key-50" } })).status).toBe(200);
    expect((await ask({ header: { kid: "key-51" } })).status).toBe(401);
    expect((await view()).key_ids).toHaveLength(50);
  });

  test("of an issuer whose address was replaced is the new one's", async () => {
    const moved = await ground.org.patch(`/v1/token_issuers/${issuer.id}`, { public_key: second.jwk });
    expect(moved.json).toMatchObject({ version: 2, key_from: "public_key", jwks_url: null, key_set: null });
    expect((await ask()).status).toBe(401);
    expect((await ask({ header: { kid: undefined }, sign: second.sign })).status).toBe(200);
    expect(ground.identityProvider.fetches).toBe(0);
  });
});

test("a fetch that is under way when the address is replaced brings the new one none of the old one's keys", async () => {
  const { identityProvider: provider } = ground;
  const { fetch } = provider;
  later(keySetSeconds.fresh + 1, realNow);
  let moved: Json | null = null;
  provider.fetch = async (url, init) => {
    provider.fetch = fetch;
    const old = await fetch(url, init);
    provider.keys = [jwk(second, "two")];
    const change = { jwks_url: "https://idp.acme-solar.com/new.json" };
    moved = (await ground.org.patch(`/v1/token_issuers/${issuer.id}`, change)).json;
    return old;
  };
  await ask();
  expect(moved).toMatchObject({ version: 2, jwks_url: "https://idp.acme-solar.com/new.json", key_set: { key_ids: ["two"] } });
  expect(await view()).toMatchObject({ key_ids: ["two"], fetched_at: now });
  ground.forgetIssuers();
  expect((await ask()).status).toBe(401);
  expect((await ask(bySecond)).status).toBe(200);
});

test("an answer of 128 KiB is read, and one of a byte more is not", async () => {
  const sized = (bytes: number) => {
    const rest = JSON.stringify({ keys: [jwk(first, "one")], pad: "" });
    return JSON.stringify({ keys: [jwk(first, "one")], pad: "x".repeat(bytes - rest.length) });
  };
  for (const [more, failure] of [[0, null], [1, "answer_too_large"]] as const) {
    failing(200, sized(128 * 1024 + more));
    later(keySetSeconds.fresh + 1);
    expect((await ask()).status).toBe(200);
    expect(await view()).toMatchObject({ failure });
  }
}); // prettier-ignore

describe("an outage of the issuer", () => {
  const outages: readonly (readonly [string, () => void, string])[] = [
    ["500", () => failing(500, "{}"), "answer_refused"],
    ["404", () => failing(404, JSON.stringify({ keys: [jwk(second, "one")] })), "answer_refused"],
    ["a redirect", () => failing(302, "", { location: "https://idp.acme-solar.com/elsewhere.json" }), "redirected"],
    ["a page", () => failing(200, "<html>keys</html>"), "no_key_set"],
    ["a list", () => failing(200, JSON.stringify([jwk(second, "one")])), "no_key_set"],
    ["two megabytes", () => failing(200, JSON.stringify({ keys: [], pad: "x".repeat(2_000_000) })), "answer_too_large"],
    [
      "a thousand and one keys",
      () => failing(200, JSON.stringify({ keys: Array.from({ length: 1_001 }, () => 1) })),
      "no_key_set",
    ],
  ];
  test.each(outages)("%s: the last set serves for an hour, and then nobody is trusted", async (_, begin, failure) => {
    begin();
    later(keySetSeconds.fresh + 1, realNow);
    expect((await ask()).status).toBe(200);
    expect(await view()).toEqual({ key_ids: ["one"], fetched_at: realNow, tried_at: now, failure });
    // Asked again after five minutes, and not before.
    expect((await ask()).status).toBe(200);
    expect(ground.identityProvider.fetches).toBe(1);
    later(keySetSeconds.stale, realNow);
    expect((await ask()).status).toBe(200);
    expect(ground.identityProvider.fetches).toBe(2);
    later(1);
    for (const isolate of ["remembers", "knows nothing"]) {
      if (isolate === "knows nothing") ground.forgetIssuers();
      expect((await ask()).status, isolate).toBe(401);
    }
    // And when it is back, so are they.
    ground.identityProvider.answer = null;
    later(keySetSeconds.retry + 1);
    expect((await ask()).status).toBe(200);
    expect(await view()).toEqual({ key_ids: ["one"], fetched_at: now, tried_at: now, failure: null });
    expect(ground.api.faults).toEqual([]);
  });

  test("at registration or a change is told, and nothing is registered", async () => {
    const asked = (path: string, method: string, body: Json) => ground.api.send(method, path, { key: ground.org.apiKey, body });
    for (const [, begin, failure] of outages) {
      begin();
      const wanted = { name: "x", issuer: "https://a", alg: "ES256", jwks_url: ground.identityProvider.url, subjects: null, scopes: ["sellers:read"] }; // prettier-ignore
      const refused = await asked("/v1/token_issuers", "POST", wanted);
      expect(refused.json.errors, refused.text).toMatchObject([{ pointer: "/jwks_url", code: failure }]);
      const changed = await asked(`/v1/token_issuers/${issuer.id}`, "PATCH", { jwks_url: ground.identityProvider.url });
      expect(changed.json.errors).toMatchObject([{ pointer: "/jwks_url", code: failure }]);
    }
    ground.identityProvider.answer = null;
    ground.identityProvider.keys = [{ ...signerOf("EdDSA").jwk, kid: "one" }];
    const other = await asked(`/v1/token_issuers/${issuer.id}`, "PATCH", { jwks_url: ground.identityProvider.url });
    expect(other.json.errors).toMatchObject([{ pointer: "/jwks_url", code: "no_usable_key" }]);
    expect((await ask()).status).toBe(200);
  });
});

describe("an address", () => {
  const answering = (status: number, body: string) => {
    const asked: string[] = [];
    const fetch = async (url: string, init: RequestInit) => {
      asked.push(`${init.method} ${url} ${String(init.redirect)} ${JSON.stringify(init.headers)}`);
      return new Response(body, { status });
    };
    const ownOrigins = ["https://api.dialgate.com", "https://simulator.dialgate.com"];
    return { asked, keys: tokenKeys({ keyring: {} as Keyring, fetch, ownOrigins }) };
  };

  test.each([
    "http://idp.acme-solar.com/jwks.json",
    "https://127.0.0.1/jwks.json",
    "https://2130706433/jwks.json",
    "https://0x7f.1/jwks.json",
    "https://[::1]/jwks.json",
    "https://[::ffff:169.254.169.254]/jwks.json",
    "https://169.254.169.254/latest/meta-data",
    "https://10.0.0.1/jwks.json",
    "https://localhost/jwks.json",
    "https://idp.localhost/jwks.json",
    "https://metadata.google.internal/jwks.json",
    "https://idp.local/jwks.json",
    "https://idp/jwks.json",
    "https://idp.acme-solar.com:8443/jwks.json",
    "https://user:secret@idp.acme-solar.com/jwks.json",
    "https://idp.acme-solar.com./jwks.json",
    "https://idp.acme-solar.com/jwks.json?next=http://10.0.0.1",
    "https://api.dialgate.com/v1/token_issuers",
    "https://API.DIALGATE.COM/jwks.json",
    "https://simulator.dialgate.com/jwks.json",
    "ftp://idp.acme-solar.com/jwks.json",
    "file:///etc/passwd",
    "data:application/json,{}",
    "javascript:alert(1)",
    "//idp.acme-solar.com/jwks.json",
    "not an address",
    "",
  ])("%s is refused, and nothing is fetched", async (url) => {
    const { asked, keys } = answering(200, JSON.stringify({ keys: [jwk(first, "one")] }));
    expect(await keys.fetchKeys("ES256", url)).toEqual({ ok: false, refusal: "address_refused" });
    expect(asked).toEqual([]);
  });

  test("of a customer's issuer is asked without anything of ours, and a redirect is not followed", async () => {
    const { asked, keys } = answering(200, JSON.stringify({ keys: [jwk(first, "one")] }));
    expect(await keys.fetchKeys("ES256", "https://idp.acme-solar.com/jwks.json")).toEqual({
      ok: true,
      value: [{ ...first.jwk, kid: "one" }],
    });
    expect(asked).toEqual(['GET https://idp.acme-solar.com/jwks.json manual {"accept":"application/json"}']);
  });

  test("that never answers is given up after three seconds", async () => {
    const fetch = () => new Promise<Response>(() => undefined);
    const keys = tokenKeys({ keyring: {} as Keyring, fetch, ownOrigins: [] });
    const began = performance.now();
    expect(await keys.fetchKeys("ES256", "https://idp.acme-solar.com/jwks.json")).toEqual({ ok: false, refusal: "timeout" });
    expect(performance.now() - began).toBeLessThan(4_500);
  });
});
