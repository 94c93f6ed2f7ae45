import { readFile } from "node:fs/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import { SystemDb } from "../../src/db/system-db.ts";
import type { Answer, Statement, Transport } from "../../src/db/transport.ts";
import { checkFile } from "../../src/domain/imports/check-file.ts";
import { mapFile } from "../../src/domain/imports/import-map.ts";
import { packRefs } from "../../src/gates/rules/packs.ts";
import { runImport } from "../../src/jobs/run-import.ts";
import type { Instant } from "../../src/lib/instant.ts";
import { numberHasher } from "../../src/lib/number-hash.ts";
import { uuidMint } from "../../src/lib/uuid-v7.ts";
import { testPeppers } from "../support/peppers.ts";

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;
const at = "2026-11-18T15:00:00Z" as Instant;
const text = await readFile("dev/data/leads.csv", "utf8");
const map = mapFile.parse(JSON.parse(await readFile("dev/data/leads.map.json", "utf8")));
const header = new TextEncoder().encode(text.slice(0, text.indexOf("\n") + 1));
const body = new TextEncoder().encode(text.slice(text.indexOf("\n") + 1));
const turns = 18;
const bytesTotal = header.length + turns * body.length;
const megabyte = 1_048_576;

/** Some 20 MB that nobody holds at once. */
async function* large() {
  yield header;
  for (let turn = 0; turn < turns; turn += 1)
    for (let from = 0; from < body.length; from += 65_536) yield body.subarray(from, from + 65_536);
}

function liveHeap(): number {
  gc();
  return process.memoryUsage().heapUsed;
}

it("checks a large file in a memory that does not grow with it", async () => {
  const packs = await packRefs();
  const idle = liveHeap();
  let peak = 0;
  let pieces = 0;
  async function* watched() {
    for await (const piece of large()) {
      pieces += 1;
      if (pieces % 40 === 0) peak = Math.max(peak, liveHeap() - idle);
      yield piece;
    }
  }
  const checked = await checkFile(watched(), map, { at, packs });
  expect(checked).toMatchObject({ ok: true, counts: { rows: 3000 * turns, accepted: 2442 } });
  expect(peak).toBeLessThan(16 * megabyte);
});

it("imports a large file in chunks of at least 2,000 rows, one request each, in a memory that does not grow with it", async () => {
  const sizes: number[] = [];
  const live: number[] = [];
  let idle = 0;
  const answer = (row: Readonly<Record<string, unknown>>): Answer => ({ columns: Object.keys(row), rows: [Object.values(row)] });
  const leased = {
    id: "", file_key: "file", bytes_total: bytesTotal, bytes_done: 0, lines_done: 0, chunks_done: 0, columns: map.columns, header: null, arrived_at: at,
    attestation: { ...map.attestation, seller: { id: "", ...map.seller } },
  }; // prettier-ignore
  const answerTo = (statement: Statement): Answer => {
    if (statement.name === "app.bind") return answer({ org_id: "", now: at, livemode: false });
    if (statement.name === "app.lease_import") return answer(leased);
    sizes.push(Number(statement.params[5]));
    live.push(liveHeap() - idle);
    return answer({ applied: true, status: "running", chunks_done: sizes.length, bytes_done: statement.params[3] });
  };
  const transport: Transport = {
    batch: async (statements) => statements.map(answerTo),
    transaction: () => Promise.reject(new Error("an import opens no transaction of several round trips")),
  };
  const org = new SystemDb(transport, uuidMint(Date.now, randomBytes), testPeppers).asOrg(
    "",
    { type: "job", id: "run-import" },
    "",
    at,
  );
  const numbers = await numberHasher(new Map([[1, new Uint8Array(32)]]));
  const packs = await packRefs();
  idle = liveHeap();
  const files = { put: () => Promise.reject(new Error("nothing is stored")), read: async () => large() };
  const importId = "01a1fdf9-22d0-7dca-a0dc-308cabbfe417";
  expect(await runImport({ bind: () => org, files, numbers, packs, requestId: "", elapsedMs: () => 0 }, importId)).toBe(
    "succeeded",
  );
  expect(sizes.reduce((total, size) => total + size, 0)).toBe(3000 * turns);
  expect(Math.min(...sizes.slice(0, -1))).toBeGreaterThanOrEqual(2_000);
  expect(Math.max(...live)).toBeLessThan(64 * megabyte);
  expect(live.at(-2) ?? 0).toBeLessThan((live[2] ?? 0) + 8 * megabyte);
});
