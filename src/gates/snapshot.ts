import type { Instant } from "../lib/instant.ts";

/**
 * Everything that a decision may depend on, read once and frozen. Recorded as it stands: the keys are
 * the wire's (snake_case), the values plain JSON, so that the same code reaches the same verdict from the
 * record alone, offline. No clock, no I/O, no environment; zones are facts.
 */
export interface Snapshot {
  /** The decision's instant: a whole second of the org's clock. */
  readonly at: Instant;
  /** Rule packs in force, by id, with the digest of their data. */
  readonly packs: readonly PackRef[];
  readonly call: CallFacts;
  readonly seller: SellerFacts;
  readonly halts: readonly HaltFact[];
  readonly location: LocationFacts;
  readonly zones: ZoneFacts;
  readonly consent: ConsentFacts;
  readonly suppression: SuppressionFacts;
  readonly dnc: DncFacts;
  readonly number: NumberFacts;
  readonly hours: HoursFacts;
  readonly frequency: FrequencyFacts;
  readonly capacity: CapacityFacts;
  readonly permit: PermitFacts;
}

export interface PackRef {
  readonly id: PackId;
  readonly version: string;
  readonly digest: string;
}
export type PackId = "us-federal" | "us-state" | "us-artificial-voice";

export type Purpose = "marketing" | "mixed" | "informational" | "undeclared";
/** Everything that Dialgate dials is an artificial voice (FCC 24-17); absent means artificial. */
export type Technology = "artificial" | "live";

export interface CallFacts {
  readonly technology: Technology;
  readonly purpose: Purpose;
  readonly debt_collection: boolean;
}

export interface SellerFacts {
  readonly id: string;
  readonly registered_name: string;
  readonly trade_names: readonly string[];
}

/** An open halt that covers this dial. `reason` is the halt gate's own code. */
export interface HaltFact {
  readonly reason:
    | "platform_halted"
    | "org_halted"
    | "seller_halted"
    | "state_halted"
    | "campaign_halted"
    | "caller_number_halted"
    | "connection_halted"
    | "incident_open"
    | "emergency_moratorium";
  readonly id: string;
  readonly since: Instant;
  readonly until: Instant | null;
  readonly states: readonly string[] | null;
  /** ZIP codes or three-digit prefixes; null with `states` null covers all. */
  readonly zips: readonly string[] | null;
  readonly by: string;
  readonly note: string;
}

/** Where the person may be. `candidate_states` is the union that every state-dependent gate reads (gates.md, Verdicts). */
export interface LocationFacts {
  /** As given, trimmed and upper-cased; null when absent. */
  readonly state: string | null;
  readonly zip: string | null;
  /** Null when the state is missing, foreign or not a US state or territory: then the hours gate blocks. */
  readonly known_state: string | null;
  readonly zip_state: string | null;
  readonly zip_is_military: boolean;
  readonly area_code: string | null;
  readonly area_code_kind: "us" | "foreign" | "non_geographic" | "unassigned" | "none";
  readonly area_code_states: readonly string[];
  readonly candidate_states: readonly string[];
}

export interface ZoneFacts {
  /** Digest of this table: the time-zone data version. */
  readonly version: string;
  readonly zones: Readonly<Record<string, ZoneTable>>;
}
/** Offsets east of UTC, in seconds. `transitions` are those of the 400 days from the snapshot's UTC midnight, in order. */
export interface ZoneTable {
  readonly from: Instant;
  readonly until: Instant;
  readonly offset_seconds: number;
  readonly transitions: readonly { readonly at: Instant; readonly offset_seconds: number }[];
}

export type ConsentBasis = "pewc" | "pec" | "ebr" | "transactional" | "unknown";

/**
 * A date as it was given. `earliest` and `latest` are its extremes on earth: equal when the zone is known,
 * else UTC+14 and UTC-12. `utc` reads a date without a zone as UTC.
 */
export interface GivenDate {
  readonly given: string | null;
  readonly utc: Instant | null;
  readonly earliest: Instant | null;
  readonly latest: Instant | null;
}

/** One grant as evidence arrived. Absent fields are null, never guessed. */
export interface Grant {
  readonly id: string;
  readonly recorded_at: Instant;
  readonly obtained_at: GivenDate;
  readonly basis: ConsentBasis;
  /** The consent's own purpose, the stricter of the row's and the import's; null = undeclared. */
  readonly purpose: Purpose | null;
  readonly source: "row" | "import" | "certificate" | "api" | "recording" | "hosted_page";
  /** Which evidence proves: the retrieved certificate's text, else the row's, else the import's. */
  readonly text: string | null;
  readonly attested_seller: { readonly registered_name: string; readonly trade_names: readonly string[] } | null;
  readonly signature: string | null;
  /** The number that this record is about, E.164. */
  readonly number: string;
  readonly page_url: string | null;
  readonly ip: string | null;
  readonly user_agent: string | null;
  readonly certificate: {
    readonly url: string;
    readonly retained: boolean;
    readonly matched: boolean;
    readonly text: string | null;
  } | null;
  readonly recording: { readonly ref: string; readonly matched: boolean } | null;
  /** The record's digest: one evidence is kept once per person. */
  readonly digest: string;
}

/** Any revocation covers every seller of the org and every grant, earlier or later, until a lift. */
export interface Revocation {
  readonly id: string;
  readonly recorded_at: Instant;
  readonly revoked_at: GivenDate;
  readonly channel: string;
}
/** An admin's act; ends what was recorded before it, and works only from a grade A grant obtained after it. */
export interface Lift {
  readonly id: string;
  readonly recorded_at: Instant;
  readonly by: string;
  readonly reason: string;
}
export interface Relationship {
  readonly id: string;
  readonly kind: "purchase" | "inquiry";
  readonly at: Instant;
}

export type ConsentKind = "grant" | "revocation" | "lift" | "relationship";
export interface ConsentFacts {
  readonly number: string;
  readonly grants: readonly Grant[];
  readonly revocations: readonly Revocation[];
  readonly lifts: readonly Lift[];
  readonly relationships: readonly Relationship[];
  /** Kinds of which the person has more than are read: the newest of each are here. */
  readonly unread: readonly ConsentKind[];
  readonly max_age_days: number | null;
  readonly grade_floor: Grade;
  /** Contested rows that counsel's written position lifts for this org. */
  readonly positions: readonly Position[];
}
export type Grade = "A" | "B" | "C" | "D";
export interface Position {
  readonly rule_id: string;
  readonly counsel: string;
  readonly document_digest: string;
  readonly from: Instant;
  readonly until: Instant;
}

export interface SuppressionFact {
  readonly id: string;
  readonly source: string;
  readonly recorded_at: Instant;
  /** True when the org entered it without the person's word; a lift then ends it at once. */
  readonly by_org: boolean;
}
export interface SuppressionFacts {
  readonly suppressions: readonly SuppressionFact[];
  readonly lifts: readonly Lift[];
  /** Grants that a lift may stand on: the same as consent's. */
  readonly stop_check: { readonly state: "clear" | "pending" | "missing"; readonly call_ended_at: Instant | null };
}

export interface ListAnswer {
  /** `national`, `state:FL`, `litigator`, or another list by its name. */
  readonly list: string;
  readonly result: "clear" | "listed" | "unknown";
  readonly scrubbed_at: Instant;
  /** The first instant on earth of the list's version date; null when the vendor stated none. */
  readonly list_version_at: Instant | null;
  readonly kind: "do_not_call" | "litigator" | "line_type";
  readonly connection_id: string | null;
  /** Where this source states no list date: the largest age of its lists that the owner attested, in days; taken from 31. */
  readonly attested_list_age_days: number | null;
}
export interface DncFacts {
  /** `connected`: an active provider exists. `failing` and `disabled` are not `none`. */
  readonly provider: "connected" | "none" | "disabled" | "failing";
  /** Lists that the connection covers. */
  readonly covers: readonly string[];
  /** Lists that the org adds to what the law demands, for informational calls too. */
  readonly added_lists: readonly string[];
  /** Each list's newest, and the listing that still stands where that is another. */
  readonly answers: readonly ListAnswer[];
  /** Do-not-call and litigator lists on which the number was ever listed, and that no later scrub of a list as new cleared: it stays listed. */
  readonly once_listed: readonly string[];
  /** Providers among the answers that have been disconnected: what they said of a number serves no call any more. */
  readonly disconnected: readonly string[];
  /** Owner's switch: written consent over the national list ((c)(2)(ii)). */
  readonly written_consent_over_national: boolean;
  readonly acknowledgement: {
    readonly id: string;
    readonly lists: readonly string[];
    readonly made_at: Instant;
    readonly serves: boolean;
  } | null;
  readonly positions: readonly Position[];
}

export type LineType = "mobile" | "landline" | "voip" | "unknown";
export interface NumberFacts {
  readonly e164: string;
  /** What the numbering library says, with its version: the gate needs no library. */
  readonly library: string;
  readonly valid: boolean;
  readonly country: string | null;
  readonly geographic: boolean;
  readonly line_type: LineType;
  readonly protected: { readonly id: string; readonly kind: string } | null;
  readonly reassigned: {
    readonly connected: boolean;
    readonly checks: readonly {
      readonly answer: "yes" | "no" | "no_data" | "error";
      readonly about: Instant;
      readonly checked_at: Instant;
    }[];
  };
}

/** Local times "HH:MM", half-open, in every zone of the person; absent days are closed. Null = no narrower window. */
export type WeekWindow = Readonly<Partial<Record<Weekday, { readonly from: string; readonly to: string }>>>;
export type Weekday = "mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun";
export interface HoursFacts {
  readonly campaign_window: WeekWindow | null;
}

/** An earlier attempt at this number that counts: from the minting of its permit. */
export interface CountedAttempt {
  readonly id: string;
  readonly at: Instant;
  readonly answered_by_person: boolean;
  readonly conversation_at: Instant | null;
  /** Unknown who ended it counts as the person; a call that lives has not been ended. */
  readonly ended_by: "person" | "agent" | "not_connected" | "not_ended" | "unknown";
}
export interface FrequencyFacts {
  readonly attempts: readonly CountedAttempt[];
  /** The lead's one retry budget across campaigns, first attempt included. */
  readonly attempts_spent: number;
  readonly attempts_max: number;
  readonly recall_gap_seconds: number;
  /** A requested call-back time lifts the org's own gap and nothing else. */
  readonly callback_at: Instant | null;
  readonly org_caps: readonly { readonly max: number; readonly window_hours: number }[];
}

export interface CapacityFacts {
  readonly org_free: number;
  readonly campaign_free: number;
  readonly provider_free: number;
  /** Whether a token of the connection's calls per second is reserved, or free now. */
  readonly token_free: boolean;
  readonly person_busy: boolean;
}

/** What a permit needs beside the gates (dispatch.md, Claim and record). */
export interface PermitFacts {
  readonly margin_seconds: number;
  readonly life_seconds_max: number;
  readonly life_seconds_min: number;
}
