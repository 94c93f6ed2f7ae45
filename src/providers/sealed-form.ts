import * as z from "zod";

/** A sealed secret as it is read back from storage. */
export const sealedForm = z.object({
  version: z.int(),
  kek_version: z.string(),
  nonce: z.string(),
  ciphertext: z.string(),
  wrapped: z.record(z.string(), z.object({ nonce: z.string(), key: z.string() })),
});
