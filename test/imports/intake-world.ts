/** An org with a seller on a migrated database, and files that lie in memory. */
import { randomBytes } from "node:crypto";
import { seedOrg } from "../../dev/seed.ts";
import type { OrgDb } from "../../src/db/org-db.ts";
import { SystemDb } from "../../src/db/system-db.ts";
import { neonTransport, type Transport } from "../../src/db/transport.ts";
import { createImport, type Import } from "../../src/domain/imports/create-import.ts";
import type { FileStore } from "../../src/domain/imports/file-store.ts";
import { findImport } from "../../src/domain/imports/find-imports.ts";
import { storeFile } from "../../src/domain/imports/store-file.ts";
import type { MapFile } from "../../src/domain/imports/import-map.ts";
import { createSeller } from "../../src/domain/sellers/create-seller.ts";
import { packRefs } from "../../src/gates/rules/packs.ts";
import type { PackRef } from "../../src/gates/snapshot.ts";
import { type ImportDeps, type ImportEnd, runImport } from "../../src/jobs/run-import.ts";
import { apiKeyHasher } from "../../src/lib/api-key.ts";
import type { Instant } from "../../src/lib/instant.ts";
import { type NumberHasher, numberHasher } from "../../src/lib/number-hash.ts";
import { uuidMint } from "../../src/lib/uuid-v7.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { testPeppers } from "../support/peppers.ts";

const arrival = "2026-11-18T15:00:00Z" as Instant;
const newId = uuidMint(() => Date.now(), randomBytes);

interface MemoryFiles extends FileStore {
  readonly files: Map<string, Uint8Array>;
  /** Reads fail after this many bytes. */
  breakAfter: number | null;
}

function memoryFiles(pieceBytes = 65_536): MemoryFiles {
  const store: MemoryFiles = {
    files: new Map(),
    breakAfter: null,
    async put(key, bytes, length) {
      const held = new Uint8Array(length);
      let at = 0;
      for await (const piece of bytes) {
        held.set(piece, at);
        at += piece.length;
      }
      if (at !== length) throw new Error("the body ended early");
      store.files.set(key, held);
    },
    async read(key, fromByte) {
      const held = store.files.get(key);
      if (held === undefined) return null;
      return (async function* () {
        for (let at = fromByte; at < held.length; at += pieceBytes) {
          if (store.breakAfter !== null && at - fromByte >= store.breakAfter) throw new Error("the store went away");
          yield held.subarray(at, Math.min(at + pieceBytes, held.length));
        }
      })();
    },
  };
  return store;
}

export interface IntakeWorld {
  readonly db: TestDatabase;
  readonly transport: Transport;
  readonly system: SystemDb;
  readonly orgId: string;
  readonly org: OrgDb;
  readonly numbers: NumberHasher;
  readonly packs: readonly PackRef[];
  readonly sellerId: string;
  readonly files: MemoryFiles;
  /** A handle over a transport of the test's own. */
  orgOver(transport: Transport): OrgDb;
  upload(bytes: Uint8Array, map: Pick<MapFile, "columns" | "attestation">): Promise<Import>;
  run(importId: string, over?: Partial<ImportDeps>): Promise<ImportEnd>;
  find(importId: string): Promise<Import>;
  sql<Row = Record<string, unknown>>(text: string, params?: readonly unknown[]): Promise<Row[]>;
  close(): Promise<void>;
}

export async function openIntake(shared?: { db: TestDatabase }): Promise<IntakeWorld> {
  const db = shared?.db ?? (await openTestDatabase());
  const transport = neonTransport(db.connectionString, { address: `127.0.0.1:${db.endpoint.port}` });
  const hashApiKey = await apiKeyHasher(new Uint8Array(32).fill(9));
  const { orgId } = await seedOrg(transport, hashApiKey, { name: "Acme Solar", now: arrival, peppers: testPeppers });
  const orgOver = (over: Transport): OrgDb =>
    new SystemDb(over, newId, testPeppers).asOrg(orgId, { type: "job", id: "run-import" }, "req_test", arrival);
  const org = orgOver(transport);
  const seller = {
    registeredName: "Acme Solar LLC",
    tradeNames: ["Acme Sun"],
    address: null,
    doNotCallNumber: null,
    san: null,
    sanAreaCodes: [],
  };
  const { id: sellerId } = await createSeller(org, seller);
  const numbers = await numberHasher(new Map([[1, new Uint8Array(32).fill(7)]]));
  const packs = await packRefs();
  const files = memoryFiles();
  const sql = async <Row>(text: string, params: readonly unknown[] = []) => (await db.admin(text, params)).rows as Row[];
  const find = async (importId: string): Promise<Import> => {
    const found = await findImport(org, importId);
    if (found === null) throw new Error("the import is gone");
    return found;
  };
  return {
    db,
    transport,
    system: new SystemDb(transport, newId, testPeppers),
    orgId,
    org,
    numbers,
    packs,
    sellerId,
    files,
    orgOver,
    find,
    sql,
    async upload(bytes, { columns, attestation }) {
      const created = await createImport(org, { sellerId, fileName: "leads.csv", columns, attestation });
      if (!created.ok) throw new Error(created.refusal.reason);
      const stored = await storeFile(
        org,
        files,
        created.value.id,
        new Blob([bytes as Uint8Array<ArrayBuffer>]).stream(),
        bytes.length,
      );
      if (!stored.ok) throw new Error(stored.refusal.reason);
      return stored.value;
    },
    run: (importId, over = {}) =>
      runImport({ bind: () => org, files, numbers, packs, requestId: "req_test", elapsedMs: () => 0, ...over }, importId),
    close: () => (shared === undefined ? db.close() : Promise.resolve()),
  };
}
