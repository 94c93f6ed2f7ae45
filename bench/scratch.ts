import { openBenchDatabase, openHouse } from "./house.ts";
import { leadFile, acceptedOf } from "./lead-file.ts";
import { copyLeads, copyTable } from "./copy-leads.ts";
import { pgTransport } from "./pg-transport.ts";
const rows = Number(process.argv[2] ?? 20000), rounds = Number(process.argv[3] ?? 5);
const { db, owner, close } = await openBenchDatabase();
const transport = pgTransport(db.connectionString, 2);
const house = await openHouse(transport);
await owner.query(copyTable);
const median = (x: number[]) => x.toSorted((a, b) => a - b)[x.length >> 1]!;
import { readdirSync, readFileSync } from "node:fs";
const cpuOf = (who: string) => { let t = 0; for (const d of readdirSync("/proc")) { if (!/^\d+$/.test(d)) continue; try { const c = readFileSync(`/proc/${d}/cmdline`, "utf8"); if (!c.startsWith("postgres: " + who)|| !c.includes(new URL(db.connectionString).pathname.slice(1))) continue; const f = readFileSync(`/proc/${d}/stat`, "utf8").split(") ")[1]!.split(" "); t += Number(f[11]) + Number(f[12]); } catch {} } return t * 1e4; };
const ratios: number[] = [], times: number[] = [];
for (let r = 0; r <= rounds; r++) {
  const file = [...leadFile(rows, 11 + r)];
  const cj0 = process.cpuUsage(), cp0 = cpuOf('postgres');
  const c = await copyLeads(owner, house.orgId, file);
  const cj = process.cpuUsage(cj0), cp = cpuOf('postgres') - cp0, ip0 = cpuOf('dialgate_app');
  const before = transport.roundTrips;
  const cpu = process.cpuUsage();
  const i = await house.importFile(() => file);
  const used = process.cpuUsage(cpu);
  const ip = cpuOf("dialgate_app") - ip0;
  if (i.accepted !== acceptedOf(rows)) throw new Error(`accepted ${i.accepted}, not ${acceptedOf(rows)}`);
  const ratio = c.seconds / i.seconds;
  if (r > 0) { ratios.push(ratio); times.push(i.seconds); }
  console.log(r, "copy us/row", (c.seconds / rows * 1e6).toFixed(1), "intake", (i.seconds / rows * 1e6).toFixed(1), "js cpu", ((used.user + used.system) / rows).toFixed(1), "| cpu/row copy js", ((cj.user+cj.system)/rows).toFixed(1), "pg", (cp/rows).toFixed(1), "intake pg", (ip/rows).toFixed(1), "| ratio", ratio.toFixed(3), "trips", transport.roundTrips - before);
}
console.log("median ratio", median(ratios).toFixed(3), "median s", median(times).toFixed(3));
await transport.close();
await close();
