import type { OrgDb } from "../../db/org-db.ts";
import {
  activeDncConnections,
  type DncConnectionRow,
  putOffScrubs,
  recordScrubs,
  type ScrubDueRow,
  takeScrubDue,
} from "../../db/queries/scrubs.ts";
import { type Answer, rowsOf } from "../../db/transport.ts";
import { byteaText, bytesOfHex } from "../../lib/bytes.ts";
import { publicId } from "../../lib/ids.ts";
import { addSeconds, daySeconds, type Instant } from "../../lib/instant.ts";
import type { DncAnswer, DncNumberAnswer, DncProvider } from "../../providers/dnc/contract.ts";
import type { StoredConnection } from "../../providers/registry.ts";
import { demandedLists, listKind } from "./demanded-lists.ts";
import { haltForDnc } from "./halt-for-dnc.ts";

export interface ScrubDeps {
  readonly dnc: (connection: StoredConnection) => DncProvider | null;
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
const unansweredRetrySeconds = 600;

/** Asks the org's active sources for every lead whose lists are due, and records what they said. */
export async function scrubDueLeads(deps: ScrubDeps, org: OrgDb): Promise<ScrubResult> {
  let [scrubbed, listed] = [0, 0];
  for (let round = 0; round < roundsMax; round++) {
    const { bound, answers } = await org.query(activeDncConnections(), takeScrubDue(numbersMax));
    const [connections, due] = answers as [Answer, Answer];
    const sources = rowsOf<DncConnectionRow>(connections);
    const leads = rowsOf<ScrubDueRow>(due);
    if (sources.length === 0 || leads.length === 0) break;
    const { groups, uncovered } = planQuestions(leads, sources);
    if (uncovered.length > 0) await org.query(putOffScrubs(uncovered, addSeconds(bound.now, refreshSeconds)));
    const open = openQuestions(groups);
    for (const group of groups) {
      const answer = await ask(deps, org, bound, group);
      if (answer.kind === "failed") {
        await haltForDnc(org, group.source.connection_id, answer.reason);
        return { scrubbed, listed, failure: answer.reason };
      }
      listed += await recordGroup(org, bound.now, group, answer, open);
    }
    scrubbed += leads.length - uncovered.length;
    if (leads.length < numbersMax) break;
  }
  return { scrubbed, listed, failure: null };
}

function ask(
  deps: ScrubDeps,
  org: OrgDb,
  { orgId, livemode, now }: { readonly orgId: string; readonly livemode: boolean; readonly now: Instant },
  { source, lists, leads }: Question,
): DncAnswer | Promise<DncAnswer> {
  const { connection_id: connectionId, vendor, config, sealed } = source;
  const provider = sealed === null ? null : deps.dnc({ orgId, livemode, connectionId, vendor, config, sealed });
  if (provider === null) return { kind: "failed", reason: "unavailable", retryAfterSeconds: null };
  return provider.check({ at: now, requestId: org.newId(), sellerSan: null, numbers: leads.map(numberOf), lists });
}

/** One request: leads of which the same lists are asked of the same source. */
interface Question {
  readonly source: DncConnectionRow;
  readonly lists: readonly string[];
  readonly leads: ScrubDueRow[];
}

/** Each list is asked of the oldest source that covers it; what no source covers is asked of nobody, and stays unknown. */
function planQuestions(
  leads: readonly ScrubDueRow[],
  sources: readonly DncConnectionRow[],
): { readonly groups: readonly Question[]; readonly uncovered: readonly string[] } {
  const added = sources[0]?.added_lists ?? [];
  const groups = new Map<string, Question>();
  const uncovered: string[] = [];
  for (const lead of leads) {
    const states = lead.candidate_states === "" ? [] : lead.candidate_states.split(",");
    const demanded = demandedLists(states, added);
    const taken = new Set<string>();
    for (const source of sources) {
      const lists = coveredBy(source).filter((list) => demanded.includes(list) && !taken.has(list));
      if (lists.length === 0) continue;
      for (const list of lists) taken.add(list);
      const key = `${source.connection_id} ${lists.join(",")}`;
      const group = groups.get(key) ?? { source, lists, leads: [] };
      group.leads.push(lead);
      groups.set(key, group);
    }
    if (taken.size === 0) uncovered.push(lead.lead_id);
  }
  return { groups: [...groups.values()], uncovered };
}

const coveredBy = (connection: DncConnectionRow): readonly string[] =>
  Array.isArray(connection.config["lists"]) ? (connection.config["lists"] as string[]).toSorted() : [];

/** How many sources still have to answer for a lead, and the first due time that their answers ask for. */
type OpenQuestions = Map<string, { left: number; due: Instant | null }>;

function openQuestions(groups: readonly Question[]): OpenQuestions {
  const open: OpenQuestions = new Map();
  for (const { leads } of groups)
    for (const { lead_id: id } of leads) open.set(id, { left: (open.get(id)?.left ?? 0) + 1, due: null });
  return open;
}

const numberOf = (lead: ScrubDueRow) => ({
  id: lead.lead_id,
  e164: lead.e164,
  state: lead.state,
  consentAt: lead.consent_at as Instant | null,
});

async function recordGroup(
  org: OrgDb,
  now: Instant,
  { source: { connection_id: connectionId }, leads }: Question,
  answer: Extract<DncAnswer, { kind: "answered" }>,
  open: OpenQuestions,
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
      leads: leads.map((lead) => ({
        id: lead.lead_id,
        dueAt: dueOf(lead.lead_id, dueAgain(now, byId.get(lead.lead_id)), now, open),
      })),
    }),
  );
  return Number(rowsOf<{ listed: number }>(written[0] ?? { columns: [], rows: [] })[0]?.listed ?? 0);
}

/** The first of what its sources' answers ask for; soon, as long as one of them has not answered. */
function dueOf(leadId: string, due: Instant, now: Instant, open: OpenQuestions): Instant {
  const questions = open.get(leadId) ?? { left: 1, due: null };
  questions.left--;
  if (questions.due === null || due < questions.due) questions.due = due;
  return questions.left > 0 ? addSeconds(now, unansweredRetrySeconds) : questions.due;
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
