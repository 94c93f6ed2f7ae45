/**
 * Makes a test organisation and its first API key, as the app role: with the worker's variables.
 * The clear key is printed once and kept nowhere. Only test organisations can be made until every gate and pack exists.
 */
import { randomBytes } from "node:crypto";
import { neonTransport, type Statement, type Transport } from "../src/db/transport.ts";
import { scopes } from "../src/domain/access/scopes.ts";
import { type ApiKeyHasher, apiKeyHasher, mintApiKey } from "../src/lib/api-key.ts";
import { byteaText } from "../src/lib/bytes.ts";
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

/** One transaction: an organisation is whole or is not there. */
export async function seedOrg(transport: Transport, hashApiKey: ApiKeyHasher, input: SeedInput): Promise<SeededOrg> {
  const orgId = newId();
  const key = mintApiKey(newId(), false, randomBytes(23));
  const say = (name: string, text: string, ...params: readonly unknown[]): Statement => ({ name, text, params });
  await transport.batch([
    say("seed.peppers", "select app.register_peppers($1)", input.peppers),
    say("seed.bind", "select set_config('app.org_id', $1, true), set_config('app.now', $2, true)", orgId, input.now),
    say(
      "seed.org",
      "insert into orgs (org_id, name, livemode, created_at) values ($1, $2, false, $3)",
      orgId,
      input.name,
      input.now,
    ),
    say("seed.facts", "insert into org_facts (org_id) values ($1)", orgId),
    say("seed.clock", "insert into test_clocks (org_id, now, status) values ($1, $2, 'ready')", orgId, input.now),
    say("seed.policy", "insert into calling_policies (org_id) values ($1)", orgId),
    say("seed.canary", "select app.plant_canary($1, $2)", newId(), newId()),
    say("seed.chain", "select audit.open_chain()"),
    say(
      "seed.key",
      "insert into api_keys (org_id, id, name, secret_hash, scopes, created_at, expires_at, given_end) values ($1, $2, 'seed', $3, $4, $5, $6, $6)",
      orgId,
      key.id,
      byteaText(await hashApiKey(key.clear)),
      [...(input.scopes ?? scopes)],
      instantOf(Date.now() / 1000),
      input.expiresAt ?? null,
    ),
  ]);
  return { orgId, keyId: key.id, apiKey: key.clear };
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
