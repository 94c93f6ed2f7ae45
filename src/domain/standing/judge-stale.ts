import type { OrgDb } from "../../db/org-db.ts";
import { type ConsentEventRow, consentEventsOf, readDialFacts } from "../../db/queries/dial-facts.ts";
import { admitLeads, refusedLeads, type RefusedLeadRow } from "../../db/queries/leads.ts";
import { type JudgedStanding, keepStanding, type StaleRow, sweepStanding, takeStaleStanding } from "../../db/queries/standing.ts";
import { type Answer, rowsOf } from "../../db/transport.ts";
import { decide } from "../../gates/decide.ts";
import type { GateResult } from "../../gates/gate.ts";
import { standingGates } from "../../gates/registry.ts";
import { hexOf, sha256 } from "../../lib/bytes.ts";
import { publicId } from "../../lib/ids.ts";
import { earliest, type Instant } from "../../lib/instant.ts";
import { judgeEvidence } from "../consent/judge-evidence.ts";
import { type DialFacts, gatherFacts } from "../decisions/gather-facts.ts";
import { buildSnapshots, type SnapshotDesk } from "../decisions/snapshot.ts";

const rowsMax = 500;
const roundsMax = 2_000;
/** Rounds in a row in which somebody else held, or moved, all that was judged. */
const vainMax = 3;
/** Seven statements each; a batch rarely spans more than a few campaigns. */
const campaignsAtOnce = 20;

/** `again`: its time was up before its work was. */
export interface JudgedStale {
  readonly kept: number;
  readonly ends: "done" | "again";
}

/**
 * Judges what is stale of the org's standing results, a batch at a time: one request that keeps the last batch's results
 * and takes the next rows, one that reads their facts and lets a sweep go on (which waits for persons, and so not while
 * places are held). Dials nothing and mints nothing; what moves meanwhile stays stale.
 */
export async function judgeStale(desk: SnapshotDesk, org: OrgDb, timeIsUp: () => boolean): Promise<JudgedStale> {
  let judged: JudgedStanding | null = null;
  let [kept, vain] = [0, 0];
  for (let round = 0; round < roundsMax; round++) {
    const { answers } = await org.query(
      judged === null ? sweepStanding(rowsMax) : keepStanding(judged),
      takeStaleStanding(rowsMax),
    );
    const done = judged === null ? 1 : Number(answers[0]?.rows[0]?.[0] ?? 0);
    kept += judged === null ? 0 : done;
    vain = done === 0 ? vain + 1 : 0;
    const rows = wholePersons(rowsOf<StaleRow>(answers.at(-1) as Answer));
    // What is never kept is taken again at the next tick.
    if (rows.length === 0 || vain === vainMax) return { kept, ends: "done" };
    if (timeIsUp()) return { kept, ends: "again" };
    judged = await judgeRows(desk, org, rows);
  }
  return { kept, ends: "again" };
}

/** A mark goes with the last of its person's places: a person whom the batch's end may have cut is left for the next. */
function wholePersons(rows: readonly StaleRow[]): readonly StaleRow[] {
  const last = rows.at(-1)?.person;
  if (rows.length < rowsMax || rows[0]?.person === last) return rows;
  return rows.filter((row) => row.person !== last);
}

async function judgeRows(desk: SnapshotDesk, org: OrgDb, rows: readonly StaleRow[]): Promise<JudgedStanding> {
  const [first] = rows as [StaleRow];
  const refused = [...new Set(rows.filter((row) => row.refused_lead).map((row) => row.person))];
  if (refused.length > 0) await admitRefused(desk, org, refused);
  const marked = new Map(rows.flatMap((row) => (row.mark === null ? [] : [[row.person, { ...row, mark: row.mark }] as const])));
  return {
    orgVersion: first.org_version,
    platformVersion: first.platform_version,
    persons: [...marked.values()].map((row) => ({ id: row.person, mark: row.mark, version: row.person_version })),
    places: await judgePlaces(desk, org, rows),
  };
}

async function judgePlaces(desk: SnapshotDesk, org: OrgDb, rows: readonly StaleRow[]): Promise<JudgedStanding["places"]> {
  const open = rows.filter((row) => row.enrolment !== null);
  const byCampaign = [...Map.groupBy(open, (row) => row.campaign ?? "")];
  if (byCampaign.length === 0) await org.query(sweepStanding(rowsMax));
  const places: JudgedStanding["places"][number][] = [];
  for (let from = 0; from < byCampaign.length; from += campaignsAtOnce) {
    const some = byCampaign.slice(from, from + campaignsAtOnce);
    const sources = some.map(([campaignId, group]) => ({
      kind: "leads" as const,
      campaignId,
      leadIds: group.map((row) => row.lead ?? ""),
    }));
    const reads = sources.map(readDialFacts);
    const { bound, answers } = await org.query(...reads.flat(), sweepStanding(rowsMax));
    let next = 0;
    const facts = reads.map((statements) => gatherFacts(answers.slice(next, (next += statements.length))));
    const taken = new Map(some.flatMap(([campaign, group]) => group.map((row) => [`${campaign} ${row.lead}`, row] as const)));
    const leads = facts.flatMap((each) => each.leads);
    const results = await standingResults(
      desk,
      bound.now,
      facts.flatMap((each) => each.campaigns),
      leads,
    );
    leads.forEach((lead, at) => {
      const row = taken.get(`${lead.campaign_id} ${lead.lead_id}`);
      if (row !== undefined) places.push(placeOf(row, results[at] ?? []));
    });
  }
  return places;
}

/** The standing gates' answers for each lead, in memory, by the gates that a dial asks. */
async function standingResults(
  desk: SnapshotDesk,
  at: Instant,
  campaigns: DialFacts["campaigns"],
  leads: DialFacts["leads"],
): Promise<(readonly GateResult[])[]> {
  const mandatory = standingGates.map((gate) => gate.name);
  const batch = new Map<string, unknown>();
  const snapshots = await buildSnapshots(desk, at, campaigns, leads);
  return snapshots.map(({ snapshot }) => decide(standingGates, snapshot, { mandatory, batch }).results);
}

function placeOf(row: StaleRow, results: readonly GateResult[]): JudgedStanding["places"][number] {
  return {
    enrolmentId: row.enrolment ?? "",
    rowVersion: row.row_version ?? "",
    personVersion: row.person_version,
    standing: JSON.stringify(results.map(({ gate, verdict, reason_code }) => ({ gate, verdict, reason_code }))),
    validUntil: earliest(results.map((result) => result.valid_until)),
  };
}

/** Leads that intake refused and whose persons brought better evidence since, as by a later row of a file. */
async function admitRefused(desk: SnapshotDesk, org: OrgDb, personIds: readonly string[]): Promise<void> {
  const { bound, answers } = await org.query(refusedLeads(personIds), consentEventsOf(personIds));
  const packs = await desk.packs();
  const evidence = Map.groupBy(rowsOf<ConsentEventRow>(answers[1] as Answer), (event) => event.person_id);
  const passing = rowsOf<RefusedLeadRow>(answers[0] as Answer).filter((lead) =>
    judgeEvidence(bound.now, packs, lead.e164, evidence.get(lead.person_id) ?? []),
  );
  if (passing.length === 0) return;
  await org.change({ action: "lead.batch_admitted", subject: publicId("request", org.newId()) }, async (w) => {
    const admitted = await w.rows<{ id: string }>(
      admitLeads(passing.map((lead) => ({ id: lead.lead_id, personVersion: lead.person_version }))),
    );
    if (admitted.length === 0) return w.withdrawEntry();
    const ids = admitted.map((lead) => lead.id).toSorted();
    w.note({ admitted: ids.length, lead_ids_sha256: hexOf(sha256(ids.join("\n"))) });
  });
}
