import type { OrgDb } from "../../db/org-db.ts";
import { ownersOfOrg, type OwnerRow } from "../../db/queries/alerts.ts";
import { personById, type PersonRow } from "../../db/queries/users.ts";
import { forSupport } from "../../db/queries/ways-in.ts";
import { supportGrants } from "../../db/schema/index.ts";
import { publicId } from "../../lib/ids.ts";
import { addSeconds, type Instant } from "../../lib/instant.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";
import { type MailDeps, sealMail } from "../mail/mail.ts";
import type { Support } from "./find-support.ts";

export type SupportGrantRow = typeof supportGrants.$inferSelect;
export interface WantedSupport {
  readonly orgId: string;
  readonly role: SupportGrantRow["role"];
  readonly reason: string;
  readonly minutes: number;
}

/**
 * Lets an operator of the platform into an organisation, as a role and until an instant. It stands on that organisation's chain
 * with its reason, and its owners get mail in the same transaction. They say who enters. Whoever is no operator is answered as if the organisation
 * were not there.
 */
export async function openSupport(
  own: OrgDb,
  deps: MailDeps,
  operatorId: string,
  wanted: WantedSupport,
  realNow: Instant,
): Promise<Result<Support, "org_unknown">> {
  const { orgId, role, reason, minutes } = wanted;
  const id = own.newId();
  const grant = publicId("supportGrant", id);
  const expiresAt = addSeconds(realNow, minutes * 60);
  const door = forSupport(orgId, operatorId, { type: "operator", id: publicId("user", operatorId), grant }, realNow);
  const entry = { action: "support.opened", subject: grant, facts: { role, reason, expires_at: expiresAt } } as const;
  const opened = await own.changeBeyond(door, entry, async (w) => {
    const row = await w.insert(supportGrants, { id, operatorId, role, reason, createdAt: realNow, expiresAt });
    const [operator] = await w.rows<PersonRow>(personById(operatorId));
    if (operator === undefined) throw new Error("the person of a session is not there");
    for (const { email } of await w.rows<OwnerRow>(ownersOfOrg())) {
      const params = {
        orgName: w.orgName ?? "",
        orgId: publicId("org", orgId),
        grantId: grant,
        operator,
        role,
        reason,
        until: expiresAt,
      };
      await w.rows(await sealMail(deps, { kind: "support_opened", to: email, params }));
    }
    return { ...row, operator };
  });
  return opened === null ? refuse("org_unknown") : ok(opened);
}
