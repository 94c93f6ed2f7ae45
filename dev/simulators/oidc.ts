/**
 * Google and Microsoft as places where people have accounts: discovery, authorization, token and keys, under `/google` and
 * `/microsoft`. Whoever is named in `login_hint` signs in at once; `ada+expired@acme.test` is Ada with that scenario.
 */
import { createHash, randomBytes } from "node:crypto";
import { idTokenFor, issuerOf, type KeyRing, makeKeyRing, publishedKeys, type SignInVendor, subjectOf, tenantOf, type TestPerson, tokenScenarios } from "./oidc-tokens.ts"; // prettier-ignore
import type { Answer } from "./simulators.ts";

/** What the service registered at the provider. */
export interface SignInClient {
  readonly provider: SignInVendor;
  readonly client_id: string;
  readonly client_secret: string;
  readonly redirect_uris: readonly string[];
}
/** A person who is not made of their address alone. */
export interface SignInPerson {
  readonly provider: SignInVendor;
  readonly email: string;
  readonly subject?: string;
  readonly tenant?: string;
  /** Over what the provider would say of them; null takes a claim away. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** What the token endpoint does instead of answering. */
const tokenAnswers: Readonly<Record<string, Answer>> = {
  "token-none": { kind: "json", status: 200, body: { access_token: "at", token_type: "Bearer", expires_in: 3599 } },
  "token-unreadable": { kind: "text", status: 200, text: '{"id_token": "' },
  "token-huge": { kind: "text", status: 200, text: JSON.stringify({ id_token: "x", padding: "x".repeat(1_000_000) }) },
  "token-redirect": { kind: "redirect", to: "/google/elsewhere" },
  "token-down": { kind: "text", status: 503, text: "<html>busy</html>" },
  "token-drop": { kind: "drop" },
  "token-hang": { kind: "hang" },
  "secret-expired": {
    kind: "json",
    status: 401,
    body: { error: "invalid_client", error_description: "The secret has expired." },
  },
};
/** What the next request for the keys comes to. */
const keysAnswers: Readonly<Record<string, Answer>> = {
  "keys-none": { kind: "json", status: 200, body: { keys: [] } },
  "keys-unreadable": { kind: "text", status: 200, text: "[1" },
  "keys-huge": { kind: "text", status: 200, text: JSON.stringify({ keys: [], padding: "x".repeat(1_000_000) }) },
  "keys-many": { kind: "json", status: 200, body: { keys: Array.from({ length: 1_000 }, () => ({ kty: "RSA" })) } },
  "keys-redirect": { kind: "redirect", to: "/google/oauth2/v3/certs?again" },
  "keys-down": { kind: "text", status: 500, text: "" },
  "keys-hang": { kind: "hang" },
};
/** What the browser comes back with instead of a code. */
const errors: Readonly<Record<string, string>> = {
  denied: "access_denied",
  broken: "server_error",
  strange: "</h1><script>alert(1)</script>",
};
const slowSeconds = 1;
export const signInScenarios = [
  ...tokenScenarios,
  ...Object.keys(tokenAnswers),
  ...Object.keys(keysAnswers),
  ...Object.keys(errors),
  "slow",
  "iss-parameter",
];

interface Code {
  readonly vendor: SignInVendor;
  readonly clientId: string;
  readonly redirectUri: string;
  readonly challenge: string;
  readonly nonce: string;
  readonly person: TestPerson;
  readonly scenario: string;
  readonly at: number;
  isUsed: boolean;
}
export interface IdentityHouse {
  registerClient(client: SignInClient): void;
  registerPerson(person: SignInPerson): void;
  /** Null for a path that is none of its own. */
  request(method: string, url: URL, origin: string, body: string): Answer | null;
}

const codeSeconds = 60;
const json = (status: number, body: unknown): Answer => ({ kind: "json", status, body });
const refusal = (error: string, status = 400): Answer => json(status, { error, error_description: `simulated: ${error}` });
const page = (status: number, html: string): Answer => ({
  kind: "text",
  status,
  text: `<!doctype html><meta charset="utf-8"><title>Simulated sign-in</title>${html}`,
  headers: { "content-type": "text/html; charset=utf-8" },
});

export function identityHouse(): IdentityHouse {
  const clients = new Map<string, SignInClient>();
  const people = new Map<string, SignInPerson>();
  const codes = new Map<string, Code>();
  const nextKeys = new Map<SignInVendor, Answer>();
  let made: KeyRing | undefined;
  // Made when the first person signs in: whoever dials only needs none.
  const ring = (): KeyRing => (made ??= makeKeyRing());

  function personOf(vendor: SignInVendor, email: string): TestPerson {
    const known = people.get(`${vendor} ${email}`);
    return {
      email,
      subject: known?.subject ?? subjectOf(vendor, email),
      tenant: known?.tenant ?? tenantOf(email),
      claims: known?.claims ?? {},
    };
  }

  function authorize(vendor: SignInVendor, url: URL, origin: string): Answer {
    const asked = url.searchParams;
    const client = clients.get(`${vendor} ${asked.get("client_id")}`);
    const redirectUri = asked.get("redirect_uri") ?? "";
    // Without a registered address there is nowhere to send an error to.
    if (client === undefined || !client.redirect_uris.includes(redirectUri))
      return page(400, "<p>This client or its redirect URI is not registered here.</p>");
    const back = (parameters: Readonly<Record<string, string>>): Answer => {
      const to = new URL(redirectUri);
      for (const [name, value] of Object.entries({ ...parameters, state: asked.get("state") ?? "" }))
        to.searchParams.set(name, value);
      return { kind: "redirect", to: to.href };
    };
    const isWhole =
      asked.get("response_type") === "code" &&
      asked.get("scope")?.split(" ").includes("openid") === true &&
      asked.get("code_challenge_method") === "S256" &&
      /^[\w-]{43}$/.test(asked.get("code_challenge") ?? "") &&
      (asked.get("nonce") ?? "") !== "";
    if (!isWhole) return back({ error: "invalid_request" });
    const email = asked.get("login_hint");
    if (email === null) return choice(vendor, url);
    const scenario = /\+([a-z0-9-]+)@/.exec(email)?.[1] ?? "";
    const error = errors[scenario];
    if (error !== undefined) return back({ error, error_description: `<b>${error}</b>` });
    const keys = keysAnswers[scenario];
    if (keys !== undefined) nextKeys.set(vendor, keys);
    const code = randomBytes(24).toString("base64url");
    codes.set(code, {
      vendor,
      clientId: client.client_id,
      redirectUri,
      challenge: asked.get("code_challenge") ?? "",
      nonce: asked.get("nonce") ?? "",
      person: personOf(vendor, email),
      scenario,
      at: Date.now(),
      isUsed: false,
    });
    return back({ code, ...(scenario === "iss-parameter" ? { iss: issuerOf(vendor, origin, tenantOf(email)) } : {}) });
  }

  /** By hand: whom to sign in. */
  function choice(vendor: SignInVendor, url: URL): Answer {
    const known = [...people.values()].filter((person) => person.provider === vendor).map(({ email }) => email);
    const rows = [...known, "ada@acme.test", "bo@acme.test", "ada@gmail.com", "ada+unverified@acme.test", "ada+denied@acme.test"];
    const links = rows.map((email) => {
      const to = new URL(url);
      to.searchParams.set("login_hint", email);
      return `<li><a href="${`${to.pathname}${to.search}`.replaceAll("&", "&amp;").replaceAll('"', "&quot;")}">${email.replaceAll("<", "&lt;")}</a></li>`;
    });
    return page(200, `<h1>Simulated ${vendor}</h1><p>Sign in as</p><ul>${links.join("")}</ul>`);
  }

  function redeem(vendor: SignInVendor, body: string, origin: string): Answer {
    const form = new URLSearchParams(body);
    const client = clients.get(`${vendor} ${form.get("client_id")}`);
    if (client === undefined || client.client_secret !== form.get("client_secret")) return refusal("invalid_client", 401);
    if (form.get("grant_type") !== "authorization_code") return refusal("unsupported_grant_type");
    const code = codes.get(form.get("code") ?? "");
    const isTheirs =
      code !== undefined &&
      code.vendor === vendor &&
      code.clientId === client.client_id &&
      code.redirectUri === form.get("redirect_uri") &&
      Date.now() - code.at < codeSeconds * 1000;
    if (!isTheirs || code.isUsed) return refusal("invalid_grant");
    code.isUsed = true;
    const verifier = form.get("code_verifier");
    if (verifier === null) return refusal("invalid_request");
    if (createHash("sha256").update(verifier).digest("base64url") !== code.challenge) return refusal("invalid_grant");
    const special = tokenAnswers[code.scenario];
    if (special !== undefined) return special;
    const { clientId, nonce, person, scenario } = code;
    const idToken = idTokenFor(ring(), { vendor, origin, clientId, nonce, person, scenario });
    const answer = {
      access_token: randomBytes(16).toString("hex"),
      token_type: "Bearer",
      expires_in: 3_599,
      scope: "openid email",
      id_token: idToken,
    };
    return scenario === "slow"
      ? { kind: "text", status: 200, text: JSON.stringify(answer), afterSeconds: slowSeconds }
      : json(200, answer);
  }

  function keysOf(vendor: SignInVendor, origin: string): Answer {
    const special = nextKeys.get(vendor);
    nextKeys.delete(vendor);
    return special ?? json(200, publishedKeys(ring(), vendor, origin));
  }

  return {
    registerClient(client) {
      clients.set(`${client.provider} ${client.client_id}`, client);
    },
    registerPerson(person) {
      people.set(`${person.provider} ${person.email}`, person);
    },
    request(method, url, origin, body) {
      const vendor = /^\/(google|microsoft)\//.exec(url.pathname)?.[1] as SignInVendor | undefined;
      if (vendor === undefined) return null;
      const doors = doorsOf(vendor);
      if (url.pathname === doors.discovery && method === "GET") return json(200, discovery(vendor, origin));
      if (url.pathname === doors.authorization && method === "GET") return authorize(vendor, url, origin);
      if (url.pathname === doors.token && method === "POST") return redeem(vendor, body, origin);
      if (url.pathname === doors.keys && method === "GET") return keysOf(vendor, origin);
      return json(404, { error: "not_found" });
    },
  };
}

/** The vendors' own paths. */
const doorsOf = (vendor: SignInVendor) =>
  vendor === "google"
    ? {
        discovery: "/google/.well-known/openid-configuration",
        authorization: "/google/o/oauth2/v2/auth",
        token: "/google/token",
        keys: "/google/oauth2/v3/certs",
      }
    : {
        discovery: "/microsoft/common/v2.0/.well-known/openid-configuration",
        authorization: "/microsoft/common/oauth2/v2.0/authorize",
        token: "/microsoft/common/oauth2/v2.0/token",
        keys: "/microsoft/common/discovery/v2.0/keys",
      };

function discovery(vendor: SignInVendor, origin: string) {
  const doors = doorsOf(vendor);
  return {
    issuer: issuerOf(vendor, origin, "{tenantid}"),
    authorization_endpoint: origin + doors.authorization,
    token_endpoint: origin + doors.token,
    jwks_uri: origin + doors.keys,
    response_types_supported: ["code"],
    subject_types_supported: [vendor === "google" ? "public" : "pairwise"],
    id_token_signing_alg_values_supported: ["RS256", "ES256"],
    token_endpoint_auth_methods_supported: ["client_secret_post"],
    code_challenge_methods_supported: ["S256"],
    scopes_supported: ["openid", "email", "profile"],
  };
}
