import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { apiKeyHasher } from "../../src/lib/api-key.ts";
import { addSeconds, type Instant } from "../../src/lib/instant.ts";
import { challengeSeconds, webauthnChallenges } from "../../src/lib/webauthn-challenge.ts";

const challenges = webauthnChallenges(randomBytes, await apiKeyHasher(new Uint8Array(32).fill(9)));
const now = "2026-11-20T09:00:00Z" as Instant;

test("a challenge holds for its use, for whom it was made, until its end, and is used up by one digest", async () => {
  const one = await challenges.issue("sign_in", "browser", now);
  const held = await challenges.read(one, "sign_in", "browser", now);
  expect(held).toEqual({ digest: expect.any(Uint8Array), endsAt: addSeconds(now, challengeSeconds) });
  expect(await challenges.read(one, "sign_in", "browser", addSeconds(now, challengeSeconds - 1))).toEqual(held);
  expect(await challenges.read(one, "sign_in", "browser", addSeconds(now, challengeSeconds))).toBeNull();
  expect(await challenges.read(one, "second_factor", "browser", now)).toBeNull();
  expect(await challenges.read(one, "register", "browser", now)).toBeNull();
  expect(await challenges.read(one, "sign_in", "another", now)).toBeNull();
  expect(await challenges.read(one, "sign_in", "", now)).toBeNull();
  const other = await challenges.issue("sign_in", "browser", now);
  expect((await challenges.read(other, "sign_in", "browser", now))?.digest).not.toEqual(held?.digest);
});

test("neither a later end nor any other bit can be written into one, and another key makes none", async () => {
  const one = Buffer.from(await challenges.issue("sign_in", "browser", now), "base64url");
  let refused = 0;
  for (let bit = 0; bit < one.length * 8; bit += 1) {
    const turned = Buffer.from(one);
    turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    if ((await challenges.read(turned.toString("base64url"), "sign_in", "browser", now)) === null) refused += 1;
  }
  expect(refused).toBe(one.length * 8);
  const foreign = webauthnChallenges(randomBytes, await apiKeyHasher(new Uint8Array(32).fill(8)));
  expect(await challenges.read(await foreign.issue("sign_in", "browser", now), "sign_in", "browser", now)).toBeNull();
  for (const text of ["", "x", one.toString("base64"), `${one.toString("base64url")}=`, one.subarray(1).toString("base64url")]) {
    expect(await challenges.read(text, "sign_in", "browser", now), text).toBeNull();
  }
});
