/** A migrated database of its own on the run's server, with an org that can import, for one case of one benchmark. */
import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { Readable } from "node:stream";
import pg from "pg";
import { seedOrg } from "../dev/seed.ts";
import type { OrgDb } from "../src/db/org-db.ts";
import { SystemDb } from "../src/db/system-db.ts";
import type { Transport } from "../src/db/transport.ts";
import { createImport } from "../src/domain/imports/create-import.ts";
import type { FileStore } from "../src/domain/imports/file-store.ts";
import { mapFile } from "../src/domain/imports/import-map.ts";
import { storeFile } from "../src/domain/imports/store-file.ts";
import { createSeller } from "../src/domain/sellers/create-seller.ts";
import { packRefs } from "../src/gates/rules/packs.ts";
import { runImport } from "../src/jobs/run-import.ts";
import { apiKeyHasher } from "../src/lib/api-key.ts";
import type { Instant } from "../src/lib/instant.ts";
import { numberHasher } from "../src/lib/number-hash.ts";
import { uuidMint } from "../src/lib/uuid-v7.ts";
import { openTestDatabase, type TestDatabase } from "../test/support/database.ts";
import { testPeppers } from "../test/support/peppers.ts";

export const benchNow = "2026-11-18T18:00:00Z" as Instant;
export const newId = uuidMint(() => Date.now(), randomBytes);
export const sampleMap = mapFile.parse(
  JSON.parse(await readFile(new URL("../dev/data/leads.map.json", import.meta.url), "utf8")),
);

export interface House {
  readonly orgId: string;
  readonly org: OrgDb;
  readonly sellerId: string;
  /** Brings a file in: stored and queued, then timed to its end. */
  importFile(path: string): Promise<{ accepted: number; chunks: number; seconds: number }>;
}

export async function openHouse(transport: Transport): Promise<House> {
  const { orgId } = await seedOrg(transport, await apiKeyHasher(new Uint8Array(32).fill(9)), {
    name: "Acme Solar",
    now: benchNow,
    peppers: testPeppers,
  });
  const org = new SystemDb(transport, newId, testPeppers).asOrg(orgId, { type: "job", id: "bench" }, "req_bench", benchNow);
  const { id: sellerId } = await createSeller(org, {
    registeredName: "Acme Solar LLC",
    tradeNames: ["Acme Sun"],
    address: null,
    doNotCallNumber: null,
    san: null,
    sanAreaCodes: [],
  });
  const numbers = await numberHasher(new Map([[1, new Uint8Array(32).fill(7)]]));
  const packs = await packRefs();
  const { attestation } = sampleMap;
  return {
    orgId,
    org,
    sellerId,
    async importFile(path) {
      const created = await createImport(org, { sellerId, fileName: "leads.csv", columns: sampleMap.columns, attestation });
      if (!created.ok) throw new Error(created.refusal.reason);
      const { id } = created.value;
      const files = fileOnDisk(path);
      const body = Readable.toWeb(createReadStream(path)) as ReadableStream<Uint8Array>;
      const stored = await storeFile(org, files, id, body, (await stat(path)).size);
      if (!stored.ok) throw new Error(stored.refusal.reason);
      const began = performance.now();
      const end = await runImport({ bind: () => org, files, numbers, packs, requestId: "req_bench", elapsedMs: () => 0 }, id);
      const seconds = (performance.now() - began) / 1000;
      if (end !== "succeeded") throw new Error(`the import ended as ${end}`);
      const [found] = await org.rows<{ accepted: number; chunks: number }>({
        name: "bench.accepted",
        text: "select i.accepted, i.chunks_done as chunks from imports i where i.org_id = (select app.org()) and i.id = $1",
        params: [id],
      });
      return { accepted: Number(found?.accepted), chunks: Number(found?.chunks), seconds };
    },
  };
}

/** On disk, as far as its import is concerned: its bytes arrive in pieces, each after a wait of its own. */
const fileOnDisk = (path: string): FileStore => ({
  async put(_key, bytes) {
    for await (const _ of bytes);
  },
  read: async (_key, fromByte) => createReadStream(path, { start: fromByte }),
});

export interface BenchDatabase {
  readonly db: TestDatabase;
  /** As its owner, whom no wall holds. */
  readonly owner: pg.Client;
  close(): Promise<void>;
}

export async function openBenchDatabase(): Promise<BenchDatabase> {
  const db = await openTestDatabase({ postgres: true });
  const owner = new pg.Client({ connectionString: db.adminConnectionString });
  await owner.connect();
  return {
    db,
    owner,
    async close() {
      await owner.end();
      await db.close();
    },
  };
}
