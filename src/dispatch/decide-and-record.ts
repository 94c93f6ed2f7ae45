import { setImmediate as turn } from "node:timers/promises";
import type { OrgDb } from "../db/org-db.ts";
import type { RecordItem } from "../db/queries/dispatch.ts";
import type { LeadFacts } from "../domain/decisions/gather-facts.ts";
import type { SnapshotDesk } from "../domain/decisions/snapshot.ts";
import type { Claim } from "./claim.ts";
import { decider } from "./decide.ts";
import { type Recorded, send, spellOut } from "./record.ts";

/** Small parts are recorded together until there are this many: 500 leads are five requests at most, whatever their parts. */
const leadsARequest = 100;
/** A few milliseconds of the gates, after which the request that is under way may go on. */
const leadsATurn = 25;

/** With `failure` the parts that came before it are committed all the same; the others wait for their lease's end. */
export interface RecordedClaim {
  readonly recorded: readonly Recorded[];
  readonly failure?: unknown;
}

/**
 * Every gate for every lead of a claim, and what they came to, committed. While the database writes one part the gates
 * judge the next; parts are recorded one after the other, because what one leaves of its tokens goes to the next.
 */
export async function decideAndRecord(desk: SnapshotDesk, org: OrgDb, claim: Claim): Promise<RecordedClaim> {
  const { bound, token, versions, campaigns } = claim;
  const head = { at: bound.now, token, versions, campaigns };
  const decide = decider(desk, bound.now, campaigns);
  const judge = async (leads: readonly LeadFacts[]): Promise<RecordItem[]> => {
    const items: RecordItem[] = [];
    for (let from = 0; from < leads.length; from += leadsATurn) {
      await turn();
      items.push(...spellOut(org, head, await decide(leads.slice(from, from + leadsATurn))));
    }
    return items;
  };
  const recorded: Recorded[] = [];
  const keep = (answers: readonly Recorded[]) => void recorded.push(...answers);
  let recording = Promise.resolve();
  try {
    for (const leads of partsOf(claim.leads)) {
      const [items] = await Promise.all([judge(leads), recording]);
      recording = send(org, head, items).then(keep);
    }
    await recording;
    return { recorded };
  } catch (failure) {
    await recording.catch(() => undefined);
    return { recorded, failure };
  }
}

/** A lease's parts, in their order, each whole. */
function partsOf(leads: readonly LeadFacts[]): LeadFacts[][] {
  const parts: LeadFacts[][] = [];
  for (const part of Map.groupBy(leads, (lead) => lead.lease_part).values()) {
    const last = parts.at(-1);
    if (last !== undefined && last.length < leadsARequest) last.push(...part);
    else parts.push(part);
  }
  return parts;
}
