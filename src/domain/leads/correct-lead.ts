import { eq } from "drizzle-orm";
import type { OrgDb, OrgWriter } from "../../db/org-db.ts";
import { shareOrg } from "../../db/queries/fact-versions.ts";
import { moveEnrolments } from "../../db/queries/leads.ts";
import { bumpPerson } from "../../db/queries/persons.ts";
import { leads } from "../../db/schema/index.ts";
import { locate } from "../../gates/location.ts";
import { publicId } from "../../lib/ids.ts";
import { wireName } from "../audit/change-facts.ts";
import type { Lead } from "./find-leads.ts";

/** What may be corrected. Never the number: whom a lead is about does not change. */
export type LeadCorrection = Partial<
  Pick<Lead, "externalId" | "firstName" | "lastName" | "email" | "city" | "state" | "zip" | "source" | "notes" | "callbackAt">
>;
export interface Corrected {
  readonly orgId: string;
  readonly lead: Lead;
  /** Open places in campaigns that follow other hours now, or are asked again. */
  readonly enrolmentsMoved: number;
}

/** Refusals that time would lift, and that said something of the old place or call-back time. */
const reasonsOfPlace = [
  "holiday_prohibited",
  "day_prohibited",
  "before_window",
  "after_window",
  "cap_reached",
  "conversation_cooldown",
  "recall_gap",
  "state_halted",
  "emergency_moratorium",
];

/**
 * A lead's fields are facts of its person: every permit minted before is void. Another state or ZIP are other candidate
 * states, and with them other hours, other lists to ask and, by the table's own trigger, standing results to judge again.
 */
export async function correctLead(org: OrgDb, id: string, given: LeadCorrection): Promise<Corrected | null> {
  return org.change({ action: "lead.corrected", subject: publicId("lead", id) }, async (w) => {
    const before = await heldLead(w, id);
    const set = before === null ? {} : differing(before, given);
    if (before === null || Object.keys(set).length === 0) {
      w.withdrawEntry();
      return before === null ? null : { orgId: w.orgId, lead: before, enrolmentsMoved: 0 };
    }
    const candidateStates = locate({ ...before, ...set }).candidate_states.join(",");
    const isElsewhere = candidateStates !== before.candidateStates;
    const [lead] = await w.update(leads, eq(leads.id, id), {
      ...set,
      ...(isElsewhere ? { candidateStates, scrubDueAt: w.now } : {}),
    });
    if (lead === undefined) throw new Error("a lead is gone that is held");
    const [row] = await w.rows<{ moved: number }>(moveEnrolments(id, changesPlace(set) ? reasonsOfPlace : []));
    const enrolmentsMoved = row?.moved ?? 0;
    // Names alone: the values are the person's.
    w.note({ changed: Object.keys(set).map(wireName).toSorted(), enrolments_moved: enrolmentsMoved });
    return { orgId: w.orgId, lead, enrolmentsMoved };
  });
}

/** Read once its org and person are held: no launch enrols it by what it was, and no other correction comes between. */
async function heldLead(w: OrgWriter, id: string): Promise<Lead | null> {
  await w.rows(shareOrg());
  const found = await w.findOne(leads, eq(leads.id, id));
  if (found === null) return null;
  await w.rows(bumpPerson(found.personId));
  return w.findOne(leads, eq(leads.id, id));
}

function differing(before: Lead, given: LeadCorrection): LeadCorrection {
  const changed = Object.entries(given).filter(([field, value]) => value !== before[field as keyof LeadCorrection]);
  return Object.fromEntries(changed);
}

const changesPlace = (set: LeadCorrection): boolean => "state" in set || "zip" in set || "callbackAt" in set;
