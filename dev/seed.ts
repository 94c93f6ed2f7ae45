/**
 * Makes a test organisation and its first API key, as the app role: with the worker's variables.
 * The clear key is printed once and kept nowhere. Only test organisations can be made until every gate and pack exists. People who are signed in make theirs by `POST /v1/orgs`.
 */
import { randomBytes } from "node:crypto";
import { SystemDb } from "../src/db/system-db.ts";
import { neonTransport, type Transport } from "../src/db/transport.ts";
import { scopes } from "../src/domain/access/scopes.ts";
import { insertKey } from "../src/domain/api-keys/create-key.ts";
import { foundOrg } from "../src/domain/orgs/found-org.ts";
import { type ApiKeyHasher, apiKeyHasher, apiKeyMint } from "../src/lib/api-key.ts";
import type { JobName } from "../src/lib/audit-actors.ts";
import { publicId } from "../src/lib/ids.ts";
import { type Instant, instantOf } from "../src/lib/instant.ts";
import { numberHasher } from "../src/lib/number-hash.ts";
import { uuidV7 } from "../src/lib/uuid-v7.ts";

export interface SeedInput {
  readonly name: string;
  /** Where its test clock stands. */
  readonly now: Instant;
  readonly scopes?: readonly string[];
  readonly expiresAt?: Instant | null;
  /** What the workers hold (`NumberHasher.held`): the org's canary is planted under each. */
  readonly peppers: string;
}
export interface SeededOrg {
  readonly orgId: string;
  readonly keyId: string;
  /** The clear key. */
  readonly apiKey: string;
}

/** The platform's own org, from which others are made. */
const platformOrg = "00000000-0000-0000-0000-000000000000";

/** One transaction: an organisation is whole or is not there. */
export async function seedOrg(transport: Transport, hashApiKey: ApiKeyHasher, input: SeedInput): Promise<SeededOrg> {
  const system = new SystemDb(transport, newId, input.peppers);
  await system.registerPeppers();
  const realNow = instantOf(Date.now() / 1000);
  const platform = system.asOrg(
    platformOrg,
    { type: "job", id: "seed" satisfies JobName },
    publicId("request", newId()),
    realNow,
  );
  const key = await apiKeyMint(newId, randomBytes, hashApiKey)(false);
  const { scopes: given = scopes, expiresAt = null } = input;
  return foundOrg(platform, { name: input.name, livemode: false, clockAt: input.now }, async (w) => {
    // Nobody answers for it: there is no person yet.
    await insertKey(w, key, { name: "seed", scopes: given, expiresAt, sponsorId: null, madeBy: null }, realNow);
    return { orgId: w.orgId, keyId: key.id, apiKey: key.clear };
  });
}

/** `NUMBER_PEPPERS` as the worker has it: "1:base64,2:base64". */
export async function heldPeppers(text: string): Promise<string> {
  const peppers = text.split(",").map((part) => part.split(":") as [string, string]);
  return (
    await numberHasher(new Map(peppers.map(([version, key]) => [Number(version), new Uint8Array(Buffer.from(key, "base64"))])))
  ).held;
}

const newId = (): string => uuidV7(Date.now(), randomBytes(10));

async function main(): Promise<void> {
  const [name, now] = process.argv.slice(2);
  const { DATABASE_URL: url, NEON_LOCAL_ENDPOINT: address, API_KEY_PEPPER: pepper, NUMBER_PEPPERS: numbers } = process.env;
  if (!name || !url || !pepper || !numbers)
    throw new Error("usage: DATABASE_URL=… API_KEY_PEPPER=… NUMBER_PEPPERS=… node dev/seed.ts NAME [INSTANT]");
  const transport = neonTransport(url, address === undefined ? undefined : { address });
  const hash = await apiKeyHasher(new Uint8Array(Buffer.from(pepper, "base64")));
  const at = (now as Instant | undefined) ?? instantOf(Date.now() / 1000);
  const seeded = await seedOrg(transport, hash, { name, now: at, peppers: await heldPeppers(numbers) });
  console.log(JSON.stringify({ org: publicId("org", seeded.orgId), api_key: seeded.apiKey }));
}

if (import.meta.main) {
  main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : "seeding failed");
    process.exitCode = 1;
  });
}
