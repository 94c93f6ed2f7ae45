// JS side alone: transport answers at once
import { randomBytes } from "node:crypto";
import { SystemDb } from "../src/db/system-db.ts";
import { packRefs } from "../src/gates/rules/packs.ts";
import { runImport } from "../src/jobs/run-import.ts";
import { numberHasher } from "../src/lib/number-hash.ts";
import { uuidMint } from "../src/lib/uuid-v7.ts";
import { benchNow as at, sampleMap as map } from "./house.ts";
import { leadFile } from "./lead-file.ts";
const rows = Number(process.argv[2] ?? 50000);
const file = [...leadFile(rows, 5)];
const total = file.reduce((s, p) => s + p.length, 0);
const { seller, ...terms } = map.attest;
const leased = { id: "", file_key: "f", bytes_total: total, bytes_done: 0, lines_done: 0, chunks_done: 0, columns: map.columns, header: null, arrived_at: at, attestation: { ...terms, seller: { id: "", registered_name: seller.legal_name, trade_names: seller.trade_names } } };
const answer = (row: any) => ({ columns: Object.keys(row), rows: [Object.values(row)] });
const transport: any = { batch: async (st: any[]) => st.map((s) => s.name === "app.bind" ? answer({ org_id: "", now: at, livemode: false }) : s.name === "app.lease_import" ? answer(leased) : answer({ applied: true, status: "running", chunks_done: 1, bytes_done: s.params[3] })) };
const org = new SystemDb(transport, uuidMint(Date.now, randomBytes)).asOrg("", { type: "job", id: "x" }, "", at);
const numbers = await numberHasher(new Map([[1, new Uint8Array(32)]]));
const packs = await packRefs();
const files = { put: async () => {}, read: async () => (async function* () { yield* file; })() };
for (let r = 0; r < 4; r++) {
  const c0 = process.cpuUsage(), t0 = performance.now();
  const end = await runImport({ bind: () => org, files, numbers, packs, requestId: "", elapsedMs: () => 0 } as any, "01a1fdf9-22d0-7dca-a0dc-308cabbfe417");
  const c = process.cpuUsage(c0);
  console.log(end, "cpu us/row", ((c.user + c.system) / rows).toFixed(1), "wall", ((performance.now() - t0) * 1000 / rows).toFixed(1));
}
