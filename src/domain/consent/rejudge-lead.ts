import { and, eq } from "drizzle-orm";
import type { OrgWriter } from "../../db/org-db.ts";
import { type ConsentEventRow, consentEventsOfPerson } from "../../db/queries/dial-facts.ts";
import { leads } from "../../db/schema/index.ts";
import { consentAtImport } from "../../gates/consent.ts";
import type { GateMemo } from "../../gates/gate.ts";
import type { Grant, Lift, PackRef, Relationship, Revocation } from "../../gates/snapshot.ts";
import { type Instant, recorded } from "../../lib/instant.ts";
import { unreadKinds } from "../decisions/snapshot.ts";

/**
 * An ineligible lead whose person gave a consent that passes becomes eligible, by the gate that refused it on arrival.
 * Each dial judges the consent again, for its own seller and purpose.
 */
export async function rejudgeLead(w: OrgWriter, packs: readonly PackRef[], personId: string): Promise<boolean> {
  const ineligible = and(eq(leads.personId, personId), eq(leads.status, "ineligible"));
  const lead = await w.findOne(leads, ineligible ?? eq(leads.personId, personId));
  if (lead === null) return false;
  const rows = await w.rows<ConsentEventRow>(consentEventsOfPerson(personId));
  const bodiesOf = <Event>(kind: ConsentEventRow["kind"]) =>
    rows
      .filter((row) => row.kind === kind)
      .map((row) => ({ ...row.body, id: row.id, recorded_at: recorded(row.recorded_at), digest: row.digest }) as Event);
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
        unread: unreadKinds(rows),
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
