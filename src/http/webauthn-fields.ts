import { z } from "@hono/zod-openapi";

/** Unpadded base64url, as `PublicKeyCredential.toJSON()` writes bytes. */
const bytesField = (charactersMax: number) =>
  z
    .string()
    .max(charactersMax)
    .regex(/^[A-Za-z0-9_-]+$/, "Bytes as unpadded base64url are needed.");

// An id has 16 to 1023 bytes (WebAuthn Level 3, 4: Credential ID).
const frame = { id: bytesField(1364), rawId: bytesField(1364), type: z.literal("public-key") };
const known = new Set(["ble", "cable", "hybrid", "internal", "nfc", "smart-card", "usb"]);

/**
 * What the browser's own `toJSON()` gives. These two forms are the browser's, not ours: a newer one may say more, and what is
 * not read here is not refused.
 */
export const createdCredential = z
  .object({
    ...frame,
    response: z.object({
      clientDataJSON: bytesField(4_096),
      attestationObject: bytesField(16_384),
      // Told back to the browser when it is asked for this passkey. Words that it does not know it passes over; we keep none.
      transports: z
        .array(z.string().max(32))
        .max(16)
        .default([])
        .transform((given) => [...new Set(given)].filter((one) => known.has(one))),
    }),
  })
  .openapi("CreatedCredential", { description: "What `navigator.credentials.create()` answered, by its `toJSON()`." });

const shownCredential = z
  .object({
    ...frame,
    response: z.object({
      clientDataJSON: bytesField(4_096),
      authenticatorData: bytesField(4_096),
      signature: bytesField(2_048),
      userHandle: bytesField(128).nullish(),
    }),
  })
  .openapi("ShownCredential", { description: "What `navigator.credentials.get()` answered, by its `toJSON()`." });

export const describedCredential = z.strictObject({
  type: z.literal("public-key"),
  id: z.string(),
  transports: z.array(z.string()),
});
export const requestOptions = z
  .strictObject({
    challenge: z.string(),
    rpId: z.string(),
    timeout: z.int().openapi({ description: "Milliseconds." }),
    userVerification: z.literal("required"),
    allowCredentials: z.array(describedCredential).openapi({ description: "Empty: any passkey of this service." }),
  })
  .openapi("PasskeyRequestOptions", {
    description: "For `PublicKeyCredential.parseRequestOptionsFromJSON()`. Holds for five minutes and one answer.",
  });
export const creationOptions = z
  .strictObject({
    challenge: z.string(),
    rp: z.strictObject({ id: z.string(), name: z.string() }),
    user: z.strictObject({ id: z.string(), name: z.string(), displayName: z.string() }),
    pubKeyCredParams: z.array(z.strictObject({ type: z.literal("public-key"), alg: z.int() })),
    timeout: z.int().openapi({ description: "Milliseconds." }),
    excludeCredentials: z.array(describedCredential),
    authenticatorSelection: z.strictObject({
      residentKey: z.literal("required"),
      requireResidentKey: z.literal(true),
      userVerification: z.literal("required"),
    }),
    attestation: z.literal("none"),
  })
  .openapi("PasskeyCreationOptions", {
    description: "For `PublicKeyCredential.parseCreationOptionsFromJSON()`. Holds for five minutes and one answer.",
  });

/** A passkey's answer to a challenge: to sign in, or as a second factor. */
export const shownPasskey = z.strictObject({ credential: shownCredential }).openapi("PasskeyAnswer", {
  example: {
    credential: {
      id: "nv0m3k8Kf0yYbC1h9gYp2Q",
      rawId: "nv0m3k8Kf0yYbC1h9gYp2Q",
      type: "public-key",
      response: {
        clientDataJSON: "eyJ0eXBlIjoid2ViYXV0aG4uZ2V0In0",
        authenticatorData: "SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2MFAAAAAQ",
        signature: "MEUCIQ",
        userHandle: "AZqbLH0AcACAAAAAAAAAAQ",
      },
    },
  },
});
