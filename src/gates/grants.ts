import { type Instant, addSeconds, daySeconds } from "../lib/instant.ts";
import { type ConsentTextReading, isSigned, readConsentText, sameName } from "./consent-text.ts";
import type { GateMemo } from "./gate.ts";
import { type ConditionRow, effectiveEdges, hasPosition, inForce, positionEdges, reaches } from "./rules/pack.ts";
import { conditionsOf } from "./rules/packs.ts";
import type { Grade, Grant, Lift, Relationship, Revocation, Snapshot } from "./snapshot.ts";

/** What the gates that ask about consent have to read: consent itself, suppression, dnc and number. */
export type ConsentInputs = Pick<Snapshot, "packs" | "call" | "seller" | "location" | "consent">;
export const consentInputs = ["packs", "call", "seller", "location", "consent"] as const;

/** Why a grant, or all of them, does not pass, in the order in which the first is reported (gates.md §2). */
export const consentRefusals = [
  "consent_revoked",
  "consent_missing",
  "consent_invalid",
  "consent_basis_insufficient",
  "consent_unproven",
  "consent_scope_mismatch",
  "consent_expired",
  "state_needs_relationship",
  "consent_grade_too_low",
] as const;
export type ConsentRefusal = (typeof consentRefusals)[number];

export interface JudgedGrant {
  readonly grant: Grant;
  /** All that apply, in order; none = the grant passes. */
  readonly refusals: readonly ConsentRefusal[];
  readonly grade: Grade;
  /** What would have to be shown for the grade above C, or for passing at all. */
  readonly missing: readonly string[];
  readonly rule: ConditionRow | null;
}

export interface ConsentStanding {
  readonly refusal: ConsentRefusal | null;
  /** The one grant that serves all gates: the highest grade, then the newest. Null with a refusal. */
  readonly serving: JudgedGrant | null;
  /** The grant that came furthest, when none passes. */
  readonly furthest: JudgedGrant | null;
  readonly grants: readonly JudgedGrant[];
  readonly revocations: readonly Revocation[];
}

/** "Sales" is everything but informational; an undeclared purpose is marketing. */
export const isSales = (purpose: Snapshot["call"]["purpose"]): boolean => purpose !== "informational";

/** What the person has consented to at an instant, for this call. Shared between the gates of one decision. */
export function consentStanding(facts: ConsentInputs, at: Instant, memo?: GateMemo): ConsentStanding {
  const key = `consent|${at}`;
  const known = memo?.decision.get(key) as ConsentStanding | undefined;
  if (known !== undefined) return known;
  const conditions = conditionsOf("consent", facts.packs).filter((row) =>
    reaches(row, facts.location.candidate_states, facts.call.technology),
  );
  const judged = facts.consent.grants.map((grant) => judgeGrant(grant, readGrant(grant, facts, memo), facts, conditions, at));
  const standing = standingOf(facts, judged);
  memo?.decision.set(key, standing);
  return standing;
}

function standingOf(facts: ConsentInputs, judged: readonly JudgedGrant[]): ConsentStanding {
  const { revocations, lifts } = facts.consent;
  const standing = revocations.filter((revocation) => !isRevocationLifted(revocation, lifts, judged));
  const base = { grants: judged, revocations: standing };
  // What could not be read of a person's revocations counts as one that stands.
  const isRevoked = standing.length > 0 || facts.consent.unread.includes("revocation");
  if (isRevoked) return { ...base, refusal: "consent_revoked", serving: null, furthest: null };
  // A revocation that was lifted still defeats every grant that is not clearly later than the lift.
  const alive = judged.filter((each) => revocations.every((revocation) => isAfter(each.grant, revocation, lifts)));
  const serving = alive.filter((each) => each.refusals.length === 0).toSorted(bestFirst)[0] ?? null;
  if (serving !== null) return { ...base, refusal: null, serving, furthest: null };
  const furthest = alive.toSorted((left, right) => reached(right) - reached(left) || newestFirst(left, right))[0] ?? null;
  return { ...base, refusal: furthest?.refusals[0] ?? "consent_missing", serving: null, furthest };
}

const gradeRank: Readonly<Record<Grade, number>> = { A: 3, B: 2, C: 1, D: 0 };
const reached = (each: JudgedGrant): number => {
  const first = each.refusals[0];
  return first === undefined ? consentRefusals.length : consentRefusals.indexOf(first);
};
const newestFirst = (left: JudgedGrant, right: JudgedGrant): number =>
  compareText(right.grant.obtained_at.utc ?? "", left.grant.obtained_at.utc ?? "") || compareText(left.grant.id, right.grant.id);
const bestFirst = (left: JudgedGrant, right: JudgedGrant): number =>
  gradeRank[right.grade] - gradeRank[left.grade] || newestFirst(left, right);
const compareText = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);

/** The first lift after the revocation was recorded; at the same instant the revocation wins. */
function liftOf(recordedAt: Instant, lifts: readonly Lift[]): Instant | null {
  let first: Instant | null = null;
  for (const lift of lifts)
    if (lift.recorded_at > recordedAt && (first === null || lift.recorded_at < first)) first = lift.recorded_at;
  return first;
}

/** Later than the lift, and than the last moment on earth at which the revocation may have been spoken. */
function isAfter(grant: Grant, revocation: Revocation, lifts: readonly Lift[]): boolean {
  const lift = liftOf(revocation.recorded_at, lifts);
  const obtained = grant.obtained_at.earliest;
  const spoken = revocation.revoked_at.latest;
  return lift !== null && obtained !== null && obtained > lift && (spoken === null || obtained > spoken);
}

function isRevocationLifted(revocation: Revocation, lifts: readonly Lift[], judged: readonly JudgedGrant[]): boolean {
  return judged.some((each) => each.grade === "A" && isAfter(each.grant, revocation, lifts));
}

/** Whether a lift has ended what was recorded at this instant: it works only from a later grant of grade A. */
export function isLiftedByGrant(recordedAt: Instant, lifts: readonly Lift[], standing: ConsentStanding): boolean {
  const lift = liftOf(recordedAt, lifts);
  if (lift === null) return false;
  return standing.grants.some((each) => {
    const obtained = each.grant.obtained_at.earliest;
    return each.grade === "A" && obtained !== null && obtained > lift;
  });
}

/** Whether any lift followed, with or without a new grant. */
export const hasLaterLift = (recordedAt: Instant, lifts: readonly Lift[]): boolean => liftOf(recordedAt, lifts) !== null;

/** Every instant at which the person's consent may read otherwise, with nothing but the clock moved. */
export function consentEdges(facts: ConsentInputs, memo?: GateMemo): readonly Instant[] {
  const known = memo?.decision.get("consent edges") as readonly Instant[] | undefined;
  if (known !== undefined) return known;
  const edges = findEdges(facts);
  memo?.decision.set("consent edges", edges);
  return edges;
}

function findEdges(facts: ConsentInputs): Instant[] {
  const conditions = conditionsOf("consent", facts.packs);
  const edges = [...effectiveEdges(conditions), ...positionEdges(facts.consent.positions)];
  for (const { obtained_at: date } of facts.consent.grants) {
    if (date.utc !== null) edges.push(date.utc);
    if (date.earliest === null) continue;
    for (const days of maxAges(facts, conditions)) edges.push(after(date.earliest, days));
  }
  for (const relationship of facts.consent.relationships) {
    edges.push(relationship.at);
    for (const row of conditions) {
      const days = relationshipDays(row, relationship);
      if (days !== null) edges.push(after(relationship.at, days));
    }
  }
  return edges;
}

/** "At most N days" is N x 24 h, and exactly that passes: what ends, ends one second later. */
export const after = (from: Instant, days: number): Instant => addSeconds(from, days * daySeconds + 1);

interface GrantReading {
  readonly text: ConsentTextReading | null;
  readonly hasEvidence: boolean;
  readonly namesSeller: boolean;
  readonly attestsSeller: boolean | null;
  readonly isAboutThisNumber: boolean;
}

/** One source proves all: the retrieved certificate's text, else the row's or the import's, as the grant carries it. */
function readGrant(grant: Grant, facts: ConsentInputs, memo?: GateMemo): GrantReading {
  const proving = filled(grant.certificate?.text) ?? filled(grant.text);
  const { seller, consent } = facts;
  const names = [seller.registered_name, ...seller.trade_names];
  const key = `${names.join("|")}|`;
  const text = proving === null ? null : once(memo, `consent text|${key}${proving}`, () => readConsentText(proving, names));
  const attested = grant.attested_seller;
  const others = attested === null ? [] : [attested.registered_name, ...attested.trade_names];
  const attests = () => names.some((name) => others.some((other) => sameName(name, other)));
  const national = grant.number.replace(/^\+1?/, "");
  return {
    text,
    hasEvidence:
      filled(grant.obtained_at.given) !== null || text !== null || grant.certificate !== null || grant.recording !== null,
    namesSeller: text?.namesSeller ?? false,
    attestsSeller: attested === null ? null : once(memo, `attested seller|${key}|${others.join("|")}`, attests),
    isAboutThisNumber:
      grant.number === consent.number && (text === null || text.numbers.length === 0 || text.numbers.includes(national)),
  };
}

/** Leads of one batch share their texts; the key holds everything that the value depends on. */
function once<T>(memo: GateMemo | undefined, key: string, make: () => T): T {
  const known = memo?.batch.get(key) as T | undefined;
  if (known !== undefined) return known;
  const made = make();
  memo?.batch.set(key, made);
  return made;
}

const filled = (text: string | null | undefined): string | null =>
  text === null || text === undefined || text.trim() === "" ? null : text;

function judgeGrant(
  grant: Grant,
  reading: GrantReading,
  facts: ConsentInputs,
  conditions: readonly ConditionRow[],
  at: Instant,
): JudgedGrant {
  if (!reading.hasEvidence) return { grant, refusals: ["consent_missing"], grade: "D", missing: ["evidence"], rule: null };
  const refusals = new Set<ConsentRefusal>();
  const missing: string[] = [];
  const fail = (refusal: ConsentRefusal, what: string) => {
    refusals.add(refusal);
    missing.push(what);
  };
  if (!isDateValid(grant, at)) fail("consent_invalid", "date");
  if (isSales(facts.call.purpose)) proveSales(grant, reading, fail);
  else proveInformational(grant, reading, fail);
  const grade = refusals.size > 0 ? "D" : gradeOf(grant, missing);
  const floor = Math.max(gradeRank.C, gradeRank[facts.consent.grade_floor]);
  const rule = judgeConditions(grant, facts, conditions, at, refusals);
  if (!(gradeRank[grade] >= floor)) refusals.add("consent_grade_too_low");
  return { grant, refusals: consentRefusals.filter((refusal) => refusals.has(refusal)), grade, missing, rule };
}

type Fail = (refusal: ConsentRefusal, what: string) => void;

function isDateValid(grant: Grant, at: Instant): boolean {
  const { given, utc, earliest, latest } = grant.obtained_at;
  return filled(given) !== null && utc !== null && earliest !== null && latest !== null && utc <= at;
}

/** Prior express written consent, proven whole: 47 CFR 64.1200(a)(2), (f)(9). */
function proveSales(grant: Grant, reading: GrantReading, fail: Fail): void {
  const { text } = reading;
  if (grant.basis === "unknown") fail("consent_unproven", "basis");
  else if (grant.basis !== "pewc") fail("consent_basis_insufficient", "basis");
  if (text === null) fail("consent_unproven", "text");
  if (!isSigned(grant.signature)) fail("consent_unproven", "signature");
  if (grant.purpose === null || grant.purpose === "undeclared") fail("consent_unproven", "purpose");
  if (text !== null && !text.saysNoCondition) fail("consent_unproven", "no_condition_clause");
  if (reading.attestsSeller === false || (text !== null && !reading.namesSeller)) fail("consent_scope_mismatch", "seller");
  if (!reading.isAboutThisNumber) fail("consent_scope_mismatch", "number");
  if (text !== null && !text.authorisesVoice) fail("consent_scope_mismatch", "artificial_voice");
  if (grant.purpose === "informational" || text?.isInformational === true) fail("consent_scope_mismatch", "purpose");
}

/**
 * Prior express consent: oral is enough, and the seller may be the attested one. A written one serves where it lacks nothing
 * but the voice and the no-condition clause: somebody agrees in it to calls, by the seller whom it names.
 */
function proveInformational(grant: Grant, reading: GrantReading, fail: Fail): void {
  if (grant.basis === "unknown") fail("consent_unproven", "basis");
  else if (grant.basis !== "pewc" && grant.basis !== "pec") fail("consent_basis_insufficient", "basis");
  if (grant.basis === "pewc" && reading.text === null) fail("consent_unproven", "text");
  if (grant.basis === "pewc" && !isSigned(grant.signature)) fail("consent_unproven", "signature");
  if (grant.purpose === null || grant.purpose === "undeclared") fail("consent_unproven", "purpose");
  if (grant.basis === "pewc" && reading.text?.agreesToCalls === false) fail("consent_unproven", "agreement");
  const isUnnamed = grant.basis === "pewc" && reading.text !== null && !reading.namesSeller;
  if (reading.attestsSeller === false || isUnnamed) fail("consent_scope_mismatch", "seller");
  else if (reading.attestsSeller === null && !reading.namesSeller)
    fail(reading.text === null ? "consent_unproven" : "consent_scope_mismatch", "seller");
  if (!reading.isAboutThisNumber) fail("consent_scope_mismatch", "number");
  // A text that lacks the voice clause serves here; one that denies such a voice does not.
  if (reading.text?.deniesVoice === true) fail("consent_scope_mismatch", "artificial_voice");
}

/**
 * Everything is proven here. A: by someone else than the org. B: with the circumstances. C: no more.
 * What A and B still lack is named.
 */
function gradeOf(grant: Grant, missing: string[]): Grade {
  const { certificate, recording, source } = grant;
  const byOthers =
    (certificate !== null && certificate.retained && certificate.matched) ||
    (recording !== null && recording.matched) ||
    (source === "hosted_page" && isSigned(grant.signature));
  if (byOthers) return "A";
  missing.push("retained_certificate_or_recording");
  const lacking = circumstancesLacking(grant);
  missing.push(...lacking);
  return lacking.length === 0 ? "B" : "C";
}

function circumstancesLacking(grant: Grant): string[] {
  const lacking: string[] = [];
  if (filled(grant.page_url) === null) lacking.push("page_url");
  if (filled(grant.ip) === null) lacking.push("ip");
  if (filled(grant.user_agent) === null) lacking.push("user_agent");
  const { given, earliest, latest } = grant.obtained_at;
  if (earliest !== latest || !/\d:\d{2}:\d{2}/.test(given ?? "")) lacking.push("time_to_the_second_with_zone");
  return lacking;
}

/** What the org and single states ask besides; the states' rows only on sales calls. Returns the row that refused, if one did. */
function judgeConditions(
  grant: Grant,
  facts: ConsentInputs,
  conditions: readonly ConditionRow[],
  at: Instant,
  refusals: Set<ConsentRefusal>,
): ConditionRow | null {
  const obtained = grant.obtained_at.earliest;
  let refusing: ConditionRow | null = null;
  const { max_age_days: orgDays, positions, relationships } = facts.consent;
  if (orgDays !== null && (obtained === null || !(at < after(obtained, orgDays)))) refusals.add("consent_expired");
  if (!isSales(facts.call.purpose)) return null;
  for (const row of conditions) {
    if (!inForce(row, at) || (row.status === "contested" && hasPosition(positions, row.id, at))) continue;
    if (row.asks.type === "consent_max_age" && (obtained === null || at >= after(obtained, row.asks.days))) {
      refusals.add("consent_expired");
      refusing ??= row;
    }
    if (row.asks.type === "established_business_relationship" && !relationships.some((each) => isAlive(each, row, at))) {
      refusals.add("state_needs_relationship");
      refusing ??= row;
    }
  }
  return refusing;
}

function isAlive(relationship: Relationship, row: ConditionRow, at: Instant): boolean {
  const days = relationshipDays(row, relationship);
  return days !== null && relationship.at <= at && at < after(relationship.at, days);
}

function relationshipDays(row: ConditionRow, relationship: Relationship): number | null {
  if (row.asks.type !== "established_business_relationship") return null;
  return relationship.kind === "purchase" ? row.asks.purchase_days : row.asks.inquiry_days;
}

function maxAges(facts: ConsentInputs, conditions: readonly ConditionRow[]): number[] {
  const ages = conditions.flatMap((row) => (row.asks.type === "consent_max_age" ? [row.asks.days] : []));
  return facts.consent.max_age_days === null ? ages : [facts.consent.max_age_days, ...ages];
}
