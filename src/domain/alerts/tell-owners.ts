import type { OrgDb, OrgWriter } from "../../db/org-db.ts";
import { type CredentialRow, nameOfCredential, ownersOfOrg, type OwnerRow, takeUntoldNetworks } from "../../db/queries/alerts.ts";
import { rowsOf } from "../../db/transport.ts";
import type { Instant } from "../../lib/instant.ts";
import { type MailDeps, sealMail } from "../mail/mail.ts";

/** A key or a token issuer, by its row's id and by what it is called on the wire. */
export interface Credential {
  readonly kind: "api_key" | "token_issuer";
  readonly id: string;
  readonly publicId: string;
}
export type Oddity = "new_network" | "unusual_rate";

/**
 * Writes on the org's chain that a credential is used as it was not before, and from where, to the network; and mails its owners
 * the same: once in each hour of the clock for each oddity. Nothing is locked: the law's gates do not depend on it, and a stranger must
 * not be able to stop calls.
 * @param from the network of the request that was odd; null where none is known.
 * @returns false when another request has told it already.
 */
export async function tellOwners(
  org: OrgDb,
  deps: MailDeps,
  odd: Oddity,
  credential: Credential,
  from: string | null,
  realNow: Instant,
): Promise<boolean> {
  const { answers } = await org.query(nameOfCredential(credential.id), ownersOfOrg());
  const [named = nothing, owning = nothing] = answers;
  const { name = "", org_name: orgName = "" } = rowsOf<CredentialRow>(named)[0] ?? {};
  const hour = realNow.slice(0, 13);
  const entry = { action: `credential.${odd}`, subject: credential.publicId } as const;
  return org.change(entry, async (w) => {
    const networks = odd === "new_network" ? await takeNetworks(w, credential.id, realNow) : from === null ? [] : [from];
    if (odd === "new_network" && networks.length === 0) {
      w.withdrawEntry();
      return false;
    }
    w.note({ networks });
    const params = { orgName, key: { kind: credential.kind, name, id: credential.publicId }, what: odd, networks };
    for (const { email, user_id: userId } of rowsOf<OwnerRow>(owning)) {
      const dedupeKey = `${odd}:${credential.id}:${userId}:${hour}`;
      await w.rows(await sealMail(deps, { kind: "key_alert", to: email, params, dedupeKey }));
    }
    return true;
  });
}

async function takeNetworks(w: OrgWriter, credentialId: string, realNow: Instant): Promise<string[]> {
  const taken = await w.rows<{ network: string }>(takeUntoldNetworks(credentialId, realNow));
  return taken.map(({ network }) => network);
}

const nothing = { columns: [], rows: [] };
