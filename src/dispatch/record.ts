import type { OrgDb } from "../db/org-db.ts";
import { type ClaimedRow, recordDecisions, type RecordedRow, type RecordItem } from "../db/queries/dispatch.ts";
import type { CampaignFactsRow, VersionsRow } from "../db/queries/dial-facts.ts";
import { rowsOf } from "../db/transport.ts";
import type { Decision, Outcome } from "../gates/gate.ts";
import { storeResults } from "../domain/decisions/stored-results.ts";
import { haltForCanary } from "../domain/halts/halt-for-canary.ts";
import { canonicalJson } from "../lib/canonical-json.ts";
import { publicId } from "../lib/ids.ts";
import { addSeconds, type Instant } from "../lib/instant.ts";
import type { DecidedLead } from "./decide.ts";

export interface DecidedBatch {
  readonly at: Instant;
  /** Null when a single lead is called now: it is in no queue and holds no lease. */
  readonly token: string | null;
  readonly slots: readonly ClaimedRow[];
  readonly versions: readonly VersionsRow[];
  readonly campaigns: readonly CampaignFactsRow[];
  readonly decided: readonly DecidedLead[];
}

/** What a decision came to once it was committed. `lease_lost`: another run holds the lead; nothing was recorded. */
export interface Recorded {
  readonly decisionId: string;
  readonly decision: Decision;
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
export async function record(org: OrgDb, batch: DecidedBatch): Promise<Recorded[]> {
  const [first] = batch.versions;
  if (first === undefined || batch.decided.length === 0) return [];
  const versions = new Map(batch.versions.map((row) => [row.person_id, row.person_version]));
  const connections = new Map(batch.campaigns.map((row) => [row.campaign_id, row.connection_id]));
  const actor = canonicalJson(org.actor);
  const items = batch.decided.map((decided) => itemOf(org, actor, batch.at, decided, versions, connections));
  const parts = new Map(batch.decided.map(({ recorded }) => [recorded.shared.digest, recorded.shared.text]));
  const { answers } = await org.query(
    recordDecisions({
      token: batch.token,
      kind: batch.token === null ? "single" : "campaign",
      platformVersion: first.platform_version,
      orgVersion: first.org_version,
      at: batch.at,
      parts: [...parts].map(([digest, text]) => ({ digest, text })),
      slots: batch.slots.map((slot) => ({
        connectionId: slot.connection_id,
        startsAt: slot.first_slot_at,
        endsAt: slot.reserved_until,
      })),
      items,
    }),
  );
  if (batch.campaigns.some((campaign) => !campaign.canary_found)) await haltForCanary(org);
  const rows = new Map(rowsOf<RecordedRow>(answers[0] ?? { columns: [], rows: [] }).map((row) => [row.decision_id, row]));
  return batch.decided.map(({ decision, lead }, index) => {
    const decisionId = (items[index] as RecordItem).decisionId;
    const row = rows.get(decisionId);
    const outcome = (row?.outcome ?? "lease_lost") as Recorded["outcome"];
    const minted = row?.attempt_id != null && row.expires_at !== null;
    const permit = minted
      ? {
          attemptId: row.attempt_id,
          slotAt: row.slot_at,
          expiresAt: row.expires_at as string,
          ringBy: (items[index] as RecordItem).ringBy as Instant,
        }
      : null;
    return { decisionId, decision, leadId: lead.lead_id, outcome, permit };
  });
}

function itemOf(
  org: OrgDb,
  actor: string,
  at: Instant,
  { lead, recorded, decision }: DecidedLead,
  versions: ReadonlyMap<string, number>,
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
    decisionId,
    attemptId: org.newId(),
    campaignId: lead.campaign_id,
    leadId: lead.lead_id,
    personId: lead.person_id,
    personVersion: versions.get(lead.person_id) ?? -1,
    connectionId: connections.get(lead.campaign_id) ?? "",
    verdict: decision.verdict,
    outcome: decision.verdict !== "allow" ? "refused" : decision.mintable ? "permitted" : "window_closing",
    reasonCodes: decision.reason_codes,
    nextEligibleAt: decision.next_eligible_at,
    validUntil: decision.valid_until,
    fix: JSON.stringify(decision.fix),
    results: storeResults(decision.results),
    ownFacts: recorded.ownText,
    sharedDigest: recorded.shared.digest,
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
