import type { OrgDb } from "../../db/org-db.ts";
import {
  activeDncConnections,
  type DncConnectionRow,
  recordScrubs,
  type ScrubDueRow,
  takeScrubDue,
} from "../../db/queries/scrubs.ts";
import { type Answer, rowsOf } from "../../db/transport.ts";
import { byteaText, bytesOfHex } from "../../lib/bytes.ts";
import { publicId } from "../../lib/ids.ts";
import { addSeconds, daySeconds, type Instant } from "../../lib/instant.ts";
import type { DncAnswer, DncNumberAnswer, DncProvider } from "../../providers/dnc/contract.ts";
import { demandedLists, listKind } from "./demanded-lists.ts";
import { haltForDnc } from "./halt-for-dnc.ts";

export interface ReachableDnc {
  readonly orgId: string;
  readonly livemode: boolean;
  readonly connectionId: string;
  readonly vendor: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly sealed: unknown;
}
export interface ScrubDeps {
  readonly dnc: (connection: ReachableDnc) => DncProvider | null;
}
export interface ScrubResult {
  readonly scrubbed: number;
  readonly listed: number;
  /** Set when the provider did not answer: the org's dialing is halted and the leads keep their due time. */
  readonly failure: string | null;
}

/** One request of the provider carries at most this many numbers (its contract). */
const numbersMax = 1_000;
const roundsMax = 200;
/** An answer is refreshed a day before the law's 31 days are over, so that a failed run has a day to be repaired. */
const refreshSeconds = 30 * daySeconds;
const unknownRetrySeconds = 3_600;

/** Asks the org's first active source for every lead whose lists are due, and records what it said. */
export async function scrubDueLeads(deps: ScrubDeps, org: OrgDb): Promise<ScrubResult> {
  let [scrubbed, listed] = [0, 0];
  for (let round = 0; round < roundsMax; round++) {
    const { bound, answers } = await org.query(activeDncConnections(), takeScrubDue(numbersMax));
    const [connections, due] = answers as [Answer, Answer];
    const [connection] = rowsOf<DncConnectionRow>(connections);
    const leads = rowsOf<ScrubDueRow>(due);
    if (connection === undefined || leads.length === 0) break;
    const reach = {
      orgId: bound.orgId,
      livemode: bound.livemode,
      connectionId: connection.connection_id,
      vendor: connection.vendor,
    };
    const provider =
      connection.sealed === null ? null : deps.dnc({ ...reach, config: connection.config, sealed: connection.sealed });
    for (const group of groupByLists(leads, coveredBy(connection))) {
      const answer: DncAnswer =
        provider === null
          ? { kind: "failed", reason: "unavailable", retryAfterSeconds: null }
          : await provider.check({
              at: bound.now,
              requestId: org.newId(),
              sellerSan: null,
              numbers: group.leads.map(numberOf),
              lists: group.lists,
            });
      if (answer.kind === "failed") {
        await haltForDnc(org, connection.connection_id, answer.reason);
        return { scrubbed, listed, failure: answer.reason };
      }
      listed += await recordGroup(org, bound.now, connection.connection_id, group.leads, answer);
      scrubbed += group.leads.length;
    }
    if (leads.length < numbersMax) break;
  }
  return { scrubbed, listed, failure: null };
}

const coveredBy = (connection: DncConnectionRow): readonly string[] =>
  Array.isArray(connection.config["lists"]) ? (connection.config["lists"] as string[]) : [];

const numberOf = (lead: ScrubDueRow) => ({
  id: lead.lead_id,
  e164: lead.e164,
  state: lead.state,
  consentAt: lead.consent_at as Instant | null,
});

/** Leads that need the same lists are asked for together; what the source does not cover is not asked of it. */
function groupByLists(leads: readonly ScrubDueRow[], covers: readonly string[]): { lists: string[]; leads: ScrubDueRow[] }[] {
  const groups = new Map<string, { lists: string[]; leads: ScrubDueRow[] }>();
  for (const lead of leads) {
    const states = lead.candidate_states === "" ? [] : lead.candidate_states.split(",");
    const lists = demandedLists(states, covers);
    const key = lists.join(",");
    const group = groups.get(key) ?? { lists, leads: [] };
    group.leads.push(lead);
    groups.set(key, group);
  }
  return [...groups.values()];
}

async function recordGroup(
  org: OrgDb,
  now: Instant,
  connectionId: string,
  leads: readonly ScrubDueRow[],
  answer: Extract<DncAnswer, { kind: "answered" }>,
): Promise<number> {
  const byId = new Map(answer.numbers.map((number) => [number.id, number]));
  const runId = org.newId();
  const answers = leads.flatMap((lead) =>
    (byId.get(lead.lead_id)?.lists ?? []).map((list) => ({
      id: org.newId(),
      personId: lead.person_id,
      list: list.list,
      kind: listKind(list.list),
      result: list.result,
      listVersionAt: list.listVersionAt,
    })),
  );
  const { answers: written } = await org.changeInOneRequest(
    [
      {
        action: "scrub.recorded",
        subject: publicId("connection", connectionId),
        facts: {
          run: publicId("scrub", runId),
          numbers: leads.length,
          provider_ref: answer.providerRef,
          response_digest: answer.responseDigest,
        },
      },
    ],
    recordScrubs({
      runId,
      connectionId,
      responseDigest: byteaText(bytesOfHex(answer.responseDigest)),
      answers,
      leads: leads.map((lead) => ({ id: lead.lead_id, dueAt: dueAgain(now, byId.get(lead.lead_id)) })),
    }),
  );
  return Number(rowsOf<{ listed: number }>(written[0] ?? { columns: [], rows: [] })[0]?.listed ?? 0);
}

/** When the oldest list that was asked comes near its age limit; soon, where an answer is unknown. */
function dueAgain(now: Instant, answer: DncNumberAnswer | undefined): Instant {
  let due = addSeconds(now, refreshSeconds);
  for (const list of answer?.lists ?? []) {
    const at =
      list.result === "unknown" || list.listVersionAt === null
        ? addSeconds(now, unknownRetrySeconds)
        : addSeconds(list.listVersionAt, refreshSeconds);
    if (at < due) due = at;
  }
  const soonest = addSeconds(now, unknownRetrySeconds);
  return due < soonest ? soonest : due;
}
