import { base62Of, bytesOfUuid, uuidOfBase62 } from "./base62.ts";
import { sameText } from "./constant-time.ts";

/**
 * A session's cookie: `dgs_<session: 22 base62>_<person: 22 base62>_<secret: 43 base62><tag: 22 base62>`. Whose it is stands
 * in it, so that who acts is known before the database has proved it; only a keyed hash of the whole is stored.
 *
 * The tag is a keyed digest of what stands before it, so that nobody else can make one: a made-up cookie is refused without
 * the database, and has no counter.
 */
export interface SessionToken {
  readonly id: string;
  readonly userId: string;
  readonly clear: string;
}
const pattern = /^(dgs_([0-9A-Za-z]{22})_([0-9A-Za-z]{22})_[0-9A-Za-z]{43})([0-9A-Za-z]{22})$/;
const secretBytes = 32;
type Hasher = (clear: string) => Promise<Uint8Array>;

/** @param random 32 bytes: 256 bits, of which 43 base62 digits hold each value once. */
export async function mintSessionToken(
  id: string,
  userId: string,
  random: (bytes: number) => Uint8Array,
  hash: Hasher,
): Promise<SessionToken> {
  const parts = [base62Of(bytesOfUuid(id), 22), base62Of(bytesOfUuid(userId), 22), base62Of(random(secretBytes), 43)];
  const body = `dgs_${parts.join("_")}`;
  return { id, userId, clear: body + (await tagOf(body, hash)) };
}

/** Null for what was never made here. */
export async function parseSessionToken(text: string, hash: Hasher): Promise<SessionToken | null> {
  const [, body = "", session = "", user = "", tag = ""] = pattern.exec(text) ?? [];
  const [id, userId] = [uuidOfBase62(session), uuidOfBase62(user)];
  if (id === null || userId === null || !(await sameText(tag, await tagOf(body, hash)))) return null;
  return { id, userId, clear: text };
}

/** 128 bits of the digest, under a name of its own: what is stored of a session is a digest of another text. */
const tagOf = async (body: string, hash: Hasher): Promise<string> => base62Of((await hash(`tag of ${body}`)).subarray(0, 16), 22);

/** A session's token as it is made, and what is stored of it. */
export interface MintedSession extends SessionToken {
  readonly hash: Uint8Array;
}
/** @param id of the session: a new one, or the one that goes on under another token. */
export type SessionMint = (userId: string, id?: string) => Promise<MintedSession>;

export const sessionMint =
  (newId: () => string, random: (bytes: number) => Uint8Array, hash: Hasher): SessionMint =>
  async (userId, id = newId()) => {
    const token = await mintSessionToken(id, userId, random, hash);
    return { ...token, hash: await hash(token.clear) };
  };
