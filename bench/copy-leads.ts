/** The peer of intake: the same file's bytes, its columns put in place and nothing judged, by COPY into a table like `leads`. */
import { once } from "node:events";
import { createReadStream } from "node:fs";
import type pg from "pg";
import { from as copyFrom } from "pg-copy-streams";
import { readCsv } from "../src/lib/csv.ts";
import { findColumns } from "../src/domain/imports/import-map.ts";
import { newId, sampleMap } from "./house.ts";

export const copyTable =
  "create table copied_leads (like leads including defaults including constraints including indexes) with (fillfactor = 90)";

const columns =
  "org_id, id, person_id, import_id, line, external_id, e164, first_name, last_name, email, city, state, zip, source, notes, candidate_states, status, created_at";
const given = ["external_id", "phone", "first_name", "last_name", "email", "city", "state", "zip", "source", "notes"] as const;

/** @returns rows copied, and the seconds from the first byte read to the commit. */
export async function copyLeads(owner: pg.Client, orgId: string, path: string): Promise<{ rows: number; seconds: number }> {
  const began = performance.now();
  const importId = newId();
  const sink = owner.query(copyFrom(`copy copied_leads (${columns}) from stdin`));
  let at: number[] | undefined;
  let rows = 0;
  for await (const records of readCsv(createReadStream(path))) {
    let text = "";
    for (const record of records) {
      if (at === undefined) {
        at = placesOf(record.fields);
        continue;
      }
      rows += 1;
      text += `${orgId}\t${newId()}\t${newId()}\t${importId}\t${record.line}`;
      for (const [index, place] of at.entries())
        text += `\t${index === 1 ? e164(record.fields[place]) : cell(record.fields[place])}`;
      text += `\t${cell(record.fields[at[6] ?? 0])}\teligible\t2026-11-18T18:00:00Z\n`;
    }
    if (text !== "" && !sink.write(text)) await once(sink, "drain");
  }
  sink.end();
  await once(sink, "finish");
  return { rows, seconds: (performance.now() - began) / 1000 };
}

function placesOf(header: readonly string[]): number[] {
  const found = findColumns(header, sampleMap.columns);
  if (!found.ok) throw new Error(found.fault.reason);
  return given.map((column) => found.at[column] ?? 0);
}

const special = /[\\\t\n\r]/;
function cell(text = ""): string {
  const bare = text.trim();
  if (bare === "") return "\\N";
  return special.test(bare)
    ? bare.replaceAll("\\", "\\\\").replaceAll("\t", "\\t").replaceAll("\n", "\\n").replaceAll("\r", "\\r")
    : bare;
}
const e164 = (text = ""): string => `+1${text.replace(/\D/g, "").slice(-10)}`;
