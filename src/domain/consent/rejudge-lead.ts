import { and, asc, eq } from "drizzle-orm";
import type { OrgWriter } from "../../db/org-db.ts";
import { consentEvents, leads } from "../../db/schema/index.ts";
import { consentAtImport } from "../../gates/consent.ts";
import type { GateMemo } from "../../gates/gate.ts";
import type { Grant, Lift, PackRef, Relationship, Revocation } from "../../gates/snapshot.ts";
import { hexOf } from "../../lib/bytes.ts";
import { publicId } from "../../lib/ids.ts";
import type { Instant } from "../../lib/instant.ts";

/** Evidence beyond this is no reason to keep a person's locks for longer. */
const eventsMax = 500;

/**
 * An ineligible lead whose person gave a consent that passes becomes eligible, by the gate that refused it on arrival.
 * Each dial judges the consent again, for its own seller and purpose.
 */
export async function rejudgeLead(w: OrgWriter, packs: readonly PackRef[], personId: string): Promise<boolean> {
  const ineligible = and(eq(leads.personId, personId), eq(leads.status, "ineligible"));
  const lead = await w.findOne(leads, ineligible ?? eq(leads.personId, personId));
  if (lead === null) return false;
  const rows = await w.find(consentEvents, eq(consentEvents.personId, personId), {
    limit: eventsMax,
    orderBy: [asc(consentEvents.recordedAt)],
  });
  const bodiesOf = <Event>(kind: string) =>
    rows
      .filter((row) => row.kind === kind)
      .map(
        (row) =>
          ({
            ...(row.body as object),
            id: publicId("consentEvent", row.id),
            recorded_at: row.recordedAt,
            digest: hexOf(row.digest),
          }) as Event,
      );
  const grants = bodiesOf<Grant>("grant");
  const passes = grants.some((grant) => {
    if (grant.attested_seller === null) return false;
    const answer = consentAtImport({
      at: w.now as Instant,
      packs,
      seller: { id: "", ...grant.attested_seller },
      purpose: grant.purpose ?? "undeclared",
      consent: {
        number: lead.e164,
        grants,
        revocations: bodiesOf<Revocation>("revocation"),
        lifts: bodiesOf<Lift>("lift"),
        relationships: bodiesOf<Relationship>("relationship"),
        max_age_days: null,
        grade_floor: "C",
        positions: [],
      },
      memo: { decision: new Map(), batch: new Map() } satisfies GateMemo,
    });
    return answer.verdict === "allow";
  });
  if (passes) await w.update(leads, eq(leads.id, lead.id), { status: "eligible", ineligibleReason: null });
  return passes;
}
