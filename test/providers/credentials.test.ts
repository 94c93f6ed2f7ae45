import { createDecipheriv } from "node:crypto";
import { describe, expect, test } from "vitest";
import { importKeyring } from "../../src/lib/sealing.ts";
import type { Sealed } from "../../src/lib/sealing.ts";
import { CredentialUnavailable, openCredential } from "../../src/providers/open-credential.ts";
import { rewrapCredential, sealCredential } from "../../src/providers/seal-credential.ts";
import type { CredentialIdentity, CredentialPurpose } from "../../src/providers/seal-credential.ts";
import { kek } from "./voice-bench.ts";

const identity: CredentialIdentity = { orgId: "org_1", kind: "voice", connectionId: "conn_1", version: 1 };
const fields = { api_key: "key_0123456789", webhook_key: "webhook_0123456789" };
const keyring = await importKeyring({ V1: kek(1) }, "V1");
const sealed = await sealCredential(keyring, identity, ["place", "verify"], fields);

const opens = async (
  as: Sealed,
  of: CredentialIdentity = identity,
  purpose: CredentialPurpose = "place",
  ring = keyring,
): Promise<boolean> => {
  try {
    return await openCredential(ring, of, as)(purpose, async (secret) => secret["api_key"] === fields.api_key);
  } catch (error) {
    if (error instanceof CredentialUnavailable) return false;
    throw error;
  }
};

/** The text with one byte of what it encodes changed. */
function flips(base64url: string): string[] {
  const bytes = Buffer.from(base64url, "base64url");
  return Array.from(bytes, (byte, at) => {
    const copy = Buffer.from(bytes);
    copy[at] = byte ^ (1 << (at % 8));
    return copy.toString("base64url");
  });
}

describe("a sealed credential", () => {
  test("opens for the purposes that it was sealed for, as plain JSON read back from storage", async () => {
    const stored = JSON.parse(JSON.stringify(sealed)) as Sealed;
    expect(await opens(stored)).toBe(true);
    expect(await opens(stored, identity, "verify")).toBe(true);
  });

  test("holds nothing of the secret in the clear", () => {
    const text = JSON.stringify(sealed);
    for (const secret of Object.values(fields)) expect(text).not.toContain(secret);
  });

  test("opens for no purpose that was not granted, nor for one whose key was copied under another's name", async () => {
    for (const purpose of ["lookup", "stop", "list", "delete", "check", "retain", "test"] as const) {
      expect(await opens(sealed, identity, purpose)).toBe(false);
      const copied = {
        ...sealed,
        wrapped: { ...sealed.wrapped, [purpose]: sealed.wrapped["place"] as { nonce: string; key: string } },
      };
      expect(await opens(copied, identity, purpose)).toBe(false);
    }
    expect(await opens(sealed, identity, "toString" as CredentialPurpose)).toBe(false);
  });

  test("is rejected with any one byte of nonce, ciphertext or tag changed", async () => {
    const changed = [
      ...flips(sealed.nonce).map((nonce) => ({ ...sealed, nonce })),
      ...flips(sealed.ciphertext).map((ciphertext) => ({ ...sealed, ciphertext })),
    ];
    expect(changed.length).toBe(12 + JSON.stringify(fields).length + 16);
    for (const each of changed) expect(await opens(each)).toBe(false);
  });

  test("is rejected with any one byte of a wrapped key or its nonce changed", async () => {
    const place = sealed.wrapped["place"] as { nonce: string; key: string };
    const changed = [
      ...flips(place.nonce).map((nonce) => ({ ...place, nonce })),
      ...flips(place.key).map((key) => ({ ...place, key })),
    ];
    expect(changed.length).toBe(12 + 32 + 16);
    for (const wrapped of changed) expect(await opens({ ...sealed, wrapped: { ...sealed.wrapped, place: wrapped } })).toBe(false);
  });

  test("is rejected with any one character of what it is bound to changed", async () => {
    for (const name of ["orgId", "kind", "connectionId"] as const) {
      const value = identity[name];
      for (let at = 0; at < value.length; at += 1) {
        const other = value.slice(0, at) + (value[at] === "x" ? "y" : "x") + value.slice(at + 1);
        expect(await opens(sealed, { ...identity, [name]: other })).toBe(false);
      }
    }
    // The version is bound too, wherever it is read from.
    expect(await opens({ ...sealed, version: 2 }, { ...identity, version: 2 })).toBe(false);
    expect(await opens(sealed, { ...identity, version: 2 })).toBe(false);
    expect(await opens({ ...sealed, version: 2 })).toBe(false);
  });

  test("cannot be mistaken for one whose parts join to the same text", async () => {
    const shifted = { ...identity, orgId: "org_1voice", kind: "" };
    expect(await opens(sealed, shifted)).toBe(false);
  });

  test("does not open in another org, for another kind, connection or version, even where that has one of its own", async () => {
    const others: CredentialIdentity[] = [
      { ...identity, orgId: "org_2" },
      { ...identity, kind: "dnc" },
      { ...identity, connectionId: "conn_2" },
      { ...identity, version: 2 },
    ];
    for (const other of others) {
      const own = await sealCredential(keyring, other, ["place"], fields);
      expect(await opens(own, other)).toBe(true);
      expect(await opens(own)).toBe(false);
      expect(await opens(sealed, other)).toBe(false);
      expect(await opens({ ...own, nonce: sealed.nonce, ciphertext: sealed.ciphertext }, other)).toBe(false);
      expect(await opens({ ...own, wrapped: sealed.wrapped }, other)).toBe(false);
    }
  });

  test("two of the same secret share no byte string: key and nonces are fresh each time", async () => {
    const again = await sealCredential(keyring, identity, ["place", "verify"], fields);
    expect(again.nonce).not.toBe(sealed.nonce);
    expect(again.ciphertext).not.toBe(sealed.ciphertext);
    expect(again.wrapped["place"]?.nonce).not.toBe(sealed.wrapped["place"]?.nonce);
    expect(again.wrapped["place"]?.nonce).not.toBe(again.wrapped["verify"]?.nonce);
  });
});

/** The stored form, opened by another implementation: what is written today must open in years. */
function openedByHand(stored: Sealed, purpose: string, key: Buffer, of = identity): string {
  const bind = (...parts: string[]) =>
    Buffer.concat(
      parts.flatMap((part) => {
        const length = Buffer.alloc(4);
        length.writeUInt32BE(Buffer.byteLength(part));
        return [length, Buffer.from(part)];
      }),
    );
  const gcm = (secret: Buffer, nonce: string, sealedBytes: string, bound: Buffer) => {
    const bytes = Buffer.from(sealedBytes, "base64url");
    const decipher = createDecipheriv("aes-256-gcm", secret, Buffer.from(nonce, "base64url"))
      .setAAD(bound)
      .setAuthTag(bytes.subarray(-16));
    return Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]);
  };
  const parts = [of.orgId, of.kind, of.connectionId, String(of.version)];
  const entry = stored.wrapped[purpose] as { nonce: string; key: string };
  const data = gcm(key, entry.nonce, entry.key, bind("dialgate/sealed-key/v1", stored.kek_version, purpose, ...parts));
  return gcm(data, stored.nonce, stored.ciphertext, bind("dialgate/sealed/v1", ...parts)).toString();
}

describe("the stored form", () => {
  test("binds key and ciphertext to org, kind, connection, version, and the key to its purpose and key-encryption key", () => {
    expect(JSON.parse(openedByHand(sealed, "place", Buffer.alloc(32, 1)))).toEqual(fields);
    expect(JSON.parse(openedByHand(sealed, "verify", Buffer.alloc(32, 1)))).toEqual(fields);
    expect(() => openedByHand(sealed, "place", Buffer.alloc(32, 1), { ...identity, orgId: "org_2" })).toThrow(
      "unable to authenticate data",
    );
  });

  test("does not open under another name of the same key-encryption key", async () => {
    const twins = await importKeyring({ V1: kek(1), V2: kek(1) }, "V1");
    expect(await opens(sealed, identity, "place", twins)).toBe(true);
    expect(await opens({ ...sealed, kek_version: "V2" }, identity, "place", twins)).toBe(false);
  });
});

describe("a key-encryption key", () => {
  test("can be replaced without touching the ciphertext, and the old one is then of no use", async () => {
    const both = await importKeyring({ V1: kek(1), V2: kek(2) }, "V2");
    const newer = await rewrapCredential(both, identity, sealed);
    expect(newer).toMatchObject({ kek_version: "V2", nonce: sealed.nonce, ciphertext: sealed.ciphertext, version: 1 });
    if (newer === null) return;
    const onlyNew = await importKeyring({ V2: kek(2) }, "V2");
    expect(await opens(newer, identity, "place", onlyNew)).toBe(true);
    expect(await opens(newer, identity, "verify", onlyNew)).toBe(true);
    expect(await opens(newer, identity, "stop", onlyNew)).toBe(false);
    expect(await opens(newer)).toBe(false);
    expect(await opens(sealed, identity, "place", onlyNew)).toBe(false);
    expect(await opens({ ...newer, kek_version: "V1" }, identity, "place", both)).toBe(false);
  });

  test("is not exchanged for a credential that does not open", async () => {
    const both = await importKeyring({ V1: kek(1), V2: kek(2) }, "V2");
    expect(await rewrapCredential(both, { ...identity, orgId: "org_2" }, sealed)).toBeNull();
    expect(await rewrapCredential(both, { ...identity, version: 2 }, sealed)).toBeNull();
    expect(await rewrapCredential(both, identity, { ...sealed, version: 2 })).toBeNull();
  });

  test("of the wrong length, or missing, is refused before anything is sealed; the message holds no key", async () => {
    for (const bad of [
      "",
      "short",
      Buffer.alloc(31, 7).toString("base64"),
      Buffer.alloc(33, 7).toString("base64"),
      "!".repeat(44),
    ]) {
      await expect(importKeyring({ V1: bad }, "V1")).rejects.toThrow(/^key-encryption key V1 is not 32 bytes of base64$/);
    }
    await expect(importKeyring({ V1: kek(1) }, "V2")).rejects.toThrow(/V2 is not in the keyring/);
  });

  test("cannot be read back out of the keyring", async () => {
    const key = keyring.keys.get("V1");
    expect(key?.extractable).toBe(false);
    await expect(crypto.subtle.exportKey("raw", key as NonNullable<typeof key>)).rejects.toThrow("not extractable");
  });
});

describe("an opened credential", () => {
  test("is empty once the work is done, also when the work throws", async () => {
    const open = openCredential(keyring, identity, sealed);
    let kept: Readonly<Record<string, string>> = {};
    await open("place", async (secret) => {
      kept = secret;
      expect(kept["api_key"]).toBe(fields.api_key);
    });
    expect(kept).toEqual({});
    const broken = open("place", async (secret) => {
      kept = secret;
      throw new Error("broke on the way");
    });
    await expect(broken).rejects.toThrow("broke on the way");
    expect(kept).toEqual({});
  });

  test("has had its plaintext bytes zero-filled", async () => {
    const decrypted: Uint8Array[] = [];
    const real = crypto.subtle.decrypt.bind(crypto.subtle);
    const subtle = crypto.subtle as { decrypt: typeof real };
    subtle.decrypt = async (...args: Parameters<typeof real>) => {
      const buffer = await real(...args);
      decrypted.push(new Uint8Array(buffer));
      return buffer;
    };
    try {
      await openCredential(
        keyring,
        identity,
        sealed,
      )("place", async () => {
        expect(decrypted[0]?.some((byte) => byte !== 0)).toBe(true);
      });
    } finally {
      subtle.decrypt = real;
    }
    expect(decrypted.length).toBe(1);
    expect(decrypted[0]?.every((byte) => byte === 0)).toBe(true);
  });

  test("that does not open says nothing about why", async () => {
    const work = async () => "reached";
    await expect(openCredential(keyring, { ...identity, orgId: "org_2" }, sealed)("place", work)).rejects.toThrow(
      "the credential does not open for this org, connection, version and purpose",
    );
  });
});
