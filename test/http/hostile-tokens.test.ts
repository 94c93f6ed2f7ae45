/** Nobody comes in with a token that a registered issuer did not sign for this environment, this organisation and this hour. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { refusedToken } from "../../src/http/on-error.ts";
import { reportAccess } from "../support/report.ts";
import { mintToken } from "../support/tokens.ts";
import { hostileTokens, tokenFigures, tokenOfLength, tryToken } from "./hostile-tokens.ts";
import { openTokenGround, type TokenGround } from "./token-ground.ts";

let ground: TokenGround;
beforeAll(async () => {
  ground = await openTokenGround();
}, 60_000);
afterAll(() => ground.close());

describe("a proper token is let in, and costs one look-up at most: the tests below refuse something", () => {
  test.each(["EdDSA", "ES256", "RS256", "HS256", "set"] as const)("of %s", async (kind) => {
    ground.forgetIssuers();
    const first = await tryToken(ground, mintToken(ground.issuers[kind], ground.now));
    expect(first.status, JSON.stringify(first.json)).toBe(200);
    expect(first).toMatchObject({ lookUps: 1, tenantRows: 1, json: { data: [{ object: "seller" }] } });
    // Remembered: the next one is a single request to the database, which binds and reads.
    const second = await tryToken(ground, mintToken(ground.issuers[kind], ground.now, { claims: { jti: "another" } }));
    expect(second).toMatchObject({ status: 200, lookUps: 0, tenantRows: 1, statements: ["app.bind_token", "find"] });
  });

  test.each([
    ["of the type of an access token", { header: { typ: "at+jwt" } }],
    ["of no type", { header: { typ: undefined } }],
    ["whose certificate's digest is named", { header: { x5t: "dGh1bWI" } }],
    ["of a clock that is a minute ahead", { claims: { iat: "+60", nbf: "+60" } }],
    ["a day long to the second", { claims: { iat: "-10", exp: "+86390" } }],
    ["in its last second", { claims: { iat: "-600", exp: "+1" } }],
    ["with claims of its issuer's own", { claims: { roles: ["a", "a"], azp: { a: 1, b: { a: 1 } }, org: "org_other" } }],
    ["with the longest subject", { claims: { sub: "s".repeat(200) } }],
    ["with an audience in a list of one", { claims: { aud: ["own"] } }],
    ["with fractions of seconds", { claims: { iat: "-10.5", exp: "+600.25" } }],
  ] as const)("%s", async (_, { header = {}, claims = {} }: { header?: object; claims?: Record<string, unknown> }) => {
    const { EdDSA } = ground.issuers;
    const said = Object.fromEntries(
      Object.entries(claims).map(([name, value]) => {
        if (name === "aud") return [name, [EdDSA.audience]];
        return [name, typeof value === "string" && /^[+-]/.test(value) ? ground.now + Number(value) : value];
      }),
    );
    const answer = await tryToken(ground, mintToken(EdDSA, ground.now, { header: { ...header }, claims: said }));
    expect(answer.status, JSON.stringify(answer.json)).toBe(200);
  });

  test("of 8,192 bytes", async () => {
    const answer = await tryToken(ground, tokenOfLength(ground.issuers.EdDSA, ground.now, 8_192));
    expect(answer.status, JSON.stringify(answer.json)).toBe(200);
  });
});

describe.each(["that remembers nothing", "that remembers the issuers"])("to an isolate %s", (isolate) => {
  beforeAll(async () => {
    for (const issuer of Object.values(ground.issuers)) await tryToken(ground, mintToken(issuer, ground.now));
  });
  test.each(hostileTokens.map((hostile) => [hostile.class, hostile.name, hostile] as const))("%s: %s", async (_, __, hostile) => {
    if (isolate === "that remembers nothing") ground.forgetIssuers();
    const { status, json, headers, lookUps, tenantRows, statements } = await tryToken(ground, hostile.make(ground));
    expect({ status, code: json.code, members: Object.keys(json) }).toEqual({
      status: 401,
      code: "unauthorized",
      members: ["type", "title", "status", "code", "detail", "instance"],
    });
    expect(headers.get("www-authenticate")).toBe('Bearer realm="dialgate", error="invalid_token"');
    expect({ lookUps, tenantRows }).toEqual({ lookUps: hostile.lookUps, tenantRows: 0 });
    // Nothing else was asked either, and what is asked is asked as one request.
    expect(statements).toEqual(hostile.lookUps === 0 ? [] : ["app.bind_token_issuer", "token_issuers.read"]);
    expect(JSON.stringify(json)).not.toContain("acme-solar");
  });
});

test("whatever is wrong behind the look-up is told in the same words", async () => {
  const told = new Set<string>();
  for (const hostile of hostileTokens.filter(({ lookUps }) => lookUps === 1))
    told.add((await tryToken(ground, hostile.make(ground))).json.detail);
  expect([...told]).toEqual([refusedToken().parts.detail]);
});

test("nothing broke, and the figures are those that are quoted", async () => {
  const figures = await tokenFigures(ground);
  console.log(`tokens: ${JSON.stringify(figures)}`);
  reportAccess("tokens", figures);
  expect(figures).toMatchObject({
    hostile_tokens: figures.refused,
    tenant_rows_read: 0,
    look_ups_max: 1,
    look_ups_when_refused_early: 0,
    proper_tokens: 5,
    proper_tokens_let_in: 5,
    rows_read_with_proper_tokens: 5,
  });
  expect(figures.hostile_tokens).toBeGreaterThanOrEqual(60);
  expect(readFileSync("SECURITY.md", "utf8")).toContain(`tries ${figures.hostile_tokens} that must not come in`);
  expect(new Set(hostileTokens.map(({ class: kind, name }) => `${kind} ${name}`)).size).toBe(figures.hostile_tokens);
  expect(ground.api.faults).toEqual([]);
});
