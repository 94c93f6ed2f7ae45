import { eq, isNull } from "drizzle-orm";
import type { OrgDb, OrgWriter } from "../../db/org-db.ts";
import { bumpOrg } from "../../db/queries/fact-versions.ts";
import { campaigns, connections, halts, sellers } from "../../db/schema/index.ts";
import { states } from "../../gates/rules/states.ts";
import { publicId } from "../../lib/ids.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";
import { findPage, type Page } from "../page.ts";

export type Halt = typeof halts.$inferSelect;
/** What a person may halt; incidents and the platform open their own. */
export type HaltInput = { readonly note: string } & (
  | { readonly reason: "org_halted" }
  | { readonly reason: "seller_halted" | "connection_halted"; readonly targetId: string }
  | { readonly reason: "state_halted" | "caller_number_halted"; readonly target: string }
);

/** Stops dials at once: when this has committed, none that it covers leaves. */
export async function halt(org: OrgDb, input: HaltInput): Promise<Result<Halt, "target_unknown">> {
  const id = org.newId();
  const targetId = "targetId" in input ? input.targetId : null;
  const target = "target" in input ? input.target : null;
  return org.change({ action: "halt.started", subject: publicId("halt", id), facts: { reason: input.reason } }, async (w) => {
    await w.rows(bumpOrg());
    if (!(await canBeHalted(w, input))) {
      w.withdrawEntry();
      return refuse("target_unknown");
    }
    const by = `${org.actor.type}:${org.actor.id}`;
    return ok(await w.insert(halts, { id, reason: input.reason, targetId, target, since: w.now, by, note: input.note }));
  });
}

/** A halt of what does not exist would stop nothing, and look as if it did. */
async function canBeHalted(w: OrgWriter, input: HaltInput): Promise<boolean> {
  if (input.reason === "state_halted") return states.some((row) => row.state === input.target);
  if (input.reason === "seller_halted") return (await w.findOne(sellers, eq(sellers.id, input.targetId))) !== null;
  if (input.reason === "connection_halted") return (await w.findOne(connections, eq(connections.id, input.targetId))) !== null;
  if (input.reason === "caller_number_halted") return showsNumber(w, input.target);
  return true;
}

const connectionsMax = 1_000;

async function showsNumber(w: OrgWriter, e164: string): Promise<boolean> {
  if ((await w.findOne(campaigns, eq(campaigns.fromNumber, e164))) !== null) return true;
  const voices = await w.find(connections, eq(connections.kind, "voice"), { limit: connectionsMax });
  return voices.some((voice) => (voice.config as Readonly<Record<string, unknown>>)["from_number"] === e164);
}

export const findHalts = (org: OrgDb, page: Page, open: boolean): Promise<Halt[]> =>
  findPage(org, halts, page, open ? isNull(halts.endedAt) : undefined);
