import type { Instant } from "../../lib/instant.ts";
import { inOrg } from "../in-org.ts";
import type { Statement } from "../transport.ts";

/** Takes the networks of a credential that nobody was told of: whoever gets a row tells. */
export const takeUntoldNetworks = (credentialId: string, now: Instant): Statement => ({
  name: "alerts.take_untold_networks",
  text: `update credential_networks n set told_at = $2 where ${inOrg("n")} and n.credential_id = $1 and n.told_at is null returning n.network`,
  params: [credentialId, now],
});

export interface OwnerRow {
  readonly user_id: string;
  readonly email: string;
}
export const ownersOfOrg = (): Statement => ({
  name: "alerts.owners_of_org",
  text: `select m.user_id, u.email from memberships m join users u on u.id = m.user_id
    where ${inOrg("m")} and m.role = 'owner' and u.disabled_at is null order by m.user_id limit 100`,
  params: [],
});

export interface CredentialRow {
  readonly name: string;
  readonly org_name: string;
}
/** What a key or a token issuer is called; none of another org's. */
export const nameOfCredential = (credentialId: string): Statement => ({
  name: "alerts.name_of_credential",
  text: `select k.name, o.name as org_name from (
      select k.name from api_keys k where ${inOrg("k")} and k.id = $1
      union all select i.name from token_issuers i where ${inOrg("i")} and i.id = $1) k
    join orgs o on ${inOrg("o")}`,
  params: [credentialId],
});
