import type { ApiKeyHasher } from "./api-key.ts";
import { fromBase64Url, toBase64Url } from "./base64url.ts";
import { sha256 } from "./bytes.ts";
import { sameText } from "./constant-time.ts";
import { joinBytes } from "./hmac.ts";
import { type Instant, instantOf, secondsOf } from "./instant.ts";

/** What a challenge was made for. An answer to one counts for no other. */
export type ChallengeUse = "register" | "sign_in" | "second_factor";

/**
 * Challenges that say by themselves until when they hold, and by a keyed hash for what and for whom they were made: 16 random
 * bytes, the end in seconds since 1970, the hash. Nobody who asks for one makes a row; whoever answers one uses it up.
 */
export interface Challenges {
  /** @param boundTo what the browser's cookie keeps, or the session's id. */
  issue(use: ChallengeUse, boundTo: string, now: Instant): Promise<string>;
  /** By what it is used up; null for what was not made here, for this use and this one, or has ended. */
  read(challenge: string, use: ChallengeUse, boundTo: string, now: Instant): Promise<HeldChallenge | null>;
}
export interface HeldChallenge {
  readonly digest: Uint8Array;
  readonly endsAt: Instant;
}

export const challengeSeconds = 300;
const [nonceBytes, endBytes, hashBytes] = [16, 4, 32] as const;

export function webauthnChallenges(random: (bytes: number) => Uint8Array, hash: ApiKeyHasher): Challenges {
  const hashed = (head: Uint8Array, use: ChallengeUse, boundTo: string) =>
    hash(JSON.stringify(["webauthn challenge", use, boundTo, toBase64Url(head)]));
  return {
    async issue(use, boundTo, now) {
      const end = new Uint8Array(endBytes);
      new DataView(end.buffer).setUint32(0, secondsOf(now) + challengeSeconds);
      const head = joinBytes(random(nonceBytes), end);
      return toBase64Url(joinBytes(head, await hashed(head, use, boundTo)));
    },
    async read(challenge, use, boundTo, now) {
      const bytes = fromBase64Url(challenge);
      if (bytes?.length !== nonceBytes + endBytes + hashBytes) return null;
      const head = bytes.subarray(0, nonceBytes + endBytes);
      const expected = toBase64Url(await hashed(head, use, boundTo));
      if (!(await sameText(expected, toBase64Url(bytes.subarray(nonceBytes + endBytes))))) return null;
      const end = new DataView(head.buffer, head.byteOffset).getUint32(nonceBytes);
      return end <= secondsOf(now) ? null : { digest: sha256(bytes), endsAt: instantOf(end) };
    },
  };
}
