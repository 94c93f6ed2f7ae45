import type { ConsentEventRow } from "../../db/queries/dial-facts.ts";
import { consentAtImport } from "../../gates/consent.ts";
import type { Grant, Lift, PackRef, Relationship, Revocation } from "../../gates/snapshot.ts";
import { type Instant, recorded } from "../../lib/instant.ts";
import { unreadKinds } from "../decisions/snapshot.ts";

/**
 * Whether a lead that was refused on arrival would be taken with the evidence that its person has now, by the gate that
 * refused it. Each dial judges the consent again, for its own seller and purpose.
 */
export function judgeEvidence(at: Instant, packs: readonly PackRef[], e164: string, events: readonly ConsentEventRow[]): boolean {
  const grants = eventsOf<Grant>(events, "grant");
  const consent = {
    number: e164,
    grants,
    revocations: eventsOf<Revocation>(events, "revocation"),
    lifts: eventsOf<Lift>(events, "lift"),
    relationships: eventsOf<Relationship>(events, "relationship"),
    unread: unreadKinds(events),
    max_age_days: null,
    grade_floor: "C",
    positions: [],
  } as const;
  return grants.some((grant) => {
    if (grant.attested_seller === null) return false;
    const seller = { id: "", ...grant.attested_seller };
    const memo = { decision: new Map(), batch: new Map() };
    const purpose = grant.purpose ?? "undeclared";
    return consentAtImport({ at, packs, seller, purpose, consent, memo }).verdict === "allow";
  });
}

function eventsOf<Event>(events: readonly ConsentEventRow[], kind: ConsentEventRow["kind"]): Event[] {
  return events
    .filter((event) => event.kind === kind)
    .map((event) => ({ ...event.body, id: event.id, recorded_at: recorded(event.recorded_at), digest: event.digest }) as Event);
}
