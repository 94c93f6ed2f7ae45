import { readFile } from "node:fs/promises";
import pg from "pg";
import { from as copyFrom } from "pg-copy-streams";
import { openTestDatabase } from "../test/support/database.ts";
import { openIntake } from "../test/imports/intake-world.ts";
import { mapFile } from "../src/domain/imports/import-map.ts";
const map = mapFile.parse(JSON.parse(await readFile("dev/data/leads.map.json", "utf8")));
const bytes = new Uint8Array(await readFile("/tmp/leads100k.csv"));
const db = await openTestDatabase({ postgres: true });
for (let round = 0; round < 2; round++) {
  const world = await openIntake({ db });
  const { id } = await world.upload(bytes, map);
  const c0 = process.cpuUsage(); const t = performance.now();
  let peak=0; const iv=setInterval(()=>{peak=Math.max(peak,process.memoryUsage().heapUsed)},20);
  await world.run(id);
  clearInterval(iv);
  const ms = performance.now() - t; const c = process.cpuUsage(c0);
  const f = await world.find(id);
  console.log("intake", Math.round(100000/ms*1000), "rows/s", Math.round(ms), "ms cpu us/row", (c.user+c.system)/100000, f.accepted, "peak MB", peak/1e6|0, JSON.stringify(world.db.endpoint.requests?.() ? "" : ""));
  // copy leads back in as a peer
  const [dump] = [await world.sql("select count(*) from leads where org_id=$1",[world.orgId])];
  const cl = new pg.Client({ connectionString: db.adminConnectionString }); await cl.connect();
  await cl.query(`create table if not exists peer (like leads including all)`); await cl.query("truncate peer");
  await cl.query(`alter table peer drop constraint if exists peer_fk`); await cl.query(`alter table peer add constraint peer_fk foreign key (org_id, person_id) references persons (org_id,id)`);
  const out = await cl.query({text:`select org_id,id,person_id,import_id,line,external_id,e164,first_name,last_name,email,city,state,zip,source,notes,candidate_states,status,ineligible_reason,callback_at,created_at from leads where org_id=$1`, values:[world.orgId], rowMode:"array"});
  const tsv = out.rows.map((r:any[])=>r.map(v=>v===null?"\\N":v instanceof Date?v.toISOString():String(v).replace(/[\t\n\r\\]/g," ")).join("\t")).join("\n")+"\n";
  const t2=performance.now();
  await new Promise<void>((res,rej)=>{const s=cl.query(copyFrom(`copy peer (org_id,id,person_id,import_id,line,external_id,e164,first_name,last_name,email,city,state,zip,source,notes,candidate_states,status,ineligible_reason,callback_at,created_at) from stdin`)); s.on("error",rej); s.on("finish",()=>res()); s.end(tsv);});
  const ms2=performance.now()-t2; console.log("copy", Math.round(out.rows.length/ms2*1000), "rows/s", "ratio", (100000/ms)/(out.rows.length/ms2*1)/1 );
  await cl.end();
}
await db.close();
