import type { Instant } from "../lib/instant.ts";
import { type Judgement, allow, answerUntil, block } from "./answer.ts";
import { type Fix, type GateAnswer, type GateMemo, defineGate } from "./gate.ts";
import {
  type ConsentInputs,
  type ConsentRefusal,
  type ConsentStanding,
  type JudgedGrant,
  consentEdges,
  consentInputs,
  consentRefusals,
  consentStanding,
} from "./grants.ts";
import { consentVocabulary } from "./rules/consent-vocabulary.ts";
import { ruleRef } from "./rules/pack.ts";
import type { ConsentFacts, LocationFacts, PackRef, Purpose, SellerFacts } from "./snapshot.ts";

const reasons = [...consentRefusals, "consent_valid"] as const;
export type ConsentReason = (typeof reasons)[number];

export const consent = defineGate({
  name: "consent",
  version: 3,
  kind: "standing",
  reads: ["at", ...consentInputs],
  reasons,
  check(facts, memo?: GateMemo): GateAnswer<ConsentReason> {
    return answerUntil<ConsentReason>(facts.at, consentEdges(facts, memo), (at) => judge(facts, at, memo));
  },
});

/**
 * The same gate over what a row of a file brings: its evidence, the seller and the purpose that the import attests.
 * What single states ask of an artificial voice is judged at the dial, when the place is known.
 */
export function consentAtImport(facts: {
  readonly at: Instant;
  readonly packs: readonly PackRef[];
  readonly seller: SellerFacts;
  readonly purpose: Purpose;
  readonly consent: ConsentFacts;
  readonly memo?: GateMemo;
}): GateAnswer<ConsentReason> {
  const { at, packs, seller, consent: evidence } = facts;
  const call = { technology: "artificial", purpose: facts.purpose, debt_collection: false } as const;
  return consent.check({ at, packs, call, seller, location: nowhere, consent: evidence }, facts.memo);
}

const nowhere: LocationFacts = {
  state: null,
  zip: null,
  known_state: null,
  zip_state: null,
  zip_is_military: false,
  area_code: null,
  area_code_kind: "none",
  area_code_states: [],
  candidate_states: [],
};

function judge(facts: ConsentInputs, at: Instant, memo?: GateMemo): Judgement<ConsentReason> {
  const standing = consentStanding(facts, at, memo);
  const details = detailsOf(standing, facts.consent);
  if (standing.refusal === null) return allow("consent_valid", details);
  const row = standing.furthest?.rule ?? null;
  const isStates = standing.refusal === "consent_expired" || standing.refusal === "state_needs_relationship";
  return block(standing.refusal, fixes[standing.refusal], details, isStates && row !== null ? ruleRef(row) : null);
}

function detailsOf(standing: ConsentStanding, { unread }: ConsentFacts): Readonly<Record<string, unknown>> {
  const shown = (each: JudgedGrant) => ({ id: each.grant.id, grade: each.grade, refusals: each.refusals, missing: each.missing });
  return {
    serving: standing.serving === null ? null : { id: standing.serving.grant.id, grade: standing.serving.grade },
    furthest: standing.furthest?.grant.id ?? null,
    grants: standing.grants.map(shown),
    revocations: standing.revocations.map((revocation) => ({ id: revocation.id, channel: revocation.channel })),
    vocabulary: consentVocabulary.version,
    ...(unread.length === 0 ? {} : { unread }),
  };
}

const fixes: Readonly<Record<ConsentRefusal, Fix>> = {
  consent_revoked: {
    code: "lift_and_new_consent",
    who: "compliance",
    text: "The person revoked. Only an admin's lift with a reason ends that, and only once the person has given a new consent of grade A after it.",
  },
  consent_missing: {
    code: "obtain_consent",
    who: "operator",
    text: "There is no consent on file: bring its date and text, a certificate or a recording.",
  },
  consent_invalid: {
    code: "correct_consent_date",
    who: "operator",
    text: "The consent's date is absent, unreadable or in the future: give the date on which it was obtained.",
  },
  consent_basis_insufficient: {
    code: "obtain_written_consent",
    who: "operator",
    text: "This basis does not carry this call: a relationship or an oral consent is not prior express written consent.",
  },
  consent_unproven: {
    code: "complete_evidence",
    who: "operator",
    text: "A proof is missing (see the missing fields): the text as shown and signed, its purpose, and that consent is no condition of purchase.",
  },
  consent_scope_mismatch: {
    code: "obtain_consent_for_this_call",
    who: "operator",
    text: "The consent does not cover this call (see the missing fields): it must name this seller and an automated, artificial, prerecorded or AI voice, and be about this number and this purpose.",
  },
  consent_expired: {
    code: "renew_consent",
    who: "operator",
    text: "The consent is older than the org or a state accepts: obtain a new one.",
  },
  state_needs_relationship: {
    code: "record_relationship",
    who: "operator",
    text: "A state of this person asks for an established business relationship besides: record a recent purchase or inquiry, or counsel's position on the row.",
  },
  consent_grade_too_low: {
    code: "raise_evidence_grade",
    who: "operator",
    text: "The evidence is weaker than the org's own floor (see the missing fields): retain the certificate or the recording, or bring the circumstances.",
  },
};
