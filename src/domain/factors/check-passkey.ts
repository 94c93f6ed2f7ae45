import * as z from "zod";
import { fromBase64Url, toBase64Url } from "../../lib/base64url.ts";
import { bytesOfUuid } from "../../lib/base62.ts";

/** What `navigator.credentials.create()` answers, as `toJSON()` writes it; the parts that are read here. */
export interface CreatedCredential {
  readonly id: string;
  readonly rawId: string;
  readonly type: "public-key";
  readonly response: {
    readonly clientDataJSON: string;
    readonly attestationObject: string;
    readonly transports: readonly string[];
  };
}
/** What `navigator.credentials.get()` answers. */
export interface ShownCredential {
  readonly id: string;
  readonly rawId: string;
  readonly type: "public-key";
  readonly response: {
    readonly clientDataJSON: string;
    readonly authenticatorData: string;
    readonly signature: string;
    readonly userHandle?: string | null | undefined;
  };
}

/** Who asks authenticators: the one host and the one origin of this deployment, whatever a request says of itself. */
export const relyingPartyOf = (publicOrigin: string) => ({ id: new URL(publicOrigin).hostname, origin: publicOrigin });

/** What a passkey knows its person by: the bytes of their id, which say nothing of them (WebAuthn Level 3, 14.6.1). */
export const userHandleOf = (userId: string): string => toBase64Url(bytesOfUuid(userId));

/** ES256, EdDSA, RS256 (IANA COSE Algorithms): what authenticators in use have, and both runtimes can check. */
export const algorithms = [-7, -8, -257];

// The library brings a parser of certificates, for attestations that are not asked for: some 150 ms that no other request pays.
const library = () => import("@simplewebauthn/server");
const decoder = () => import("@simplewebauthn/server/helpers");

const clientData = z.looseObject({
  challenge: z.string().max(200),
  crossOrigin: z.boolean().optional(),
  topOrigin: z.unknown().optional(),
});

/** The challenge that was answered; null when it was answered inside a page of another site, or by no browser. */
export function challengeOf(clientDataJson: string): string | null {
  const bytes = fromBase64Url(clientDataJson);
  try {
    const read = clientData.parse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes ?? new Uint8Array())));
    return read.crossOrigin === true || read.topOrigin !== undefined ? null : read.challenge;
  } catch {
    return null;
  }
}

export interface CheckedPasskey {
  readonly credentialId: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly counter: number;
  readonly backupEligible: boolean;
  readonly backedUp: boolean;
}

/** A new passkey, if everything holds that must (WebAuthn Level 3, 7.1), user verification included. */
export async function checkCreated(
  publicOrigin: string,
  challenge: string,
  credential: CreatedCredential,
): Promise<CheckedPasskey | null> {
  const { id: rpId, origin } = relyingPartyOf(publicOrigin);
  const { verifyRegistrationResponse } = await library();
  try {
    if (!(await namesNoMaker(credential.response.attestationObject))) return null;
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: { ...credential, clientExtensionResults: {}, response: { ...credential.response, transports: [] } },
      expectedChallenge: challenge,
      expectedOrigin: origin,
      expectedRPID: rpId,
      requireUserVerification: true,
      supportedAlgorithmIDs: algorithms,
    });
    if (!verified || registrationInfo.credential.id !== credential.id) return null;
    const { credential: made, credentialDeviceType, credentialBackedUp } = registrationInfo;
    const credentialId = fromBase64Url(made.id);
    if (credentialId === null || credentialId.length < 16 || credentialId.length > 1023) return null;
    const facts = { counter: made.counter, backupEligible: credentialDeviceType === "multiDevice", backedUp: credentialBackedUp };
    return { credentialId, publicKey: made.publicKey, ...facts };
  } catch {
    // Whatever does not hold the library throws, in words that quote what was sent.
    return null;
  }
}

/**
 * No attestation is asked for; what an authenticator sends in spite of that is its own signature at most (WebAuthn Level 3,
 * 5.1.3). With certificates the library would fetch the addresses that they name.
 */
async function namesNoMaker(attestationObject: string): Promise<boolean> {
  const { decodeAttestationObject } = await decoder();
  const bytes = fromBase64Url(attestationObject);
  if (bytes === null) return false;
  const decoded = decodeAttestationObject(bytes);
  const [form, statement] = [decoded.get("fmt"), decoded.get("attStmt")];
  return form === "none" || (form === "packed" && statement.get("x5c") === undefined);
}

/** What an assertion says, once it is proved. The counter is judged by the database, which knows the latest. */
export type CheckedUse = Pick<CheckedPasskey, "counter" | "backedUp">;

/** Whether the person's passkey signed this challenge, verified them, and everything else holds (WebAuthn Level 3, 7.2). */
export async function checkShown(
  publicOrigin: string,
  challenge: string,
  credential: ShownCredential,
  known: { readonly userId: string; readonly publicKey: Uint8Array<ArrayBuffer>; readonly backupEligible: boolean },
): Promise<CheckedUse | null> {
  const { id: rpId, origin } = relyingPartyOf(publicOrigin);
  const { verifyAuthenticationResponse } = await library();
  const { userHandle, ...response } = credential.response;
  if (userHandle != null && userHandle !== userHandleOf(known.userId)) return null;
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: { ...credential, clientExtensionResults: {}, response },
      expectedChallenge: challenge,
      expectedOrigin: origin,
      expectedRPID: rpId,
      // One that the library's own comparison never refuses: it would be told before the signature is checked.
      credential: { id: credential.id, publicKey: known.publicKey, counter: -1 },
      requireUserVerification: true,
    });
    const { newCounter, credentialDeviceType, credentialBackedUp } = authenticationInfo;
    if (!verified || (credentialDeviceType === "multiDevice") !== known.backupEligible) return null;
    return { counter: newCounter, backedUp: credentialBackedUp };
  } catch {
    return null;
  }
}
