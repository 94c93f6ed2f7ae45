/** ID tokens as Google and Microsoft write them, and as nobody should take them. */
import { constants, createHash, createHmac, generateKeyPairSync, type KeyObject, sign } from "node:crypto";

export type SignInVendor = "google" | "microsoft";
/** Who signs in at the provider. */
export interface TestPerson {
  readonly email: string;
  readonly subject: string;
  /** Microsoft: the tenant's id. */
  readonly tenant: string;
  /** Over what the provider would say; `null` takes a claim away. */
  readonly claims: Readonly<Record<string, unknown>>;
}
export interface TokenRequest {
  readonly vendor: SignInVendor;
  /** `http://127.0.0.1:port` */
  readonly origin: string;
  readonly clientId: string;
  readonly nonce: string;
  readonly person: TestPerson;
  readonly scenario: string;
}

interface Key {
  readonly kid: string;
  readonly alg: "RS256" | "ES256";
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** Microsoft: whose tokens it signs. */
  readonly tenant?: string;
}
export interface KeyRing {
  readonly rsa: Key;
  readonly ec: Key;
  /** Of one tenant alone. */
  readonly tenants: Key;
  /** Published by nobody, under the first one's id. */
  readonly foreign: Key;
}
export const otherTenant = "11111111-2222-4333-8444-555555555555";

export function makeKeyRing(): KeyRing {
  const rsa = (kid: string) => ({ kid, alg: "RS256" as const, ...generateKeyPairSync("rsa", { modulusLength: 2048 }) });
  return {
    rsa: rsa("sim-rsa"),
    ec: { kid: "sim-ec", alg: "ES256", ...generateKeyPairSync("ec", { namedCurve: "P-256" }) },
    tenants: { ...rsa("sim-tenant"), tenant: otherTenant },
    foreign: rsa("sim-rsa"),
  };
}

export const issuerOf = (vendor: SignInVendor, origin: string, tenant: string): string =>
  vendor === "google" ? `${origin}/google` : `${origin}/microsoft/${tenant}/v2.0`;

/** The key set as it is published: Microsoft's keys say which tenants they sign for. */
export const publishedKeys = (ring: KeyRing, vendor: SignInVendor, origin: string): unknown => ({
  keys: [ring.rsa, ring.ec, ...(vendor === "microsoft" ? [ring.tenants] : [])].map((key) => ({
    ...key.publicKey.export({ format: "jwk" }),
    kid: key.kid,
    // Microsoft's name no algorithm.
    ...(vendor === "google" ? { alg: key.alg } : {}),
    use: "sig",
    ...(vendor === "microsoft" ? { issuer: issuerOf(vendor, origin, key.tenant ?? "{tenantid}") } : {}),
  })),
});

const lifeSeconds = 3_600;

function healthyClaims({ vendor, origin, clientId, nonce, person }: TokenRequest): Record<string, unknown> {
  const now = Math.floor(Date.now() / 1000);
  const common = {
    aud: clientId,
    sub: person.subject,
    email: person.email,
    name: nameOf(person.email),
    nonce,
    iat: now,
    exp: now + lifeSeconds,
  };
  const domain = person.email.slice(person.email.lastIndexOf("@") + 1);
  if (vendor === "google") {
    const hosted = domain === "gmail.com" ? {} : { hd: domain };
    return { iss: issuerOf(vendor, origin, ""), azp: clientId, email_verified: true, ...hosted, ...common };
  }
  const iss = issuerOf(vendor, origin, person.tenant);
  // Microsoft dates its tokens back (iat and nbf).
  return { iss, tid: person.tenant, ver: "2.0", xms_edov: true, ...common, iat: now - 300, nbf: now - 300 };
}

/** "ada.lovelace@acme.test" is Ada Lovelace. */
const nameOf = (email: string): string =>
  email
    .replace(/[@+].*$/, "")
    .split(".")
    .map((word) => `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`)
    .join(" ");

type Claims = Record<string, unknown>;
/** What a scenario does to the claims of a healthy token; null takes one away. */
const changes: Readonly<Record<string, (claims: Claims, request: TokenRequest) => Claims>> = {
  unverified: (claims) => ({ ...claims, email_verified: false, xms_edov: false }),
  "unverified-silent": (claims) => ({ ...claims, email_verified: null, xms_edov: null }),
  "verified-text": (claims) => ({ ...claims, email_verified: "true" }),
  "third-party": (claims) => ({ ...claims, hd: null }),
  "edov-text": (claims) => ({ ...claims, xms_edov: "1" }),
  "primary-address": (claims) => ({ ...claims, xms_edov: null, verified_primary_email: [claims["email"]] }),
  "no-address": (claims) => ({ ...claims, email: null }),
  "other-audience": (claims) => ({ ...claims, aud: "someone-elses-client" }),
  "two-audiences": (claims) => ({ ...claims, aud: [claims["aud"], "someone-elses-client"] }),
  "audience-list": (claims) => ({ ...claims, aud: [claims["aud"]] }),
  "other-audience-list": (claims) => ({ ...claims, aud: ["someone-elses-client"] }),
  "no-audience": (claims) => ({ ...claims, aud: null }),
  "other-party": (claims) => ({ ...claims, azp: "someone-elses-client" }),
  "other-issuer": (claims) => ({ ...claims, iss: "https://issuer.invalid" }),
  "other-vendor": (claims, { vendor, origin, person }) => ({
    ...claims,
    iss: issuerOf(vendor === "google" ? "microsoft" : "google", origin, person.tenant),
  }),
  "issuer-suffix": (claims) => ({ ...claims, iss: `${String(claims["iss"])}.evil.invalid` }),
  "other-tenant": (claims) => ({ ...claims, tid: otherTenant }),
  "no-tenant": (claims) => ({ ...claims, tid: null }),
  "common-tenant": (claims, { vendor, origin }) => ({ ...claims, tid: "common", iss: issuerOf(vendor, origin, "common") }),
  "wrong-nonce": (claims) => ({ ...claims, nonce: "another-flows-nonce" }),
  "no-nonce": (claims) => ({ ...claims, nonce: null }),
  expired: (claims) => ({ ...claims, iat: Number(claims["iat"]) - 7_200, exp: Number(claims["exp"]) - 7_200 }),
  stale: (claims) => ({ ...claims, iat: Number(claims["iat"]) - 3_000 }),
  "from-tomorrow": (claims) => ({ ...claims, iat: Number(claims["iat"]) + 86_400, exp: Number(claims["exp"]) + 86_400 }),
  "not-before": (claims) => ({ ...claims, nbf: Number(claims["exp"]) - 60 }),
  "no-expiry": (claims) => ({ ...claims, exp: null }),
  "no-issue": (claims) => ({ ...claims, iat: null }),
  "no-subject": (claims) => ({ ...claims, sub: null }),
  "empty-subject": (claims) => ({ ...claims, sub: "" }),
  "number-subject": (claims) => ({ ...claims, sub: 42 }),
  "long-subject": (claims) => ({ ...claims, sub: "s".repeat(256) }),
};
/** Which are done to header and signature instead. */
const forgeries = ["es256", "alg-none", "alg-hs256", "alg-ps256", "unknown-kid", "no-kid", "forged", "tampered", "unsigned", "own-key-in-header", "key-address-in-header", "critical-header", "logout-token", "tenants-key"]; // prettier-ignore
export const tokenScenarios = [...Object.keys(changes), ...forgeries];

const text = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

function signature(key: Key, signed: string, padding: number): string {
  const { privateKey } = key;
  const by =
    key.alg === "ES256"
      ? ({ key: privateKey, dsaEncoding: "ieee-p1363" } as const)
      : { key: privateKey, padding, saltLength: 32 };
  return sign("sha256", Buffer.from(signed), by).toString("base64url");
}
function signedBy(
  key: Key,
  header: Readonly<Record<string, unknown>>,
  claims: Claims,
  padding: number = constants.RSA_PKCS1_PADDING,
): string {
  const signed = `${text({ alg: key.alg, kid: key.kid, typ: "JWT", ...header })}.${text(claims)}`;
  return `${signed}.${signature(key, signed, padding)}`;
}

export function idTokenFor(ring: KeyRing, request: TokenRequest): string {
  const { scenario, person } = request;
  const healthy = healthyClaims(request);
  const changed = changes[scenario]?.(healthy, request) ?? healthy;
  const claims = Object.fromEntries(Object.entries({ ...changed, ...person.claims }).filter(([, value]) => value !== null));
  const { rsa, ec, tenants, foreign } = ring;
  switch (scenario) {
    case "es256":
      return signedBy(ec, {}, claims);
    case "alg-none":
      return `${text({ alg: "none", typ: "JWT" })}.${text(claims)}.`;
    case "alg-hs256": {
      // The public key, which anyone has, as the secret of an HMAC.
      const signed = `${text({ alg: "HS256", kid: rsa.kid, typ: "JWT" })}.${text(claims)}`;
      const secret = rsa.publicKey.export({ format: "pem", type: "spki" });
      return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
    }
    case "alg-ps256":
      // A good signature of the very key, in a way that nobody agreed on.
      return signedBy(rsa, { alg: "PS256" }, claims, constants.RSA_PKCS1_PSS_PADDING);
    case "unknown-kid":
      return signedBy({ ...foreign, kid: "never-published" }, {}, claims);
    case "no-kid":
      return signedBy(ec, { kid: undefined }, claims);
    case "forged":
      return signedBy(foreign, {}, claims);
    case "tampered": {
      const [header, , mark] = signedBy(rsa, {}, claims).split(".");
      return [header, text({ ...claims, email: "someone.else@victim.test" }), mark].join(".");
    }
    case "unsigned":
      return signedBy(rsa, {}, claims).replace(/[^.]*$/, "");
    case "own-key-in-header":
      return signedBy({ ...foreign, kid: "mine" }, { jwk: foreign.publicKey.export({ format: "jwk" }) }, claims);
    case "key-address-in-header":
      return signedBy(foreign, { jku: `${request.origin}/elsewhere`, x5u: `${request.origin}/elsewhere` }, claims);
    case "critical-header":
      return signedBy(rsa, { crit: ["exp"], exp: 1 }, claims);
    case "logout-token":
      return signedBy(rsa, { typ: "logout+jwt" }, claims);
    case "tenants-key":
      return signedBy(tenants, {}, claims);
    default:
      return signedBy(rsa, {}, claims);
  }
}

/** A subject that stays with an address for as long as nobody registers another. */
export const subjectOf = (vendor: SignInVendor, email: string): string =>
  createHash("sha256").update(`${vendor} ${email}`).digest("hex").slice(0, 24);
/** A tenant for each domain, as a uuid. */
export function tenantOf(email: string): string {
  const digest = createHash("sha256")
    .update(email.slice(email.lastIndexOf("@") + 1))
    .digest("hex");
  return [
    digest.slice(0, 8),
    digest.slice(8, 12),
    `4${digest.slice(13, 16)}`,
    `8${digest.slice(17, 20)}`,
    digest.slice(20, 32),
  ].join("-");
}
