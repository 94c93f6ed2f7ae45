import { inOrg } from "../in-org.ts";
import type { Statement } from "../transport.ts";

/** The suppressions of each number, under every pepper. `ended_at`: a lift that came after; what it ends is the suppression gate's to say. */
/** Whose numbers these are: no more of them than their ids. */
export function personsOfNumbers(hmacs: readonly string[]): Statement {
  return {
    name: "persons.of_numbers",
    bookkeeping: true,
    text: `
      select p.id from persons p where ${inOrg("p")} and p.e164_hmac = any ($1::bytea[])
      union select a.person_id from person_aliases a where ${inOrg("a")} and a.e164_hmac = any ($1::bytea[])
      order by id`,
    params: [hmacs],
  };
}

export function suppressionsOfNumbers(ats: readonly number[], hmacs: readonly string[]): Statement {
  return {
    name: "suppressions.of_numbers",
    text: `
      select u.at, s.id, s.source, s.by_org, s.recorded_at, s.note,
        (select min(l.recorded_at) from consent_events l
          where ${inOrg("l")} and l.person_id = s.person_id and l.kind = 'lift' and l.recorded_at > s.recorded_at) as lifted_at
      from unnest($1::integer[], $2::bytea[]) as u(at, hmac)
      join lateral (
        select p.id from persons p where ${inOrg("p")} and p.e164_hmac = u.hmac
        union select a.person_id from person_aliases a where ${inOrg("a")} and a.e164_hmac = u.hmac) person on true
      join suppressions s on ${inOrg("s")} and s.person_id = person.id
      order by u.at, s.recorded_at, s.id limit 10000`,
    params: [ats, hmacs],
  };
}
