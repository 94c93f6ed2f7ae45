import { readFile } from "node:fs/promises";
import pg from "pg";
import { openTestDatabase } from "../test/support/database.ts";
import { openIntake } from "../test/imports/intake-world.ts";
import { mapFile } from "../src/domain/imports/import-map.ts";
const map = mapFile.parse(JSON.parse(await readFile("dev/data/leads.map.json", "utf8")));
const bytes = new Uint8Array(await readFile("/tmp/leads100k.csv")).subarray(0, 6_000_000);
const db = await openTestDatabase({ postgres: true });
const world = await openIntake({ db });
const { id } = await world.upload(bytes, map);
let n = 0;
const cl = new pg.Client({ connectionString: db.adminConnectionString }); await cl.connect();
let show=false;
cl.on("notice", (m) => show && console.log(m.message?.slice(0, 6000)));
await cl.query("load 'auto_explain'; set auto_explain.log_min_duration=5; set auto_explain.log_nested_statements=on; set auto_explain.log_analyze=on; set auto_explain.log_buffers=off; set client_min_messages=log; set auto_explain.log_triggers=on; set auto_explain.log_parameter_max_length=0; set auto_explain.log_level=log");
const t: any = { transaction: (w: any) => world.transport.transaction(w), async batch(sts: any[]) {
  if (!sts.some((s) => s.name === "app.intake_chunk")) return world.transport.batch(sts);
  n++; const out: any[] = [];
  await cl.query("begin"); await cl.query("set local role dialgate_app");
  for (const s of sts) { show = n===5 && s.name==="app.intake_chunk"; const a=performance.now(); const r = await cl.query({ text: s.text, values: s.params.map((x:any)=>x), rowMode: "array" }); if (s.name==="app.intake_chunk") console.log("chunk", n, Math.round(performance.now()-a),"ms"); out.push({ columns: r.fields.map((f) => f.name), rows: r.rows }); }
  await cl.query("commit"); return out; } };
const org = world.orgOver(t);
console.log(await world.run(id, { bind: () => org }));
await cl.end(); await db.close();
