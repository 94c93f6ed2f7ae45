import { base62Of, bytesOfUuid, uuidOfBase62 } from "./base62.ts";

/**
 * A session's cookie: `dgs_<session: 22 base62>_<person: 22 base62>_<secret: 32 base62>`. Whose it is stands in it, so that
 * who acts is known before the database has proved it; only a keyed hash of the whole is stored.
 */
export interface SessionToken {
  readonly id: string;
  readonly userId: string;
  readonly clear: string;
}
const pattern = /^dgs_([0-9A-Za-z]{22})_([0-9A-Za-z]{22})_[0-9A-Za-z]{32}$/;
const secretBytes = 23;

/** @param random 23 bytes: 184 bits, which is less than 32 base62 digits hold, so that no digit is biased. */
export function mintSessionToken(id: string, userId: string, random: (bytes: number) => Uint8Array): SessionToken {
  const parts = [base62Of(bytesOfUuid(id), 22), base62Of(bytesOfUuid(userId), 22), base62Of(random(secretBytes), 32)];
  return { id, userId, clear: `dgs_${parts.join("_")}` };
}

/** Null for what was never made. */
export function parseSessionToken(text: string): SessionToken | null {
  const [, session = "", user = ""] = pattern.exec(text) ?? [];
  const [id, userId] = [uuidOfBase62(session), uuidOfBase62(user)];
  return id === null || userId === null ? null : { id, userId, clear: text };
}

/** A session's token as it is made, and what is stored of it. */
export interface MintedSession extends SessionToken {
  readonly hash: Uint8Array;
}
/** @param id of the session: a new one, or the one that goes on under another token. */
export type SessionMint = (userId: string, id?: string) => Promise<MintedSession>;

export const sessionMint =
  (newId: () => string, random: (bytes: number) => Uint8Array, hash: (clear: string) => Promise<Uint8Array>): SessionMint =>
  async (userId, id = newId()) => {
    const token = mintSessionToken(id, userId, random);
    return { ...token, hash: await hash(token.clear) };
  };
