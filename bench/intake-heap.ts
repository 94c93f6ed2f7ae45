/**
 * `node --expose-gc bench/intake-heap.ts ROWS` imports a file of that many rows, made while it is read, and prints the
 * most bytes of live heap above idle. No database: a request is held as the driver holds it, as one text, while the next chunk is made.
 */
import { randomBytes } from "node:crypto";
import { SystemDb } from "../src/db/system-db.ts";
import type { Answer, Statement, Transport } from "../src/db/transport.ts";
import { packRefs } from "../src/gates/rules/packs.ts";
import { runImport } from "../src/jobs/run-import.ts";
import { numberHasher } from "../src/lib/number-hash.ts";
import { uuidMint } from "../src/lib/uuid-v7.ts";
import { benchNow, sampleMap } from "./house.ts";
import { leadFile } from "./lead-file.ts";
import { testPeppers } from "../test/support/peppers.ts";

const rows = Number(process.argv[2]);
const collect = (globalThis as { gc?: () => void }).gc;
if (collect === undefined || !(rows > 0)) throw new Error("usage: node --expose-gc bench/intake-heap.ts ROWS");
const live = (): number => {
  collect();
  return process.memoryUsage().heapUsed;
};

const answer = (row: Readonly<Record<string, unknown>>): Answer => ({ columns: Object.keys(row), rows: [Object.values(row)] });
let length = 0;
for (const piece of leadFile(rows, 3)) length += piece.length;
const leased = {
  id: "",
  file_key: "file",
  bytes_total: length,
  bytes_done: 0,
  lines_done: 0,
  chunks_done: 0,
  columns: sampleMap.columns,
  header: null,
  arrived_at: benchNow,
  attestation: { ...sampleMap.attestation, seller: { id: "", ...sampleMap.seller } },
};
let idle = 0;
let peak = 0;
let applied = 0;

const transport: Transport = {
  async batch(statements) {
    const body = JSON.stringify(statements);
    // The importer reads on meanwhile: at the next turn the following chunk is ready and this one's text still held.
    await new Promise((resolve) => setImmediate(resolve));
    // A full collection at every request would be all that a long file's import does.
    if (applied % 10 === 3 || applied < 12) peak = Math.max(peak, live() - idle);
    if (body.length === 0) throw new Error("nothing was sent");
    return statements.map(answerTo);
  },
  transaction: () => Promise.reject(new Error("an import opens no transaction of several round trips")),
};
function answerTo(statement: Statement): Answer {
  if (statement.name === "app.bind") return answer({ org_id: "", now: benchNow, livemode: false });
  if (statement.name === "app.lease_import") return answer(leased);
  applied += 1;
  return answer({ applied: true, status: "running", chunks_done: applied, bytes_done: statement.params[3] });
}

const org = new SystemDb(transport, uuidMint(Date.now, randomBytes), testPeppers).asOrg(
  "",
  { type: "job", id: "bench" },
  "req_bench",
  benchNow,
);
const numbers = await numberHasher(new Map([[1, new Uint8Array(32).fill(7)]]));
const packs = await packRefs();
const files = {
  put: () => Promise.reject(new Error("nothing is stored")),
  read: async () =>
    (async function* () {
      yield* leadFile(rows, 3);
    })(),
};
idle = live();
const importId = "01a1fdf9-22d0-7dca-a0dc-308cabbfe417";
const end = await runImport({ bind: () => org, files, numbers, packs, requestId: "req_bench", elapsedMs: () => 0 }, importId);
if (end !== "succeeded") throw new Error(`the import ended as ${end}`);
process.stdout.write(String(peak));
