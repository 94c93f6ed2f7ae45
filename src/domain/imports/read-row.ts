import { consentAtImport } from "../../gates/consent.ts";
import { readConsentText } from "../../gates/consent-text.ts";
import type { GateMemo } from "../../gates/gate.ts";
import { locate } from "../../gates/location.ts";
import type { ConsentBasis, Grant, LocationFacts, PackRef, Purpose } from "../../gates/snapshot.ts";
import { givenDate } from "../../lib/given-date.ts";
import type { Instant } from "../../lib/instant.ts";
import { phoneMemo, readPhone, type PhoneMemo, type PhoneRefusal } from "../../lib/phone.ts";

/** One row or API object, as it came: text, trimmed, null where nothing stands. */
export interface GivenLead {
  readonly externalId: string | null;
  readonly firstName: string | null;
  readonly lastName: string | null;
  readonly phone: string | null;
  readonly email: string | null;
  readonly city: string | null;
  readonly state: string | null;
  readonly zip: string | null;
  readonly source: string | null;
  readonly notes: string | null;
  /** Null where neither date, text, certificate nor recording came with it. */
  readonly consent: GivenConsent | null;
}
export interface GivenConsent {
  readonly obtainedAt: string | null;
  readonly dateZone: "UTC" | null;
  readonly basis: ConsentBasis;
  /** The consent's own purpose; null = none that can be read. */
  readonly purpose: Purpose | null;
  /** What the calls are to be for. Judged, not recorded. */
  readonly callPurpose: Purpose;
  readonly source: Grant["source"];
  readonly text: string | null;
  readonly attestedSeller: { readonly registered_name: string; readonly trade_names: readonly string[] } | null;
  readonly signature: string | null;
  readonly pageUrl: string | null;
  readonly ip: string | null;
  readonly userAgent: string | null;
  readonly certificateUrl: string | null;
}

/** Why a lead's consent does not pass at intake, first that applies. */
const ineligibleReasons = ["consent_missing", "consent_invalid", "consent_unproven", "consent_scope_mismatch"] as const;
type IneligibleReason = (typeof ineligibleReasons)[number];

/** A grant beside its row's own id, time and digest, with the kind that its digest covers. */
type GrantEvidence = Omit<Grant, "id" | "recorded_at" | "digest"> & { readonly kind: "grant" };

export interface ReadLead {
  readonly ok: true;
  readonly e164: string;
  readonly candidateStates: string;
  readonly timezoneUnknown: boolean;
  readonly statesDiffer: boolean;
  readonly ineligibleReason: IneligibleReason | null;
  /** Canonical JSON (RFC 8785): its digest is the evidence's identity. */
  readonly evidence: string | null;
}
export interface RefusedLead {
  readonly ok: false;
  readonly code: PhoneRefusal;
  readonly detail: string;
}

/** What rows have in common, worked out once: numbers by block, places, consent by everything that its verdict reads. */
export interface RowMemo {
  readonly phones: PhoneMemo;
  readonly places: Map<string, Place>;
  readonly verdicts: Map<string, IneligibleReason | null>;
  readonly mentionsNumber: Map<string, boolean>;
}
type Place = Pick<ReadLead, "candidateStates" | "timezoneUnknown" | "statesDiffer">;

export const rowMemo = (): RowMemo => ({
  phones: phoneMemo(),
  places: new Map(),
  verdicts: new Map(),
  mentionsNumber: new Map(),
});

/** A file in which everything differs must not fill the memory. */
const memoEntriesMax = 20_000;
const textsMax = 1_000;

/** What judging needs beside the row: the instant of arrival, and the rule packs. */
export interface Arrival {
  readonly at: Instant;
  readonly packs: readonly PackRef[];
  readonly memo: RowMemo;
}

/** Whether a row becomes a lead, where its person may be, and whether its consent passes. Pure. */
export function readRow(given: GivenLead, arrival: Arrival): ReadLead | RefusedLead {
  const { memo } = arrival;
  const phone = given.phone === null ? noPhone : readPhone(given.phone, memo.phones);
  if (!phone.ok)
    return { ok: false, code: phone.code, detail: given.phone === null ? "no phone number" : refusalTexts[phone.code] };
  const place = placeOf(given.state, given.zip, phone.e164, memo);
  const { consent } = given;
  const evidence = consent === null ? null : evidenceOf(consent, phone.e164);
  return {
    ok: true,
    e164: phone.e164,
    candidateStates: place.candidateStates,
    timezoneUnknown: place.timezoneUnknown,
    statesDiffer: place.statesDiffer,
    ineligibleReason: consent === null || evidence === null ? "consent_missing" : judged(evidence, consent.callPurpose, arrival),
    evidence: evidence === null ? null : JSON.stringify(evidence).replaceAll("\u007f", " "),
  };
}

const noPhone = { ok: false, code: "phone_invalid" } as const;
const refusalTexts: Readonly<Record<PhoneRefusal, string>> = {
  phone_invalid: "not a number that exists",
  phone_not_geographic: "a toll-free, premium or other number that belongs to no place",
  phone_not_us: "not a number of the United States or its territories",
};

function placeOf(state: string | null, zip: string | null, e164: string, memo: RowMemo): Place {
  const key = `${state ?? ""}|${zip ?? ""}|${e164.slice(0, 5)}`;
  const known = memo.places.get(key);
  if (known !== undefined) return known;
  const place = placeFrom(locate({ state, zip, e164 }));
  remember(memo.places, key, place, memoEntriesMax);
  return place;
}

const placeFrom = (location: LocationFacts): Place => ({
  candidateStates: location.candidate_states.join(","),
  timezoneUnknown: location.known_state === null,
  statesDiffer:
    location.known_state !== null &&
    location.area_code_states.length > 0 &&
    !location.area_code_states.includes(location.known_state),
});

function remember<Value>(memo: Map<string, Value>, key: string, value: Value, max: number): void {
  if (memo.size >= max) memo.clear();
  memo.set(key, value);
}

/** Keys in their sorted order at every depth, so that JSON.stringify writes canonical JSON. */
function evidenceOf(consent: GivenConsent, e164: string): GrantEvidence {
  const { given, utc, earliest, latest } = givenDate(consent.obtainedAt, { dateZone: consent.dateZone });
  const seller = consent.attestedSeller;
  return {
    attested_seller: seller === null ? null : { registered_name: seller.registered_name, trade_names: seller.trade_names },
    basis: consent.basis,
    // An address alone is no text, and proves nothing, until the certificate is retrieved.
    certificate:
      consent.certificateUrl === null ? null : { matched: false, retained: false, text: null, url: consent.certificateUrl },
    ip: consent.ip,
    kind: "grant",
    number: e164,
    obtained_at: { earliest, given, latest, utc },
    page_url: consent.pageUrl,
    purpose: consent.purpose,
    recording: null,
    signature: consent.signature,
    source: consent.source,
    text: consent.text,
    user_agent: consent.userAgent,
  };
}

/**
 * The consent gate's verdict on this evidence alone. Rows of a file mostly carry the same few texts: the verdict is kept
 * under everything that the gate reads of them, except the number where the text mentions none.
 */
function judged(evidence: GrantEvidence, purpose: Purpose, arrival: Arrival): IneligibleReason | null {
  const { memo } = arrival;
  if (evidence.text !== null && mentionsNumber(evidence.text, memo)) return verdictOf(evidence, purpose, arrival);
  const key = `${arrival.at}|${purpose}|${dateKind(evidence, arrival.at)}|${evidence.basis}|${evidence.purpose}|${evidence.certificate !== null}|${evidence.signature !== null}|${sellerKey(evidence)}|${evidence.text ?? ""}`;
  const known = memo.verdicts.get(key);
  if (known !== undefined) return known;
  const verdict = verdictOf(evidence, purpose, arrival);
  remember(memo.verdicts, key, verdict, textsMax);
  return verdict;
}

const sellerKey = ({ attested_seller: seller }: GrantEvidence): string =>
  seller === null ? "" : `${seller.registered_name}\u0000${seller.trade_names.join("\u0000")}`;

function dateKind({ obtained_at: date }: GrantEvidence, at: Instant): "absent" | "unreadable" | "future" | "past" {
  if (date.given === null) return "absent";
  if (date.utc === null) return "unreadable";
  return date.utc > at ? "future" : "past";
}

function mentionsNumber(text: string, memo: RowMemo): boolean {
  const known = memo.mentionsNumber.get(text);
  if (known !== undefined) return known;
  const mentions = readConsentText(text).numbers.length > 0;
  remember(memo.mentionsNumber, text, mentions, textsMax);
  return mentions;
}

function verdictOf(evidence: GrantEvidence, purpose: Purpose, arrival: Arrival): IneligibleReason | null {
  const seller = evidence.attested_seller ?? { registered_name: "", trade_names: [] };
  const { kind: _, ...body } = evidence;
  const grant: Grant = { ...body, id: "", recorded_at: arrival.at, digest: "" };
  const answer = consentAtImport({
    at: arrival.at,
    packs: arrival.packs,
    seller: { id: "", ...seller },
    purpose,
    consent: {
      number: evidence.number,
      grants: [grant],
      revocations: [],
      lifts: [],
      relationships: [],
      unread: [],
      max_age_days: null,
      grade_floor: "C",
      positions: [],
    },
    memo: { decision: new Map(), batch: new Map() } satisfies GateMemo,
  });
  if (answer.verdict === "allow") return null;
  const reason = ineligibleReasons.find((known) => known === answer.reason_code);
  // The gate's other refusals at this point all say that the kind of proof which the call needs is wanting.
  return reason ?? "consent_unproven";
}
