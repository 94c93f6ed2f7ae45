import pg from "pg";
import { openBenchDatabase, openHouse } from "./house.ts";
import { leadFile } from "./lead-file.ts";
import { pgTransport } from "./pg-transport.ts";
const { db, owner, close } = await openBenchDatabase();
const name = new URL(db.connectionString).pathname.slice(1);
await owner.query(`alter database ${name} set session_preload_libraries = 'auto_explain'`);
for (const s of ["log_min_duration = 1", "log_analyze = on", "log_buffers = on", "log_triggers = on", "log_nested_statements = on", "log_level = 'notice'", "log_timing = off"])
  await owner.query(`alter database ${name} set auto_explain.${s}`);
const orig = pg.Client.prototype.connect;
let n = 0;
(pg.Client.prototype as any).connect = function (this: pg.Client, ...a: any[]) {
  this.on("notice", (m: any) => { if (m.message?.startsWith("duration")) { n++; if (process.argv[2] === "all" || n > 30) console.log((m.message as string).replace(/(Query Text: |Query Parameters: )[\s\S]*?(?=\n\S)/g, (q) => q.slice(0, 160)).replace(/.{400,}/g, (l) => l.slice(0, 200))); } });
  return (orig as any).apply(this, a);
};
const transport = pgTransport(db.connectionString, 1);
const house = await openHouse(transport);
const file = [...leadFile(7500, 3)];
await house.importFile(() => file);
await transport.close();
await close();
