/** An authenticator's secret: its codes by the standard's own vectors, and what it is sealed to. */
import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { type Instant, instantOf } from "../../src/lib/instant.ts";
import { importKeyring } from "../../src/lib/sealing.ts";
import { CredentialUnavailable } from "../../src/providers/open-credential.ts";
import { totpSecrets } from "../../src/providers/totp/totp-secrets.ts";
import { bytesOfBase32, totpCodeAt } from "../support/totp.ts";

const keyring = await importKeyring({ V1: Buffer.alloc(32, 5).toString("base64") }, "V1");
const user = "019a9b2c-7d00-7000-8000-000000000001";
const other = "019a9b2c-7d00-7000-8000-000000000002";
const label = "ada@example.com";

describe("codes", () => {
  // RFC 6238, appendix B: SHA-1, of whose eight digits the last six are those of a code of six.
  test.each([
    [59, "287082"],
    [1111111109, "081804"],
    [1111111111, "050471"],
    [1234567890, "005924"],
    [2000000000, "279037"],
    [20000000000, "353130"],
  ])("at second %i of the standard's vectors the step of %s is found, and by the app of the tests too", async (seconds, code) => {
    const rfc = totpSecrets(keyring, () => Buffer.from("12345678901234567890"));
    const { sealed, base32 } = await rfc.mint(user, label);
    const now = instantOf(seconds);
    expect(await rfc.stepOf(user, sealed, code, now)).toBe(Math.floor(seconds / 30));
    expect(totpCodeAt(base32, now)).toBe(code);
  });

  test("of one step before and one after are found with their own step, others are not", async () => {
    const secrets = totpSecrets(keyring, randomBytes);
    const { sealed, base32 } = await secrets.mint(user, label);
    const now = "2026-11-20T09:00:00Z" as Instant;
    const present = Math.floor(Date.parse(now) / 30_000);
    for (const steps of [-20, -3, -2, -1, 0, 1, 2, 3, 20]) {
      const found = await secrets.stepOf(user, sealed, totpCodeAt(base32, now, steps), now);
      expect([steps, found]).toEqual([steps, Math.abs(steps) <= 1 ? present + steps : null]);
    }
    for (const wrong of ["", "1", "1234567", "abcdef", "-12345", "12345 "]) {
      expect(await secrets.stepOf(user, sealed, wrong, now), wrong).toBeNull();
    }
  });

  test("come of 160 bits, of which each secret has its own", async () => {
    const secrets = totpSecrets(keyring, randomBytes);
    const all = await Promise.all(Array.from({ length: 50 }, () => secrets.mint(user, label)));
    expect(new Set(all.map(({ base32 }) => base32)).size).toBe(50);
    for (const { base32 } of all) expect(bytesOfBase32(base32)).toHaveLength(20);
  });

  test("are of whom the URI says, whatever stands in the address", async () => {
    const { uri } = await totpSecrets(keyring, randomBytes).mint(user, 'a?secret=x&"b@example.com');
    expect(new URL(uri).searchParams.getAll("secret")).toHaveLength(1);
    expect(decodeURIComponent(new URL(uri).pathname)).toContain('a?secret=x&"b@example.com');
  });
});

describe("a sealed secret", () => {
  test("opens for its own person, and for nobody else, changed by no byte, under no other key", async () => {
    const secrets = totpSecrets(keyring, randomBytes);
    const { sealed, base32 } = await secrets.mint(user, label);
    const now = "2026-11-20T09:00:00Z" as Instant;
    const code = totpCodeAt(base32, now);
    expect(JSON.stringify(sealed)).not.toContain(base32);
    expect(Object.keys(sealed.wrapped)).toEqual(["verify"]);
    expect(await secrets.stepOf(user, sealed, code, now)).not.toBeNull();
    await expect(secrets.stepOf(other, sealed, code, now)).rejects.toThrow(CredentialUnavailable);
    const turned = `${sealed.ciphertext.startsWith("A") ? "B" : "A"}${sealed.ciphertext.slice(1)}`;
    await expect(secrets.stepOf(user, { ...sealed, ciphertext: turned }, code, now)).rejects.toThrow(CredentialUnavailable);
    const foreign = totpSecrets(await importKeyring({ V1: Buffer.alloc(32, 6).toString("base64") }, "V1"), randomBytes);
    await expect(foreign.stepOf(user, sealed, code, now)).rejects.toThrow(CredentialUnavailable);
    await expect(secrets.stepOf(user, {}, code, now)).rejects.toThrow();
  });
});
