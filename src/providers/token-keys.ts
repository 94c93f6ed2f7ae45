import { errors, importJWK, jwtVerify, type JWTVerifyOptions, type KeyInput } from "jose";
import * as z from "zod";
import { fromBase64Url } from "../lib/base64url.ts";
import { type Seconds } from "../lib/instant.ts";
import { type PublicJwk, readPublicJwk, type TokenAlg } from "../lib/public-jwk.ts";
import { tokenLimits, type UnprovenToken } from "../lib/read-token.ts";
import { ok, refuse, type Result } from "../lib/result.ts";
import type { Keyring, Sealed } from "../lib/sealing.ts";
import { isPublicHttpsUrl } from "./dnc/public-https-url.ts";
import { openCredential } from "./open-credential.ts";
import { readJson } from "./read-json.ts";
import { type CredentialIdentity, sealCredential } from "./seal-credential.ts";
import { type Fetch, sendOnce } from "./send-once.ts";

/** Why a key set was not taken. Nothing of an answer is repeated: the address is a customer's word, and what it reaches is not. */
export type KeySetFailure =
  | "address_refused"
  | "timeout"
  | "unreachable"
  | "redirected"
  | "answer_too_large"
  | "answer_refused"
  | "no_key_set";

/** The one key that a signature is tried with, and which its issuer's record chose. */
export type VerifyingKey =
  | { readonly kind: "public"; readonly jwk: PublicJwk }
  | { readonly kind: "secret"; readonly identity: Omit<SecretIdentity, "version">; readonly sealed: Sealed };
/** A secret is bound to its org, its issuer's record and the version that it came with. */
type SecretIdentity = Omit<CredentialIdentity, "kind">;

/** What the libraries of signatures and the network are needed for. */
export interface TokenKeys {
  /** Whether WebCrypto takes the key: a point that is not on its curve has the right form. */
  takes(alg: TokenAlg, jwk: PublicJwk): Promise<boolean>;
  /** A secret that signs, in base64url: it opens for verifying and for nothing else. */
  seal(identity: SecretIdentity, secret: string): Promise<Sealed>;
  /** The keys there that fit the algorithm, by id; an empty list is an answer too, and trusts nobody. */
  fetchKeys(alg: TokenAlg, url: string): Promise<Result<readonly PublicJwk[], KeySetFailure>>;
  /** Whether the signature holds under this algorithm and key, for these claims at this time. */
  holds(token: UnprovenToken, alg: TokenAlg, key: VerifyingKey, now: Seconds): Promise<boolean>;
}
export interface TokenKeysWiring {
  readonly keyring: Keyring;
  readonly fetch: Fetch;
  /** Origins that are our own: no key is fetched from them. */
  readonly ownOrigins: readonly string[];
}

const kind = "token_issuer";
const timeoutSeconds = 3;
const answerBytesMax = 128 * 1024;
const keysMax = 50;

export function tokenKeys({ keyring, fetch, ownOrigins }: TokenKeysWiring): TokenKeys {
  const ownHosts = new Set(ownOrigins.map((origin) => new URL(origin).hostname));
  const mayFetch = (url: string): boolean => isPublicHttpsUrl(url) && !ownHosts.has(new URL(url).hostname);
  return {
    takes: async (alg, jwk) => (await imported(alg, jwk)) !== null,
    seal: (identity, secret) => sealCredential(keyring, { ...identity, kind }, ["verify"], { secret }),
    fetchKeys: async (alg, url) => (mayFetch(url) ? fetchKeys(fetch, alg, url) : refuse("address_refused")),
    async holds(token, alg, key, now) {
      if (key.kind === "public") {
        const made = await imported(alg, key.jwk);
        return made !== null && verifies(token, alg, made, now);
      }
      const identity = { ...key.identity, kind, version: key.sealed.version };
      return openCredential(
        keyring,
        identity,
        key.sealed,
      )("verify", async ({ secret = "" }) => {
        const bytes = fromBase64Url(secret);
        if (bytes === null) return false;
        try {
          return await verifies(token, alg, bytes, now);
        } finally {
          bytes.fill(0);
        }
      });
    },
  };
}

async function imported(alg: TokenAlg, jwk: PublicJwk) {
  try {
    return await importJWK(jwk, alg);
  } catch {
    return null;
  }
}

/** The library reads the token a second time, and asks all that was asked before: what it refuses is refused. */
async function verifies(token: UnprovenToken, alg: TokenAlg, key: KeyInput, now: Seconds): Promise<boolean> {
  const demanded: JWTVerifyOptions = {
    algorithms: [alg],
    issuer: token.issuer,
    audience: token.audience,
    subject: token.subject,
    requiredClaims: ["exp", "iat"],
    currentDate: new Date(now * 1000),
    clockTolerance: tokenLimits.skewSeconds,
  };
  try {
    await jwtVerify(token.text, key, demanded);
    return true;
  } catch (thrown) {
    // The library's errors carry the claims: they end here.
    if (thrown instanceof errors.JOSEError) return false;
    throw new Error("a signature could not be tried");
  }
}

const keySet = z.object({ keys: z.array(z.unknown()).max(1_000) });

async function fetchKeys(fetch: Fetch, alg: TokenAlg, url: string): Promise<Result<readonly PublicJwk[], KeySetFailure>> {
  const headers = { accept: "application/json" };
  const sent = await sendOnce(fetch, { method: "GET", url, headers, body: null, timeoutSeconds, maxAnswerBytes: answerBytesMax });
  if (sent.kind === "silent") return refuse(sent.reason === "connection_lost" ? "unreachable" : sent.reason);
  if (sent.status !== 200) return refuse("answer_refused");
  const read = readJson(keySet, sent.body);
  if (read === null) return refuse("no_key_set");
  const byId = new Map<string, PublicJwk | null>();
  for (const given of read.keys) {
    const key = readPublicJwk(alg, given);
    if (!key.ok || key.value.kid === undefined) continue;
    // Of two keys with one id nobody knows which is meant: neither is.
    byId.set(key.value.kid, byId.has(key.value.kid) ? null : key.value);
  }
  const usable: PublicJwk[] = [];
  for (const key of [...byId.values()].slice(0, keysMax))
    if (key !== null && (await imported(alg, key)) !== null) usable.push(key);
  return ok(usable);
}
