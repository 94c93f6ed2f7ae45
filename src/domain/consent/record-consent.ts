import { eq } from "drizzle-orm";
import type { OrgDb, OrgWriter } from "../../db/org-db.ts";
import { appendConsentEvent } from "../../db/queries/consent-events.ts";
import { bumpPerson, reopenPersons, stopPerson } from "../../db/queries/persons.ts";
import { markStanding } from "../../db/queries/standing.ts";
import { leads } from "../../db/schema/index.ts";
import type { GivenDate, Grant, Lift, PackRef, Relationship, Revocation } from "../../gates/snapshot.ts";
import { byteaText, sha256 } from "../../lib/bytes.ts";
import { canonicalJson } from "../../lib/canonical-json.ts";
import { givenDate } from "../../lib/given-date.ts";
import { publicId } from "../../lib/ids.ts";
import type { Instant } from "../../lib/instant.ts";
import type { NumberHasher } from "../../lib/number-hash.ts";
import { refuse, ok, type Result } from "../../lib/result.ts";
import { personKeys, touchPersons } from "../persons/touch-persons.ts";
import { rejudgeLead } from "./rejudge-lead.ts";

type Body<Event> = Omit<Event, "id" | "recorded_at" | "digest">;
/**
 * What is said of a person's consent; `body` is the consent gate's own input. A grant's number is filled in here, and the
 * date of a revocation that has none: now, by the org's clock.
 */
export type ConsentEventInput =
  | { readonly kind: "grant"; readonly body: Omit<Body<Grant>, "number"> }
  | {
      readonly kind: "revocation";
      readonly body: Omit<Body<Revocation>, "revoked_at"> & { readonly revoked_at: GivenDate | null };
    }
  | { readonly kind: "lift"; readonly body: Body<Lift> }
  | { readonly kind: "relationship"; readonly body: Body<Relationship> };
export type AboutPerson = { readonly leadId: string } | { readonly e164: string };

export interface ConsentRecorded {
  readonly orgId: string;
  readonly id: string;
  readonly recordedAt: string;
  readonly kind: ConsentEventInput["kind"];
  readonly body: Readonly<Record<string, unknown>>;
  /** The same evidence was on file: nothing was added. */
  readonly known: boolean;
  /** How many of its kind the person has; a decision reads the newest `rowsPerKindMax`. */
  readonly ofKind: number;
  readonly attemptsCancelled: number;
  readonly enrolmentsClosed: number;
  readonly enrolmentsReopened: number;
  readonly leadMadeEligible: boolean;
}

/** Appends to a person's consent. A revocation stops at once, like a suppression; what widens lets held enrolments be judged again. */
export async function recordConsent(
  org: OrgDb,
  deps: { readonly numbers: NumberHasher; readonly packs: readonly PackRef[] },
  about: AboutPerson,
  event: ConsentEventInput,
): Promise<Result<ConsentRecorded, "lead_unknown">> {
  const id = org.newId();
  if ("leadId" in about) org.about([publicId("lead", about.leadId)]);
  const keys = "e164" in about ? await personKeys(deps.numbers, () => org.newId(), [about.e164]) : [];
  return org.change({ action: `consent.${pastTense[event.kind]}`, subject: publicId("consentEvent", id) }, async (w) => {
    const person =
      "e164" in about
        ? { id: (await touchPersons(w, keys))[0] as string, e164: about.e164 }
        : await personOfLead(w, about.leadId);
    if (person === null) {
      w.withdrawEntry();
      return refuse("lead_unknown");
    }
    if ("e164" in about) org.about([publicId("person", person.id)]);
    const body = completed(event, person.e164, w.now);
    const digest = byteaText(sha256(canonicalJson({ kind: event.kind, ...(isAct(event.kind) && { at: w.now }), ...body })));
    const appended = appendConsentEvent({ id, personId: person.id, kind: event.kind, digest, body: canonicalJson(body) });
    const [row] = await w.rows<{ id: string; recorded_at: string; known: boolean; of_kind: number }>(appended);
    if (row === undefined) throw new Error("a consent event was neither added nor found");
    const effect = row.known ? none : await takeEffect(w, deps.packs, person.id, event.kind);
    if (row.known) w.withdrawEntry();
    else w.note({ attempts_cancelled: effect.attemptsCancelled, enrolments_closed: effect.enrolmentsClosed });
    return ok({
      orgId: w.orgId,
      id: row.id,
      recordedAt: row.recorded_at,
      kind: event.kind,
      body,
      known: row.known,
      ofKind: row.of_kind,
      ...effect,
    });
  });
}

/**
 * Evidence says the same each time that it is sent. A revocation or a lift is an act: the same words after the other's
 * mean something again.
 */
const isAct = (kind: ConsentEventInput["kind"]): boolean => kind === "revocation" || kind === "lift";
function completed(event: ConsentEventInput, e164: string, now: Instant): Readonly<Record<string, unknown>> {
  if (event.kind === "grant") return { ...event.body, number: e164 };
  if (event.kind === "revocation") return { ...event.body, revoked_at: event.body.revoked_at ?? givenDate(now) };
  return event.body;
}

const pastTense = { grant: "granted", revocation: "revoked", lift: "lifted", relationship: "relationship_recorded" } as const;
const none = { attemptsCancelled: 0, enrolmentsClosed: 0, enrolmentsReopened: 0, leadMadeEligible: false };

async function personOfLead(w: OrgWriter, leadId: string): Promise<{ id: string; e164: string } | null> {
  const lead = await w.findOne(leads, eq(leads.id, leadId));
  if (lead === null) return null;
  await w.rows(bumpPerson(lead.personId));
  return { id: lead.personId, e164: lead.e164 };
}

async function takeEffect(
  w: OrgWriter,
  packs: readonly PackRef[],
  personId: string,
  kind: ConsentEventInput["kind"],
): Promise<typeof none> {
  if (kind === "revocation") {
    const [stopped] = await w.rows<{ attempts_cancelled: number; enrolments_closed: number }>(
      stopPerson(personId, "consent_revoked"),
    );
    return { ...none, attemptsCancelled: stopped?.attempts_cancelled ?? 0, enrolmentsClosed: stopped?.enrolments_closed ?? 0 };
  }
  await w.rows(markStanding([personId]));
  const eligible = kind === "grant" && (await rejudgeLead(w, packs, personId));
  const [opened] = await w.rows<{ reopened: number }>(reopenPersons([personId]));
  return { ...none, leadMadeEligible: eligible, enrolmentsReopened: opened?.reopened ?? 0 };
}
