import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { apiKeyHasher } from "../../src/lib/api-key.ts";
import { mintSessionToken, parseSessionToken } from "../../src/lib/session-token.ts";
import { uuidV7 } from "../../src/lib/uuid-v7.ts";

const id = () => uuidV7(1_795_000_000_000, randomBytes(10));
const hash = await apiKeyHasher(new Uint8Array(32).fill(9));

describe("a session's token", () => {
  test("is parsed to the session and person that it was minted for", async () => {
    const [session, user] = [id(), id()];
    const token = await mintSessionToken(session, user, randomBytes, hash);
    expect(token.clear).toMatch(/^dgs_[0-9A-Za-z]{22}_[0-9A-Za-z]{22}_[0-9A-Za-z]{65}$/);
    expect(await parseSessionToken(token.clear, hash)).toEqual({ id: session, userId: user, clear: token.clear });
  });

  test("with any one character changed, or a part of another's, is none of ours", async () => {
    const { clear } = await mintSessionToken(id(), id(), randomBytes, hash);
    const other = (await mintSessionToken(id(), id(), randomBytes, hash)).clear;
    for (let at = 0; at < clear.length; at += 1) {
      const changed = clear.slice(0, at) + (clear[at] === "A" ? "B" : "A") + clear.slice(at + 1);
      expect(await parseSessionToken(changed, hash), `character ${at}`).toBeNull();
    }
    // As who knows a person's id alone would try.
    for (const cut of [27, 50, 82]) expect(await parseSessionToken(other.slice(0, cut) + clear.slice(cut), hash)).toBeNull();
    for (const text of ["", "dgs_", clear.slice(0, -1), `${clear}a`, ` ${clear}`, clear.slice(0, 82)])
      expect(await parseSessionToken(text, hash)).toBeNull();
  });

  test("made under another pepper is none of ours", async () => {
    const { clear } = await mintSessionToken(id(), id(), randomBytes, await apiKeyHasher(new Uint8Array(32).fill(8)));
    expect(await parseSessionToken(clear, hash)).toBeNull();
  });
});
