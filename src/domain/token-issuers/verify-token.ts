import type { OrgDb } from "../../db/org-db.ts";
import { readTokenIssuer, type TokenIssuerRow } from "../../db/queries/token-issuers.ts";
import { AccessRefused, type SystemDb } from "../../db/system-db.ts";
import { rowsOf } from "../../db/transport.ts";
import { addSeconds, type Instant, instantOf, recorded, secondsOf } from "../../lib/instant.ts";
import type { PublicJwk } from "../../lib/public-jwk.ts";
import { readToken, type TokenFault, type UnprovenToken } from "../../lib/read-token.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";
import type { Sealed } from "../../lib/sealing.ts";
import type { TokenKeys, VerifyingKey } from "../../providers/token-keys.ts";
import { fetchKeySet, keySetSeconds } from "./fetch-key-set.ts";

/** An issuer's record, as a signature is judged by it. */
export type SigningIssuer = TokenIssuerRow;
/**
 * Issuers whose tokens were proved a moment ago, so that most requests with a token are one request to the database. It decides
 * nothing alone: the statement that binds asks again whether the issuer is still of that version.
 */
export interface KnownIssuers {
  get(id: string, now: Instant): SigningIssuer | null;
  keep(issuer: SigningIssuer, now: Instant): void;
  forget(id: string): void;
}

/** A token whose signature held under one version of its issuer: what the binding statement asks again. */
export interface ProvenToken {
  readonly issuerId: string;
  readonly version: number;
  readonly issuedAt: Instant;
  readonly expiresAt: Instant;
  readonly scopes: readonly string[] | null;
  readonly subject: string;
  /** The issuer's record names that subject. */
  readonly isListed: boolean;
}
export interface TokenDeps {
  readonly system: SystemDb;
  readonly publicOrigin: string;
  readonly tokenKeys: TokenKeys;
  readonly knownIssuers: KnownIssuers;
  now(): Instant;
}

/**
 * Who signed the token, and for whom. What can be refused without its issuer's record is refused first; then the record is
 * looked up once at most, and everything after that has one refusal: an issuer that is unknown, revoked or another org's, a
 * signature that does not hold and a subject that may not are not told apart.
 */
export async function verifyToken(
  deps: TokenDeps,
  text: string,
  requestId: string,
): Promise<Result<ProvenToken, TokenFault | "token_refused">> {
  const now = deps.now();
  const read = readToken(text, deps.publicOrigin, secondsOf(now));
  if (!read.ok) return read;
  const token = read.value;
  const known = deps.knownIssuers.get(token.issuerId, now);
  if (known !== null && (await isSignedBy(deps, token, known, now))) return ok(proven(token, known));
  const found = await lookUp(deps, token, requestId, now);
  if (found === null || !(await isSignedBy(deps, token, found, now))) return refuse("token_refused");
  deps.knownIssuers.keep(found, now);
  return ok(proven(token, found));
}

const proven = (token: UnprovenToken, issuer: SigningIssuer): ProvenToken => ({
  issuerId: issuer.id,
  version: issuer.version,
  issuedAt: instantOf(token.issuedAt),
  expiresAt: instantOf(token.expiresAt),
  scopes: token.scopes,
  subject: token.subject,
  isListed: issuer.subjects?.includes(token.subject) === true,
});

async function lookUp(deps: TokenDeps, token: UnprovenToken, requestId: string, now: Instant): Promise<SigningIssuer | null> {
  const org = deps.system.asTokenIssuer(token.issuerId, requestId, now);
  const ages = { freshSince: addSeconds(now, -keySetSeconds.fresh), triedSince: addSeconds(now, -keySetSeconds.retry) };
  const found = await readIssuer(org, readTokenIssuer(token, now, ages));
  if (found === null || !found.fetch_keys) return found;
  return fetchKeySet(org, deps.tokenKeys, found, now);
}

async function readIssuer(org: OrgDb, statement: ReturnType<typeof readTokenIssuer>): Promise<SigningIssuer | null> {
  // An audience that names no issuer binds no org.
  const found = await org.query(statement).catch((thrown: unknown) => {
    if (thrown instanceof AccessRefused) return null;
    throw thrown;
  });
  const [answer] = found?.answers ?? [];
  return (answer === undefined ? undefined : rowsOf<SigningIssuer>(answer)[0]) ?? null;
}

async function isSignedBy(deps: TokenDeps, token: UnprovenToken, issuer: SigningIssuer, now: Instant): Promise<boolean> {
  if (token.alg !== issuer.alg || token.issuer !== issuer.issuer) return false;
  if (issuer.subjects !== null && !issuer.subjects.includes(token.subject)) return false;
  const key = keyFor(token, issuer, now);
  return key !== null && deps.tokenKeys.holds(token, token.alg, key, secondsOf(now));
}

/** The issuer's own key, or the one of its set that the token names. A set that could not be fetched for too long has none. */
function keyFor(token: UnprovenToken, issuer: SigningIssuer, now: Instant): VerifyingKey | null {
  if (issuer.jwks_url !== null) {
    const fetchedAt = recorded(issuer.jwks_fetched_at);
    if (fetchedAt === null || fetchedAt < addSeconds(now, -keySetSeconds.stale) || token.keyId === null) return null;
    const jwk = (issuer.jwks as readonly PublicJwk[]).find(({ kid }) => kid === token.keyId);
    return jwk === undefined ? null : { kind: "public", jwk };
  }
  const jwk = issuer.public_key as PublicJwk | null;
  // A token that names a key means that one.
  if (token.keyId !== null && token.keyId !== jwk?.kid) return null;
  if (jwk !== null) return { kind: "public", jwk };
  return { kind: "secret", identity: { orgId: issuer.org_id, connectionId: issuer.id }, sealed: issuer.sealed as Sealed };
}
