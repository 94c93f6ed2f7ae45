import { type Instant, addSeconds, daySeconds } from "../lib/instant.ts";
import { type Judgement, allow, answerUntil, block } from "./answer.ts";
import { type Fix, type GateAnswer, type GateMemo, defineGate } from "./gate.ts";
import { after, consentEdges, consentInputs, consentStanding, isSales } from "./grants.ts";
import { type ConditionRow, effectiveEdges, hasPosition, inForce, positionEdges, reaches, ruleRef } from "./rules/pack.ts";
import { conditionsOf } from "./rules/packs.ts";
import type { ListAnswer, Snapshot } from "./snapshot.ts";

const refusals = [
  "dnc_litigator",
  "dnc_state_listed",
  "dnc_national_listed",
  "dnc_other_listed",
  "dnc_unknown",
  "scrub_stale",
  "scrub_missing",
  "dnc_once_listed",
  "dnc_unacknowledged",
] as const;
type Refusal = (typeof refusals)[number];
const reasons = [
  ...refusals,
  "dnc_clear",
  "dnc_lifted_by_consent",
  "dnc_lifted_by_counsel",
  "dnc_acknowledged_without_provider",
  "not_a_solicitation",
] as const;
type Reason = (typeof reasons)[number];
type Facts = Pick<Snapshot, "at" | "dnc" | (typeof consentInputs)[number]>;

export const dnc = defineGate({
  name: "dnc",
  version: 3,
  kind: "standing",
  reads: ["at", "dnc", ...consentInputs],
  reasons,
  check(facts: Facts, memo?: GateMemo): GateAnswer<Reason> {
    return answerUntil<Reason>(facts.at, edgesOf(facts, memo), (at) => judge(facts, at, memo));
  },
});

/** 47 CFR 64.1200(c)(2)(i)(D): a version obtained no more than 31 days before the call. */
const listDaysMax = 31;
/** An owner's acknowledgement ends 90 x 24 h later; exactly that is expired. */
const acknowledgementDays = 90;

interface ListState {
  readonly list: string;
  readonly demanded: boolean;
  readonly answer: ListAnswer | null;
  /** What lists the number, where something does: an answer that came before the newest, where that one does not end it. */
  readonly listing: ListAnswer | null;
  readonly refusals: readonly Refusal[];
  readonly liftedBy: "consent" | "counsel" | null;
}

function judge(facts: Facts, at: Instant, memo?: GateMemo): Judgement<Reason> {
  const standing = consentStanding(facts, at, memo);
  // Informational only when the campaign and the consent that carries it both are.
  const solicits = isSales(facts.call.purpose) || standing.serving?.grant.purpose !== "informational";
  const hasPewc = standing.serving?.grant.basis === "pewc" && isSales(facts.call.purpose);
  const rows = conditionsOf("dnc", facts.packs).filter((row) => inForce(row, at));
  const asking = { at, solicits, hasPewc };
  const lists = listsOf(facts, rows, solicits).map((list) => stateOf(list.name, list.demanded, facts, rows, asking));
  const found = new Set(lists.flatMap((list) => list.refusals));
  const isAcknowledged = facts.dnc.provider === "none" && judgeWithoutProvider(facts, lists, asking, found);
  const details = {
    solicits,
    reasons: refusals.filter((refusal) => found.has(refusal)),
    lists: lists.map(shown),
  };
  const first = refusals.find((refusal) => found.has(refusal));
  if (first !== undefined) return block(first, fixes[first], details, ruleOf(first, lists, rows));
  if (lists.some((list) => list.liftedBy === "consent")) return allow("dnc_lifted_by_consent", details);
  if (lists.some((list) => list.liftedBy === "counsel")) return allow("dnc_lifted_by_counsel", details);
  if (isAcknowledged) return allow("dnc_acknowledged_without_provider", details);
  return allow(solicits || facts.dnc.added_lists.length > 0 ? "dnc_clear" : "not_a_solicitation", details);
}

/** What is demanded, and every other do-not-call or litigator list that answered or once listed: `listed` binds there too. */
function listsOf(facts: Facts, rows: readonly ConditionRow[], solicits: boolean): { name: string; demanded: boolean }[] {
  const demanded = new Set(facts.dnc.added_lists);
  if (solicits) {
    for (const row of rows) {
      const reached = reaches(row, facts.location.candidate_states, facts.call.technology);
      if (reached && row.asks.type === "dnc_list") demanded.add(row.asks.list);
    }
  }
  const answered = facts.dnc.answers.filter((answer) => answer.kind !== "line_type").map((answer) => answer.list);
  const others = new Set([...answered, ...facts.dnc.once_listed]);
  return [
    ...[...demanded].map((name) => ({ name, demanded: true })),
    ...[...others].filter((name) => !demanded.has(name)).map((name) => ({ name, demanded: false })),
  ];
}

interface Asking {
  readonly at: Instant;
  readonly solicits: boolean;
  readonly hasPewc: boolean;
}

function stateOf(list: string, demanded: boolean, facts: Facts, rows: readonly ConditionRow[], asking: Asking): ListState {
  const answer = newestAnswer(facts.dnc.answers, list);
  const listing = listingOf(facts, list, answer);
  const base = { list, demanded, answer, listing };
  const found: Refusal[] = [];
  // An informational call is bound by what the org added, and by a litigator list that names the number.
  const binds = demanded || asking.solicits || listing?.kind === "litigator";
  const age = answer === null ? null : ageOf(answer, asking.at);
  // Age says nothing good of a number: a listing that has grown old still binds, until a later scrub says clear.
  const isOld = listing !== null && ageOf(listing, asking.at) === "stale";
  const isListed = listing !== null && binds && !isOld;
  const liftedBy = isListed ? liftOf(listing, facts, rows, asking) : null;
  if (isListed && liftedBy === null) found.push(listedAs(listing));
  if (demanded && (answer?.result === "unknown" || age === "unknown")) found.push("dnc_unknown");
  if ((demanded && age === "stale") || (binds && isOld)) found.push("scrub_stale");
  // A disconnected provider's word serves nobody: only another's scrub does (gates.md §4). What it listed stays listed.
  const source = answer?.connection_id ?? null;
  if (demanded && source !== null && facts.dnc.disconnected.includes(source)) found.push("scrub_missing");
  const missing = demanded && answer === null ? unanswered(facts, list) : null;
  return { ...base, refusals: missing === null ? found : [...found, missing], liftedBy };
}

/** The latest scrub of a list; of two at the same instant the stricter. */
function newestAnswer(answers: readonly ListAnswer[], list: string): ListAnswer | null {
  let newest: ListAnswer | null = null;
  for (const answer of answers) {
    if (answer.list !== list || answer.kind === "line_type") continue;
    if (!Object.hasOwn(strictness, answer.result)) throw new Error("a list answer of no known kind");
    const later = newest === null || answer.scrubbed_at > newest.scrubbed_at;
    if (later || (answer.scrubbed_at === newest?.scrubbed_at && strictness[answer.result] > strictness[newest.result]))
      newest = answer;
  }
  return newest;
}
const strictness = { clear: 0, unknown: 1, listed: 2 } as const;

/**
 * What lists the number still, whatever was unknown or told of an older list after it. A listing that is not among the
 * answers has no date that could have grown old; without a provider it is a reason of its own.
 */
function listingOf({ at, dnc: facts }: Facts, list: string, newest: ListAnswer | null): ListAnswer | null {
  const said = facts.answers.filter((answer) => answer.list === list);
  const standing = said.filter((answer) => answer.result === "listed" && !said.some((later) => ends(later, answer)));
  const listing = newestAnswer(standing, list);
  if (listing !== null) return listing;
  if (facts.provider === "none" || !facts.once_listed.includes(list)) return null;
  const kind = newest?.kind ?? (list === "litigator" ? "litigator" : "do_not_call");
  return {
    list,
    kind,
    result: "listed",
    scrubbed_at: at,
    list_version_at: null,
    attested_list_age_days: null,
    connection_id: null,
  };
}

/**
 * Only a later clear answer ends a listing, and only of a list that is shown to be no older than the one that names the
 * number: an older list may have been made before the number was put on. One source's undated lists do not go back in time;
 * an undated listing is of any list until it was told.
 */
function ends(clear: ListAnswer, listing: ListAnswer): boolean {
  if (clear.result !== "clear" || clear.scrubbed_at <= listing.scrubbed_at) return false;
  const undated = clear.list_version_at === null && listing.list_version_at === null;
  if (undated && clear.connection_id !== null && clear.connection_id === listing.connection_id) return true;
  const from = versionOf(clear);
  return from !== null && from <= clear.scrubbed_at && from >= (listing.list_version_at ?? listing.scrubbed_at);
}

/** Without a provider nothing can be stale or missing: the acknowledgement is asked instead. */
function unanswered(facts: Facts, list: string): Refusal | null {
  if (facts.dnc.provider === "none") return null;
  return facts.dnc.covers.includes(list) ? "scrub_missing" : "dnc_unknown";
}

/** By the list's own version date, at the dial instant; none, or one in the future, is unknown. */
function ageOf(answer: ListAnswer, at: Instant): "fresh" | "stale" | "unknown" {
  const from = versionOf(answer);
  if (from === null || from > at) return "unknown";
  return at < after(from, listDaysMax) ? "fresh" : "stale";
}

/** A vendor that states no list date: the owner attested the largest age of that source's lists, which is deducted. */
function versionOf(answer: ListAnswer): Instant | null {
  if (answer.list_version_at !== null) return answer.list_version_at;
  const days = answer.attested_list_age_days;
  if (days === null) return null;
  if (!(days >= 0)) throw new Error("an attested list age that is no age");
  return addSeconds(answer.scrubbed_at, -days * daySeconds);
}

function listedAs(answer: ListAnswer): Refusal {
  if (answer.kind === "litigator") return "dnc_litigator";
  if (answer.list === "national") return "dnc_national_listed";
  return answer.list.startsWith("state:") ? "dnc_state_listed" : "dnc_other_listed";
}

/** National: written consent, where the owner switched that on ((c)(2)(ii)). A state's list: counsel's position on its row. Others: nothing. */
function liftOf(answer: ListAnswer, facts: Facts, rows: readonly ConditionRow[], asking: Asking): "consent" | "counsel" | null {
  if (answer.kind !== "do_not_call") return null;
  if (answer.list === "national") return asking.hasPewc && facts.dnc.written_consent_over_national === true ? "consent" : null;
  const row = rows.find(
    (each) => each.asks.type === "dnc_list" && each.asks.list === answer.list && answer.list.startsWith("state:"),
  );
  return row !== undefined && hasPosition(facts.dnc.positions, row.id, asking.at) ? "counsel" : null;
}

/**
 * Without any provider, what no fresh scrub has cleared opens only by the owner's acknowledgement, for a lead with
 * written consent. Adds what is wanting to `found`; true when the acknowledgement carries the call.
 */
function judgeWithoutProvider(facts: Facts, lists: readonly ListState[], asking: Asking, found: Set<Refusal>): boolean {
  const { at, hasPewc } = asking;
  if (wasOnceListed(facts, lists, asking)) found.add("dnc_once_listed");
  found.delete("scrub_stale");
  const open = lists.filter((list) => list.demanded && !isFreshAndClear(list, at) && list.liftedBy === null);
  if (open.length === 0) return false;
  const made = facts.dnc.acknowledgement;
  const isAlive =
    made !== null &&
    made.serves === true &&
    made.made_at <= at &&
    at < addSeconds(made.made_at, acknowledgementDays * daySeconds);
  const namesAll = made !== null && lists.every((list) => !list.demanded || made.lists.includes(list.list));
  const carries = isAlive && namesAll && hasPewc && facts.dnc.written_consent_over_national === true;
  if (!carries) found.add("dnc_unacknowledged");
  return carries;
}

/** Listed once, and nothing has ended that. A fresh listing is judged as such; an old one still counts. */
function wasOnceListed(facts: Facts, lists: readonly ListState[], asking: Asking): boolean {
  if (lists.some((list) => list.listing !== null && list.refusals.includes("scrub_stale"))) return true;
  return facts.dnc.once_listed.some((name) => {
    const state = lists.find((list) => list.list === name);
    const isJudged = state?.listing != null && !state.refusals.includes("scrub_stale");
    return !isJudged && (asking.solicits || state?.demanded === true || name === "litigator");
  });
}

const isFreshAndClear = (list: ListState, at: Instant): boolean =>
  list.listing === null && list.answer?.result === "clear" && ageOf(list.answer, at) === "fresh";

const shown = (list: ListState) => ({
  list: list.list,
  demanded: list.demanded,
  result: list.answer?.result ?? null,
  list_version_at: list.answer?.list_version_at ?? null,
  // Shown as attested, and only where it stands in for a date.
  ...(list.answer?.list_version_at === null ? { attested_list_age_days: list.answer.attested_list_age_days } : {}),
  scrubbed_at: list.answer?.scrubbed_at ?? null,
  listed: list.listing !== null,
  // Where the newest answer does not list it: the list's date that a clear answer must reach.
  ...(list.listing !== null && list.listing !== list.answer ? { listed_version_at: list.listing.list_version_at } : {}),
  refusals: list.refusals,
  lifted_by: list.liftedBy,
});

function ruleOf(refusal: Refusal, lists: readonly ListState[], rows: readonly ConditionRow[]) {
  const list = lists.find((each) => each.refusals.includes(refusal));
  const row = rows.find((each) => each.asks.type === "dnc_list" && each.asks.list === list?.list);
  return row === undefined ? null : ruleRef(row);
}

function edgesOf(facts: Facts, memo?: GateMemo): (Instant | null)[] {
  const { answers, acknowledgement, positions } = facts.dnc;
  const edges: (Instant | null)[] = [...consentEdges(facts, memo), ...positionEdges(positions)];
  edges.push(...effectiveEdges(conditionsOf("dnc", facts.packs)));
  for (const answer of answers) {
    const from = versionOf(answer);
    if (from !== null) edges.push(from, after(from, listDaysMax));
  }
  if (acknowledgement !== null)
    edges.push(acknowledgement.made_at, addSeconds(acknowledgement.made_at, acknowledgementDays * daySeconds));
  return edges;
}

const scrubAgain = (text: string): Fix => ({ code: "scrub_again", who: "operator", text });
const fixes: Readonly<Record<Refusal, Fix>> = {
  dnc_litigator: { code: "none", who: "nobody", text: "A litigator list names this number; nothing lifts that." },
  dnc_state_listed: {
    code: "counsel_position",
    who: "compliance",
    text: "A state's do-not-call list names this number; only counsel's written position on that state's row lifts it.",
  },
  dnc_national_listed: {
    code: "written_consent_over_national",
    who: "owner",
    text: "The national registry names this number; a live written consent lifts it where the owner has switched that on ((c)(2)(ii)).",
  },
  dnc_other_listed: {
    code: "none",
    who: "nobody",
    text: "A do-not-call list names this number; nothing lifts that but a later scrub that says clear, of a list no older than the one that names it.",
  },
  dnc_unknown: scrubAgain(
    "A list that this call demands gave no usable answer: scrub again with a provider that covers it and states its date.",
  ),
  scrub_stale: scrubAgain("The scrub is older than 31 days by its list's date: scrub again."),
  scrub_missing: scrubAgain(
    "No provider that is still connected has scrubbed the number against a list that this call demands: scrub it.",
  ),
  dnc_once_listed: {
    code: "connect_dnc_provider",
    who: "owner",
    text: "The number was listed once, and no later scrub of a list as new said clear: connect a provider and scrub.",
  },
  dnc_unacknowledged: {
    code: "connect_dnc_provider",
    who: "owner",
    text: "No do-not-call provider is connected, and no valid acknowledgement that names every demanded list covers this lead with a written consent and the national switch on.",
  },
};
