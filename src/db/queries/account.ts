import { inOrg } from "../in-org.ts";
import type { Statement } from "../transport.ts";

export interface AccountRow {
  readonly name: string;
  readonly created_at: string;
  readonly dnc_active: number;
  readonly dnc_failing: number;
  readonly dnc_disabled: number;
  readonly failing_connections: number;
  readonly acknowledged_at: string | null;
  readonly open_halts: number;
  readonly open_incidents: number;
  readonly written_consent_over_national: boolean;
  readonly keep_transcripts: boolean;
  readonly now: string;
}

/** What the account page warns of, in one statement. */
export function accountState(): Statement {
  return {
    name: "account.state",
    text: `
      select o.name, o.created_at,
        (select count(*) from connections c where ${inOrg("c")} and c.kind = 'dnc' and c.status = 'active') as dnc_active,
        (select count(*) from connections d where ${inOrg("d")} and d.kind = 'dnc' and d.status = 'failing') as dnc_failing,
        (select count(*) from connections d where ${inOrg("d")} and d.kind = 'dnc' and d.status = 'disabled') as dnc_disabled,
        (select count(*) from connections f where ${inOrg("f")} and f.status = 'failing') as failing_connections,
        (select max(a.made_at) from dnc_acknowledgements a where ${inOrg("a")}) as acknowledged_at,
        (select count(*) from halts h where ${inOrg("h")} and h.ended_at is null) as open_halts,
        (select count(*) from incidents i where ${inOrg("i")} and i.closed_at is null) as open_incidents,
        p.written_consent_over_national, p.keep_transcripts, app.now() as now
      from orgs o join calling_policies p on ${inOrg("p")} where ${inOrg("o")}`,
    params: [],
  };
}
