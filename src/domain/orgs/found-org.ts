import type { OrgDb, OrgWriter } from "../../db/org-db.ts";
import { newOrg } from "../../db/queries/ways-in.ts";
import { publicId } from "../../lib/ids.ts";
import type { Instant } from "../../lib/instant.ts";

export interface NewOrg {
  readonly name: string;
  readonly livemode: boolean;
  /** Where its clock stands at first: a test org's own, or the real one. */
  readonly clockAt: Instant;
}

/**
 * The one way in which an organisation comes to be, whoever asks for it: with all that its dials are judged by, and `org.created`
 * first on its own chain. `work` adds who or what may act in it, and may still withdraw the whole.
 */
export async function foundOrg<R>(from: OrgDb, org: NewOrg, work: (w: OrgWriter) => Promise<R>): Promise<R> {
  const orgId = from.newId();
  const door = newOrg({ ...org, orgId, canaryPersonId: from.newId(), canarySuppressionId: from.newId() });
  const entry = { action: "org.created", subject: publicId("org", orgId), facts: { livemode: org.livemode } } as const;
  // Boxed: what `work` answers may itself be null.
  const done = await from.changeBeyond(door, entry, async (w) => ({ result: await work(w) }));
  if (done === null) throw new Error("an org was not made");
  return done.result;
}
