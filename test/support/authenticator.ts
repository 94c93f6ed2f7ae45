/**
 * An authenticator and its browser in software: keys, counters and flags by WebAuthn Level 3, CBOR by RFC 8949. Every part of an
 * answer can be made wrong, one at a time.
 */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import type { CreationOptions } from "../../src/domain/factors/add-passkey.ts";
import type { RequestOptions } from "../../src/domain/factors/ask-passkey.ts";
import type { Maker } from "./certificate.ts";

export type Algorithm = "ES256" | "EdDSA" | "RS256";
export interface Flags {
  readonly userPresent: boolean;
  readonly userVerified: boolean;
  readonly backupEligible: boolean;
  readonly backedUp: boolean;
}
/** What is made wrong; whatever is left out is as it should be. */
export interface Wrong {
  readonly clientData?: Readonly<Record<string, unknown>>;
  readonly rpId?: string;
  readonly flags?: Partial<Flags>;
  readonly counter?: number;
  readonly userHandle?: string | null;
  readonly id?: string;
  readonly rawId?: string;
  /** What signs in the key's place. */
  readonly signWith?: Authenticator;
  /** Changes the finished bytes. */
  readonly authenticatorData?: (bytes: Buffer) => Buffer;
  readonly signature?: (bytes: Buffer) => Buffer;
  readonly attestation?: { readonly fmt: string; readonly attStmt: ReadonlyMap<string, unknown> };
  readonly alg?: number;
  /** The key as it is told, in the place of the true one. */
  readonly coseKey?: Buffer;
  readonly credentialId?: Buffer;
}

const sha256 = (data: string | Uint8Array) => createHash("sha256").update(data).digest();
const base64url = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64url");

/** Whole numbers, bytes, texts, lists and maps; a Map keeps its order, which is canonical where it must be. */
export function cbor(value: unknown): Buffer {
  if (typeof value === "number") return value >= 0 ? head(0, value) : head(1, -1 - value);
  if (value instanceof Uint8Array) return Buffer.concat([head(2, value.length), value]);
  if (typeof value === "string") return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (Array.isArray(value)) return Buffer.concat([head(4, value.length), ...value.map(cbor)]);
  if (value instanceof Map) return Buffer.concat([head(5, value.size), ...[...value].flat(1).map(cbor)]);
  throw new TypeError("no CBOR for that");
}
function head(major: number, count: number): Buffer {
  if (count < 24) return Buffer.of((major << 5) | count);
  if (count < 0x100) return Buffer.of((major << 5) | 24, count);
  if (count < 0x1_0000) return Buffer.of((major << 5) | 25, count >> 8, count & 0xff);
  const bytes = Buffer.alloc(5);
  bytes[0] = (major << 5) | 26;
  bytes.writeUInt32BE(count, 1);
  return bytes;
}

function makeKeys(algorithm: Algorithm): { privateKey: KeyObject; cose: Buffer } {
  if (algorithm === "ES256") {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const { x = "", y = "" } = publicKey.export({ format: "jwk" });
    const [xBytes, yBytes] = [Buffer.from(x, "base64url"), Buffer.from(y, "base64url")];
    return { privateKey, cose: cbor(new Map<number, unknown>([[1, 2], [3, -7], [-1, 1], [-2, xBytes], [-3, yBytes]])) }; // prettier-ignore
  }
  if (algorithm === "EdDSA") {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const x = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url");
    return { privateKey, cose: cbor(new Map<number, unknown>([[1, 1], [3, -8], [-1, 6], [-2, x]])) }; // prettier-ignore
  }
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const { n = "", e = "" } = publicKey.export({ format: "jwk" });
  const [nBytes, eBytes] = [Buffer.from(n, "base64url"), Buffer.from(e, "base64url")];
  return { privateKey, cose: cbor(new Map<number, unknown>([[1, 3], [3, -257], [-1, nBytes], [-2, eBytes]])) }; // prettier-ignore
}

export interface Created {
  readonly id: string;
  readonly rawId: string;
  readonly type: string;
  readonly authenticatorAttachment: string;
  readonly clientExtensionResults: object;
  readonly response: Record<string, unknown>;
}

export class Authenticator {
  readonly origin: string;
  readonly credentialId: Buffer = randomBytes(32);
  readonly flags: Flags;
  readonly cose: Buffer;
  /** What it says next; 0 for one that does not count. */
  counter: number;
  userHandle: string | null = null;
  readonly #key: KeyObject;
  readonly #algorithm: Algorithm;

  constructor(origin: string, algorithm: Algorithm = "ES256", more: { counts?: boolean; flags?: Partial<Flags> } = {}) {
    this.origin = origin;
    this.#algorithm = algorithm;
    this.counter = more.counts === false ? 0 : 1;
    this.flags = { userPresent: true, userVerified: true, backupEligible: false, backedUp: false, ...more.flags };
    const { privateKey, cose } = makeKeys(algorithm);
    this.#key = privateKey;
    this.cose = cose;
  }

  get id(): string {
    return base64url(this.credentialId);
  }

  sign(data: Buffer): Buffer {
    return sign(this.#algorithm === "EdDSA" ? null : "sha256", data, this.#key);
  }

  create(options: CreationOptions, wrong: Wrong = {}): Created {
    this.userHandle = options.user.id;
    const clientData = this.#clientData("webauthn.create", options.challenge, wrong);
    const attested = Buffer.concat([
      Buffer.alloc(16),
      Buffer.of((wrong.credentialId ?? this.credentialId).length >> 8, (wrong.credentialId ?? this.credentialId).length & 0xff),
      wrong.credentialId ?? this.credentialId,
      wrong.coseKey ?? this.cose,
    ]);
    const authData = this.#authenticatorData(options.rp.id, attested, wrong);
    const { fmt, attStmt } = wrong.attestation ?? { fmt: "none", attStmt: new Map() };
    const attestationObject = cbor(new Map<string, unknown>([["fmt", fmt], ["attStmt", attStmt], ["authData", authData]])); // prettier-ignore
    return {
      ...this.#frame(wrong),
      response: {
        clientDataJSON: base64url(clientData),
        attestationObject: base64url(attestationObject),
        transports: ["internal", "hybrid", "a-word-of-tomorrow"],
        // What a browser says beside it, and nobody is to trust.
        authenticatorData: base64url(authData),
        publicKeyAlgorithm: -7,
      },
    };
  }

  get(options: RequestOptions, wrong: Wrong = {}): Created {
    const clientData = this.#clientData("webauthn.get", options.challenge, wrong);
    const bytes = this.#authenticatorData(options.rpId, null, wrong);
    const signature = (wrong.signWith ?? this).sign(Buffer.concat([bytes, sha256(clientData)]));
    return {
      ...this.#frame(wrong),
      response: {
        clientDataJSON: base64url(clientData),
        authenticatorData: base64url(bytes),
        signature: base64url(wrong.signature?.(signature) ?? signature),
        userHandle: wrong.userHandle === undefined ? this.userHandle : wrong.userHandle,
      },
    };
  }

  /** What it says of itself: by its own key and with no certificate, or by its maker's. */
  attested(options: CreationOptions, wrong: Wrong = {}, maker?: Maker): Created {
    const plain = this.create(options, wrong);
    const authData = Buffer.from(String(plain.response["authenticatorData"]), "base64url");
    const clientData = Buffer.from(String(plain.response["clientDataJSON"]), "base64url");
    const sig = (maker ?? wrong.signWith ?? this).sign(Buffer.concat([authData, sha256(clientData)]));
    const attStmt = new Map<string, unknown>([["alg", -7], ["sig", sig], ...(maker === undefined ? [] : [["x5c", [maker.certificate]] as const])]); // prettier-ignore
    const attestationObject = cbor(new Map<string, unknown>([["fmt", "packed"], ["attStmt", attStmt], ["authData", authData]])); // prettier-ignore
    return { ...plain, response: { ...plain.response, attestationObject: base64url(attestationObject) } };
  }

  #frame(wrong: Wrong) {
    const id = wrong.id ?? this.id;
    return {
      id,
      rawId: wrong.rawId ?? id,
      type: "public-key",
      authenticatorAttachment: "platform",
      clientExtensionResults: {},
    };
  }

  #clientData(type: string, challenge: string, { clientData }: Wrong): Buffer {
    return Buffer.from(JSON.stringify({ type, challenge, origin: this.origin, crossOrigin: false, ...clientData }));
  }

  #authenticatorData(rpId: string, attested: Buffer | null, wrong: Wrong): Buffer {
    const flags = { ...this.flags, ...wrong.flags };
    const bits =
      (flags.userPresent ? 1 : 0) |
      (flags.userVerified ? 4 : 0) |
      (flags.backupEligible ? 8 : 0) |
      (flags.backedUp ? 16 : 0) |
      (attested === null ? 0 : 64);
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(wrong.counter ?? this.counter);
    if (wrong.counter === undefined && this.counter > 0) this.counter += 1;
    const bytes = Buffer.concat([sha256(wrong.rpId ?? rpId), Buffer.of(bits), counter, attested ?? Buffer.alloc(0)]);
    return wrong.authenticatorData?.(bytes) ?? bytes;
  }
}
