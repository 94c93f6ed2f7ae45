import type { OrgDb } from "../db/org-db.ts";
import { recordDecisions, type RecordedRow, type RecordItem } from "../db/queries/dispatch.ts";
import type { CampaignFactsRow } from "../db/queries/dial-facts.ts";
import { rowsOf } from "../db/transport.ts";
import type { Decision, Outcome } from "../gates/gate.ts";
import type { DialFacts } from "../domain/decisions/gather-facts.ts";
import { permitSecondsMin } from "../domain/decisions/snapshot.ts";
import { storeResults } from "../domain/decisions/stored-results.ts";
import { haltForCanary } from "../domain/halts/halt-for-canary.ts";
import { canonicalJson } from "../lib/canonical-json.ts";
import { publicId } from "../lib/ids.ts";
import { addSeconds, type Instant } from "../lib/instant.ts";
import type { DecidedLead } from "./decide.ts";

/** Of which claim, or of which look, the decisions are. */
export interface BatchHead {
  readonly at: Instant;
  /** Null when a single lead is called now: it is in no queue and holds no lease. */
  readonly token: string | null;
  readonly versions: DialFacts["versions"];
  readonly campaigns: readonly CampaignFactsRow[];
}
export interface DecidedBatch extends BatchHead {
  readonly decided: readonly DecidedLead[];
}

/** What a decision came to once it was committed. `lease_lost`: another run holds the lead; nothing was recorded. */
export interface Recorded {
  readonly decisionId: string;
  readonly leadId: string;
  readonly outcome: Outcome | "lease_lost";
  readonly permit: Permit | null;
}
/** With `permitted` only: the permit's attempt, when its token lets it leave, when the permit and when the window ends. */
export interface Permit {
  readonly attemptId: string;
  readonly slotAt: string;
  readonly expiresAt: string;
  readonly ringBy: Instant;
}

/** Commits decisions, audit entries, permits, attempts and enrolments together. One request. */
export const record = (org: OrgDb, { decided, ...head }: DecidedBatch): Promise<Recorded[]> =>
  send(org, head, spellOut(org, head, decided));

/** Decisions as they are sent: texts alone, so that the snapshots they were made of can go. */
export function spellOut(org: OrgDb, head: BatchHead, decided: readonly DecidedLead[]): RecordItem[] {
  const connections = new Map(head.campaigns.map((row) => [row.campaign_id, row.connection_id]));
  const actor = canonicalJson(org.actor);
  return decided.map((each) => itemOf(org, actor, head.at, each, connections));
}

export async function send(org: OrgDb, head: BatchHead, items: readonly RecordItem[]): Promise<Recorded[]> {
  if (head.versions === null || items.length === 0) return [];
  const { org_version: orgVersion, platform_version: platformVersion } = head.versions;
  const { answers } = await org.query(
    recordDecisions({ token: head.token, at: head.at, orgVersion, platformVersion, lifeLeastSeconds: permitSecondsMin, items }),
  );
  if (head.campaigns.some((campaign) => !campaign.canary_found)) await haltForCanary(org);
  const rows = new Map(rowsOf<RecordedRow>(answers[0] ?? { columns: [], rows: [] }).map((row) => [row.decision_id, row]));
  return items.map((item) => {
    const row = rows.get(item.decisionId);
    const outcome = (row?.outcome ?? "lease_lost") as Recorded["outcome"];
    return { decisionId: item.decisionId, leadId: item.leadId, outcome, permit: permitOf(item, row) };
  });
}

const permitOf = (item: RecordItem, row: RecordedRow | undefined): Permit | null =>
  row?.attempt_id == null || row.expires_at === null
    ? null
    : { attemptId: row.attempt_id, slotAt: row.slot_at, expiresAt: row.expires_at, ringBy: item.ringBy };

function itemOf(
  org: OrgDb,
  actor: string,
  at: Instant,
  { lead, recorded, decision }: DecidedLead,
  connections: ReadonlyMap<string, string>,
): RecordItem {
  const decisionId = org.newId();
  const permit = recorded.snapshot.permit;
  const validBefore =
    decision.valid_until === null ? addSeconds(at, 86_400) : addSeconds(decision.valid_until, -permit.margin_seconds);
  const [head, tail] = auditFacts(actor, decisionId, decision, recorded.digest);
  const back = backOf(decision, at);
  return {
    enrolmentId: lead.enrolment_id,
    leasePart: lead.lease_part,
    decisionId,
    attemptId: org.newId(),
    campaignId: lead.campaign_id,
    leadId: lead.lead_id,
    personId: lead.person_id,
    personVersion: lead.person_version,
    connectionId: connections.get(lead.campaign_id) ?? "",
    verdict: decision.verdict,
    outcome: decision.verdict !== "allow" ? "refused" : decision.mintable ? "permitted" : "window_closing",
    reasonCodes: decision.reason_codes,
    nextEligibleAt: decision.next_eligible_at,
    validUntil: decision.valid_until,
    fix: JSON.stringify(decision.fix),
    results: storeResults(decision.results),
    ownFacts: recorded.ownText,
    sharedFacts: recorded.shared,
    snapshotDigest: recorded.digest,
    ringBy: decision.valid_until ?? addSeconds(at, 86_400),
    validBefore,
    lifeSeconds: permit.life_seconds_max,
    backState: back.state,
    backReason: back.reason,
    backDue: back.due,
    auditSubject: publicId("lead", lead.lead_id),
    auditHead: head,
    auditTail: tail,
  };
}

/** Freed by an ended call, or by a person who ends a halt: neither has an instant, so it is asked again. */
const askAgainSeconds = { capacity: 60, halt: 900 } as const;

/**
 * Where a refused lead goes: what time alone opens waits for that time, what capacity or a halt keeps is asked again, and
 * what needs someone's act about this lead is held until the act.
 */
function backOf(decision: Decision, at: Instant): { state: string; reason: string | null; due: Instant | null } {
  const [reason = null] = decision.reason_codes;
  if (decision.next_eligible_at !== null) return { state: "waiting", reason, due: decision.next_eligible_at };
  const blocking = decision.results.filter((result) => result.verdict === "block");
  if (blocking.length === 0 && decision.verdict === "defer")
    return { state: "waiting", reason, due: addSeconds(at, askAgainSeconds.capacity) };
  if (blocking.length > 0 && blocking.every((result) => result.gate === "halt"))
    return { state: "waiting", reason, due: addSeconds(at, askAgainSeconds.halt) };
  return { state: "held", reason, due: null };
}

/**
 * The audit entry's facts in canonical form (RFC 8785: keys in order, no space), cut where the outcome stands: only the
 * database knows what it came to. Codes, digests and verdicts need no escaping; a reason is one of a closed union.
 */
function auditFacts(actor: string, decisionId: string, decision: Decision, digest: string): [head: string, tail: string] {
  return [
    `{"actor":${actor},"decision":"${publicId("decision", decisionId)}","outcome":"`,
    `","reason_codes":${JSON.stringify(decision.reason_codes)},"snapshot_digest":"${digest}","verdict":"${decision.verdict}"}`,
  ];
}
