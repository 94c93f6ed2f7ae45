/** Chapters 2 and 3: a file of leads, and what the do-not-call lists say of them. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ApiClient, Json } from "./api-client.ts";
import { counted, heading, progress, table } from "./print.ts";
import { type Demo, data } from "./story.ts";

export async function importFile(
  api: ApiClient,
  seller: string,
  name: string,
  columns: Json,
  attestation: Json,
  file: Uint8Array<ArrayBuffer>,
): Promise<Json> {
  const announced = await api.post("/v1/imports", { seller_id: seller, file_name: name, columns, attestation });
  await api.put(announced.upload_url, "text/csv", file);
  const shown = progress(name);
  for (;;) {
    const state = await api.get(`/v1/imports/${announced.id}`);
    shown.show(state.bytes_done, state.bytes_total ?? file.length, `${state.rows_in} rows`);
    if (state.status === "succeeded") {
      shown.end(`${state.rows_in} rows`);
      return state;
    }
    if (state.status === "failed") throw new Error(`the import failed: ${state.status_reason}`);
    await sleep(150);
  }
}

/** Leads that a later row of their number made eligible: the job judges a number's new evidence soon after the file. */
async function admitted({ stack }: Demo, eligibleBefore: number): Promise<number> {
  for (let round = 0; round < 600; round++) {
    if (round % 100 === 0) await stack.tick();
    const { rows } = await stack.admin(
      "select (select count(*)::int from standing_marks) as marks, (select count(*)::int from leads where status = 'eligible') as eligible",
    );
    const { marks, eligible } = rows[0] as { marks: number; eligible: number };
    if (marks === 0) return eligible - eligibleBefore;
    await sleep(100);
  }
  throw new Error("the evidence of later rows was not judged");
}

export async function importLeads(demo: Demo, seller: string): Promise<Json> {
  const { api } = demo;
  heading("2  A file of leads, as vendors export them");
  const map = JSON.parse(await readFile(join(data, "leads.map.json"), "utf8"));
  const file = new Uint8Array(await readFile(join(data, "leads.csv")));
  const done = await importFile(api, seller, "leads.csv", map.columns, map.attestation, file);
  table([
    ["rows in", done.rows_in],
    ["accepted", done.accepted],
    ["  eligible", done.eligible, "their consent passes"],
    ...counted(done.ineligible).map(([code, count]) => [`  ${code}`, count, "ineligible: can enter no queue"] as const),
    ...counted(done.rejected).map(([code, count]) => [`rejected: ${code}`, count] as const),
    ["eligible after all", await admitted(demo, done.eligible), "a later row of their number brought a consent that passes"],
  ]);
  return done;
}

export async function scrub({ stack }: Demo): Promise<void> {
  heading("3  The do-not-call lists");
  const shown = progress("scrub");
  for (let round = 0; round < 1_500; round++) {
    if (round % 100 === 0) await stack.tick();
    const { rows } = await stack.admin(
      "select count(*)::int as leads, count(*) filter (where exists (select 1 from scrubs s where s.person_id = l.person_id))::int as scrubbed from leads l where status = 'eligible'",
    );
    const { leads, scrubbed } = rows[0] as { leads: number; scrubbed: number };
    shown.show(scrubbed, leads);
    if (scrubbed === leads) break;
    await sleep(100);
  }
  const { rows } = await stack.admin(
    "select list, result, count(*)::int as count from scrubs where list in ('national', 'litigator') group by 1, 2 order by 1, 3 desc",
  );
  shown.end(rows.map((row) => `${String(row["list"])} ${String(row["result"])} ${String(row["count"])}`).join(", "));
}
