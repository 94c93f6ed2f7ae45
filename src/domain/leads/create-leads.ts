import { inArray } from "drizzle-orm";
import * as z from "zod";
import type { OrgDb, OrgWriter } from "../../db/org-db.ts";
import { type IntakeBatch, type IntakeResult, intakeRows } from "../../db/queries/intake.ts";
import { sellers } from "../../db/schema/index.ts";
import type { PackRef, Purpose } from "../../gates/snapshot.ts";
import { hexOf, sha256 } from "../../lib/bytes.ts";
import { publicId, uuidOf } from "../../lib/ids.ts";
import type { NumberHasher } from "../../lib/number-hash.ts";
import type { PhoneRefusal } from "../../lib/phone.ts";
import { lineOrNothingPattern, linesOrNothingPattern, linesWords, lineWords } from "../../lib/plain-text.ts";
import type { OperationId } from "../access/operations.ts";
import { bases, purposes } from "../imports/import-map.ts";
import { OfferedRows } from "../imports/intake-batch.ts";
import { type GivenConsent, type GivenLead, readRow, rowMemo } from "../imports/read-row.ts";
import { type PlaceWarning, placeWarnings } from "./place-warnings.ts";

/** Nothing, an empty text, or one line. */
const line = (max: number) => z.string().trim().max(max).regex(lineOrNothingPattern, lineWords).nullish();
const lines = (max: number) => z.string().trim().max(max).regex(linesOrNothingPattern, linesWords).nullish();

/** What was shown, when, by whom, and how it was signed. */
const newConsent = z.strictObject({
  seller_id: z.string().max(100),
  obtained_at: line(64),
  basis: z.enum(bases),
  purpose: z.enum(purposes),
  signature: line(200),
  text: lines(20_000),
  page_url: line(2_000),
  ip: line(64),
  user_agent: line(1_000),
  certificate_url: line(2_000),
});
export const newLead = z.strictObject({
  phone: z.string().max(64),
  external_id: line(200),
  first_name: line(200),
  last_name: line(200),
  email: line(320),
  city: line(200),
  state: line(64),
  zip: line(16),
  source: line(200),
  notes: lines(2_000),
  consent: newConsent.nullish(),
});
export type NewLead = z.infer<typeof newLead>;

export const leadsMax = 1_000;

/** What became of one lead, in the order in which they came. */
export type CreatedLead =
  | {
      readonly ok: true;
      readonly leadId: string;
      readonly status: "eligible" | "ineligible";
      readonly ineligibleReason: string | null;
      readonly warnings: readonly PlaceWarning[];
    }
  | { readonly ok: false; readonly code: PhoneRefusal | "seller_unknown"; readonly detail: string }
  /** The lead that has this number already; evidence that came along is kept for its person. */
  | { readonly ok: false; readonly code: "duplicate_in_org"; readonly detail: string; readonly leadId: string };

/**
 * Leads that an integrator sends, one or up to a thousand, by the same rules as a file's rows. One audit entry for all. Who is
 * told that a number is known, and by which lead, has read of its person: that is noted.
 */
export async function createLeads(
  org: OrgDb,
  deps: { readonly numbers: NumberHasher; readonly packs: readonly PackRef[] },
  input: readonly NewLead[],
  operation: OperationId = "leads.create_batch",
): Promise<readonly CreatedLead[]> {
  if (input.length === 0 || input.length > leadsMax) throw new RangeError(`between 1 and ${leadsMax} leads at once`);
  const { bound } = await org.query();
  const attested = await sellersOf(org, input);
  const memo = rowMemo();
  const offered = new OfferedRows();
  const sources: { at: number; warnings: readonly PlaceWarning[] }[] = [];
  const results: CreatedLead[] = [];
  for (const [at, lead] of input.entries()) {
    const given = givenLead(lead, attested);
    const read = given === null ? unknownSeller : readRow(given, { at: bound.now, packs: deps.packs, memo });
    if (read.ok && given !== null) {
      offered.add(given, read, null);
      sources.push({ at, warnings: placeWarnings({ ...given, e164: read.e164 }) });
    } else if (!read.ok) results[at] = read;
  }
  if (offered.length === 0) return results;
  // Numbers are hashed before the transaction opens: nothing is awaited in it but the database.
  const batch = offered.batch(deps.numbers, () => org.newId());
  const [first, second] = batch.leadIds;
  const subject = first !== undefined && second === undefined ? publicId("lead", first) : publicId("request", org.newId());
  const action = second === undefined ? "lead.created" : "lead.batch_created";
  const rows = await org.change({ action, subject }, async (w) => {
    const taken = await take(w, batch);
    const known = knownBefore(taken);
    if (known.length > 0) org.about(known, operation);
    return taken;
  });
  for (const row of rows) {
    const source = sources[row.n - 1];
    if (source === undefined) throw new Error("the database answered for a row that it was not given");
    results[source.at] = resultOf(row, source.warnings);
  }
  return results;
}

const unknownSeller = {
  ok: false,
  code: "seller_unknown",
  detail: "the consent names a seller that this org does not have",
} as const;

/** Public ids of the leads that had the numbers already, of which this request made none. */
function knownBefore(rows: readonly IntakeResult[]): string[] {
  const made = new Set(rows.filter((row) => row.created).map((row) => row.lead_id));
  const known = new Set(rows.map((row) => row.lead_id).filter((id) => !made.has(id)));
  return [...known].map((id) => publicId("lead", id));
}

async function take(w: OrgWriter, batch: IntakeBatch): Promise<IntakeResult[]> {
  const rows = await w.rows<IntakeResult>(intakeRows(batch));
  const created = rows.filter((row) => row.created);
  const kept = rows.filter((row) => row.evidence_new).length;
  const facts = { offered: rows.length, accepted: created.length, evidence_kept: kept };
  if (created.length > 0) {
    w.note({ ...facts, lead_ids_sha256: hexOf(sha256(created.map((row) => row.lead_id).join("\n"))) });
    return rows;
  }
  w.withdrawEntry();
  const keeper = rows.find((row) => row.evidence_new);
  if (keeper !== undefined) w.also({ action: "consent.kept", subject: publicId("lead", keeper.lead_id), facts });
  return rows;
}

function resultOf(row: IntakeResult, warnings: readonly PlaceWarning[]): CreatedLead {
  if (!row.created)
    return { ok: false, code: "duplicate_in_org", detail: "the org has a lead with this number", leadId: row.lead_id };
  const status = row.reason === null ? "eligible" : "ineligible";
  return { ok: true, leadId: row.lead_id, status, ineligibleReason: row.reason, warnings };
}

type Names = NonNullable<GivenConsent["attestedSeller"]>;

async function sellersOf(org: OrgDb, input: readonly NewLead[]): Promise<ReadonlyMap<string, Names>> {
  const wanted = new Map(
    input.flatMap(({ consent }) => (consent == null ? [] : [[uuidOf("seller", consent.seller_id), consent.seller_id] as const])),
  );
  wanted.delete(null);
  if (wanted.size === 0) return new Map();
  const ids = [...wanted.keys()].filter((id) => id !== null);
  const rows = await org.find(sellers, inArray(sellers.id, ids), { limit: leadsMax });
  return new Map(
    rows.map((row) => [wanted.get(row.id) ?? "", { registered_name: row.registeredName, trade_names: row.tradeNames }]),
  );
}

const filled = (value: string | null | undefined): string | null => (value == null || value === "" ? null : value);

/** Null when its consent names a seller that the org does not have. */
function givenLead(lead: NewLead, attested: ReadonlyMap<string, Names>): GivenLead | null {
  const { consent } = lead;
  const seller = consent == null ? null : attested.get(consent.seller_id);
  if (seller === undefined) return null;
  return {
    externalId: filled(lead.external_id),
    firstName: filled(lead.first_name),
    lastName: filled(lead.last_name),
    phone: filled(lead.phone),
    email: filled(lead.email),
    city: filled(lead.city),
    state: filled(lead.state),
    zip: filled(lead.zip),
    source: filled(lead.source),
    notes: filled(lead.notes),
    consent: consent == null ? null : givenConsent(consent, seller),
  };
}

function givenConsent(consent: z.infer<typeof newConsent>, seller: Names | null): GivenConsent | null {
  const obtainedAt = filled(consent.obtained_at);
  const shown = filled(consent.text);
  const certificateUrl = filled(consent.certificate_url);
  if (obtainedAt === null && shown === null && certificateUrl === null) return null;
  const callPurpose: Purpose = consent.purpose;
  return {
    obtainedAt,
    dateZone: null,
    basis: consent.basis,
    purpose: consent.purpose,
    callPurpose,
    source: "api",
    text: shown,
    attestedSeller: seller,
    signature: filled(consent.signature),
    pageUrl: filled(consent.page_url),
    ip: filled(consent.ip),
    userAgent: filled(consent.user_agent),
    certificateUrl,
  };
}
