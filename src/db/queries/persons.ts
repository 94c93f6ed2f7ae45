import { inOrg } from "../in-org.ts";
import type { Statement } from "../transport.ts";

/** A number as the database knows it: the newest pepper's hash, and those of all peppers, for the look-up. */
export interface PersonKey {
  readonly newId: string;
  readonly hmac: string;
  readonly pepperVersion: number;
  readonly allHmacs: readonly string[];
}

/**
 * The persons of these numbers, made where they are missing, each with its facts_version raised: whatever was decided
 * about them without this write is void. Answers `at` (index in `keys`) and `person_id`, locked in the order of ids.
 */
export function touchPersons(keys: readonly PersonKey[]): Statement[] {
  const known = `
    select u.at, coalesce(p.id, a.person_id) as person_id
    from unnest($1::integer[], $2::bytea[]) as u(at, hmac)
    left join persons p on ${inOrg("p")} and p.e164_hmac = u.hmac
    left join person_aliases a on ${inOrg("a")} and a.e164_hmac = u.hmac
    where p.id is not null or a.person_id is not null`;
  const pairs = keys.flatMap((key, at) => key.allHmacs.map((hmac) => ({ at, hmac })));
  const ats = pairs.map((pair) => pair.at);
  const hmacs = pairs.map((pair) => pair.hmac);
  return [
    {
      name: "persons.make",
      // In the order of hashes: two batches that make the same numbers wait for each other instead of deadlocking.
      text: `insert into persons (org_id, id, e164_hmac, pepper_version)
        select (select app.org()), n.id, n.hmac, n.version
        from unnest($3::integer[], $4::uuid[], $5::bytea[], $6::smallint[]) as n(at, id, hmac, version)
        where n.at not in (select k.at from (${known}) k)
        order by n.hmac
        on conflict (org_id, e164_hmac) do nothing`,
      params: [
        ats,
        hmacs,
        keys.map((_, at) => at),
        keys.map((key) => key.newId),
        keys.map((key) => key.hmac),
        keys.map((key) => key.pepperVersion),
      ],
    },
    {
      name: "persons.lock",
      text: `select x.id from persons x where ${inOrg("x")} and x.id in (select k.person_id from (${known}) k) order by x.id for no key update`,
      params: [ats, hmacs],
    },
    {
      name: "persons.touch",
      text: `with touched as (
          update persons x set facts_version = x.facts_version + 1
          where ${inOrg("x")} and x.id in (select k.person_id from (${known}) k) returning x.id)
        select distinct k.at, k.person_id from (${known}) k`,
      params: [ats, hmacs],
    },
  ];
}

/** Cancels what is permitted, closes what waits, asks the provider to end what rings. The caller writes the reason's own row. */
export function stopPerson(personId: string, reason: string): Statement {
  return {
    name: "app.stop_person",
    text: "select attempts_cancelled, enrolments_closed from app.stop_person($1, $2)",
    params: [personId, reason],
  };
}

/** What a gate held may be judged again. All persons of a change in one call: it takes their locks in one order. */
export function reopenPersons(personIds: readonly string[]): Statement {
  return { name: "app.reopen_persons", text: "select app.reopen_persons($1::uuid[]) as reopened", params: [personIds] };
}

export function bumpPerson(personId: string): Statement {
  return {
    name: "persons.bump",
    text: `update persons p set facts_version = p.facts_version + 1 where ${inOrg("p")} and p.id = $1`,
    params: [personId],
  };
}
