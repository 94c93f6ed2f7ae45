import { and, eq, gt, isNull } from "drizzle-orm";
import type { OrgDb, OrgWriter } from "../../db/org-db.ts";
import { guestsByGrant, type GuestRow } from "../../db/queries/members.ts";
import { byOwnGrant } from "../../db/queries/ways-in.ts";
import { supportGrants } from "../../db/schema/index.ts";
import { publicId } from "../../lib/ids.ts";
import type { Instant } from "../../lib/instant.ts";
import type { Support } from "./find-support.ts";

const entryOf = (id: string) => ({ action: "support.ended", subject: publicId("supportGrant", id) }) as const;

/** The operator's next request is refused. One that has ended stays as it is. Null when there is no such grant. */
export const endSupport = (org: OrgDb, id: string, realNow: Instant): Promise<Support | null> =>
  org.change(entryOf(id), (w) => end(w, id, realNow));

/** By whom it lets in, who is a member of nothing: it stands on the organisation's chain as every other end does. */
export async function endOwnSupport(own: OrgDb, operatorId: string, id: string, realNow: Instant): Promise<Support | null> {
  const actor = { type: "operator", id: publicId("user", operatorId), grant: publicId("supportGrant", id) } as const;
  return own.changeBeyond(byOwnGrant(id, operatorId, actor, realNow), entryOf(id), (w) => end(w, id, realNow));
}

async function end(w: OrgWriter, id: string, realNow: Instant): Promise<Support | null> {
  const ofId = eq(supportGrants.id, id);
  const open = and(ofId, isNull(supportGrants.endedAt), gt(supportGrants.expiresAt, realNow)) ?? ofId;
  const [ended] = await w.update(supportGrants, open, { endedAt: realNow });
  if (ended === undefined) w.withdrawEntry();
  const row = ended ?? (await w.findOne(supportGrants, ofId));
  const [operator] = await w.rows<GuestRow>(guestsByGrant([id]));
  return row === null || operator === undefined ? null : { ...row, operator };
}
