import { type AttemptRow, type CampaignFactsRow, type ConsentEventRow, rowsPerKindMax } from "../../db/queries/dial-facts.ts";
import { locate, zonesOf } from "../../gates/location.ts";
import { packRefs } from "../../gates/rules/packs.ts";
import type {
  ConsentKind,
  CountedAttempt,
  Grant,
  HaltFact,
  Lift,
  ListAnswer,
  PackRef,
  Position,
  Relationship,
  Revocation,
  Snapshot,
} from "../../gates/snapshot.ts";
import { sha256Hex } from "../../lib/bytes.ts";
import { canonicalJson } from "../../lib/canonical-json.ts";
import { type Instant, recorded } from "../../lib/instant.ts";
import type { PhoneMemo } from "../../lib/phone.ts";
import type { ZoneBook } from "../../lib/time-zones.ts";
import type { LeadFacts } from "./gather-facts.ts";
import { numberFacts } from "./number-facts.ts";

/** The parts that leads of one campaign and one set of candidate states share; stored once by digest. */
export type SharedParts = Pick<Snapshot, "packs" | "call" | "seller" | "halts" | "zones" | "hours" | "permit">;
export type OwnParts = Omit<Snapshot, keyof SharedParts>;

export interface SharedRecord {
  readonly parts: SharedParts;
  readonly text: string;
  readonly digest: string;
}
/** A snapshot with its recorded form. Digests are in hexadecimal; `digest` = SHA-256(shared digest ‖ own facts as stored). */
export interface RecordedSnapshot {
  readonly snapshot: Snapshot;
  readonly shared: SharedRecord;
  readonly ownText: string;
  readonly digest: string;
}

/** What building snapshots needs beside rows. Held by the caller for one run; nothing of a person stays in it. */
export interface SnapshotDesk {
  readonly zones: ZoneBook;
  readonly phones: PhoneMemo;
  /** Rule packs with their digests, read once: they are part of the build. */
  packs(): Promise<readonly PackRef[]>;
}
export function snapshotDesk(zones: ZoneBook, phones: PhoneMemo): SnapshotDesk {
  let packs: Promise<readonly PackRef[]> | undefined;
  return { zones, phones, packs: () => (packs ??= packRefs()) };
}

/** Permits live at most 60 s, and are not minted for less than 10 (dispatch.md). */
const permitSecondsMax = 60;
export const permitSecondsMin = 10;

/** Snapshots of these leads at one instant of the org's clock, each with the text and digest that are recorded. */
export const buildSnapshots = (
  desk: SnapshotDesk,
  at: Instant,
  campaigns: readonly CampaignFactsRow[],
  leads: readonly LeadFacts[],
): Promise<RecordedSnapshot[]> => snapshotsAt(desk, at, campaigns)(leads);

/** The same for leads that come a few at a time: what they share is made once. */
export function snapshotsAt(
  desk: SnapshotDesk,
  at: Instant,
  campaigns: readonly CampaignFactsRow[],
): (leads: readonly LeadFacts[]) => Promise<RecordedSnapshot[]> {
  const byId = new Map(campaigns.map((campaign) => [campaign.campaign_id, campaign]));
  const shared = new Map<string, SharedRecord>();
  const sharedBy = async (campaign: CampaignFactsRow, states: readonly string[]): Promise<SharedRecord> => {
    const key = `${campaign.campaign_id} ${states.join(",")}`;
    const known = shared.get(key);
    if (known !== undefined) return known;
    const made = await shareParts(desk, at, campaign, states);
    shared.set(key, made);
    return made;
  };
  return async (leads) => {
    const snapshots: RecordedSnapshot[] = [];
    for (const lead of leads) {
      const campaign = byId.get(lead.campaign_id);
      if (campaign === undefined) throw new Error("a lead's campaign is not among the facts that were read");
      const location = locate({ state: lead.state, zip: lead.zip, e164: lead.e164 });
      const record = await sharedBy(campaign, location.candidate_states);
      const own: OwnParts = { at, location, ...ownFacts(desk, campaign, lead) };
      const ownText = JSON.stringify(own);
      const digest = sha256Hex(ownText, record.digest);
      snapshots.push({ snapshot: { ...record.parts, ...own }, shared: record, ownText, digest });
    }
    return snapshots;
  };
}

async function shareParts(
  desk: SnapshotDesk,
  at: Instant,
  campaign: CampaignFactsRow,
  states: readonly string[],
): Promise<SharedRecord> {
  const parts: SharedParts = {
    packs: await desk.packs(),
    call: { technology: "artificial", purpose: campaign.purpose, debt_collection: campaign.debt_collection },
    seller: { id: campaign.seller_id, registered_name: campaign.registered_name, trade_names: campaign.trade_names },
    halts: haltsOf(campaign),
    zones: await desk.zones.factsFor(zonesOf(states), at),
    hours: { campaign_window: campaign.calling_window },
    permit: {
      margin_seconds: campaign.queue_delay_seconds,
      life_seconds_max: permitSecondsMax,
      life_seconds_min: permitSecondsMin,
    },
  };
  const text = canonicalJson(parts);
  return { parts, text, digest: sha256Hex(text) };
}

function haltsOf(campaign: CampaignFactsRow): HaltFact[] {
  const halts = campaign.halts.map((halt) => halt as HaltFact);
  const state = (reason: HaltFact["reason"], id: string, note: string): HaltFact => ({
    reason,
    id,
    since: "1970-01-01T00:00:00Z" as Instant,
    until: null,
    states: null,
    zips: null,
    by: "state",
    note,
  });
  // An org's stop that is not found is a stop that is broken: no list is read with keys that cannot read it.
  if (campaign.lost_peppers.length > 0)
    halts.push(
      state(
        "platform_halted",
        "pepper_versions",
        `pepper versions that are in use are lost: ${campaign.lost_peppers.join(", ")}`,
      ),
    );
  if (campaign.lines_lacking)
    halts.push(state("platform_halted", "protected_lines", "a protected line does not stand under every pepper version"));
  if (!campaign.canary_found)
    halts.push(state("org_halted", "suppression_canary", "the canary of the suppression list cannot be found"));
  if (campaign.campaign_status !== "running")
    halts.push(state("campaign_halted", campaign.campaign_id, `the campaign is ${campaign.campaign_status}`));
  if (campaign.connection_status !== "active")
    halts.push(state("connection_halted", campaign.connection_id, `the connection is ${campaign.connection_status}`));
  return halts;
}

function ownFacts(desk: SnapshotDesk, campaign: CampaignFactsRow, lead: LeadFacts): Omit<OwnParts, "at" | "location"> {
  const lifts = eventsOf<Lift>(lead, "lift");
  return {
    consent: {
      number: lead.e164,
      grants: eventsOf<Grant>(lead, "grant"),
      revocations: eventsOf<Revocation>(lead, "revocation"),
      lifts,
      relationships: eventsOf<Relationship>(lead, "relationship"),
      unread: unreadKinds(lead.consent_events),
      max_age_days: campaign.policy.consent_max_age_days,
      grade_floor: campaign.policy.grade_floor,
      positions: positionsOn(campaign, false),
    },
    suppression: {
      suppressions: lead.suppressions.map((row) => ({
        id: row.id,
        source: row.source,
        recorded_at: recorded(row.recorded_at) as Instant,
        by_org: row.by_org,
      })),
      lifts,
      stop_check: { state: lead.stop_check, call_ended_at: recorded(lead.stop_check_since) },
    },
    dnc: dncFacts(campaign, lead),
    number: numberFacts(lead, desk.phones),
    frequency: {
      attempts: bindingAttempts(lead.attempts).map(attemptFact),
      attempts_spent: lead.attempts.filter((attempt) => attempt.lead_id === lead.lead_id).length,
      attempts_max: campaign.policy.attempts_max,
      recall_gap_seconds: campaign.policy.recall_gap_seconds,
      callback_at: recorded(lead.callback_at),
      org_caps: campaign.policy.caps,
    },
    capacity: {
      org_free: Math.max(0, campaign.policy.max_concurrency - campaign.org_live),
      campaign_free: Math.max(0, campaign.campaign_max_concurrency - campaign.campaign_live),
      provider_free: Math.max(0, campaign.provider_max_concurrency - campaign.provider_live),
      token_free: campaign.token_free,
      person_busy: lead.attempts.some((attempt) => attempt.live),
    },
  };
}

/** Those in some window, and the last that the person may have ended: states ask about that one whatever its age (NRS 597.814). */
function bindingAttempts(attempts: readonly AttemptRow[]): readonly AttemptRow[] {
  const ended = attempts.findLast((attempt) => attempt.ended_by === "person" || attempt.ended_by === "unknown");
  return attempts.filter((attempt) => attempt.recent || attempt === ended);
}

/** A conversation's day is the day on which it ended. */
function attemptFact(row: AttemptRow): CountedAttempt {
  const at = recorded(row.minted_at) as Instant;
  return {
    id: row.id,
    at,
    answered_by_person: row.answered_by_person,
    conversation_at: row.answered_by_person ? (recorded(row.ended_at) ?? at) : null,
    ended_by: row.live && row.ended_by === "unknown" ? "not_ended" : (row.ended_by as CountedAttempt["ended_by"]),
  };
}

/** Kinds of which the person has more than are read. */
export function unreadKinds(events: readonly ConsentEventRow[]): ConsentKind[] {
  const kinds = new Set<ConsentKind>();
  for (const event of events) if (event.of_kind > rowsPerKindMax) kinds.add(event.kind);
  return [...kinds];
}

function eventsOf<Event>(lead: LeadFacts, kind: string): Event[] {
  return lead.consent_events
    .filter((event) => event.kind === kind)
    .map(
      (event) =>
        ({
          ...event.body,
          id: event.id,
          recorded_at: recorded(event.recorded_at),
          ...(kind === "grant" ? { digest: event.digest } : {}),
        }) as Event,
    );
}

function dncFacts(campaign: CampaignFactsRow, lead: LeadFacts): Snapshot["dnc"] {
  const active = campaign.dnc_connections.filter((connection) => connection.status === "active");
  const provider =
    active.length > 0
      ? "connected"
      : campaign.dnc_connections.length > 0
        ? "failing"
        : campaign.dnc_ever_connected
          ? "disabled"
          : "none";
  // What was attested of one source's lists dates that source's answers alone.
  const attested = new Map(campaign.dnc_connections.map((source) => [source.id, source.attested_list_age_days]));
  const answers = lead.scrubs.map((row): ListAnswer => ({
    list: row.list,
    kind: row.kind,
    result: row.result,
    connection_id: row.connection_id,
    scrubbed_at: recorded(row.scrubbed_at) as Instant,
    list_version_at: recorded(row.list_version_at),
    attested_list_age_days: attested.get(row.connection_id) ?? null,
  }));
  const acknowledgement = campaign.acknowledgement;
  return {
    provider,
    covers: [...new Set(active.flatMap((connection) => connection.covers))].toSorted(),
    added_lists: campaign.policy.added_lists,
    answers,
    once_listed: [...new Set(lead.scrubs.filter((row) => row.stands).map((row) => row.list))],
    disconnected: campaign.dnc_disconnected.filter((id) => answers.some((answer) => answer.connection_id === id)),
    written_consent_over_national: campaign.policy.written_consent_over_national,
    acknowledgement:
      acknowledgement === null
        ? null
        : { ...acknowledgement, made_at: acknowledgement.made_at as Instant, serves: !campaign.dnc_ever_connected },
    positions: positionsOn(campaign, true),
  };
}

/** Those on states' do-not-call lists are the dnc gate's, the others those gates' that read consent. */
const positionsOn = (campaign: CampaignFactsRow, lists: boolean): Position[] =>
  campaign.positions
    .filter((position) => position.rule_id.startsWith("dnc-list/") === lists)
    .map((position) => position as Position);
