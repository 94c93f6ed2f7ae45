import type { Context, MiddlewareHandler } from "hono";
import { getCookie } from "hono/cookie";
import { parseApiKey } from "../lib/api-key.ts";
import { uuidOf } from "../lib/ids.ts";
import { parseSessionToken } from "../lib/session-token.ts";
import type { HttpEnv } from "./http-env.ts";
import { unauthorized } from "./on-error.ts";
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

/** Reads the credential without touching the database: what was never issued is refused here. */
export const authenticate: MiddlewareHandler<HttpEnv> = async (c, next) => {
  c.set("principal", await principalOf(c));
  await next();
};

async function principalOf(c: Context<HttpEnv>): Promise<Principal> {
  const header = c.req.header("authorization");
  if (header !== undefined) return ofBearer(c, header);
  const cookie = getCookie(c, sessionCookie);
  if (cookie === undefined) throw unauthorized("Send an API key, Authorization: Bearer dg_test_…, or sign in.");
  const session = await parseSessionToken(cookie, c.env.hashApiKey);
  if (session === null) throw unauthorized("The cookie is no session of this service. Sign in again.");
  // A browser sends the cookie along whoever made it ask.
  refuseCrossSite(c);
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
  const token = /^Bearer +([\x21-\x7e]{1,512})$/i.exec(header)?.[1];
  const key = token === undefined ? null : parseApiKey(token);
  if (key === null) throw unauthorized("The Authorization header carries no API key of this service.");
  return { kind: "api_key", id: key.id, hash: await c.env.hashApiKey(key.clear), org: namedOrg(c) };
}

function namedOrg(c: Context<HttpEnv>): string | null {
  const org = c.req.header("dialgate-org");
  return org === undefined ? null : (uuidOf("org", org) ?? noUuid);
}
