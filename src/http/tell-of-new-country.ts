import type { Context } from "hono";
import type { OrgDb } from "../db/org-db.ts";
import type { Asking } from "../db/system-db.ts";
import { tellElsewhere } from "../domain/sessions/tell-elsewhere.ts";
import type { HttpEnv } from "./http-env.ts";
import { faultOf, isAccessRefused } from "./on-error.ts";

/**
 * After the request, also one that was refused: whoever holds a copied cookie is refused first where a second factor is due.
 * Whatever becomes of it the answer stands: what could not be told is found again with the next one.
 */
export async function tellOfNewCountry(c: Context<HttpEnv>, asking: Asking): Promise<void> {
  const { principal } = c.var;
  const org = c.var.org as OrgDb | undefined;
  if (principal.kind !== "session" || org?.noticed.elsewhere !== true) return;
  const session = { id: principal.sessionId, userId: principal.id, hash: principal.hash };
  const demand = { scope: null, roles: null, factor: false };
  try {
    const own = c.env.system.asPerson(session, ["open", "factor_due"], demand, asking);
    if (await tellElsewhere(own, c.env, session, c.env.now())) await c.env.wakeMail();
  } catch (thrown) {
    // The request has ended the session, by which there is nothing left to warn of.
    if (thrown instanceof Error && isAccessRefused(thrown)) return;
    c.env.report(faultOf(thrown instanceof Error ? thrown : new Error("unknown"), c.var.requestId));
  }
}
