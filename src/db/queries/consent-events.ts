import { inOrg } from "../in-org.ts";
import type { Statement } from "../transport.ts";

/** Appends once per digest and person. Answers the row's id, whether it was there before, and how many of its kind the person has now. */
export function appendConsentEvent(event: {
  id: string;
  personId: string;
  kind: string;
  digest: string;
  body: string;
}): Statement {
  return {
    name: "consent_events.append",
    text: `
      with added as (
        insert into consent_events (org_id, id, person_id, kind, recorded_at, digest, body)
        values ((select app.org()), $1, $2, $3, app.now(), $4, $5::json)
        on conflict (org_id, person_id, digest) do nothing returning id, recorded_at)
      select a.id, a.recorded_at, false as known, 1 + (select count(*) from consent_events e
          where ${inOrg("e")} and e.person_id = $2 and e.kind = $3)::integer as of_kind from added a
      union all
      select e.id, e.recorded_at, true, (select count(*) from consent_events o
          where ${inOrg("o")} and o.person_id = $2 and o.kind = $3)::integer from consent_events e
        where ${inOrg("e")} and e.person_id = $2 and e.digest = $4 and not exists (select from added)`,
    params: [event.id, event.personId, event.kind, event.digest, event.body],
  };
}
