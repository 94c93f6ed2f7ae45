import type { OrgDb } from "../../db/org-db.ts";
import { type CredentialRow, nameOfCredential, ownersOfOrg, type OwnerRow, takeUntoldNetworks } from "../../db/queries/alerts.ts";
import { rowsOf } from "../../db/transport.ts";
import type { Instant } from "../../lib/instant.ts";
import { type MailDeps, sealMail } from "../mail/mail.ts";

/** A key or a token issuer, by its row's id and by what it is called on the wire. */
export interface Credential {
  readonly id: string;
  readonly publicId: string;
}
export type Oddity = "new_network" | "unusual_rate";

/**
 * Writes on the org's chain that a credential is used as it was not before, and mails its owners: at most once an hour and
 * oddity each. Nothing is locked: the law's gates do not depend on it, and a stranger must not be able to stop calls.
 * @returns false when another request has told it already.
 */
export async function tellOwners(
  org: OrgDb,
  deps: MailDeps,
  odd: Oddity,
  credential: Credential,
  realNow: Instant,
): Promise<boolean> {
  const { answers } = await org.query(nameOfCredential(credential.id), ownersOfOrg());
  const [named = nothing, owning = nothing] = answers;
  const [credentialRow] = rowsOf<CredentialRow>(named);
  const { name: keyName, org_name: orgName } = credentialRow ?? { name: "", org_name: "" };
  const hour = realNow.slice(0, 13);
  const letters = await Promise.all(
    rowsOf<OwnerRow>(owning).map(({ email, user_id: userId }) =>
      sealMail(deps, {
        kind: "key_alert",
        to: email,
        params: { orgName, keyName, what: odd },
        dedupeKey: `${odd}:${credential.id}:${userId}:${hour}`,
      }),
    ),
  );
  const entry = { action: `credential.${odd}`, subject: credential.publicId } as const;
  return org.change(entry, async (w) => {
    const networks = odd === "new_network" ? await w.rows<{ network: string }>(takeUntoldNetworks(credential.id, realNow)) : null;
    if (networks?.length === 0) {
      w.withdrawEntry();
      return false;
    }
    if (networks !== null) w.note({ networks: networks.map(({ network }) => network) });
    for (const letter of letters) await w.rows(letter);
    return true;
  });
}

const nothing = { columns: [], rows: [] };
