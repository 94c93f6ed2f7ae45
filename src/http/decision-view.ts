import { z } from "@hono/zod-openapi";
import type { DecisionRow } from "../domain/decisions/find-decisions.ts";
import { restoreResults } from "../domain/decisions/stored-results.ts";
import type { Decision, GateResult } from "../gates/gate.ts";
import { hexOf } from "../lib/bytes.ts";
import { publicId } from "../lib/ids.ts";
import { idField, instantField } from "./fields.ts";
import { publicDetails } from "./public-details.ts";

const verdict = z.enum(["allow", "defer", "block"]);
const fix = z.object({ code: z.string(), who: z.string(), text: z.string() });
const gateResult = z
  .object({
    gate: z.string(),
    gate_version: z.int(),
    verdict,
    reason_code: z.string(),
    valid_until: instantField.nullable(),
    next_eligible_at: instantField.nullable(),
    fix: fix.nullable(),
    rule: z.object({ id: z.string(), version: z.string(), citation: z.string() }).nullable(),
    details: z.record(z.string(), z.unknown()),
    reads: z.array(z.string()),
  })
  .openapi("GateResult");

/** The same object wherever a decision is told: recorded, dry, or inside a refusal. */
export const decision = z
  .strictObject({
    id: idField("decision").nullable().openapi({ description: "Null for a dry run, which records nothing." }),
    object: z.literal("decision"),
    kind: z.enum(["dial", "dry_run"]),
    lead_id: idField("lead"),
    campaign_id: idField("campaign"),
    at: instantField,
    verdict,
    outcome: z
      .string()
      .nullable()
      .openapi({ description: "What came of it: `permitted`, `refused`, or why an `allow` minted no permit." }),
    reason_codes: z.array(z.string()),
    next_eligible_at: instantField.nullable(),
    valid_until: instantField.nullable(),
    fix: fix.nullable(),
    gates: z.array(gateResult),
    snapshot_digest: z.string().nullable(),
  })
  .openapi("Decision");
export type DecisionView = z.infer<typeof decision>;

export function viewRecorded(row: DecisionRow): DecisionView {
  return {
    id: publicId("decision", row.id),
    object: "decision",
    kind: row.kind,
    lead_id: publicId("lead", row.leadId),
    campaign_id: publicId("campaign", row.campaignId),
    at: row.at,
    verdict: row.verdict,
    outcome: row.outcome,
    reason_codes: row.reasonCodes,
    next_eligible_at: row.nextEligibleAt,
    valid_until: row.validUntil,
    fix: row.fix as DecisionView["fix"],
    gates: restoreResults(row.results).map(viewResult),
    snapshot_digest: hexOf(row.snapshotDigest),
  };
}

export function viewDecision(
  made: Decision,
  of: {
    id: string | null;
    kind: "dial" | "dry_run";
    leadId: string;
    campaignId: string;
    outcome: string | null;
    snapshotDigest: string | null;
  },
): DecisionView {
  return {
    id: of.id === null ? null : publicId("decision", of.id),
    object: "decision",
    kind: of.kind,
    lead_id: publicId("lead", of.leadId),
    campaign_id: publicId("campaign", of.campaignId),
    at: made.at,
    verdict: made.verdict,
    outcome: of.outcome,
    reason_codes: [...made.reason_codes],
    next_eligible_at: made.next_eligible_at,
    valid_until: made.valid_until,
    fix: made.fix,
    gates: made.results.map(viewResult),
    snapshot_digest: of.snapshotDigest,
  };
}

const viewResult = (result: GateResult): DecisionView["gates"][number] => ({
  gate: result.gate,
  gate_version: result.gate_version,
  verdict: result.verdict,
  reason_code: result.reason_code,
  valid_until: result.valid_until,
  next_eligible_at: result.next_eligible_at,
  fix: result.fix,
  rule: result.rule,
  details: publicDetails(result.gate, result.details),
  reads: [...result.reads],
});
