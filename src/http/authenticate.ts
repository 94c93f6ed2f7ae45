import type { Context, MiddlewareHandler } from "hono";
import { getCookie } from "hono/cookie";
import type { TokenProof } from "../db/system-db.ts";
import { parseApiKey } from "../lib/api-key.ts";
import { uuidOf } from "../lib/ids.ts";
import { looksLikeToken } from "../lib/read-token.ts";
import { parseSessionToken } from "../lib/session-token.ts";
import { ofToken } from "./authenticate-token.ts";
import type { HttpEnv } from "./http-env.ts";
import { isAccessRefused, unauthorized } from "./on-error.ts";
import { refuseCrossSite } from "./refuse-cross-site.ts";

/** Who calls, as far as the request alone can say; the database proves it with the first statement. */
export type Principal =
  | {
      readonly kind: "api_key";
      readonly id: string;
      readonly hash: Uint8Array;
      /** The organisation that the request names: only the key's own is there. */
      readonly org: string | null;
    }
  | {
      readonly kind: "token";
      /** One for each of an issuer's subjects. */
      readonly id: string;
      readonly proof: TokenProof;
      readonly org: string | null;
    }
  | {
      readonly kind: "session";
      /** Whom the session is of: what they do is theirs, whichever session they do it in. */
      readonly id: string;
      readonly sessionId: string;
      readonly hash: Uint8Array;
      /** The organisation that the request names; null: the person's only one. */
      readonly org: string | null;
      /** An operator's support grant. */
      readonly grant: string | null;
    };

export const sessionCookie = "__Host-dialgate-session";
/** No row has it: an id that is malformed names nothing, as one that is not there. */
const noUuid = "00000000-0000-0000-0000-000000000001";

/**
 * Reads the credential: what was never issued is refused here, without the database. A token's issuer alone is looked up, once
 * and only when the token could be one of its.
 */
export const authenticate: MiddlewareHandler<HttpEnv> = async (c, next) => {
  const principal = await principalOf(c);
  c.set("principal", principal);
  await next();
  if (principal.kind !== "token" || c.error === undefined || !isAccessRefused(c.error)) return;
  // Its issuer is not as it was remembered.
  if (c.error.reason === "token_refused") c.env.knownIssuers.forget(principal.proof.issuerId);
};

async function principalOf(c: Context<HttpEnv>): Promise<Principal> {
  const header = c.req.header("authorization");
  if (header !== undefined) return ofBearer(c, header);
  const cookie = getCookie(c, sessionCookie);
  if (cookie === undefined) throw unauthorized("Send an API key, Authorization: Bearer dg_test_…, or sign in.");
  const session = await parseSessionToken(cookie, c.env.hashApiKey);
  if (session === null) throw unauthorized("The cookie is no session of this service. Sign in again.");
  // A browser sends the cookie along whoever made it ask.
  refuseCrossSite(c, " With an API key in the place of the cookie nothing of this is asked.");
  const grant = c.req.header("dialgate-support-grant");
  return {
    kind: "session",
    id: session.userId,
    sessionId: session.id,
    hash: await c.env.hashApiKey(session.clear),
    org: namedOrg(c),
    grant: grant === undefined ? null : (uuidOf("supportGrant", grant) ?? noUuid),
  };
}

async function ofBearer(c: Context<HttpEnv>, header: string): Promise<Principal> {
  const token = /^Bearer +([\x21-\x7e]+)$/i.exec(header)?.[1];
  if (token !== undefined && looksLikeToken(token)) return ofToken(c, token, namedOrg(c));
  const key = token === undefined ? null : parseApiKey(token);
  if (key === null) throw unauthorized("The Authorization header carries no API key of this service.");
  return { kind: "api_key", id: key.id, hash: await c.env.hashApiKey(key.clear), org: namedOrg(c) };
}

function namedOrg(c: Context<HttpEnv>): string | null {
  const org = c.req.header("dialgate-org");
  return org === undefined ? null : (uuidOf("org", org) ?? noUuid);
}
