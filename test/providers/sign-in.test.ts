/** Google and Microsoft themselves: where they are, what they call themselves, and for which addresses they answer. */
import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { idTokenFor, makeKeyRing, publishedKeys, type SignInVendor } from "../../dev/simulators/oidc-tokens.ts";
import { type Simulators, startSimulators } from "../../dev/simulators/simulators.ts";
import { type Instant, instantOf } from "../../src/lib/instant.ts";
import { identityProvidersOf } from "../../src/providers/sign-in/configured.ts";
import type { Identified } from "../../src/providers/sign-in/contract.ts";

const settings = {
  GOOGLE_CLIENT_ID: "our-client",
  GOOGLE_CLIENT_SECRET: "our-secret",
  MICROSOFT_CLIENT_ID: "our-client",
  MICROSOFT_CLIENT_SECRET: "our-secret",
};
const redirectUri = "https://api.dialgate.test/auth/oidc/x/callback";
const request = { redirectUri, state: "state", nonce: "nonce", challenge: "challenge" };
const ring = makeKeyRing();
const tenant = "22222222-2222-4333-8444-555555555555";

/** What the vendor's own addresses are asked, and come to. */
async function identify(vendor: SignInVendor, claims: Readonly<Record<string, unknown>>, at = instantOf(Date.now() / 1000)) {
  const asked: string[] = [];
  const person = { email: "ada@acme.test", subject: "sub-1", tenant, claims };
  const issuer = vendor === "google" ? "https://accounts.google.com" : `https://login.microsoftonline.com/${tenant}/v2.0`;
  const token = idTokenFor(ring, {
    vendor,
    origin: "",
    clientId: "our-client",
    nonce: "nonce",
    scenario: "",
    person: { ...person, claims: { iss: issuer, ...claims } },
  });
  const keys = publishedKeys(ring, vendor, "https://login.microsoftonline.com") as { keys: Record<string, unknown>[] };
  // As Microsoft publishes them: without the path that the simulator has in front.
  for (const key of keys.keys) if (typeof key["issuer"] === "string") key["issuer"] = key["issuer"].replace("/microsoft", "");
  const provider = identityProvidersOf(settings, async (url, { method = "" }) => {
    asked.push(`${method} ${url}`);
    return Response.json(method === "POST" ? { id_token: token } : keys);
  })[vendor];
  if (provider === undefined) throw new Error("not configured");
  const identified = await provider.identify({ redirectUri, code: "code", nonce: "nonce", verifier: "verifier" }, at);
  return { provider, asked, identified };
}
const verified = (identified: Identified) =>
  identified.kind === "identified" ? identified.identity.verifiedAddress : identified;

describe("Google", () => {
  test("is asked at its own addresses, and is one issuer however it writes itself", async () => {
    const { provider, asked, identified } = await identify("google", {});
    expect(asked).toEqual(["POST https://oauth2.googleapis.com/token", "GET https://www.googleapis.com/oauth2/v3/certs"]);
    expect(provider.authorizationUrl(request)).toMatch(/^https:\/\/accounts\.google\.com\/o\/oauth2\/v2\/auth\?/);
    const identity = { issuer: "https://accounts.google.com", subject: "sub-1", verifiedAddress: "ada@acme.test", name: "Ada" };
    expect(identified).toEqual({ kind: "identified", identity });
    expect((await identify("google", { iss: "accounts.google.com" })).identified).toEqual(identified);
    for (const iss of ["http://accounts.google.com", "https://accounts.google.com/", "https://accounts.google.com.evil.invalid", "https://evil.invalid/accounts.google.com", "/google"])
      expect((await identify("google", { iss })).identified, iss).toEqual({ kind: "refused", reason: "token_invalid" });
  }); // prettier-ignore

  test("answers for the addresses that it hosts, and for no other", async () => {
    const cases: [Record<string, unknown>, boolean][] = [
      [{ email: "ada@gmail.com", hd: null }, true],
      [{ email: "Ada@Googlemail.com", hd: null }, true],
      [{ email: "ada@acme.test", hd: "acme.test" }, true],
      [{ email: "ada@acme.test", hd: null }, false],
      [{ email: "ada@acme.test", hd: "" }, false],
      [{ email: "ada@acme.test", hd: true }, false],
      [{ email: "ada@gmail.com.acme.test", hd: null }, false],
      [{ email: "ada@notgmail.com", hd: null }, false],
      [{ email: "ada@gmail.com", hd: null, email_verified: false }, false],
      [{ email: "ada@gmail.com", hd: null, email_verified: null }, false],
      [{ email: "ada@acme.test", email_verified: 1 }, false],
    ];
    for (const [claims, isTheirs] of cases)
      expect(verified((await identify("google", claims)).identified), JSON.stringify(claims)).toBe(
        isTheirs ? claims["email"] : null,
      );
  });
});

describe("Microsoft", () => {
  test("is asked at its own addresses, and each tenant is an issuer of its own", async () => {
    const { provider, asked, identified } = await identify("microsoft", {});
    const base = "https://login.microsoftonline.com/common";
    expect(asked).toEqual([`POST ${base}/oauth2/v2.0/token`, `GET ${base}/discovery/v2.0/keys`]);
    expect(provider.authorizationUrl(request).startsWith(`${base}/oauth2/v2.0/authorize?`)).toBe(true);
    const issuer = `https://login.microsoftonline.com/${tenant}/v2.0`;
    expect(identified).toEqual({
      kind: "identified",
      identity: { issuer, subject: "sub-1", verifiedAddress: "ada@acme.test", name: "Ada" },
    });
    for (const iss of [
      `https://sts.windows.net/${tenant}/`,
      "https://login.microsoftonline.com/{tenantid}/v2.0",
      "https://login.microsoftonline.com/common/v2.0",
      `${issuer}/`,
      `https://login.microsoftonline.com/${tenant}/../${tenant}/v2.0`,
      `https://login.microsoftonline.us/${tenant}/v2.0`,
    ])
      expect((await identify("microsoft", { iss })).identified, iss).toEqual({ kind: "refused", reason: "token_invalid" });
  });
});

describe("a token's time", () => {
  test("is the worker's clock's, within a minute", async () => {
    const at = (seconds: number): Instant => instantOf(Date.now() / 1000 + seconds);
    const kinds = async (seconds: number) => (await identify("google", {}, at(seconds))).identified.kind;
    expect(await Promise.all([-50, 0, 800].map(kinds))).toEqual(["identified", "identified", "identified"]);
    expect(await Promise.all([-90, 1_100, 86_400].map(kinds))).toEqual(["refused", "refused", "refused"]);
  });
});

describe("the simulated providers", () => {
  let simulators: Simulators;
  const registered = { redirect_uri: redirectUri, client_id: "c", client_secret: "s" };
  beforeAll(async () => {
    simulators = await startSimulators();
    const client = { provider: "google", client_id: "c", client_secret: "s", redirect_uris: [redirectUri] };
    await fetch(`${simulators.origin}/_simulator/sign_in/clients`, { method: "POST", body: JSON.stringify(client) });
  });
  afterAll(() => simulators?.close());
  const verifier = randomBytes(32).toString("base64url");
  const challenge = createHash("sha256").update(verifier).digest("base64url");
  const authorize = async (change: Record<string, string | null> = {}) => {
    const at = new URL("/google/o/oauth2/v2/auth", simulators.origin);
    const asked = { response_type: "code", scope: "openid email", redirect_uri: redirectUri, client_id: "c", state: "st", nonce: "n", code_challenge: challenge, code_challenge_method: "S256", login_hint: "ada@acme.test", ...change };
    for (const [name, value] of Object.entries(asked)) if (value !== null) at.searchParams.set(name, value);
    return fetch(at, { redirect: "manual" });
  }; // prettier-ignore
  const codeOf = (answer: Response): string => new URL(answer.headers.get("location") ?? "").searchParams.get("code") ?? "";
  const redeem = async (form: Record<string, string>) => {
    const answer = await fetch(`${simulators.origin}/google/token`, { method: "POST", body: new URLSearchParams(form) });
    return (await answer.json()) as { id_token?: string; error?: string };
  };
  const whole = (code: string) => ({ grant_type: "authorization_code", code, code_verifier: verifier, ...registered });

  test("are found by their discovery documents, and show a page of people to whoever looks by hand", async () => {
    for (const [vendor, path] of [["google", "/google"], ["microsoft", "/microsoft/common/v2.0"]] as const) {
      const document = await (await fetch(`${simulators.origin}${path}/.well-known/openid-configuration`)).json() as Record<string, string>;
      expect(document["issuer"]).toContain(vendor);
      expect((await (await fetch(document["jwks_uri"] ?? "")).json() as { keys: unknown[] }).keys.length).toBeGreaterThan(1);
    }
    const page = await authorize({ login_hint: null });
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining("ada@acme.test")]);
  }); // prettier-ignore

  test("give no code without PKCE, nonce or a registered address, and a token for a code once, to who asked", async () => {
    for (const change of [
      { code_challenge: null },
      { code_challenge_method: "plain" },
      { nonce: null },
      { scope: "email" },
      { response_type: "token" },
    ]) {
      const answer = await authorize(change);
      expect(answer.headers.get("location"), JSON.stringify(change)).toContain("error=invalid_request");
    }
    for (const change of [{ redirect_uri: `${redirectUri}/x` }, { client_id: "other" }]) {
      const answer = await authorize(change);
      expect([answer.status, answer.headers.get("location")], JSON.stringify(change)).toEqual([400, null]);
    }
    const wrong = [
      [{ code_verifier: "x".repeat(43) }, "invalid_grant"],
      [{ client_secret: "other" }, "invalid_client"],
      [{ redirect_uri: "https://other.invalid" }, "invalid_grant"],
      [{ grant_type: "password" }, "unsupported_grant_type"],
    ] as const;
    for (const [change, error] of wrong)
      expect((await redeem({ ...whole(codeOf(await authorize())), ...change })).error, JSON.stringify(change)).toBe(error);
    const code = codeOf(await authorize());
    expect((await redeem(whole(code))).id_token).toMatch(/^ey/);
    expect((await redeem(whole(code))).error).toBe("invalid_grant");
  });

  test("keep no secret and no code among the requests that they show", () => {
    const shown = JSON.stringify(simulators.requests());
    expect(shown).toContain("/google/token");
    for (const secret of ["client_secret", verifier, challenge]) expect(shown).not.toContain(secret);
  });
});
