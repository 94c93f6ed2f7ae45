import { consentAtImport } from "../../gates/consent.ts";
import { asShown } from "../../gates/consent-names.ts";
import { numbersIn } from "../../gates/consent-numbers.ts";
import type { GateMemo } from "../../gates/gate.ts";
import { locate } from "../../gates/location.ts";
import type { ConsentBasis, Grant, LocationFacts, PackRef, Purpose } from "../../gates/snapshot.ts";
import { type DateOnEarth, givenDate } from "../../lib/given-date.ts";
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

export interface ReadLead {
  readonly ok: true;
  readonly e164: string;
  readonly candidateStates: string;
  readonly timezoneUnknown: boolean;
  readonly statesDiffer: boolean;
  readonly ineligibleReason: IneligibleReason | null;
  readonly evidence: Evidence | null;
}
/**
 * One row's evidence as canonical JSON (RFC 8785), whose digest is its identity, in parts: most of it is the same from row
 * to row and need not be spelled out, kept and sent for each. `wholeEvidence` puts it together.
 */
export interface Evidence {
  readonly frame: EvidenceFrame;
  /** What stands between the frame's head and the kind, and between the kind and its tail. */
  readonly proof: string;
  readonly date: string;
  /** What follows the tail, where the frame leaves it open. */
  readonly end: string | null;
}
export interface EvidenceFrame {
  readonly head: string;
  readonly tail: string;
}
/** Between a row's proof and its date. */
const kindMember = '"kind":"grant",';
export const wholeEvidence = ({ frame, proof, date, end }: Evidence): string =>
  frame.head + proof + kindMember + date + frame.tail + (end ?? "");

export interface RefusedLead {
  readonly ok: false;
  readonly code: PhoneRefusal;
  readonly detail: string;
}

/** What rows have in common, worked out once: numbers by block, places, consent by everything that its verdict reads. */
export interface RowMemo {
  readonly phones: PhoneMemo;
  readonly places: Map<string, Place>;
  /** By consent text, '' for none: what its rows share beside it, mostly all of it. */
  readonly frames: Map<string, SharedConsent[]>;
}
type Place = Pick<ReadLead, "candidateStates" | "timezoneUnknown" | "statesDiffer">;

export const rowMemo = (): RowMemo => ({
  phones: phoneMemo(),
  places: new Map(),
  frames: new Map(),
});

/** A file in which everything differs must not fill the memory. */
const memoEntriesMax = 20_000;
const textsMax = 1_000;
const framesPerTextMax = 100;

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
  const evidence = consent === null ? null : evidenceOf(consent, phone.e164, arrival);
  return {
    ok: true,
    e164: phone.e164,
    candidateStates: place.candidateStates,
    timezoneUnknown: place.timezoneUnknown,
    statesDiffer: place.statesDiffer,
    ineligibleReason: evidence === null ? "consent_missing" : evidence.reason,
    evidence,
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

/** What a file's rows share of their consent, and the verdicts on it: kept under everything that the gate reads of a row. */
interface SharedConsent extends EvidenceFrame {
  readonly at: Instant;
  readonly of: Pick<GivenConsent, "text" | "attestedSeller" | "basis" | "purpose" | "callPurpose" | "source" | "signature">;
  readonly hasCertificate: boolean;
  readonly isOpen: boolean;
  /** The verdict is the row's own then: its number is in the text, or is not. */
  readonly mentionsNumber: boolean;
  readonly verdicts: Map<DateKind, IneligibleReason | null>;
}

function evidenceOf(consent: GivenConsent, e164: string, arrival: Arrival): Evidence & { reason: IneligibleReason | null } {
  const date = givenDate(consent.obtainedAt, { dateZone: consent.dateZone });
  const shared = sharedConsent(consent, arrival);
  return {
    frame: shared,
    proof: `"certificate":${certificateJson(consent.certificateUrl)},"ip":${json(consent.ip)},`,
    date: `"number":${json(e164)},"obtained_at":{"earliest":${json(date.earliest)},"given":${json(date.given)},"latest":${json(date.latest)},"utc":${json(date.utc)}},"page_url":${json(consent.pageUrl)}`,
    end: consent.userAgent === null ? null : `${json(consent.userAgent)}}`,
    reason: judged(shared, consent, date, e164, arrival),
  };
}

/** The one character that a column cannot carry is a space in evidence, whoever brings it. */
const json = (text: string | null): string =>
  text === null ? "null" : JSON.stringify(text.includes("\u007f") ? text.replaceAll("\u007f", " ") : text);
// An address alone is no text, and proves nothing, until the certificate is retrieved.
const certificateJson = (url: string | null): string =>
  url === null ? "null" : `{"matched":false,"retained":false,"text":null,"url":${json(url)}}`;

function sharedConsent(consent: GivenConsent, { at, memo }: Arrival): SharedConsent {
  const ofText = memo.frames.get(consent.text ?? "");
  const known = ofText?.find((shared) => shared.at === at && isShared(shared, consent));
  if (known !== undefined) return known;
  const made = shareable(consent, at);
  if (ofText !== undefined && ofText.length < framesPerTextMax) ofText.push(made);
  else remember(memo.frames, made.of.text ?? "", [made], textsMax);
  return made;
}

const isShared = ({ of, hasCertificate, isOpen }: SharedConsent, consent: GivenConsent): boolean =>
  of.attestedSeller === consent.attestedSeller &&
  of.basis === consent.basis &&
  of.purpose === consent.purpose &&
  of.callPurpose === consent.callPurpose &&
  of.source === consent.source &&
  of.signature === consent.signature &&
  of.text === consent.text &&
  hasCertificate === (consent.certificateUrl !== null) &&
  isOpen === (consent.userAgent !== null);

/** Keys in their sorted order at every depth: attested_seller, basis | certificate … page_url | purpose … user_agent. */
function shareable(consent: GivenConsent, at: Instant): SharedConsent {
  const { attestedSeller, basis, purpose, callPurpose, source, signature } = consent;
  const text = consent.text === null ? null : detached(consent.text);
  const seller =
    attestedSeller === null
      ? "null"
      : `{"registered_name":${json(attestedSeller.registered_name)},"trade_names":[${attestedSeller.trade_names.map(json).join(",")}]}`;
  const tail = `,"purpose":${json(purpose)},"recording":null,"signature":${json(signature)},"source":${json(source)},"text":${json(text)},"user_agent":`;
  const isOpen = consent.userAgent !== null;
  return {
    at,
    of: { text, attestedSeller, basis, purpose, callPurpose, source, signature },
    hasCertificate: consent.certificateUrl !== null,
    isOpen,
    head: `{"attested_seller":${seller},"basis":${json(basis)},`,
    tail: isOpen ? tail : `${tail}null}`,
    mentionsNumber: text !== null && numbersIn(asShown(text)).length > 0,
    verdicts: new Map(),
  };
}

/** A cell is a view of the piece of the file that it came in, and would keep all of it for as long as it is kept itself. */
const detached = (text: string): string => ` ${text}`.slice(1);

/** The consent gate's verdict on this evidence alone. */
function judged(
  shared: SharedConsent,
  consent: GivenConsent,
  date: DateOnEarth,
  e164: string,
  arrival: Arrival,
): IneligibleReason | null {
  if (shared.mentionsNumber) return verdictOf(consent, date, e164, arrival);
  const kind = dateKind(date, arrival.at);
  const known = shared.verdicts.get(kind);
  if (known !== undefined) return known;
  const verdict = verdictOf(consent, date, e164, arrival);
  shared.verdicts.set(kind, verdict);
  return verdict;
}

type DateKind = "absent" | "unreadable" | "future" | "past";
function dateKind(date: DateOnEarth, at: Instant): DateKind {
  if (date.given === null) return "absent";
  if (date.utc === null) return "unreadable";
  return date.utc > at ? "future" : "past";
}

function verdictOf(consent: GivenConsent, date: DateOnEarth, e164: string, arrival: Arrival): IneligibleReason | null {
  const { given, utc, earliest, latest } = date;
  const seller = consent.attestedSeller ?? { registered_name: "", trade_names: [] };
  const names = { registered_name: seller.registered_name, trade_names: seller.trade_names };
  const grant: Grant = {
    id: "",
    recorded_at: arrival.at,
    digest: "",
    attested_seller: consent.attestedSeller === null ? null : names,
    basis: consent.basis,
    certificate:
      consent.certificateUrl === null ? null : { matched: false, retained: false, text: null, url: consent.certificateUrl },
    ip: consent.ip,
    number: e164,
    obtained_at: { given, utc, earliest, latest },
    page_url: consent.pageUrl,
    purpose: consent.purpose,
    recording: null,
    signature: consent.signature,
    source: consent.source,
    text: consent.text,
    user_agent: consent.userAgent,
  };
  const answer = consentAtImport({
    at: arrival.at,
    packs: arrival.packs,
    seller: { id: "", ...names },
    purpose: consent.callPurpose,
    consent: {
      number: e164,
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
