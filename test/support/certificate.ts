/** A maker's certificate as it comes with an attestation (WebAuthn Level 3, 8.2.1), signed by itself. DER by X.690. */
import { generateKeyPairSync, sign } from "node:crypto";

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...size), content]);
}
const sequence = (...parts: readonly Buffer[]) => der(0x30, ...parts);
const oid = (hex: string) => der(0x06, Buffer.from(hex, "hex"));
const text = (words: string) => der(0x13, Buffer.from(words));
const attribute = (last: number, words: string) =>
  der(0x31, sequence(oid(`5504${last.toString(16).padStart(2, "0")}`), text(words)));

export interface Maker {
  readonly certificate: Buffer;
  sign(data: Buffer): Buffer;
}

/** Its certificate names, as where what was revoked is listed, an address that a server must not be made to ask. */
export function makeMaker(revocationsAt: string): Maker {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const name = sequence(
    attribute(6, "DE"),
    attribute(10, "Maker"),
    attribute(11, "Authenticator Attestation"),
    attribute(3, "One"),
  );
  const ecdsaWithSha256 = sequence(oid("2a8648ce3d040302"));
  const validity = sequence(der(0x17, Buffer.from("200101000000Z")), der(0x17, Buffer.from("491231235959Z")));
  const notAnAuthority = sequence(oid("551d13"), der(0x04, sequence()));
  const listed = sequence(sequence(der(0xa0, der(0xa0, der(0x86, Buffer.from(revocationsAt))))));
  const extensions = der(0xa3, sequence(notAnAuthority, sequence(oid("551d1f"), der(0x04, listed))));
  const body = sequence(
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, Buffer.of(1)),
    ecdsaWithSha256,
    name,
    validity,
    name,
    publicKey.export({ format: "der", type: "spki" }),
    extensions,
  );
  const signed = (data: Buffer) => sign("sha256", data, privateKey);
  const certificate = sequence(body, ecdsaWithSha256, der(0x03, Buffer.concat([Buffer.of(0), signed(body)])));
  return { certificate, sign: signed };
}
